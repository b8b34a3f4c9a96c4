//go:build linux

package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// shareCopy copies files of one directory to another file system.
type shareCopy struct {
	t        testing.TB
	c        *Copier
	calls    *platform.Calls
	src, dst string
	dir      platform.FD
	st       platform.Stat
}

func newShareCopy(t testing.TB, calls *platform.Calls, src, dst string) *shareCopy {
	s := &shareCopy{t: t, calls: calls, src: src, dst: dst}
	s.c = New(calls, Options{PreserveSharing: AlwaysSharing, Preserve: Preserve{Times: true}}, 0)
	s.dir = open(t, dst, os.O_RDONLY)
	if err := platform.Native().Fstat(s.dir, &s.st); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.c.Close)
	return s
}

// put copies a file and returns its state then.
func (s *shareCopy) put(w *Worker, name string) (Result, platform.Stat, error) {
	s.t.Helper()
	fd, err := unix.Open(filepath.Join(s.src, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Result{}, platform.Stat{}, err
	}
	defer unix.Close(fd)
	var st platform.Stat
	if err := platform.Native().Fstat(platform.FD(fd), &st); err != nil {
		return Result{}, st, err
	}
	p := Put{
		Dir: s.dir, DirIno: s.st.Ino, DirDev: s.st.Dev, Name: platform.MustName(name), Stage: Unnamed,
		Src: platform.FD(fd), Stat: &st, OldFD: platform.None,
	}
	err = w.Put(context.Background(), &p)
	return p.Result, st, err
}

func (s *shareCopy) mustPut(w *Worker, name string) Result {
	s.t.Helper()
	res, _, err := s.put(w, name)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	s.same(name)
	return res
}

func (s *shareCopy) same(name string) {
	s.t.Helper()
	a, errA := os.ReadFile(filepath.Join(s.src, name))
	b, errB := os.ReadFile(filepath.Join(s.dst, name))
	if err := errors.Join(errA, errB); err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		s.t.Errorf("%s: %d bytes, want %d; first difference at %d", name, len(b), len(a), at)
	}
}

// settled lets sources grow as old as they have to be.
func settled() { time.Sleep(sharingAge + 50*time.Millisecond) }

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func cloneFile(t testing.TB, dst, src string) {
	t.Helper()
	a, errA := os.Open(src)
	b, errB := os.Create(dst)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(unix.IoctlFileClone(int(b.Fd()), int(a.Fd())), a.Close(), b.Close())
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t testing.TB, path string, off int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(data, off)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// occupied returns how many bytes of the medium the files of a directory take
// together: the union of their extents.
func occupied(t testing.TB, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	type span struct{ begin, end int64 }
	var spans []span
	m := new(platform.ExtentMap)
	for _, e := range entries {
		fd := open(t, filepath.Join(dir, e.Name()), os.O_RDONLY)
		for off, last := int64(0), false; !last; {
			n, err := platform.Native().Extents(fd, off, true, m)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range m.Extents[:n] {
				spans = append(spans, span{int64(x.Physical), int64(x.Physical + x.Length)})
				off, last = int64(x.Logical+x.Length), x.Flags&platform.ExtentLast != 0
			}
			last = last || n == 0
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(min(1, max(-1, a.begin-b.begin))) })
	end := int64(0)
	for _, s := range spans {
		n += max(0, s.end-max(s.begin, end))
		end = max(end, s.end)
	}
	return n
}

// sharePairs calls test for each way between two file systems that can share.
func sharePairs(t *testing.T, test func(t *testing.T, src, dst string)) {
	copiertest.Require(t, "loopfs")
	const size = 1 << 30
	a := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"btrfs", "xfs"}, Size: size})
	b := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"btrfs", "xfs"}, Size: size})
	for _, p := range [][2]copiertest.FileSystem{{a[0], b[1]}, {a[1], b[0]}, {a[0], b[0]}, {a[1], b[1]}} {
		t.Run(p[0].Name+" to "+p[1].Name, func(t *testing.T) {
			src, errA := os.MkdirTemp(p[0].Dir, "src")
			dst, errB := os.MkdirTemp(p[1].Dir, "dst")
			if err := errors.Join(errA, errB); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(src)
			defer os.RemoveAll(dst)
			test(t, src, dst)
		})
	}
}

// Files that were cloned from each other and changed here and there take at
// the destination what they take at the source, though several are copied at
// a time.
func TestSharingKept(t *testing.T) {
	platformtest.OpenDescriptors(t)
	sharePairs(t, func(t *testing.T, src, dst string) {
		const size, files = 8<<20 + 1234, 10
		rng := rand.New(rand.NewPCG(3, 4))
		name := func(i int) string { return filepath.Join(src, fmt.Sprint(i)) }
		writeFile(t, name(0), noise(size))
		for i := 1; i < files; i++ {
			cloneFile(t, name(i), name(rng.IntN(i)))
			for range 10 {
				overwrite(t, name(i), rng.Int64N(size-5000), noise(1+rng.IntN(5000)))
			}
		}
		cloneFile(t, name(files), name(0))
		if err := os.Truncate(name(files), 5<<20+77); err != nil { // ends within a block that others have whole
			t.Fatal(err)
		}
		settled()
		s := newShareCopy(t, platform.Native(), src, dst)
		var wg sync.WaitGroup
		queue := make(chan int, files+1)
		for i := range files + 1 {
			queue <- i
		}
		close(queue)
		var mu sync.Mutex
		var total Result
		for range 3 {
			wg.Go(func() {
				w := s.c.NewWorker()
				for i := range queue {
					res, _, err := s.put(w, fmt.Sprint(i))
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					total.Cloned, total.Moved = total.Cloned+res.Cloned, total.Moved+res.Moved
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for i := range files + 1 {
			s.same(fmt.Sprint(i))
		}
		was, is := occupied(t, src), occupied(t, dst)
		t.Logf("%d bytes at the source, %d at the destination (%.3f); %d cloned, %d moved", was, is, float64(is)/float64(was), total.Cloned, total.Moved)
		if is > was*11/10 {
			t.Errorf("%d bytes are taken for %d of the source", is, was)
		}
		if total.Cloned < (files-1)*size || total.Moved > was*11/10 {
			t.Errorf("%d bytes cloned, %d moved", total.Cloned, total.Moved)
		}
	})
}

// What is written but not on the device yet is not where the map of a file
// says.
func TestSharingUnwritten(t *testing.T) {
	sharePairs(t, func(t *testing.T, src, dst string) {
		s := newShareCopy(t, platform.Native(), src, dst)
		w := s.c.NewWorker()
		a, b := filepath.Join(src, "a"), filepath.Join(src, "b")
		writeFile(t, a, noise(1<<20))
		cloneFile(t, b, a)
		unix.Sync()
		overwrite(t, b, 300<<10, []byte("changed"))
		settled()
		s.mustPut(w, "a")
		if res := s.mustPut(w, "b"); res.Cloned == 0 || res.Moved == 0 || res.Moved > 128<<10 {
			t.Errorf("%+v", res)
		}
	})
}

// A copy that somebody changed is no copy any more: before parts of it are
// taken, with its times set back, or while they are.
func TestSharingForeignChange(t *testing.T) {
	sharePairs(t, func(t *testing.T, src, dst string) {
		a, b, c := filepath.Join(src, "a"), filepath.Join(src, "b"), filepath.Join(src, "c")
		writeFile(t, a, noise(1<<20))
		cloneFile(t, b, a)
		cloneFile(t, c, a)
		settled()
		meddle := func() {
			st, err := os.Stat(filepath.Join(dst, "a"))
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, filepath.Join(dst, "a"), 5000, []byte("foreign"))
			if err := os.Chtimes(filepath.Join(dst, "a"), time.Time{}, st.ModTime()); err != nil {
				t.Fatal(err)
			}
		}
		s := newShareCopy(t, platform.Native(), src, dst)
		w := s.c.NewWorker()
		s.mustPut(w, "a")
		meddle()
		if res := s.mustPut(w, "b"); res.Cloned == 1<<20 {
			t.Error("shared with a copy that was changed")
		}
		os.Remove(filepath.Join(dst, "a"))
		os.Remove(filepath.Join(dst, "b"))

		calls := *platform.Native()
		armed := false
		calls.CloneRange = func(to platform.FD, toOff int64, from platform.FD, fromOff, n int64) error {
			if armed && to != from {
				armed = false
				meddle()
			}
			return platform.Native().CloneRange(to, toOff, from, fromOff, n)
		}
		s = newShareCopy(t, &calls, src, dst)
		w = s.c.NewWorker()
		s.mustPut(w, "a")
		armed = true
		s.mustPut(w, "c")
		if armed {
			t.Error("nothing was cloned")
		}
		// Its owner only changed, in other ways than in content.
		os.Remove(filepath.Join(dst, "a"))
		os.Remove(filepath.Join(dst, "c"))
		s = newShareCopy(t, platform.Native(), src, dst)
		w = s.c.NewWorker()
		s.mustPut(w, "a")
		if err := os.Chmod(filepath.Join(dst, "a"), 0o600); err != nil {
			t.Fatal(err)
		}
		if res := s.mustPut(w, "b"); res.Cloned != 1<<20 {
			t.Errorf("a chmod of the copy: %+v", res)
		}
	})
}

// lyingMaps is a table in which the files of equal size at the source seem to lie
// at one place, though they share nothing. moves makes the first of them lie
// elsewhere once its copy is whole, as after its space was given to others.
func lyingMaps(first *uint64, moves *bool) *platform.Calls {
	calls := *platform.Native()
	calls.Extents = func(fd platform.FD, off int64, flush bool, m *platform.ExtentMap) (int, error) {
		var st platform.Stat
		if err := platform.Native().Fstat(fd, &st); err != nil {
			return -1, err
		}
		m.Extents[0] = platform.Extent{Length: uint64(st.Size), Physical: 1 << 30, Flags: platform.ExtentShared | platform.ExtentLast}
		if *moves && st.Ino == *first {
			m.Extents[0].Physical += 1 << 30
		}
		return 1, nil
	}
	return &calls
}

// The place of a file that was copied may be another file's later.
func TestSharingPlaceReused(t *testing.T) {
	sharePairs(t, func(t *testing.T, src, dst string) {
		one, two := noise(1<<20), noise(1<<20)
		two[77] ^= 0xff
		writeFile(t, filepath.Join(src, "a"), one)
		writeFile(t, filepath.Join(src, "b"), two)
		settled()
		var st platform.Stat
		if err := platform.Native().Fstat(open(t, filepath.Join(src, "a"), os.O_RDONLY), &st); err != nil {
			t.Fatal(err)
		}
		for _, moved := range []bool{true, false} {
			moves := false
			s := newShareCopy(t, lyingMaps(&st.Ino, &moves), src, dst)
			w := s.c.NewWorker()
			s.mustPut(w, "a")
			moves = moved
			res, _, err := s.put(w, "b")
			if err != nil {
				t.Fatal(err)
			}
			// If the maps could not tell, the lie would be believed: the test sees something.
			if moved {
				s.same("b")
			}
			if shares := res.Cloned > 0; shares == moved {
				t.Errorf("moved away: %v, shared: %v", moved, shares)
			}
			os.Remove(filepath.Join(dst, "a"))
			os.Remove(filepath.Join(dst, "b"))
		}
	})
}

// Where the file system can't vouch for its maps, or only says where the whole
// lies that a part belongs to, bytes are compared.
func TestSharingDoubt(t *testing.T) {
	sharePairs(t, func(t *testing.T, src, dst string) {
		one, two := noise(1<<20), noise(1<<20)
		two[77] ^= 0xff
		for name, data := range map[string][]byte{"a": one, "b": two, "c": one} {
			writeFile(t, filepath.Join(src, name), data)
		}
		settled()
		for _, encoded := range []bool{false, true} {
			no := false
			calls := lyingMaps(new(uint64), &no)
			if encoded {
				extents := calls.Extents
				calls.Extents = func(fd platform.FD, off int64, flush bool, m *platform.ExtentMap) (int, error) {
					n, err := extents(fd, off, flush, m)
					m.Extents[0].Flags |= platform.ExtentEncoded
					return n, err
				}
			} else {
				calls.ExtentSpace = func(fd platform.FD) (platform.ExtentSpace, error) {
					return platform.ExtentSpace{ID: [16]byte{1}}, nil
				}
			}
			s := newShareCopy(t, calls, src, dst)
			w := s.c.NewWorker()
			s.mustPut(w, "a")
			if res := s.mustPut(w, "b"); res.Cloned != 0 {
				t.Errorf("encoded %v: another content: %+v", encoded, res)
			}
			if res := s.mustPut(w, "c"); res.Cloned != 1<<20 {
				t.Errorf("encoded %v: the same content: %+v", encoded, res)
			}
			for _, name := range []string{"a", "b", "c"} {
				os.Remove(filepath.Join(dst, name))
			}
		}
	})
}
