package mirror

import (
	"bytes"
	"context"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// doomedSearch looks through what is to be deleted for files of the size and
// time of one that waits.
type doomedSearch struct {
	m      *Mirror
	w      *apply.Worker
	groups map[moveKey]*moveGroup
}

// names looks at entries of p, each ended by NUL, and what is in them.
func (s *doomedSearch) names(ctx context.Context, p *pair, names []byte) {
	if p.dst.Use() != nil {
		return
	}
	defer p.dst.Release()
	for len(names) > 0 && ctx.Err() == nil {
		end := bytes.IndexByte(names, 0)
		name := platform.Name(names[: end+1 : end+1])
		names = names[end+1:]
		s.entry(ctx, p.dst, p.path(name.Bytes()), name, p.guards, false)
	}
}

// entry looks at name in dir, which is in use. within tells that dir is doomed
// too.
func (s *doomedSearch) entry(ctx context.Context, dir *tree.Dir, path string, name platform.Name, guards *filter.Dir, within bool) {
	var st platform.Stat
	if s.m.calls.Statat(dir.FD(), name, &st, false) != nil {
		return
	}
	switch {
	case st.IsRegular() && st.Nlink == 1:
		if g := s.groups[moveKey{st.Size, st.Mtime}]; g != nil {
			g.old = append(g.old, &standing{dir: dir, name: name.Clone(), path: path, st: st, within: within})
		}
	case st.IsDir() && st.Dev == dir.Dev:
		s.below(ctx, dir, path, name, guards)
	}
}

// below looks at what is in a doomed directory and not protected.
func (s *doomedSearch) below(ctx context.Context, parent *tree.Dir, path string, name platform.Name, guards *filter.Dir) {
	m := s.m
	var st platform.Stat
	d, err := m.pool.Open(parent, name, false, &st)
	if err != nil {
		return
	}
	defer d.Done()
	defer d.Release()
	if st.Dev != parent.Dev {
		return
	}
	if guards != nil {
		if guards, err = guards.Enter(name.Bytes(), m.reader(d)); err != nil {
			return
		}
	}
	var names []platform.Name
	if m.eachName(s.w, d, func(name platform.Name, mode uint32) {
		if guards == nil || guards.MatchDoomed(name.Bytes(), m.isDir(d, name, mode)) != filter.Excluded {
			names = append(names, name.Clone())
		}
	}) != nil || len(names) == 0 {
		return
	}
	// What is above is not needed meanwhile, however deep it gets.
	parent.Release()
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		s.entry(ctx, d, path+"/"+name.String(), name, guards, true)
	}
	d.Raise()
	if parent.Use() != nil {
		parent.Hold() // the caller releases it all the same
	}
}
