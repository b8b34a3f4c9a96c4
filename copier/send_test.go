//go:build linux

package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// end is one end of a connection, in blocking mode. It is closed at the end of
// the test at the latest.
type end struct {
	fd     platform.FD
	closed bool
}

func (e *end) close() {
	if !e.closed {
		e.closed = true
		syscall.Close(int(e.fd))
	}
}

// connections are the kinds of stream sockets that are tested.
var connections = map[string]func(t testing.TB) (*end, *end){"tcp": tcpPair, "unix": unixPair}

func unixPair(t testing.TB) (*end, *end) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ends(t, fds[0], fds[1])
}

func tcpPair(t testing.TB) (*end, *end) {
	t.Helper()
	socket := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	l, c := socket(), socket()
	defer syscall.Close(l)
	address := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.Bind(l, address), syscall.Listen(l, 1)); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(c, bound); err != nil {
		t.Fatal(err)
	}
	s, _, err := syscall.Accept4(l, syscall.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	return ends(t, c, s)
}

func ends(t testing.TB, a, b int) (*end, *end) {
	x, y := &end{fd: platform.FD(a)}, &end{fd: platform.FD(b)}
	t.Cleanup(x.close)
	t.Cleanup(y.close)
	return x, y
}

// everything starts reading what arrives at fd, piece by piece, until it ends.
func everything(fd platform.FD, pause func(total int)) <-chan []byte {
	got := make(chan []byte, 1)
	go func() {
		var all []byte
		buf := make([]byte, 1<<20)
		for {
			n, err := syscall.Read(int(fd), buf)
			if err == syscall.EINTR || err == syscall.EAGAIN {
				continue
			}
			if n <= 0 {
				got <- all
				return
			}
			all = append(all, buf[:n]...)
			if pause != nil {
				pause(len(all))
			}
		}
	}()
	return got
}

// source is a file to send.
type source struct {
	fd   platform.FD
	path string
	st   platform.Stat
}

func newSource(t testing.TB, content []byte) *source {
	t.Helper()
	s := &source{path: t.TempDir() + "/src"}
	if err := os.WriteFile(s.path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	s.fd = open(t, s.path, os.O_RDONLY)
	if err := platform.Native().Fstat(s.fd, &s.st); err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends a part of a source by a method, None for the choice of the table,
// and returns what arrived.
func (s *source) send(t testing.TB, calls *platform.Calls, kind string, m Method, off, n int64) ([]byte, Result, error) {
	t.Helper()
	a, b := connections[kind](t)
	defer b.close()
	got := everything(b.fd, nil)
	var opts Options
	if m != None {
		opts.Methods = []Method{m}
	}
	var res Result
	err := New(calls, opts, 0).NewWorker().Send(context.Background(), a.fd, s.fd, &s.st, off, n, &res)
	a.close()
	return <-got, res, err
}

// same tells where two contents differ, "" if they don't.
func same(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("%d bytes instead of %d, the first difference at %d", len(got), len(want), at)
}

var senders = []Method{Sendfile, Splice, Mmap, ReadWrite}

// edges are sizes around what the kernel and the methods count in.
var edges = []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, bufferSize - 1, bufferSize, bufferSize + 1,
	1<<20 - 1, 1 << 20, 1<<20 + 1, mapWindow - 1, mapWindow, mapWindow + 1, 5 << 20}

func TestSendSizes(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(5<<20 + 70000)
	s := newSource(t, content)
	cells := 0
	for kind := range connections {
		for _, m := range append([]Method{None}, senders...) {
			for _, size := range edges {
				for _, off := range []int{0, 1, 4095, 4097, 65536} {
					cells++
					got, res, err := s.send(t, platform.Native(), kind, m, int64(off), int64(size))
					name := fmt.Sprintf("%s, %v, %d bytes at %d", kind, m, size, off)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if diff := same(got, content[off:off+size]); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
					want := m
					switch {
					case size == 0:
						want = None
					case m == None:
						want = Sendfile
					}
					movedAll(t, name, &res, want, size)
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

// movedAll: the result tells of size bytes that one method moved.
func movedAll(t *testing.T, name string, res *Result, m Method, size int) {
	t.Helper()
	if res.Method != m || res.Bytes != int64(size) || res.Moved != int64(size) || len(res.Refusals()) != 0 {
		t.Errorf("%s: %+v", name, *res)
	}
}

// refusedAlone: nothing moved, since the one method asked for can't, and why.
func refusedAlone(t *testing.T, m Method, res *Result, err error, why string) {
	t.Helper()
	var none *MethodError
	if !errors.As(err, &none) || err.Error() != m.String()+": "+why {
		t.Errorf("%v: error %v", m, err)
	}
	if r := res.Refusals(); len(r) != 1 || r[0].Method != m || res.Bytes != 0 {
		t.Errorf("%v: %+v", m, *res)
	}
}

func TestSendRefused(t *testing.T) {
	content := noise(100000)
	s := newSource(t, content)
	for _, m := range []Method{CopyFileRange, Reflink, Direct, DontCache} {
		_, res, err := s.send(t, platform.Native(), "unix", m, 0, 100000)
		refusedAlone(t, m, &res, err, "it can't write to a socket")
	}
	// A list is an order of preference; what can't be is left out and told.
	a, b := unixPair(t)
	got := everything(b.fd, nil)
	var res Result
	w := New(platform.Native(), Options{Methods: []Method{Reflink, Direct, Splice, Sendfile}}, 0).NewWorker()
	if err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, 100000, &res); err != nil {
		t.Error(err)
	}
	a.close()
	if diff := same(<-got, content); diff != "" {
		t.Error(diff)
	}
	if r := res.Refusals(); res.Method != Splice || len(r) != 2 || r[0].Method != Reflink || r[1].Method != Direct {
		t.Errorf("%+v", res)
	}
	// What the kernel refuses is told with its reason, one by one.
	calls := platform.Native()
	calls.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) { return -1, syscall.EINVAL }
	calls.Mmap = func(platform.FD, int64, int) ([]byte, error) { return nil, syscall.ENODEV }
	w = New(calls, Options{Methods: []Method{Sendfile, Mmap}}, 0).NewWorker()
	err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, 100000, &Result{})
	if err == nil || err.Error() != "sendfile: Invalid argument; mmap: No such device" {
		t.Errorf("error %v", err)
	}
}

// TestSendRemembers: a call that the system lacks is asked for once, and again
// where nothing else may be used.
func TestSendRemembers(t *testing.T) {
	content := noise(100000)
	s := newSource(t, content)
	calls, asked := platform.Native(), 0
	calls.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) {
		asked++
		return -1, syscall.ENOSYS
	}
	c := New(calls, Options{}, 0)
	for i := range 3 {
		a, b := unixPair(t)
		got := everything(b.fd, nil)
		var res Result
		if err := c.NewWorker().Send(t.Context(), a.fd, s.fd, &s.st, 0, 100000, &res); err != nil || res.Method != Splice {
			t.Errorf("time %d: %v, %+v", i, err, res)
		}
		a.close()
		if diff := same(<-got, content); diff != "" {
			t.Error(diff)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestSendStalePipe: what a method held when it refused is not sent by a later
// one, at another offset.
func TestSendStalePipe(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(300000)
	s := newSource(t, content)
	calls := sippingSockets(platform.Native(), 50000)
	splice, sendfile, out, sent := calls.Splice, calls.Sendfile, 0, 0
	calls.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, n int) (int, error) {
		if srcOff == nil {
			if out++; out == 1 {
				return -1, syscall.EINVAL
			}
		}
		return splice(dst, dstOff, src, srcOff, n)
	}
	calls.Sendfile = func(dst, src platform.FD, off int64, n int) (int, error) {
		if sent++; sent == 2 {
			return -1, syscall.EINVAL
		}
		return sendfile(dst, src, off, n)
	}
	a, b := unixPair(t)
	got := everything(b.fd, nil)
	var res Result
	w := New(calls, Options{Methods: []Method{Splice, Sendfile, Splice}}, 0).NewWorker()
	err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, int64(len(content)), &res)
	a.close()
	if diff := same(<-got, content); diff != "" || err != nil || res.Method != Splice {
		t.Errorf("%v, %s, %+v", err, diff, res)
	}
}

// counted counts the calls of a table by name.
func counted(calls *platform.Calls, made map[string]int) *platform.Calls {
	return platformtest.Wrap(calls, func(name string, _ int64) *platformtest.Fault {
		made[name]++
		return nil
	})
}

// TestSendSlowReader: a socket that doesn't block is waited for, not asked
// over and over.
func TestSendSlowReader(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(5 << 20)
	s := newSource(t, content)
	for kind, connect := range connections {
		for _, m := range senders {
			a, b := connect(t)
			if err := errors.Join(
				syscall.SetNonblock(int(a.fd), true),
				syscall.SetsockoptInt(int(a.fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 100000),
				syscall.SetsockoptInt(int(b.fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 100000),
			); err != nil {
				t.Fatal(err)
			}
			got := everything(b.fd, func(int) { time.Sleep(2 * time.Millisecond) })
			made := map[string]int{}
			var res Result
			w := New(counted(platform.Native(), made), Options{Methods: []Method{m}}, 0).NewWorker()
			err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, int64(len(content)), &res)
			a.close()
			if diff := same(<-got, content); diff != "" || err != nil || res.Method != m {
				t.Errorf("%s, %v: %v, %s", kind, m, err, diff)
			}
			total := 0
			for _, n := range made {
				total += n
			}
			t.Logf("%s, %v: %v", kind, m, made)
			// The buffers take some 200 KiB, of which a quarter to a third must be
			// free for poll to say so: a hundred times, with a few calls each.
			if made["Poll"] == 0 || total > 1000 {
				t.Errorf("%s, %v: %d calls: %v", kind, m, total, made)
			}
		}
	}
}

// TestSendCancel: nobody reads, and the run is cancelled.
func TestSendCancel(t *testing.T) {
	platformtest.OpenDescriptors(t)
	s := newSource(t, noise(5<<20))
	for _, m := range senders {
		a, _ := unixPair(t)
		syscall.SetNonblock(int(a.fd), true)
		ctx, cancel := context.WithCancel(t.Context())
		calls := platform.Native()
		calls.Poll = func(fd platform.FD, write bool, ms int) (bool, error) {
			if ms < 0 || ms > 1000 {
				t.Errorf("%v polls for %d ms", m, ms)
			}
			cancel()
			return platform.Native().Poll(fd, write, 10)
		}
		var res Result
		err := New(calls, Options{Methods: []Method{m}}, 0).NewWorker().Send(ctx, a.fd, s.fd, &s.st, 0, 5<<20, &res)
		if !errors.Is(err, context.Canceled) || res.Bytes == 0 || res.Bytes == 5<<20 {
			t.Errorf("%v: %v, %+v", m, err, res)
		}
	}
}

// TestSendPeerGone: a connection that broke is final, whatever is left to try.
func TestSendPeerGone(t *testing.T) {
	platformtest.OpenDescriptors(t)
	s := newSource(t, noise(5<<20))
	for kind, connect := range connections {
		for _, m := range append([]Method{None}, senders...) {
			a, b := connect(t)
			gone := make(chan struct{})
			go func() {
				syscall.Read(int(b.fd), make([]byte, 100000))
				b.close()
				close(gone)
			}()
			var opts Options
			if m != None {
				opts.Methods = []Method{m}
			}
			var res Result
			err := New(platform.Native(), opts, 0).NewWorker().Send(t.Context(), a.fd, s.fd, &s.st, 0, 5<<20, &res)
			<-gone
			var step *StepError
			if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &step) || len(res.Refusals()) != 0 {
				t.Errorf("%s, %v: %v, %+v", kind, m, err, res)
			}
		}
	}
}

// TestSendShorter: the source ends before what was to be sent does.
func TestSendShorter(t *testing.T) {
	platformtest.OpenDescriptors(t)
	for _, m := range append([]Method{None}, senders...) {
		for _, size := range []int{0, 1, 5000, 8192, 100000, mapWindow + 4096} {
			content := noise(size)
			s := newSource(t, content)
			got, res, err := s.send(t, platform.Native(), "tcp", m, 0, mapWindow*2)
			if !errors.Is(err, ErrChanged) || res.Bytes != int64(len(got)) {
				t.Errorf("%v, %d bytes: %v, %d sent, %+v", m, size, err, len(got), res)
			}
			// A write from a mapping that has no end may give up before it, or
			// send the zeros of the last page.
			if m != Mmap && len(got) != size {
				t.Errorf("%v, %d bytes: %d arrived", m, size, len(got))
			}
			common := min(len(got), size)
			if diff := same(got[:common], content[:common]); diff != "" {
				t.Errorf("%v: %s", m, diff)
			}
		}
	}
}

// TestSendCut cuts the source before each write from its mapping.
func TestSendCut(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(2*mapWindow + 5000)
	for _, to := range []int64{0, 1, 4096, 5000, 300000, mapWindow - 1, mapWindow, mapWindow + 4097, 2*mapWindow + 4999} {
		for nth := 1; nth <= 4; nth++ {
			for _, touch := range []bool{false, true} {
				s := newSource(t, content)
				calls, writes, touched := platform.Native(), 0, 0
				calls.Write = func(fd platform.FD, buf []byte) (int, error) {
					if writes++; writes == nth {
						if err := syscall.Truncate(s.path, to); err != nil {
							t.Error(err)
						}
					}
					if touch { // as a kernel that hands the fault on does
						for i := 0; i < len(buf); i += 4096 {
							touched += int(buf[i])
						}
					}
					return platform.Native().Write(fd, buf[:min(len(buf), mapWindow/2)])
				}
				calls.Lease = func(platform.FD) error { return syscall.EAGAIN } // it would keep Truncate waiting
				got, res, err := s.send(t, calls, "unix", Mmap, 0, int64(len(content)))
				name := fmt.Sprintf("cut to %d before write %d, touched %v", to, nth, touch)
				if !errors.Is(err, ErrChanged) || res.Bytes != int64(len(got)) || touch != (touched > 0) && nth > 1 {
					t.Errorf("%s: %v, %d arrived, %+v", name, err, len(got), res)
				}
			}
		}
	}
}

// TestSendLease: who cuts a mapped source waits for the lease, but not for a
// peer that takes nothing.
func TestSendLease(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(2 * mapWindow)
	s := newSource(t, content)
	if err := platform.Native().Lease(s.fd); err != nil {
		t.Skipf("no lease here: %v", err)
	}
	platform.Native().Unlease(s.fd)
	a, b := unixPair(t)
	syscall.SetNonblock(int(a.fd), true)
	cut := make(chan time.Duration, 1)
	calls, released := platform.Native(), 0
	polled := false
	calls.Poll = func(fd platform.FD, write bool, ms int) (bool, error) {
		if !polled {
			polled = true
			go func() {
				start := time.Now()
				if err := syscall.Truncate(s.path, 5000); err != nil {
					t.Error(err)
				}
				cut <- time.Since(start)
			}()
		}
		return platform.Native().Poll(fd, write, 50)
	}
	calls.Unlease = func(fd platform.FD) error { released++; return platform.Native().Unlease(fd) }
	done := make(chan error, 1)
	var res Result
	go func() {
		done <- New(calls, Options{Methods: []Method{Mmap}}, 0).NewWorker().Send(t.Context(), a.fd, s.fd, &s.st, 0, int64(len(content)), &res)
	}()
	select {
	case waited := <-cut: // the kernel takes the lease away after 45 s
		t.Logf("cut after %v", waited)
	case <-time.After(20 * time.Second):
		t.Fatal("the lease is kept while the peer takes nothing")
	}
	got := everything(b.fd, nil)
	err := <-done
	a.close()
	if !errors.Is(err, ErrChanged) || released != 1 || res.Bytes != int64(len(<-got)) {
		t.Errorf("%v, given back %d times, %+v", err, released, res)
	}
}

// TestSendLimit: the rate holds, and is not paid for twice by short counts.
func TestSendLimit(t *testing.T) {
	content := noise(300000)
	s := newSource(t, content)
	for _, m := range senders {
		a, b := unixPair(t)
		syscall.SetNonblock(int(a.fd), true)
		got := everything(b.fd, nil)
		var told int64
		w := New(sippingSockets(platform.Native(), 3000), Options{Methods: []Method{m}, Limit: NewLimiter(1 << 20)}, 0).NewWorker()
		w.Progress = func(n int64) { told += n }
		start := time.Now()
		err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, int64(len(content)), &Result{})
		took := time.Since(start)
		a.close()
		if diff := same(<-got, content); err != nil || diff != "" || told != 0 {
			t.Errorf("%v: %v, %s, told of %d", m, err, diff, told)
		}
		// 286 ms less the last tenth of a second's worth. If every call paid for
		// what it asked, it took 35 times as long.
		if took < 150*time.Millisecond || took > 3*time.Second {
			t.Errorf("%v: took %v", m, took)
		}
	}
}

// TestSendProgress: all of a large range is told of, in several pieces.
func TestSendProgress(t *testing.T) {
	content := noise(progressMin + 1)
	s := newSource(t, content)
	for _, m := range senders {
		a, b := unixPair(t)
		got := everything(b.fd, nil)
		var told int64
		pieces := 0
		w := New(sippingSockets(platform.Native(), 1<<20), Options{Methods: []Method{m}}, 0).NewWorker()
		w.Progress = func(n int64) { told += n; pieces++ }
		err := w.Send(t.Context(), a.fd, s.fd, &s.st, 0, int64(len(content)), &Result{})
		a.close()
		if <-got; err != nil || told != int64(len(content)) || pieces < 5 {
			t.Errorf("%v: %v, told of %d in %d pieces", m, err, told, pieces)
		}
	}
}

// sippingSockets makes the calls that move data to and from sockets move at
// most n bytes.
func sippingSockets(c *platform.Calls, max int) *platform.Calls {
	limited := *sipping(c, max)
	limited.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, n int) (int, error) {
		return c.Splice(dst, dstOff, src, srcOff, min(max, n))
	}
	limited.Write = func(fd platform.FD, buf []byte) (int, error) { return c.Write(fd, buf[:min(max, len(buf))]) }
	limited.Read = func(fd platform.FD, buf []byte) (int, error) { return c.Read(fd, buf[:min(max, len(buf))]) }
	return &limited
}

// faultsOfSockets are what happens to one call.
var faultsOfSockets = map[string]platformtest.Fault{
	"EINTR": {Errno: syscall.EINTR}, "EINTR 3 times": {Errno: syscall.EINTR, Times: 3}, "EINTR for ever": {Errno: syscall.EINTR, Times: 1 << 30},
	"EAGAIN": {Errno: syscall.EAGAIN}, "EAGAIN for ever": {Errno: syscall.EAGAIN, Times: 1 << 30},
	"EINVAL": {Errno: syscall.EINVAL}, "ENOSYS": {Errno: syscall.ENOSYS}, "EOPNOTSUPP": {Errno: syscall.EOPNOTSUPP},
	"EPIPE": {Errno: syscall.EPIPE}, "ECONNRESET": {Errno: syscall.ECONNRESET}, "EIO": {Errno: syscall.EIO}, "ENOSPC": {Errno: syscall.ENOSPC},
	"ENOMEM": {Errno: syscall.ENOMEM}, "EPERM": {Errno: syscall.EPERM}, "EFAULT": {Errno: syscall.EFAULT}, "EMFILE": {Errno: syscall.EMFILE},
	"short": {Short: true}, "zero": {Zero: true}, "zero 3 times": {Zero: true, Times: 3}, "zero for ever": {Zero: true, Times: 1 << 30},
}

// moments returns the first, the middle and the last of n calls.
func moments(n int) []int {
	return slices.Compact([]int{1, n/2 + 1, n})
}

// TestSendFaults: whatever happens to whichever call, what arrives is right or
// there is an error, and what res says was sent is what arrived.
func TestSendFaults(t *testing.T) {
	platformtest.OpenDescriptors(t)
	const piece, off = 50000, 777
	content := noise(off + 9*piece + 11)
	s := newSource(t, content)
	want := content[off:]
	cells, failed := 0, 0
	for kind := range connections {
		for _, m := range append([]Method{None}, senders...) {
			calls := sippingSockets(platform.Native(), piece)
			made := map[string]int{}
			if _, _, err := s.send(t, counted(calls, made), kind, m, off, int64(len(want))); err != nil {
				t.Fatal(err)
			}
			for call, n := range made {
				for name, fault := range faultsOfSockets {
					if fault.Short && !platformtest.CanBeShort(call) || fault.Zero && !platformtest.CanBeZero(call) {
						continue
					}
					for _, nth := range moments(n) {
						cells++
						got, res, err := s.send(t, failing(calls, call, nth, fault), kind, m, off, int64(len(want)))
						cell := fmt.Sprintf("%s, %v, %s number %d: %s", kind, m, call, nth, name)
						if err != nil {
							failed++
						}
						if len(got) > len(want) || err == nil && len(got) < len(want) {
							t.Errorf("%s: %d bytes arrived and the error is %v", cell, len(got), err)
						} else if diff := same(got, want[:len(got)]); diff != "" {
							t.Errorf("%s: %s", cell, diff)
						}
						if res.Bytes != int64(len(got)) || res.Moved != res.Bytes {
							t.Errorf("%s: %d bytes arrived, %+v", cell, len(got), res)
						}
						checkAction(t, cell, m, call, name, fault, err)
					}
				}
			}
		}
	}
	t.Logf("%d cells, %d of them end with an error", cells, failed)
}

// checkAction holds the calls that move data to the table of platform.Judge.
func checkAction(t *testing.T, cell string, m Method, call, name string, fault platformtest.Fault, err error) {
	t.Helper()
	var none *MethodError
	socket := call == "Sendfile" || call == "Splice" || call == "Write" && m != None
	switch {
	case call == "Close" || call == "SetPipeSize" || call == "Lease" || call == "Leased" || call == "Unlease" || call == "Munmap":
		if err != nil {
			t.Errorf("%s: %v", cell, err)
		}
	case !socket:
	case name == "EINTR" || name == "EINTR 3 times" || name == "EAGAIN" || name == "short":
		if err != nil {
			t.Errorf("%s: %v", cell, err)
		}
	case name == "EPIPE" || name == "ECONNRESET" || name == "EIO" || name == "ENOSPC":
		if !errors.Is(err, fault.Errno) {
			t.Errorf("%s: %v", cell, err)
		}
	case name == "EINVAL" || name == "ENOSYS" || name == "EOPNOTSUPP" || name == "ENOMEM":
		if m == None && err != nil || m != None && !errors.As(err, &none) {
			t.Errorf("%s: %v", cell, err)
		}
	case name == "EFAULT" && m == Mmap:
		if !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", cell, err)
		}
	}
}

// TestSendImpossibleCounts: after a count that no kernel returns nobody knows
// what the peer has.
func TestSendImpossibleCounts(t *testing.T) {
	content := noise(100000)
	s := newSource(t, content)
	for _, n := range []int{-5, 1 << 40} {
		for _, m := range senders {
			calls := platform.Native()
			calls.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) { return n, nil }
			calls.Write = func(platform.FD, []byte) (int, error) { return n, nil }
			calls.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, k int) (int, error) {
				if srcOff == nil {
					return n, nil
				}
				return platform.Native().Splice(dst, dstOff, src, srcOff, k)
			}
			got, res, err := s.send(t, calls, "unix", m, 0, int64(len(content)))
			if err == nil || !strings.Contains(err.Error(), "returned") || res.Bytes != 0 || len(got) != 0 {
				t.Errorf("%v returns %d: %v, %+v", m, n, err, res)
			}
		}
	}
}
