package copier

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/zccp/zccp/platform"
)

// Sharing says whether files that share data at the source are made to share
// them on another file system as well.
type Sharing uint8

// The choices. AutoSharing no longer asks where files turned out to share
// nothing.
const (
	NoSharing Sharing = iota
	AutoSharing
	AlwaysSharing
)

// Below sharingMin a file isn't asked for its map: a call more would show in
// the time of its copy. sharingSample is after how many files of a device
// AutoSharing stops asking unless one in as many shared.
const (
	sharingMin    = 128 << 10
	sharingSample = 64
)

// sharingAge is how long ago a source must have been changed last: a clock of
// the kernel ticks every 10 ms or less, and a change in the same tick as one
// before moves no timestamp on older ones.
const sharingAge = 100 * time.Millisecond

// sharer is what a worker has at hand for files that share data.
//
// The proof that a part of a file is what another file's copy holds: at one
// time both had it at the same place of the medium, marked as shared, with
// nothing of them waiting to be written; the other file had been at that place
// when it was copied, and neither file's content changed from its copy's
// beginning on, nor did the copy. What can't be proved is compared.
type sharer struct {
	put    *Put // under way
	mine   *firstCopy
	m      *platform.ExtentMap
	runs   []sharedRun
	pieces []sharedPiece
	used   []usedCopy
	copies []*firstCopy // in use
}

// usedCopy is a copy in the state in which parts of it were taken.
type usedCopy struct {
	copy *firstCopy
	stat platform.Stat
}

// keepsSharing reports whether a new file may be made of parts of others.
func (w *Worker) keepsSharing(t *transfer, s *Staged, p *Put) bool {
	o := &w.c.opts
	return o.PreserveSharing != NoSharing && w.share.put == p &&
		p.Stat.Size >= sharingMin && p.Stat.Blocks > 0 && t.off == 0 && s.journal == nil &&
		p.Stage != InPlace && !p.Preallocate && o.Reflink == Auto && o.Sparse == Auto &&
		(o.Methods == nil || slices.Contains(o.Methods, Reflink))
}

// runSharing is run for a file that may share data with others. A clone of the
// source itself keeps all of that, so it comes first.
func (w *Worker) runSharing(ctx context.Context, t *transfer, s *Staged, p *Put, sparse bool) error {
	w.abandonCopy() // of an attempt before
	for len(t.rows) > 0 && t.rows[0].move == nil {
		if done, err := w.clone(t); done || err != nil {
			return err
		}
	}
	if !w.findShared(t, s, p) {
		return w.run(ctx, sparse)
	}
	sh := &w.share
	defer func() {
		w.c.copies.release(sh.copies)
		sh.copies = nil
	}()
	if err := w.confirmShared(ctx, t); err != nil {
		return err
	}
	t.pieces = sh.pieces
	if err := w.run(ctx, sparse); err != nil {
		return err
	}
	if t.res.Cloned == 0 || w.copiesHeld() {
		return nil
	}
	// Somebody wrote into what was taken for a copy.
	if err := w.rewind(t); err != nil {
		return err
	}
	return w.run(ctx, sparse)
}

// findShared asks for the map of the source, and who else has its places. It
// reports whether somebody has.
func (w *Worker) findShared(t *transfer, s *Staged, p *Put) bool {
	sh, st := &w.share, p.Stat
	d := w.c.copies.device(st.Dev)
	if asked := d.asked.Load(); d.none.Load() || w.c.opts.PreserveSharing == AutoSharing &&
		asked >= sharingSample && d.found.Load()*sharingSample < asked {
		return false
	}
	d.asked.Add(1)
	if sh.m == nil {
		sh.m = new(platform.ExtentMap)
	}
	// Without a flush, which would cost most for files that share nothing.
	// What waits to be written shares with nobody.
	var err error
	if sh.runs, err = w.sharedRuns(t.src, st.Size, false, 1, sh.runs[:0]); err != nil {
		if platform.Unsupported(err) {
			d.none.Store(true)
		}
		return false
	}
	if len(sh.runs) == 0 {
		return false
	}
	d.found.Add(1)
	changed := time.Unix(st.Ctime.Sec, st.Ctime.Nsec)
	if time.Since(changed) < sharingAge || w.beingWritten(p) || w.calls.Fstat(s.fd, &w.dstNow) != nil || !w.takesShared(s.fd) {
		return false
	}
	if sh.runs, err = w.sharedRuns(t.src, st.Size, true, maxFileRuns, sh.runs[:0]); err != nil || len(sh.runs) == 0 {
		return false
	}
	space, err := w.calls.ExtentSpace(t.src)
	if err != nil {
		return false
	}
	sh.pieces, sh.mine = w.c.copies.claim(space, sh.runs, sh.pieces[:0])
	if sh.mine != nil {
		sh.mine.ino = w.dstNow.Ino
	}
	sh.copies = distinct(sh.pieces)
	return len(sh.pieces) > 0
}

// takesShared finds out once for each device whether data can be shared there:
// a clone of a file onto itself is an error that depends on it.
func (w *Worker) takesShared(fd platform.FD) bool {
	if v, ok := w.c.copies.takers.Load(w.dstNow.Dev); ok {
		return v.(bool)
	}
	err := w.calls.CloneRange(fd, 0, fd, 0, w.dstNow.BlockSize)
	switch platform.Judge(platform.CallClone, err, false) {
	case platform.NextAndRemember:
		w.c.copies.takers.Store(w.dstNow.Dev, false)
		return false
	case platform.Next:
		w.c.copies.takers.Store(w.dstNow.Dev, true)
		return true
	}
	return false
}

// sharedRuns appends the runs of a file that are marked as shared, at most limit
// of them, in the order of their offsets.
func (w *Worker) sharedRuns(fd platform.FD, size int64, flush bool, limit int, runs []sharedRun) ([]sharedRun, error) {
	for off := int64(0); off < size; {
		n, err := w.calls.Extents(fd, off, flush, w.share.m)
		if err != nil {
			return runs, err
		}
		flush = false // the first call did it
		next := off
		for _, e := range w.share.m.Extents[:max(0, min(n, len(w.share.m.Extents)))] {
			begin, length, place := int64(e.Logical), int64(e.Length), int64(e.Physical)
			if begin < 0 || length <= 0 || place < 0 || begin+length < next || place+length < 0 {
				return runs, nil // no map that makes sense
			}
			next = begin + length
			if e.Flags&platform.ExtentShared != 0 && e.Flags&platform.ExtentVague == 0 && begin < size {
				if len(runs) == limit {
					return runs, nil
				}
				runs = append(runs, sharedRun{begin, min(length, size-begin), place, e.Flags&platform.ExtentEncoded != 0})
			}
			if e.Flags&platform.ExtentLast != 0 {
				return runs, nil
			}
		}
		if next <= off {
			break
		}
		off = next
	}
	return runs, nil
}

// confirmShared waits for the copies that are under way and keeps the pieces
// that are still what they were, on both sides.
func (w *Worker) confirmShared(ctx context.Context, t *transfer) error {
	sh := &w.share
	for _, f := range sh.copies {
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	sh.used = sh.used[:0]
	now, err := w.sharedRuns(t.src, t.srcStat.Size, true, maxFileRuns, sh.runs[:0])
	sh.runs = now
	if err != nil {
		sh.pieces = sh.pieces[:0]
		return nil
	}
	align := max(w.dstNow.BlockSize, 4096)
	var other []sharedRun
	for _, f := range sh.copies {
		doubt, ok := w.copyHolds(f)
		if ok {
			other, err = w.sharedRuns(f.src, f.srcStat.Size, true, maxFileRuns, other[:0])
		}
		if !ok || err != nil {
			other, ok = other[:0], false
			w.c.copies.forget(f)
		}
		sh.pieces = slices.DeleteFunc(sh.pieces, func(p sharedPiece) bool {
			return p.from == f && !(ok && p.lies(now, p.off) && p.lies(other, p.fromOff))
		})
		for i := range sh.pieces {
			if p := &sh.pieces[i]; p.from == f {
				p.doubt = p.doubt || doubt
				p.trim(align, t.srcStat.Size)
			}
		}
	}
	sh.pieces = slices.DeleteFunc(sh.pieces, func(p sharedPiece) bool { return p.n <= 0 })
	return nil
}

// copyHolds looks at a first copy and its source again. ok: neither has other
// content by size and time. doubt: something else about them changed.
func (w *Worker) copyHolds(f *firstCopy) (doubt, ok bool) {
	if f.dst == platform.None || w.calls.Fstat(f.src, &w.srcNow) != nil {
		return false, false
	}
	u := usedCopy{copy: f}
	if w.calls.Fstat(f.dst, &u.stat) != nil || !w.srcNow.SameInode(&f.srcStat) || !u.stat.SameInode(&f.dstStat) ||
		w.srcNow.Size != f.srcStat.Size || w.srcNow.Mtime != f.srcStat.Mtime ||
		u.stat.Size != f.dstStat.Size || u.stat.Mtime != f.dstStat.Mtime {
		return false, false
	}
	w.share.used = append(w.share.used, u)
	return w.srcNow.Ctime != f.srcStat.Ctime || u.stat.Ctime != f.dstStat.Ctime, true
}

// copiesHeld reports whether the copies that parts were taken of are as they
// were before.
func (w *Worker) copiesHeld() bool {
	for i := range w.share.used {
		u := &w.share.used[i]
		if w.calls.Fstat(u.copy.dst, &w.dstNow) != nil || !w.dstNow.Unchanged(&u.stat) {
			w.c.copies.forget(u.copy)
			return false
		}
	}
	return true
}

// lies reports whether a file has a piece at off by its runs.
func (p *sharedPiece) lies(runs []sharedRun, off int64) bool {
	place, end := p.place, off+p.n
	i, found := slices.BinarySearchFunc(runs, off, func(r sharedRun, off int64) int {
		return int(min(1, max(-1, r.off-off)))
	})
	if !found {
		i--
	}
	for ; off < end; i++ {
		if i < 0 || i >= len(runs) || runs[i].off > off || runs[i].off+runs[i].n <= off || runs[i].encoded != p.encoded {
			return false
		}
		r := &runs[i]
		at := r.place
		if !p.encoded {
			at += off - r.off
		}
		if at != place {
			return false
		}
		n := min(end, r.off+r.n) - off
		off += n
		if !p.encoded {
			place += n
		}
	}
	return true
}

// trim cuts a piece to whole blocks. Only where both files end may it end with
// them.
func (p *sharedPiece) trim(align, size int64) {
	if (p.off-p.fromOff)%align != 0 {
		p.n = 0
		return
	}
	if head := (align - p.off%align) % align; head > 0 {
		p.off, p.fromOff, p.n = p.off+head, p.fromOff+head, p.n-head
	}
	if p.off+p.n != size || p.fromOff+p.n != p.from.dstStat.Size {
		p.n -= p.n % align
	}
}

// cloneShared clones the pieces that begin where a transfer is and returns
// where the next one begins.
func (w *Worker) cloneShared(ctx context.Context, t *transfer) (int64, error) {
	for len(t.pieces) > 0 {
		p := &t.pieces[0]
		if p.off > t.off {
			return p.off, nil
		}
		n, count := p.n, 1
		for count < len(t.pieces) && n < chunkSize {
			q := &t.pieces[count]
			if q.from != p.from || q.doubt != p.doubt || q.off != p.off+n || q.fromOff != p.fromOff+n {
				break
			}
			n += q.n
			count++
		}
		t.pieces = t.pieces[count:]
		if p.off < t.off {
			continue // a hole now, by another map
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if p.doubt && !w.sameBytes(ctx, t, p, n) {
			continue
		}
		err := w.calls.CloneRange(t.dst, p.off, p.from.dst, p.fromOff, n)
		for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
			err = w.calls.CloneRange(t.dst, p.off, p.from.dst, p.fromOff, n)
		}
		if err != nil {
			switch platform.Judge(platform.CallClone, err, false) {
			case platform.Next, platform.NextAndRemember:
				t.pieces = nil
				continue
			}
			return 0, step(StepClone, err)
		}
		t.off += n
		t.dstSize = t.off
		t.res.Cloned += n
		if t.res.Moved == 0 {
			t.res.Method, t.start = Reflink, t.off
		}
		w.tellLarge(t, n)
	}
	return t.srcStat.Size, nil
}

// sameBytes compares n bytes of the source with those of the copy of another.
func (w *Worker) sameBytes(ctx context.Context, t *transfer, p *sharedPiece, n int64) bool {
	buf := w.buffer()
	for done := int64(0); done < n; {
		if ctx.Err() != nil {
			return false
		}
		want := min(n-done, deltaWindow)
		a, err := w.readFull(t.src, buf[:want], p.off+done)
		if err != nil || int64(a) != want {
			return false
		}
		b, err := w.readFull(p.from.dst, buf[deltaWindow:deltaWindow+want], p.fromOff+done)
		if err != nil || int64(b) != want || !bytes.Equal(buf[:want], buf[deltaWindow:deltaWindow+want]) {
			return false
		}
		done += want
	}
	return true
}

// abandonCopy ends the claim of the file under way.
func (w *Worker) abandonCopy() {
	if f := w.share.mine; f != nil {
		w.share.mine = nil
		w.c.copies.abandon(f)
	}
}

// publishCopy makes a file that got its name one that others can share with. It
// is opened again, for reading: one that is open for writing can't be executed,
// and keeps the lock of its temporary name.
func (w *Worker) publishCopy(p *Put) {
	f := w.share.mine
	if f == nil {
		return
	}
	dir, name := p.Dir, p.Name
	if p.Hold {
		dir, _ = p.nursery()
		name = p.HoldName
	}
	dst, err := w.open(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		w.abandonCopy()
		return
	}
	err = w.calls.Fstat(dst, &f.dstStat)
	src := platform.None
	if err == nil && f.dstStat.Ino == f.ino && f.dstStat.Size == p.Result.Bytes {
		src, err = w.calls.Dup(p.Src)
	}
	if err != nil || src == platform.None {
		w.calls.Close(dst)
		w.abandonCopy()
		return
	}
	w.share.mine = nil
	f.dst, f.src, f.srcStat = dst, src, *p.Stat
	close(f.done)
}
