package mirror

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// prospect is what of the sources decides what the destination is to be.
type prospect struct {
	single  bool                // one entry only, not the contents of a directory
	isDir   bool                // which is a directory with something in it
	content bool                // the first source is the contents of a directory
	hidden  func() bool         // nothing that was named is there and shown
	missing func()              // says what of that isn't there; nil if that is said elsewhere
	bare    func() bool         // the sources are directories with nothing in them
	rename  func(platform.Name) // gives the single entry another name
}

// prospect looks at the sources of p.
func (m *Mirror) prospect(p *pair) *prospect {
	one, isDir := m.single(p)
	return &prospect{
		single: one != nil, isDir: isDir,
		content: len(p.origins) > 0 && p.origins[0].want == nil,
		hidden:  func() bool { return m.nothing(p) || m.allHidden(p) },
		missing: func() { m.tellMissing(p) },
		bare:    func() bool { return m.bare(p) },
		rename:  func(as platform.Name) { one.as = as },
	}
}

// target finds out what the destination is, as rsync does, and opens it as the
// destination of the root pair, or the directory in which the one file is to
// stand.
func (m *Mirror) target(p *pair, from *prospect, dst string) error {
	if dst == "" {
		dst = "."
	}
	m.dstPrefix = dst
	if m.opts.ListOnly {
		return nil
	}
	slash := strings.HasSuffix(dst, "/")
	name, err := platform.MakeName(dst)
	var st platform.Stat
	if err == nil {
		err = m.calls.Statat(platform.CWD, name, &st, true)
	}
	switch {
	case err == nil && st.IsDir():
		return m.openTarget(p, dst, false)
	case err == nil && slash:
		return &Failure{KindSelection, fmt.Sprintf("destination %s is not a directory", apply.Quote(dst))}
	case err == nil && !from.single:
		return &Failure{KindSelection, "destination must be a directory when copying more than 1 file"}
	case err == nil && from.isDir:
		return &Failure{KindSelection, "cannot overwrite non-directory with a directory"}
	case err != nil && !platform.NotExist(platform.Cause(err)):
		return &Failure{KindSelection, fmt.Sprintf("cannot stat destination %s: %s", apply.Quote(dst), platform.Message(platform.Cause(err)))}
	}
	if err != nil && !slash && from.hidden() {
		if from.missing != nil {
			from.missing()
		}
		p.origins = nil
		return m.enterParent(dst)
	}
	if err != nil && (!from.single || slash || from.content) {
		return m.makeTarget(p, from, dst)
	}
	// One entry, which gets the name that was given.
	parent, last := splitLast(strings.TrimRight(dst, "/"))
	if err != nil && m.opts.MkPath && parent != "" {
		if err := m.makePath(parent); err != nil {
			return err
		}
	}
	if parent == "" {
		parent = "."
	}
	as, err := platform.MakeName(last)
	if err != nil {
		return &Failure{KindSelection, fmt.Sprintf("cannot use %s: %s", apply.Quote(dst), platform.Message(err))}
	}
	from.rename(as)
	m.dstPrefix = parent
	if parent == "." {
		m.dstPrefix = ""
	}
	return m.openTarget(p, parent, false)
}

// nothing reports that no operand is there.
func (m *Mirror) nothing(p *pair) bool { return len(p.origins) == 0 }

// enterParent sees to the place of a destination of which nothing is to be
// made: with --mkpath it is made, and else has to be there.
func (m *Mirror) enterParent(dst string) error {
	parent, _ := splitLast(strings.TrimRight(dst, "/"))
	if parent == "" {
		return nil
	}
	if m.opts.MkPath {
		return m.makePath(parent)
	}
	name, err := platform.MakeName(parent)
	var st platform.Stat
	if err == nil {
		err = m.calls.Statat(platform.CWD, name, &st, true)
	}
	if err != nil {
		return &Failure{KindSelection, fmt.Sprintf("cannot enter %s: %s", apply.Quote(parent), platform.Message(platform.Cause(err)))}
	}
	return nil
}

// tellMissing reports what was named and isn't there.
func (m *Mirror) tellMissing(p *pair) {
	for i := range p.origins {
		o := &p.origins[i]
		for text, w := range o.want.names {
			name, err := platform.MakeName(text)
			var st platform.Stat
			if err == nil {
				err = m.statWanted(o, w, name, &st)
			}
			if err != nil {
				m.missingWanted(p, o, w, name, err)
			}
		}
	}
}

// allHidden reports that nothing that was named is there, or that the filter
// hides it.
func (m *Mirror) allHidden(p *pair) bool {
	for i := range p.origins {
		o := &p.origins[i]
		if o.want == nil {
			return false
		}
		for text, w := range o.want.names {
			name, err := platform.MakeName(text)
			var st platform.Stat
			if err != nil || !w.named || m.statWanted(o, w, name, &st) == nil && !m.hidden(o, name, st.Type()) {
				return false
			}
		}
	}
	return true
}

// single returns the one entry that is transferred, if it is only one and not
// the contents of a directory.
func (m *Mirror) single(p *pair) (w *want, isDir bool) {
	if len(p.origins) != 1 || p.origins[0].want == nil || p.seals || len(p.origins[0].want.names) != 1 {
		return nil, false
	}
	o := &p.origins[0]
	for text, w := range o.want.names {
		name, err := platform.MakeName(text)
		var st platform.Stat
		if err != nil || len(w.names) > 0 || m.calls.Statat(o.dir.FD(), name, &st, m.opts.Links == LinksFollow || w.slashed) != nil {
			return nil, false
		}
		if st.IsDir() && w.depth != 0 && !m.opts.NameDirs && !m.isEmpty(o, name) {
			return nil, true
		}
		return w, st.IsDir()
	}
	return nil, false
}

// bare reports that the sources are directories with nothing in them.
func (m *Mirror) bare(p *pair) bool {
	for i := range p.origins {
		if o := &p.origins[i]; o.want != nil || m.shows(o) {
			return false
		}
	}
	return true
}

// shows reports whether a directory of the source has names that the filter
// doesn't hide.
func (m *Mirror) shows(o *origin) bool {
	found := false
	err := m.eachName(m.scratch(), o.dir, func(name platform.Name, mode uint32) {
		found = found || !m.hidden(o, name, mode)
	})
	return found || err != nil
}

// isEmpty reports that a directory has no entries.
func (m *Mirror) isEmpty(o *origin, name platform.Name) bool {
	var st platform.Stat
	d, err := m.pool.Open(o.dir, name, true, &st)
	if err != nil {
		return false
	}
	defer d.Release()
	defer d.Done()
	empty := true
	buf := make([]byte, 4096)
	for empty {
		n, err := m.calls.Getdents(d.FD(), buf)
		if err != nil || n <= 0 || n > len(buf) {
			break
		}
		for rest := buf[:n]; len(rest) > 0; {
			var e platform.Name
			if e, _, _, rest = platform.NextEntry(rest); e == nil {
				break
			}
			empty = empty && e.IsDots()
		}
	}
	return empty
}

// makeTarget creates the destination directory, with --mkpath those above it
// too.
func (m *Mirror) makeTarget(p *pair, from *prospect, dst string) error {
	trimmed := strings.TrimRight(dst, "/")
	if trimmed == "" {
		trimmed = "/"
	}
	if parent, _ := splitLast(trimmed); m.opts.MkPath && parent != "" {
		if err := m.makePath(parent); err != nil {
			return err
		}
	}
	p.fresh, p.there = true, m.opts.MkPath && !m.opts.DryRun && !from.bare()
	if m.opts.DryRun {
		m.note(1, "created directory %s", platform.ShownPath(trimmed))
		m.openAlts(p, trimmed)
		return nil
	}
	name, err := platform.MakeName(trimmed)
	if err == nil {
		err = m.calls.Mkdirat(platform.CWD, name, 0o777)
	}
	if err != nil {
		return &Failure{KindFile, fmt.Sprintf("cannot create directory %s: %s", apply.Quote(trimmed), platform.Message(platform.Cause(err)))}
	}
	m.note(1, "created directory %s", platform.ShownPath(trimmed))
	return m.openTarget(p, trimmed, true)
}

// makePath creates a directory and what is missing above it.
func (m *Mirror) makePath(path string) error {
	path = filepath.Clean(path)
	if path == "." || path == "/" {
		return nil
	}
	name, err := platform.MakeName(path)
	var st platform.Stat
	if err == nil {
		err = m.calls.Statat(platform.CWD, name, &st, true)
	}
	if err == nil {
		return nil
	}
	if err := m.makePath(filepath.Dir(path)); err != nil {
		return err
	}
	if m.opts.DryRun {
		return nil
	}
	if err := m.calls.Mkdirat(platform.CWD, name, 0o777); err != nil && !platform.Exists(err) {
		return &Failure{KindFile, fmt.Sprintf("cannot create directory %s: %s", apply.Quote(path), platform.Message(platform.Cause(err)))}
	}
	return nil
}

// openTarget opens the destination of the root pair and its alternates.
func (m *Mirror) openTarget(p *pair, path string, fresh bool) error {
	name, err := platform.MakeName(path)
	var fd platform.FD
	var st platform.Stat
	if err == nil {
		fd, err = m.openRoot(name)
	}
	if err == nil {
		err = m.calls.Fstat(fd, &st)
	}
	if platform.NotExist(platform.Cause(err)) && m.opts.DryRun && m.opts.MkPath {
		p.fresh = true
		return nil
	}
	if err != nil {
		return &Failure{KindSelection, fmt.Sprintf("cannot open destination %s: %s", apply.Quote(path), platform.Message(platform.Cause(err)))}
	}
	m.meet(fd)
	p.dst, p.fresh = m.pool.Root(fd, &st), fresh
	m.roots = append(m.roots, p.dst)
	p.delete = m.deletes() && m.listsAll(p)
	if m.opts.Filter != nil {
		if p.guards, err = m.filterOf(filter.Receiver, path, p.dst, p.delete, false); err != nil {
			m.badRules(path, err)
		}
	}
	m.openAlts(p, path)
	return m.openTempDir(path)
}

// openAlts opens the directories of --link-dest and its like, which stand
// relative to the destination.
func (m *Mirror) openAlts(p *pair, dst string) {
	if len(m.opts.AltDests) == 0 {
		return
	}
	p.alts = make([]*tree.Dir, len(m.opts.AltDests))
	for i, a := range m.opts.AltDests {
		path := a
		if !strings.HasPrefix(a, "/") {
			path = strings.TrimRight(dst, "/") + "/" + a
			if rest, above := strings.CutPrefix(a, "../"); above && p.dst == nil {
				// Nothing leads through a directory that a dry run doesn't make.
				parent, _ := splitLast(strings.TrimRight(dst, "/"))
				path = parent + rest
			}
		}
		name, err := platform.MakeName(path)
		var fd platform.FD
		var st platform.Stat
		if err == nil {
			fd, err = m.openRoot(name)
		}
		if err == nil {
			if err = m.calls.Fstat(fd, &st); err != nil {
				m.calls.Close(fd)
			}
		}
		if err != nil {
			m.note(0, "--%s-dest arg does not exist: %s", m.opts.AltKind, a)
			continue
		}
		m.meet(fd)
		p.alts[i] = m.pool.Root(fd, &st)
		m.roots = append(m.roots, p.alts[i])
	}
}

// deletes reports whether what the source lacks is deleted.
func (m *Mirror) deletes() bool { return m.opts.Delete != DeleteNever }

// listsAll reports whether all names of a pair's origins are known.
func (m *Mirror) listsAll(p *pair) bool {
	for i := range p.origins {
		if p.origins[i].lists() {
			return true
		}
	}
	return false
}
