package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is a session between two ends, one of which is the client. Both have the
// same Session, Seed, Version, Features and Security.
//
// Its methods are safe for concurrent use. Control is for one reader and one
// writer at a time.
type Link struct {
	// Control carries messages both ways, and file contents as long as there is
	// no stream. Closing it is closing the Link.
	Control io.ReadWriteCloser
	Client  bool
	Peer    string // who the far end is, for messages
	Session [16]byte
	Seed    uint64 // of sums, unknown to anybody else
	Version uint32
	// Features are those that both ends named, sorted.
	Features []string
	// Security is what streams will have: TLS (which may turn out as KTLS) or
	// Plain.
	Security Security
	// Begun is set at a client whose Options.First has been written.
	Begun bool
	// Patience is how long a session at a daemon may make no progress, whatever
	// its client says of being alive; 0 is for ever.
	Patience time.Duration
	// MaxNames bounds the names that a session at a daemon keeps for a client that
	// receives and could still ask for them; 0 is no bound.
	MaxNames int

	idle     atomic.Int64  // nanoseconds
	doorTime time.Duration // streams are let in for so long

	mu       sync.Mutex
	notes    []string
	streams  []*Stream // all that were handed out or wait to be
	opened   int
	first    int                                                       // streams that are opened at the beginning, at most
	attempts int                                                       // of a client to open others in their place
	dial     func(ctx context.Context, number uint32) (*Stream, error) // of a client: opens one more
	reopen   func() error                                              // of a server: lets one more in
	fresh    chan *Stream                                              // of a server: such streams
	route    string                                                    // of everything, without streams
	pending  chan *Stream
	complete chan struct{} // closed when no more streams will be added
	ended    bool
	closers  []func() error
	closing  sync.Once
	closed   chan struct{}
	closeErr error
}

func newLink(client bool, peer, route string, idle time.Duration) *Link {
	l := &Link{
		Client: client, Peer: peer, route: route, doorTime: doorTime,
		pending: make(chan *Stream, maxStreams), fresh: make(chan *Stream, maxStreams), complete: make(chan struct{}), closed: make(chan struct{}),
	}
	l.idle.Store(int64(idle))
	return l
}

// SetIdle sets how long a read of Control may wait for the far end before it
// fails with an Error of CodeTimeout; 0 is for ever. It holds from the next
// read on.
func (l *Link) SetIdle(d time.Duration) { l.idle.Store(int64(d)) }

// NextStream returns the next data stream, waiting for it. The far end gets a
// Stream of the same number. The error is io.EOF when no more will come: then
// what has no stream goes through Control. It is ctx's error if that ends
// first, and net.ErrClosed once the Link is closed. A Stream is the caller's to
// close; closing the Link closes it too.
func (l *Link) NextStream(ctx context.Context) (*Stream, error) {
	select {
	case s := <-l.pending:
		return s, nil
	default:
	}
	select {
	case s := <-l.pending:
		return s, nil
	case <-l.complete:
		select {
		case s := <-l.pending:
			return s, nil
		default:
			return nil, io.EOF
		}
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Notes returns what the user is to be told once, in the order in which it
// turned up. It grows until NextStream has returned io.EOF.
func (l *Link) Notes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.notes...)
}

func (l *Link) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// Route says which way contents go, as far as is known by now: "2 tls streams
// to 192.0.2.7:50003", "ssh".
func (l *Link) Route() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened == 0 {
		return l.route
	}
	counts := make(map[Security]int)
	for _, s := range l.streams {
		if int64(s.Number) <= int64(l.first) { // those that came in place of others are no more streams
			counts[s.Security]++
		}
	}
	text := ""
	for _, sec := range []Security{TLS, KTLS, Plain} {
		if n := counts[sec]; n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s stream", n, sec)
			if n > 1 {
				text += "s"
			}
		}
	}
	to := "from"
	if l.Client {
		to = "to"
	}
	return fmt.Sprintf("%s %s %s", text, to, l.streams[0].address())
}

// add hands a stream to NextStream. It closes it if the Link is closed or has
// all that it may have.
func (l *Link) add(s *Stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		s.Close()
		return false
	default:
	}
	if int64(s.Number) > int64(l.first) {
		select {
		case l.fresh <- s:
			l.streams = append(l.streams, s)
			return true
		default:
			s.Close()
			return false
		}
	}
	if l.ended || l.opened == maxStreams {
		s.Close()
		return false
	}
	l.opened++
	l.streams = append(l.streams, s)
	l.pending <- s // has room for maxStreams
	return true
}

// end says that no more streams will be added.
func (l *Link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.ended = true
		close(l.complete)
	}
}

// onClose adds what is closed with the Link, last first.
func (l *Link) onClose(f func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, f)
}

// Close ends the session: streams, control channel and, at a client, ssh. What
// waits on any of them returns. It returns after ssh has ended, which it waits
// for a second at most.
func (l *Link) Close() error {
	l.closing.Do(func() {
		close(l.closed)
		l.mu.Lock()
		streams, closers := l.streams, l.closers
		l.mu.Unlock()
		for _, s := range streams {
			s.Close()
		}
		for i := len(closers) - 1; i >= 0; i-- {
			if err := closers[i](); err != nil && l.closeErr == nil {
				l.closeErr = err
			}
		}
		l.end()
	})
	return l.closeErr
}
