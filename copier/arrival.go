package copier

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"

	"github.com/zccp/zccp/platform"
)

// Arrival is a regular file whose content comes in pieces. Every byte is told
// once, by WriteAt, Hole or Copy, in any order; these may be called from
// several goroutines at once, for different bytes. Complete or Abandon ends it,
// when no other call is under way; a Worker is in the hands of one goroutine,
// but need not be the one that began.
type Arrival struct {
	c     *Copier
	calls *platform.Calls
	p     *Put
	s     Staged

	// base is how much the file held when it began, of its basis.
	base int64
	own  bool // the basis is the file itself
	// noBasis: there is none, or none any more.
	noBasis bool
	// tuned: the file has an extent size for copy-on-write that isn't its own.
	tuned     bool
	cowExtent int
	resume    platform.Name // what an Arrival that is abandoned is called, nil if it isn't kept
	// patching is held for writing where content is moved within the file.
	patching sync.RWMutex

	mu     sync.Mutex
	told   spans
	fresh  spans // of a file that is its own basis: what is no longer as it was
	sized  int64 // the size that the file has at least
	roomy  bool  // space may be reserved where there is no data
	broken error // the first failure
	bad    int64 // what is at and behind this offset may not be stored
	moved  int64
	holes  int64
	kept   int64
	spoilt bool
	// outlives: it has the name resume. rival is the size of what has that instead,
	// as far as that is known.
	outlives bool
	rival    int64
}

// Arrive stages a file. Of p, Src is not used and Stat says what is known of
// the source; Finish has to be set where attributes of the source are to be
// kept that Stat doesn't hold. p, with its descriptors, is the Arrival's until
// its end, and its Partial and Resume say only what becomes of a file that is
// abandoned: the file begins empty, or with Delta as a clone of the basis where
// the file systems can do that, or InPlace as it is. On an error there is
// nothing to be abandoned.
func (w *Worker) Arrive(p *Put) (*Arrival, error) {
	a := &Arrival{c: w.c, calls: w.calls, p: p, noBasis: p.BasisStat == nil, bad: math.MaxInt64}
	p.Result, p.Lost = Result{Attempts: 1, Method: ReadWrite}, Lost{}
	p.Src = platform.None
	// What an earlier run left can be the basis, by the choice of the caller.
	partial := p.Partial
	if w.CanResume(p) {
		a.resume = ResumeName(p)
	}
	p.Partial, p.Resume = nil, false
	if (partial != nil || a.resume != nil) && p.Stage == Unnamed {
		p.Stage = Sibling
	}
	err := w.create(&a.s, p, w.creationMode(p))
	p.Partial = partial
	if err == nil {
		err = w.prepareArrival(a)
	}
	if err != nil {
		a.s.Discard()
		return nil, err
	}
	return a, nil
}

// prepareArrival gives the file what it begins with.
func (w *Worker) prepareArrival(a *Arrival) error {
	p := a.p
	size := p.Stat.Size
	switch {
	case w.patches(p):
		a.own, a.base, a.noBasis = true, a.s.have, false
	case p.Delta && p.Stage != InPlace && w.canDerive(p) && w.c.opts.Sparse != Never:
		base, err := w.cloneInto(a.s.fd, p.Basis, w.refusedFor(p.DirDev, p.BasisStat.Dev))
		if err != nil {
			return err
		}
		a.base = base
		// See derive.
		if base > 0 {
			a.cowExtent, err = w.calls.CowExtent(a.s.fd, deltaBlock)
			a.tuned = err == nil
		}
	}
	a.sized = a.base
	if p.Preallocate && p.cuts() && a.base < size {
		err := a.s.retry(func() error { return a.calls.Fallocate(a.s.fd, a.base, size-a.base) })
		if err != nil && !platform.Unsupported(err) {
			return step(StepWrite, err)
		}
		a.roomy = err == nil
	}
	if w.c.opts.Sparse == Always && p.cuts() && size >= smallArrival {
		return a.grow()
	}
	return nil
}

// ReadAt is that of io.ReaderAt on what has arrived, from 0 on without a gap;
// io.EOF is its end. It is safe for concurrent use, but no piece may be under
// way.
func (a *Arrival) ReadAt(b []byte, off int64) (int, error) {
	a.mu.Lock()
	end := a.arrived()
	a.mu.Unlock()
	want := b[:max(0, min(int64(len(b)), end-off))]
	got := 0
	for got < len(want) {
		n, err := pread(a.calls, a.s.fd, want[got:], off+int64(got))
		if err != nil {
			return got, step(StepVerify, err)
		}
		if n == 0 {
			// A hole at the end has no size yet.
			clear(want[got:])
			got = len(want)
		}
		got += n
	}
	if got < len(b) {
		return got, io.EOF
	}
	return got, nil
}

// Restart forgets everything that was told: the content is to be told anew, by
// WriteAt and Hole alone. No piece may be under way. It is for content that
// turned out to be wrong, as that of a basis that changed.
func (a *Arrival) Restart() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.p.cuts() {
		if err := a.s.retry(func() error { return a.calls.Ftruncate(a.s.fd, 0) }); err != nil {
			return step(StepSize, err)
		}
	}
	a.told, a.fresh, a.broken, a.bad = nil, nil, nil, math.MaxInt64
	a.base, a.sized, a.own, a.noBasis = 0, 0, false, true
	a.moved, a.holes, a.kept = 0, 0, 0
	return nil
}

// Spoil says that what has arrived counts for nothing, as that of a source that
// changed: nothing of it is kept when the Arrival is abandoned.
func (a *Arrival) Spoil() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spoilt = true
	a.hideAgain()
}

var (
	errNoDigest  = errors.New("no digest of the source to verify it with")
	errAbandoned = errors.New("abandoned")
)

// Complete gives the file its size and metadata, and its name, once everything
// was told. digest is that of the content by Options.Verify, which is compared
// with what is read back past the cache; nil without that. On an error nothing
// is at the name that was not there before (Stage InPlace excepted), and what
// Put would have kept of it is. Either way the Arrival has ended and p is the
// caller's; p.Result and p.Lost tell of it.
func (w *Worker) Complete(ctx context.Context, a *Arrival, size int64, digest []byte) error {
	p, s := a.p, &a.s
	err := ctx.Err()
	if err == nil {
		err = w.wholeArrival(ctx, a, size, digest)
	}
	a.tell(size)
	if err != nil {
		if a.spoilt || !w.keep(s, p, err) {
			s.Discard()
		}
		return err
	}
	if p.BeforeCommit != nil {
		err = p.BeforeCommit()
	}
	if err == nil {
		s.found = a.outlives // so that it is hidden before its lock ends
		err = w.commit(ctx, s, p)
	}
	if err != nil && p.Stage == Unnamed && noName(err) {
		w.c.noUnnamed.Store(p.DirDev, struct{}{})
		p.Stage = Sibling
		result := p.Result
		err = w.commitCopy(ctx, s.fd, p)
		p.Result = result
	}
	s.Discard()
	if err == nil {
		w.dropPartial(p)
	}
	return err
}

// untune gives the file its own extent size back.
func (a *Arrival) untune() {
	if a.tuned {
		a.calls.CowExtent(a.s.fd, a.cowExtent)
		a.tuned = false
	}
}

// tell fills in the result.
func (a *Arrival) tell(size int64) {
	r := &a.p.Result
	r.Bytes, r.Moved, r.Holes, r.Matched = size, a.moved, a.holes, a.kept
	a.s.good = a.arrived()
}

// wholeArrival does what fill does for a file with a source.
func (w *Worker) wholeArrival(ctx context.Context, a *Arrival, size int64, digest []byte) error {
	p, fd := a.p, a.s.fd
	if a.broken != nil {
		return a.broken
	}
	if err := a.told.are(size); err != nil {
		return err
	}
	a.untune()
	if p.cuts() {
		if a.sized != size {
			if err := a.s.retry(func() error { return a.calls.Ftruncate(fd, size) }); err != nil {
				return step(StepSize, err)
			}
		}
	}
	if err := w.calls.Fstat(fd, &w.dstNow); err != nil {
		return step(StepStat, err)
	}
	if p.cuts() && w.dstNow.Size != size {
		return step(StepSize, errCount("destination holds", int(w.dstNow.Size), size))
	}
	if err := w.metadata(fd, p); err != nil {
		return err
	}
	if w.c.opts.Verify != NoHash {
		if err := w.verifyArrival(ctx, fd, p, digest); err != nil {
			return err
		}
	}
	if f := w.c.opts.Fsync; f != NoSync && !(f == SyncBatch && p.Deferred) {
		if err := w.calls.Fsync(fd); err != nil {
			return step(StepSync, err)
		}
	}
	return nil
}

// verifyArrival verifies and leaves the times as they were.
func (w *Worker) verifyArrival(ctx context.Context, fd platform.FD, p *Put, digest []byte) error {
	if digest == nil {
		return step(StepVerify, errNoDigest)
	}
	if err := w.calls.Fstat(fd, &w.dstNow); err != nil {
		return step(StepStat, err)
	}
	if err := w.uncache(fd); err != nil {
		return err
	}
	if err := w.compareDigest(ctx, fd, digest, p); err != nil {
		return err
	}
	if err := w.calls.Futimens(fd, w.dstNow.Atime, w.dstNow.Mtime); err != nil {
		p.Lost.add(AttrTimes, StepTimes, err, true)
	}
	return nil
}

// Abandon ends an Arrival that is not complete. What arrived without a gap is
// left at ResumeName, or kept as p.Partial says, anything else is removed.
// After Complete it does nothing.
func (w *Worker) Abandon(a *Arrival) {
	if a.s.fd == platform.None {
		return
	}
	a.untune()
	a.tell(0)
	switch {
	case a.spoilt:
	case a.resume != nil && w.leave(a):
		return
	case w.keep(&a.s, a.p, errAbandoned):
		return
	}
	a.s.Discard()
}

// dropPartial removes what an earlier run left of a file that is whole now.
func (w *Worker) dropPartial(p *Put) {
	if k := p.Partial; k != nil && k.Dir != platform.None && !k.Final {
		w.calls.Unlinkat(k.Dir, k.Name)
	}
}
