//go:build linux

package copier

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

const sip = 10000 // what the methods below move at a time, of six times as much

// TestZero: that a method moves nothing isn't the end of the file. The next one goes on at
// the same offset, and what was moved before stays.
func TestZero(t *testing.T) {
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		call := map[Method]string{CopyFileRange: "CopyFileRange", Sendfile: "Sendfile", ReadWrite: "Pread"}[m]
		for nth := 1; nth <= 6; nth++ {
			content := noise(6 * sip)
			p := newPair(t, content)
			res, err := p.data(failing(sipping(only(m), sip), call, nth, platformtest.Fault{Zero: true}), Options{})
			if err != nil {
				t.Errorf("%v, call %d: %v", m, nth, err)
				continue
			}
			p.holds(t, content)
			if res.Method != ReadWrite || res.Moved != int64(len(content)) {
				t.Errorf("%v, call %d: %+v", m, nth, res)
			}
		}
	}
}

// TestZeroAtTheEnd: where read finds nothing either the file has ended.
func TestZeroAtTheEnd(t *testing.T) {
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		content := noise(3 * sip)
		p := newPair(t, content)
		p.st.Size, p.st.Blocks = 5*sip, 5*sip/512+1 // as if it had been cut since
		res, err := p.data(sipping(only(m), sip), Options{})
		if err != nil {
			t.Errorf("%v: %v", m, err)
		}
		p.holds(t, content)
		if res.Bytes != int64(len(content)) || res.Method != m {
			t.Errorf("%v: %+v", m, res)
		}
	}
}

// TestErrors: what each error of each method leads to, at the first call and later on.
func TestErrors(t *testing.T) {
	const (
		next    = "next"    // go on at the same offset
		restart = "restart" // from 0, with read and write
		fail    = "fail"
	)
	type want struct{ first, later string }
	table := map[Method]map[syscall.Errno]want{
		CopyFileRange: {
			syscall.EINVAL: {next, next}, syscall.EXDEV: {next, next}, syscall.ENOSYS: {next, next}, syscall.EOPNOTSUPP: {next, next},
			syscall.EBADF: {next, next}, syscall.EAGAIN: {next, next},
			syscall.EPERM: {next, restart}, syscall.EACCES: {next, restart}, syscall.ETXTBSY: {next, restart},
			syscall.EIO: {restart, restart}, syscall.ENOENT: {restart, restart}, syscall.EFBIG: {restart, restart},
			syscall.EOVERFLOW: {restart, restart}, syscall.ENOMEM: {restart, restart},
			syscall.ENOSPC: {fail, fail}, syscall.EDQUOT: {fail, fail}, syscall.EROFS: {fail, fail}, syscall.EUCLEAN: {fail, fail},
		},
		Sendfile: {
			syscall.EINVAL: {next, next}, syscall.EXDEV: {next, next}, syscall.ENOSYS: {next, next}, syscall.EOPNOTSUPP: {next, next},
			syscall.EAGAIN: {next, next}, syscall.EPERM: {next, restart},
			syscall.EIO: {restart, restart}, syscall.ENOENT: {restart, restart}, syscall.ENOMEM: {restart, restart},
			syscall.ENOSPC: {fail, fail}, syscall.EDQUOT: {fail, fail}, syscall.EROFS: {fail, fail},
		},
		ReadWrite: {
			syscall.EIO: {fail, fail}, syscall.ENOSPC: {fail, fail}, syscall.EINVAL: {fail, fail}, syscall.EPERM: {fail, fail},
			syscall.EOPNOTSUPP: {fail, fail}, syscall.EFBIG: {fail, fail},
		},
	}
	calls := map[Method]string{CopyFileRange: "CopyFileRange", Sendfile: "Sendfile", ReadWrite: "Pwrite"}
	for m, errnos := range table {
		for errno, want := range errnos {
			for nth, want := range map[int]string{1: want.first, 4: want.later} {
				content := noise(6 * sip)
				p := newPair(t, content)
				table := sipping(only(m), sip)
				got := next
				read, truncate := table.Pread, table.Ftruncate
				table.Ftruncate = func(fd platform.FD, size int64) error {
					got = restart
					return truncate(fd, size)
				}
				from := int64(-1)
				table.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
					if from < 0 {
						from = off
					}
					return read(fd, buf, off)
				}
				_, err := p.data(failing(table, calls[m], nth, platformtest.Fault{Errno: errno}), Options{})
				confirmed := int64(nth-1) * sip
				switch {
				case err != nil:
					var s *StepError
					if got = fail; !errors.As(err, &s) || !errors.Is(err, errno) {
						t.Errorf("%v, call %d, %v: error %v", m, nth, errno, err)
					}
				case got == next && from != confirmed:
					t.Errorf("%v, call %d, %v: goes on at %d, not at %d", m, nth, errno, from, confirmed)
				default:
					p.holds(t, content)
				}
				if got != want {
					t.Errorf("%v, call %d, %v: %s, want %s", m, nth, errno, got, want)
				}
			}
		}
	}
}

// TestInterrupted: a call that a signal interrupted is made again, a bounded number of
// times.
func TestInterrupted(t *testing.T) {
	for _, m := range []Method{CopyFileRange, Sendfile, ReadWrite} {
		for _, call := range []string{"CopyFileRange", "Sendfile", "Pread", "Pwrite", "Clone", "Ftruncate", "Lseek"} {
			for times, ok := range map[int]bool{3: true, 1 << 30: false} {
				content := append(make([]byte, 40960), noise(3*sip)...) // the hole makes it use all
				p := newPair(t, nil)
				if err := syscall.Ftruncate(int(open(t, p.dstPath, syscall.O_RDWR)), 0); err != nil {
					t.Fatal(err)
				}
				src := p.dstPath + ".src"
				fd := open(t, src, syscall.O_RDWR|syscall.O_CREAT)
				if _, err := syscall.Pwrite(int(fd), content[40960:], 40960); err != nil {
					t.Fatal(err)
				}
				p = openPair(t, src, p.dstPath)
				used := false
				calls := platformtest.Wrap(sipping(only(m), sip), func(name string, _ int64) *platformtest.Fault {
					if name != call || used {
						return nil
					}
					used = true
					return &platformtest.Fault{Errno: syscall.EINTR, Times: times}
				})
				_, err := p.data(calls, Options{})
				if !used {
					continue
				}
				if ok {
					p.holds(t, content)
				}
				if (err == nil) != ok || err != nil && !errors.Is(err, syscall.EINTR) {
					t.Errorf("%v, %s interrupted %d times: %v", m, call, times, err)
				}
			}
		}
	}
}

// TestImpossibleCounts: no correct kernel moves more than it was asked to. The offload
// calls lose their say, read and write have no other to fall back to.
func TestImpossibleCounts(t *testing.T) {
	content := noise(3 * sip)
	for _, n := range []int{-5, 1 << 40} {
		for _, m := range []Method{CopyFileRange, Sendfile} {
			p := newPair(t, content)
			c := only(m)
			c.CopyFileRange = func(platform.FD, int64, platform.FD, int64, int) (int, error) { return n, nil }
			c.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) { return n, nil }
			res, err := p.data(c, Options{})
			if err != nil || res.Method != ReadWrite {
				t.Errorf("%v returns %d: %v, %+v", m, n, err, res)
			}
			p.holds(t, content)
		}
		p := newPair(t, content)
		c := only(ReadWrite)
		c.Pread = func(platform.FD, []byte, int64) (int, error) { return n, nil }
		if _, err := p.data(c, Options{}); err == nil || !strings.Contains(err.Error(), "pread returned") {
			t.Errorf("pread returns %d: %v", n, err)
		}
		p = newPair(t, content)
		c = only(ReadWrite)
		c.Pwrite = func(platform.FD, []byte, int64) (int, error) { return n, nil }
		if _, err := p.data(c, Options{}); err == nil || !strings.Contains(err.Error(), "pwrite returned") {
			t.Errorf("pwrite returns %d: %v", n, err)
		}
	}
}

// TestStuckWrite: writes that move nothing don't go on for ever.
func TestStuckWrite(t *testing.T) {
	p := newPair(t, noise(10))
	c := only(ReadWrite)
	c.Pwrite = func(platform.FD, []byte, int64) (int, error) { return 0, nil }
	var s *StepError
	if _, err := p.data(c, Options{}); !errors.As(err, &s) || s.Step != StepWrite {
		t.Errorf("error %v", err)
	}
}

// TestSlowCalls: where a call takes long the next one is shorter, and no shorter than it has to be.
func TestSlowCalls(t *testing.T) {
	t.Parallel()
	const size = 160 << 20
	path := filepath.Join(t.TempDir(), "src")
	if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	p := openPair(t, path, path+"2")
	c := only(CopyFileRange)
	c.Lseek = func(_ platform.FD, off int64, whence int) (int64, error) {
		if whence == platform.SeekData {
			return off, nil
		}
		return size, nil
	}
	var asked []int
	c.CopyFileRange = func(_ platform.FD, _ int64, _ platform.FD, _ int64, n int) (int, error) {
		if asked = append(asked, n>>20); n > 16<<20 {
			time.Sleep(slowCall + 10*time.Millisecond)
		}
		return n, nil // nothing is stored, which the end finds out
	}
	p.data(c, Options{Cache: CacheKeep})
	if want := []int{64, 32, 16, 16, 16, 16}; !slices.Equal(asked, want) {
		t.Errorf("calls of %d MiB, want %d", asked, want)
	}
}

// TestLimitOfShortCalls: what a call was let through for and did not move is not booked again,
// which would take some four seconds.
func TestLimitOfShortCalls(t *testing.T) {
	const rate = 64 << 20
	p := newPair(t, noise(rate/4))
	begun := time.Now()
	p.data(platform.Native(), Options{Methods: []Method{ReadWrite}, Limit: NewLimiter(rate)})
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("a quarter of a second's worth took %v", took)
	}
}

// TestCloneOfNothing: a clone that succeeds and stores nothing is not believed.
func TestCloneOfNothing(t *testing.T) {
	content := noise(3 * sip)
	p := newPair(t, content)
	c := only(ReadWrite)
	c.Clone = func(platform.FD, platform.FD) error { return nil }
	res, err := p.data(c, Options{})
	if err != nil || res.Method != ReadWrite || res.Cloned != 0 {
		t.Errorf("%v, %+v", err, res)
	}
	p.holds(t, content)
}

// TestCloneErrors: those that speak of the data or the device are final, as they are not in
// coreutils 7.5 to 9.1, and all others lead to the next method.
func TestCloneErrors(t *testing.T) {
	content := noise(sip)
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		p := newPair(t, content)
		c := only(ReadWrite)
		c.Clone = func(platform.FD, platform.FD) error { return errno }
		if _, err := p.data(c, Options{}); !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
		p.holds(t, nil)
	}
	for errno := syscall.Errno(1); errno < 134; errno++ {
		switch errno {
		case syscall.EIO, syscall.ENOMEM, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EINTR,
			syscall.EISDIR, syscall.ESPIPE, syscall.ENXIO, syscall.ESTALE:
			continue
		}
		p := newPair(t, content)
		c := only(ReadWrite)
		c.Clone = func(platform.FD, platform.FD) error { return errno }
		res, err := p.data(c, Options{})
		if err != nil {
			t.Errorf("%v: %v", errno, err)
			continue
		}
		p.holds(t, content)
		if len(res.Refusals()) == 0 || res.Refusals()[0].Method != Reflink || res.Refusals()[0].Err != error(errno) {
			t.Errorf("%v: refusals %v", errno, res.Refusals())
		}
	}
}

// TestSizeUnknown: what says that it is empty is read until it ends.
func TestSizeUnknown(t *testing.T) {
	content := noise(bufferSize + 7)
	p := newPair(t, content)
	p.st.Size, p.st.Blocks = 0, 0
	res, err := p.data(platform.Native(), Options{})
	if err != nil || res.Method != ReadWrite || res.Bytes != int64(len(content)) {
		t.Errorf("%v, %+v", err, res)
	}
	p.holds(t, content)
}

// TestCancel stops between two calls.
func TestCancel(t *testing.T) {
	p := newPair(t, noise(6*sip))
	ctx, cancel := context.WithCancel(t.Context())
	c := sipping(only(CopyFileRange), sip)
	calls := 0
	cfr := c.CopyFileRange
	c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
		if calls++; calls == 2 {
			cancel()
		}
		return cfr(dst, dstOff, src, srcOff, n)
	}
	var res Result
	err := New(c, Options{}, 0).NewWorker().Data(ctx, p.dst, p.src, &p.st, &p.st, &res)
	if !errors.Is(err, context.Canceled) || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
