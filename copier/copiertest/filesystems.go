package copiertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// FileSystem is a scratch file system, or a plain directory where none can be mounted.
type FileSystem struct {
	// Name is "ext4", "xfs", "btrfs" or "tmpfs", or "tempdir" for a plain directory.
	Name string
	// Dir is an empty directory on it, mode 0755, owned by the caller.
	Dir string
}

// MountOptions says what to mount. The zero value is useful.
type MountOptions struct {
	// Size is that of each file system in bytes; 0 means 2 GiB. The images are sparse, so
	// it costs only what is written. xfs needs 300 MiB and btrfs 110 MiB.
	Size int64
	// Names are those of the file systems, in order; none means ext4, xfs, btrfs, tmpfs.
	Names []string
	// Options are mount options. They come after noatime, which is always given: without
	// it the first of two copies would change the access times that the second one keeps.
	Options []string
}

const defaultSize = 2 << 30

func (o MountOptions) withDefaults() MountOptions {
	if o.Size == 0 {
		o.Size = defaultSize
	}
	if len(o.Names) == 0 {
		o.Names = []string{"ext4", "xfs", "btrfs", "tmpfs"}
	}
	return o
}

// Mounts is a set of mounted scratch file systems. It may be used from several goroutines.
type Mounts struct {
	base  string
	list  []FileSystem
	guard *guard
}

// MountAll mounts scratch file systems for a whole test binary, to be called in TestMain.
// The caller closes them. They also go when the process dies without closing them: see
// guard. The error tells what could not be mounted; then nothing is left mounted.
func MountAll(opt MountOptions) (*Mounts, error) {
	if reason := missing("loopfs"); reason != "" {
		return nil, fmt.Errorf("loopfs: %s", reason)
	}
	return mountAll(opt.withDefaults())
}

// Close unmounts the file systems and removes everything that belongs to them. An error
// tells that one was busy, which means a descriptor or a working directory left behind by
// a test; it is detached all the same.
func (m *Mounts) Close() error { return m.guard.release() }

// FileSystems returns the file systems, each with a fresh directory of its own, which is
// removed at the end of the test.
func (m *Mounts) FileSystems(t testing.TB) []FileSystem {
	t.Helper()
	list := make([]FileSystem, len(m.list))
	for i, fsys := range m.list {
		dir, err := os.MkdirTemp(fsys.Dir, "test")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		})
		list[i] = FileSystem{Name: fsys.Name, Dir: dir}
	}
	return list
}

// FileSystems mounts ext4, xfs, btrfs and tmpfs for one test: see [Mount].
func FileSystems(t testing.TB) []FileSystem {
	t.Helper()
	return Mount(t, MountOptions{})
}

// Mount mounts scratch file systems for one test and unmounts them at its end. Where they
// can't be mounted it returns one plain directory, and each file system that is missing
// becomes a skipped subtest, so that it is seen; it fails the test when [EnvRequire] lists
// loopfs.
func Mount(t testing.TB, opt MountOptions) []FileSystem {
	t.Helper()
	m, err := MountAll(opt)
	if err != nil {
		return instead(t, opt, err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return m.list
}

// instead returns the plain directory that stands in for file systems that can't be
// mounted, because of err.
func instead(t testing.TB, opt MountOptions, err error) []FileSystem {
	t.Helper()
	if required("loopfs") {
		t.Fatalf("mounting: %v", err)
	}
	for _, name := range opt.withDefaults().Names {
		if t, ok := t.(*testing.T); ok {
			t.Run(name, func(t *testing.T) { t.Skip(err) })
		}
	}
	dir := filepath.Join(t.TempDir(), "scratch")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return []FileSystem{{Name: "tempdir", Dir: dir}}
}
