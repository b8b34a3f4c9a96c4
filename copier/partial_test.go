//go:build linux

package copier

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// keeping gives the shop a directory for parts and returns the part's path.
func (s *shop) keeping() string {
	s.t.Helper()
	dir := s.dir + ".parts"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.put.Partial = &Partial{Dir: open(s.t, dir, os.O_RDONLY), Name: platform.MustName("part")}
	return filepath.Join(dir, "part")
}

// again makes the Put ready for another run.
func (s *shop) again(stage Stage) {
	s.put.Stage, s.put.Result, s.put.Lost = stage, Result{}, Lost{}
}

// breaking makes the source unreadable from off on, with err, or cancels.
func breaking(c *platform.Calls, src platform.FD, off int64, cancel func()) *platform.Calls {
	made := *c
	made.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
		if fd == src && at >= off {
			if cancel == nil {
				return -1, syscall.EIO
			}
			cancel()
		}
		if fd == src {
			b = b[:min(len(b), 30000)]
		}
		return c.Pread(fd, b, at)
	}
	return &made
}

// TestPartial keeps what was copied, and goes on with it.
func TestPartial(t *testing.T) {
	content, old := noise(500000), noise(10)
	for _, stage := range []Stage{Unnamed, Sibling} {
		for _, cancels := range []bool{false, true} {
			for _, sparse := range []When{Auto, Always} {
				for _, delta := range []bool{false, true} {
					if delta && stage == Unnamed {
						continue
					}
					s := newShop(t, content)
					was := []byte(nil)
					if stage == Sibling {
						was = old
						if delta {
							was = edited(content, 5, 400000)
						}
						s.replacing(was, stage)
						s.put.KeepOld = false
					}
					c := only(ReadWrite)
					if delta {
						clones := 0
						s.put.Delta, s.put.Basis, s.put.BasisStat = true, open(t, filepath.Join(s.dir, "f"), os.O_RDONLY), s.put.Old
						c = notOf(cloneByCopy(c, &clones), s.put.Src)
					}
					part := s.keeping()
					ctx, cancel := context.WithCancel(t.Context())
					stop := cancel
					if !cancels {
						stop = nil
					}
					opts := Options{Sparse: sparse}
					err := New(s.log.Wrap(breaking(c, s.put.Src, 200000, stop)), opts, uint32(os.Geteuid())).NewWorker().Put(ctx, &s.put)
					cancel()
					if want := map[bool]error{false: syscall.EIO, true: context.Canceled}[cancels]; !errors.Is(err, want) {
						t.Fatal(err)
					}
					s.holds(was)
					got, err := os.ReadFile(part)
					if err != nil || len(got) < 100000 || len(got) > 300000 || !bytes.Equal(got, content[:len(got)]) || !s.put.Partial.Kept {
						t.Fatalf("kept are %d bytes, %v, %v", len(got), err, s.put.Partial.Kept)
					}
					if l := litter(t, s.dir); len(l) > 0 || len(s.log.Open()) > 0 {
						t.Errorf("left %q and open %q", l, s.log.Open())
					}
					if st, _ := os.Stat(part); st.Mode() != 0o600 {
						t.Errorf("kept with mode %v", st.Mode())
					}

					ctx, cancel = context.WithCancel(t.Context())
					cancel() // before anything was done: nothing is lost
					s.again(stage)
					if err := New(c, opts, uint32(os.Geteuid())).NewWorker().Put(ctx, &s.put); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					s.again(stage)
					if err := s.run(c, opts); err != nil {
						t.Fatal(err)
					}
					s.holds(content)
					if r := s.put.Result; r.Matched < int64(len(got)) || r.Matched+r.Moved != int64(len(content)) {
						t.Errorf("%+v, though %d bytes were kept", r, len(got))
					}
					if _, err := os.Stat(part); !os.IsNotExist(err) {
						t.Errorf("the part is still there: %v", err)
					}
				}
			}
		}
	}
}

// TestPartialFinal keeps the part under the name, so old that nothing takes it
// for whole.
func TestPartialFinal(t *testing.T) {
	content := noise(500000)
	for _, old := range [][]byte{nil, noise(10)} {
		s := newShop(t, content)
		if old != nil {
			s.replacing(old, Sibling)
			s.put.KeepOld = false
		}
		s.put.Partial = &Partial{Dir: s.put.Dir, Name: s.put.Name, Final: true}
		backed := 0
		s.put.BeforeCommit = func() error { backed++; return nil }
		if err := s.run(breaking(only(ReadWrite), s.put.Src, 200000, nil), Options{}); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		var st platform.Stat
		if err := platform.Native().Statat(s.put.Dir, s.put.Name, &st, false); err != nil || st.Mtime != (platform.Time{}) || backed != 1 {
			t.Fatalf("%v, %+v; backed up %d times", err, st, backed)
		}
		s.holds(content[:st.Size])
		if st.Size < 100000 {
			t.Errorf("kept are %d bytes", st.Size)
		}
	}
}

// TestPartialMakes makes the directory when something is to be kept, and the
// caller gives it the metadata.
func TestPartialMakes(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s := newShop(t, noise(500000))
		part := s.keeping()
		dir := s.put.Partial.Dir
		made := 0
		s.put.Partial.Dir = platform.None
		s.put.Partial.Make = func() (platform.FD, error) {
			if made++; fails {
				return platform.None, syscall.EACCES
			}
			return dir, nil
		}
		s.put.Partial.Finish = func(fd platform.FD) error { return platform.Native().Fchmod(fd, 0o640) }
		if err := s.run(breaking(only(ReadWrite), s.put.Src, 200000, nil), Options{}); !errors.Is(err, syscall.EIO) || made != 1 {
			t.Fatal(err, made)
		}
		if st, err := os.Stat(part); (err == nil) == fails || err == nil && st.Mode() != 0o640 {
			t.Errorf("%v, %v", st, err)
		}
		if s.put.Partial.Kept == fails {
			t.Errorf("kept %v", s.put.Partial.Kept)
		}
		s.again(Unnamed)
		if err := s.run(only(ReadWrite), Options{}); err != nil || made != 1 {
			t.Error(err, made)
		}
	}
}

// TestPartialWorthless: of what was read wrongly or changed nothing is kept.
func TestPartialWorthless(t *testing.T) {
	s := newShop(t, noise(500000))
	part := s.keeping()
	lying := only(ReadWrite)
	pwrite := lying.Pwrite
	lying.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) { return pwrite(fd, edited(b, 3), off) }
	if err := s.run(lying, Options{Verify: XXH3}); !errors.Is(err, ErrVerify) {
		t.Error(err)
	}
	if _, err := os.Lstat(part); !os.IsNotExist(err) {
		t.Error("what differs was kept")
	}
	s.again(Unnamed)
	if err := s.run(breaking(only(ReadWrite), s.put.Src, 0, nil), Options{}); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if _, err := os.Lstat(part); !os.IsNotExist(err) {
		t.Error("an empty part was kept")
	}
	s.again(Unnamed)
	n := 0
	if err := s.run(s.meddle(only(ReadWrite), 1<<30, func() {
		n++
		os.WriteFile(s.src, noise(500000+n), 0o640)
	}), Options{}); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	if _, err := os.Lstat(part); !os.IsNotExist(err) {
		t.Error("something was kept")
	}
}

// TestPartialForeign leaves alone what isn't a part of its own.
func TestPartialForeign(t *testing.T) {
	content, other := noise(300000), noise(100000)
	for name, make := range map[string]func(part, target string) error{
		"link":      func(part, target string) error { return os.Symlink(target, part) },
		"hard link": func(part, target string) error { return os.Link(target, part) },
		"directory": func(part, target string) error { return os.Mkdir(part, 0o700) },
		"FIFO":      func(part, target string) error { return syscall.Mkfifo(part, 0o600) },
		"of another": func(part, target string) error {
			if os.Geteuid() != 0 {
				return os.Symlink(target, part)
			}
			return errors.Join(os.WriteFile(part, other, 0o666), os.Chown(part, 12345, 12345))
		},
		"in use": func(part, target string) error {
			if err := os.WriteFile(part, other, 0o600); err != nil {
				return err
			}
			return syscall.Flock(int(open(t, part, os.O_RDWR)), syscall.LOCK_EX)
		},
	} {
		s := newShop(t, content)
		part := s.keeping()
		target := part + ".target"
		if err := errors.Join(os.WriteFile(target, other, 0o600), make(part, target)); err != nil {
			t.Fatal(err)
		}
		if err := s.run(only(ReadWrite), Options{}); err != nil || s.put.Result.Matched != 0 {
			t.Errorf("%s: %v, %+v", name, err, s.put.Result)
		}
		s.holds(content)
		if got, _ := os.ReadFile(target); !bytes.Equal(got, other) {
			t.Errorf("%s: written into", name)
		}
		if _, err := os.Lstat(part); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPartialOther: whatever the part holds, the file is as the source is, and
// nobody can write into it by the name of the part.
func TestPartialOther(t *testing.T) {
	content := noise(300000)
	for _, kept := range [][]byte{edited(content, 0), edited(content[:123456], 100000), noise(400000), append(bytes.Clone(content), 1), content} {
		for _, hold := range []bool{false, true} {
			s := newShop(t, content)
			part := s.keeping()
			if err := os.WriteFile(part, kept, 0o666); err != nil {
				t.Fatal(err)
			}
			c := only(ReadWrite)
			var stat platform.Stat
			if hold {
				// As with --delay-updates: where parts are kept the whole waits.
				if err := platform.Native().Fstat(s.put.Partial.Dir, &stat); err != nil {
					t.Fatal(err)
				}
				s.put.StageDir = &StageDir{s.put.Partial.Dir, stat.Ino}
				s.put.Hold, s.put.HoldName = true, s.put.Partial.Name
			}
			closing := c.Close
			c.Close = func(fd platform.FD) error {
				var there, staged syscall.Stat_t
				if syscall.Fstat(int(fd), &staged) == nil && syscall.Lstat(part, &there) == nil && there.Ino == staged.Ino {
					t.Error("it is unlocked under a name that another run may look for")
				}
				return closing(fd)
			}
			if err := s.run(c, Options{}); err != nil {
				t.Fatal(err)
			}
			if hold {
				s.holds(nil)
				if got, err := os.ReadFile(part); !bytes.Equal(got, content) {
					t.Errorf("held are %d bytes, %v", len(got), err)
				}
				continue
			}
			s.holds(content)
			if _, err := os.Lstat(part); !os.IsNotExist(err) {
				t.Errorf("the part is still there: %v", err)
			}
		}
	}
}

// TestPartialFaults: whatever fails, nothing wrong is published, and the next
// run is not led astray.
func TestPartialFaults(t *testing.T) {
	content, old := noise(200000), noise(10)
	deltaFaults(t, func(t *testing.T) (*shop, *platform.Calls, Options, []byte, []byte) {
		s := newShop(t, content)
		s.replacing(old, Sibling)
		s.put.KeepOld = false
		part := s.keeping()
		if err := os.WriteFile(part, edited(content[:150000], 140000), 0o600); err != nil {
			t.Fatal(err)
		}
		s.after = func() {
			s.again(Sibling)
			if err := s.run(only(ReadWrite), Options{}); err != nil {
				t.Error(err)
			}
			s.holds(content)
		}
		return s, only(ReadWrite), Options{}, content, old
	})
}
