//go:build linux

package main_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Directions of a connection through a proxy.
const (
	fromClient = iota
	fromServer
)

// proxy stands between a client and a server on loopback ports and does to the bytes what a
// network may do to them. The bytes of a direction are counted over all its connections.
type proxy struct {
	listener *net.TCPListener
	to       int
	// delay is the time that a byte is on its way, either way, however many there are.
	delay time.Duration
	// meddle, when set, gets what goes on in a direction and its offset there, one piece at a
	// time, and may change it in place. false: only the first keep bytes go on, and then
	// everything is cut.
	meddle func(direction int, offset int64, b []byte) (keep int, ok bool)
	// reset: a cut looks as if a machine were gone that comes back, else as an orderly end.
	reset bool

	relays sync.WaitGroup

	mu    sync.Mutex
	moved [2]int64
	open  map[*net.TCPConn]bool
	cut   bool
}

// startProxy lets a proxy, of which the fields to, delay, meddle and reset may be set, listen
// until the test ends.
func startProxy(t testing.TB, p *proxy) *proxy {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	p.listener, p.open = l, map[*net.TCPConn]bool{}
	p.relays.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) close() {
	p.listener.Close()
	p.sever()
	p.relays.Wait()
}

// renew makes the proxy work again, counting from 0, with another meddle. It waits until no
// connection is open.
func (p *proxy) renew(meddle func(direction int, offset int64, b []byte) (keep int, ok bool)) {
	for {
		p.mu.Lock()
		if len(p.open) == 0 {
			p.cut, p.moved, p.meddle = false, [2]int64{}, meddle
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

// total returns how many bytes moved in each direction.
func (p *proxy) total() [2]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moved
}

// wasCut tells whether meddle cut the connections.
func (p *proxy) wasCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.AcceptTCP()
		if err != nil {
			return
		}
		server, err := net.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.to})
		if err != nil || !p.adopt(client, server) {
			client.Close()
			if err == nil {
				server.Close()
			}
			continue
		}
		p.relays.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { p.relay(server, client, fromClient) })
			both.Go(func() { p.relay(client, server, fromServer) })
			both.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, c := range []*net.TCPConn{client, server} {
				c.Close()
				delete(p.open, c)
			}
		})
	}
}

// adopt keeps a connection unless everything is cut.
func (p *proxy) adopt(conns ...*net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return false
	}
	for _, c := range conns {
		p.open[c] = true
	}
	return true
}

// sever ends all connections.
func (p *proxy) sever() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.open {
		if p.reset {
			c.SetLinger(0)
		}
		c.Close()
	}
}

// relay moves the bytes of one direction of a connection.
func (p *proxy) relay(dst, src *net.TCPConn, direction int) {
	write, drain := func(b []byte) error { return p.pass(dst, direction, b) }, func() {}
	if p.delay > 0 {
		late := newLate(p.delay, write)
		write, drain = late.put, late.wait
	}
	for {
		b := make([]byte, 256<<10)
		n, err := src.Read(b)
		if n > 0 {
			if failed := write(b[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			drain()
			if errors.Is(err, io.EOF) {
				dst.CloseWrite()
			} else {
				dst.Close()
			}
			return
		}
	}
}

// pass hands bytes on.
func (p *proxy) pass(dst *net.TCPConn, direction int, b []byte) error {
	p.mu.Lock()
	ok, offset := !p.cut, p.moved[direction]
	if ok && p.meddle != nil {
		var keep int
		if keep, ok = p.meddle(direction, offset, b); !ok {
			b = b[:keep]
			p.cut = true
		}
		p.moved[direction] += int64(len(b))
		p.mu.Unlock()
	} else {
		p.moved[direction] += int64(len(b))
		p.mu.Unlock()
		if !ok {
			return net.ErrClosed
		}
	}
	_, err := dst.Write(b)
	if !ok {
		p.sever()
		return net.ErrClosed
	}
	return err
}

// late hands bytes on some time after it got them.
type late struct {
	delay time.Duration
	write func([]byte) error
	queue chan lateBytes
	done  chan struct{}
	err   error // read once done is closed
}

type lateBytes struct {
	due time.Time
	b   []byte
}

func newLate(delay time.Duration, write func([]byte) error) *late {
	// The queue holds more than a connection has on its way.
	l := &late{delay: delay, write: write, queue: make(chan lateBytes, 4096), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for piece := range l.queue {
			time.Sleep(time.Until(piece.due))
			if l.err == nil {
				l.err = l.write(piece.b)
			}
		}
	}()
	return l
}

func (l *late) put(b []byte) error {
	l.queue <- lateBytes{time.Now().Add(l.delay), b}
	return nil
}

func (l *late) wait() {
	close(l.queue)
	<-l.done
}

// TestProxy looks whether the proxy itself does what tests of it rely on.
func TestProxy(t *testing.T) {
	echo, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	defer echo.Close()
	go func() {
		for {
			c, err := echo.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.CloseWrite()
			}()
		}
	}()
	talk := func(p *proxy) (string, time.Duration, error) {
		start := time.Now()
		c, err := net.Dial("tcp4", p.listener.Addr().String())
		must(t, err)
		defer c.Close()
		c.SetDeadline(start.Add(10 * time.Second))
		fmt.Fprint(c, "hello, world")
		c.(*net.TCPConn).CloseWrite()
		b, err := io.ReadAll(c)
		return string(b), time.Since(start), err
	}
	start := func(with *proxy) *proxy {
		with.to = echo.Addr().(*net.TCPAddr).Port
		return startProxy(t, with)
	}
	p := start(&proxy{})
	if s, _, err := talk(p); s != "hello, world" || err != nil || p.total() != [2]int64{12, 12} {
		t.Errorf("plain: %q, %v, moved %v", s, err, p.total())
	}
	if s, took, err := talk(start(&proxy{delay: 50 * time.Millisecond})); s != "hello, world" || err != nil || took < 100*time.Millisecond || took > time.Second {
		t.Errorf("delayed: %q, %v after %v", s, err, took)
	}
	for direction, want := range []string{"", "hello"} {
		p := start(&proxy{meddle: func(d int, offset int64, b []byte) (int, bool) {
			if d == direction && offset+int64(len(b)) > 5 {
				return 5, false
			}
			return len(b), true
		}})
		if s, _, _ := talk(p); s != want && s != "" || !p.wasCut() || p.total()[direction] != 5 {
			t.Errorf("cut in direction %d: %q, moved %v", direction, s, p.total())
		}
		if s, _, _ := talk(p); s != "" {
			t.Errorf("after the cut: %q", s)
		}
		p.renew(p.meddle)
		if talk(p); p.total()[direction] != 5 {
			t.Errorf("renewed: moved %v", p.total())
		}
	}
	p = start(&proxy{meddle: func(d int, offset int64, b []byte) (int, bool) {
		if d == fromServer && offset == 0 {
			b[4] ^= 1
		}
		return len(b), true
	}})
	if s, _, err := talk(p); s != "helln, world" || err != nil {
		t.Errorf("flipped: %q, %v", s, err)
	}
}
