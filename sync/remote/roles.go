package remote

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// mirrorEngine is a Receiver as this package sees it.
type mirrorEngine struct{ *mirror.Receiver }

func (e mirrorEngine) Begin(id wire.FileID) (arrival, error) {
	a, err := e.Receiver.Begin(id)
	if a == nil {
		return nil, err // not an interface that holds nil
	}
	return a, err
}

func startMirror(m *mirror.Mirror) starter {
	return func(ctx context.Context, root *wire.Root, dst string, peer mirror.Peer) (engine, error) {
		r, err := m.Receive(ctx, root, dst, peer)
		if err != nil {
			return nil, err
		}
		return mirrorEngine{r}, nil
	}
}

// client is the role of an end that has a job for the other.
type client struct {
	reports *reports
	role    role
	totals  func(*wire.Totals)
}

// message takes what the far end reports, and leaves the rest to the role.
func (c *client) message(msg any, size int) error {
	switch m := msg.(type) {
	case *wire.Ready:
		return nil
	case *wire.Problem, *wire.Note, *wire.Item:
		return c.reports.inbox.put(listed{msg, size}, size)
	case *wire.Totals:
		c.totals(m)
		return nil
	}
	return c.role.message(msg, size)
}

func newClient(rep mirror.Reporter, totals func(*wire.Totals)) *client {
	return &client{reports: newReports(rep), totals: totals}
}

// push walks the sources while it connects: logging in by ssh takes longer than
// listing some ten thousand files.
func push(ctx context.Context, meet meeting, times timing, m offerer, calls *platform.Calls, cp *copier.Copier, counters *apply.Counters, job *wire.Job, sources []string, rep mirror.Reporter) (mirror.Stats, error) {
	first, err := wire.Append(nil, job)
	if err != nil {
		return mirror.Stats{}, asError(err)
	}
	defer m.CloseOffered()
	c := newClient(rep, func(t *wire.Totals) { takeTotals(counters, t) })
	s := newSession(ctx, times)
	d := newSender(s, m, calls, cp, wordsOf(job))
	c.role = d
	d.walk(sources)
	if err := c.meet(ctx, s, meet, job, first); err != nil {
		s.cancel(errOver)
		d.walked.Wait()
		return mirror.Stats{}, err
	}
	last := d.run()
	s.close(false)
	c.reports.finish()
	if err := s.err(); err != nil || last == nil {
		return mirror.Stats{}, err
	}
	return statsFromWire(last.Stats), nil
}

func pull(ctx context.Context, meet meeting, times timing, start starter, stats func() mirror.Stats, job *wire.Job, dst string, rep mirror.Reporter) (mirror.Stats, error) {
	first, err := wire.Append(nil, job)
	if err != nil {
		return mirror.Stats{}, asError(err)
	}
	c := newClient(rep, func(*wire.Totals) {})
	s := newSession(ctx, times)
	r := newReceiver(s, start, wordsOf(job), os.Geteuid() == 0)
	c.role = r
	if err := c.meet(ctx, s, meet, job, first); err != nil {
		s.cancel(errOver)
		return mirror.Stats{}, err
	}
	r.run(dst, stats)
	s.close(false)
	c.reports.finish()
	return stats(), s.err()
}

// meet connects a session and gives the other end its job, which is encoded as first.
func (c *client) meet(ctx context.Context, s *session, meet meeting, job *wire.Job, first []byte) error {
	e, err := meet(ctx, first)
	if err != nil {
		return err
	}
	if e.jobless {
		s.ctl.first(first)
	}
	s.connect(e)
	c.reports.start(s)
	s.begin(c, wire.FromServer(job))
	return nil
}

// takeTotals shows the receiver's totals as this end's own.
func takeTotals(c *apply.Counters, t *wire.Totals) {
	c.Found.Store(t.Found)
	c.FoundBytes.Store(t.FoundBytes)
	c.Files.Store(t.Files)
	c.Bytes.Store(t.Bytes)
	c.WantedBytes.Store(t.Wanted)
}

// served is the Mirror of a job, as this package sees it.
type served struct {
	offerer
	calls    *platform.Calls
	copier   *copier.Copier
	counters *apply.Counters
	start    starter
	stats    func() mirror.Stats
	walked   func() bool // by Mirror.Walked
	told     func(text string) string
}

// server is the role of an end that waits for its job. A client that sends goes
// on at once, which saves a round trip, so what it says meanwhile is kept.
type server struct {
	jobs chan *wire.Job

	mu    sync.Mutex
	role  role
	early []listed
	size  int
}

// message takes the job, and leaves the rest to the role.
func (v *server) message(msg any, size int) error {
	if job, ok := msg.(*wire.Job); ok {
		v.jobs <- job // the first and only one, by the order of messages
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.role != nil {
		return v.role.message(msg, size)
	}
	// The last of them may be long, as what ends the listing of a directory with a
	// million others in it.
	if v.size > 2*listingWindow {
		return violated("more was sent than was asked for")
	}
	v.size += size
	v.early = append(v.early, listed{msg, size})
	return nil
}

// play gives the role what came before it.
func (v *server) play(r role) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.role = r
	for _, l := range v.early {
		if err := r.message(l.msg, l.size); err != nil {
			return err
		}
	}
	v.early = nil
	return nil
}

func serve(ctx context.Context, e ends, times timing, open func(*wire.Job, mirror.Reporter) (*served, error)) error {
	v := &server{jobs: make(chan *wire.Job, 1)}
	s := newSession(ctx, times)
	s.connect(e)
	s.begin(v, wire.FromClient())
	err := s.caught(func() error { return v.serve(s, open) })
	if err != nil {
		s.fail(err)
	}
	s.close(true)
	return s.err()
}

// job waits for the job. A client that is there and wants nothing takes a place from
// others; a long list of files may be on its way for minutes.
func (v *server) job(s *session) (*wire.Job, error) {
	const signsOfLife = 4 << 10 // what these take in that time, and more
	for heard := int64(0); ; {
		select {
		case job := <-v.jobs:
			return job, nil
		case <-s.ctx.Done():
			return nil, context.Cause(s.ctx)
		case <-time.After(s.times.idle):
		}
		now := s.ctl.bytes.Load()
		if now-heard <= signsOfLife {
			return nil, failf(CodeTimeout, "no job came within %v", s.times.idle)
		}
		heard = now
	}
}

func (v *server) serve(s *session, open func(*wire.Job, mirror.Reporter) (*served, error)) error {
	job, err := v.job(s)
	if err != nil {
		return err
	}
	m, err := open(job, forward{s})
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return e
		}
		if e, ok := errors.AsType[*mirror.Failure](err); ok {
			return asError(e)
		}
		return &Error{Code: CodeUsage, Text: err.Error()}
	}
	s.mu.Lock()
	s.tell = m.told
	s.mu.Unlock()
	if err := s.ctl.send(&wire.Ready{Umask: platform.Umask(), UID: uint32(os.Geteuid())}); err != nil {
		return err
	}
	if job.Push {
		r := newReceiver(s, m.start, wordsOf(job), os.Geteuid() == 0)
		if err := v.play(r); err != nil {
			return err
		}
		s.spawn(&s.work, func() error { return tellTotals(s, m) })
		r.run(string(job.Dest), m.stats)
		return nil
	}
	defer m.CloseOffered()
	d := newSender(s, m.offerer, m.calls, m.copier, wordsOf(job))
	if err := v.play(d); err != nil {
		return err
	}
	sources := make([]string, len(job.Sources))
	for i, src := range job.Sources {
		sources[i] = string(src)
	}
	d.walk(sources)
	d.run()
	return nil
}

// tellTotals shows the client what has been done.
func tellTotals(s *session, m *served) error {
	c := m.counters
	tick := time.NewTicker(s.times.totals)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-tick.C:
			t := &wire.Totals{Found: c.Found.Load(), FoundBytes: c.FoundBytes.Load(), Files: c.Files.Load(), Bytes: c.Bytes.Load()}
			if m.walked() {
				t.Wanted = c.WantedBytes.Load()
			}
			if err := s.ctl.send(t); err != nil {
				return err
			}
		}
	}
}
