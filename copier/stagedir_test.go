//go:build linux

package copier

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// aside gives the shop a directory to stage in.
func (s *shop) aside() string {
	s.t.Helper()
	dir := s.dir + ".aside"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	fd := open(s.t, dir, os.O_RDONLY)
	var st platform.Stat
	if err := platform.Native().Fstat(fd, &st); err != nil {
		s.t.Fatal(err)
	}
	s.put.StageDir = &StageDir{fd, st.Ino}
	return dir
}

// names returns the names in a directory.
func names(t testing.TB, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestFinish: what the caller does to the file stands when it has its name.
func TestFinish(t *testing.T) {
	content := noise(50000)
	for _, stage := range []Stage{Plain, Unnamed, Sibling, InPlace} {
		for _, verify := range []Hash{NoHash, XXH3} {
			s := newShop(t, content)
			if stage == Sibling || stage == InPlace {
				s.replacing(noise(10), stage)
			}
			s.put.Stage, s.put.KeepOld = stage, false
			called := 0
			when := platform.Time{Sec: 1234567, Nsec: 89}
			s.put.Finish = func(fd platform.FD) (Lost, error) {
				called++
				var st platform.Stat
				c := platform.Native()
				err := c.Fstat(fd, &st)
				if stage != InPlace && st.Mode&platform.ModeBits != 0o600 {
					t.Errorf("%v: it had mode %o", stage, st.Mode)
				}
				if st.Size != int64(len(content)) {
					t.Errorf("%v: it had %d bytes", stage, st.Size)
				}
				return Lost{Attrs: AttrXattr}, errors.Join(err, c.Fchmod(fd, 0o4711), c.Futimens(fd, when, when))
			}
			if err := s.run(platform.Native(), Options{Verify: verify, Preserve: Preserve{Mode: true, Times: true}}); err != nil {
				t.Fatalf("%v: %v", stage, err)
			}
			var st platform.Stat
			if err := platform.Native().Statat(s.put.Dir, s.put.Name, &st, false); err != nil {
				t.Fatal(err)
			}
			s.holds(content) // which reads it, and so moves the access time
			if called != 1 || st.Mode&platform.ModeBits != 0o4711 || st.Mtime != when || st.Atime != when || s.put.Lost.Attrs != AttrXattr {
				t.Errorf("%v: called %d times; mode %o, time %v, lost %v", stage, called, st.Mode, st.Mtime, s.put.Lost)
			}
		}
	}
}

// TestFinishFails: then there is no file, or the old one.
func TestFinishFails(t *testing.T) {
	no := errors.New("no")
	for _, stage := range []Stage{Plain, Unnamed, Sibling} {
		s := newShop(t, noise(50000))
		var old []byte
		if stage == Sibling {
			old = noise(10)
			s.replacing(old, stage)
		}
		s.put.Stage = stage
		s.put.Finish = func(platform.FD) (Lost, error) { return Lost{}, no }
		if err := s.run(platform.Native(), Options{}); err != no {
			t.Errorf("%v: %v", stage, err)
		}
		s.holds(old)
	}
}

// TestRename replaces what was not looked at, and only if asked to.
func TestRename(t *testing.T) {
	content, old := noise(50000), noise(10)
	for _, rename := range []bool{false, true} {
		s := newShop(t, content)
		s.replacing(old, Sibling)
		s.put.Old, s.put.KeepOld, s.put.Rename = nil, false, rename
		err := s.run(platform.Native(), Options{})
		if rename {
			if err != nil {
				t.Error(err)
			}
			s.holds(content)
			continue
		}
		if !errors.Is(err, syscall.EEXIST) {
			t.Errorf("not asked to replace: %v", err)
		}
		s.holds(old)
	}
}

// TestStageDir grows the file elsewhere, and copies it where that is another
// file system.
func TestStageDir(t *testing.T) {
	content := noise(50000)
	for _, across := range []bool{false, true} {
		for _, replaces := range []bool{false, true} {
			s := newShop(t, content)
			if replaces {
				s.replacing(noise(10), Sibling)
				s.put.KeepOld = false
			}
			dir := s.aside()
			c := platform.Native()
			rename := func(real func(platform.FD, platform.Name, platform.FD, platform.Name) error) func(platform.FD, platform.Name, platform.FD, platform.Name) error {
				return func(from platform.FD, old platform.Name, to platform.FD, new platform.Name) error {
					if from == s.put.StageDir.Dir {
						if n := names(t, dir); len(n) != 1 || !IsTemp([]byte(n[0]), s.put.StageDir.Ino) {
							t.Errorf("staged as %q", n)
						}
						if across {
							return syscall.EXDEV
						}
					}
					return real(from, old, to, new)
				}
			}
			c.Renameat, c.RenameNoReplace = rename(c.Renameat), rename(c.RenameNoReplace)
			if err := os.Chmod(s.src, 0o640); err != nil {
				t.Fatal(err)
			}
			if err := s.run(c, Options{Preserve: Preserve{Mode: true, Times: true}, Verify: XXH3}); err != nil {
				t.Errorf("across %v: %v", across, err)
			}
			s.holds(content)
			if n := names(t, dir); len(n) > 0 {
				t.Errorf("across %v: left %q", across, n)
			}
			var st platform.Stat
			if err := platform.Native().Statat(s.put.Dir, s.put.Name, &st, false); err != nil || st.Mode&platform.ModeBits != 0o640 || st.Mtime != s.put.Stat.Mtime {
				t.Errorf("across %v: %v, mode %o, time %v, not %v", across, err, st.Mode, st.Mtime, s.put.Stat.Mtime)
			}
		}
	}
}

// TestStageDirFails leaves nothing in either directory, and the old file.
func TestStageDirFails(t *testing.T) {
	old := noise(10)
	for _, call := range []string{"Openat", "Pwrite", "Fstat", "Fchmod", "Renameat"} {
		s := newShop(t, noise(50000))
		s.replacing(old, Sibling)
		s.put.KeepOld = false
		dir := s.aside()
		c := only(ReadWrite)
		across := false
		// Everything works until the file is to get its name.
		real := c.Renameat
		c.Renameat = func(from platform.FD, a platform.Name, to platform.FD, b platform.Name) error {
			if from == s.put.StageDir.Dir {
				across = true
				return syscall.EXDEV
			}
			if call == "Renameat" {
				return syscall.EIO
			}
			return real(from, a, to, b)
		}
		openat, pwrite, fstat, fchmod := c.Openat, c.Pwrite, c.Fstat, c.Fchmod
		c.Openat = func(dir platform.FD, n platform.Name, flags int, mode uint32) (platform.FD, error) {
			if across && call == "Openat" {
				return platform.None, syscall.EIO
			}
			return openat(dir, n, flags, mode)
		}
		c.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
			if across && call == "Pwrite" {
				return -1, syscall.EIO
			}
			return pwrite(fd, b, off)
		}
		c.Fstat = func(fd platform.FD, st *platform.Stat) error {
			if across && call == "Fstat" {
				return syscall.EIO
			}
			return fstat(fd, st)
		}
		c.Fchmod = func(fd platform.FD, mode uint32) error {
			if across && call == "Fchmod" {
				return syscall.EIO
			}
			return fchmod(fd, mode)
		}
		err := s.run(c, Options{Preserve: Preserve{Mode: true}})
		if call == "Fchmod" {
			if err != nil || s.put.Lost.Attrs != AttrMode {
				t.Errorf("%s: %v, lost %v", call, err, s.put.Lost)
			}
			continue
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", call, err)
		}
		s.holds(old)
		if n := names(t, dir); len(n) > 0 {
			t.Errorf("%s: left %q", call, n)
		}
	}
}

// TestHold leaves the name alone and the whole file where it was asked for.
func TestHold(t *testing.T) {
	content, old := noise(50000), noise(10)
	for _, elsewhere := range []bool{false, true} {
		s := newShop(t, content)
		s.replacing(old, Sibling)
		dir := s.dir
		if elsewhere {
			dir = s.aside()
		}
		s.put.Hold, s.put.HoldName = true, platform.MustName("held")
		if err := os.WriteFile(filepath.Join(dir, "held"), old, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.run(platform.Native(), Options{}); err != nil {
			t.Error(err)
		}
		s.holds(old)
		if got, _ := os.ReadFile(filepath.Join(dir, "held")); !bytes.Equal(got, content) {
			t.Errorf("held are %d bytes", len(got))
		}
	}
}
