package remote

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// conn is the connection of a data stream.
type conn interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// stream is a data stream: it leads from the sender to the receiver.
type stream struct {
	conn
	number  uint32
	private bool         // what is on it can't be altered unseen
	sock    platform.FD  // that file bytes may be sent to by the kernel, or None
	used    atomic.Int64 // bytes that this end has sent and received
	told    func(int64)  // hears of those sent through sock; nil for nobody
	retired atomic.Bool  // another one is there in its place
}

// sent counts bytes that went through sock.
func (s *stream) sent(n int64) {
	s.used.Add(n)
	if s.told != nil {
		s.told(n)
	}
}

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.conn.Read(b)
	s.used.Add(int64(n))
	return n, err
}

func (s *stream) Write(b []byte) (int, error) {
	n, err := s.conn.Write(b)
	s.used.Add(int64(n))
	return n, err
}

// meeting connects to the other end and gives it the job, which is encoded, unless
// the ends say that this is left to do.
type meeting func(ctx context.Context, job []byte) (ends, error)

// ends is what a session has of its connection.
type ends struct {
	control io.ReadWriteCloser
	jobless bool // the other end has to be told the job yet
	// next waits for the next direct stream; an error says that no more come.
	next func(context.Context) (*stream, error)
	seed uint64
	// renew opens a stream in place of one that is protected and has carried life
	// bytes, which may carry end bytes at most; see link.Link.Renew. life 0: none is
	// replaced.
	renew     func(context.Context) (*stream, error)
	life, end int64
	own       *Work // of this end; nil for nothing that is counted
	// Bounds for what a peer may have this end hold, 0 for none: a session without
	// progress for so long, and names that it could ask for; see link.Link.
	patience time.Duration
	maxNames int
}

// timing are the times of a session; tests have shorter ones.
type timing struct {
	ping   time.Duration // from one sign of life to the next
	idle   time.Duration // without any from the peer
	linger time.Duration // for the last words
	totals time.Duration // from one report of the totals to the next
}

func usualTiming() timing {
	return timing{ping: 5 * time.Second, idle: time.Minute, linger: 700 * time.Millisecond, totals: time.Second}
}

// role is what a session does with messages of its peer beyond those that
// concern both. message runs on the reader: it never waits.
type role interface {
	message(msg any, size int) error
}

// session is one end's state, whichever its role.
type session struct {
	ends
	times  timing
	ctx    context.Context
	cancel context.CancelCauseFunc
	ctl    *control

	reading chan struct{} // closed when the reader has ended
	writing chan struct{} // and the writer
	work    sync.WaitGroup
	data    sync.WaitGroup // goroutines that use data streams

	heard   atomic.Uint64 // messages but signs of life
	claimed atomic.Uint64 // what the peer's last one said of its work

	listings, chunks, reports *window // of what this end sends
	pipe                      *pipe   // the data stream within the control channel

	role  role
	order *wire.Order // of what the peer says

	mu     sync.Mutex
	open   []*stream                // that are in use
	failed *Error                   // what ended the session
	over   bool                     // it has ended in order: nothing that breaks now matters
	told   bool                     // the peer ended it, or knows
	tell   func(text string) string // what the peer hears of a text with paths; nil for that text
}

// newSession returns a session that ends with ctx. Messages can be queued;
// nothing is read or written before connect and begin.
func newSession(ctx context.Context, times timing) *session {
	s := &session{
		times: times, ctl: newControl(),
		reading: make(chan struct{}), writing: make(chan struct{}),
		listings: newWindow(listingWindow), chunks: newWindow(chunkWindow), reports: newWindow(reportWindow),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.pipe = newPipe(s)
	context.AfterFunc(s.ctx, func() {
		s.ctl.release()
		s.listings.kill()
		s.chunks.kill()
		s.reports.kill()
		s.pipe.end()
		s.stopStreams()
	})
	stop := context.AfterFunc(ctx, func() { s.interrupt() })
	context.AfterFunc(s.ctx, func() { stop() })
	return s
}

// connect gives the session its connection, before begin.
func (s *session) connect(e ends) {
	if e.own == nil {
		e.own = new(Work)
	}
	s.ends = e
	s.ctl.connect(e.control)
}

// begin starts the reader, which gives messages to r if they come in order, and
// the writer.
func (s *session) begin(r role, order *wire.Order) {
	s.role, s.order = r, order
	go func() {
		defer close(s.writing)
		s.guarded(func() error {
			if err := s.ctl.write(); err != nil {
				s.failSoon(err)
			}
			return nil
		})
	}()
	go func() {
		defer close(s.reading)
		s.guarded(s.read)
	}()
	s.spawn(&s.work, s.watch)
}

// spawn runs f in a goroutine; its error, or panic, ends the session.
func (s *session) spawn(group *sync.WaitGroup, f func() error) {
	group.Go(func() { s.guarded(f) })
}

func (s *session) guarded(f func() error) {
	if err := s.caught(f); err != nil {
		s.fail(err)
	}
}

// caught turns a panic of f into an error: it ends one session, and not those
// that the process serves beside it.
func (s *session) caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = bug(p)
		}
	}()
	return f()
}

func bug(value any) error {
	return &Error{Code: CodeBug, Text: fmt.Sprintf("internal error: %v\n%s", value, debug.Stack())}
}

// panicked ends the session for a panic of work that is not its own.
func (s *session) panicked(value any) { s.fail(bug(value)) }

// read dispatches what the peer says until it says no more.
func (s *session) read() error {
	r := wire.NewReader(s.ctl, wire.MaxBody)
	for {
		msg, size, err := r.Next()
		if err != nil {
			s.mu.Lock()
			s.told = s.told || cut(err)
			s.mu.Unlock()
			return err
		}
		if err := s.order.Check(msg); err != nil {
			return err
		}
		if m, ok := msg.(*wire.Ping); ok {
			s.claimed.Store(m.Work)
			continue
		}
		s.heard.Add(1)
		switch m := msg.(type) {
		case *wire.Fatal:
			s.ended(&Error{Code: int(m.Code), Text: clean(m.Text), Hint: clean(m.Hint), Far: true})
			return nil
		case *wire.Stop:
			s.ended(&Error{Code: CodeSignal, Text: "interrupted at the other end", Far: true})
			return nil
		case *wire.Credit:
			err = s.credit(m)
		case *wire.Chunk:
			err = s.pipe.arrived(m)
		default:
			err = s.role.message(msg, size)
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) credit(m *wire.Credit) error {
	switch m.Flow {
	case wire.FlowListings:
		return s.listings.give(m.Bytes)
	case wire.FlowChunks:
		return s.chunks.give(m.Bytes)
	case wire.FlowReports:
		return s.reports.give(m.Bytes)
	}
	return violated("credit for an unknown flow")
}

// watch says that this end lives, and notices when the other one does not, or
// does nothing.
func (s *session) watch() error {
	ping := time.NewTicker(s.times.ping)
	defer ping.Stop()
	still := stall{patience: s.patience}
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case now := <-ping.C:
			if err := s.ctl.send(&wire.Ping{Work: s.own.done()}); err != nil {
				return err
			}
			since, stuck := s.ctl.stuck()
			if now.Sub(time.Unix(0, s.ctl.heard.Load())) > s.times.idle || stuck && now.Sub(since) > s.times.idle {
				return failf(CodeTimeout, "connection timed out: the other end has been silent for %v", s.times.idle)
			}
			if still.over(now, s.seen(), s.claimed.Load()) {
				return failf(CodeTimeout, "there has been no progress for %v", now.Sub(still.sawAt).Round(time.Second))
			}
		}
	}
}
