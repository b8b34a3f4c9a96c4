//go:build linux

package copier

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// cloneByCopy makes a table whose clones work everywhere, of files that a test
// can have, and count.
func cloneByCopy(c *platform.Calls, clones *int) *platform.Calls {
	made := *c
	made.Clone = func(dst, src platform.FD) error {
		var st syscall.Stat_t
		if err := syscall.Fstat(int(src), &st); err != nil {
			return err
		}
		b := make([]byte, st.Size)
		if n, err := syscall.Pread(int(src), b, 0); err != nil || n != len(b) {
			return syscall.EIO
		}
		if n, err := syscall.Pwrite(int(dst), b, 0); err != nil || n != len(b) {
			return syscall.EIO
		}
		*clones++
		return nil
	}
	return &made
}

// notOf makes clones of one file impossible, as those of another file system.
func notOf(c *platform.Calls, fd platform.FD) *platform.Calls {
	made := *c
	made.Clone = func(dst, src platform.FD) error {
		if src == fd {
			return syscall.EINVAL
		}
		return c.Clone(dst, src)
	}
	return &made
}

// resembling makes the old file the basis.
func (s *shop) resembling(old []byte, stage Stage) {
	s.t.Helper()
	s.replacing(old, stage)
	s.put.KeepOld, s.put.Delta = false, true
	s.put.Basis, s.put.BasisStat = open(s.t, filepath.Join(s.dir, "f"), os.O_RDONLY), s.put.Old
}

// edited returns b with the bytes at each of the offsets changed.
func edited(b []byte, at ...int) []byte {
	b = bytes.Clone(b)
	for _, i := range at {
		b[i] ^= 0xff
	}
	return b
}

// TestDelta: what is the same is not written.
func TestDelta(t *testing.T) {
	const size = 1 << 20
	old := noise(size)
	for name, c := range map[string]struct {
		new           []byte
		moved, placed int64
	}{
		"the same":      {old, 0, 0},
		"first byte":    {edited(old, 0), 4096, 4096},
		"last byte":     {edited(old, size-1), 4096, 4096},
		"neighbours":    {edited(old, 4095, 4096), 8192, 8192},
		"two":           {edited(old, 5, size/2), 8192, 8192},
		"cut":           {old[:size/2+17], 0, 0},
		"longer":        {append(bytes.Clone(old), noise(100)...), 100, 100},
		"longer by one": {append(bytes.Clone(old), 1), 1, 1},
		"other":         {bytes.Repeat([]byte{0}, size), size, size},
		"small":         {edited(old[:40000], 7), 40000, 4096},
	} {
		for _, stage := range []Stage{Sibling, InPlace} {
			s := newShop(t, c.new)
			s.resembling(old, stage)
			clones := 0
			calls := notOf(cloneByCopy(only(ReadWrite), &clones), s.put.Src)
			if err := s.run(calls, Options{Reflink: Auto, Verify: map[Stage]Hash{Sibling: XXH3}[stage]}); err != nil {
				t.Fatalf("%s, %v: %v", name, stage, err)
			}
			s.holds(c.new)
			r, want := s.put.Result, c.moved
			if stage == InPlace {
				want = c.placed
			}
			if r.Moved != want || r.Matched != int64(len(c.new))-want || r.Bytes != int64(len(c.new)) {
				t.Errorf("%s, %v: %+v, want %d moved", name, stage, r, want)
			}
			if cloned := stage == Sibling && len(c.new) >= deltaMin; (clones == 1) != cloned {
				t.Errorf("%s, %v: %d clones", name, stage, clones)
			}
		}
	}
}

// TestDeltaWithout copies whole where there is no clone to write into, and
// remembers of either pair of file systems what can't be done there.
func TestDeltaWithout(t *testing.T) {
	old := noise(1 << 20)
	s := newShop(t, edited(old, 5))
	s.resembling(old, Sibling)
	elsewhere := *s.put.BasisStat
	elsewhere.Dev++
	s.put.BasisStat = &elsewhere
	tried := map[platform.FD]int{}
	c := only(ReadWrite)
	c.Clone = func(_, src platform.FD) error { tried[src]++; return syscall.EXDEV }
	c.CopyFileRange = func(_ platform.FD, _ int64, src platform.FD, _ int64, _ int) (int, error) {
		tried[platform.None]++
		return -1, syscall.EXDEV
	}
	w := New(c, Options{}, 0).NewWorker()
	for range 2 {
		s.put.Result, s.put.Stage = Result{}, Sibling
		if err := w.Put(t.Context(), &s.put); err != nil || s.put.Result.Moved != 1<<20 || s.put.Result.Matched != 0 {
			t.Errorf("%v, %+v", err, s.put.Result)
		}
	}
	s.holds(edited(old, 5))
	if tried[s.put.Src] != 1 || tried[s.put.Basis] != 1 || tried[platform.None] != 1 {
		t.Errorf("tried %v times", tried)
	}
}

// TestDeltaOther: a file is only compared with itself when it is written into,
// and only written with calls that don't begin anew.
func TestDeltaOther(t *testing.T) {
	content, old := noise(300000), noise(299999)
	for _, own := range []bool{false, true} {
		s := newShop(t, content)
		s.resembling(old, InPlace)
		if !own {
			other := filepath.Join(t.TempDir(), "other")
			if err := os.WriteFile(other, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s.put.Basis, s.put.BasisStat = open(t, other, os.O_RDONLY), new(platform.Stat)
			if err := platform.Native().Fstat(s.put.Basis, s.put.BasisStat); err != nil {
				t.Fatal(err)
			}
		}
		ranged := 0
		c := platform.Native()
		copyRange := c.CopyFileRange
		c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, off int64, n int) (int, error) {
			ranged++
			return copyRange(dst, dstOff, src, off, n)
		}
		if err := s.run(c, Options{}); err != nil {
			t.Fatal(err)
		}
		s.holds(content)
		if (ranged > 0) == own {
			t.Errorf("its own: %v, %d ranges copied", own, ranged)
		}
	}
}

// TestDeltaShrinks: neither side need be as long as it was.
func TestDeltaShrinks(t *testing.T) {
	content := noise(400000)
	for _, stage := range []Stage{Sibling, InPlace} {
		s := newShop(t, content)
		s.resembling(edited(content, 7, 300000), stage)
		clones := 0
		c := notOf(cloneByCopy(only(ReadWrite), &clones), s.put.Src)
		pread := c.Pread
		c.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
			if fd == s.put.Src && off >= 100000 {
				if err := os.Truncate(s.src, 200000); err != nil {
					t.Error(err)
				}
			}
			return pread(fd, b, off)
		}
		if err := s.run(c, Options{}); err != nil {
			// It is cut again, and so changes, each time that it is read.
			if !errors.Is(err, ErrChanged) {
				t.Error(err)
			}
			continue
		}
		s.holds(content[:200000])
	}
}

// TestDeltaBasisFails: what can't be read of a basis differs, whatever the
// buffer holds of what was read before.
func TestDeltaBasisFails(t *testing.T) {
	window := noise(deltaWindow)
	content := bytes.Repeat(window, 3)
	old := append(bytes.Clone(window), noise(2*deltaWindow)...)
	for _, stage := range []Stage{Sibling, InPlace} {
		s := newShop(t, content)
		s.resembling(old, stage)
		clones := 0
		c := notOf(cloneByCopy(only(ReadWrite), &clones), s.put.Src)
		pread := c.Pread
		c.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
			if fd == s.put.Basis && off >= deltaWindow {
				return -1, syscall.EIO
			}
			return pread(fd, b, off)
		}
		if err := s.run(c, Options{}); err != nil || s.put.Result.Matched != deltaWindow {
			t.Errorf("%v, %+v", err, s.put.Result)
		}
		s.holds(content)
	}
}

// TestDeltaZeros makes holes of zeros where data were.
func TestDeltaZeros(t *testing.T) {
	old := noise(1 << 20)
	content := bytes.Clone(old)
	clear(content[1<<18 : 3<<18])
	s := newShop(t, content)
	s.resembling(old, InPlace)
	if err := s.run(platform.Native(), Options{Sparse: Always}); err != nil || s.put.Result.Holes != 2<<18 {
		t.Errorf("%v, %+v", err, s.put.Result)
	}
	s.holds(content)
}

// TestDeltaOfSource: a clone of the source itself is better than any basis.
func TestDeltaOfSource(t *testing.T) {
	old := noise(1 << 20)
	s := newShop(t, edited(old, 5))
	s.resembling(old, Sibling)
	clones := 0
	if err := s.run(cloneByCopy(only(ReadWrite), &clones), Options{}); err != nil || s.put.Result.Cloned != 1<<20 || clones != 1 {
		t.Errorf("%v, %+v, %d clones", err, s.put.Result, clones)
	}
	s.holds(edited(old, 5))
}

// TestDeltaChanged: a source that changes meanwhile is compared again.
func TestDeltaChanged(t *testing.T) {
	old := noise(300000)
	for _, stage := range []Stage{Sibling, InPlace} {
		for _, size := range []int{100000, 299999, 400000} {
			s := newShop(t, edited(old, 5, 200000))
			s.resembling(old, stage)
			clones := 0
			changed := edited(noise(size), 70000)
			calls := s.meddle(notOf(cloneByCopy(only(ReadWrite), &clones), s.put.Src), 1, func() {
				if err := os.WriteFile(s.src, changed, 0o640); err != nil {
					t.Fatal(err)
				}
			})
			if err := s.run(calls, Options{}); err != nil {
				t.Fatal(err)
			}
			s.holds(changed)
			if s.put.Result.Attempts != 2 {
				t.Errorf("%+v", s.put.Result)
			}
		}
	}
}

// deltaFaults is every fault at every call of a Put that makes prepares.
func deltaFaults(t *testing.T, prepare func(t *testing.T) (s *shop, calls *platform.Calls, opts Options, want, old []byte)) {
	faults := []platformtest.Fault{{Errno: syscall.EIO}, {Errno: syscall.ENOSPC}, {Errno: syscall.EINTR}, {Short: true}, {Zero: true}}
	for _, f := range faults {
		for n := int64(1); ; n++ {
			s, calls, opts, want, old := prepare(t)
			reached, call := false, ""
			err := s.run(platform.Restarting(platformtest.Wrap(calls, func(name string, k int64) *platformtest.Fault {
				if k != n {
					return nil
				}
				reached, call = true, name
				return &f
			})), opts)
			what := fmt.Sprintf("%+v at call %d (%s)", f, n, call)
			switch {
			case err == nil:
				s.holds(want)
			case f.Errno == syscall.EINTR && call != "Close", f.Short, f.Zero && call == "Pread":
				t.Errorf("%s: %v", what, err)
			case s.put.Stage != InPlace:
				s.holds(old)
			}
			if s.after != nil {
				s.after()
			}
			if t.Failed() {
				t.Fatal(what)
			}
			if !reached {
				break
			}
		}
	}
}

func TestDeltaFaults(t *testing.T) {
	old := noise(200000)
	want := append(edited(old, 5, 4096, 150000), noise(5000)...)
	for _, stage := range []Stage{Sibling, InPlace} {
		deltaFaults(t, func(t *testing.T) (*shop, *platform.Calls, Options, []byte, []byte) {
			s := newShop(t, want)
			s.resembling(old, stage)
			clones := 0
			return s, notOf(cloneByCopy(only(ReadWrite), &clones), s.put.Src), Options{}, want, old
		})
	}
}

// TestAppend writes what the source has more.
func TestAppend(t *testing.T) {
	full := noise(500000)
	for name, c := range map[string]struct {
		old   []byte
		how   Append
		want  []byte
		moved int64
	}{
		"append":                     {full[:300001], AppendOnly, full, 199999},
		"to nothing":                 {nil, AppendOnly, full, 500000},
		"trusts":                     {edited(full[:300001], 7), AppendOnly, edited(full, 7), 199999},
		"as long":                    {edited(full, 7), AppendOnly, edited(full, 7), 0},
		"longer":                     {append(bytes.Clone(full), 1), AppendOnly, append(bytes.Clone(full), 1), 0},
		"verifies":                   {full[:300001], AppendVerify, full, 199999},
		"verifies and finds":         {edited(full[:300001], 7), AppendVerify, full, 199999 + 4096},
		"verifies what is longer":    {append(bytes.Clone(full), 1), AppendVerify, full, 0},
		"verifies the last of block": {edited(full[:300001], 300000), AppendVerify, full, 199999 + 300001%4096},
	} {
		s := newShop(t, full)
		s.resembling(c.old, InPlace)
		s.put.Delta, s.put.Append = false, c.how
		if c.how == AppendOnly {
			s.put.BasisStat = nil
		}
		if err := s.run(platform.Native(), Options{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.holds(c.want)
		if r := s.put.Result; r.Moved != c.moved || r.Bytes != int64(len(c.want)) {
			t.Errorf("%s: %+v, want %d moved", name, r, c.moved)
		}
	}
}

// TestAppendChanged: an attempt that failed is not what the file held before.
func TestAppendChanged(t *testing.T) {
	full := noise(500000)
	for _, size := range []int{400000, 250000, 600000} {
		s := newShop(t, full)
		s.resembling(full[:300000], InPlace)
		s.put.Delta, s.put.Append = false, AppendOnly
		changed := edited(noise(size), size-1)
		calls := s.meddle(platform.Native(), 1, func() {
			if err := os.WriteFile(s.src, changed, 0o640); err != nil {
				t.Fatal(err)
			}
		})
		if err := s.run(calls, Options{}); err != nil {
			t.Fatal(err)
		}
		want := append(bytes.Clone(full[:300000]), changed[min(300000, size):]...)
		s.holds(want)
	}
}

func TestAppendFaults(t *testing.T) {
	full := noise(200000)
	for _, how := range []Append{AppendOnly, AppendVerify} {
		deltaFaults(t, func(t *testing.T) (*shop, *platform.Calls, Options, []byte, []byte) {
			s := newShop(t, full)
			s.resembling(full[:100001], InPlace)
			s.put.Delta, s.put.Append = false, how
			return s, platform.Native(), Options{}, full, nil
		})
	}
}

// edits draws a source that resembles a basis: of blocks that are kept, changed
// or zeros, and of holes.
type edit struct {
	off, n int
	kind   int // 0: noise, 1: zeros, 2: hole
}

// testDelta is a property: whatever the edits, the file is as the source is,
// takes as much space, and what is written is what differs.
func testDelta(t *testing.T, fsys copiertest.FileSystem) {
	elsewhere := t.TempDir()
	dir := filepath.Join(fsys.Dir, "delta")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	clones := fsys.Name == "btrfs" || fsys.Name == "xfs"
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(0, 400000).Draw(r, "size of the basis")
		old := noise(size)
		newSize := rapid.OneOf(rapid.Just(size), rapid.IntRange(0, 400000)).Draw(r, "size")
		content := make([]byte, newSize)
		if copy(content, old); newSize > size {
			copy(content[size:], noise(newSize-size))
		}
		var holes []edit
		for range rapid.IntRange(0, 6).Draw(r, "edits") {
			if newSize == 0 {
				break
			}
			e := edit{off: rapid.IntRange(0, newSize-1).Draw(r, "at"), kind: rapid.IntRange(0, 2).Draw(r, "kind")}
			e.n = rapid.IntRange(1, min(newSize-e.off, 100000)).Draw(r, "length")
			if e.kind == 0 {
				for i := range e.n {
					content[e.off+i] ^= 0x55
				}
				continue
			}
			clear(content[e.off : e.off+e.n])
			if e.kind == 2 {
				holes = append(holes, e)
			}
		}
		for _, h := range holes {
			clear(content[h.off : h.off+h.n])
		}
		opts := Options{Sparse: rapid.SampledFrom([]When{Auto, Always, Never}).Draw(r, "sparse")}
		stage := rapid.SampledFrom([]Stage{Sibling, InPlace}).Draw(r, "stage")
		how := NoAppend
		if stage == InPlace {
			how = rapid.SampledFrom([]Append{NoAppend, AppendVerify}).Draw(r, "append")
		}
		res := deltaOnce(t, dir, elsewhere, old, content, holes, opts, stage, how)
		if stage == InPlace || clones && size >= deltaMin && newSize >= deltaMin {
			differs := int64(0)
			for at := 0; at < newSize; at += deltaBlock {
				end := min(at+deltaBlock, newSize)
				if end > size || !bytes.Equal(content[at:end], old[at:end]) {
					differs += int64(end - at)
				}
			}
			// Zeros that are skipped count as moved as well.
			if res.Moved > differs || opts.Sparse != Always && res.Moved+res.Matched+res.Holes != int64(newSize) {
				r.Fatalf("%+v, %d bytes are in blocks that differ", res, differs)
			}
		}
	})
}

func deltaOnce(t *testing.T, dir, elsewhere string, old, content []byte, holes []edit, opts Options, stage Stage, how Append) Result {
	t.Helper()
	src, dst := filepath.Join(elsewhere, "src"), filepath.Join(dir, "f")
	err := os.WriteFile(src, content, 0o640)
	if old != nil { // else what is there
		err = errors.Join(err, os.WriteFile(dst, old, 0o640))
	}
	if err != nil {
		t.Fatal(err)
	}
	c := platform.Native()
	openHere := func(path string, flags int) (platform.FD, *platform.Stat) {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
		st := new(platform.Stat)
		if err = errors.Join(err, c.Fstat(platform.FD(fd), st)); err != nil {
			t.Fatal(err)
		}
		return platform.FD(fd), st
	}
	s, _ := openHere(src, os.O_RDWR)
	for _, h := range holes {
		if err := c.PunchHole(s, int64(h.off), int64(h.n)); err != nil {
			t.Fatal(err)
		}
	}
	p := Put{Src: s, Stat: new(platform.Stat), Name: platform.MustName("f"), Stage: stage, Delta: how == NoAppend, Append: how}
	if err := c.Fstat(s, p.Stat); err != nil {
		t.Fatal(err)
	}
	var dirStat *platform.Stat
	p.Dir, dirStat = openHere(dir, os.O_RDONLY)
	p.DirIno, p.DirDev = dirStat.Ino, dirStat.Dev
	p.Basis, p.BasisStat = openHere(dst, os.O_RDONLY)
	p.Old, p.OldFD = p.BasisStat, platform.None
	if stage == InPlace {
		p.OldFD, _ = openHere(dst, os.O_RDWR)
	}
	err = New(c, opts, uint32(os.Geteuid())).NewWorker().Put(t.Context(), &p)
	for _, fd := range []platform.FD{p.Src, p.Dir, p.Basis} {
		c.Close(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%v: it has %d bytes, want %d", err, len(got), len(content))
	}
	if n := names(t, dir); len(n) != 1 {
		t.Fatalf("left %q", n)
	}
	var st platform.Stat
	if err := c.Statat(platform.CWD, platform.MustName(dst), &st, false); err != nil {
		t.Fatal(err)
	}
	// Holes of whole blocks are holes again. xfs counts what it unshares twice
	// until it is on the device; where it isn't told otherwise it reserves 128 KiB
	// around every block of that, which it gives back after minutes.
	around := int64(deltaBlock)
	if p.Stage == InPlace {
		around = 128 << 10
	}
	slack := 128<<10 + (p.Result.Moved+deltaBlock-1)/deltaBlock*around
	if opts.Sparse == Auto && st.Blocks*512 > p.Stat.Blocks*512+slack {
		t.Fatalf("%d bytes are allocated, %d at the source", st.Blocks*512, p.Stat.Blocks*512)
	}
	return p.Result
}

// TestPreallocate: a lack of space is told before anything is written.
func TestPreallocate(t *testing.T) {
	content := make([]byte, 1<<20)
	copy(content[500000:], noise(10000))
	for _, sparse := range []When{Auto, Always, Never} {
		for _, errno := range []syscall.Errno{0, syscall.ENOSPC, syscall.EOPNOTSUPP, syscall.EINTR} {
			s := newShop(t, content)
			s.put.Preallocate = true
			c := platform.Native()
			asked, wrote := 0, false
			fallocate, pwrite := c.Fallocate, c.Pwrite
			c = notOf(only(ReadWrite), s.put.Src)
			c.Fallocate = func(fd platform.FD, off, n int64) error {
				if asked++; asked == 1 && errno != 0 || errno == syscall.ENOSPC {
					return errno
				}
				return fallocate(fd, off, n)
			}
			c.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
				wrote = true
				return pwrite(fd, b, off)
			}
			err := s.run(c, Options{Sparse: sparse})
			if errno == syscall.ENOSPC {
				if !errors.Is(err, errno) || wrote {
					t.Errorf("%v: %v, wrote %v", sparse, err, wrote)
				}
				s.holds(nil)
				continue
			}
			if err != nil || asked == 0 {
				t.Fatalf("%v, %v: %v, asked %d times", sparse, errno, err, asked)
			}
			s.holds(content)
			var st platform.Stat
			if err := platform.Native().Statat(s.put.Dir, s.put.Name, &st, false); err != nil {
				t.Fatal(err)
			}
			full := st.Blocks*512 >= int64(len(content))
			if errno != syscall.EOPNOTSUPP && full == (sparse == Always) {
				t.Errorf("%v: %d bytes are allocated", sparse, st.Blocks*512)
			}
		}
	}
}

// TestWriteDevice writes over a device, which can't be cut or made longer.
func TestWriteDevice(t *testing.T) {
	for _, delta := range []bool{false, true} {
		s := newShop(t, nil)
		err := os.Truncate(s.src, 100000) // a hole
		f, err2 := os.OpenFile(s.src, os.O_WRONLY|os.O_APPEND, 0)
		if err3 := errors.Join(err, err2); err3 != nil {
			t.Fatal(err3)
		}
		_, err = f.Write(noise(5))
		if err := errors.Join(err, f.Close(), platform.Native().Fstat(s.put.Src, s.put.Stat)); err != nil {
			t.Fatal(err)
		}
		fd, err := syscall.Open("/dev/null", os.O_RDWR, 0)
		if err != nil {
			t.Skip(err)
		}
		s.put.OldFD, s.put.Stage, s.put.Old = platform.FD(fd), InPlace, new(platform.Stat)
		if err := platform.Native().Fstat(s.put.OldFD, s.put.Old); err != nil {
			t.Fatal(err)
		}
		if delta {
			s.put.Delta, s.put.BasisStat, s.put.Basis = true, s.put.Old, open(t, "/dev/null", os.O_RDONLY)
		}
		s.put.Finish = func(platform.FD) (Lost, error) { return Lost{}, nil }
		if err := s.run(platform.Native(), Options{Sparse: Always}); err != nil {
			t.Fatal(err)
		}
		if r := s.put.Result; r.Moved != 100005 || r.Bytes != 100005 {
			t.Errorf("%+v", r)
		}
	}
}

// litter returns the names with a dot in a directory.
func litter(t testing.TB, dir string) (list []string) {
	for _, n := range names(t, dir) {
		if strings.HasPrefix(n, ".") {
			list = append(list, n)
		}
	}
	return list
}
