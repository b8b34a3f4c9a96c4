package link

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// session is a server's end with a door, and what its client knows.
type session struct {
	server *Link
	door   *door
	id     *identity
	addr   string
	call   *call
}

// newSession opens a door for two streams, without any control channel.
func newSession(t *testing.T, security Security, open time.Duration) *session {
	t.Helper()
	ours, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	cred := credential{session: [16]byte{1, 2, 3}, token: [32]byte{4, 5, 6}, transcript: [32]byte{7}}
	l := newLink(false, "client", "ssh", 0)
	l.Security, l.doorTime, l.first = security, open, 2
	ln, err := listenTCP(t.Context(), "127.0.0.1", PortRange{})
	if err != nil {
		t.Fatal(err)
	}
	opts := &Options{}
	d := newDoor(l, cred, theirs.pin, 2)
	l.admit(ln, opts, ours, d)
	t.Cleanup(func() { l.Close() })
	return &session{l, d, ours, ln.Addr().String(), &call{
		opts: opts, id: theirs, server: ours.pin, cred: cred, plain: security == Plain, candidates: []string{ln.Addr().String()}, streams: 2,
	}}
}

// open opens a stream as the client.
func (s *session) open(number uint32) (*Stream, error) {
	r, err := s.call.reach(context.Background(), s.addr)
	if err != nil {
		return nil, err
	}
	return s.call.stream(r, number)
}

// none checks that the server has not let anything in.
func (s *session) none(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := s.server.NextStream(ctx); err == nil {
		t.Errorf("the server has let stream %d in", got.Number)
	}
}

// TestDoor is I22: a stream opens with everything right, and with nothing wrong, so that nobody
// who finds the port open gets in. Those below are of the same class.
func TestDoor(t *testing.T) {
	other, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		spoil  func(*session)
		number uint32
		tls    bool // has a meaning with TLS only
	}{
		{"token", func(s *session) { s.call.cred.token[31] ^= 1 }, 1, false},
		{"session", func(s *session) { s.call.cred.session[15] ^= 1 }, 1, false},
		{"other hellos", func(s *session) { s.call.cred.transcript[0] ^= 1 }, 1, false},
		{"number 0", func(*session) {}, 0, false},
		{"number above", func(*session) {}, 3, false},
		{"client's key", func(s *session) { s.call.id = other }, 1, true},
		{"server's key", func(s *session) { s.call.server = other.pin }, 1, true},
		{"plain for tls", func(s *session) { s.call.plain = !s.call.plain }, 1, false},
		{"closed", func(s *session) { s.door.close() }, 1, false},
	}
	for _, security := range []Security{TLS, Plain} {
		for _, tt := range tests {
			if tt.tls && security == Plain {
				continue
			}
			t.Run(security.String()+"/"+tt.name, func(t *testing.T) {
				s := newSession(t, security, time.Minute)
				tt.spoil(s)
				if got, err := s.open(tt.number); err == nil {
					t.Errorf("stream %d opened", got.Number)
				}
				s.none(t)
			})
		}
		t.Run(security.String()+"/right", func(t *testing.T) {
			s := newSession(t, security, time.Minute)
			if _, err := s.open(2); err != nil {
				t.Fatal(err)
			}
			if got, err := s.server.NextStream(t.Context()); err != nil || got.Number != 2 {
				t.Fatalf("%v, %v", got, err)
			}
			if _, err := s.open(2); err == nil {
				t.Error("a number was used twice")
			}
			if _, err := s.open(1); err != nil {
				t.Fatal(err)
			}
			if got, err := s.server.NextStream(t.Context()); err != nil || got.Number != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			if got, err := s.server.NextStream(t.Context()); err != io.EOF {
				t.Fatalf("%v, %v", got, err)
			}
			if c, err := net.Dial("tcp", s.addr); err == nil {
				t.Error("the listener is open although all streams are there")
				c.Close()
			}
		})
	}
}

// TestDoorCloses after its time, and with the link.
func TestDoorCloses(t *testing.T) {
	s := newSession(t, TLS, 100*time.Millisecond)
	if got, err := s.server.NextStream(t.Context()); err != io.EOF {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.open(1); err == nil {
		t.Error("a stream was let in late")
	}
	s = newSession(t, TLS, time.Minute)
	closed := make(chan error, 1)
	time.AfterFunc(50*time.Millisecond, func() { closed <- s.server.Close() })
	if got, err := s.server.NextStream(t.Context()); !errors.Is(err, net.ErrClosed) && err != io.EOF {
		t.Errorf("%v, %v", got, err)
	}
	<-closed
	if c, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("the listener outlives the link")
		c.Close()
	}
}

// tap is a proxy that keeps what the client has sent.
func tap(t *testing.T, to string) (address string, sent func() []byte) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	var b buffer
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		s, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer s.Close()
		go func() {
			io.Copy(c, s)
			c.Close()
		}()
		io.Copy(s, io.TeeReader(c, &b))
	}()
	return ln.Addr().String(), func() []byte { return []byte(b.String()) }
}

// TestReplay: what a client has sent once opens nothing, and has the token
// nowhere in it.
func TestReplay(t *testing.T) {
	for _, security := range []Security{TLS, Plain} {
		t.Run(security.String(), func(t *testing.T) {
			s := newSession(t, security, time.Minute)
			direct := s.addr
			var sent func() []byte
			s.addr, sent = tap(t, direct)
			if _, err := s.open(1); err != nil {
				t.Fatal(err)
			}
			if got, err := s.server.NextStream(t.Context()); err != nil {
				t.Fatal(got, err)
			}
			recorded := sent()
			if strings.Contains(string(recorded), string(s.call.cred.token[:])) {
				t.Error("the token is on the wire")
			}
			// As it was, and as the number that is still free.
			for _, number := range []byte{1, 2} {
				b := append([]byte(nil), recorded...)
				if security == Plain {
					b[24] = number
				}
				c, err := net.Dial("tcp", direct)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.Write(b)
			}
			time.Sleep(200 * time.Millisecond)
			s.none(t)
		})
	}
}

// TestReplayElsewhere: not even a door that has the same token, and has let
// nobody in, takes what was sent to another one.
func TestReplayElsewhere(t *testing.T) {
	s := newSession(t, Plain, time.Minute)
	direct := s.addr
	var sent func() []byte
	s.addr, sent = tap(t, direct)
	if _, err := s.open(1); err != nil {
		t.Fatal(err)
	}
	again := newSession(t, Plain, time.Minute)
	c, err := net.Dial("tcp", again.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(sent())
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if answer, _ := io.ReadAll(c); len(answer) != 32 {
		t.Errorf("%d bytes were answered, not only a nonce", len(answer))
	}
	again.none(t)
}

// TestImpostor: who listens in the far end's place without knowing the token is
// found out, though nothing is encrypted.
func TestImpostor(t *testing.T) {
	s := newSession(t, Plain, time.Minute)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		guess := s.call.cred
		guess.token[0]++
		p, err := readOpening(c)
		if err != nil {
			return
		}
		nonce := make([]byte, 32)
		c.Write(nonce)
		io.ReadFull(c, make([]byte, 32))
		c.Write(guess.prove("server", p, nonce, make([]byte, 32)))
		io.Copy(io.Discard, c)
	}()
	s.addr = ln.Addr().String()
	if got, err := s.open(1); err == nil {
		t.Errorf("stream %d to an impostor", got.Number)
	}
	// Nor does the far end take its own words back for the client's.
	s = newSession(t, Plain, time.Minute)
	p := &opening{session: s.call.cred.session, number: 1}
	nonce := make([]byte, 32)
	if string(s.call.cred.prove("server", p, nonce, nil)) == string(s.call.cred.prove("client", p, nonce, nil)) {
		t.Error("both ends prove with the same words")
	}
}

// TestNumbers: a door takes those that were agreed on, once.
func TestNumbers(t *testing.T) {
	d := newSession(t, TLS, time.Minute).door
	for _, n := range []uint32{0, 3, 1 << 31, 1<<32 - 1} {
		if d.take(n) == nil {
			t.Errorf("number %d was taken", n)
		}
	}
	for _, n := range []uint32{1, 2} {
		if first, second := d.take(n), d.take(n); first != nil || second == nil {
			t.Errorf("number %d: %v, then %v", n, first, second)
		}
	}
}

// TestSlow: who sends little by little is thrown out in time.
func TestSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a handshake may")
	}
	t.Parallel()
	s := newSession(t, TLS, time.Minute)
	slow, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	begin := time.Now()
	go func() {
		for _, b := range []byte{22, 3, 1, 16, 0, 1, 0, 15, 252, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0} {
			if _, err := slow.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	slow.SetReadDeadline(begin.Add(handshakeTime + 5*time.Second))
	if _, err := io.ReadAll(slow); isTimeout(err) {
		t.Errorf("still in after %v", time.Since(begin))
	}
	if d := time.Since(begin); d < handshakeTime-time.Second {
		t.Errorf("thrown out after %v, which is too soon for this test", d)
	}
}

// TestCrowdAtDoor: as many as may wait keep the client from nothing.
func TestCrowdAtDoor(t *testing.T) {
	s := newSession(t, TLS, time.Minute)
	for i := range 2 * maxOpening {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(i, err)
		}
		defer c.Close()
	}
	if _, err := s.open(1); err != nil {
		t.Fatal(err)
	}
}

// TestGate: the oldest goes, of the same address first.
func TestGate(t *testing.T) {
	g := &gate{limit: 3, perAddress: 2}
	conn := func(addr string) *fakeConn { return &fakeConn{addr: addr} }
	a1, b1, a2, a3 := conn("192.0.2.1:1"), conn("192.0.2.2:1"), conn("192.0.2.1:2"), conn("192.0.2.1:3")
	ea1, eb1 := g.enter(a1), g.enter(b1)
	g.enter(a2)
	g.enter(a3)
	if !a1.closed || b1.closed || a2.closed || a3.closed || ea1.leave() {
		t.Errorf("one too many of an address: %v %v %v %v", a1.closed, b1.closed, a2.closed, a3.closed)
	}
	c1 := conn("[2001:db8::1]:1")
	g.enter(c1)
	if !b1.closed || eb1.leave() || a2.closed || a3.closed || c1.closed {
		t.Error("one too many in all: the oldest has to go")
	}
	if addressOf(conn("[2001:db8::1]:1")) != addressOf(conn("[2001:db8::ffff:2]:5")) || addressOf(conn("[::ffff:192.0.2.1]:1")) != addressOf(conn("192.0.2.1:7")) {
		t.Error("addresses of one host count as several")
	}
}

type fakeConn struct {
	net.Conn
	addr   string
	closed bool
}

func (c *fakeConn) Close() error         { c.closed = true; return nil }
func (c *fakeConn) RemoteAddr() net.Addr { return fakeAddr(c.addr) }

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) }
