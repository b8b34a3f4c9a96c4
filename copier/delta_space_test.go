//go:build linux

package copier

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// testDeltaSpace: what changed in a clone takes its own size of new space.
func testDeltaSpace(t *testing.T, fsys copiertest.FileSystem) {
	if fsys.Name != "xfs" && fsys.Name != "btrfs" {
		t.Skip("has no clones")
	}
	const size = 8 << 20
	old := noise(size)
	var at []int
	for off := 0; off < size; off += 1 << 17 {
		at = append(at, off)
	}
	s := newShop(t, edited(old, at...))
	path := filepath.Join(fsys.Dir, "deltaspace")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	s.dir, s.put.Dir = path, open(t, path, os.O_RDONLY)
	var st platform.Stat
	if err := platform.Native().Fstat(s.put.Dir, &st); err != nil {
		t.Fatal(err)
	}
	s.put.DirIno, s.put.DirDev = st.Ino, st.Dev
	s.resembling(old, Sibling) // open, so that nothing of it is freed
	syscall.Sync()
	before := usedOn(t, path)
	if err := s.run(platform.Native(), Options{}); err != nil {
		t.Fatal(err)
	}
	s.holds(edited(old, at...))
	syscall.Sync()
	if got := usedOn(t, path) - before; got > 1<<20 {
		t.Errorf("%d bytes of new space for %d changed blocks", got, len(at))
	}
	was, err := platform.Native().CowExtent(open(t, filepath.Join(path, "f"), os.O_RDWR), 0)
	if was > 0 || err != nil && fsys.Name == "xfs" {
		t.Errorf("the extent size is %d, %v", was, err)
	}
}
