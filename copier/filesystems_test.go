//go:build linux

package copier

import (
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestFileSystems is what may come out otherwise on another one.
func TestFileSystems(t *testing.T) {
	for _, fsys := range copiertest.FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			t.Run("holes", func(t *testing.T) { testHoles(t, fsys) })
			t.Run("reflink", func(t *testing.T) { testReflink(t, fsys) })
			t.Run("delta", func(t *testing.T) { testDelta(t, fsys) })
			t.Run("delta space", func(t *testing.T) { testDeltaSpace(t, fsys) })
			t.Run("sharing", func(t *testing.T) { testSharing(t, fsys) })
			t.Run("arrival", func(t *testing.T) { testArrival(t, fsys.Dir) })
			t.Run("arrival space", func(t *testing.T) { testArrivalSpace(t, fsys) })
			t.Run("mode ACL", func(t *testing.T) { testModeACL(t, fsys) })
		})
	}
}
