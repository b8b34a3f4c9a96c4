package remote

import (
	"math"
	"sync"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// incoming is a file that arrives in pieces, maybe on several streams.
type incoming struct {
	id    wire.FileID
	start sync.Once
	file  arrival // nil: nobody wants it
	bad   error   // the peer sends what was not asked for

	mu      sync.Mutex
	active  int // pieces being stored
	got     int64
	sum     foldedSum
	sent    *wire.Sent
	err     error // why it can't be stored
	failed  bool  // the engine knows
	over    bool  // nothing more may come
	dropped bool  // the sender knows that it can't be stored
	copied  bool  // a part of it is of the basis
	again   bool  // it is sent as a whole because what came before was wrong
}

// do stores a piece, unless that is in vain.
func (f *incoming) do(store func(arrival) error) {
	f.mu.Lock()
	a := f.file
	if f.err != nil {
		a = nil
	}
	f.mu.Unlock()
	if a == nil {
		return
	}
	if err := store(a); err != nil {
		f.mu.Lock()
		if f.err == nil {
			f.err = err
		}
		f.mu.Unlock()
	}
}

// maxFiles bounds the files of which something has come: the engine never has so
// many outstanding.
const maxFiles = 1 << 16

// get returns the record of a file, which it makes if there is none.
func (x *intake) get(id wire.FileID) *incoming {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.files[id]
	if f == nil {
		f = &incoming{id: id}
		x.files[id] = f
	}
	return f
}

// maxBegun bounds the files that are open at once: those that wait for a verdict,
// which are maxParked at most, and those that workers have not come to yet. A
// stream waits before it begins another one. Those that are in the middle of
// their content, one for each stream, leave room, so it does not wait for itself.
const maxBegun = 4 * maxParked

func (x *intake) awaitRoom() {
	for x.r.engine.Begun() >= maxBegun {
		select {
		case <-x.r.ctx.Done():
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// begin counts a piece that begins to arrive.
func (x *intake) begin(id wire.FileID) (*incoming, error) {
	f := x.get(id)
	f.start.Do(func() {
		x.awaitRoom()
		a, err := x.r.engine.Begin(id)
		f.mu.Lock()
		f.file, f.bad = a, err
		f.mu.Unlock()
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bad != nil {
		return nil, f.bad
	}
	if f.over {
		return nil, violated("more of file %d of directory %d than all of it", id.Index, id.Dir)
	}
	f.active++
	return f, nil
}

// count adds a piece of n bytes. f.mu is held.
func (f *incoming) count(n int64) error {
	if n > math.MaxInt64-f.got {
		return violated("more of file %d of directory %d than any file holds", f.id.Index, f.id.Dir)
	}
	f.got += n
	return nil
}

// sent takes what the sender says of a file once all of it is on its way.
func (x *intake) sent(m *wire.Sent) error {
	f := x.get(m.ID)
	x.mu.Lock()
	count := len(x.files)
	x.mu.Unlock()
	if count > maxFiles {
		return violated("more files were sent than were asked for")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sent != nil {
		return violated("file %d of directory %d was sent twice", m.ID.Index, m.ID.Dir)
	}
	f.sent = m
	x.r.peer.delta.sent(m.ID)
	return x.settle(f)
}

// settle looks at what is to be done about a file. f.mu is held.
func (x *intake) settle(f *incoming) error {
	if f.sent != nil && f.got > f.sent.Bytes {
		return violated("more of file %d of directory %d than all of it", f.id.Index, f.id.Dir)
	}
	if f.active > 0 {
		return nil
	}
	if lost := f.file == nil || f.err != nil && !f.lacksBasis(); lost && f.sent == nil && !f.dropped {
		// Before the engine knows, which may have finished then.
		f.dropped = true
		if err := x.r.ctl.send(&wire.Drop{ID: f.id}); err != nil {
			return err
		}
	}
	if f.err != nil && !f.failed && !f.lacksBasis() {
		f.failed = true
		if err := x.r.engine.Fail(f.id, f.err); err != nil {
			return err
		}
	}
	if f.sent == nil || f.got < f.sent.Bytes {
		return nil
	}
	f.over = true
	if f.copied && !f.failed && f.file != nil && f.sent.Status == wire.Good {
		return x.r.peer.delta.check(f)
	}
	return x.arrived(f)
}

// arrived goes on with a file of which everything has come. f.mu is held.
func (x *intake) arrived(f *incoming) error {
	x.mu.Lock()
	delete(x.files, f.id)
	waits := f.sent.Kernel && f.sent.Status == wire.Good
	if waits {
		x.waiting[f.id] = f
	}
	x.mu.Unlock()
	if waits {
		return x.r.ctl.send(&wire.Received{IDs: []wire.FileID{f.id}})
	}
	return x.complete(f)
}

// verdict takes the sender's last word on a file that the kernel has sent.
func (x *intake) verdict(m *wire.Verdict) error {
	x.mu.Lock()
	f := x.waiting[m.ID]
	delete(x.waiting, m.ID)
	x.mu.Unlock()
	if f == nil {
		return violated("verdict on file %d of directory %d, which was not received", m.ID.Index, m.ID.Dir)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent.Status = m.Status
	return x.complete(f)
}

// complete hands over a file of which everything has come. f.mu is held.
func (x *intake) complete(f *incoming) error {
	if f.failed {
		return nil
	}
	m := f.sent
	if m.Status == wire.Good {
		if !f.genuine() {
			return forged("a file")
		}
		if m.Bytes != m.Size {
			return violated("%d bytes of a file of %d", m.Bytes, m.Size)
		}
	} else if m.Status == wire.Changed && f.file != nil {
		f.file.Spoil()
	}
	return x.r.engine.Complete(f.id, m)
}

// genuine reports whether the frames were what the sender says they were.
func (f *incoming) genuine() bool {
	told := len(f.sent.Sums) == 1
	return told == f.sum.used && (!told || f.sent.Sums[0].Sum == f.sum.sum)
}
