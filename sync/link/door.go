package link

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/zccp/zccp/platform"
)

// door lets the data streams of one session in: those that show the client's
// key and prove to know the token, each number once, until it closes.
type door struct {
	cred   credential
	client Pin // key of TLS streams
	plain  bool
	link   *Link
	// onClose is called when all streams are there, and calls close.
	onClose func()

	mu      sync.Mutex
	taken   []bool // by number-1
	left    int
	closing bool // but what it belongs to may be open yet
	shut    bool
	over    sync.Cond // closing is
}

func newDoor(l *Link, cred credential, client Pin, streams int) *door {
	d := &door{cred: cred, client: client, plain: l.Security == Plain, link: l, taken: make([]bool, streams), left: streams}
	d.over.L = &d.mu
	return d
}

var errShut = errors.New("no more streams are let in")

// take marks a number as used.
func (d *door) take(number uint32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shut:
		return errShut
	case number < 1 || int64(number) > int64(len(d.taken)):
		return errors.New("there is no stream of that number")
	case d.taken[number-1]:
		return errors.New("that stream has been opened before")
	}
	d.taken[number-1] = true
	return nil
}

// close lets nobody in any more. It may be called again.
func (d *door) close() {
	d.mu.Lock()
	d.shut, d.closing = true, false
	d.over.Broadcast()
	d.mu.Unlock()
	d.link.end()
}

// entered counts a stream that the link has, and closes the door behind the
// last one.
func (d *door) entered() {
	d.mu.Lock()
	d.left--
	last, shut := d.left == 0, d.onClose
	d.closing = d.closing || last
	d.mu.Unlock()
	if last {
		shut()
	}
}

// credential returns what streams are checked against, and whether there are
// any to come.
func (d *door) credential() (credential, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cred, !d.shut
}

// entrance is what a listener does with connections until they are something.
type entrance struct {
	opts      *Options
	id        *identity
	gate      *gate
	known     func(Pin) bool               // keys that may make a TLS handshake
	find      func(session [16]byte) *door // nil for none
	protocols []string
	control   func(*net.TCPConn, time.Time, *secured) // of a daemon: takes over a control connection
}

// serve lets in whoever connects until the listener is closed.
func (e *entrance) serve(ctx context.Context, ln *net.TCPListener) error {
	return accept(ln, func(c *net.TCPConn) {
		// Counted here, and not in goroutines that may run in any order, or the
		// one that came last could be taken for the oldest.
		waiting := e.gate.enter(c)
		go e.receive(ctx, c, waiting)
	})
}

// receive sees a connection through to a stream, or closes it. Nothing a peer
// sends makes it read more than a TLS handshake and an opening, nor last longer
// than handshakeTime.
func (e *entrance) receive(ctx context.Context, raw *net.TCPConn, waiting *entrant) {
	kept := false
	defer func() {
		// A defect that a peer can reach ends its connection only.
		if r := recover(); r != nil || !kept {
			raw.Close()
		}
		waiting.leave()
	}()
	until := time.Now().Add(handshakeTime)
	raw.SetDeadline(until)
	first, err := peek(raw)
	if err != nil {
		return
	}
	const handshakeRecord = 22 // RFC 8446 5.1
	if first != handshakeRecord {
		kept = e.stream(raw, &secured{conn: raw, security: Plain}, waiting)
		return
	}
	s, err := e.opts.secure(ctx, raw, e.id.config(e.known, e.protocols...), false)
	if err != nil {
		return
	}
	if s.state.NegotiatedProtocol != protoControl {
		kept = e.stream(raw, s, waiting)
	} else if e.control != nil && waiting.leave() {
		kept = true
		e.control(raw, until, s)
	}
}

// stream lets a connection in as a data stream and reports whether it did.
func (e *entrance) stream(raw *net.TCPConn, s *secured, waiting *entrant) bool {
	p, err := readOpening(s.conn)
	if err != nil {
		return false
	}
	d := e.find(p.session)
	if d == nil || d.plain != (s.security == Plain) || s.security != Plain && !d.client.equal(peerPin(s.state)) {
		return false
	}
	cred, open := d.credential()
	if !open {
		return false
	}
	answer, err := cred.check(s, p)
	if err != nil || d.take(p.number) != nil || !waiting.leave() {
		return false
	}
	if _, err := s.conn.Write(answer); err != nil {
		return false
	}
	raw.SetDeadline(time.Time{})
	limitUnsent(raw, streamTimeout)
	if !d.link.add(&Stream{Conn: s.conn, Number: p.number, Security: s.security, raw: raw, kernel: s.kernel}) {
		return false
	}
	d.entered()
	return true
}

// peek waits for the first byte and leaves it there.
func peek(c *net.TCPConn) (byte, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var b [1]byte
	var n int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, failed = platform.Peek(platform.FD(fd), b[:])
		return !platform.NotReady(failed)
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, failed
	case n == 0:
		return 0, io.EOF
	}
	return b[0], nil
}

// sameSession compares in constant time, as the number is half of a secret.
func sameSession(a, b [16]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
