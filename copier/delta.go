package copier

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

// deltaMin is the size from which a file is compared with its basis. Less is
// copied with no more calls than the comparison would take.
const deltaMin = 64 << 10

// deltaWindow is how much is read of either side at a time, two of which are a
// buffer; deltaBlock what is written where it differs: the block of the common
// file systems, so that what is the same stays shared.
const (
	deltaWindow = bufferSize / 2
	deltaBlock  = zeroBlock
)

// Append says what writing in place does with what the file holds.
type Append uint8

// The ways. AppendOnly trusts it and stores what the source has behind it; a
// file that is as long as the source, or longer, is left alone. AppendVerify
// compares it first and writes what differs.
const (
	NoAppend Append = iota
	AppendOnly
	AppendVerify
)

// patches reports whether the file is written into without being cut first.
func (w *Worker) patches(p *Put) bool {
	if p.Stage != InPlace || p.Old == nil || !p.Stat.IsRegular() {
		return false
	}
	if m := w.c.opts.Methods; m != nil && !slices.Contains(m, ReadWrite) {
		return false
	}
	own := p.BasisStat != nil && p.BasisStat.SameInode(p.Old)
	return p.Append == AppendOnly && p.Old.IsRegular() || own && (p.Delta || p.Append == AppendVerify)
}

// lookInto finds out how much is in a file that is written into.
func (w *Worker) lookInto(s *Staged) error {
	err := w.calls.Fstat(s.fd, &w.dstNow)
	s.have = w.dstNow.Size
	return err
}

// rewrite writes into an existing file what it doesn't hold. Only plain calls
// do that: the others may want to begin again with an empty file, which would
// lose what is to be kept.
func (w *Worker) rewrite(ctx context.Context, t *transfer, s *Staged, p *Put, sparse bool) (err error) {
	t.list[0] = rowOf(ReadWrite)
	t.rows = t.list[:1]
	t.dstSize = s.have
	if p.Result.Attempts > 1 {
		if err := w.calls.Fstat(s.fd, &w.dstNow); err != nil {
			return step(StepStat, err)
		}
		t.dstSize = w.dstNow.Size
	}
	if p.Append == AppendOnly {
		if t.dstSize > s.have { // by an attempt before
			err = w.truncate(t, s.have)
		}
		t.from(s.have, s.have)
		t.res.Matched = min(s.have, p.Stat.Size)
		return err
	}
	end := min(t.dstSize, p.Stat.Size)
	if !p.cuts() {
		end = p.Stat.Size // a device says nothing of its size
	}
	size := t.dstSize
	if err := w.patch(ctx, t, p.Basis, end, sparse); err != nil {
		return err
	}
	t.from(t.off, max(size, t.off))
	if !p.cuts() {
		t.dstSize = t.off
	}
	return nil
}

// canDerive reports whether a clone of the basis may be what the file begins
// as.
func (w *Worker) canDerive(p *Put) bool {
	o := &w.c.opts
	return p.BasisStat != nil && p.BasisStat.IsRegular() &&
		p.BasisStat.Size >= deltaMin && p.Stat.Size >= deltaMin && o.Reflink == Auto &&
		(o.Methods == nil || slices.Contains(o.Methods, Reflink) && slices.Contains(o.Methods, ReadWrite))
}

// derive makes an empty file a clone of the basis and writes what differs.
// What shares with the source needs no basis, so a clone of that comes first.
// done tells that nothing is left to do; otherwise the transfer goes on where
// the basis ended, or at the beginning where it can't be cloned.
func (w *Worker) derive(ctx context.Context, t *transfer, p *Put, sparse bool) (done bool, err error) {
	for len(t.rows) > 0 && t.rows[0].move == nil {
		if done, err := w.clone(t); done || err != nil {
			return done, err
		}
	}
	size, err := w.cloneBasis(t, p)
	if size == 0 || err != nil {
		return false, err
	}
	// By itself xfs allocates 128 KiB around each block that is written to shared
	// data, and frees what it didn't need minutes later.
	if was, err := w.calls.CowExtent(t.dst, deltaBlock); err == nil {
		defer w.calls.CowExtent(t.dst, was)
	}
	if err := w.patch(ctx, t, p.Basis, min(size, p.Stat.Size), sparse); err != nil {
		return false, err
	}
	t.from(t.off, max(size, t.off))
	return false, nil
}

// cloneBasis clones the basis and returns its size, 0 where that can't be done.
func (w *Worker) cloneBasis(t *transfer, p *Put) (int64, error) {
	refused := w.refusedFor(w.dstOld.Dev, p.BasisStat.Dev)
	defer func() { w.refused = w.refusedFor(w.dstOld.Dev, p.Stat.Dev) }()
	return w.cloneInto(t.dst, p.Basis, refused)
}

// cloneInto makes an empty file a clone of basis, unless it is refused already,
// and returns its size then.
func (w *Worker) cloneInto(dst, basis platform.FD, refused *atomic.Uint32) (int64, error) {
	if refused.Load()&(1<<Reflink) != 0 {
		return 0, nil
	}
	err := w.calls.Clone(dst, basis)
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = w.calls.Clone(dst, basis)
	}
	if err != nil {
		switch platform.Judge(platform.CallClone, err, false) {
		case platform.NextAndRemember:
			refused.Or(1 << Reflink)
		case platform.Next:
		default:
			return 0, step(StepClone, err)
		}
		return 0, nil
	}
	if err := w.calls.Fstat(dst, &w.dstNow); err != nil {
		return 0, step(StepStat, err)
	}
	return w.dstNow.Size, nil
}

// goOn compares what an earlier run left in a staged file and makes the
// transfer go on behind it.
func (w *Worker) goOn(ctx context.Context, t *transfer, s *Staged, sparse bool) error {
	if s.trusted > 0 {
		same, err := w.sameEnd(t, s.trusted)
		if err != nil {
			return err
		}
		if same {
			// Whatever is behind it was stored but not noted. A hole leaves
			// the journal where it is: btrfs takes long to cut a file that
			// was just written, and may be killed meanwhile.
			if w.punch(t.dst, s.trusted, t.journal.at-s.trusted) != nil {
				if err := w.truncate(t, s.trusted); err != nil {
					return err
				}
			}
			t.res.Matched = s.trusted
			w.tellLarge(t, s.trusted)
			t.from(s.trusted, s.trusted)
			return nil
		}
		return w.rewind(t)
	}
	// Its end may be the journal that can't be read.
	if err := w.truncate(t, min(s.have, t.srcStat.Size)); err != nil {
		return err
	}
	size := t.dstSize
	if err := w.patch(ctx, t, t.dst, size, sparse); err != nil {
		return err
	}
	t.from(t.off, max(size, t.off))
	return nil
}

// sameEnd compares the last chunk of what was noted as stored.
func (w *Worker) sameEnd(t *transfer, end int64) (bool, error) {
	buf := w.buffer()
	for off := max(0, end-w.c.resumeChunk); off < end; {
		n, err := w.readFull(t.src, buf[:min(deltaWindow, end-off)], off)
		if err != nil {
			return false, step(StepRead, err)
		}
		m, err := w.readFull(t.dst, buf[deltaWindow:deltaWindow+n], off)
		if err != nil || n == 0 || m != n || !bytes.Equal(buf[:n], buf[deltaWindow:deltaWindow+m]) {
			return false, nil // what can't be read can be written anew
		}
		off += int64(n)
	}
	return true, nil
}

// readFull reads until buf is full or the file ends.
func (w *Worker) readFull(fd platform.FD, buf []byte, off int64) (int, error) {
	got, zeros := 0, 0
	for got < len(buf) && zeros < 3 {
		n, err := w.pread(fd, buf[got:], off+int64(got))
		if err != nil {
			return got, err
		}
		if n == 0 {
			zeros++ // which proves nothing the first time
		} else {
			got, zeros = got+n, 0
		}
	}
	return got, nil
}

// patch takes a transfer on to end in a destination that has the content of
// basis, by storing the blocks of the source that differ from it. The holes of
// the source are made where that can be done. The destination keeps its size
// where it is longer.
func (w *Worker) patch(ctx context.Context, t *transfer, basis platform.FD, end int64, sparse bool) error {
	t.res.Method = ReadWrite
	sparse = sparse && w.c.opts.Sparse != Never
	for t.off < end && !t.eof {
		stop := end
		if sparse {
			data, hole, err := w.nextData(t, t.srcStat.Size)
			switch {
			case err == errNoMap:
				sparse = false
			case err != nil:
				return step(StepRead, err)
			default:
				data = min(data, end)
				if data > t.off && w.punch(t.dst, t.off, data-t.off) != nil {
					sparse = false // they are zeros then
				} else {
					t.res.Holes += data - t.off
					t.off, stop = data, min(hole, end)
				}
			}
		}
		for t.off < stop && !t.eof {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := w.patchWindow(ctx, t, basis, stop); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Worker) punch(fd platform.FD, off, n int64) error {
	err := w.calls.PunchHole(fd, off, n)
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = w.calls.PunchHole(fd, off, n)
	}
	return err
}

// patchWindow compares and stores one window, which ends at a whole block so
// that the next one begins there.
func (w *Worker) patchWindow(ctx context.Context, t *transfer, basis platform.FD, end int64) error {
	buf := w.buffer()
	n := min(end-t.off, deltaWindow-t.off%deltaBlock)
	got, err := w.readFull(t.src, buf[:n], t.off)
	if err != nil {
		return step(StepRead, err)
	}
	t.eof = int64(got) < n
	old, err := w.readFull(basis, buf[deltaWindow:deltaWindow+got], t.off)
	if err != nil {
		// A basis that can't be read is no obstacle: all of it differs.
		old = 0
	}
	data, was := buf[:got], buf[deltaWindow:deltaWindow+old]
	for at := 0; at < got; {
		to := nextDifference(data, was, at, t.off)
		t.res.Matched += int64(to - at)
		at = to
		if at == got {
			break
		}
		to = nextMatch(data, was, at, t.off)
		if l := w.c.opts.Limit; l != nil {
			if err := wait(ctx, l.reserve(int64(to-at))); err != nil {
				t.off += int64(at)
				return err
			}
		}
		if err := w.patchRun(t, data[at:to], t.off+int64(at)); err != nil {
			t.off += int64(at)
			return err
		}
		at = to
	}
	t.off += int64(got)
	w.tellLarge(t, int64(got))
	return nil
}

// patchRun stores data, or makes a hole of it where zeros are to be holes.
func (w *Worker) patchRun(t *transfer, data []byte, off int64) error {
	if t.skipsZeros && isZero(data) && w.punch(t.dst, off, int64(len(data))) == nil {
		t.res.Holes += int64(len(data))
		return nil
	}
	n, err := w.store(t.dst, data, off)
	t.res.Moved += int64(n)
	return err
}

func (w *Worker) tellLarge(t *transfer, n int64) {
	if t.progress {
		w.tell(n)
	}
}

// blockEnd returns where the block that holds at ends, in a window at off.
func blockEnd(at int, off int64, size int) int {
	return min(size, at+deltaBlock-int((off+int64(at))%deltaBlock))
}

// nextDifference returns the first block from at on that isn't the same in
// data and was, which may be shorter.
func nextDifference(data, was []byte, at int, off int64) int {
	if len(was) == len(data) && bytes.Equal(data[at:], was[at:]) {
		return len(data)
	}
	for at < len(data) {
		to := blockEnd(at, off, len(data))
		if to > len(was) || !bytes.Equal(data[at:to], was[at:to]) {
			return at
		}
		at = to
	}
	return at
}

// nextMatch returns the first block behind the one at at that is the same.
func nextMatch(data, was []byte, at int, off int64) int {
	for at = blockEnd(at, off, len(data)); at < len(data); {
		to := blockEnd(at, off, len(data))
		if to <= len(was) && bytes.Equal(data[at:to], was[at:to]) {
			return at
		}
		at = to
	}
	return at
}
