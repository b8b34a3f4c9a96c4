package platformtest

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// OpenDescriptors fails the test at its end if the process then has descriptors open that
// it had not at this call. Tests beside it that open files disturb it, so it is for tests
// that aren't parallel. It skips nothing where the system has no list of descriptors: it
// does nothing there.
func OpenDescriptors(t testing.TB) {
	t.Helper()
	before := descriptors()
	t.Cleanup(func() {
		for fd, target := range descriptors() {
			if _, had := before[fd]; !had {
				t.Errorf("descriptor %s was left open: %s", fd, target)
			}
		}
	})
}

// descriptors returns what is open, by number. The runtime's own are left out: it opens
// them when they are first needed.
func descriptors() map[string]string {
	found := map[string]string{}
	if runtime.GOOS != "linux" {
		return found
	}
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return found
	}
	for _, e := range entries {
		target, err := os.Readlink(dir + "/" + e.Name())
		if err != nil || strings.HasPrefix(target, "anon_inode:") {
			continue // gone already, as the one that read the list is
		}
		found[e.Name()] = target
	}
	return found
}
