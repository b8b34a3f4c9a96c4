//go:build linux

package copier

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

const mappedSize = 32 << 20

// mappedRun is a copy by mmap while somebody alters the source.
type mappedRun struct {
	t       *testing.T
	dir     string
	content []byte
	leased  bool // else the lease is refused
	rng     *rand.Rand

	count mappedCount
}

// mappedCount is what came out.
type mappedCount struct {
	moments  int
	reported int // ErrChanged, nothing published
	whole    int // published as it was before
	inside   int // the change was complete before the last look at the source
	faults   int // EFAULT from the kernel
	held     time.Duration
}

// alter cuts the source, or writes into it, in one of several ways. It returns from where
// on the source has to be restored, and how long the call was held up.
func (r *mappedRun) alter(path string, way int) (from int64, held time.Duration) {
	t := r.t
	start := time.Now()
	var err error
	switch way {
	case 0:
		err = syscall.Truncate(path, 0)
	case 1:
		from = mappedSize / 2
		err = syscall.Truncate(path, from)
	case 2:
		from = mappedSize/3 | 1000
		err = syscall.Truncate(path, from)
	case 3:
		from = mappedSize - 1
		err = syscall.Truncate(path, from)
	default:
		from = mappedSize / 2
		var fd int
		if fd, err = syscall.Open(path, syscall.O_WRONLY|syscall.O_CLOEXEC, 0); err == nil {
			_, err = syscall.Pwrite(fd, []byte{^r.content[from]}, from)
			err = errors.Join(err, syscall.Close(fd))
		}
	}
	if err != nil {
		t.Error(err)
	}
	return from, time.Since(start)
}

// once copies and alters the source after a while of 0 to 1.5 times span, and returns how
// long the copy took.
func (r *mappedRun) once(span time.Duration) time.Duration {
	t := r.t
	path, to := filepath.Join(r.dir, "src"), filepath.Join(r.dir, "f")
	src, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := syscall.Open(r.dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(dir)
	var st platform.Stat
	native := platform.Native()
	put := Put{Dir: platform.FD(dir), Name: platform.MustName("f"), Src: platform.FD(src), Stat: new(platform.Stat), OldFD: platform.None, Stage: Unnamed}
	if err := errors.Join(native.Fstat(put.Dir, &st), native.Fstat(put.Src, put.Stat)); err != nil {
		t.Fatal(err)
	}
	put.DirIno, put.DirDev = st.Ino, st.Dev

	var began, done, seen atomic.Bool // seen: done when the source was looked at last
	calls := *native
	calls.Fstat = func(fd platform.FD, st *platform.Stat) error {
		if fd == put.Src {
			seen.Store(done.Load())
		}
		return native.Fstat(fd, st)
	}
	calls.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
		n, err := native.Pwrite(fd, buf, off)
		if err == syscall.EFAULT {
			r.count.faults++
		}
		return n, err
	}
	if !r.leased {
		calls.Lease = func(platform.FD) error { return syscall.EAGAIN }
	}
	wait, way := time.Duration(0), r.rng.IntN(5)
	if span > 0 {
		wait = time.Duration(r.rng.Int64N(int64(span) * 3 / 2))
	}
	var from int64
	var held time.Duration
	altered := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(altered)
		if span == 0 {
			return
		}
		for time.Since(start) < wait { // a timer is late by more than a call takes
		}
		began.Store(true)
		from, held = r.alter(path, way)
		done.Store(true)
	}()
	w := New(platform.Restarting(&calls), Options{Methods: []Method{Mmap}}, uint32(os.Geteuid())).NewWorker()
	err = w.Put(t.Context(), &put)
	took := time.Since(start)
	late := !began.Load()
	if e := syscall.Close(src); e != nil {
		t.Error(e)
	}
	<-altered
	got, readErr := os.ReadFile(to)
	switch {
	case err == nil:
		r.count.whole++
		if seen.Load() {
			t.Errorf("altered in way %d after %v and not reported", way, wait)
		}
		if readErr != nil || !bytes.Equal(got, r.content) {
			t.Errorf("way %d after %v: %d bytes were published that the source never held, %v", way, wait, len(got), readErr)
		}
	case !errors.Is(err, ErrChanged):
		t.Errorf("way %d after %v: error %v", way, wait, err)
	default:
		r.count.reported++
		if late {
			t.Errorf("reported before anything was altered: %v", err)
		}
		if !os.IsNotExist(readErr) {
			t.Errorf("way %d after %v: reported and published all the same, %v", way, wait, readErr)
		}
	}
	if seen.Load() {
		r.count.inside++
	}
	r.count.held = max(r.count.held, held)
	if span > 0 {
		r.count.moments++
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(r.content[from:], from)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		if err = os.Remove(to); os.IsNotExist(err) {
			err = nil
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// TestMappedSourceAltered: a source that is cut or written to while it is mapped, by
// another thread and at a random moment, doesn't crash the process. It is reported and
// nothing published, or it came too late and the copy is whole.
func TestMappedSourceAltered(t *testing.T) {
	platformtest.OpenDescriptors(t)
	moments := 130
	if short() {
		moments = 12
	}
	content := noise(mappedSize)
	var all mappedCount
	for _, fsys := range copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs", "ext4"}, Size: 400 << 20}) {
		for _, leased := range []bool{true, false} {
			name := fsys.Name + " without a lease"
			if leased {
				name = fsys.Name + " with a lease"
			}
			t.Run(name, func(t *testing.T) {
				if err := os.WriteFile(filepath.Join(fsys.Dir, "src"), content, 0o600); err != nil {
					t.Fatal(err)
				}
				r := mappedRun{t: t, dir: fsys.Dir, content: content, leased: leased, rng: rand.New(rand.NewPCG(uint64(moments), uint64(len(name))))}
				span := min(r.once(0), r.once(0), r.once(0))
				if r.count.whole != 3 {
					t.Fatalf("copies of what nobody alters: %+v", r.count)
				}
				r.count = mappedCount{}
				for range moments {
					r.once(span)
				}
				c := r.count
				t.Logf("%d moments in %v: %d reported, %d came too late and whole; %d were over before the last look; EFAULT %d times; held up %v at most", c.moments, span, c.reported, c.whole, c.inside, c.faults, c.held)
				if c.held > 5*time.Second {
					t.Errorf("the writer was held up for %v", c.held)
				}
				if c.reported == 0 || !leased && c.faults == 0 && !short() {
					t.Errorf("nothing was tested: %+v", c)
				}
				all.moments += c.moments
				all.reported += c.reported
				all.whole += c.whole
			})
		}
	}
	t.Logf("%d moments: %d reported, %d whole, no crash", all.moments, all.reported, all.whole)
}

// TestMappedFault: what reads a mapping in this process, as the memory of another one that
// is not there any more, gets SIGBUS where the kernel would say EFAULT. It is caught, and
// means the same.
func TestMappedFault(t *testing.T) {
	content := noise(3 * mapWindow)
	for _, window := range []int{0, 1, 2} {
		s := newShop(t, content)
		calls := platform.Native()
		pwrite, n := calls.Pwrite, 0
		sum := byte(0)
		calls.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
			if n++; n > window {
				if err := os.Truncate(s.src, int64(window)*mapWindow+5); err != nil {
					t.Error(err)
				}
				for i := 0; i < len(buf); i += 4096 {
					sum += buf[i]
				}
				t.Error("no signal")
			}
			return pwrite(fd, buf, off)
		}
		calls.Lease = func(platform.FD) error { return syscall.EAGAIN }
		if err := s.run(calls, Options{Methods: []Method{Mmap}}); !errors.Is(err, ErrChanged) {
			t.Errorf("window %d: error %v", window, err)
		}
		s.holds(nil)
	}
}

// TestMappedPageUnreadable: a fault in a source that is as it was is not called a change.
// Read and write tell what it is, if they may.
func TestMappedPageUnreadable(t *testing.T) {
	content := noise(2*mapWindow + 5)
	for _, methods := range [][]Method{{Mmap}, {Mmap, ReadWrite}} {
		for nth := 1; nth <= 3; nth++ {
			s := newShop(t, content)
			err := s.run(failing(platform.Native(), "Pwrite", nth, platformtest.Fault{Errno: syscall.EFAULT}), Options{Methods: methods})
			if len(methods) == 1 {
				if !errors.Is(err, syscall.EFAULT) || errors.Is(err, ErrChanged) {
					t.Errorf("page %d: error %v", nth, err)
				}
				s.holds(nil)
				continue
			}
			if err != nil || s.put.Result.Method != ReadWrite {
				t.Errorf("page %d: error %v, %+v", nth, err, s.put.Result)
			}
			s.holds(content)
		}
	}
}

// TestLeaseUnwatched: a lease that can't be asked about is given back and the copy goes on
// without one.
func TestLeaseUnwatched(t *testing.T) {
	s := newShop(t, noise(mapWindow))
	calls := platform.Native()
	given := 0
	unlease := calls.Unlease
	calls.Leased = func(platform.FD) (bool, error) { return false, syscall.EBADF }
	calls.Unlease = func(fd platform.FD) error { given++; return unlease(fd) }
	if err := s.run(calls, Options{Methods: []Method{Mmap}}); err != nil || given != 1 {
		t.Errorf("error %v, given back %d times", err, given)
	}
}

// TestLeaseBroken: who waits for the source gets it at once, and the copy says so though
// nothing has changed yet.
func TestLeaseBroken(t *testing.T) {
	s := newShop(t, noise(3*mapWindow))
	calls := platform.Native()
	pwrite, n := calls.Pwrite, 0
	opened := make(chan error, 1)
	calls.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
		if n++; n == 1 {
			go func() { opened <- os.Truncate(s.src, 7) }()
			for held := true; held; {
				held, _ = platform.Native().Leased(s.put.Src)
			}
			select {
			case <-opened:
				t.Error("the source was cut under the lease")
			default:
			}
		}
		return pwrite(fd, buf, off)
	}
	if err := s.run(calls, Options{Methods: []Method{Mmap}}); !errors.Is(err, ErrChanged) || n != 1 {
		t.Errorf("error %v after %d windows", err, n)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
	s.holds(nil)
}
