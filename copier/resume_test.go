//go:build linux

package copier

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// resumable is what is left of a file that can be resumed.
func (s *shop) resumable() string {
	s.t.Helper()
	l := litter(s.t, s.dir)
	if len(l) != 1 || !IsTemp([]byte(l[0]), s.put.DirIno) || !IsResumable([]byte(l[0])) {
		s.t.Fatalf("left %q", l)
	}
	return filepath.Join(s.dir, l[0])
}

// breakOff runs a Put that can be resumed until the source can't be read from
// off on.
func (s *shop) breakOff(c *platform.Calls, opts Options, off int64) {
	s.t.Helper()
	s.put.Resume = true
	broken := *c
	broken.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
		if fd == s.put.Src && at >= off {
			return -1, syscall.EIO
		}
		return c.Pread(fd, b, at)
	}
	err := New(s.log.Wrap(&broken), opts, uint32(os.Geteuid())).NewWorker().Put(s.t.Context(), &s.put)
	if !errors.Is(err, syscall.EIO) || len(s.log.Open()) > 0 {
		s.t.Fatal(err, s.log.Open())
	}
}

// TestResume goes on behind the last note, whatever befell the file meanwhile
// that a note can't tell.
func TestResume(t *testing.T) {
	const size, broke = ResumeMin + 12345, 40<<20 + 1
	content := noise(size)
	for _, c := range []struct {
		name    string
		opts    Options
		befalls func(s *shop, path string) error
		matched int64 // at least
		moved   int64 // at most
	}{
		{name: "nothing", matched: 32 << 20, moved: size - 32<<20},
		{name: "nothing, flushed", opts: Options{Fsync: SyncData}, matched: 32 << 20, moved: size - 32<<20},
		{name: "another end", befalls: func(s *shop, path string) error { return poke(path, 32<<20-5) }, moved: size},
		{name: "no journal", befalls: func(s *shop, path string) error { return os.Truncate(path, 40<<20) },
			matched: 40 << 20, moved: size - 40<<20},
		{name: "torn journal", befalls: func(s *shop, path string) error { return poke(path, journalAt(size)+26) },
			matched: 16 << 20, moved: size - 16<<20},
		{name: "both torn", befalls: func(s *shop, path string) error {
			return errors.Join(poke(path, journalAt(size)+26), poke(path, journalAt(size)+journalStride+26))
		}, matched: 40 << 20, moved: size - 40<<20},
		{name: "its metadata were set", befalls: func(s *shop, path string) error { return os.Chmod(path, 0o644) },
			matched: 40 << 20, moved: size - 40<<20},
		{name: "of another user", befalls: func(s *shop, path string) error { return os.Chown(path, 1234, 1234) }, moved: size},
		{name: "a link", befalls: func(s *shop, path string) error {
			return errors.Join(os.Remove(path), os.Symlink(s.src, path))
		}, moved: size},
		{name: "in use", befalls: func(s *shop, path string) error {
			return syscall.Flock(int(open(s.t, path, os.O_RDWR)), syscall.LOCK_EX)
		}, moved: size},
	} {
		if short() && c.befalls != nil && c.name != "another end" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, content)
			c.opts.Methods = []Method{ReadWrite}
			s.breakOff(platform.Native(), c.opts, broke)
			path := s.resumable()
			if c.befalls != nil {
				if err := c.befalls(s, path); err != nil {
					t.Skip(err)
				}
			}
			s.again(Unnamed)
			if err := New(s.log.Wrap(platform.Native()), c.opts, uint32(os.Geteuid())).NewWorker().Put(t.Context(), &s.put); err != nil || len(s.log.Open()) > 0 {
				t.Fatal(err, s.log.Open())
			}
			s.holds(content)
			if r := s.put.Result; r.Matched < c.matched || r.Moved > c.moved || r.Matched+r.Moved != size {
				t.Errorf("%+v", r)
			}
			if _, err := os.Lstat(path); (err == nil) != (c.name == "in use" || c.name == "of another user" || c.name == "a link") {
				t.Errorf("what was left: %v", err)
			}
		})
	}
}

// poke changes a byte.
func poke(path string, off int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], off)
	b[0] ^= 0xff
	_, err2 := f.WriteAt(b[:], off)
	return errors.Join(err, err2, f.Close())
}

// TestResumeAfterBoot compares what was not flushed before the machine went
// down: the journal may have reached the device, and the data not.
func TestResumeAfterBoot(t *testing.T) {
	const size = ResumeMin + 12345
	content := noise(size)
	boots := uint64(100)
	for _, flush := range []Durability{NoSync, SyncData} {
		s := newShop(t, content)
		put := func(c *platform.Calls) error {
			copier := New(c, Options{Methods: []Method{ReadWrite}, Fsync: flush}, uint32(os.Geteuid()))
			boots++
			boot := boots
			copier.boot = func() uint64 { return boot }
			s.again(Unnamed)
			return copier.NewWorker().Put(t.Context(), &s.put)
		}
		s.put.Resume = true
		c := platform.Native()
		c.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
			if fd == s.put.Src && at >= 40<<20 {
				return -1, syscall.EIO
			}
			return platform.Native().Pread(fd, b, at)
		}
		stored, flushed, notes := int64(0), int64(0), 0
		c.Fdatasync = func(fd platform.FD) error {
			flushed = stored
			return platform.Native().Fdatasync(fd)
		}
		c.Pwrite = func(fd platform.FD, b []byte, at int64) (int, error) {
			if at < journalAt(size) {
				stored = max(stored, at+int64(len(b)))
			} else if notes++; flush != NoSync && flushed != stored {
				t.Errorf("%d of %d bytes were flushed before a note", flushed, stored)
			}
			return platform.Native().Pwrite(fd, b, at)
		}
		if err := put(c); !errors.Is(err, syscall.EIO) || notes != 3 {
			t.Fatal(err, notes)
		}
		if flush == NoSync {
			// Lost with the machine.
			if err := poke(s.resumable(), 5<<20); err != nil {
				t.Fatal(err)
			}
		}
		read := false
		c = platform.Native()
		c.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
			read = read || fd == s.put.Src && at < 10<<20
			return platform.Native().Pread(fd, b, at)
		}
		if err := put(c); err != nil {
			t.Fatal(err)
		}
		s.holds(content)
		if read != (flush == NoSync) || s.put.Result.Matched < 30<<20 {
			t.Errorf("compared: %v; %+v", read, s.put.Result)
		}
	}
}

// TestResumeOther: another source, or another name, is another file.
func TestResumeOther(t *testing.T) {
	content := noise(ResumeMin)
	s := newShop(t, content)
	opts := Options{Methods: []Method{ReadWrite}}
	s.breakOff(platform.Native(), opts, 40<<20)
	path := s.resumable()
	s.again(Unnamed)
	s.put.Name = platform.MustName("other")
	if err := New(platform.Native(), opts, uint32(os.Geteuid())).NewWorker().Put(t.Context(), &s.put); err != nil || s.put.Result.Matched != 0 {
		t.Errorf("another name: %v, %+v", err, s.put.Result)
	}
	now := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.src, now, now); err != nil {
		t.Fatal(err)
	}
	if err := platform.Native().Fstat(s.put.Src, s.put.Stat); err != nil {
		t.Fatal(err)
	}
	w := New(platform.Native(), opts, uint32(os.Geteuid())).NewWorker()
	for _, name := range []string{"f", "g"} {
		s.again(Unnamed)
		s.put.Name = platform.MustName(name)
		if err := w.Put(t.Context(), &s.put); err != nil || s.put.Result.Matched != 0 {
			t.Errorf("%v, %+v", err, s.put.Result)
		}
	}
	s.holds(content)
	if got := s.resumable(); got != path {
		t.Errorf("left %q, not %q", got, path)
	}
}

// TestResumeFaults: whatever fails while one goes on, what is published is
// whole, and the next run finds nothing that leads it astray.
func TestResumeFaults(t *testing.T) {
	const chunk = 64 << 10
	content := noise(5*chunk + 1)
	put := func(s *shop, c *platform.Calls, methods ...Method) error {
		copier := New(s.log.Wrap(c), Options{Methods: methods, Fsync: SyncData}, uint32(os.Geteuid()))
		copier.resumeMin, copier.resumeChunk = 4*chunk, chunk
		s.put.Resume = true
		s.again(Unnamed)
		return copier.NewWorker().Put(t.Context(), &s.put)
	}
	for _, fault := range []platformtest.Fault{{Errno: syscall.EIO}, {Errno: syscall.ENOSPC}, {Errno: syscall.EINTR}, {Short: true}, {Zero: true}} {
		for n := int64(1); ; n++ {
			reached, name := false, ""
			s := newShop(t, content)
			broken := platform.Native()
			broken.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
				if fd == s.put.Src && at >= 3*chunk {
					return -1, syscall.EIO
				}
				return platform.Native().Pread(fd, b, at)
			}
			if err := put(s, broken, ReadWrite); !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
			s.resumable()
			c := platform.Restarting(platformtest.Wrap(platform.Native(), func(call string, k int64) *platformtest.Fault {
				if k != n {
					return nil
				}
				reached, name = true, call
				return &fault
			}))
			err := put(s, c, CopyFileRange, ReadWrite)
			switch {
			case err == nil:
				s.holds(content)
			case fault.Short, fault.Errno == syscall.EINTR && name != "Close":
				t.Error(err)
			default:
				s.holds(nil)
				if err := put(s, platform.Native(), ReadWrite); err != nil {
					t.Error("the next run:", err)
				}
				s.holds(content)
			}
			if len(s.log.Open()) > 0 {
				t.Errorf("left open: %q", s.log.Open())
			}
			if t.Failed() {
				t.Fatalf("%+v at %d (%s): %v", fault, n, name, err)
			}
			if !reached {
				break
			}
		}
	}
}

// TestResumeHelper copies a file in a process of its own, which is killed, and
// tells how much it has stored.
func TestResumeHelper(t *testing.T) {
	dir := os.Getenv("ZCCP_TEST_RESUME")
	if dir == "" {
		t.Skip("is run by TestResumeKilled")
	}
	s := &shop{t: t, src: filepath.Join(dir, "src"), dir: filepath.Join(dir, "dst")}
	var st platform.Stat
	src, to := open(t, s.src, os.O_RDONLY), open(t, s.dir, os.O_RDONLY)
	s.put = Put{Dir: to, Name: platform.MustName("f"), Src: src, Stat: new(platform.Stat), Stage: Sibling, Rename: true, OldFD: platform.None, Resume: true}
	if err := errors.Join(platform.Native().Fstat(to, &st), platform.Native().Fstat(src, s.put.Stat)); err != nil {
		t.Fatal(err)
	}
	s.put.DirIno, s.put.DirDev = st.Ino, st.Dev
	rate, _ := strconv.ParseInt(os.Getenv("ZCCP_TEST_RATE"), 10, 64)
	method, _ := ParseMethod(os.Getenv("ZCCP_TEST_METHOD"))
	w := New(platform.Native(), Options{Methods: []Method{method, ReadWrite}, Limit: NewLimiter(rate)}, uint32(os.Geteuid())).NewWorker()
	w.Progress = func(int64) { fmt.Println("moved", s.put.Result.Moved) }
	if err := w.Put(t.Context(), &s.put); err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("matched", s.put.Result.Matched)
}

// TestResumeKilled: after SIGKILL at any moment the next run goes on, with at
// most what was between two notes and the chunk in hand to be done again, and
// the file is whole in the end.
func TestResumeKilled(t *testing.T) {
	for _, fsys := range copiertest.Mount(t, copiertest.MountOptions{Names: []string{"ext4", "btrfs"}}) {
		t.Run(fsys.Name, func(t *testing.T) { testResumeKilled(t, fsys.Dir) })
	}
}

func testResumeKilled(t *testing.T, dir string) {
	size, kills := 160<<20+777, 30
	if short() {
		kills = 5
	}
	const rate = 1 << 30
	content := noise(size)
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	if err := errors.Join(os.WriteFile(src, content, 0o640), os.Mkdir(dst, 0o755)); err != nil {
		t.Fatal(err)
	}
	methods := []Method{ReadWrite, CopyFileRange, Sendfile}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	finished, killed, resumed := 0, 0, 0
	moved, runs := int64(0), int64(0) // for the file at hand
	for killed < kills || finished == 0 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestResumeHelper$")
		method := methods[rng.IntN(len(methods))]
		cmd.Env = append(os.Environ(), "ZCCP_TEST_RESUME="+dir, "ZCCP_TEST_RATE="+strconv.Itoa(rate), "ZCCP_TEST_METHOD="+method.String())
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if killed < kills {
			time.AfterFunc(time.Duration(rng.IntN(120))*time.Millisecond, func() { cmd.Process.Kill() })
		}
		text, _ := io.ReadAll(bufio.NewReader(out))
		died := cmd.Wait() != nil
		last, whole := int64(0), false
		for line := range strings.Lines(string(text)) {
			word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, _ := strconv.ParseInt(value, 10, 64)
			switch {
			case word == "failed":
				t.Fatal(line)
			case word == "moved" && strings.HasSuffix(line, "\n"):
				last = n
			case word == "matched":
				if whole = true; n > 0 {
					resumed++
				}
			}
		}
		moved, runs = moved+last, runs+1
		if died {
			killed++
		}
		f := filepath.Join(dst, "f")
		if got, err := os.ReadFile(f); err == nil {
			if !bytes.Equal(got, content) {
				t.Fatalf("published are %d bytes that differ", len(got))
			}
			// Each kill costs what was stored since the last note, and the
			// chunk that it came in; or all, between hiding the file and
			// giving it its name.
			const redone = 2 * resumeChunk
			hidden := int64(0)
			for _, n := range names(t, dst) {
				if n != "f" && !IsResumable([]byte(n)) {
					hidden++
					os.Remove(filepath.Join(dst, n))
				}
			}
			if hidden > 1 || moved > int64(size)*(1+hidden)+(runs-1)*redone {
				t.Errorf("%d bytes were stored in %d runs for %d, of which %d were killed at the end", moved, runs, size, hidden)
			}
			finished++
			moved, runs = 0, 0
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		} else if whole {
			t.Fatal(err)
		}
	}
	for _, n := range names(t, dst) {
		// Killed between hiding it and giving it its name.
		if st, err := os.Stat(dst); err != nil || !IsTemp([]byte(n), st.Sys().(*syscall.Stat_t).Ino) {
			t.Errorf("left %q", n)
		}
	}
	t.Logf("killed %d times, finished %d times, of which %d went on with what was left", killed, finished, resumed)
	if resumed == 0 && !short() {
		t.Error("no run went on with what was left")
	}
}

// TestResumeNoRoom: a journal that can't be written is no reason to fail, and
// a method that begins anew takes it along.
func TestResumeNoRoom(t *testing.T) {
	const chunk = 64 << 10
	content := noise(5*chunk + 1)
	for name, broken := range map[string]func(c *platform.Calls){
		"no journal": func(c *platform.Calls) {
			c.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
				if off >= journalAt(int64(len(content))) {
					return -1, syscall.ENOSPC
				}
				return platform.Native().Pwrite(fd, b, off)
			}
		},
		"no notes": func(c *platform.Calls) {
			n := 0
			c.Pwrite = func(fd platform.FD, b []byte, off int64) (int, error) {
				if off >= journalAt(int64(len(content))) {
					if n++; n > 1 {
						return -1, syscall.ENOSPC
					}
				}
				return platform.Native().Pwrite(fd, b, off)
			}
		},
		"begun anew": func(c *platform.Calls) {
			c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, off int64, n int) (int, error) {
				if off > chunk {
					return -1, syscall.EIO
				}
				return platform.Native().CopyFileRange(dst, dstOff, src, off, n)
			}
		},
	} {
		s := newShop(t, content)
		c := platform.Native()
		broken(c)
		copier := New(s.log.Wrap(c), Options{Methods: []Method{CopyFileRange, ReadWrite}}, uint32(os.Geteuid()))
		copier.resumeMin, copier.resumeChunk = chunk, chunk
		s.put.Resume = true
		if err := copier.NewWorker().Put(t.Context(), &s.put); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.holds(content)
		if l := litter(t, s.dir); len(l) > 0 {
			t.Errorf("%s: left %q", name, l)
		}
	}
}

// TestResumeSparse goes on between holes, which are holes again.
func TestResumeSparse(t *testing.T) {
	const chunk, size = 64 << 10, 24 * 64 << 10
	content := make([]byte, size)
	for at := 0; at < size; at += 4 * chunk {
		copy(content[at:], noise(2*chunk))
	}
	for _, sparse := range []When{Auto, Always} {
		s := newShop(t, nil)
		fd := int(open(t, s.src, os.O_WRONLY))
		for at := 0; at < size; at += 4 * chunk {
			if _, err := syscall.Pwrite(fd, content[at:at+2*chunk], int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(syscall.Ftruncate(fd, size), platform.Native().Fstat(s.put.Src, s.put.Stat)); err != nil {
			t.Fatal(err)
		}
		put := func(c *platform.Calls) error {
			copier := New(s.log.Wrap(c), Options{Methods: []Method{ReadWrite}, Sparse: sparse}, uint32(os.Geteuid()))
			copier.resumeMin, copier.resumeChunk = chunk, chunk
			s.put.Resume = true
			s.again(Unnamed)
			return copier.NewWorker().Put(t.Context(), &s.put)
		}
		broken := platform.Native()
		broken.Pread = func(fd platform.FD, b []byte, at int64) (int, error) {
			if fd == s.put.Src && at >= 13*chunk {
				return -1, syscall.EIO
			}
			return platform.Native().Pread(fd, b, at)
		}
		if err := put(broken); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		s.resumable()
		if err := put(platform.Native()); err != nil || s.put.Result.Matched < 10*chunk {
			t.Errorf("%v, %+v", err, s.put.Result)
		}
		s.holds(content)
		var st platform.Stat
		if err := platform.Native().Statat(s.put.Dir, s.put.Name, &st, false); err != nil || st.Blocks*512 > size/2+256<<10 {
			t.Errorf("%v, %d bytes are allocated", err, st.Blocks*512)
		}
	}
}
