//go:build linux

package copier

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// withoutLinks is Portable on a file system that has no hard links.
func withoutLinks() *platform.Calls {
	c := platform.Portable()
	c.Linkat = func(platform.FD, platform.Name, platform.FD, platform.Name, bool) error { return syscall.EPERM }
	return c
}

var renamers = map[string]func() *platform.Calls{
	"renameat2": platform.Native, "links": platform.Portable, "neither": withoutLinks,
}

// makeEntries makes one entry of each kind in a directory.
func makeEntries(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(
		os.WriteFile(dir+"/file", []byte("file"), 0o640), os.Symlink("nowhere", dir+"/link"), syscall.Mkfifo(dir+"/fifo", 0o600),
		os.Mkdir(dir+"/dir", 0o755), os.WriteFile(dir+"/dir/in", []byte("in"), 0o644), os.Mkdir(dir+"/empty", 0o755),
	); err != nil {
		t.Fatal(err)
	}
}

var entryKinds = []string{"file", "link", "fifo", "dir", "empty"}

// TestRenameNew gives every kind of entry a name that is free, and one that each kind has:
// whatever the kernel can do, nothing is replaced but an empty directory by a directory.
func TestRenameNew(t *testing.T) {
	for how, table := range renamers {
		for _, kind := range entryKinds {
			for _, taken := range append(entryKinds, "free") {
				from, to := t.TempDir(), t.TempDir()
				makeEntries(t, from)
				makeEntries(t, to)
				was, err := os.Lstat(from + "/" + kind)
				if err != nil {
					t.Fatal(err)
				}
				old, _ := os.Lstat(to + "/" + taken)
				olddir, newdir := open(t, from, os.O_RDONLY), open(t, to, os.O_RDONLY)
				err = RenameNew(table(), olddir, platform.MustName(kind), newdir, platform.MustName(taken))
				now, _ := os.Lstat(to + "/" + taken)
				_, left := os.Lstat(from + "/" + kind)
				isDir := kind == "dir" || kind == "empty"
				switch {
				case taken == "free" || how != "renameat2" && isDir && taken == "empty":
					if err != nil || !os.SameFile(now, was) || !os.IsNotExist(left) {
						t.Errorf("%s: %s to %s: %v, moved %v, left %v", how, kind, taken, err, os.SameFile(now, was), left == nil)
					}
				case !platform.Exists(err) || left != nil || !os.SameFile(now, old) || now.Size() != old.Size():
					t.Errorf("%s: %s to %s, which is taken: %v, the old name %v", how, kind, taken, err, left)
				}
			}
		}
	}
}

// TestRenameNewFails makes each call fail in turn: then the entry has one of its names, or
// both, and the new one is never anything else.
func TestRenameNewFails(t *testing.T) {
	for how, table := range renamers {
		for _, call := range []string{"RenameNoReplace", "Statat", "Linkat", "Unlinkat", "Openat", "Renameat"} {
			for _, errno := range []syscall.Errno{syscall.EIO, syscall.EPERM, syscall.EINTR} {
				dir := t.TempDir()
				makeEntries(t, dir)
				fd := open(t, dir, os.O_RDONLY)
				was, _ := os.Lstat(dir + "/file")
				err := RenameNew(failing(table(), call, 1, platformtest.Fault{Errno: errno}), fd, platform.MustName("file"), fd, platform.MustName("new"))
				now, there := os.Lstat(filepath.Join(dir, "new"))
				_, left := os.Lstat(dir + "/file")
				if err == nil && (there != nil || left == nil) || err != nil && left != nil || there == nil && !os.SameFile(now, was) {
					t.Errorf("%s, %s fails by %v: %v, new name %v, old name %v", how, call, errno, err, there, left)
				}
				if errno == syscall.EINTR && err != nil {
					t.Errorf("%s, %s interrupted: %v", how, call, err)
				}
			}
		}
	}
}
