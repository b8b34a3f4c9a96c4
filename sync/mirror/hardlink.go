package mirror

import (
	"context"
	"sync"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// linkMap knows what became of the inodes of the source that have several
// names (-H). Only such inodes enter it, and one leaves when all its names were
// met.
type linkMap struct {
	mu     sync.Mutex
	groups map[inode]*linkGroup
}

// linkGroup is one inode. All fields are under linkMap.mu.
type linkGroup struct {
	left    uint64 // names not yet met
	busy    bool   // somebody is transferring it
	done    bool   // at stands
	at      *entry
	waiting []*entry
}

// claim reports whether the caller is to transfer e. If somebody else is, or
// did, e is linked to that, now or later.
func (m *Mirror) claim(ctx context.Context, w *apply.Worker, e *entry) bool {
	l := &m.links
	key := inodeOf(&e.src)
	l.mu.Lock()
	g := l.groups[key]
	if g == nil {
		g = &linkGroup{left: e.src.Nlink}
		l.groups[key] = g
	}
	last := false
	if g.left--; g.left == 0 && !m.overlap {
		delete(l.groups, key)
		last = true
	}
	switch {
	case g.busy, !g.done && !last && !m.root.fresh && m.seeks(e):
		// A name that stands at the destination already may come yet; it saves
		// the transfer.
		k := e.keep()
		k.group = g
		g.waiting = append(g.waiting, k)
		e.p.unsealed.Add(1)
		e.p.unpublished.Add(1)
		l.mu.Unlock()
		return false
	case g.done:
		at := g.at
		l.mu.Unlock()
		e.group = g
		if m.linkTo(w, e, at) {
			return false
		}
		l.mu.Lock()
	}
	g.busy, g.done, g.at = true, false, e.keep()
	l.mu.Unlock()
	e.group = g
	return true
}

// linked reports whether a name of the source is one of several: those that
// --remove-source-files has removed count.
func (m *Mirror) linked(e *entry) bool {
	if e.src.Nlink > 1 || !m.opts.RemoveSource {
		return e.src.Nlink > 1
	}
	m.links.mu.Lock()
	defer m.links.mu.Unlock()
	return m.links.groups[inodeOf(&e.src)] != nil
}

// seeks reports whether nothing stands at the destination, or in an alternate,
// that e could be made from; of a file alone there are contents to be saved.
func (m *Mirror) seeks(e *entry) bool {
	if !e.src.IsRegular() || e.exists && e.old.IsRegular() {
		return false
	}
	for _, d := range e.p.alts {
		var st platform.Stat
		if d != nil && m.calls.Statat(d.FD(), e.as, &st, false) == nil && st.IsRegular() {
			return false
		}
	}
	return true
}

// endGroups serves the names that waited for one that never came.
func (m *Mirror) endGroups(ctx context.Context) {
	l := &m.links
	var jobs []apply.Job
	l.mu.Lock()
	for _, g := range l.groups {
		for _, e := range g.waiting {
			jobs = append(jobs, &linkJob{m, e})
		}
		g.waiting = nil
	}
	l.mu.Unlock()
	if len(jobs) > 0 {
		apply.NewRunner(m.r.Opts).Run(ctx, jobs...)
	}
}

// settle ends the transfer of an inode's first name and serves who waits for
// it. If it failed, the next one has its try.
func (m *Mirror) settle(w *apply.Worker, e *entry, ok bool) {
	g := e.group
	if g == nil {
		return
	}
	l := &m.links
	l.mu.Lock()
	g.busy, g.done = false, ok
	waiting := g.waiting
	g.waiting = nil
	l.mu.Unlock()
	for i := len(waiting) - 1; i >= 0; i-- {
		w.Runner.Push(&linkJob{m, waiting[i]})
	}
}

// linkJob serves one name that waited.
type linkJob struct {
	m *Mirror
	e *entry
}

func (j *linkJob) Run(ctx context.Context, w *apply.Worker) {
	m, e := j.m, j.e
	if err := e.p.use(); err != nil {
		m.unusable(e.p, err)
	} else {
		if ctx.Err() == nil {
			m.joinGroup(ctx, w, e)
		}
		e.p.release()
	}
	m.noteStop(ctx)
	m.leave(w, e.p)
}

func (m *Mirror) joinGroup(ctx context.Context, w *apply.Worker, e *entry) {
	g, l := e.group, &m.links
	l.mu.Lock()
	switch {
	case g.busy:
		g.waiting = append(g.waiting, e)
		e.p.unsealed.Add(1)
		e.p.unpublished.Add(1)
		l.mu.Unlock()
		return
	case g.done:
		at := g.at
		l.mu.Unlock()
		if m.linkTo(w, e, at) {
			return
		}
		l.mu.Lock()
	}
	g.busy, g.done, g.at = true, false, e.keep()
	l.mu.Unlock()
	m.carryOut(ctx, w, e)
}

// linkTo makes e another name of what stands at the place at. It reports false
// if that inode can take no further name, and e is to begin anew.
func (m *Mirror) linkTo(w *apply.Worker, e, at *entry) bool {
	flags := plan.FlagLocalChange | plan.FlagHardLink
	path := at.p.path(at.as.Bytes())
	if m.opts.DryRun {
		var made platform.Stat
		if m.statAlt(at, &made) && m.opts.AltKind == AltCompare {
			return false // it would not have been made
		}
		e.link = nil
		e.exists = e.exists && e.old.Type() == e.src.Type()
		if !e.exists || at.p.dst != nil && e.old.Nlink > 1 && at.exists && inodeOf(&at.old) == inodeOf(&e.old) {
			if e.exists {
				m.itemOf(e, flags|m.compare(&e.st, &e.old, flags), "", nil)
				return true
			}
			m.tellNewName(e, &made, flags, path)
			return true
		}
		m.itemOf(e, m.differences(e, flags), path, nil)
		return true
	}
	if at.p != e.p {
		if err := at.p.dst.Use(); err != nil {
			return false
		}
		defer at.p.dst.Release()
	}
	from, to := at.p.dfd(), e.p.dfd()
	var made platform.Stat
	if m.calls.Statat(from, at.as, &made, false) != nil {
		return false
	}
	if e.exists {
		if m.calls.Statat(to, e.as, &e.old, false) != nil {
			e.exists = false
		}
	}
	if e.exists && inodeOf(&made) == inodeOf(&e.old) {
		e.link = nil
		m.itemOf(e, m.compare(&e.st, &e.old, flags), "", nil)
		m.transferred(e)
		return true
	}
	link := func(name platform.Name) error {
		return m.calls.Linkat(from, at.as, to, name, false)
	}
	isNew := !e.exists
	switch {
	case isNew:
	case e.old.Type() != e.src.Type():
		flags |= plan.FlagNew
	default:
		// A link tells of times as a change does.
		flags |= m.differences(e, plan.FlagLocalChange)
	}
	if e.exists && e.old.IsDir() {
		if free, _ := m.makeWay(w, e, &e.old, "hard link"); !free {
			return true
		}
		e.exists = false
	}
	var err error
	if e.exists {
		err = m.over(w, e, link, nil)
	} else {
		err = retry(func() error { return link(e.as) })
	}
	if platform.TooManyLinks(err) || platform.OtherDevice(err) {
		return false
	}
	if err != nil {
		m.problem("create hard link", m.dstPath(e.p, e.as.Bytes()), err)
		return true
	}
	if !e.exists {
		m.stats.created.add(e.src.Mode)
	}
	m.r.Counters.Links.Add(1)
	if isNew {
		m.tellNewName(e, &made, flags, path)
	} else {
		m.itemOf(e, flags, path, nil)
	}
	m.transferred(e)
	return true
}

// tellNewName tells of a name that made has got at the destination. As in rsync
// it is compared with what an alternate has of that name: with --link-dest that
// has to be made itself, and is told of as what is up to date.
func (m *Mirror) tellNewName(e *entry, made *platform.Stat, flags plan.Flags, path string) {
	isNew := m.differences(e, flags|plan.FlagLocalChange)
	for _, d := range e.p.alts {
		var st platform.Stat
		if d == nil || m.calls.Statat(d.FD(), e.as, &st, false) != nil || st.Type() != e.src.Type() {
			continue
		}
		if m.opts.AltKind == AltLink {
			if inodeOf(&st) != inodeOf(made) {
				continue
			}
			if m.opts.ItemizeAll {
				m.itemOf(e, flags, path, nil)
			}
			return
		}
		if !e.src.IsRegular() || m.rules.QuickCheck(&e.st, &st) != plan.Same {
			continue
		}
		isNew = flags | m.compareAll(e, &st, d)
		if !isNew.Significant() {
			break
		}
	}
	m.itemOf(e, isNew, path, nil)
}

// statAlt looks at what a dry run would have taken for at from an alternate.
func (m *Mirror) statAlt(at *entry, st *platform.Stat) bool {
	if at.exists || len(at.p.alts) == 0 || at.p.use() != nil {
		return false
	}
	defer at.p.release()
	for _, d := range at.p.alts {
		if d != nil && m.calls.Statat(d.FD(), at.as, st, false) == nil && st.Type() == at.src.Type() &&
			m.rules.QuickCheck(&at.st, st) == plan.Same && !m.compareAll(at, st, d).Significant() {
			return true
		}
	}
	*st = platform.Stat{}
	return false
}
