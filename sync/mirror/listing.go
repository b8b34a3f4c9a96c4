package mirror

import (
	"bytes"
	"slices"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// ref is a name of a listing in 8 bytes, so that a directory of a million
// names takes some ten megabytes a side.
type ref struct {
	off    uint32 // of the name in listing.blob
	origin uint16
	typ    uint8 // type bits of the mode, shifted down by 12
	flags  uint8
}

// Flags of a ref.
const (
	refInDst  = 1 << iota // the destination has the name
	refAgain              // a directory of a further origin that is merged into the one before
	refFollow             // offered: reached through a symbolic link
	refDevice             // offered: a device that is read as a file
)

// listing is the joined listing of a pair.
type listing struct {
	blob  []byte
	names []ref // that are not directories, by name
	dirs  []ref
	extra []ref // of the destination alone
}

func (l *listing) name(r ref) platform.Name {
	b := l.blob[r.off:]
	return platform.Name(b[:bytes.IndexByte(b, 0)+1])
}

func (r ref) mode() uint32 { return uint32(r.typ) << 12 }

// add appends a name, which ends in NUL.
func (l *listing) add(to []ref, name platform.Name, origin int, mode uint32) []ref {
	off := len(l.blob)
	l.blob = append(l.blob, name...)
	return append(to, ref{uint32(off), uint16(origin), uint8(mode & platform.ModeType >> 12), 0})
}

func (l *listing) sort(refs []ref) {
	slices.SortStableFunc(refs, func(a, b ref) int {
		return bytes.Compare(l.name(a).Bytes(), l.name(b).Bytes())
	})
}

// list reads what the origins and the destination have. p is in use.
func (m *Mirror) list(w *apply.Worker, p *pair) *listing {
	l := &listing{}
	var src []ref
	for i := range p.origins {
		src = m.listOrigin(w, p, i, l, src)
	}
	l.sort(src)
	src = l.unique(p, src)
	var dst []ref
	if p.dst != nil && !p.fresh {
		dst = m.listTarget(w, p, l)
		l.sort(dst)
	}
	j := 0
	for i := range src {
		name := l.targetName(p, src[i])
		if p.origins[src[i].origin].want != nil {
			// Names that were given may have another one at the destination.
			if k, ok := slices.BinarySearchFunc(dst, name, l.compare); ok {
				src[i].flags |= refInDst
				dst[k].flags |= refInDst
			}
		} else {
			for j < len(dst) && l.compare(dst[j], name) < 0 {
				j++
			}
			if j < len(dst) && l.compare(dst[j], name) == 0 {
				src[i].flags |= refInDst
				dst[j].flags |= refInDst
			}
		}
		if src[i].mode() == platform.ModeDir {
			l.dirs = append(l.dirs, src[i])
		} else {
			l.names = append(l.names, src[i])
		}
	}
	if p.delete {
		for _, r := range dst {
			if r.flags&refInDst == 0 {
				l.extra = append(l.extra, r)
			}
		}
	}
	return l
}

func (l *listing) compare(r ref, name platform.Name) int {
	return bytes.Compare(l.name(r).Bytes(), name.Bytes())
}

// targetName returns what an entry is called at the destination.
func (l *listing) targetName(p *pair, r ref) platform.Name {
	name := l.name(r)
	if w := p.origins[r.origin].want; w != nil {
		if e := w.names[name.String()]; e != nil && e.as != nil {
			return e.as
		}
	}
	return name
}

// unique keeps one entry of each name: a directory before anything else, then
// that of the first origin. Further directories of a name stay, to be merged.
func (l *listing) unique(p *pair, refs []ref) []ref {
	kept := refs[:0]
	for i := 0; i < len(refs); {
		j := i + 1
		for j < len(refs) && bytes.Equal(l.name(refs[j]), l.name(refs[i])) {
			j++
		}
		if j-i > 1 {
			slices.SortStableFunc(refs[i:j], func(a, b ref) int { return l.order(p, a) - l.order(p, b) })
		}
		first, found := refs[i], false
		for _, r := range refs[i:j] {
			if r.mode() == platform.ModeDir {
				if found {
					r.flags |= refAgain
				}
				kept = append(kept, r)
				found = true
			}
		}
		if !found {
			kept = append(kept, first)
		}
		i = j
	}
	return kept
}

// order returns the place among the operands of the one that a name comes from.
func (l *listing) order(p *pair, r ref) int {
	o := &p.origins[r.origin]
	if o.want != nil {
		if w := o.want.names[l.name(r).String()]; w != nil && w.order > 0 {
			return w.order - 1
		}
	}
	return o.order
}

// listOrigin adds the names of one origin that the filter shows.
func (m *Mirror) listOrigin(w *apply.Worker, p *pair, i int, l *listing, refs []ref) []ref {
	o := &p.origins[i]
	switch {
	case o.dir == nil:
		return refs // reported by who could not open it
	case o.want != nil:
		return m.listWanted(p, i, l, refs)
	case !o.lists():
		return refs
	}
	o.bare = true
	err := m.eachName(w, o.dir, func(name platform.Name, mode uint32) {
		o.bare = false
		mode, ok := m.typeOf(o, name, mode)
		if ok && !m.hidden(o, name, mode) && !m.prunes(o, name, mode, false) {
			refs = l.add(refs, name, i, mode)
		}
	})
	if err != nil {
		o.bare = false
		if p.parent == nil {
			m.unreadRoot = o.path
		}
		m.sourceProblem("read directory", o.path, err)
	}
	return refs
}

// typeOf tells what an entry counts as: where links are followed, what they
// lead to. It reports false for what can't be told, after reporting that.
func (m *Mirror) typeOf(o *origin, name platform.Name, mode uint32) (uint32, bool) {
	var st platform.Stat
	if mode == 0 {
		if err := m.calls.Statat(o.dir.FD(), name, &st, false); err != nil {
			m.sourceProblem("stat", o.srcPath(name.Bytes()), err)
			return 0, false
		}
		mode = st.Type()
	}
	if mode != platform.ModeSymlink || !m.follows() {
		return mode, true
	}
	follow, err := m.followed(o, name, &st)
	if err != nil && (m.hidden(o, name, mode) || m.hidden(o, name, platform.ModeDir)) {
		return 0, false
	}
	if err != nil {
		m.linkProblem(o, name, err)
		return 0, false
	}
	if !follow {
		return mode, true
	}
	return st.Type(), true
}

// hidden reports whether the sender's filter leaves a name out.
func (m *Mirror) hidden(o *origin, name platform.Name, mode uint32) bool {
	return o.hides != nil && o.hides.Match(name.Bytes(), mode == platform.ModeDir) == filter.Excluded
}

// eachName calls f for every name in a directory in use. name is valid during
// the call.
func (m *Mirror) eachName(w *apply.Worker, d *tree.Dir, f func(name platform.Name, mode uint32)) error {
	fd := d.FD()
	if _, err := m.calls.Lseek(fd, 0, platform.SeekSet); err != nil {
		return err
	}
	for i := 0; ; {
		n, err := m.calls.Getdents(fd, w.Dirents)
		if platform.Interrupted(err) && i < 1000 {
			i++
			continue
		}
		if err != nil {
			return err
		}
		if n <= 0 || n > len(w.Dirents) {
			return nil
		}
		for rest := w.Dirents[:n]; len(rest) > 0; {
			var name platform.Name
			var mode uint32
			name, mode, _, rest = platform.NextEntry(rest)
			if name == nil {
				break
			}
			if !name.IsDots() {
				f(name, mode)
			}
		}
	}
}

// listTarget returns the names that stand at the destination, without what
// killed runs left, which it removes.
func (m *Mirror) listTarget(w *apply.Worker, p *pair, l *listing) (refs []ref) {
	var litter []platform.Name
	partial, partialDir := false, m.partialDir()
	ino := p.dst.Ino
	err := m.eachName(w, p.dst, func(name platform.Name, mode uint32) {
		if copier.IsTemp(name.Bytes(), ino) {
			if m.opts.Resume && copier.IsResumable(name.Bytes()) {
				p.resumable = append(p.resumable, name.Clone())
				return
			}
			litter = append(litter, name.Clone())
			return
		}
		partial = partial || name.String() == partialDir
		refs = l.add(refs, name, 0, mode)
		if mode != platform.ModeDir {
			m.stats.targetFiles.Add(1)
		}
	})
	if err != nil {
		m.ioError.Store(true)
		m.problem("read directory", m.dstPath(p, nil), err)
	}
	if !m.opts.DryRun {
		if partial && partialDir != "" {
			m.sweepPartial(w, p)
		}
		for _, name := range litter {
			m.sweep(w, p.dst, name)
		}
	}
	return refs
}
