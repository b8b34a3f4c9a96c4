package verify

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// portionNames is how many names make a job: enough to keep a worker busy for
// some milliseconds, few enough that one flat directory feeds all of them.
const portionNames = 256

// bigFile is the size from which a file goes to the queue of big files.
const bigFile = 16 << 20

// directory compares the attributes and the listings of an open pair, which is
// in use and is released.
func (v *Verify) directory(ctx context.Context, w *apply.Worker, d *dir) {
	d.work.Store(1)
	s := v.borrow(w)
	v.listed(ctx, s, d)
	v.giveBack(s)
	v.pool.release(d)
	v.finish(d)
}

// listed is directory until the portions run.
func (v *Verify) listed(ctx context.Context, s *scratch, d *dir) {
	s.found++
	s.dirs++
	e := &s.e
	*e = entry{d: d, index: -1}
	for side, fd := range d.fd {
		if err := v.calls.Fstat(fd, &e.st[side]); err != nil {
			v.problem("stat", side, e.where(), err)
			return
		}
	}
	d.st = e.st
	if p := d.parent; p != nil && (p.st[0].Dev != d.st[0].Dev || p.st[1].Dev != d.st[1].Dev) {
		v.meet(d.fd)
	}
	v.attributes(s, e)
	v.xattrs(s, e, d.fd)
	d.out.put(0, v.count(s.out), v.opts.Report)
	s.out = s.out[:0]
	var both [2][]listed
	for side, fd := range d.fd {
		var err error
		if both[side], err = readListing(v.calls, fd, s.w.Dirents); err != nil {
			v.problem("read directory", side, e.where(), err)
			return
		}
	}
	v.spread(ctx, s.w, d, merge(both[0], both[1]))
}

// spread makes jobs of the names; a single portion is compared on the spot.
func (v *Verify) spread(ctx context.Context, w *apply.Worker, d *dir, items []item) {
	n := max(1, (len(items)+portionNames-1)/portionNames)
	d.portions.Store(int32(n))
	d.work.Add(int32(n))
	// Jobs are taken last in, first out.
	for i := n - 1; i >= 0; i-- {
		part := items[i*portionNames : min((i+1)*portionNames, len(items))]
		p := &portion{v: v, d: d, number: i + 1, items: part}
		p.open.Store(1)
		if n == 1 {
			p.Run(ctx, w)
		} else {
			w.Runner.Push(p)
		}
	}
}

// finish ends a part of the work in a directory or below it.
func (v *Verify) finish(d *dir) {
	for ; d != nil && d.work.Add(-1) == 0; d = d.parent {
		v.pool.retire(d)
	}
}

// portion compares some names of a directory.
type portion struct {
	v      *Verify
	d      *dir
	number int // of its place in the outbox
	items  []item

	open  atomic.Int32 // itself and its big files that are not done
	mu    sync.Mutex
	found []Difference
}

func (p *portion) Run(ctx context.Context, w *apply.Worker) {
	v, d := p.v, p.d
	if err := v.pool.use(d); err != nil {
		v.problem("access", 0, d.path(nil), err)
		p.done(ctx, false)
		return
	}
	s := v.borrow(w)
	dirs := p.names(ctx, s)
	p.add(s.out)
	v.giveBack(s)
	if len(dirs) > 0 && ctx.Err() == nil {
		d.work.Add(1)
		w.Runner.Push(&dirsJob{v, d, dirs})
	}
	p.items = nil
	p.done(ctx, true)
}

// names compares what isn't a directory on both sides and returns the names of
// what is.
func (p *portion) names(ctx context.Context, s *scratch) (dirs []byte) {
	v, e := p.v, &s.e
	for i := range p.items {
		if ctx.Err() != nil {
			return nil
		}
		item := &p.items[i]
		*e = entry{d: p.d, name: [2]platform.Name{item.name, item.name}, index: i, flags: platform.NoFollow}
		switch {
		case !item.on[1]:
			s.found++
			s.add(Difference{Kind: OnlySrc, Path: e.where()})
		case !item.on[0]:
			s.found++
			s.add(Difference{Kind: OnlyDst, Path: e.where()})
		case item.mode == [2]uint32{platform.ModeDir, platform.ModeDir}:
			dirs = append(dirs, item.name...)
		default:
			switch v.entry(ctx, s, e, item.mode) {
			case isDir:
				dirs = append(dirs, item.name...)
				continue
			case isBig:
				p.open.Add(1)
				p.d.work.Add(1)
				job := &bigJob{p, i, item.name.Clone()}
				if !s.w.Runner.PushBig(job) {
					p.open.Add(-1)
					p.d.work.Add(-1)
					e.inPlace = true
					v.file(ctx, s, e)
				}
			}
			s.found++
		}
	}
	return dirs
}

func (p *portion) add(found []Difference) {
	p.mu.Lock()
	p.found = append(p.found, found...)
	p.mu.Unlock()
}

// done ends a part of the portion. After the last one of a directory, that is
// looked at again. It is released if it is in use.
func (p *portion) done(ctx context.Context, inUse bool) {
	v, d := p.v, p.d
	if p.open.Add(-1) == 0 {
		slices.SortStableFunc(p.found, func(a, b Difference) int { return a.index - b.index })
		d.out.put(p.number, v.count(p.found), v.opts.Report)
		if d.portions.Add(-1) == 0 && inUse && ctx.Err() == nil {
			v.unchanged(d)
		}
	}
	if inUse {
		v.pool.release(d)
	}
	v.finish(d)
}

// unchanged reports a directory that got, lost or renamed a name meanwhile: what
// was said of names that stand on one side only may not be true.
func (v *Verify) unchanged(d *dir) {
	for side, fd := range d.fd {
		var st platform.Stat
		err := v.calls.Fstat(fd, &st)
		if err == nil && !st.Unchanged(&d.st[side]) {
			err = errChanged
		}
		if err != nil {
			v.problem("stat", side, d.path(nil), err)
		}
	}
}

// bigJob compares a big file of a portion. It holds the name only: descriptors
// of all that wait would be too many.
type bigJob struct {
	p     *portion
	index int
	name  platform.Name
}

func (j *bigJob) Run(ctx context.Context, w *apply.Worker) {
	p, v := j.p, j.p.v
	if err := v.pool.use(p.d); err != nil {
		v.problem("access", 0, p.d.path(nil), err)
		p.done(ctx, false)
		return
	}
	s := v.borrow(w)
	s.e = entry{d: p.d, name: [2]platform.Name{j.name, j.name}, index: j.index, flags: platform.NoFollow, inPlace: true}
	v.file(ctx, s, &s.e)
	p.add(s.out)
	v.giveBack(s)
	p.done(ctx, true)
}

// dirsJob enters the directories of a portion, one a turn.
type dirsJob struct {
	v     *Verify
	d     *dir
	names []byte // each ended by NUL
}

func (j *dirsJob) Run(ctx context.Context, w *apply.Worker) {
	v, d := j.v, j.d
	end := 0
	for j.names[end] != 0 {
		end++
	}
	name := platform.Name(j.names[: end+1 : end+1])
	if rest := j.names[end+1:]; len(rest) > 0 && ctx.Err() == nil {
		d.work.Add(1)
		w.Runner.Push(&dirsJob{v, d, rest})
	}
	if ctx.Err() == nil {
		if child := v.enter(d, name); child != nil {
			v.directory(ctx, w, child)
		}
	}
	v.finish(d)
}

// enter opens a pair of directories. It is in use; nil if it could not be.
func (v *Verify) enter(d *dir, name platform.Name) *dir {
	if err := v.pool.use(d); err != nil {
		v.problem("access", 0, d.path(name), err)
		return nil
	}
	defer v.pool.release(d)
	pair := closed
	for side := range pair {
		fd, err := open(v.calls, d.fd[side], name, openDirFlags)
		if err != nil {
			v.problem("open directory", side, d.path(name), err)
			v.unopened(d, name)
			v.pool.close(pair)
			return nil
		}
		pair[side] = fd
	}
	d.work.Add(1)
	child := &dir{parent: d, name: name, fd: closed}
	v.pool.add(child, pair)
	return child
}

// unopened compares what can be known of two directories of which one can't be
// opened.
func (v *Verify) unopened(d *dir, name platform.Name) {
	s := v.borrow(nil)
	s.found++
	s.e = entry{d: d, name: [2]platform.Name{name, name}}
	v.known(s, &s.e)
	v.report(s.out...)
	v.giveBack(s)
}
