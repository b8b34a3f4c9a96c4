package remote

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// offerer is the half of a Mirror that has the sources.
type offerer interface {
	Offer(ctx context.Context, sources []string, sink mirror.Sink) error
	OpenOffered(id wire.FileID) (platform.FD, platform.Stat, wire.Status, error)
	OfferedChanged(id wire.FileID)
	OfferedUnread(id wire.FileID, err error)
	ForgetDir(dir uint32) error
	RemoveOffered(id wire.FileID) error
	CloseOffered()
}

// maxParked bounds the files that are kept open until the receiver has all of
// them.
const maxParked = 256

// sender is the end that has the sources.
type sender struct {
	*session
	m      offerer
	calls  *platform.Calls
	copier *copier.Copier
	words  jobWords
	sink   *sink
	needs  *needs
	delta  *deltaSender

	walked   sync.WaitGroup
	unwalked error        // why the walk ended early; valid after walked
	direct   atomic.Int32 // direct streams there have been
	removed  int64
	slots    chan struct{} // of parked

	mu     sync.Mutex
	parked map[wire.FileID]*sending // sent by the kernel, to be looked at once more

	looks    *inbox[*wire.Received]
	chores   *inbox[any] // Remove and DirDone, whose order matters, and Drop
	other    *inbox[any] // what package delta is for
	finished chan *wire.Finished
}

func newSender(s *session, m offerer, calls *platform.Calls, c *copier.Copier, words jobWords) *sender {
	d := &sender{
		session: s, m: m, calls: calls, copier: c, words: words,
		sink: newSink(s, words.numeric), needs: newNeeds(),
		slots: make(chan struct{}, maxParked), parked: map[wire.FileID]*sending{},
		looks: newInbox[*wire.Received](inboxLimit), chores: newInbox[any](inboxLimit), other: newInbox[any](inboxLimit),
		finished: make(chan *wire.Finished, 1),
	}
	d.delta = newDeltaSender(d)
	return d
}

// inboxLimit is far above what an honest peer has on its way: reports and
// listings have windows, and the rest is bounded by the files outstanding.
const inboxLimit = 64 << 20

// message takes what the receiver says.
func (d *sender) message(msg any, size int) error {
	switch m := msg.(type) {
	case *wire.Need:
		return d.need(m)
	case *wire.Received:
		return d.looks.put(m, size)
	case *wire.Remove, *wire.DirDone, *wire.Drop:
		return d.chores.put(m, size)
	case *wire.Finished:
		select {
		case d.finished <- m:
			return nil
		default:
			return violated("the end was told twice")
		}
	case *wire.Signature, *wire.Fine:
		return d.other.put(m, size)
	}
	return violated("%T was sent to the sender", msg)
}

func (d *sender) need(m *wire.Need) error {
	for _, r := range m.Runs {
		if err := d.sink.ask(m.Dir, r); err != nil {
			return err
		}
		if r.Action == wire.Delta {
			if err := d.delta.expect(m.Dir, r); err != nil {
				return err
			}
		} else {
			d.needs.add(m.Dir, r)
		}
	}
	return nil
}

// walk begins to list what the sources hold. It needs no connection yet.
func (d *sender) walk(sources []string) {
	d.walked.Go(func() {
		d.unwalked = d.caught(func() error { return d.m.Offer(d.ctx, sources, d.sink) })
	})
}

// run sends what the walk finds until the receiver has finished, whose last
// message it returns.
func (d *sender) run() *wire.Finished {
	context.AfterFunc(d.ctx, d.needs.end)
	d.spawn(&d.work, func() error { return drain(d.ctx, d.looks, d.look) })
	d.spawn(&d.work, func() error { return drain(d.ctx, d.other, d.delta.message) })
	d.spawn(&d.work, d.delta.work)
	chores := make(chan struct{})
	d.spawn(&d.work, func() error {
		defer close(chores)
		return drain(d.ctx, d.chores, d.chore)
	})
	d.spawn(&d.data, func() error { return d.send(d.pipe.stream()) })
	d.spawn(&d.data, d.accept)
	last, err := d.offer(chores)
	if err != nil {
		d.fail(err)
	}
	// Everything has arrived, or nothing counts any more.
	d.cancel(errOver)
	d.data.Wait()
	<-chores
	d.work.Wait()
	d.closeFiles()
	d.delta.close()
	return last
}

// offer waits for the end of the walk and the receiver's.
func (d *sender) offer(chores <-chan struct{}) (*wire.Finished, error) {
	if d.walked.Wait(); d.unwalked != nil {
		return nil, d.orCause(d.unwalked)
	}
	select {
	case last := <-d.finished:
		d.chores.end()
		<-chores
		d.inOrder() // who hears Done may close before this goroutine goes on
		return last, d.ctl.send(&wire.Done{Removed: d.removed})
	case <-d.ctx.Done():
		return nil, context.Cause(d.ctx)
	}
}

// accept starts a pump for each stream that comes.
func (d *sender) accept() error {
	for {
		s, err := d.next(d.ctx)
		if err != nil {
			return nil // what there is carries everything
		}
		if d.direct.Add(1) == 1 {
			d.needs.poke()
		}
		d.spawn(&d.data, func() error { return d.send(s) })
	}
}

// drain handles what comes into an inbox until its end.
func drain[T any](ctx context.Context, q *inbox[T], handle func(T) error) error {
	for {
		items, ok := q.take(ctx)
		if !ok {
			return nil
		}
		for _, item := range items {
			if err := handle(item); err != nil {
				return err
			}
		}
	}
}

// chore does what the receiver is done with.
func (d *sender) chore(msg any) error {
	switch m := msg.(type) {
	case *wire.Remove:
		if err := d.m.RemoveOffered(m.ID); err != nil {
			return violated("%v", err)
		}
		d.removed++
	case *wire.DirDone:
		if !d.sink.forget(m.Dir) {
			return nil // one that was lost
		}
		return d.m.ForgetDir(m.Dir)
	case *wire.Drop:
		// Without one all of it is on its way, or it goes out at once.
		if f := d.needs.sharedFile(m.ID); f != nil && f.drop() {
			return d.ended(f)
		}
	}
	return nil
}

// look gives the verdict on files that the kernel has sent: only now are its
// pages no longer in any queue.
func (d *sender) look(m *wire.Received) error {
	for _, id := range m.IDs {
		d.mu.Lock()
		f := d.parked[id]
		delete(d.parked, id)
		d.mu.Unlock()
		if f == nil {
			return violated("file %d of directory %d was not sent", id.Index, id.Dir)
		}
		status := d.verdict(f)
		d.calls.Close(f.fd)
		<-d.slots
		if err := d.ctl.send(&wire.Verdict{ID: id, Status: status}); err != nil {
			return err
		}
	}
	return nil
}

// verdict looks at a file that was read and reports if it is not what it was.
func (d *sender) verdict(f *sending) wire.Status {
	var now platform.Stat
	switch err := d.calls.Fstat(f.fd, &now); {
	case err != nil:
		d.m.OfferedUnread(f.id, err)
		return wire.Failed
	case !f.st.Unchanged(&now):
		d.m.OfferedChanged(f.id)
		return wire.Changed
	}
	return wire.Good
}

// closeFiles closes what waits for a verdict, and what has ranges left that nobody
// came to. No pump is at work any more.
func (d *sender) closeFiles() {
	for _, f := range d.needs.big {
		if !f.over {
			d.calls.Close(f.fd)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.parked {
		d.calls.Close(f.fd)
	}
	d.parked = nil
}

// jobWords is what a session has to know of the options of its job.
type jobWords struct {
	numeric  bool
	compress bool
	verify   copier.Hash
	inPlace  bool // files are written into
}

func wordsOf(job *wire.Job) (w jobWords) {
	for _, word := range job.Words {
		switch word {
		case "--numeric-ids":
			w.numeric = true
		case "--compress":
			w.compress = true
		case "--verify", "--verify=xxh3":
			w.verify = copier.XXH3
		case "--verify=blake3":
			w.verify = copier.BLAKE3
		case "--inplace", "--append", "--append-verify", "--write-devices":
			w.inPlace = true
		}
	}
	return w
}
