//go:build linux

package copier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

var receivers = []Method{Splice, ReadWrite}

// feed starts writing data to an end in pieces, and closes it then.
func feed(e *end, data []byte, piece int) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer e.close()
		for len(data) > 0 {
			n, err := syscall.Write(int(e.fd), data[:min(piece, len(data))])
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				return
			}
			data = data[n:]
		}
	}()
	return done
}

// receive receives n bytes of data at off of a new file by a method, None for
// the choice of the table. It returns the file and what is left in the socket.
func receive(t testing.TB, calls *platform.Calls, kind string, m Method, data []byte, off, n int64) (file, left []byte, res Result, err error) {
	t.Helper()
	a, b := connections[kind](t)
	defer b.close()
	path := t.TempDir() + "/dst"
	fd := open(t, path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	fed := feed(a, data, 300000)
	var opts Options
	if m != None {
		opts.Methods = []Method{m}
	}
	err = New(calls, opts, 0).NewWorker().Receive(context.Background(), fd, b.fd, off, n, &res)
	if err == nil {
		left = <-everything(b.fd, nil)
	}
	b.close()
	<-fed
	if file, rerr := os.ReadFile(path); rerr == nil {
		return file, left, res, err
	}
	t.Fatal("the destination can't be read")
	return nil, nil, res, err
}

func TestReceiveSizes(t *testing.T) {
	platformtest.OpenDescriptors(t)
	const behind = 1000
	content := noise(5<<20 + behind)
	cells := 0
	for kind := range connections {
		for _, m := range append([]Method{None}, receivers...) {
			for _, size := range edges {
				for _, off := range []int{0, 1, 4097, 65536} {
					cells++
					file, left, res, err := receive(t, platform.Native(), kind, m, content[:size+behind], int64(off), int64(size))
					name := fmt.Sprintf("%s, %v, %d bytes at %d", kind, m, size, off)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					want := append(make([]byte, off), content[:size]...)
					if size == 0 {
						want = nil
					}
					if diff := same(file, want); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
					if diff := same(left, content[size:size+behind]); diff != "" {
						t.Errorf("%s: behind it: %s", name, diff)
					}
					method := m
					switch {
					case size == 0:
						method = None
					case m == None && size < receiveSpliceMin:
						method = ReadWrite
					case m == None:
						method = Splice
					}
					movedAll(t, name, &res, method, size)
				}
			}
		}
	}
	t.Logf("%d cells", cells)
}

func TestReceiveRefused(t *testing.T) {
	content := noise(1000)
	for _, m := range []Method{CopyFileRange, Reflink, Direct, DontCache, Sendfile, Mmap} {
		_, _, res, err := receive(t, platform.Native(), "unix", m, content, 0, 1000)
		refusedAlone(t, m, &res, err, "it can't read from a socket")
	}
}

// TestReceiveInside: only the range is written.
func TestReceiveInside(t *testing.T) {
	for _, m := range receivers {
		path := t.TempDir() + "/dst"
		old := noise(900000)
		if err := os.WriteFile(path, old, 0o644); err != nil {
			t.Fatal(err)
		}
		fd := open(t, path, os.O_RDWR)
		a, b := tcpPair(t)
		data := bytes.Repeat([]byte{0}, 300001)
		fed := feed(a, data, 7777)
		var res Result
		w := New(platform.Native(), Options{Methods: []Method{m}}, 0).NewWorker()
		if err := w.Receive(t.Context(), fd, b.fd, 12345, int64(len(data)), &res); err != nil {
			t.Errorf("%v: %v", m, err)
		}
		<-fed
		copy(old[12345:], data)
		got, err := os.ReadFile(path)
		if diff := same(got, old); diff != "" || err != nil {
			t.Errorf("%v: %s, %v", m, diff, err)
		}
	}
}

// TestReceiveEarlyEnd: the peer closes before it sent everything.
func TestReceiveEarlyEnd(t *testing.T) {
	platformtest.OpenDescriptors(t)
	for kind := range connections {
		for _, m := range append([]Method{None}, receivers...) {
			for _, size := range []int{0, 1, 5000, 700000} {
				content := noise(size)
				file, _, res, err := receive(t, platform.Native(), kind, m, content, 0, 1<<20)
				var step *StepError
				if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &step) || step.Step != StepRead {
					t.Errorf("%s, %v, %d bytes: %v", kind, m, size, err)
				}
				if diff := same(file, content); diff != "" || res.Bytes != int64(size) {
					t.Errorf("%s, %v, %d bytes: %s, %+v", kind, m, size, diff, res)
				}
			}
		}
	}
}

// TestReceiveSlowSender: a socket that doesn't block is waited for, and a run
// that is cancelled ends.
func TestReceiveSlowSender(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(300000)
	for _, m := range receivers {
		path := t.TempDir() + "/dst"
		fd := open(t, path, os.O_RDWR|os.O_CREATE)
		a, b := tcpPair(t)
		syscall.SetNonblock(int(b.fd), true)
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			for i := 0; i < len(content); i += 10000 {
				syscall.Write(int(a.fd), content[i:i+10000])
				time.Sleep(time.Millisecond)
			}
		}()
		made := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		w := New(counted(platform.Native(), made), Options{Methods: []Method{m}}, 0).NewWorker()
		var res Result
		if err := w.Receive(ctx, fd, b.fd, 0, int64(len(content)), &res); err != nil || res.Method != m {
			t.Errorf("%v: %v, %+v", m, err, res)
		}
		<-fed
		got, err := os.ReadFile(path)
		if diff := same(got, content); diff != "" || err != nil {
			t.Errorf("%v: %s, %v", m, diff, err)
		}
		total := 0
		for _, n := range made {
			total += n
		}
		t.Logf("%v: %v", m, made)
		if made["Poll"] == 0 || total > 400 { // 30 pieces, each of which may come in several
			t.Errorf("%v: %d calls: %v", m, total, made)
		}
		time.AfterFunc(20*time.Millisecond, cancel)
		if err := w.Receive(ctx, fd, b.fd, 0, 1, &res); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// TestReceiveFull: what was in the pipe when there is no space left is lost,
// told of, and not stored by a later file.
func TestReceiveFull(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(1 << 20)
	for _, m := range receivers {
		calls := sippingSockets(platform.Native(), 50000)
		call := map[Method]string{Splice: "Splice", ReadWrite: "Pwrite"}[m]
		file, _, res, err := receive(t, failing(calls, call, 6, platformtest.Fault{Errno: syscall.ENOSPC}), "tcp", m, content, 0, 1<<20)
		var step *StepError
		if !errors.As(err, &step) || step.Step != StepWrite || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v: %v", m, err)
		}
		if diff := same(file, content[:min(len(file), len(content))]); diff != "" || res.Bytes != int64(len(file)) {
			t.Errorf("%v: %s, %+v", m, diff, res)
		}
	}
}

// TestReceiveFileRefuses: where a file takes nothing by splice, what is in the
// pipe already is written.
func TestReceiveFileRefuses(t *testing.T) {
	platformtest.OpenDescriptors(t)
	content := noise(1 << 20)
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOSYS, syscall.EIO} {
		for nth := 1; nth < 4; nth++ {
			for _, m := range []Method{None, Splice} {
				calls := sippingSockets(platform.Native(), 100000)
				splice, seen := calls.Splice, 0
				calls.Splice = func(dst platform.FD, dstOff *int64, src platform.FD, srcOff *int64, n int) (int, error) {
					if dstOff != nil {
						if seen++; seen == nth {
							return -1, errno
						}
					}
					return splice(dst, dstOff, src, srcOff, n)
				}
				file, left, res, err := receive(t, calls, "unix", m, content, 0, 1<<20-5)
				name := fmt.Sprintf("%v, %v at store %d", m, errno, nth)
				if m == Splice {
					var none *MethodError
					if !errors.As(err, &none) || !strings.HasPrefix(err.Error(), "splice: ") || res.Bytes != int64(len(file)) {
						t.Errorf("%s: %v, %+v", name, err, res)
					}
					continue
				}
				if diff := same(file, content[:1<<20-5]); err != nil || diff != "" || len(left) != 5 || res.Method != ReadWrite || len(res.Refusals()) != 1 {
					t.Errorf("%s: %v, %s, %+v", name, err, diff, res)
				}
			}
		}
	}
}

// TestReceiveFaults: whatever happens to whichever call, what is stored is
// right or there is an error, and what res says is stored is.
func TestReceiveFaults(t *testing.T) {
	platformtest.OpenDescriptors(t)
	const piece, off, behind = 50000, 777, 100
	content := noise(9*piece + 11 + behind)
	want := content[:len(content)-behind]
	cells, failed := 0, 0
	for kind := range connections {
		for _, m := range append([]Method{None}, receivers...) {
			calls := sippingSockets(platform.Native(), piece)
			made := map[string]int{}
			if _, _, _, err := receive(t, counted(calls, made), kind, m, content, off, int64(len(want))); err != nil {
				t.Fatal(err)
			}
			for call, n := range made {
				for name, fault := range faultsOfSockets {
					if fault.Short && !platformtest.CanBeShort(call) || fault.Zero && !platformtest.CanBeZero(call) {
						continue
					}
					for _, nth := range moments(n) {
						cells++
						made := map[string]int{}
						file, left, res, err := receive(t, counted(failing(calls, call, nth, fault), made), kind, m, content, off, int64(len(want)))
						cell := fmt.Sprintf("%s, %v, %s number %d: %s", kind, m, call, nth, name)
						got := file[min(off, len(file)):]
						if err != nil {
							failed++
						} else if diff := same(left, content[len(want):]); diff != "" {
							t.Errorf("%s: behind it: %s", cell, diff)
						}
						if len(got) > len(want) || err == nil && len(got) < len(want) {
							t.Errorf("%s: %d bytes stored and the error is %v", cell, len(got), err)
						} else if diff := same(got, want[:len(got)]); diff != "" {
							t.Errorf("%s: %s", cell, diff)
						}
						if res.Bytes != int64(len(got)) || res.Moved != res.Bytes {
							t.Errorf("%s: %d bytes stored, %+v", cell, len(got), res)
						}
						if made[call] >= nth { // how many there are depends on when the pieces came
							checkReceived(t, cell, m, call, name, fault, err)
						}
					}
				}
			}
		}
	}
	t.Logf("%d cells, %d of them end with an error", cells, failed)
}

// checkReceived holds the calls that move data to the table of platform.Judge,
// on either side.
func checkReceived(t *testing.T, cell string, m Method, call, name string, fault platformtest.Fault, err error) {
	t.Helper()
	bad := false
	switch {
	case call == "Close" || call == "SetPipeSize":
		bad = err != nil
	case call == "Pipe": // another method, if there is one
		bad = (err != nil) != (m == Splice)
	case name == "EINTR" || name == "EINTR 3 times" || name == "short":
		bad = err != nil
	case name == "EAGAIN" && call == "Read":
		bad = err != nil
	case call == "Splice" && m == None && (name == "EAGAIN" || name == "EINVAL" || name == "ENOSYS" || name == "zero" || name == "EOPNOTSUPP"):
		bad = err != nil
	case call == "Splice" && m == Splice && strings.HasPrefix(name, "zero"):
		var none *MethodError
		bad = !errors.As(err, &none)
	case name == "EPIPE" || name == "ECONNRESET" || name == "ENOSPC":
		bad = !errors.Is(err, fault.Errno)
	}
	if bad {
		t.Errorf("%s: %v", cell, err)
	}
}
