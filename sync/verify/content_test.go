//go:build linux

package verify

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// TestOffset: a byte that differs is found wherever it is, at the edges of all
// buffers too, by bytes and by digests, in files that are read in either way.
func TestOffset(t *testing.T) {
	for _, size := range []int{1, 2, smallBuffer - 1, smallBuffer, smallBuffer + 1, bothAtOnce - 1, bothAtOnce, bothAtOnce + largeBuffer + 1, bigFile + 1} {
		if size > 2*bothAtOnce && short() {
			continue
		}
		a, b := t.TempDir(), t.TempDir()
		data := []byte(strings.Repeat("0123456789abcde\n", size/16+1)[:size])
		must(t, os.WriteFile(a+"/f", data, 0o644))
		offsets := []int{0, size / 2, size - 1}
		for _, edge := range []int{smallBuffer, largeBuffer, 4 * largeBuffer, bothAtOnce} {
			for off := edge - 1; off <= edge && off < size; off++ {
				offsets = append(offsets, off)
			}
		}
		for _, hash := range []copier.Hash{copier.NoHash, copier.XXH3} {
			for _, off := range append(offsets, -1) {
				other := slices.Clone(data)
				if off >= 0 {
					other[off] ^= 1
				}
				must(t, os.WriteFile(b+"/f", other, 0o644))
				h := compare(t, platform.Native(), a, b, 2, Options{Ignore: Times, Hash: hash}, nil)
				switch {
				case len(h.problems) > 0:
					t.Errorf("size %d: %q", size, h.problems)
				case off < 0:
					if len(h.found) > 0 || h.counters.Bytes.Load() != int64(size) {
						t.Errorf("size %d: equal, found %q, %d bytes", size, h.keys(), h.counters.Bytes.Load())
					}
					if want := map[bool]int64{true: int64(size)}[hash != copier.NoHash]; h.digests["f"] != want {
						t.Errorf("size %d, hash %d: digests %v", size, hash, h.digests)
					}
				case len(h.found) != 1 || h.found[0].Kind != Content:
					t.Errorf("size %d, byte %d: found %q", size, off, h.keys())
				case hash == copier.NoHash && h.found[0].Offset != int64(off):
					t.Errorf("size %d, byte %d: said to be %d", size, off, h.found[0].Offset)
				}
			}
		}
	}
}

// TestSparse: data in a hole of the other side are compared, and holes are not
// told from zeros.
func TestSparse(t *testing.T) {
	const size = 64 << 20
	a, b := t.TempDir(), t.TempDir()
	put := func(path string, data string, at ...int64) {
		f, err := os.Create(path)
		must(t, err)
		must(t, f.Truncate(size))
		for _, off := range at {
			_, err = f.WriteAt([]byte(data), off)
			must(t, err)
		}
		must(t, f.Close())
	}
	for _, c := range []struct {
		a, b []int64
		data string
		want int64
	}{
		{[]int64{0, 1 << 20}, []int64{0, 1 << 20}, "x", -1},
		{[]int64{0}, []int64{0, 32 << 20}, "x", 32 << 20},
		{[]int64{0, 32<<20 + 12345}, []int64{0}, "x", 32<<20 + 12345},
		{nil, []int64{size - 1}, "x", size - 1},
		{nil, []int64{1 << 20, 40 << 20}, "\x00", -1},
		{nil, nil, "", -1},
	} {
		put(a+"/f", c.data, c.a...)
		put(b+"/f", c.data, c.b...)
		h := compare(t, platform.Native(), a, b, 2, Options{Ignore: Times}, nil)
		off := int64(-1)
		if len(h.found) > 0 {
			off = h.found[0].Offset
		}
		if off != c.want || len(h.problems) > 0 {
			t.Errorf("data at %d and %d: found at %d, want %d; problems %q", c.a, c.b, off, c.want, h.problems)
		}
	}
}

// TestUncached: a big file that isn't in memory is read past the page cache,
// and plainly where that is refused or fails.
func TestUncached(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	data := strings.Repeat("x", bigFile+5)
	write(t, a+"/f", data)
	write(t, b+"/f", data)
	for _, errno := range []error{nil, syscall.EOPNOTSUPP, syscall.EIO, syscall.EINTR} {
		calls := platform.Native()
		var past, plain atomic.Int64
		native := *calls
		calls.CacheState = func(_ platform.FD, _, _ int64, st *platform.CacheState) error {
			*st = platform.CacheState{}
			return nil
		}
		calls.PreadUncached = func(fd platform.FD, buf []byte, off int64) (int, error) {
			if n := past.Add(1); errno != nil && (n < 3 || errno != syscall.EINTR) {
				return -1, errno
			}
			return native.Pread(fd, buf, off)
		}
		calls.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
			plain.Add(1)
			return native.Pread(fd, buf, off)
		}
		h := compare(t, calls, a, b, 1, Options{Ignore: Times, Hash: copier.XXH3}, nil)
		if len(h.found) > 0 || len(h.problems) > 0 || past.Load() == 0 || (plain.Load() > 0) != (errno == syscall.EOPNOTSUPP || errno == syscall.EIO) {
			t.Errorf("%v: found %q, problems %q, %d reads past the cache, %d plain", errno, h.keys(), h.problems, past.Load(), plain.Load())
		}
	}
}

// TestUnknownSize: files of procfs say that they are empty, and are read to
// their ends.
func TestUnknownSize(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"/proc/version", "/proc/filesystems", 1},
		{"/proc/version", "/proc/version", 0},
	} {
		for _, hash := range []copier.Hash{copier.NoHash, copier.XXH3} {
			h := compare(t, platform.Native(), c.a, c.b, 1, Options{Ignore: Times, Hash: hash}, nil)
			if len(h.found) != c.want || len(h.problems) > 0 {
				t.Errorf("%s %s: found %q, problems %q", c.a, c.b, h.keys(), h.problems)
			}
		}
	}
}

// TestQuick: no file is read, and nothing but its size and attributes differs.
func TestQuick(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	write(t, a+"/same", "1")
	write(t, b+"/same", "2")
	write(t, a+"/size", "1")
	write(t, b+"/size", "22")
	calls := platform.Native()
	calls.Pread = func(platform.FD, []byte, int64) (int, error) { t.Error("read"); return 0, nil }
	for _, ignore := range []Aspect{Times, Times | Xattrs | ACLs} {
		h := compare(t, calls, a, b, 2, Options{Quick: true, Ignore: ignore}, nil)
		if want := []string{key(Size, "size", "")}; !slices.Equal(h.keys(), want) || len(h.problems) > 0 {
			t.Errorf("found %q, problems %q", h.keys(), h.problems)
		}
	}
}

// TestIgnore: an aspect that is left out is no difference, and all others are.
func TestIgnore(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the effective user is not 0")
	}
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		write(t, dir+"/d/f", "1")
		write(t, dir+"/g", "1")
	}
	must(t, os.Link(b+"/g", b+"/h"))
	write(t, a+"/h", "1")
	must(t, os.Lchown(b+"/d/f", 1, 2))
	must(t, os.Chmod(b+"/d/f", 0o600))
	must(t, unix.Setxattr(b+"/d/f", "user.x", []byte("y"), 0))
	must(t, unix.Setxattr(b+"/d", "system.posix_acl_default", []byte(plantedACL), 0))
	for _, name := range []string{"/g", "/h", "/d/f", "/d", ""} {
		must(t, os.Chtimes(a+name, time.Unix(1, 0), time.Unix(1, 0)))
		must(t, os.Chtimes(b+name, time.Unix(1, 0), time.Unix(1, 0)))
	}
	must(t, os.Chtimes(b+"/d/f", time.Unix(1, 0), time.Unix(2, 5)))
	must(t, os.Chtimes(b+"/d", time.Unix(1, 0), time.Unix(2, 0)))
	aspects := []struct {
		aspect Aspect
		keys   []string
	}{
		{Mode, []string{key(ModeBits, "d/f", "")}},
		{Owner, []string{key(User, "d/f", "")}},
		{Group, []string{key(GroupID, "d/f", "")}},
		{Times, []string{key(Mtime, "d/f", "")}},
		{DirTimes, []string{key(Mtime, "d", "")}},
		{Xattrs, []string{key(Xattr, "d/f", "user.x")}},
		{ACLs, []string{key(ACL, "d", "system.posix_acl_default")}},
		{Links, []string{key(HardLinks, "h", "")}},
	}
	for set := range Aspect(1) << len(aspects) {
		var want []string
		for _, x := range aspects {
			if set&x.aspect == 0 && !(x.aspect == DirTimes && set&Times != 0) {
				want = append(want, x.keys...)
			}
		}
		slices.Sort(want)
		h := compare(t, platform.Native(), a, b, 1, Options{Ignore: set}, nil)
		if !slices.Equal(h.keys(), want) || len(h.problems) > 0 {
			t.Errorf("%#b: found %q, want %q, problems %q", set, h.keys(), want, h.problems)
		}
	}
	h := compare(t, platform.Native(), a, b, 1, Options{Window: time.Second}, nil)
	if got := h.keys(); slices.Contains(got, key(Mtime, "d", "")) || !slices.Contains(got, key(Mtime, "d/f", "")) {
		t.Errorf("a window of a second: found %q", got)
	}
}

func TestWithin(t *testing.T) {
	at := func(sec, nsec int64) platform.Time { return platform.Time{Sec: sec, Nsec: nsec} }
	for _, c := range []struct {
		a, b   platform.Time
		window time.Duration
		want   bool
	}{
		{at(1, 0), at(2, 0), time.Second, true},
		{at(2, 0), at(1, 0), time.Second, true},
		{at(1, 0), at(2, 1), time.Second, false},
		{at(1, 999_999_999), at(2, 0), 1, true},
		{at(-1, 5), at(0, 0), time.Second, true},
		{at(math.MinInt64, 0), at(math.MaxInt64, 0), math.MaxInt64, false},
		{at(math.MinInt64, 0), at(math.MinInt64, 1), 1, true},
	} {
		if got := within(c.a, c.b, c.window); got != c.want {
			t.Errorf("%v %v within %v: %v", c.a, c.b, c.window, got)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		time platform.Time
		want string
	}{
		{platform.Time{Sec: 12, Nsec: 34}, "12.000000034"},
		{platform.Time{}, "0.000000000"},
		{platform.Time{Sec: -1, Nsec: 500_000_000}, "-0.500000000"},
		{platform.Time{Sec: -2}, "-2.000000000"},
		{platform.Time{Sec: -2, Nsec: 1}, "-1.999999999"},
	} {
		if got := timeText(c.time); got != c.want {
			t.Errorf("%v: %s, want %s", c.time, got, c.want)
		}
	}
	for _, dev := range [][2]uint32{{1, 3}, {259, 65537}, {511, 1<<18 - 1}, {4095, 255}, {1 << 20, 1<<20 + 200}, {8, 128}} {
		if got, want := deviceText(unix.Mkdev(dev[0], dev[1])), fmt.Sprintf("%d:%d", dev[0], dev[1]); got != want {
			t.Errorf("device %s, want %s", got, want)
		}
	}
	if got, want := aclText([]byte(plantedACL)), "user::rw-,user:1234:r-x,group::r--,mask::r-x,other::---"; got != want {
		t.Errorf("ACL %s, want %s", got, want)
	}
}

// TestACLOrder: the order of users in an ACL means nothing.
func TestACLOrder(t *testing.T) {
	entry := plantedACL[12:20]
	other := strings.Replace(entry, "\xd2", "\xd3", 1)
	one := []byte(strings.Replace(plantedACL, entry, entry+other, 1))
	two := []byte(strings.Replace(plantedACL, entry, other+entry, 1))
	a, b := t.TempDir()+"/f", t.TempDir()+"/f"
	for path, acl := range map[string][]byte{a: one, b: two} {
		write(t, path, "")
		if err := unix.Setxattr(path, "system.posix_acl_access", acl, 0); err != nil {
			t.Skip(err)
		}
	}
	if h := compare(t, platform.Native(), a, b, 1, Options{Ignore: Times}, nil); len(h.found) > 0 || len(h.problems) > 0 {
		t.Errorf("found %q, problems %q", h.keys(), h.problems)
	}
	sortACL(one)
	sortACL(two)
	if string(one) != string(two) || len(one) != len(plantedACL)+8 {
		t.Errorf("%q and %q", one, two)
	}
}

// TestRoots: what the operator names is followed; roots that can't be compared
// are problems.
func TestRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a/f", "1")
	write(t, dir+"/b/f", "2")
	must(t, os.Symlink("a", dir+"/link"))
	must(t, unix.Mkfifo(dir+"/fifo", 0o600))
	for _, c := range []struct {
		a, b            string
		found, problems int
	}{
		{"a", "link", 0, 0},
		{"a", "link/", 0, 0},
		{"a/f", "link/f", 0, 0},
		{"link", "b", 1, 0},
		{"a/f", "b/f", 1, 0},
		{"a", "a/f", 1, 0},
		{"fifo", "fifo", 0, 1},
		{"fifo", "a", 1, 0},
		{"a", "none", 0, 1},
		{"none", "none", 0, 2},
	} {
		h := compare(t, platform.Native(), filepath.Join(dir, c.a), filepath.Join(dir, c.b), 2, Options{Ignore: Times}, nil)
		if len(h.found) != c.found || len(h.problems) != c.problems {
			t.Errorf("%s %s: found %q, problems %q", c.a, c.b, h.keys(), h.problems)
		}
	}
}
