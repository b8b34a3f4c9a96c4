package mirror

import (
	"context"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// removal removes entries of the destination.
type removal struct {
	m      *Mirror
	w      *apply.Worker
	guards *filter.Dir
	tell   bool // events, counts, backups, limit
	room   bool // the first entry gives way to another: it is no deletion
}

// remove removes name from dir, which is in use, with all that is in it and
// isn't protected. It reports whether it is gone.
func (r *removal) remove(ctx context.Context, dir *tree.Dir, path string, name platform.Name, guards *filter.Dir) bool {
	m := r.m
	room := r.room
	r.room = false
	var st platform.Stat
	if err := m.calls.Statat(dir.FD(), name, &st, false); err != nil {
		return platform.NotExist(err)
	}
	if m.opts.DryRun && m.movedAway(&st) {
		return true
	}
	if st.IsDir() && !r.empty(ctx, dir, path, name, &st, guards) {
		return false
	}
	if r.tell && !room && m.opts.MaxDelete >= 0 && m.later.deleted.Load() >= int64(m.opts.MaxDelete) {
		m.later.skipped.Add(1)
		return false
	}
	if r.tell && !room && m.opts.Approve != nil {
		ok, reason := m.opts.Approve(path, nil, &st)
		if reason != "" {
			m.failf(KindPartial, "%s: %s", apply.Quote(path), reason)
		}
		if !ok {
			return false
		}
	}
	var err error
	switch keeps := r.tell && m.opts.Backup && !st.IsDir() && (m.opts.BackupDir != "" || !m.isBackup(name)); {
	case m.opts.DryRun && keeps:
		m.toldBackup(parentOf(path), name, nil)
	case m.opts.DryRun:
	case st.IsDir():
		err = retry(func() error { return m.calls.Rmdirat(dir.FD(), name) })
	case keeps:
		err = m.moveToBackup(dir.FD(), parentOf(path), name)
	default:
		err = retry(func() error { return m.calls.Unlinkat(dir.FD(), name) })
	}
	switch {
	case err == nil:
	case platform.NotExist(err):
		err = nil
	case platform.Exists(err):
		m.note(0, "cannot delete non-empty directory: %s", path)
		return false
	default:
		m.problem("delete", m.below(path), err)
		return false
	}
	if r.tell && !room {
		m.tellDeleted(path, &st)
	}
	return true
}

// tellDeleted counts an entry of the destination that went, and tells of it.
func (m *Mirror) tellDeleted(path string, st *platform.Stat) {
	m.later.deleted.Add(1)
	m.stats.deleted.add(st.Mode)
	if m.opts.Itemize {
		m.report.Item(&Event{Name: path, Mode: st.Mode, Flags: flagDeleted, Size: st.Size, Mtime: st.Mtime, UID: st.UID, GID: st.GID, Old: st})
	}
}

// empty removes what is in a directory. It reports whether nothing is left.
func (r *removal) empty(ctx context.Context, parent *tree.Dir, path string, name platform.Name, st *platform.Stat, guards *filter.Dir) bool {
	m := r.m
	if st.Dev != parent.Dev {
		m.note(0, "cannot delete mount point: %s", path)
		return false
	}
	d, err := m.pool.Open(parent, name, false, st)
	if platform.Denied(err) && !m.opts.DryRun && m.calls.Fchmodat(parent.FD(), name, st.Mode&platform.ModeBits|0o700) == nil {
		d, err = m.pool.Open(parent, name, false, st)
	}
	if err != nil {
		if platform.NotExist(err) {
			return true
		}
		m.problem("delete", m.below(path), err)
		return false
	}
	defer d.Done()
	defer d.Release()
	if st.Dev != parent.Dev {
		m.note(0, "cannot delete mount point: %s", path)
		return false
	}
	if st.Mode&0o300 != 0o300 && !m.opts.DryRun && m.opts.UID != 0 {
		m.calls.Fchmod(d.FD(), st.Mode&platform.ModeBits|0o700)
	}
	if guards != nil {
		if guards, err = guards.Enter(name.Bytes(), m.reader(d)); err != nil {
			m.badRules(m.below(path), err)
			return false
		}
	}
	type found struct {
		name platform.Name
		mode uint32
	}
	var names []found
	if err := m.eachName(r.w, d, func(name platform.Name, mode uint32) {
		names = append(names, found{name.Clone(), mode})
	}); err != nil {
		m.problem("read directory", m.below(path), err)
		return false
	}
	if len(names) == 0 {
		return true
	}
	// What is above is not needed while this is emptied, however deep it is.
	parent.Release()
	all := true
	for _, f := range names {
		if ctx.Err() != nil {
			all = false
			break
		}
		if guards != nil && guards.MatchDoomed(f.name.Bytes(), m.isDir(d, f.name, f.mode)) == filter.Excluded {
			all = false
			continue
		}
		all = r.remove(ctx, d, path+"/"+f.name.String(), f.name, guards) && all
	}
	d.Raise()
	if err := parent.Use(); err != nil {
		// The caller releases it all the same.
		m.problem("delete", m.below(path), err)
		parent.Hold()
		return false
	}
	if !all && ctx.Err() == nil && r.tell {
		m.note(0, "cannot delete non-empty directory: %s", path)
	}
	return all
}

func (m *Mirror) isDir(d *tree.Dir, name platform.Name, mode uint32) bool {
	if mode == 0 {
		var st platform.Stat
		if m.calls.Statat(d.FD(), name, &st, false) == nil {
			mode = st.Type()
		}
	}
	return mode == platform.ModeDir
}

func parentOf(path string) string {
	dir, _ := splitLast(path)
	return strings.TrimSuffix(dir, "/")
}

// below returns what the user would call an entry of the destination.
func (m *Mirror) below(path string) string {
	switch prefix := m.dstPrefix; {
	case prefix == "":
		return path
	case strings.HasSuffix(prefix, "/"):
		return prefix + path
	default:
		return prefix + "/" + path
	}
}

func (m *Mirror) isBackup(name platform.Name) bool {
	s := name.String()
	return m.opts.Suffix != "" && len(s) > len(m.opts.Suffix) && strings.HasSuffix(s, m.opts.Suffix)
}

// sweep removes what a killed run left: a temporary name that nobody holds the
// lock of.
func (m *Mirror) sweep(w *apply.Worker, d *tree.Dir, name platform.Name) {
	fd, err := m.calls.Openat(d.FD(), name, platform.ReadOnly|platform.NoFollow|platform.NonBlock, 0)
	if err != nil {
		if platform.Loop(err) || platform.NoDevice(err) {
			// A link or special file, made and renamed at once: litter.
			m.calls.Unlinkat(d.FD(), name)
		}
		return
	}
	defer m.calls.Close(fd)
	if m.calls.Flock(fd, true) == nil {
		r := &removal{m: m, w: w}
		r.remove(context.Background(), d, name.String(), name, nil)
	}
}

// removeStaged removes a directory that could not get its name.
func (m *Mirror) removeStaged(p *pair) {
	r := &removal{m: m, w: m.scratch()}
	if p.parent.dst.Use() == nil {
		r.remove(context.Background(), p.parent.dst, p.path(nil), p.temp, nil)
		p.parent.dst.Release()
	}
}
