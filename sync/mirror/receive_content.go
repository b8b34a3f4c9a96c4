package mirror

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/wire"
)

// farSmall is up to which size a file keeps its new directory from getting its
// name: such files come many at once.
const farSmall = 64 << 10

// farDelta is the size of an existing file from which it is worth telling the
// sender what it holds.
const farDelta = 1 << 20

// farFile is a file that was asked for. It is done by one goroutine at a time.
type farFile struct {
	e     *entry
	flags plan.Flags
	basis *altBasis
	small bool
	delta bool
	near  platform.Name // a file beside it that is to be the basis; nil for none

	mu      sync.Mutex
	begun   bool         // by Begin
	told    atomic.Int64 // bytes that are counted though the file isn't whole
	arrival *copier.Arrival
	err     error // why there is no arrival
	put     *copier.Put
	src     platform.Stat
	end     func()
}

// Basis is what stands at the destination of a file that is asked for, or near
// it, and is expected to resemble it.
type Basis struct {
	Size int64
	m    *Mirror
	f    *farFile
}

// Open opens it for reading; the descriptor is the caller's.
func (b *Basis) Open() (platform.FD, platform.Stat, error) {
	var st platform.Stat
	e := b.f.e
	if err := e.p.use(); err != nil {
		return platform.None, st, err
	}
	defer e.p.release()
	dir, name := e.p.dfd(), e.as
	if b.f.basis.dir != nil {
		dir = b.f.basis.dir.FD()
	}
	if b.f.near != nil {
		dir, name = e.p.dfd(), b.f.near
	}
	fd, err := b.m.openBasis(dir, name, &st)
	return fd, st, err
}

// leftOver returns what an earlier run left of e, and its size.
func (m *Mirror) leftOver(e *entry) (platform.Name, int64) {
	if len(e.p.resumable) == 0 || m.writesInto(e) {
		return nil, 0
	}
	name := copier.ResumeName(&copier.Put{Name: e.as, DirIno: e.p.dst.Ino, Stat: &e.src})
	for _, is := range e.p.resumable {
		if !bytes.Equal(is, name) {
			continue
		}
		if size, ok := m.abandoned(e.p, name); ok {
			return name, size
		}
	}
	return nil, 0
}

// abandoned returns the size of a file of a temporary name in p, if no run that
// lives writes to it.
func (m *Mirror) abandoned(p *pair, name platform.Name) (int64, bool) {
	var st platform.Stat
	// For writing, since on NFS nothing else can be locked (flock(2)).
	fd, err := m.calls.Openat(p.dfd(), name, platform.ReadWrite|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		return 0, false
	}
	defer m.calls.Close(fd)
	ok := m.calls.Fstat(fd, &st) == nil && st.IsRegular() && m.calls.Flock(fd, true) == nil
	return st.Size, ok
}

// Calls is what its descriptor is for.
func (b *Basis) Calls() *platform.Calls { return b.m.calls }

// request asks for the content of e.
func (r *Receiver) request(e *entry, flags plan.Flags, basis *altBasis) {
	m := r.m
	f := &farFile{e: e.keep(), flags: flags, small: e.src.Size <= farSmall, basis: &altBasis{}}
	if basis != nil {
		f.basis = basis
	}
	size := int64(-1)
	switch {
	case f.basis.dir != nil:
		size = f.basis.st.Size
	case e.exists && e.old.IsRegular():
		size = e.old.Size
	}
	f.delta = !m.opts.WholeFile && !m.opts.WholeGiven && size >= farDelta && e.src.Size >= farDelta
	near, n := m.leftOver(e)
	if near == nil && f.basis.dir == nil {
		near, n = r.similar(e)
	}
	if n >= farDelta {
		f.near, f.delta, size = near, true, n
	}
	e.p.unsealed.Add(1)
	if f.small {
		e.p.unpublished.Add(1)
	}
	r.mu.Lock()
	r.outstanding++
	gone, err := r.gone, r.ctx.Err()
	if !gone && r.pending[e.id] != nil {
		// Nobody could tell whose content comes.
		gone, err = true, violation("two files have the number %d in directory %d", e.id.Index, e.id.Dir)
	}
	if !gone {
		r.pending[e.id] = f
	}
	r.mu.Unlock()
	switch {
	case gone:
		r.arrivals.Push(&failJob{r, f, err})
	case f.delta:
		r.peer.NeedDelta(e.id, e.src.Size, &Basis{size, m, f})
	default:
		r.peer.Need(e.id, e.src.Size)
	}
	// As for the next name of a file with several, of which the first failed.
	r.mu.Lock()
	flush := r.draining
	r.mu.Unlock()
	if flush {
		r.peer.Flush()
	}
}

// find returns a file that was asked for; last tells that it is not needed
// again.
func (r *Receiver) find(id wire.FileID, last bool) (*farFile, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.pending[id]
	if f == nil {
		if r.ctx.Err() != nil {
			return nil, nil
		}
		return nil, violation("file %d of directory %d was not asked for", id.Index, id.Dir)
	}
	if last {
		delete(r.pending, id)
	}
	return f, nil
}

// Batch takes up small files, which are whole. free is called when files is no
// longer needed, and also after an error.
func (r *Receiver) Batch(files []wire.BatchFile, free func()) error {
	j := &batchJob{r: r, files: files, free: free, far: make([]*farFile, len(files))}
	var first error
	for i := range files {
		f, err := r.find(files[i].ID, true)
		if err != nil && first == nil {
			first = err
		}
		j.far[i] = f
	}
	r.arrivals.Push(j)
	return first
}

type batchJob struct {
	r     *Receiver
	files []wire.BatchFile
	far   []*farFile
	free  func()
}

func (j *batchJob) Run(ctx context.Context, w *apply.Worker) {
	r, m := j.r, j.r.m
	var used *pair // stays open from one file to the next
	for i, f := range j.far {
		if f == nil {
			continue
		}
		b := &j.files[i]
		if f.e.p != used {
			if used != nil {
				used.release()
				used = nil
			}
			if err := f.e.p.use(); err != nil {
				m.unusable(f.e.p, err)
				r.finished(w, f, errGivenUp)
				continue
			}
			used = f.e.p
		}
		if b.Status != wire.Good || ctx.Err() != nil {
			r.finished(w, f, errGivenUp)
			continue
		}
		r.small(ctx, w, f, b)
	}
	if used != nil {
		used.release()
	}
	j.free()
}

// errGivenUp stands for what has been reported, or needs no report.
var errGivenUp = errors.New("given up")

// small stores a file that is at hand as a whole.
func (r *Receiver) small(ctx context.Context, w *apply.Worker, f *farFile, b *wire.BatchFile) {
	err := r.begin(ctx, w, f, b.Size, b.Mtime)
	if err == nil && len(b.Data) > 0 {
		err = f.arrival.WriteAt(b.Data, 0)
	}
	var digest []byte
	if h := r.m.opts.Copier.Verify.New(); h != nil {
		// What is in a batch can't have come otherwise than it was sent, so it is
		// only to be compared with what is stored.
		h.Write(b.Data)
		digest = h.Sum(nil)
	}
	r.complete(ctx, w, f, b.Size, digest, err)
}

// begin makes the staged file. f.e.p is in use and stays so until its end.
func (r *Receiver) begin(ctx context.Context, w *apply.Worker, f *farFile, size int64, mtime wire.Time) (err error) {
	m, e := r.m, f.e
	f.src = e.src
	f.src.Size, f.src.Mtime = size, timeFromWire(mtime)
	f.put = &copier.Put{
		Dir: e.p.dfd(), DirIno: e.p.dst.Ino, DirDev: e.p.dst.Dev, Name: e.as,
		Src: platform.None, Stat: &f.src, OldFD: platform.None, Basis: platform.None, Umask: m.opts.Umask,
	}
	put := f.put
	if !f.small {
		put.Progress = func(n int64) {
			f.told.Add(n)
			m.r.Counters.Bytes.Add(n)
		}
	}
	put.Finish = func(fd platform.FD) (copier.Lost, error) {
		return m.finishFile(e, &f.src, fd, put.Stage == copier.InPlace)
	}
	f.end = func() {}
	if m.writesInto(e) {
		if err := m.aimInPlace(ctx, w, e, put); err != nil {
			return err
		}
		if f.delta {
			put.Delta, put.Basis, put.BasisStat = true, put.OldFD, &e.old
		}
	} else {
		m.chooseStage(e, put, !f.small)
		fd := platform.None
		switch {
		case !f.delta:
			put.BasisStat = &platform.Stat{} // keeps stage from looking for one
		case f.near != nil:
			// Without it, as when it was deleted meanwhile, what is copied from it can't
			// be had, and the file is sent as a whole.
			put.BasisStat = new(platform.Stat)
			if near, err := m.openBasis(e.p.dfd(), f.near, put.BasisStat); err == nil {
				fd, put.Basis = near, near
			}
		}
		end := m.stage(e, put, f.basis)
		put.Delta = f.delta
		if !f.delta {
			put.BasisStat = nil
		}
		f.end = func() {
			end()
			if fd != platform.None {
				m.calls.Close(fd)
			}
		}
		if put.Hold {
			put.BeforeCommit = nil
		}
	}
	f.arrival, err = w.Copy.Arrive(put)
	return err
}

// complete makes what has arrived stand, or with an error gives it up.
func (r *Receiver) complete(ctx context.Context, w *apply.Worker, f *farFile, size int64, digest []byte, err error) {
	m := r.m
	if err == nil {
		err = w.Copy.Complete(ctx, f.arrival, size, digest)
		if err == nil && f.put.Partial != nil && f.put.Partial.Dir != platform.None && !f.put.Partial.Final {
			m.dropPartialDir(f.e.p)
		}
	} else if f.arrival != nil {
		w.Copy.Abandon(f.arrival)
	}
	if f.end != nil {
		f.end()
	}
	r.finished(w, f, err)
}

// finished tells of a file and ends it.
func (r *Receiver) finished(w *apply.Worker, f *farFile, err error) {
	m, e := r.m, f.e
	if f.begun {
		r.begun.Add(-1)
	}
	if errors.Is(err, errGivenUp) {
		m.settle(w, e, false)
	} else {
		w.BeginAt(f.told.Load())
		m.endPut(w, e, f.flags, f.put, &f.src, err)
	}
	if f.small {
		m.leave(w, e.p)
	} else {
		m.done(w, e.p)
	}
	r.mu.Lock()
	r.outstanding--
	if r.outstanding <= maxOutstanding/2 {
		r.unpark()
	}
	if r.outstanding == 0 {
		r.settled.Broadcast()
	}
	r.mu.Unlock()
}

// Begin returns the staged file of one that comes in pieces; it is made by the
// first call. Its mtime is what the listing said until Complete. No file and no
// error: nobody wants it any more. Another error is that of a peer that sends
// what was not asked for.
func (r *Receiver) Begin(id wire.FileID) (*copier.Arrival, error) {
	f, err := r.find(id, false)
	if f == nil || err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.arrival != nil || f.err != nil {
		return f.arrival, nil
	}
	if f.err = f.e.p.use(); f.err != nil {
		return nil, nil
	}
	w := r.worker()
	defer r.idle(w)
	if f.err = r.begin(r.ctx, w, f, f.e.src.Size, timeToWire(f.e.src.Mtime)); f.err != nil {
		f.arrival = nil
	}
	f.begun = true
	r.begun.Add(1)
	return f.arrival, nil
}

// Begun returns how many files Begin has made that have not ended: each takes
// up to three descriptors.
func (r *Receiver) Begun() int { return int(r.begun.Load()) }

// worker returns one for who is no job.
func (r *Receiver) worker() *apply.Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.workers); n > 0 {
		w := r.workers[n-1]
		r.workers = r.workers[:n-1]
		return w
	}
	return r.arrivals.NewWorker()
}

func (r *Receiver) idle(w *apply.Worker) {
	r.mu.Lock()
	r.workers = append(r.workers, w)
	r.mu.Unlock()
}

// Complete makes a file stand of which everything has arrived, or gives it up
// if sent says that it is not good.
func (r *Receiver) Complete(id wire.FileID, sent *wire.Sent) error {
	f, err := r.find(id, true)
	if f != nil {
		r.arrivals.Push(&completeJob{r, f, sent})
	}
	return err
}

// Fail gives up a file that can't be had. A nil err: the sender has said why.
func (r *Receiver) Fail(id wire.FileID, err error) error {
	f, bad := r.find(id, true)
	if f != nil {
		if err == nil {
			err = errGivenUp
		}
		r.arrivals.Push(&failJob{r, f, err})
	}
	return bad
}

type completeJob struct {
	r    *Receiver
	f    *farFile
	sent *wire.Sent
}

func (j *completeJob) Run(ctx context.Context, w *apply.Worker) {
	r, f := j.r, j.f
	f.mu.Lock()
	defer f.mu.Unlock()
	began := f.arrival != nil || f.err != nil
	err := f.err
	if !began {
		// An empty file has no pieces.
		if err = f.e.p.use(); err == nil {
			err = r.begin(ctx, w, f, j.sent.Size, j.sent.Mtime)
			began = true
		}
	}
	f.src.Size, f.src.Mtime = j.sent.Size, timeFromWire(j.sent.Mtime)
	if j.sent.Status != wire.Good && err == nil {
		err = errGivenUp
	}
	if ctx.Err() != nil && err == nil {
		err = ctx.Err()
	}
	p := f.e.p
	r.complete(ctx, w, f, j.sent.Size, j.sent.Digest, err)
	if began && f.put != nil {
		p.release()
	}
}

type failJob struct {
	r   *Receiver
	f   *farFile
	err error
}

func (j *failJob) Run(ctx context.Context, w *apply.Worker) {
	f := j.f
	f.mu.Lock()
	defer f.mu.Unlock()
	p, began := f.e.p, f.arrival != nil || f.err != nil && f.put != nil
	if f.put == nil {
		f.put = &copier.Put{}
	}
	j.r.complete(ctx, w, f, 0, nil, j.err)
	if began {
		p.release()
	}
}
