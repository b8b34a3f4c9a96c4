package remote

import (
	"context"
	"sync"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/delta"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// deltaReceiver asks for what of a file differs from its basis. One goroutine
// does what takes time; each of its steps uses all cores.
type deltaReceiver struct {
	r *receiver

	mu     sync.Mutex
	wake   sync.Cond
	files  map[wire.FileID]*basisFile
	queue  []*basisFile   // that are not signed yet
	asked  []*wire.Refine // of files that are
	checks []*incoming
	count  int // files that are signed and have not arrived
	sums   int // of these
}

// basisFile is what stands at the destination of a file.
type basisFile struct {
	id    wire.FileID
	basis *mirror.Basis
	fd    platform.FD // open from its signature to its end
	size  int64
	block int64
	sums  int
	fine  int64 // one more than the last block that finer sums were asked of
	over  bool  // all were
	inUse bool
	gone  bool // it has arrived
}

func newDeltaReceiver(r *receiver) *deltaReceiver {
	x := &deltaReceiver{r: r, files: map[wire.FileID]*basisFile{}}
	x.wake.L = &x.mu
	return x
}

// need asks for a file. It is called by the engine and doesn't wait.
func (x *deltaReceiver) need(id wire.FileID, _ int64, basis *mirror.Basis) {
	// Before anything that can be said of it, as that the directory is done.
	x.r.ask(id.Dir, []wire.Run{{From: id.Index, To: id.Index + 1, Action: wire.Delta}})
	f := &basisFile{id: id, basis: basis, fd: platform.None}
	x.mu.Lock()
	x.files[id] = f
	x.queue = append(x.queue, f)
	x.mu.Unlock()
	x.wake.Signal()
}

// refine takes a Refine, to be answered later.
func (x *deltaReceiver) refine(m *wire.Refine) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.files[m.ID]
	if f == nil || f.fd == platform.None || f.over || m.Block != delta.FineBlock {
		return violated("finer sums of file %d of directory %d are not to be had", m.ID.Index, m.ID.Dir)
	}
	for _, k := range m.Blocks {
		if int64(k) < f.fine || (int64(k)+1)*f.block > f.size {
			return violated("finer sums of block %d of a file of %d bytes", k, f.size)
		}
		f.fine = int64(k) + 1
	}
	f.over = m.Last
	x.asked = append(x.asked, m)
	x.wake.Signal()
	return nil
}

// check has a file compared with its digest. f.mu is held.
func (x *deltaReceiver) check(f *incoming) error {
	x.mu.Lock()
	x.checks = append(x.checks, f)
	x.mu.Unlock()
	x.wake.Signal()
	return nil
}

// sent notes that a file has been sent: its basis is of no more use here.
func (x *deltaReceiver) sent(id wire.FileID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if f := x.files[id]; f != nil {
		delete(x.files, id)
		f.gone = true
		x.close(f)
		x.wake.Signal()
	}
}

// close lets go of a file that has arrived, unless it is in use. x.mu is held.
func (x *deltaReceiver) close(f *basisFile) {
	if f.inUse || f.fd == platform.None {
		return
	}
	f.basis.Calls().Close(f.fd)
	f.fd = platform.None
	x.count--
	x.sums -= f.sums
}

// work does what was asked for until the session ends.
func (x *deltaReceiver) work() error {
	stop := context.AfterFunc(x.r.ctx, x.wake.Broadcast)
	defer stop()
	defer x.end()
	for {
		step := x.next()
		if step == nil {
			return nil
		}
		if err := step(); err != nil {
			return x.r.orCause(err)
		}
	}
}

// next waits for something to do: first what the sender waits for.
func (x *deltaReceiver) next() func() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.r.ctx.Err() == nil {
		if len(x.checks) > 0 {
			f := x.checks[0]
			x.checks = x.checks[1:]
			return func() error { return x.checkFile(f) }
		}
		if len(x.asked) > 0 {
			m := x.asked[0]
			x.asked = x.asked[1:]
			f := x.files[m.ID]
			if f == nil {
				continue // it has arrived without
			}
			f.inUse = true
			return func() error { return x.tellFine(f, m) }
		}
		if len(x.queue) > 0 && (x.count == 0 || x.count < deltaFiles && x.sums < deltaSums) {
			f := x.queue[0]
			x.queue = x.queue[1:]
			if f.gone {
				continue
			}
			f.inUse = true
			return func() error { return x.sign(f) }
		}
		x.wake.Wait()
	}
	return nil
}

// done ends a use of a file.
func (x *deltaReceiver) done(f *basisFile) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f.inUse = false
	if f.gone {
		x.close(f)
	}
}

// sign tells what a basis holds. One that can't be read has nothing.
func (x *deltaReceiver) sign(f *basisFile) error {
	defer x.done(f)
	block := delta.Block(0)
	nothing := &wire.Signature{ID: f.id, Block: uint32(block), Last: true}
	fd, st, err := f.basis.Open()
	if err != nil {
		return x.r.ctl.send(nothing)
	}
	block = delta.Block(st.Size)
	x.mu.Lock()
	f.fd, f.size, f.block, f.sums = fd, st.Size, block, delta.Blocks(st.Size, block)
	x.count++
	x.sums += f.sums
	x.mu.Unlock()
	told := 0
	err = delta.Sign(x.r.ctx, fileReader{f.basis.Calls(), fd}, st.Size, block, x.r.seed, func(first uint32, sums []wire.Sum, last bool) error {
		if !x.r.ctl.await() {
			return context.Cause(x.r.ctx)
		}
		told += len(sums)
		return x.r.ctl.send(&wire.Signature{ID: f.id, Size: st.Size, Block: uint32(block), First: first, Sums: sums, Last: last})
	})
	if err == nil || x.r.ctx.Err() != nil {
		return err
	}
	// The rest can't be read: sums that no content has.
	for first := told; ; first += delta.SignatureSums {
		n := min(f.sums-first, delta.SignatureSums)
		last := first+n == f.sums
		err := x.r.ctl.send(&wire.Signature{ID: f.id, Size: st.Size, Block: uint32(block), First: uint32(first), Sums: make([]wire.Sum, n), Last: last})
		if err != nil || last || !x.r.ctl.await() {
			return err
		}
	}
}

// tellFine answers a Refine.
func (x *deltaReceiver) tellFine(f *basisFile, m *wire.Refine) error {
	defer x.done(f)
	told := 0
	err := delta.Fine(x.r.ctx, fileReader{f.basis.Calls(), f.fd}, f.size, f.block, x.r.seed, m.Blocks, func(sums []uint64, last bool) error {
		if !x.r.ctl.await() {
			return context.Cause(x.r.ctx)
		}
		told += len(sums)
		return x.r.ctl.send(&wire.Fine{ID: f.id, Sums: sums, Last: last && m.Last})
	})
	if err == nil || x.r.ctx.Err() != nil {
		return err
	}
	all := len(m.Blocks) * int(f.block/delta.FineBlock)
	return x.r.ctl.send(&wire.Fine{ID: f.id, Sums: make([]uint64, all-told), Last: m.Last})
}

// end closes what is open.
func (x *deltaReceiver) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range x.files {
		x.close(f)
	}
}
