package mirror

import (
	"maps"
	"slices"
	"strings"

	"github.com/zccp/zccp/platform"
)

// listWanted adds the names that were given one by one.
func (m *Mirror) listWanted(p *pair, i int, l *listing, refs []ref) []ref {
	o := &p.origins[i]
	names := make([]string, 0, len(o.want.names))
	for name := range o.want.names {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, text := range names {
		w := o.want.names[text]
		name, err := platform.MakeName(text)
		var st platform.Stat
		if err == nil {
			err = m.statWanted(o, w, name, &st)
		}
		if err != nil {
			m.missingWanted(p, o, w, name, err)
			continue
		}
		mode := st.Type()
		if hidden := w.named && m.hidden(o, name, mode); hidden || m.skips(w, mode) {
			if !hidden {
				m.tellLeft(left{w, nil})
			}
			if len(w.names) == 0 {
				continue
			}
			if err := m.onTheWay(o, w, name, &st); err != nil {
				m.loseBelow(w, err)
				continue
			}
			w.named, w.depth, mode = false, 0, st.Type()
		} else if w.named && len(w.names) > 0 && mode != platform.ModeDir {
			if err := m.onTheWay(o, w, name, &st); err != nil {
				m.loseBelow(w, err)
			} else {
				w.named, w.depth, mode = false, 0, st.Type() // a link
			}
		}
		if !w.named && !m.opts.DeleteMissingArgs {
			if leads, rest := m.leads(o, name, w); !leads {
				for _, l := range rest {
					m.tellLeft(l)
				}
				continue
			}
		}
		if m.prunes(o, name, mode, len(w.names) > 0) {
			continue
		}
		refs = l.add(refs, name, i, mode)
	}
	return refs
}

// onTheWay looks at a name as at a part of the paths of what was named below it.
func (m *Mirror) onTheWay(o *origin, w *want, name platform.Name, st *platform.Stat) error {
	return m.statWanted(o, &want{names: w.names, path: w.path}, name, st)
}

// loseBelow reports what was named below something that is no directory.
func (m *Mirror) loseBelow(w *want, err error) {
	for _, l := range leftBelow(w, err) {
		m.tellLeft(l)
	}
}

func leftBelow(w *want, err error) (all []left) {
	for _, text := range slices.Sorted(maps.Keys(w.names)) {
		child := w.names[text]
		if child.named {
			all = append(all, left{child, err})
		}
		all = append(all, leftBelow(child, err)...)
	}
	return all
}

// skips reports whether something that was named is a directory, which without -r
// and -d is none to be transferred.
func (m *Mirror) skips(w *want, mode uint32) bool {
	return mode == platform.ModeDir && w.named && w.depth == 0 && !m.opts.Dirs && !m.opts.Recursive && !m.opts.FromSet
}

// statWanted looks at a name that was given. A link is followed where more of
// the path comes behind it, and by -L or a slash behind the name.
func (m *Mirror) statWanted(o *origin, w *want, name platform.Name, st *platform.Stat) error {
	dir := o.dir.FD()
	if !w.named || w.slashed {
		err := m.calls.Statat(dir, name, st, true)
		asLink := w.named && m.opts.Relative && (err != nil || !st.IsDir()) // as rsync takes it
		if !asLink && err == nil && !st.IsDir() {
			err = platform.ErrNotDir
			if w.plain {
				m.missingOperand(w.path+"/", err)
				w.slashed = false
			}
		}
		if !asLink && (err == nil || !w.plain || w.slashed) {
			return err
		}
	}
	err := m.calls.Statat(dir, name, st, false)
	if err != nil || !st.IsSymlink() || !m.follows() {
		return err
	}
	_, err = m.followed(o, name, st)
	return err
}

// missingWanted reports a name that isn't there, or has it deleted at the
// destination where that was asked for.
func (m *Mirror) missingWanted(p *pair, o *origin, w *want, name platform.Name, err error) {
	var st platform.Stat
	if m.opts.Links == LinksCopyUnsafe && platform.NotExist(platform.Cause(err)) && m.calls.Statat(o.dir.FD(), name, &st, false) == nil {
		m.linkProblem(o, name, err) // it is there, and leads nowhere
		return
	}
	if !m.opts.DeleteMissingArgs || !platform.NotExist(platform.Cause(err)) || !w.named {
		m.missingOperand(w.path, err)
		return
	}
	as := name
	if w.as != nil {
		as = w.as
	}
	if m.out != nil {
		p.out.mu.Lock()
		p.out.gone = append(p.out.gone, as.Clone())
		p.out.mu.Unlock()
	} else {
		m.dropMissing(p, as)
	}
}

// dropMissing has a name deleted at the destination. p is in use, if it has one.
func (m *Mirror) dropMissing(p *pair, as platform.Name) {
	var st platform.Stat
	if p.dst == nil || p.fresh || m.calls.Statat(p.dfd(), as, &st, false) != nil {
		return
	}
	p.unsealed.Add(1)
	m.later.mu.Lock()
	m.later.doomed = append(m.later.doomed, doomed{p, as.Clone()})
	m.later.mu.Unlock()
}

// left is something that was named and is not transferred: it can't be looked at,
// or is a directory that is skipped.
type left struct {
	w   *want
	err error
}

func (m *Mirror) tellLeft(l left) {
	if l.err != nil {
		m.missingOperand(l.w.path, l.err)
	} else {
		m.note(0, "skipping directory %s", strings.TrimRight(l.w.path, "/"))
	}
}

// leads reports whether something that was named stands below a directory that
// only leads to it, and is shown. If not, nobody comes there to tell of what is
// left.
func (m *Mirror) leads(up *origin, name platform.Name, w *want) (is bool, all []left) {
	var st platform.Stat
	d, err := m.pool.Open(up.dir, name, true, &st)
	if err != nil {
		return true, nil // whoever enters it reports that
	}
	defer d.Done()
	defer d.Release()
	o := &origin{dir: d, st: st, want: w, path: up.srcPath(name.Bytes()), rel: up.relative(name)}
	if m.opts.FromSet && !m.opts.Recursive {
		o.hides = up.passes(name)
	} else if up.hides != nil {
		if o.hides, err = up.hides.Enter(name.Bytes(), m.reader(d)); err != nil {
			return true, nil
		}
	}
	for text, child := range w.names {
		name, err := platform.MakeName(text)
		if err == nil {
			err = m.statWanted(o, child, name, &st)
		}
		kind := st.Type()
		switch {
		case err != nil:
			all = append(all, left{child, err})
		case !child.named, len(child.names) > 0 && (m.skips(child, kind) || m.hidden(o, name, kind)):
			if child.named {
				if err := m.onTheWay(o, child, name, &st); err != nil {
					all = append(all, leftBelow(child, err)...)
					continue
				}
			}
			is, below := m.leads(o, name, child)
			if is {
				return true, nil
			}
			all = append(all, below...)
			if m.skips(child, kind) && !m.hidden(o, name, kind) {
				all = append(all, left{child, nil})
			}
		case m.skips(child, kind):
			if !m.hidden(o, name, kind) {
				all = append(all, left{child, nil})
			}
		case !m.hidden(o, name, kind) && !m.prunes(o, name, kind, len(child.names) > 0):
			return true, nil
		}
	}
	return false, all
}
