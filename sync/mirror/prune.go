package mirror

import (
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// prunes reports a directory that --prune-empty-dirs leaves out: one in which
// the filter shows nothing but directories, at any depth. leads tells that
// names in it were given one by one.
func (m *Mirror) prunes(o *origin, name platform.Name, mode uint32, leads bool) bool {
	if !m.opts.PruneEmpty || mode != platform.ModeDir || leads {
		return false
	}
	depth := o.depth - 1
	if o.depth == everything {
		depth = everything
	}
	if o.want != nil {
		depth = o.want.names[name.String()].depth
	}
	if depth == 0 {
		return true // nothing in it is transferred
	}
	return !m.holdsFiles(m.scratch(), o, name)
}

// holdsFiles reports whether something that is no directory is shown below a
// directory. It ends at the first one.
func (m *Mirror) holdsFiles(w *apply.Worker, up *origin, name platform.Name) bool {
	var st platform.Stat
	follow := m.opts.Links == LinksFollow || m.opts.CopyDirLinks
	if up.want != nil {
		follow = follow || up.want.names[name.String()].slashed
	}
	if m.opts.Links == LinksCopyUnsafe && !follow {
		is, err := m.followed(up, name, &st)
		follow = is && err == nil
	}
	d, err := m.pool.Open(up.dir, name, follow, &st)
	if err != nil {
		m.sourceProblem("open directory", up.srcPath(name.Bytes()), err)
		return false
	}
	defer d.Done()
	defer d.Release()
	o := origin{dir: d, st: st, rootDev: up.rootDev, depth: everything, path: up.srcPath(name.Bytes()), rel: up.relative(name)}
	if m.opts.OneFileSystem > 0 && st.Dev != up.rootDev {
		return false
	}
	if up.hides != nil {
		if o.hides, err = up.hides.Enter(name.Bytes(), m.reader(d)); err != nil {
			return true
		}
	}
	found := false
	var dirs []platform.Name
	err = m.eachName(w, d, func(name platform.Name, mode uint32) {
		if found {
			return
		}
		mode, ok := m.typeOf(&o, name, mode)
		if !ok || m.hidden(&o, name, mode) {
			return
		}
		if mode == platform.ModeDir {
			dirs = append(dirs, name.Clone())
			return
		}
		found = true
	})
	if found || err != nil {
		return true
	}
	for _, sub := range dirs {
		if m.holdsFiles(w, &o, sub) {
			return true
		}
	}
	return false
}
