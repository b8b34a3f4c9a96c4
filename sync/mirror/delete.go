package mirror

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// deferred is what waits for the end of the walk. Each item holds a count of
// its pair's unsealed.
type deferred struct {
	mu      sync.Mutex
	doomed  []doomed
	blocked []blocked
	waiting map[*pair]*waiting
	moves   moves

	deleted atomic.Int64 // for --max-delete
	skipped atomic.Int64
}

// doomed are names of one directory that only the destination has.
type doomed struct {
	p     *pair
	names []byte // each ended by NUL
}

// blocked is an entry that a directory is in the way of.
type blocked struct {
	e    *entry
	noun string
}

// drop notes the names of a pair that are to go.
func (m *Mirror) drop(p *pair, l *listing) {
	// Backwards, directories first: the order of rsync, which --max-delete shows.
	var names, dirs []byte
	for _, r := range slices.Backward(l.extra) {
		name := l.name(r)
		mode := r.mode()
		if mode == 0 {
			var st platform.Stat
			if m.calls.Statat(p.dfd(), name, &st, false) != nil {
				continue
			}
			mode = st.Type()
		}
		if p.guards != nil && p.guards.Match(name.Bytes(), mode == platform.ModeDir) == filter.Excluded {
			continue
		}
		if mode == platform.ModeDir {
			dirs = append(dirs, name...)
			continue
		}
		names = append(names, name...)
	}
	if len(dirs)+len(names) == 0 {
		return
	}
	names = append(dirs, names...)
	p.unsealed.Add(1)
	m.later.mu.Lock()
	m.later.doomed = append(m.later.doomed, doomed{p, names})
	m.later.mu.Unlock()
}

// clearWay puts an entry off until the directory in its way may go.
func (m *Mirror) clearWay(e *entry, noun string) {
	e.p.unsealed.Add(1)
	m.later.mu.Lock()
	m.later.blocked = append(m.later.blocked, blocked{e.keep(), noun})
	m.later.mu.Unlock()
}

// finish deletes, if the guards agree, and does what waited for that.
func (m *Mirror) finish(ctx context.Context) {
	d := &m.later
	m.endGroups(ctx)
	m.endWaiting(ctx)
	m.guardUnread()
	deletes := len(d.doomed) > 0
	clears := len(d.blocked) > 0
	switch {
	case !deletes && !clears && len(d.moves.entries) == 0:
		return
	case m.stopped.Load() || m.aborted.Load():
		deletes, clears = false, false
	case deletes && m.ioError.Load() && !m.opts.IgnoreErrors:
		m.note(0, "IO error encountered -- skipping file deletion")
		deletes = false
	}
	if (deletes || clears) && !m.opts.AllowMassDelete {
		if why := m.guard(ctx, deletes, clears); why != "" {
			m.guarded = true
			m.fail(KindGuard, errGuard, why+"; nothing was deleted (--allow-mass-delete allows it)")
			deletes, clears = false, false
		}
	}
	m.endMoves(ctx, deletes, clears)
	if m.stopped.Load() {
		deletes, clears = false, false
	}
	if deletes && m.ioError.Load() && !m.opts.IgnoreErrors {
		m.note(0, "IO error encountered -- skipping file deletion")
		deletes = false
	}
	var jobs []apply.Job
	for i := range d.doomed {
		jobs = append(jobs, &doomedJob{m, d.doomed[i], deletes})
	}
	for i := range d.blocked {
		jobs = append(jobs, &blockedJob{m, d.blocked[i], clears})
	}
	opts := m.r.Opts
	if m.opts.MaxDelete >= 0 {
		opts.Jobs = 1 // which ones go is told by their order
	}
	apply.NewRunner(opts).Run(ctx, jobs...)
	if n := d.skipped.Load(); n > 0 {
		m.failf(KindDelete, "deletions stopped due to --max-delete limit (%d skipped)", n)
	}
}

// endWaiting gives the files of --delay-updates their names.
func (m *Mirror) endWaiting(ctx context.Context) {
	for len(m.later.waiting) > 0 { // a name may begin anew when what it was to be linked to failed
		var jobs []apply.Job
		for _, held := range m.later.waiting {
			jobs = append(jobs, &waitingJob{m, held})
		}
		m.later.waiting = nil
		apply.NewRunner(m.r.Opts).Run(ctx, jobs...)
	}
}

// waitingJob does that for one directory.
type waitingJob struct {
	m    *Mirror
	held *waiting
}

func (j *waitingJob) Run(_ context.Context, w *apply.Worker) { j.m.renameWaiting(w, j.held) }

// doomedJob deletes the names of one directory, unless it is not to.
type doomedJob struct {
	m *Mirror
	doomed
	allowed bool
}

func (j *doomedJob) Run(ctx context.Context, w *apply.Worker) {
	m, p := j.m, j.p
	if j.allowed && ctx.Err() == nil {
		if err := p.dst.Use(); err != nil {
			m.problem("access", m.dstPath(p, nil), err)
		} else {
			r := &removal{m: m, w: w, guards: p.guards, tell: true}
			for names := j.names; len(names) > 0 && ctx.Err() == nil; {
				end := strings.IndexByte(string(names), 0)
				name := platform.Name(names[: end+1 : end+1])
				names = names[end+1:]
				r.remove(ctx, p.dst, p.path(name.Bytes()), name, p.guards)
			}
			p.dst.Release()
		}
	}
	m.done(w, p)
}

// blockedJob removes the directory in the way of an entry and does what was to
// be done with the entry.
type blockedJob struct {
	m *Mirror
	blocked
	allowed bool
}

func (j *blockedJob) Run(ctx context.Context, w *apply.Worker) {
	m, e := j.m, j.e
	if err := e.p.use(); err != nil {
		m.unusable(e.p, err)
	} else {
		r := &removal{m: m, w: w, guards: e.p.guards, tell: true, room: true}
		switch {
		case ctx.Err() != nil:
		case j.allowed && r.remove(ctx, e.p.dst, e.p.path(e.as.Bytes()), e.as, e.p.guards):
			e.exists = false
			if e.group != nil {
				m.joinGroup(ctx, w, e)
			} else {
				m.carryOut(ctx, w, e)
			}
		default:
			m.failf(KindPartial, "could not make way for new %s: %s", j.noun, e.p.path(e.as.Bytes()))
		}
		e.p.release()
	}
	m.done(w, e.p)
}

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
	switch {
	case m.opts.DryRun:
	case st.IsDir():
		err = retry(func() error { return m.calls.Rmdirat(dir.FD(), name) })
	default:
		if r.tell && m.opts.Backup && (m.opts.BackupDir != "" || !m.isBackup(name)) {
			err = m.moveToBackup(dir.FD(), parentOf(path), name)
			break
		}
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
