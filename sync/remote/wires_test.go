package remote

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
)

// wires is how the two ends of a test are connected.
type wires struct {
	streams int  // direct ones
	plain   bool // they are not protected
	kernel  bool // the kernel may write to them
	control func(t *testing.T) (a, b io.ReadWriteCloser)
	// wrap, if set, gets hold of the receiver's end of each stream.
	wrap  func(conn) conn
	late  time.Duration // before the direct ones come
	times *timing
	words []string
	// calls are the client's, farCalls the server's; nil for the native ones.
	calls, farCalls *platform.Calls
}

func orNative(calls *platform.Calls) *platform.Calls {
	if calls == nil {
		return platform.Native()
	}
	return calls
}

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func sockOf(t *testing.T, c net.Conn) platform.FD {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := platform.None
	raw.Control(func(f uintptr) { fd = platform.FD(f) })
	return fd
}

// duplex is two pipes of the kernel, as a process's standard files are.
type duplex struct{ r, w *os.File }

func (d duplex) Read(b []byte) (int, error)  { return d.r.Read(b) }
func (d duplex) Write(b []byte) (int, error) { return d.w.Write(b) }
func (d duplex) Close() error                { d.w.Close(); return d.r.Close() }

func pipePair(t *testing.T) (a, b io.ReadWriteCloser) {
	r1, w1, err1 := os.Pipe()
	r2, w2, err2 := os.Pipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return duplex{r1, w2}, duplex{r2, w1}
}

func memoryPair(t *testing.T) (a, b io.ReadWriteCloser) {
	x, y := net.Pipe()
	return x, y
}

func socketPair(t *testing.T) (a, b io.ReadWriteCloser) {
	x, y := tcpPair(t)
	return x, y
}

// connect makes both ends; sender tells which of the two sends.
func (c wires) connect(t *testing.T, clientSends bool) (client, server ends) {
	t.Helper()
	make2 := c.control
	if make2 == nil {
		make2 = pipePair
	}
	a, b := make2(t)
	var ours, theirs []*stream
	for i := range c.streams {
		x, y := tcpPair(t)
		s := &stream{conn: x, number: uint32(i + 1), private: !c.plain, sock: platform.None}
		if c.kernel {
			s.sock = sockOf(t, x)
		}
		var in conn = y
		if c.wrap != nil {
			in = c.wrap(y)
		}
		ours = append(ours, s)
		theirs = append(theirs, &stream{conn: in, number: uint32(i + 1), private: !c.plain, sock: platform.None})
	}
	next := func(list []*stream) func(context.Context) (*stream, error) {
		var mu sync.Mutex
		return func(ctx context.Context) (*stream, error) {
			mu.Lock()
			defer mu.Unlock()
			if len(list) == 0 {
				return nil, io.EOF
			}
			if c.late > 0 {
				select {
				case <-time.After(c.late):
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			s := list[0]
			list = list[1:]
			return s, nil
		}
	}
	client, server = ends{control: a, next: next(ours), seed: 42}, ends{control: b, next: next(theirs), seed: 42}
	if !clientSends {
		client.next, server.next = server.next, client.next
	}
	t.Cleanup(func() {
		for _, s := range append(ours, theirs...) {
			s.Close()
		}
	})
	return client, server
}
