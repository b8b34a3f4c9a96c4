package mirror

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
)

// deferred is what waits for the end of the walk. Each item holds a count of
// its pair's unsealed.
type deferred struct {
	mu      sync.Mutex
	doomed  []doomed
	blocked []blocked
	waiting map[*pair]*waiting
	moves   moves
	arrived []*entry // whose sources go when nobody comes to them again
	walked  bool     // nobody does any more

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
	m.drainFar()
	m.removeArrived(ctx)
	m.endWaiting(ctx)
	m.guardUnread()
	if m.opts.Delete == DeleteAfter && m.opts.Filter != nil && !m.opts.DryRun {
		m.guardAgain()
	}
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

// keepForNow puts off the removal of a source that another operand may name too.
// It reports false once the walk is over.
func (m *Mirror) keepForNow(e *entry) bool {
	m.later.mu.Lock()
	defer m.later.mu.Unlock()
	if m.later.walked {
		return false
	}
	e.p.unsealed.Add(1)
	m.later.arrived = append(m.later.arrived, e.keep())
	return true
}

// removeArrived makes up for keepForNow.
func (m *Mirror) removeArrived(ctx context.Context) {
	m.later.mu.Lock()
	arrived := m.later.arrived
	m.later.arrived, m.later.walked = nil, true
	m.later.mu.Unlock()
	w := m.scratch()
	for _, e := range arrived {
		if ctx.Err() != nil {
			return
		}
		if err := e.p.use(); err != nil {
			m.problem("remove source", e.srcPath(), err)
		} else {
			m.transferred(e)
			e.p.release()
		}
		m.done(w, e.p)
	}
}

// guardAgain reads the rules of the destination once more, since they may have
// come with this run, and spares what they protect: that is what --delete-after
// is for (rsync(1)).
func (m *Mirror) guardAgain() {
	read := map[*pair]bool{}
	spared := m.later.doomed[:0]
	for _, d := range m.later.doomed {
		m.readGuards(d.p, read)
		var left []byte
		if err := d.p.dst.Use(); err != nil {
			m.problem("access", m.dstPath(d.p, nil), err)
		} else {
			for names := d.names; len(names) > 0; {
				end := bytes.IndexByte(names, 0)
				name := platform.Name(names[: end+1 : end+1])
				names = names[end+1:]
				if d.p.guards == nil || d.p.guards.Match(name.Bytes(), m.isDir(d.p.dst, name, 0)) != filter.Excluded {
					left = append(left, name...)
				}
			}
			d.p.dst.Release()
		}
		if left == nil {
			m.done(m.scratch(), d.p)
			continue
		}
		spared = append(spared, doomed{d.p, left})
	}
	m.later.doomed = spared
}

// readGuards gives a pair, after those above it, the rules that stand in it now.
func (m *Mirror) readGuards(p *pair, read map[*pair]bool) {
	if p == nil || read[p] || p.guards == nil {
		return
	}
	read[p] = true
	m.readGuards(p.parent, read)
	err := p.dst.Use()
	if err == nil {
		if p.parent == nil {
			p.guards, err = m.filterOf(filter.Receiver, cmp.Or(m.dstPrefix, "."), p.dst, p.delete, false)
		} else {
			p.guards, err = p.parent.guards.Enter(p.name.Bytes(), m.reader(p.dst))
		}
		p.dst.Release()
	}
	if err != nil {
		m.badRules(m.dstPath(p, nil), err)
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

// deleteFirst is the walk of DeleteBefore: it lists both sides, and deletes.
func (m *Mirror) deleteFirst(ctx context.Context, sources []string, dst string) error {
	first := New(m.native, m.opts, m.report)
	first.deleteOnly, first.said = true, map[string]bool{}
	first.opts.Delete = DeleteDuring
	defer first.close()
	root, err := first.operands(sources, dst)
	if err != nil {
		return err
	}
	first.root = root
	first.r.Run(ctx, &rootJob{first})
	if ctx.Err() == nil {
		first.finish(ctx)
	}
	m.said = first.said
	m.ioError.Store(first.ioError.Load())
	m.later.deleted.Store(first.later.deleted.Load())
	m.stats.addDeleted(&first.stats)
	return nil
}
