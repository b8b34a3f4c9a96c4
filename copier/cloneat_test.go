//go:build linux

package copier

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// cloning is a kernel that clones by CloneAt only.
func cloning() *platform.Calls {
	c := platform.Portable()
	c.CloneAt = platformtest.CloneAt(platform.Native())
	return c
}

// labelled gives the source an attribute, odd rights and an old time.
func (s *shop) labelled() {
	s.t.Helper()
	old := time.Unix(1_000_000_000, 0)
	if err := errors.Join(syscall.Setxattr(s.src, "user.a", []byte("x"), 0), os.Chmod(s.src, 0o466), os.Chtimes(s.src, old, old)); err != nil {
		s.t.Fatal(err)
	}
	if err := platform.Native().Fstat(s.put.Src, s.put.Stat); err != nil {
		s.t.Fatal(err)
	}
}

// TestCloneAt makes files as clones and looks whether they are what an ordinary copy would
// have been: what came along with the clone stays only where it was asked for.
func TestCloneAt(t *testing.T) {
	for _, stage := range []Stage{Plain, Unnamed, Sibling} {
		for _, keep := range []bool{false, true} {
			s := newShop(t, noise(100000))
			s.labelled()
			s.put.Stage, s.put.Umask = stage, 0o027
			if stage == Sibling {
				s.replacing(noise(5), Sibling)
				s.put.KeepOld = !keep
			}
			start := time.Now().Add(-time.Second)
			err := s.run(cloning(), Options{Preserve: Preserve{Mode: keep, Times: keep, Xattr: keep}})
			s.holds(noise(100000))
			if r := &s.put.Result; err != nil || r.Method != Reflink || r.Cloned != 100000 || r.Moved != 0 {
				t.Errorf("%v, kept %v: %v %+v", stage, keep, err, r)
			}
			st, err := os.Lstat(filepath.Join(s.dir, "f"))
			if err != nil {
				t.Fatal(err)
			}
			mode := os.FileMode(0o440)
			switch {
			case keep:
				mode = 0o466
			case s.put.KeepOld:
				mode = 0o604
			}
			if st.Mode() != mode {
				t.Errorf("%v, kept %v: mode %v, want %v", stage, keep, st.Mode(), mode)
			}
			if old := st.ModTime().Before(start); old != keep {
				t.Errorf("%v, kept %v: of %v", stage, keep, st.ModTime())
			}
			if n, err := syscall.Getxattr(filepath.Join(s.dir, "f"), "user.a", nil); (err == nil) != keep {
				t.Errorf("%v, kept %v: attribute %d %v", stage, keep, n, err)
			}
		}
	}
}

// TestCloneAtUnwanted: a clone is made where the table wants one first, and nowhere else.
func TestCloneAtUnwanted(t *testing.T) {
	for name, opts := range map[string]Options{
		"never": {Reflink: Never}, "another method": {Methods: []Method{ReadWrite, Reflink}}, "holes filled": {Sparse: Never},
	} {
		s := newShop(t, noise(1000))
		c := cloning()
		c.CloneAt = func(platform.FD, platform.FD, platform.Name) error {
			t.Errorf("%s: cloned", name)
			return syscall.EIO
		}
		if err := s.run(c, opts); err != nil || s.put.Result.Method != ReadWrite {
			t.Errorf("%s: %v, %v", name, err, s.put.Result.Method)
		}
	}
}

// TestCloneAtRefused: what is refused is copied, a file system that has no clones is not
// asked twice, and an error that a copy might hide is final.
func TestCloneAtRefused(t *testing.T) {
	for errno, want := range map[syscall.Errno]int{syscall.EXDEV: 1, syscall.EOPNOTSUPP: 1, syscall.EINVAL: 2, syscall.EACCES: 2} {
		asked := 0
		c := cloning()
		c.CloneAt = func(platform.FD, platform.FD, platform.Name) error { asked++; return errno }
		s := newShop(t, noise(1000))
		w := New(c, Options{}, uint32(os.Geteuid())).NewWorker()
		for _, name := range []string{"f", "g"} {
			put := s.put
			put.Name = platform.MustName(name)
			if err := w.Put(t.Context(), &put); err != nil || put.Result.Method != ReadWrite {
				t.Errorf("%v: %v %v", errno, err, put.Result.Method)
			}
		}
		s.holds(noise(1000))
		if asked != want {
			t.Errorf("%v: asked %d times, want %d", errno, asked, want)
		}
	}
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		s := newShop(t, noise(1000))
		c := cloning()
		c.CloneAt = func(platform.FD, platform.FD, platform.Name) error { return errno }
		if err := s.run(c, Options{}); !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
		s.holds(nil)
	}
	// What a clone brings along and can't be taken away (an ACL on macOS) is of that file.
	asked := 0
	c := cloning()
	make, remove := c.CloneAt, c.Fremovexattr
	c.CloneAt = func(src, dir platform.FD, name platform.Name) error { asked++; return make(src, dir, name) }
	c.Fremovexattr = func(fd platform.FD, attr platform.Name) error {
		if asked == 1 {
			return errors.ErrUnsupported
		}
		return remove(fd, attr)
	}
	s := newShop(t, noise(1000))
	s.labelled()
	w := New(c, Options{}, uint32(os.Geteuid())).NewWorker()
	for i, want := range []Method{ReadWrite, Reflink} {
		put := s.put
		put.Name = platform.MustName(string(rune('f' + i)))
		if err := w.Put(t.Context(), &put); err != nil || put.Result.Method != want {
			t.Errorf("%d clones: %v %v, want %v", asked, err, put.Result.Method, want)
		}
	}

	s = newShop(t, noise(1000))
	c = cloning()
	c.CloneAt = func(platform.FD, platform.FD, platform.Name) error { return syscall.EXDEV }
	if err := s.run(c, Options{Methods: []Method{Reflink}}); err == nil || s.put.Result.Refusals()[0].Err != syscall.EXDEV {
		t.Errorf("forced: %v, %v", err, s.put.Result.Refusals())
	}
	s.holds(nil)
}

// TestCloneAtStale: a clone that lacks the data, and a source that changed after it was
// cloned, are both copied.
func TestCloneAtStale(t *testing.T) {
	s := newShop(t, noise(100000))
	c := cloning()
	make := c.CloneAt
	c.CloneAt = func(src, dir platform.FD, name platform.Name) error {
		err := make(src, dir, name)
		fd, _ := c.Openat(dir, name, platform.WriteOnly, 0)
		return errors.Join(err, c.Ftruncate(fd, 0), c.Close(fd))
	}
	if err := s.run(c, Options{}); err != nil || s.put.Result.Method != ReadWrite {
		t.Errorf("empty clone: %v %v", err, s.put.Result.Method)
	}
	s.holds(noise(100000))

	s = newShop(t, noise(100000))
	calls := s.meddle(cloning(), 1, func() {
		if err := os.WriteFile(s.src, noise(70000), 0o640); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.run(calls, Options{}); err != nil || s.put.Result.Attempts != 2 {
		t.Errorf("changed: %v %+v", err, s.put.Result)
	}
	s.holds(noise(70000))
}

// TestCloneAtDenied: a source that its owner may not write is cloned, by root with no call
// that changes a mode by name.
func TestCloneAtDenied(t *testing.T) {
	for uid, want := range map[uint32]int{0: 0, 1: 1} {
		s := newShop(t, noise(1000))
		s.put.Stage = Plain
		c, denied, changed := cloning(), uid != 0, 0
		openat, fstat := c.Openat, c.Fstat
		c.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
			if denied && flags&platform.Create == 0 {
				return platform.None, syscall.EACCES
			}
			return openat(dir, name, flags, mode)
		}
		c.Fchmodat = func(platform.FD, platform.Name, uint32) error { denied = false; changed++; return nil }
		c.Fstat = func(fd platform.FD, st *platform.Stat) error {
			err := fstat(fd, st)
			st.UID = uid
			return err
		}
		err := New(c, Options{}, uid).NewWorker().Put(t.Context(), &s.put)
		if err != nil || s.put.Result.Method != Reflink || changed != want {
			t.Errorf("user %d: %v, %v, %d modes changed by name, want %d", uid, err, s.put.Result.Method, changed, want)
		}
		s.holds(noise(1000))
	}
}

// TestCloneAtFails makes every call fail that makes a clone look like a new file. The file
// is whole or not there, and nothing is left behind.
func TestCloneAtFails(t *testing.T) {
	for _, call := range []string{"CloneAt", "Fchmodat", "Openat", "Fstat", "Flistxattr", "Fremovexattr", "Fchmod", "Futimens", "Flock"} {
		for _, errno := range []syscall.Errno{syscall.EIO, syscall.EPERM, syscall.EINVAL, syscall.EOPNOTSUPP, syscall.ENOSPC} {
			for _, stage := range []Stage{Plain, Sibling} {
				s := newShop(t, noise(3000))
				s.labelled()
				s.put.Stage = stage
				err := s.run(failing(cloning(), call, 1, platformtest.Fault{Errno: errno}), Options{})
				if err != nil {
					s.holds(nil)
					continue
				}
				s.holds(noise(3000))
				if call == "Flistxattr" && errno == syscall.EOPNOTSUPP {
					continue // that there are no attributes is believed
				}
				if _, err := syscall.Getxattr(filepath.Join(s.dir, "f"), "user.a", nil); err == nil {
					t.Errorf("%s fails by %v: the attribute stayed", call, errno)
				}
			}
		}
	}
}
