//go:build linux

package copier

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// TestKeepOld: a file that replaces another one has what that would have kept if it had
// been written into, and no more: a write takes capabilities away.
func TestKeepOld(t *testing.T) {
	copiertest.Require(t, "root")
	s := newShop(t, noise(5000))
	s.replacing(noise(10), Sibling)
	path := filepath.Join(s.dir, "f")
	capability := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	if err := errors.Join(
		os.Chown(path, 1234, 4321), unix.Chmod(path, 0o4711), unix.Setxattr(path, "user.a", []byte("b"), 0),
		unix.Setxattr(path, "security.capability", []byte(capability), 0),
		platform.Native().Fstat(s.put.OldFD, s.put.Old),
	); err != nil {
		t.Fatal(err)
	}
	if err := s.run(platform.Native(), Options{}); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if st.Uid != 1234 || st.Gid != 4321 || st.Mode&0o7777 != 0o4711 {
		t.Errorf("owner %d:%d, mode %#o", st.Uid, st.Gid, st.Mode)
	}
	var b [100]byte
	if n, err := unix.Getxattr(path, "user.a", b[:]); err != nil || string(b[:n]) != "b" {
		t.Errorf("user.a is %q, %v", b[:max(n, 0)], err)
	}
	if _, err := unix.Getxattr(path, "security.capability", b[:]); err != unix.ENODATA {
		t.Errorf("the new content has the old one's capabilities: %v", err)
	}
}

// TestKeepOldFails: what can't be reproduced isn't given up, so the old file stays and the
// caller may write into it.
func TestKeepOldFails(t *testing.T) {
	old := noise(10)
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EIO, syscall.EINVAL} {
		for want, breaks := range map[Step]func(*platform.Calls){
			StepOwner: func(c *platform.Calls) { c.Fchown = func(platform.FD, int, int) error { return errno } },
			StepMode:  func(c *platform.Calls) { c.Fchmod = func(platform.FD, uint32) error { return errno } },
			StepACL:   func(c *platform.Calls) { c.Fremovexattr = func(platform.FD, platform.Name) error { return errno } },
			StepXattr: func(c *platform.Calls) { c.Flistxattr = func(platform.FD, []byte) (int, error) { return -1, errno } },
		} {
			s := newShop(t, noise(5000))
			s.replacing(old, Sibling)
			s.put.DefaultACL = true
			if want == StepOwner {
				s.put.Old.UID++
			}
			c := platform.Native()
			breaks(c)
			var step *StepError
			if err := s.run(c, Options{}); !errors.As(err, &step) || step.Step != want || step.Err != error(errno) {
				t.Errorf("step %d, %v: %v", want, errno, err)
			}
			s.holds(old)
		}
	}
}

// TestOwner: who may not give files away keeps what he can, and is told or not.
func TestOwner(t *testing.T) {
	eperm := error(syscall.EPERM)
	for name, c := range map[string]struct {
		required     bool
		owner, group error // of changing both, and the group alone
		lost, failed bool
		mode         uint32
	}{
		"allowed":                     {false, nil, nil, false, false, 0o6755},
		"only the group":              {false, eperm, nil, true, false, 0o755},
		"neither":                     {false, eperm, eperm, true, false, 0o755},
		"an id that isn't mapped":     {false, syscall.EINVAL, nil, true, false, 0o755},
		"not allowed to root":         {true, eperm, nil, true, true, 0o755},
		"an error":                    {false, syscall.EIO, nil, true, true, 0o755},
		"an error, and it's required": {true, syscall.EIO, nil, true, true, 0o755},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, noise(10))
			s.put.Stat.UID += 7
			s.put.Stat.GID += 7
			s.put.Stat.Mode = s.put.Stat.Mode&^0o7777 | 0o6755
			calls := platform.Native()
			fstat := calls.Fstat
			calls.Fstat = func(fd platform.FD, st *platform.Stat) error {
				err := fstat(fd, st)
				if fd == s.put.Src {
					*st = *s.put.Stat
				}
				return err
			}
			var alone bool
			calls.Fchown = func(fd platform.FD, uid, gid int) error {
				if uid == -1 {
					alone = true
					return c.group
				}
				return c.owner
			}
			opts := Options{Preserve: Preserve{Owner: true, Mode: true, RequireOwner: c.required}}
			if err := s.run(calls, opts); err != nil {
				t.Fatal(err)
			}
			l := &s.put.Lost
			if (l.Attrs&AttrOwner != 0) != c.lost || l.Failed != c.failed {
				t.Errorf("lost %+v", l)
			}
			var st unix.Stat_t
			if err := unix.Stat(filepath.Join(s.dir, "f"), &st); err != nil || st.Mode&0o7777 != c.mode {
				t.Errorf("mode %#o, want %#o (%v)", st.Mode, c.mode, err)
			}
			if tolerated := c.lost && !c.failed; alone != tolerated {
				t.Errorf("the group was tried alone: %v", alone)
			}
		})
	}
}

// TestLostXattr: what the destination has no room for in principle is noted, an error and
// what was demanded is a failure, and so is any ACL.
func TestLostXattr(t *testing.T) {
	for _, c := range []struct {
		attr     string
		errno    syscall.Errno
		required bool
		kind     Attr
		failed   bool
	}{
		{"user.a", syscall.EOPNOTSUPP, false, AttrXattr, false},
		{"user.a", syscall.EPERM, false, AttrXattr, false},
		{"user.a", syscall.EOPNOTSUPP, true, AttrXattr, true},
		{"user.a", syscall.EPERM, true, AttrXattr, true},
		{"user.a", syscall.EIO, false, AttrXattr, true},
		{"user.a", syscall.ENOSPC, false, AttrXattr, true},
		{"user.a", syscall.EDQUOT, false, AttrXattr, true},
		{"system.posix_acl_access", syscall.EOPNOTSUPP, false, AttrACL, true},
		{"system.posix_acl_access", syscall.EPERM, false, AttrACL, true},
	} {
		s := newShop(t, noise(10))
		calls := platform.Native()
		calls.Flistxattr = func(_ platform.FD, buf []byte) (int, error) { return copy(buf, c.attr+"\x00"), nil }
		calls.Fgetxattr = func(_ platform.FD, _ platform.Name, buf []byte) (int, error) { return copy(buf, "value"), nil }
		calls.Fsetxattr = func(platform.FD, platform.Name, []byte) error { return c.errno }
		if err := s.run(calls, Options{Preserve: Preserve{Mode: true, Xattr: true, RequireXattr: c.required}}); err != nil {
			t.Fatal(err)
		}
		if l := &s.put.Lost; l.Attrs != c.kind || l.Failed != c.failed || !errors.Is(l.Err, c.errno) {
			t.Errorf("%+v: lost %+v", c, l)
		}
	}
}

// TestNoXattrs: that a file system has none is no loss. Who may not read the list has lost
// what it holds, and anything else is a failure.
func TestNoXattrs(t *testing.T) {
	for errno, want := range map[syscall.Errno]struct{ lost, failed bool }{
		syscall.EOPNOTSUPP: {false, false}, syscall.ENOSYS: {false, false},
		syscall.EINVAL: {true, false}, syscall.EPERM: {true, false}, syscall.EACCES: {true, false},
		syscall.EIO: {true, true}, syscall.ENOENT: {true, true}, syscall.ENOMEM: {true, true},
	} {
		s := newShop(t, noise(10))
		calls := platform.Native()
		calls.Flistxattr = func(platform.FD, []byte) (int, error) { return -1, errno }
		if err := s.run(calls, Options{Preserve: Preserve{Mode: true, Xattr: true}}); err != nil {
			t.Fatal(err)
		}
		if l := &s.put.Lost; (l.Attrs == AttrXattr) != want.lost || (l.Attrs != 0) != want.lost || l.Failed != want.failed {
			t.Errorf("%v: lost %+v", errno, l)
		}
	}
}

// TestHasDefaultACL: only who says that there is none is believed.
func TestHasDefaultACL(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		0: true, syscall.ERANGE: true, syscall.EIO: true, syscall.EBADF: true, syscall.EINVAL: true,
		syscall.ENODATA: false, syscall.EOPNOTSUPP: false, syscall.ENOSYS: false,
	} {
		calls := platform.Native()
		calls.Fgetxattr = func(platform.FD, platform.Name, []byte) (int, error) {
			if errno == 0 {
				return 1, nil
			}
			return -1, errno
		}
		if got := New(calls, Options{}, 0).NewWorker().HasDefaultACL(3); got != want {
			t.Errorf("%v: %v", errno, got)
		}
	}
}

// testModeACL: the kernel takes it for what it stands for and stores none.
func testModeACL(t *testing.T, fsys copiertest.FileSystem) {
	path := filepath.Join(fsys.Dir, "acl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode := range uint32(0o1000) {
		err := unix.Setxattr(path, "system.posix_acl_access", modeACL(mode), 0)
		if err == unix.EOPNOTSUPP && fsys.Name == "tempdir" {
			t.Skip("no ACLs here")
		}
		var st unix.Stat_t
		if err := errors.Join(err, unix.Stat(path, &st)); err != nil {
			t.Fatalf("mode %#o: %v", mode, err)
		}
		if _, err := unix.Getxattr(path, "system.posix_acl_access", nil); err != unix.ENODATA || st.Mode&0o777 != mode {
			t.Errorf("mode %#o: %#o, ACL %v", mode, st.Mode, err)
		}
	}
}
