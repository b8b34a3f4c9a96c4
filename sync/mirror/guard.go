package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

var errGuard = errors.New("deletion guard")

const flagDeleted = plan.FlagDeleted

// massDelete is from how many files at the destination on it is asked whether
// more than half of them would go.
const massDelete = 1000

// guard says why nothing should be deleted, or "".
func (m *Mirror) guard(ctx context.Context, deletes, clears bool) string {
	if deletes && m.far != nil && m.far.empty != "" {
		return fmt.Sprintf("the source %s is empty", apply.Quote(m.far.empty))
	}
	if deletes {
		for i := range m.root.origins {
			o := &m.root.origins[i]
			if o.want != nil || o.depth == 0 {
				continue
			}
			if o.bare {
				return fmt.Sprintf("the source %s is empty", apply.Quote(o.path))
			}
		}
		if path := m.lostMount(); path != "" {
			return fmt.Sprintf("the source %s was a mount point in the last run and is none now", apply.Quote(path))
		}
	}
	target := m.stats.targetFiles.Load()
	c := &census{m: m}
	w := m.scratch()
	if deletes {
		for _, d := range m.later.doomed {
			c.names(ctx, w, d.p, d.names)
		}
	}
	if clears {
		for _, b := range m.later.blocked {
			c.names(ctx, w, b.e.p, b.e.as)
		}
	}
	total := target + c.inside
	if total >= massDelete && c.gone > total/2 {
		return fmt.Sprintf("at least %d of %d files at the destination would be deleted", c.gone, total)
	}
	return ""
}

// guardUnread says that nothing is deleted because a source can't be read at
// all: an error of single directories, which suppresses deletions too, is told
// by itself.
func (m *Mirror) guardUnread() {
	if m.unreadRoot != "" && m.deletes() && !m.opts.AllowMassDelete && !m.guarded {
		m.guarded = true
		m.fail(KindGuard, errGuard, fmt.Sprintf("the source %s can't be read; nothing was deleted (--allow-mass-delete allows it)", apply.Quote(m.unreadRoot)))
	}
}

// census counts the files that would go.
type census struct {
	m      *Mirror
	gone   int64 // files that would go
	inside int64 // those of them that are in directories the walk didn't list
}

func (c *census) names(ctx context.Context, w *apply.Worker, p *pair, names []byte) {
	if p.dst.Use() != nil {
		return
	}
	defer p.dst.Release()
	for len(names) > 0 && ctx.Err() == nil {
		end := 0
		for names[end] != 0 {
			end++
		}
		name := platform.Name(names[: end+1 : end+1])
		names = names[end+1:]
		c.entry(ctx, w, p.dst, name, 0, p.guards, true)
	}
}

func (c *census) entry(ctx context.Context, w *apply.Worker, dir *tree.Dir, name platform.Name, mode uint32, guards *filter.Dir, top bool) {
	m := c.m
	var st platform.Stat
	if mode == 0 && m.calls.Statat(dir.FD(), name, &st, false) == nil {
		mode = st.Type()
	}
	if mode != platform.ModeDir {
		c.gone++
		if !top {
			c.inside++
		}
		return
	}
	d, err := m.pool.Open(dir, name, false, &st)
	if err != nil {
		return
	}
	defer d.Done()
	defer d.Release()
	if st.Dev != dir.Dev {
		return
	}
	if guards != nil {
		if guards, err = guards.Enter(name.Bytes(), m.reader(d)); err != nil {
			return
		}
	}
	var dirs []platform.Name
	m.eachName(w, d, func(name platform.Name, mode uint32) {
		isDir := m.isDir(d, name, mode)
		if guards != nil && guards.MatchDoomed(name.Bytes(), isDir) == filter.Excluded {
			return
		}
		if isDir {
			dirs = append(dirs, name.Clone())
			return
		}
		c.gone++
		c.inside++
	})
	if len(dirs) == 0 {
		return
	}
	dir.Release()
	for _, sub := range dirs {
		if ctx.Err() != nil {
			break
		}
		c.entry(ctx, w, d, sub, platform.ModeDir, guards, false)
	}
	d.Raise()
	if dir.Use() != nil {
		dir.Hold()
	}
}

// scratch returns what work outside of a job needs of a worker.
func (m *Mirror) scratch() *apply.Worker {
	return &apply.Worker{Runner: m.r, Dirents: make([]byte, 32<<10), Temp: make([]byte, copier.TempSize)}
}
