package copier

import (
	"context"
	"slices"

	"github.com/zccp/zccp/platform"
)

// content moves the data and compares sizes.
func (w *Worker) content(ctx context.Context, s *Staged, p *Put) error {
	fd := s.fd
	if w.c.opts.AttributesOnly {
		return step(StepStat, w.calls.Fstat(fd, &w.dstNow))
	}
	if !p.Stat.IsRegular() {
		if m := w.c.opts.Methods; m != nil && !slices.Contains(m, ReadWrite) {
			for _, m := range m {
				p.Result.refused(m, errNotRegular)
			}
			return step(StepMove, &MethodError{p.Result.Refusals()})
		}
		err := w.Stream(ctx, fd, p.Src, &p.Result)
		s.good = p.Result.Bytes
		if err != nil {
			return err
		}
		return step(StepStat, w.calls.Fstat(fd, &w.dstNow))
	}
	w.dstOld = platform.Stat{Dev: p.DirDev, Mode: platform.ModeRegular}
	if !p.cuts() {
		w.dstOld.Mode = p.Old.Mode
	}
	err := w.regular(ctx, s, p)
	s.good = w.t.off
	if err != nil {
		return err
	}
	if err := w.calls.Fstat(fd, &w.dstNow); err != nil {
		return step(StepStat, err)
	}
	if w.dstNow.Size != p.Result.Bytes && w.dstOld.IsRegular() {
		return step(StepSize, errCount("destination holds", int(w.dstNow.Size), p.Result.Bytes))
	}
	if p.Result.Bytes < p.Stat.Size && p.Stat.Blocks > 0 {
		// Shorter than it was: if the source agrees, the next look at it says
		// so and the copy is repeated. A source that still has its size was
		// read wrongly.
		if err := w.calls.Fstat(p.Src, &w.srcNow); err != nil {
			return step(StepStat, err)
		}
		if w.srcNow.Size > p.Result.Bytes {
			return step(StepRead, errCount("read", int(p.Result.Bytes), w.srcNow.Size))
		}
	}
	return nil
}

// cuts reports whether what is written into can be cut: a device has the size
// that it has.
func (p *Put) cuts() bool {
	return p.Stage != InPlace || p.Old == nil || p.Old.IsRegular()
}

// regular copies the content of a regular file: all of it, or what the
// destination doesn't have already.
func (w *Worker) regular(ctx context.Context, s *Staged, p *Put) error {
	sparse := w.begin(s.fd, p.Src, &w.dstOld, p.Stat, &p.Result).Sparse
	t := &w.t
	defer t.release(w)
	if s.cloned {
		if done, err := w.adopt(s, t); done || err != nil {
			return err
		}
	}
	t.reserve = p.Preallocate
	t.journal = s.journal
	if !w.dstOld.IsRegular() {
		// A device has no holes and no size to be given.
		sparse, t.skipsZeros, t.reserve = false, false, false
	}
	switch {
	case p.Stage == InPlace && w.patches(p):
		if err := w.rewrite(ctx, t, s, p, sparse); err != nil {
			return err
		}
	case s.have > 0:
		if err := w.goOn(ctx, t, s, sparse); err != nil {
			return err
		}
	case p.Delta && p.Stage != InPlace && w.canDerive(p):
		if done, err := w.derive(ctx, t, p, sparse); done || err != nil {
			return err
		}
	}
	if w.keepsSharing(t, s, p) {
		return w.runSharing(ctx, t, s, p, sparse)
	}
	return w.run(ctx, sparse)
}

// prepare makes room for the whole file, and for its journal.
func (w *Worker) prepare(t *transfer) error {
	size := t.srcStat.Size
	if t.reserve && t.off < size {
		err := w.calls.Fallocate(t.dst, t.off, size-t.off)
		for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
			err = w.calls.Fallocate(t.dst, t.off, size-t.off)
		}
		if err != nil && !platform.Unsupported(err) {
			return step(StepWrite, err)
		}
		if err == nil && t.skipsZeros && t.sized < size {
			// No hole is made behind the end of a file.
			if err := w.truncate(t, size); err != nil {
				return err
			}
			t.sized = size
		}
	}
	if t.journal != nil {
		t.journal.begin(w, t)
	}
	return nil
}

// from makes a transfer go on behind what is stored already. Clones replace
// the whole file, so they are out.
func (t *transfer) from(off, size int64) {
	t.off, t.start, t.dstSize = off, off, size
	kept := t.list[:0]
	for _, r := range t.rows {
		if r.move != nil {
			kept = append(kept, r)
		}
	}
	t.rows = kept
}
