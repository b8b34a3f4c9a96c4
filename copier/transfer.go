package copier

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zccp/zccp/platform"
)

// chunkSize bounds one kernel call: long enough to cost nothing, some 10 ms in
// memory. Where calls take longer than slowCall the bound is halved, down to an
// eighth, so that progress moves and a cancelled run ends soon on slow disks too.
const (
	chunkSize  = 64 << 20
	maxHalving = 3
	slowCall   = 200 * time.Millisecond
)

// progressMin is the size from which a file is told of piecemeal; one that a
// Limiter slows down always is.
const progressMin = 4 << 20

// maxRepeats bounds calls that make no progress.
const maxRepeats = 1000

// transfer is the copy of one file's data.
//
// Invariant: every byte of the destination below off is stored or a hole of
// the source, and nothing above off is relied upon.
type transfer struct {
	dst, src   platform.FD
	srcStat    *platform.Stat
	off        int64
	start      int64 // what was stored before by something else
	dstPos     int64 // position of the destination descriptor, for sendfile
	dstSize    int64 // how far data was stored; less than off after a hole
	rows       []*row
	list       [maxMethods]*row
	res        *Result
	eof        bool  // the source ended, by the word of read
	sized      int64 // the size that the destination was given before, or 0
	progress   bool  // several chunks: tell
	halved     uint8 // how often the bound of a call was halved
	allowed    int64 // bytes that the rate limit has let through and that were not moved
	skipsZeros bool  // --sparse=always: the mover itself knows how far it stored

	pieces  []sharedPiece // to be cloned from other copies, by offset
	reserve bool          // the whole size first
	journal *journal

	pipe   pipe   // of splice
	mapped mapped // of mmap
	direct direct
}

// release gives back what methods hold for the file.
func (t *transfer) release(w *Worker) {
	t.pipe.close(w)
	t.mapped.release(w, t.src)
}

// Data copies the content of src, a regular file that was st when opened, to
// dst, which must be empty and at position 0. dstStat need hold the device and
// type of dst only. Both descriptors stay the caller's. On an error res tells
// how far it got and dst holds a part of the data.
func (w *Worker) Data(ctx context.Context, dst, src platform.FD, dstStat, st *platform.Stat, res *Result) error {
	facts := w.begin(dst, src, dstStat, st, res)
	defer w.t.release(w)
	return w.run(ctx, facts.Sparse)
}

// begin makes w.t a transfer of nothing yet.
func (w *Worker) begin(dst, src platform.FD, dstStat, st *platform.Stat, res *Result) Facts {
	refused := w.refusedFor(dstStat.Dev, st.Dev)
	facts := factsOf(st, dstStat, uint16(refused.Load()))
	facts.Neutral = w.c.opts.Methods == nil && w.neutral(dst, src, st)
	t := &w.t
	*t = transfer{dst: dst, src: src, srcStat: st, res: res, progress: st.Size > progressMin || w.c.opts.Limit != nil, skipsZeros: w.c.opts.Sparse == Always}
	t.rows = candidates(&facts, &w.c.opts, &t.list, res)
	return facts
}

// run does what is left of w.t.
func (w *Worker) run(ctx context.Context, sparse bool) error {
	t := &w.t
	if len(t.rows) == 0 && (t.srcStat.Size > 0 || w.c.opts.Methods == nil) {
		return w.noMethod(t, errMethod)
	}
	for {
		if len(t.rows) > 0 && t.rows[0].move == nil {
			if done, err := w.clone(t); done || err != nil {
				return err
			}
			continue
		}
		if err := w.moveAll(ctx, t, sparse); err != errWhole {
			return err
		}
	}
}

// errWhole says that the method in front works on the whole file only, which
// happens where clones were asked for behind another method.
var errWhole = errors.New("continue with the whole file")

// clone tries the whole-file clone, which replaces what was stored before.
func (w *Worker) clone(t *transfer) (done bool, err error) {
	err = w.calls.Clone(t.dst, t.src)
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = w.calls.Clone(t.dst, t.src)
	}
	if w.cloneRefusal != nil && errors.Is(err, errors.ErrUnsupported) {
		err = w.cloneRefusal // of the call that there is instead
	}
	if err == nil {
		if done, err = w.cloned(t); done || err != nil {
			return done, err
		}
		err = errCount("clone", int(w.dstNow.Size), t.srcStat.Size)
		if err := w.rewind(t); err != nil {
			return false, err
		}
		t.res.refused(Reflink, err)
		t.rows = t.rows[1:]
	} else if err := w.refuse(t, err); err != nil {
		return false, err
	}
	if len(t.rows) == 0 {
		return false, w.noMethod(t, err)
	}
	return false, nil
}

// cloned reports whether the destination is a clone of the source, and accounts
// for it. A clone that succeeded without storing anything was seen on ZFS; the
// size tells. Of a source that changed, which the second look at it finds out,
// it tells nothing.
func (w *Worker) cloned(t *transfer) (bool, error) {
	if err := w.calls.Fstat(t.dst, &w.dstNow); err != nil {
		return false, step(StepStat, err)
	}
	if err := w.calls.Fstat(t.src, &w.srcNow); err != nil {
		return false, step(StepStat, err)
	}
	if w.dstNow.Size != t.srcStat.Size && w.srcNow.Unchanged(t.srcStat) {
		return false, nil
	}
	t.off, t.dstSize, t.eof = w.dstNow.Size, w.dstNow.Size, true
	t.res.Method, t.res.Cloned, t.res.Bytes = Reflink, t.off, t.off
	t.res.Moved, t.res.Holes = 0, 0
	if t.progress {
		w.tell(t.off)
	}
	return true, nil
}

// errRestart says that the destination was emptied and the copy begins again
// with read and write only, so it happens once at most.
var errRestart = errors.New("restart with read and write")

// moveAll copies segment by segment and gives the destination its size.
func (w *Worker) moveAll(ctx context.Context, t *transfer, sparse bool) error {
	err := w.moveSegments(ctx, t, sparse)
	if err == errRestart {
		err = w.moveSegments(ctx, t, sparse)
	}
	if err != nil {
		return err
	}
	if max(t.dstSize, t.sized) != t.off {
		if err := w.truncate(t, t.off); err != nil {
			return err
		}
	}
	t.res.Bytes = t.off
	return nil
}

// moveSegments copies what lies between the holes.
func (w *Worker) moveSegments(ctx context.Context, t *transfer, sparse bool) error {
	size := t.srcStat.Size
	if size == 0 {
		// A size of 0 is what procfs says of every file: read until it ends.
		if w.c.opts.Methods != nil && (len(t.rows) == 0 || t.rows[0].method != ReadWrite) {
			return w.reallyEmpty(t)
		}
		t.list[0] = rowOf(ReadWrite)
		t.rows = t.list[:1]
		const unknown = 1 << 62
		return w.moveRange(ctx, t, unknown)
	}
	if err := w.prepare(t); err != nil {
		return err
	}
	sparse = sparse && w.c.opts.Sparse != Never
	if sparse && t.sized < size {
		// What is written at the end of a file has space reserved behind it
		// (xfs), which would stay in the holes.
		if err := w.truncate(t, size); err != nil {
			return err
		}
		t.sized = size
	}
	for t.off < size && !t.eof {
		end, err := w.cloneShared(ctx, t)
		if err != nil {
			return err
		}
		if sparse && t.off < size {
			data, hole, err := w.nextData(t, size)
			switch {
			case err == errNoMap:
				sparse = false // everything is data
			case err != nil:
				return step(StepRead, err)
			default:
				t.res.Holes += data - t.off
				t.off, end = data, min(hole, end)
			}
		}
		if err := w.moveRange(ctx, t, end); err != nil {
			return err
		}
	}
	return nil
}

var errNoMap = errors.New("no map of holes")

// nextData returns the next segment of data at or above t.off as [data, hole).
// Offsets that don't grow are no map (coreutils 9.9 looped on a growing file).
func (w *Worker) nextData(t *transfer, size int64) (data, hole int64, err error) {
	data, err = w.seek(t.src, t.off, platform.SeekData)
	if platform.NoMoreData(err) {
		return size, size, nil
	}
	if err == nil && data >= size {
		return size, size, nil
	}
	if err == nil && data >= t.off {
		hole, err = w.seek(t.src, data, platform.SeekHole)
		if platform.NoMoreData(err) {
			return data, size, nil // the source was cut: reading tells where it ends
		}
	}
	if platform.Unsupported(err) || err == nil && (data < t.off || hole <= data) {
		return 0, 0, errNoMap
	}
	if err != nil {
		return 0, 0, err
	}
	return data, min(hole, size), nil
}

func (w *Worker) seek(fd platform.FD, off int64, whence int) (int64, error) {
	for i := 0; ; i++ {
		n, err := w.calls.Lseek(fd, off, whence)
		if !platform.Interrupted(err) || i >= maxRepeats {
			return n, err
		}
	}
}

// moveRange copies from t.off to end or to the end of the source.
func (w *Worker) moveRange(ctx context.Context, t *transfer, end int64) error {
	stalls := 0
	for t.off < end && !t.eof {
		r := t.rows[0]
		if r.move == nil {
			return errWhole
		}
		n := min(end-t.off, chunkSize>>t.halved)
		if t.journal != nil {
			n = min(n, w.c.resumeChunk)
		}
		if l := w.c.opts.Limit; l != nil {
			// Each byte is booked once, though a call may move less than was asked.
			if t.allowed == 0 {
				t.allowed = min(n, l.chunk())
				if err := wait(ctx, l.reserve(t.allowed)); err != nil {
					return err
				}
			}
			n = min(n, t.allowed)
		}
		var began time.Time
		if n == chunkSize>>t.halved {
			began = time.Now()
		}
		before := t.off
		moved, err := r.move(w, t, n)
		switch {
		case err != nil:
			if err := w.judge(t, r, err, &stalls); err != nil {
				return err
			}
			continue
		case moved < 0 || int64(moved) > n:
			if r.method == ReadWrite {
				return &StepError{StepMove, r.method, errCount(r.method.String(), moved, n)}
			}
			return w.restart(t, r, errCount(r.method.String(), moved, n))
		case moved == 0:
			if err := w.probe(t, r); err != nil {
				return err
			}
			continue
		}
		stalls = 0
		if int64(moved) == n && !began.IsZero() && t.halved < maxHalving && time.Since(began) > slowCall {
			t.halved++
		}
		t.off += int64(moved)
		t.allowed = max(0, t.allowed-int64(moved))
		w.account(t, r.method, t.off-before)
		if t.journal != nil {
			if err := t.journal.note(w, t); err != nil {
				return err
			}
		}
		if t.off < end {
			if err := ctx.Err(); err != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (w *Worker) account(t *transfer, m Method, n int64) {
	if !t.skipsZeros {
		t.dstSize = t.off
	}
	t.res.Method = m
	t.res.Moved += n
	if t.progress {
		w.tell(n)
	}
}

func (w *Worker) tell(n int64) {
	if w.Progress != nil {
		w.Progress(n)
	}
}

// judge acts on an error of a method: nil means go on.
func (w *Worker) judge(t *transfer, r *row, err error, stalls *int) error {
	if s, ok := err.(*StepError); ok {
		return s // of read or write, which were repeated and have the last word
	}
	switch platform.Judge(r.call, err, t.off > t.start) {
	case platform.Repeat:
		if *stalls++; *stalls <= maxRepeats {
			return nil
		}
	case platform.Next, platform.NextAndRemember:
		return w.refuse(t, err)
	case platform.Restart:
		return w.restart(t, r, err)
	case platform.Changed:
		if err := w.calls.Fstat(t.src, &w.srcNow); err != nil {
			return step(StepStat, err)
		}
		if !w.srcNow.Unchanged(t.srcStat) {
			return ErrChanged
		}
		return w.restart(t, r, err) // a page that can't be read
	}
	return &StepError{StepMove, r.method, err}
}

// refuse drops the method in front, for later files too if its error says so.
func (w *Worker) refuse(t *transfer, err error) error {
	r := t.rows[0]
	switch platform.Judge(r.call, err, t.off > t.start) {
	case platform.NextAndRemember:
		w.refused.Or(1 << r.method)
	case platform.Next:
	default:
		if r.call == platform.CallClone {
			return step(StepClone, err)
		}
		return &StepError{StepMove, r.method, err}
	}
	return w.next(t, err)
}

// next goes on to the method after the one in front, which refused by err.
func (w *Worker) next(t *transfer, err error) error {
	t.res.refused(t.rows[0].method, err)
	t.rows = t.rows[1:]
	if len(t.rows) == 0 {
		return w.noMethod(t, err)
	}
	return nil
}

// noMethod is the error of a file that no method is left for.
func (w *Worker) noMethod(t *transfer, err error) error {
	if w.c.opts.Methods == nil {
		return step(StepClone, err)
	}
	return step(StepMove, &MethodError{t.res.Refused[:t.res.nrefused]})
}

// reallyEmpty finds out whether a source of size 0 holds data after all, which
// only read can tell and copy.
func (w *Worker) reallyEmpty(t *transfer) error {
	n, err := w.pread(t.src, w.buffer()[:1], 0)
	switch {
	case err != nil:
		return step(StepRead, err)
	case n > 0:
		return w.noMethod(t, errNoSize)
	}
	t.eof = true
	return nil
}

// restart empties the destination and leaves only read and write, the
// authority on errors. If these may not be used the error that led here is
// final.
func (w *Worker) restart(t *transfer, r *row, err error) error {
	if m := w.c.opts.Methods; m != nil && !slices.Contains(m, ReadWrite) {
		return &StepError{StepMove, r.method, err}
	}
	t.res.refused(r.method, err)
	if err := w.rewind(t); err != nil {
		return err
	}
	t.list[0] = rowOf(ReadWrite)
	t.rows = t.list[:1]
	return errRestart
}

// rewind takes a copy back to its beginning, with an empty destination.
func (w *Worker) rewind(t *transfer) error {
	if err := w.truncate(t, 0); err != nil {
		return err
	}
	t.off, t.start, t.sized, t.eof = 0, 0, 0, false
	t.res.Moved, t.res.Cloned, t.res.Matched, t.res.Holes = 0, 0, 0, 0
	t.pieces = nil
	return nil
}

// errZero is the refusal of a method that moved nothing though data remain.
var errZero = errors.New("moved nothing before end of file")

// probe decides what a count of 0 means. coreutils believed it and published
// truncated files with exit 0 when the second copy_file_range said 0.
func (w *Worker) probe(t *transfer, r *row) error {
	for range 3 {
		n, err := w.pread(t.src, w.buffer()[:1], t.off)
		if err != nil {
			return step(StepRead, err)
		}
		if n > 0 {
			if r.method == ReadWrite {
				return nil // it read now; the loop goes on
			}
			return w.next(t, errZero)
		}
	}
	// The source ends before the size it had. Where no block is allocated the
	// size is a guess of the file system (sysfs says 4096 for every file).
	// Elsewhere the source shrank, which the second look at it confirms.
	t.eof = true
	return nil
}

func (w *Worker) truncate(t *transfer, size int64) error {
	err := w.calls.Ftruncate(t.dst, size)
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = w.calls.Ftruncate(t.dst, size)
	}
	t.dstSize = size
	return step(StepSize, err)
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
