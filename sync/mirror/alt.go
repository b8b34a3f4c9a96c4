package mirror

import (
	"context"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

func (k AltKind) String() string {
	return [...]string{"", "compare", "copy", "link", "reflink"}[k]
}

// altBasis is a file of an alternate directory that resembles the source's.
type altBasis struct {
	dir *tree.Dir // nil for none
	st  platform.Stat
}

// How well a file of an alternate directory fits, as rsync counts.
const (
	fitsNot = iota
	fitsName
	fitsContent
	fitsWhole // attributes too
)

// tryAlts looks for a regular file in the alternate directories. It reports
// true if the entry is done with.
func (m *Mirror) tryAlts(ctx context.Context, w *apply.Worker, e *entry) (*altBasis, bool) {
	best, fit := &altBasis{}, fitsNot
	for _, d := range e.p.alts {
		if d == nil {
			continue
		}
		var st platform.Stat
		if m.calls.Statat(d.FD(), e.as, &st, false) != nil || !st.IsRegular() {
			continue
		}
		if fit < fitsName {
			best, fit = &altBasis{d, st}, fitsName
		}
		is := m.rules.QuickCheck(&e.st, &st) == plan.Same
		if m.rules.QuickCheck(&e.st, &st) == plan.AskSum {
			var err error
			if is, err = m.sameContents(ctx, w, e, d.FD(), e.as); err != nil {
				is = false
			}
		}
		if !is {
			continue
		}
		if fit < fitsContent {
			best, fit = &altBasis{d, st}, fitsContent
		}
		if !m.compareAll(e, &st, d).Significant() {
			best, fit = &altBasis{d, st}, fitsWhole
			break
		}
	}
	if e.exists {
		// What stands there gives way only to the very thing.
		if fit < fitsWhole || m.opts.AltKind != AltCompare && m.opts.AltKind != AltLink ||
			inodeOf(&best.st) == inodeOf(&e.old) {
			return &altBasis{}, false
		}
		if !m.opts.DryRun {
			if err := m.calls.Unlinkat(e.p.dfd(), e.as); err != nil {
				return &altBasis{}, false
			}
		}
		e.exists = false
	}
	if fit < fitsContent {
		return best, false
	}
	switch {
	case fit == fitsWhole && m.opts.AltKind == AltCompare:
		m.itemOf(e, 0, "", nil)
	case fit == fitsWhole && m.opts.AltKind == AltLink && (m.opts.DryRun || m.linkAlt(e, best.dir) == nil):
		if m.opts.ItemizeAll {
			m.itemOf(e, plan.FlagLocalChange|plan.FlagHardLink, "", nil)
		}
	default:
		flags := m.compare(&e.st, &best.st, plan.FlagLocalChange) | m.compareMeta(&e.meta, best.dir.FD(), e.as, nil, e.st.Mode)
		if !m.opts.DryRun {
			if err := m.copyAlt(ctx, w, e, best); err != nil {
				return best, false
			}
		}
		m.itemOf(e, flags, "", nil)
	}
	m.transferred(e)
	m.settle(w, e, true)
	return nil, true
}

// compareAll returns what of an entry differs from a file that is elsewhere.
func (m *Mirror) compareAll(e *entry, st *platform.Stat, d *tree.Dir) plan.Flags {
	return m.compare(&e.st, st, 0) | m.compareMeta(&e.meta, d.FD(), e.as, nil, e.st.Mode)
}

func (m *Mirror) linkAlt(e *entry, d *tree.Dir) error {
	return retry(func() error { return m.calls.Linkat(d.FD(), e.as, e.p.dfd(), e.as, false) })
}

// copyAlt copies a file from an alternate directory; where the file system
// can, it is cloned.
func (m *Mirror) copyAlt(ctx context.Context, w *apply.Worker, e *entry, from *altBasis) error {
	fd, err := m.calls.Openat(from.dir.FD(), e.as, platform.ReadOnly|platform.NoFollow|platform.NonBlock, 0)
	if err != nil {
		return err
	}
	defer m.calls.Close(fd)
	st := from.st
	put := &w.Put
	*put = copier.Put{
		Dir: e.p.dfd(), DirIno: e.p.dst.Ino, DirDev: e.p.dst.Dev, Name: e.as, Stage: copier.Unnamed,
		Src: fd, Stat: &st, OldFD: platform.None, Umask: m.opts.Umask,
	}
	src := e.src
	put.Finish = func(fd platform.FD) (copier.Lost, error) { return m.finishFile(e, &src, fd, false) }
	w.Begin()
	if err := w.Copy.Put(ctx, put); err != nil {
		return err
	}
	w.CountFile(&put.Result)
	return nil
}

// trySpecialAlts is tryAlts for what is no regular file. It returns the state
// of what resembles e, or nil.
func (m *Mirror) trySpecialAlts(w *apply.Worker, e *entry) (*platform.Stat, bool) {
	var best *platform.Stat
	same := false
	for _, d := range e.p.alts {
		if d == nil {
			continue
		}
		var st platform.Stat
		if m.calls.Statat(d.FD(), e.as, &st, false) != nil || kindOf(st.Mode) != kindOf(e.src.Mode) {
			continue
		}
		if !m.sameSpecial(w, e, &st, d.FD()) {
			if best == nil {
				best = &st
			}
			continue
		}
		if m.compareAll(e, &st, d).Significant() {
			if !same {
				best, same = &st, true
			}
			continue
		}
		switch m.opts.AltKind {
		case AltCompare:
		case AltLink:
			if !m.opts.DryRun && m.linkAlt(e, d) != nil {
				return &st, false
			}
		default:
			if !m.opts.DryRun && m.make(w, e) != nil {
				return &st, false
			}
		}
		if m.opts.ItemizeAll {
			flags := plan.FlagLocalChange
			switch m.opts.AltKind {
			case AltCompare:
				flags = 0
			case AltLink:
				flags |= plan.FlagHardLink | plan.FlagAlternate
			}
			m.itemOf(e, flags, "", nil)
		}
		m.settle(w, e, true)
		return nil, true
	}
	return best, false
}

// altDir returns what of the directory of a pair differs in the alternates,
// whether there is one, and whether it is all that is wanted.
func (m *Mirror) altDir(p *pair) (flags plan.Flags, found, whole bool) {
	for _, d := range p.alts {
		if d == nil {
			continue
		}
		var now platform.Stat
		if m.calls.Fstat(d.FD(), &now) != nil {
			continue
		}
		meta := m.compareMeta(&p.meta, platform.None, nil, d, p.st.Mode)
		// Here rsync looks at the time even where times of directories aren't kept.
		late := m.rules.Times && !m.rules.SameTime(p.st.Mtime, now.Mtime)
		if !late && !(m.compare(&p.st, &now, 0) | meta).Significant() {
			return 0, true, true
		}
		if !found {
			flags, found = m.compare(&p.st, &now, plan.FlagLocalChange)|meta, true
		}
	}
	return flags, found, false
}
