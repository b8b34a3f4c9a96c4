package mirror

import (
	"bytes"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

// enter looks at a directory of the source, in one or several origins, makes
// or opens its destination and returns the pair, in use, or nil if it is not
// to be entered. parent is in use.
func (m *Mirror) enter(w *apply.Worker, parent *pair, l *listing, refs []ref) *pair {
	p := &pair{parent: parent, name: l.targetName(parent, refs[0]).Clone()}
	if name := l.name(refs[0]); !bytes.Equal(name, p.name) {
		p.called = name.Clone()
	}
	inDst := refs[0].flags&refInDst != 0
	named := false
	implied := true
	for i, r := range refs {
		o := &parent.origins[r.origin]
		child, isNamed, ok := m.openOrigin(o, l.name(r), i == 0, p)
		if !ok {
			continue
		}
		named = named || isNamed
		implied = implied && o.want != nil && !isNamed
		p.origins = append(p.origins, child)
		if again, ok := m.namedBelow(o, &child, l.name(r)); ok {
			p.origins = append(p.origins, again)
		}
	}
	if len(p.origins) == 0 {
		if m.out != nil {
			m.offerLost(parent, p.name)
		}
		return nil
	}
	m.stats.files.add(platform.ModeDir)
	w.Tally.Found++
	p.seals = !(implied && m.opts.NoImpliedDirs)
	// What goes first is gone, but in a dry run, which is not to tell of it twice.
	p.delete = m.deletes() && m.opts.Delete != DeleteBefore && m.listsAll(p)
	p.unpublished.Store(1)
	p.unsealed.Store(1)
	parent.unsealed.Add(1)
	if m.out != nil {
		m.offerDir(p, implied)
		return p
	}
	if !m.enterTarget(w, p, inDst, implied) {
		for i := range p.origins {
			if d := p.origins[i].dir; d != nil {
				d.Release()
				d.Done()
			}
		}
		parent.unsealed.Add(-1)
		return nil
	}
	return p
}

// openOrigin opens a directory of the source; the first one gives the pair its
// attributes. named tells that it is no mere part of a path.
func (m *Mirror) openOrigin(up *origin, name platform.Name, first bool, p *pair) (o origin, named, ok bool) {
	o = origin{rootDev: up.rootDev, depth: up.depth, path: up.srcPath(name.Bytes()), rel: up.relative(name), order: up.order, up: up}
	named = true
	follow := m.opts.Links == LinksFollow || m.opts.CopyDirLinks
	if up.want != nil {
		e := up.want.names[name.String()]
		named = e.named
		if e.order > 0 {
			o.order = e.order - 1
		}
		o.depth = e.depth
		if len(e.names) > 0 && e.depth == 0 {
			o.want = e
		}
		follow = follow || e.slashed || !e.named
	} else if o.depth > 0 {
		o.depth--
	}
	var st platform.Stat
	if m.opts.Links == LinksCopyUnsafe && !follow {
		is, err := m.followed(up, name, &st)
		follow = is && err == nil
	}
	dir, err := m.pool.Open(up.dir, name, follow, &st)
	if err == nil && !m.searchable(dir.FD(), &st) {
		dir.Release()
		dir.Done()
		dir, err = nil, platform.ErrDenied
	}
	switch {
	case err == nil:
		o.dir = dir
	case platform.Denied(err):
		// What can be kept of a directory that can't be read is kept.
		if err := m.calls.Statat(up.dir.FD(), name, &st, follow); err != nil {
			m.sourceProblem("stat", o.path, err)
			return o, named, false
		}
		if o.depth != 0 || o.want != nil {
			m.sourceProblem("open directory", o.path, err)
		}
	default:
		m.sourceProblem("open directory", o.path, err)
		return o, named, false
	}
	o.st = st
	if m.circular(&o, up.want == nil && (follow || st.Dev != up.st.Dev)) {
		if dir != nil {
			dir.Release()
			dir.Done()
		}
		return o, named, false
	}
	if dir != nil && st.Dev != up.st.Dev {
		m.meet(dir.FD())
	}
	if m.opts.OneFileSystem > 0 && st.Dev != up.rootDev && up.want == nil {
		o.mounted = true
		if m.opts.OneFileSystem > 1 {
			if dir != nil {
				dir.Release()
				dir.Done()
			}
			return o, named, false
		}
	}
	if up.want != nil && named {
		o.rootDev = st.Dev
	}
	if m.opts.FromSet && !m.opts.Recursive && (!named || o.want != nil) {
		o.hides = up.passes(name)
	} else if up.hides != nil && dir != nil {
		if o.hides, err = up.hides.Enter(name.Bytes(), m.reader(dir)); err != nil {
			m.badRules(o.path, err)
			dir.Release()
			dir.Done()
			return o, named, false
		}
	}
	if first {
		p.st = st
		m.mapAttributes(&p.st)
		m.readMeta(&p.meta, up, name, dir, st.Mode)
	}
	return o, named, true
}

// namedBelow returns the origin of what was named below a directory that is
// listed itself: that is transferred even if rules hide what it stands in.
func (m *Mirror) namedBelow(up, listed *origin, name platform.Name) (origin, bool) {
	if up.want == nil || listed.dir == nil || listed.want != nil {
		return origin{}, false
	}
	w := up.want.names[name.String()]
	if len(w.names) == 0 {
		return origin{}, false
	}
	o := *listed
	var err error
	if o.dir, err = m.pool.Open(up.dir, name, true, &o.st); err != nil {
		return origin{}, false // it was opened once
	}
	o.want, o.depth = w, 0
	if !m.opts.Recursive {
		o.hides = up.passes(name)
	}
	return o, true
}

// passes returns the rules for what was named below a directory: without -r
// --files-from reads none on the way.
func (o *origin) passes(name platform.Name) *filter.Dir {
	if o.hides == nil {
		return nil
	}
	hides, err := o.hides.Enter(name.Bytes(), noFile)
	if err != nil {
		return o.hides
	}
	return hides
}

// circular reports, and says, that a directory of the source must not be entered
// because that would never end: it is the destination, or one of those above it,
// which a link that is followed or a mount can lead to. Names that were given
// end, so again is false for them: a circle is met below.
func (m *Mirror) circular(o *origin, again bool) bool {
	if d := m.root.dst; d != nil && o.depth != 0 && d.Dev == o.st.Dev && d.Ino == o.st.Ino {
		m.failf(KindPartial, "not copying %s into itself: it is the destination", apply.Quote(o.path))
		return true
	}
	for q := o.up; again && q != nil; q = q.up {
		if q.st.SameInode(&o.st) {
			m.failf(KindPartial, "not following %s: it leads to a directory above it", apply.Quote(o.path))
			return true
		}
	}
	return false
}

// searchable reports whether names in an open directory can be looked at. Of
// one that can merely be listed nothing can be transferred; rsync takes it for
// one that can't be read.
func (m *Mirror) searchable(fd platform.FD, st *platform.Stat) bool {
	const search = 1
	// Of others than the owner an ACL may have it that the mode doesn't hold (acl(5)).
	mine := st.Mode&0o100 != 0 && st.UID == m.opts.UID
	return m.opts.UID == 0 || mine || m.calls.Accessat(fd, dot, search) == nil
}

var dot = platform.MustName(".")

// enterTarget finds or makes the destination of a pair and tells of it. It
// reports false if nothing below it can be done.
func (m *Mirror) enterTarget(w *apply.Worker, p *pair, inDst, implied bool) bool {
	parent := p.parent
	if parent.fresh || parent.dst == nil {
		inDst = false
	}
	var old platform.Stat
	exists := false
	through := false
	if inDst {
		err := m.calls.Statat(parent.dst.FD(), p.name, &old, false)
		if err == nil && old.IsSymlink() && m.opts.KeepDirLinks {
			var target platform.Stat
			if m.calls.Statat(parent.dst.FD(), p.name, &target, true) == nil && target.IsDir() {
				old, through = target, true
			}
		}
		switch {
		case err == nil:
			exists = true
		case !platform.NotExist(err):
			m.problem("stat", m.dstPath(p, nil), err)
			return false
		}
	}
	if !exists && m.rules.Existing {
		if !m.deleteOnly {
			m.note(2, "not creating new directory \"%s\"", p.path(nil))
		}
		return false
	}
	if exists && !old.IsDir() && (m.rules.IgnoreExisting || implied && m.opts.NoImpliedDirs) {
		if m.rules.IgnoreExisting && !m.deleteOnly {
			m.note(2, "%s exists", p.path(nil))
		}
		switch {
		case m.far != nil:
			p.in.barred = m.dstPath(p, nil) // until it is told whether it holds anything
		case !m.deleteOnly && m.holds(w, p):
			m.problem("access", m.dstPath(p, nil), platform.ErrNotDir)
		}
		return false
	}
	if !m.deleteOnly && !m.approved(p, nil, &p.st, orNil(&old, exists)) {
		if !exists || !old.IsDir() {
			return false
		}
		p.seals = false
	}
	if exists && !old.IsDir() {
		if !m.deleteOnly {
			if free, _ := m.makeWay(w, &entry{p: parent, as: p.name}, &old, "directory"); !free {
				return false
			}
		}
		exists = false
	}
	if m.deleteOnly && !exists {
		return false
	}
	m.enterAlts(p)
	p.oldMtime = old.Mtime
	p.st.Mode = p.st.Mode&^platform.ModeBits | m.rules.Mode(p.st.Mode, orNil(&old, exists), m.freshBits(parent))
	if exists {
		if !m.openExisting(w, p, through) {
			return false
		}
	} else if !m.makeDir(w, p) {
		return false
	}
	if m.deleteOnly {
		return true
	}
	if p.seals {
		m.tellDir(p, orNil(&old, exists))
	} else {
		p.seals, p.plain = p.fresh, p.fresh
	}
	return true
}

// holds reports whether anything below a pair that has no destination would be
// transferred.
func (m *Mirror) holds(w *apply.Worker, p *pair) bool {
	l := m.list(w, p)
	for _, r := range l.names {
		e := &entry{p: p, o: &p.origins[r.origin], name: l.name(r), as: l.targetName(p, r)}
		if m.look(w, e) && !m.leavesOut(e) {
			return true
		}
	}
	return len(l.dirs) > 0
}

func orNil(st *platform.Stat, ok bool) *platform.Stat {
	if ok {
		return st
	}
	return nil
}

// openExisting opens a destination that is there.
func (m *Mirror) openExisting(w *apply.Worker, p *pair, through bool) bool {
	parent := p.parent
	var st platform.Stat
	d, err := m.pool.Open(parent.dst, p.name, through, &st)
	if platform.Denied(err) && !m.opts.DryRun {
		// Its owner may lift its mode for the time of the work.
		if m.calls.Statat(parent.dst.FD(), p.name, &st, false) == nil && m.calls.Fchmodat(parent.dst.FD(), p.name, st.Mode&platform.ModeBits|0o700) == nil {
			p.lifted = st.Mode&platform.ModeBits + 1
			d, err = m.pool.Open(parent.dst, p.name, through, &st)
		}
	}
	if err != nil {
		m.ioError.Store(true)
		m.problem("access", m.dstPath(p, nil), err)
		return false
	}
	p.dst = d
	m.dropGivenBits(p, &st)
	if st.Dev != parent.dst.Dev {
		m.meet(d.FD())
	}
	if st.Mode&0o300 != 0o300 && m.opts.UID != 0 && !m.opts.DryRun && m.calls.Fchmod(d.FD(), st.Mode&platform.ModeBits|0o700) == nil {
		p.lifted = st.Mode&platform.ModeBits + 1
	}
	if parent.guards != nil {
		if p.guards, err = parent.guards.Enter(p.name.Bytes(), m.reader(d)); err != nil {
			m.badRules(m.dstPath(p, nil), err)
		}
	}
	return true
}

// makeDir creates a destination, open to its owner only, and opens it: under a
// temporary name where that can be changed while work goes on below it.
func (m *Mirror) makeDir(w *apply.Worker, p *pair) bool {
	p.fresh = true
	m.stats.created.add(platform.ModeDir)
	m.r.Counters.Dirs.Add(1)
	if p.parent.guards != nil {
		p.guards, _ = p.parent.guards.Enter(p.name.Bytes(), noFile)
	}
	if m.opts.DryRun {
		return true
	}
	dir := p.parent.dst
	var err error
	name := p.name
	for i := 0; i < 100; i++ {
		if platform.MovesBusyDirectories {
			name = copier.TempName(w.Temp[:0], dir.Ino)
		}
		err = m.calls.Mkdirat(dir.FD(), name, 0o700)
		if !platform.Exists(err) && !platform.Interrupted(err) {
			break
		}
	}
	var st platform.Stat
	if err == nil {
		p.dst, err = m.pool.Open(dir, name, false, &st)
		if err == nil && st.Mode&0o700 != 0o700 {
			err = m.calls.Fchmod(p.dst.FD(), st.Mode&platform.ModeBits|0o700)
		}
	}
	if err == nil && platform.MovesBusyDirectories {
		if e := m.calls.Flock(p.dst.FD(), true); e != nil && !platform.Unsupported(e) && !platform.Interrupted(e) {
			err = e
		}
	}
	if err != nil {
		if p.dst != nil {
			p.dst.Release()
			p.dst.Done()
			p.dst = nil
		}
		m.problem("create directory", m.dstPath(p, nil), err)
		return false
	}
	if platform.MovesBusyDirectories {
		p.temp = name.Clone()
	}
	return true
}

// sealer returns the origin whose attributes the root gets, or nil.
func (p *pair) sealer() *origin {
	for i := range p.origins {
		if p.origins[i].want == nil {
			return &p.origins[i]
		}
	}
	if len(p.origins) == 0 {
		return nil
	}
	return &p.origins[0]
}

// rootItem tells of the destination itself, which a source's directory is
// merged into as a whole.
func (m *Mirror) rootItem(w *apply.Worker, p *pair) {
	o := p.sealer()
	if o == nil {
		return
	}
	p.st = o.st
	m.mapAttributes(&p.st)
	if m.far == nil {
		m.readMeta(&p.meta, nil, nil, o.dir, o.st.Mode)
	}
	m.stats.files.add(platform.ModeDir)
	var old platform.Stat
	exists := p.dst != nil && m.calls.Fstat(p.dst.FD(), &old) == nil
	// What this run made (--mkpath, too) was not there when it began: a dry run,
	// which makes nothing, asks the same.
	if !m.deleteOnly && !m.approved(p, nil, &p.st, orNil(&old, exists && !p.fresh)) {
		p.seals = false
		return
	}
	p.st.Mode = p.st.Mode&^platform.ModeBits | m.rules.Mode(p.st.Mode, orNil(&old, exists && (!p.fresh || m.opts.MkPath)), m.freshBits(p))
	if m.deleteOnly {
		return
	}
	if exists {
		m.dropGivenBits(p, &old)
	}
	if p.fresh && !p.there {
		m.stats.created.add(platform.ModeDir)
		m.tellDir(p, nil)
		return
	}
	m.dirItem(p, &old, 0)
}

// tellDir tells of a directory below the root: one that is new is compared with
// that of an alternate, if there is one.
func (m *Mirror) tellDir(p *pair, old *platform.Stat) {
	if old != nil {
		m.dirItem(p, old, 0)
		return
	}
	flags, found, whole := m.altDir(p)
	switch {
	case !found:
		m.dirItem(p, nil, plan.FlagLocalChange)
	case !whole:
		m.item(&itemInfo{p: p, st: &p.st, flags: flags})
	case m.opts.ItemizeAll:
		m.item(&itemInfo{p: p, st: &p.st, flags: plan.FlagLocalChange})
	}
}

// dirItem tells what of a directory differs.
func (m *Mirror) dirItem(p *pair, old *platform.Stat, flags plan.Flags) {
	if old == nil {
		flags |= plan.FlagNew | m.newMeta(&p.meta)
	} else {
		flags = m.compare(&p.st, old, flags)
		flags |= m.compareMeta(&p.meta, platform.None, nil, p.dst, p.st.Mode)
	}
	m.item(&itemInfo{p: p, src: &p.st, old: old, st: &p.st, flags: flags})
}

// enterAlts opens the directory of the same name in each alternate.
func (m *Mirror) enterAlts(p *pair) {
	parent := p.parent
	if parent.alts == nil {
		return
	}
	p.alts = make([]*tree.Dir, len(parent.alts))
	for i, a := range parent.alts {
		if a == nil {
			continue
		}
		var st platform.Stat
		if d, err := m.pool.Open(a, p.name, false, &st); err == nil {
			p.alts[i] = d
		}
	}
}

// seal gives a directory its attributes once nothing is made in it any more,
// and lets go of it.
func (m *Mirror) seal(w *apply.Worker, p *pair) {
	if m.deleteOnly {
		p.seals, p.resumable = false, nil // its mode is given back, no more
	}
	if !m.opts.DryRun && !m.aborted.Load() && p.dst != nil && (p.seals || p.lifted != 0 || p.resumable != nil) {
		if err := p.dst.Use(); err != nil {
			m.problem("access", m.dstPath(p, nil), err)
		} else {
			for _, name := range p.resumable {
				if m.cut.Load() {
					break // it may be what this run has left
				}
				m.sweep(w, p.dst, name)
			}
			m.dirAttributes(w, p)
			p.dst.Raise()
			p.dst.Release()
		}
	}
	if p.parent != nil {
		p.eachDir((*tree.Dir).Done)
	}
	if p.in != nil {
		m.far.peer.DirDone(p.in.id)
	}
}
