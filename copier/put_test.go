//go:build linux

package copier

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// shop is a source and a directory to put it in.
type shop struct {
	t        *testing.T
	src, dir string
	put      Put
	after    func() // of deltaFaults
	log      platformtest.Log
}

func newShop(t *testing.T, content []byte) *shop {
	t.Helper()
	s := &shop{t: t, dir: filepath.Join(t.TempDir(), "dst")}
	s.src = s.dir + ".src"
	if err := errors.Join(os.Mkdir(s.dir, 0o755), os.WriteFile(s.src, content, 0o640)); err != nil {
		t.Fatal(err)
	}
	var st platform.Stat
	src, dir := open(t, s.src, os.O_RDONLY), open(t, s.dir, os.O_RDONLY)
	if err := platform.Native().Fstat(dir, &st); err != nil {
		t.Fatal(err)
	}
	s.put = Put{Dir: dir, DirIno: st.Ino, DirDev: st.Dev, Name: platform.MustName("f"), Src: src, Stat: new(platform.Stat), OldFD: platform.None, Stage: Unnamed}
	if err := platform.Native().Fstat(src, s.put.Stat); err != nil {
		t.Fatal(err)
	}
	return s
}

// replacing makes an existing file what is replaced.
func (s *shop) replacing(content []byte, stage Stage) {
	s.t.Helper()
	path := filepath.Join(s.dir, "f")
	if err := os.WriteFile(path, content, 0o604); err != nil {
		s.t.Fatal(err)
	}
	s.put.Old, s.put.Stage, s.put.KeepOld = new(platform.Stat), stage, stage == Sibling
	fd, err := syscall.Open(path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.put.OldFD = platform.FD(fd)
	if stage != InPlace { // which closes it
		s.t.Cleanup(func() { syscall.Close(fd) })
	}
	if err := platform.Native().Fstat(s.put.OldFD, s.put.Old); err != nil {
		s.t.Fatal(err)
	}
}

// run puts the file and fails the test if a descriptor or a temporary name is left.
func (s *shop) run(calls *platform.Calls, opts Options) error {
	s.t.Helper()
	err := New(s.log.Wrap(calls), opts, uint32(os.Geteuid())).NewWorker().Put(s.t.Context(), &s.put)
	if open := s.log.Open(); len(open) > 0 {
		s.t.Errorf("left open: %q", open)
	}
	names, _ := os.ReadDir(s.dir)
	for _, n := range names {
		if strings.HasPrefix(n.Name(), ".") {
			s.t.Errorf("litter: %q", n.Name())
		}
	}
	return err
}

// holds fails the test if the file isn't want, or is there though want is nil.
func (s *shop) holds(want []byte) {
	s.t.Helper()
	got, err := os.ReadFile(filepath.Join(s.dir, "f"))
	if want == nil && os.IsNotExist(err) {
		return
	}
	if err != nil || !bytes.Equal(got, want) {
		s.t.Errorf("the file has %d bytes, want %d (%v)", len(got), len(want), err)
	}
}

// meddle changes the source at every look at it after the copy, times times, and returns
// what makes the calls.
func (s *shop) meddle(calls *platform.Calls, times int, change func()) *platform.Calls {
	fstat := calls.Fstat
	calls.Fstat = func(fd platform.FD, st *platform.Stat) error {
		if fd == s.put.Src && times > 0 {
			times--
			change()
		}
		return fstat(fd, st)
	}
	return calls
}

// TestChanged copies a source again that changed meanwhile, whatever method moved it.
func TestChanged(t *testing.T) {
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		for _, stage := range []Stage{Plain, Unnamed, Sibling, InPlace} {
			for _, size := range []int{1, 70000, 200000} {
				s := newShop(t, noise(100000))
				if stage == Sibling || stage == InPlace {
					s.replacing(noise(250000), stage)
				}
				s.put.Stage = stage
				changed := noise(size)
				calls := s.meddle(sipping(only(m), 30000), 1, func() {
					if err := os.WriteFile(s.src, changed, 0o640); err != nil {
						t.Fatal(err)
					}
				})
				if err := s.run(calls, Options{}); err != nil {
					t.Errorf("%v, %v, %d bytes: %v", m, stage, size, err)
				}
				s.holds(changed)
				if s.put.Result.Attempts != 2 || s.put.Result.Bytes != int64(size) {
					t.Errorf("%v, %v: %+v", m, stage, s.put.Result)
				}
			}
		}
	}
}

// TestChangesForEver gives up, and leaves what was there.
func TestChangesForEver(t *testing.T) {
	for _, stage := range []Stage{Plain, Unnamed, Sibling} {
		s := newShop(t, noise(100000))
		var old []byte
		if stage == Sibling {
			old = noise(250000)
			s.replacing(old, stage)
		}
		s.put.Stage = stage
		size := 1
		calls := s.meddle(platform.Native(), 1<<30, func() {
			size++
			if err := os.WriteFile(s.src, noise(size), 0o640); err != nil {
				t.Fatal(err)
			}
		})
		if err := s.run(calls, Options{}); !errors.Is(err, ErrChanged) {
			t.Errorf("%v: %v", stage, err)
		}
		s.holds(old)
		if s.put.Result.Attempts != maxAttempts {
			t.Errorf("%v: %+v", stage, s.put.Result)
		}
	}
}

// TestNothingStored: of a call that says that it moved what it didn't the size tells, and
// where the size is right --verify does.
func TestNothingStored(t *testing.T) {
	lying := only(CopyFileRange)
	lying.CopyFileRange = func(_ platform.FD, _ int64, _ platform.FD, _ int64, n int) (int, error) { return n, nil }
	s := newShop(t, noise(50000))
	var step *StepError
	if err := s.run(lying, Options{}); !errors.As(err, &step) || step.Step != StepSize {
		t.Errorf("nothing stored: %v", err)
	}
	s.holds(nil)

	for _, h := range []Hash{XXH3, BLAKE3} {
		s := newShop(t, noise(50000))
		c := only(CopyFileRange)
		cfr := c.CopyFileRange
		c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
			moved, err := cfr(dst, dstOff, src, srcOff, n)
			if moved > 0 {
				syscall.Pwrite(int(dst), []byte{0}, dstOff+int64(moved)/2)
			}
			return moved, err
		}
		if err := s.run(c, Options{Verify: h}); !errors.Is(err, ErrVerify) || s.put.Result.Verified {
			t.Errorf("hash %d: %v, %+v", h, err, s.put.Result)
		}
		s.holds(nil)
		if err := s.run(platform.Native(), Options{Verify: h}); err != nil || !s.put.Result.Verified {
			t.Errorf("hash %d, nothing wrong: %v, %+v", h, err, s.put.Result)
		}
	}
}

// TestNoUnnamedFiles falls back to a temporary name where no unnamed file can be had, or
// none be given a name, and then uses it at once.
func TestNoUnnamedFiles(t *testing.T) {
	content := noise(50000)
	for _, errno := range []syscall.Errno{syscall.EOPNOTSUPP, syscall.EISDIR, syscall.EINVAL, syscall.ENOENT} {
		opened := 0
		c := platform.Native()
		openat := c.Openat
		c.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
			if flags&platform.Unnamed == platform.Unnamed {
				opened++
				return platform.None, errno
			}
			return openat(dir, name, flags, mode)
		}
		twice(t, "opening: "+errno.Error(), c, content, &opened)
	}
	for _, errno := range []syscall.Errno{syscall.EOPNOTSUPP, syscall.EXDEV, syscall.EINVAL, syscall.ENOENT, syscall.EPERM, syscall.EACCES, syscall.ENOSYS} {
		linked := 0
		c := platform.Native()
		c.LinkFD = func(platform.FD, platform.FD, platform.Name) error { linked++; return errno }
		twice(t, "linking: "+errno.Error(), c, content, &linked)
	}
	for _, errno := range []syscall.Errno{syscall.EEXIST, syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		s := newShop(t, content)
		c := platform.Native()
		c.LinkFD = func(platform.FD, platform.FD, platform.Name) error { return errno }
		var step *StepError
		if err := s.run(c, Options{}); !errors.As(err, &step) || step.Step != StepPublish || step.Err != error(errno) {
			t.Errorf("linking: %v: %v", errno, err)
		}
		s.holds(nil)
	}
}

// twice puts two files with one worker; the second isn't to be tried in vain.
func twice(t *testing.T, what string, calls *platform.Calls, content []byte, tried *int) {
	t.Helper()
	s := newShop(t, content)
	w := New(s.log.Wrap(calls), Options{}, 0).NewWorker()
	for _, name := range []string{"f", "g"} {
		s.put.Name, s.put.Stage, s.put.Result = platform.MustName(name), Unnamed, Result{}
		if err := w.Put(t.Context(), &s.put); err != nil || s.put.Stage != Sibling {
			t.Errorf("%s: %v, stage %v", what, err, s.put.Stage)
		}
		if got, _ := os.ReadFile(filepath.Join(s.dir, name)); !bytes.Equal(got, content) {
			t.Errorf("%s: %q has %d bytes", what, name, len(got))
		}
	}
	if names, _ := os.ReadDir(s.dir); *tried != 1 || len(names) != 2 || len(s.log.Open()) > 0 {
		t.Errorf("%s: tried %d times, left %v and open %v", what, *tried, names, s.log.Open())
	}
}

// TestOrder: what a step does no later step may undo, and a name is given last.
func TestOrder(t *testing.T) {
	s := newShop(t, noise(50000))
	s.replacing(noise(10), Sibling)
	s.put.KeepOld = false
	if err := os.Chmod(s.src, 0o4750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setxattr(s.src, "user.a", []byte("b"), 0); err != nil && err != syscall.EOPNOTSUPP {
		t.Fatal(err)
	}
	if err := platform.Native().Fstat(s.put.Src, s.put.Stat); err != nil {
		t.Fatal(err)
	}
	s.put.Stat.UID++ // so that it has to be changed; that nobody may is no obstacle
	s.log.Text = true
	c := only(CopyFileRange)
	c.Fchown = func(platform.FD, int, int) error { return nil }
	fstat := c.Fstat
	c.Fstat = func(fd platform.FD, st *platform.Stat) error {
		err := fstat(fd, st)
		if fd == s.put.Src {
			st.UID++
		}
		return err
	}
	opts := Options{Fsync: SyncFull, Verify: XXH3, Preserve: Preserve{Mode: true, Owner: true, Times: true, Xattr: true}}
	if err := s.run(c, opts); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, call := range s.log.Calls() {
		name, _, _ := strings.Cut(call, "(")
		switch name {
		case "CopyFileRange", "Fchown", "Fchmod", "Fsetxattr", "Futimens", "Fdatasync", "Fsync", "Close", "Renameat":
			if len(got) == 0 || got[len(got)-1] != name {
				got = append(got, name)
			}
		}
	}
	want := []string{"CopyFileRange", "Fchown", "Fchmod", "Fsetxattr", "Futimens", "Fdatasync", "Futimens", "Fsync", "Close", "Renameat"}
	if !slices.Contains(got, "Fsetxattr") {
		want = slices.DeleteFunc(want, func(s string) bool { return s == "Fsetxattr" })
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestCannotRemove: what couldn't be removed must not pass for the whole file.
func TestCannotRemove(t *testing.T) {
	s := newShop(t, noise(50000))
	s.put.Stage = Plain
	c := only(ReadWrite)
	c.Pwrite = func(platform.FD, []byte, int64) (int, error) { return -1, syscall.EIO }
	c.Unlinkat = func(platform.FD, platform.Name) error { return syscall.EIO }
	err := New(c, Options{}, 0).NewWorker().Put(t.Context(), &s.put)
	names, _ := os.ReadDir(s.dir)
	if !errors.Is(err, syscall.EIO) || len(names) != 1 || !IsTemp([]byte(names[0].Name()), s.put.DirIno) {
		t.Errorf("%v; left %v", err, names)
	}
}

// TestBeforeCommit: where it fails the file isn't replaced.
func TestBeforeCommit(t *testing.T) {
	s := newShop(t, noise(50000))
	old := noise(10)
	s.replacing(old, Sibling)
	no := errors.New("no")
	s.put.BeforeCommit = func() error {
		s.holds(old)
		return no
	}
	if err := s.run(platform.Native(), Options{}); err != no {
		t.Errorf("error %v", err)
	}
	s.holds(old)
}
