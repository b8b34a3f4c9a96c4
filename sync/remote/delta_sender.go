package remote

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/delta"
	"github.com/zccp/zccp/sync/wire"
)

// deltaSender answers requests for what of a file differs from what the
// receiver has. One goroutine does what takes time; each of its steps uses all
// cores.
type deltaSender struct {
	d *sender

	mu    sync.Mutex
	wake  sync.Cond
	files map[wire.FileID]*basedFile // that were asked for and are not compared
	ready []*basedFile               // of which the sums are there
	sums  int                        // in memory
	sent  []*sending                 // that may be open yet
}

// basedFile is a file of which the receiver has something.
type basedFile struct {
	id   wire.FileID
	sig  delta.Signature
	file *sending // once it is open
	plan *delta.Plan

	// Finer sums that were asked for, and came.
	blocks []uint32
	fine   []uint64
}

// maxExpected is more than a receiver asks for before anything has come.
const maxExpected = 1 << 16

func newDeltaSender(d *sender) *deltaSender {
	x := &deltaSender{d: d, files: map[wire.FileID]*basedFile{}}
	x.wake.L = &x.mu
	return x
}

// expect notes that files were asked for of which a Signature follows. It runs
// on the reader.
func (x *deltaSender) expect(dir uint32, run wire.Run) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if int(run.To-run.From) > maxExpected-len(x.files) {
		return violated("more than %d files are asked for without their signatures", maxExpected)
	}
	for i := run.From; i < run.To; i++ {
		id := wire.FileID{Dir: dir, Index: i}
		if x.files[id] != nil {
			return violated("file %d of directory %d is asked for twice", i, dir)
		}
		x.files[id] = &basedFile{id: id}
	}
	return nil
}

// message takes a Signature or Fine.
func (x *deltaSender) message(msg any) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch m := msg.(type) {
	case *wire.Signature:
		f := x.files[m.ID]
		if f == nil {
			return x.again(m)
		}
		if f.file != nil {
			return violated("two signatures of file %d of directory %d", m.ID.Index, m.ID.Dir)
		}
		whole, err := f.sig.Add(m)
		if err != nil {
			return violated("%v", err)
		}
		if x.sums += len(m.Sums); x.sums > deltaSums+len(f.sig.Sums) {
			return violated("more signatures than are compared")
		}
		if whole {
			x.ready = append(x.ready, f)
			x.wake.Signal()
		}
	case *wire.Fine:
		f := x.files[m.ID]
		if f == nil || f.blocks == nil {
			return violated("finer sums of file %d of directory %d, which were not asked for", m.ID.Index, m.ID.Dir)
		}
		want := len(f.blocks) * int(f.sig.Block/delta.FineBlock)
		if f.fine = append(f.fine, m.Sums...); len(f.fine) > want || m.Last && len(f.fine) < want {
			return violated("%d finer sums, not %d", len(f.fine), want)
		}
		if m.Last {
			x.ready = append(x.ready, f)
			x.wake.Signal()
		}
	}
	return nil
}

// again sends a file as a whole of which the receiver made something else.
// x.mu is held.
func (x *deltaSender) again(m *wire.Signature) error {
	d := x.d
	d.mu.Lock()
	f := d.parked[m.ID]
	known := f != nil && f.delta && m.Size == 0 && m.Last
	if known {
		delete(d.parked, m.ID)
	}
	d.mu.Unlock()
	if !known {
		return violated("the signature of file %d of directory %d was not expected", m.ID.Index, m.ID.Dir)
	}
	whole := newSending(m.ID, f.fd, f.st)
	whole.packs = f.packs
	whole.kernel.Store(true)
	whole.parks.Do(func() {}) // it has its place yet
	x.share(whole)
	return nil
}

func newSending(id wire.FileID, fd platform.FD, st platform.Stat) *sending {
	return &sending{id: id, fd: fd, st: st, end: st.Size, status: wire.Good, sparse: st.Blocks*512 < st.Size}
}

// share gives a file to the pumps. x.mu is held.
func (x *deltaSender) share(f *sending) {
	open := x.sent[:0]
	for _, f := range x.sent {
		if f.mu.Lock(); !f.over {
			open = append(open, f)
		}
		f.mu.Unlock()
	}
	x.sent = append(open, f)
	x.d.needs.share(f)
}

// work compares files until the session ends.
func (x *deltaSender) work() error {
	stop := context.AfterFunc(x.d.ctx, x.wake.Broadcast)
	defer stop()
	for {
		x.mu.Lock()
		for len(x.ready) == 0 && x.d.ctx.Err() == nil {
			x.wake.Wait()
		}
		if x.d.ctx.Err() != nil {
			x.mu.Unlock()
			return nil
		}
		f := x.ready[0]
		x.ready = x.ready[1:]
		x.mu.Unlock()
		var err error
		if f.file == nil {
			err = x.match(f)
		} else {
			err = x.refine(f)
		}
		if err != nil {
			return x.d.orCause(err)
		}
	}
}

// match compares a file with the sums of its basis.
func (x *deltaSender) match(f *basedFile) error {
	d := x.d
	fd, st, status, err := d.m.OpenOffered(f.id)
	if err != nil {
		return err
	}
	if status != wire.Good {
		return x.give(f, status)
	}
	if !st.IsRegular() {
		// A device: how much it holds, only reading it tells.
		d.calls.Close(fd)
		x.forget(f)
		d.needs.add(f.id.Dir, wire.Run{From: f.id.Index, To: f.id.Index + 1, Action: wire.Whole})
		return nil
	}
	s := newSending(f.id, fd, st)
	s.delta, s.packs = true, d.words.compress
	s.parks.Do(func() {
		select {
		case d.slots <- struct{}{}:
			s.kernel.Store(true)
		case <-d.ctx.Done():
		}
	})
	x.mu.Lock()
	x.sent = append(x.sent, s)
	f.file = s
	x.mu.Unlock()
	f.plan, err = delta.Match(d.ctx, fileReader{d.calls, fd}, st.Size, &f.sig, d.seed, !d.words.inPlace)
	if err != nil {
		return x.unread(f, err)
	}
	blocks := f.plan.Unsure(&f.sig)
	blocks = blocks[:min(len(blocks), maxFine/int(f.sig.Block/delta.FineBlock))]
	x.mu.Lock()
	x.sums -= len(f.sig.Sums)
	f.sig.Sums = nil
	f.blocks = blocks
	x.mu.Unlock()
	if len(blocks) == 0 {
		return x.send(f)
	}
	return d.ctl.send(&wire.Refine{ID: f.id, Block: delta.FineBlock, Blocks: blocks, Last: true})
}

// refine looks at the blocks of which finer sums have come.
func (x *deltaSender) refine(f *basedFile) error {
	more, err := delta.Refine(x.d.ctx, fileReader{x.d.calls, f.file.fd}, f.sig.Block, x.d.seed, f.blocks, f.fine)
	if err != nil {
		return x.unread(f, err)
	}
	f.plan.Refined(more)
	return x.send(f)
}

// send lets the pumps send what was found out.
func (x *deltaSender) send(f *basedFile) error {
	f.file.copies, f.file.digest = f.plan.Copies, f.plan.Digest
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.files, f.id)
	if f.file.end == 0 {
		f.file.over = true
		return x.d.ended(f.file) // there is nothing for them
	}
	x.share(f.file)
	return nil
}

// unread ends a file that could not be read to its end.
func (x *deltaSender) unread(f *basedFile, err error) error {
	if x.d.ctx.Err() != nil {
		return context.Cause(x.d.ctx)
	}
	s := f.file
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.status = wire.Changed
		x.d.m.OfferedChanged(f.id)
	} else {
		s.status = wire.Failed
		x.d.m.OfferedUnread(f.id, err)
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	x.d.calls.Close(s.fd)
	<-x.d.slots
	return x.give(f, s.status)
}

// give says that a file can't be had.
func (x *deltaSender) give(f *basedFile, status wire.Status) error {
	x.forget(f)
	return x.d.ctl.send(&wire.Sent{ID: f.id, Status: status})
}

func (x *deltaSender) forget(f *basedFile) {
	x.mu.Lock()
	x.sums -= len(f.sig.Sums)
	delete(x.files, f.id)
	x.mu.Unlock()
}

// close closes what nobody came to send. Nothing else runs any more.
func (x *deltaSender) close() {
	for _, f := range x.sent {
		if !f.over {
			f.over = true
			x.d.calls.Close(f.fd)
		}
	}
}
