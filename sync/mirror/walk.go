package mirror

import (
	"context"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// chunkNames is how many names make a job: enough to keep a worker busy for
// some milliseconds, few enough that one flat directory feeds all of them.
const chunkNames = 256

// rootJob begins the walk.
type rootJob struct{ m *Mirror }

func (j *rootJob) Run(ctx context.Context, w *apply.Worker) {
	m, p := j.m, j.m.root
	if p.seals && m.goesOn(ctx) {
		m.rootItem(w, p)
	}
	m.walk(ctx, w, p)
}

// walk lists a pair, which is in use, and begins the work on its names.
// It ends the use.
func (m *Mirror) walk(ctx context.Context, w *apply.Worker, p *pair) {
	if m.goesOn(ctx) {
		l := m.list(w, p)
		if m.out != nil {
			m.keepListing(p, l)
		}
		m.drop(p, l)
		if len(l.dirs) > 0 {
			p.unsealed.Add(1)
			w.Runner.Push(&dirsJob{m: m, p: p, l: l})
		}
		switch {
		case m.deleteOnly:
		case len(l.names) <= chunkNames:
			m.names(ctx, w, p, l, l.names)
		default:
			for at := (len(l.names) - 1) / chunkNames * chunkNames; at >= 0; at -= chunkNames {
				p.unpublished.Add(1)
				p.unsealed.Add(1)
				w.Runner.Push(&namesJob{m, p, l, l.names[at:min(at+chunkNames, len(l.names))]})
			}
		}
	}
	m.noteStop(ctx)
	p.release()
	m.leave(w, p)
}

// goesOn reports that more is to be begun.
func (m *Mirror) goesOn(ctx context.Context) bool { return ctx.Err() == nil && !m.late() }

func (m *Mirror) noteStop(ctx context.Context) {
	if ctx.Err() != nil {
		m.cut.Store(true)
	}
}

// leave ends a part of the work on a directory's names.
func (m *Mirror) leave(w *apply.Worker, p *pair) {
	if p.unpublished.Add(-1) == 0 {
		if m.out != nil {
			m.offerEnd(p)
		}
		m.publish(p)
	}
	m.done(w, p)
}

// done ends a part of the work in a directory or below it.
func (m *Mirror) done(w *apply.Worker, p *pair) {
	for p != nil && p.unsealed.Add(-1) == 0 {
		m.seal(w, p)
		p = p.parent
	}
}

// namesJob does a portion of a directory's names that are no directories.
type namesJob struct {
	m    *Mirror
	p    *pair
	l    *listing
	refs []ref
}

func (j *namesJob) Run(ctx context.Context, w *apply.Worker) {
	m := j.m
	if err := j.p.use(); err != nil {
		m.unusable(j.p, err)
	} else {
		m.names(ctx, w, j.p, j.l, j.refs)
		j.p.release()
	}
	m.noteStop(ctx)
	m.leave(w, j.p)
}

func (m *Mirror) unusable(p *pair, err error) {
	m.ioError.Store(true)
	m.problem("access", m.dstPath(p, nil), err)
}

func (m *Mirror) names(ctx context.Context, w *apply.Worker, p *pair, l *listing, refs []ref) {
	if m.out != nil {
		m.offerNames(ctx, w, p, l, refs)
		return
	}
	e := &entry{p: p}
	for _, r := range refs {
		if ctx.Err() != nil || m.late() {
			return
		}
		e.o = &p.origins[r.origin]
		e.name, e.as, e.inDst = l.name(r), l.targetName(p, r), r.flags&refInDst != 0
		m.entry(ctx, w, e)
	}
}

// dirsJob enters the directories of a pair, one a turn.
type dirsJob struct {
	m  *Mirror
	p  *pair
	l  *listing
	at int
}

func (j *dirsJob) Run(ctx context.Context, w *apply.Worker) {
	m, p, refs := j.m, j.p, j.l.dirs
	end := j.at + 1
	for end < len(refs) && refs[end].flags&refAgain != 0 {
		end++
	}
	if end < len(refs) && ctx.Err() == nil {
		p.unsealed.Add(1)
		w.Runner.Push(&dirsJob{m, p, j.l, end})
	}
	if ctx.Err() == nil && !m.late() {
		if err := p.use(); err != nil {
			m.unusable(p, err)
		} else {
			child := m.enter(w, p, j.l, refs[j.at:end])
			p.release()
			if child != nil {
				m.walk(ctx, w, child)
			}
		}
	}
	m.noteStop(ctx)
	m.done(w, p)
}

// late reports that --stop-at has come, or that nothing more may be done.
func (m *Mirror) late() bool {
	if m.aborted.Load() {
		return true
	}
	if m.opts.StopAt.IsZero() || now().Before(m.opts.StopAt) {
		return false
	}
	m.stopped.Store(true)
	return true
}

// publish gives a new directory its final name, now that its own small files
// are whole. It is not in use by the caller.
func (m *Mirror) publish(p *pair) {
	if p.temp == nil {
		return
	}
	parent := p.parent
	if err := parent.dst.Use(); err != nil {
		m.problem("create directory", m.dstPath(p, nil), err)
		return
	}
	defer parent.dst.Release()
	err := p.dst.Renamed(p.name, func() error {
		dir := parent.dst.FD()
		return copier.RenameNew(m.calls, dir, p.temp, dir, p.name)
	})
	if err != nil {
		m.problem("create directory", m.dstPath(p, nil), err)
		m.removeStaged(p)
		return
	}
	p.temp = nil
}
