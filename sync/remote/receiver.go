package remote

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// engine is the half of a Mirror that has the destination; see
// mirror.Receiver.
type engine interface {
	Dir(msg *wire.Dir, done func()) error
	Entries(msg *wire.Entries, done func()) error
	DirEnd(msg *wire.DirEnd, done func()) error
	WalkEnd(msg *wire.WalkEnd) error
	Batch(files []wire.BatchFile, free func()) error
	Begin(id wire.FileID) (arrival, error)
	Begun() int
	Complete(id wire.FileID, sent *wire.Sent) error
	Fail(id wire.FileID, err error) error
	Wait() error
}

// arrival is a file whose content comes in pieces; see copier.Arrival.
type arrival interface {
	WriteAt(b []byte, off int64) error
	Hole(off, n int64) error
	Copy(off, from, n int64) error
	Spoil()
	Outlive()
	ReadAt(b []byte, off int64) (int, error)
	Restart() error
}

// starter begins the work of the receiving half.
type starter func(ctx context.Context, root *wire.Root, dst string, peer mirror.Peer) (engine, error)

// receiver is the end that has the destination.
type receiver struct {
	*session
	start starter
	names *nameMap // nil to keep the numbers
	peer  *peer
	words jobWords
	owed  owed // of listings

	started chan struct{} // closed when engine is set
	engine  engine
	inbox   *inbox[listed] // listings, and what concerns files
	frames  *intake

	finished atomic.Bool  // Finished was sent
	used     atomic.Int64 // of the window of listings
}

// listed is a message with its size on the wire.
type listed struct {
	msg  any
	size int
}

func newReceiver(s *session, start starter, words jobWords, root bool) *receiver {
	r := &receiver{
		session: s, start: start, words: words, owed: owed{step: listingWindow / 64},
		started: make(chan struct{}), inbox: newInbox[listed](inboxLimit),
	}
	if !words.numeric {
		r.names = newNameMap(root)
	}
	r.peer = newPeer(r)
	r.frames = newIntake(r)
	return r
}

// message takes what the sender says.
func (r *receiver) message(msg any, size int) error {
	switch msg.(type) {
	case *wire.Done:
		if !r.finished.Load() {
			return violated("the sender ended before it was asked to")
		}
		r.finish()
		return nil
	case *wire.Root, *wire.Dir, *wire.Entries, *wire.DirEnd, *wire.WalkEnd:
		if used := r.used.Add(int64(size)); used > listingWindow && used-int64(size) > listingWindow/kept {
			return violated("listings of %d bytes that there is no room for", used)
		}
		return r.inbox.put(listed{msg, size}, size)
	case *wire.Names,
		*wire.Sent, *wire.BatchSum, *wire.Verdict, *wire.Refine:
		return r.inbox.put(listed{msg, size}, size)
	}
	return violated("%T was sent to the receiver", msg)
}

// giveBack gives back what a message of the listing took.
func (r *receiver) giveBack(size int) {
	r.used.Add(-int64(size))
	if n := r.owed.add(size); n > 0 {
		r.ctl.send(&wire.Credit{Flow: wire.FlowListings, Bytes: n})
	}
}

// run brings the destination in line with what the sender tells, and returns
// when that is done or the session has ended. stats is called at the end.
func (r *receiver) run(dst string, stats func() mirror.Stats) {
	// The engine goes on until nobody uses its files any more.
	ctx, stop := context.WithCancel(context.WithoutCancel(r.ctx))
	defer stop()
	err := r.receive(ctx, dst, stats)
	if err != nil {
		r.fail(err)
	}
	r.cancel(errOver)
	r.data.Wait()
	r.work.Wait()
	if r.engine != nil {
		stop()
		r.engine.Wait()
	}
}

func (r *receiver) receive(ctx context.Context, dst string, stats func() mirror.Stats) error {
	begin := func(root *wire.Root) error {
		e, err := r.start(ctx, root, dst, r.peer)
		if err == nil {
			r.engine = e
			close(r.started)
		}
		return err
	}
	r.spawn(&r.work, func() error {
		return drain(r.ctx, r.inbox, func(l listed) error { return r.handle(l, begin) })
	})
	r.spawn(&r.data, func() error { return r.frames.stream(r.pipe.stream()) })
	r.spawn(&r.data, r.accept)
	r.spawn(&r.work, r.peer.delta.work)
	select {
	case <-r.started:
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	over := make(chan struct{})
	go func() {
		r.engine.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	r.finished.Store(true)
	if err := r.ctl.send(&wire.Finished{Stats: statsToWire(stats())}); err != nil {
		return err
	}
	<-r.ctx.Done() // by Done, or a failure
	return nil
}

// accept starts an intake for each stream that comes.
func (r *receiver) accept() error {
	for {
		s, err := r.next(r.ctx)
		if err != nil {
			return nil
		}
		r.spawn(&r.data, func() error { return r.frames.stream(s) })
	}
}

// handle does what a message says, in the order in which they came.
func (r *receiver) handle(l listed, begin func(*wire.Root) error) error {
	done := func() { r.giveBack(l.size) }
	switch m := l.msg.(type) {
	case *wire.Names:
		r.names.learn(m)
		return nil
	case *wire.Root:
		if r.engine != nil {
			return violated("the root was told twice")
		}
		done()
		r.names.mapAttr(&m.Attr, &m.Meta)
		return begin(m)
	}
	if r.engine == nil {
		return violated("%T came before the root", l.msg)
	}
	switch m := l.msg.(type) {
	case *wire.Dir:
		r.names.mapAttr(&m.Attr, &m.Meta)
		return r.engine.Dir(m, done)
	case *wire.Entries:
		for i := range m.Items {
			r.names.mapAttr(&m.Items[i].Attr, &m.Items[i].Meta)
		}
		return r.engine.Entries(m, done)
	case *wire.DirEnd:
		return r.engine.DirEnd(m, done)
	case *wire.WalkEnd:
		done()
		return r.engine.WalkEnd(m)
	case *wire.Sent:
		return r.frames.sent(m)
	case *wire.BatchSum:
		return r.frames.batchSum(m)
	case *wire.Verdict:
		return r.frames.verdict(m)
	case *wire.Refine:
		return r.peer.delta.refine(m)
	}
	return nil
}

// peer passes on what the engine asks of the sender. Runs are put together, so
// that a directory of which everything is needed is one.
type peer struct {
	r     *receiver
	delta *deltaReceiver

	mu    sync.Mutex
	needs map[uint32][]wire.Run
	count int
}

// flushNeeds is how many runs wait at most.
const flushNeeds = 1024

func newPeer(r *receiver) *peer {
	p := &peer{r: r, needs: map[uint32][]wire.Run{}}
	p.delta = newDeltaReceiver(r)
	return p
}

// Need asks for a file.
func (p *peer) Need(id wire.FileID, _ int64) { p.need(id, wire.Whole) }

func (p *peer) need(id wire.FileID, action wire.Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	runs := p.needs[id.Dir]
	if n := len(runs); n > 0 && runs[n-1].To == id.Index && runs[n-1].Action == action {
		runs[n-1].To++
		return
	}
	p.needs[id.Dir] = append(runs, wire.Run{From: id.Index, To: id.Index + 1, Action: action})
	if p.count++; p.count >= flushNeeds {
		p.flush()
	}
}

// NeedDelta asks for what of a file differs from a basis.
func (p *peer) NeedDelta(id wire.FileID, size int64, basis *mirror.Basis) {
	p.delta.need(id, size, basis)
}

// Flush sends what was held back.
func (p *peer) Flush() {
	p.mu.Lock()
	p.flush()
	p.mu.Unlock()
}

func (p *peer) flush() {
	for dir, runs := range p.needs {
		p.r.ask(dir, runs)
		delete(p.needs, dir)
	}
	p.count = 0
}

// ask sends a Need. The order of runs is that in which the engine came to them.
func (r *receiver) ask(dir uint32, runs []wire.Run) {
	slices.SortFunc(runs, func(a, b wire.Run) int { return cmp.Compare(a.From, b.From) })
	kept := runs[:1]
	for _, run := range runs[1:] {
		if last := &kept[len(kept)-1]; last.To == run.From && last.Action == run.Action {
			last.To = run.To
		} else {
			kept = append(kept, run)
		}
	}
	if err := r.ctl.send(&wire.Need{Dir: dir, Runs: kept}); err != nil {
		r.fail(err)
	}
}

// DirDone says that no more files of a directory will be asked for.
func (p *peer) DirDone(dir uint32) {
	p.Flush()
	p.r.ctl.send(&wire.DirDone{Dir: dir})
}

// Remove asks for the removal of a file that has arrived.
func (p *peer) Remove(id wire.FileID) { p.r.ctl.send(&wire.Remove{ID: id}) }
