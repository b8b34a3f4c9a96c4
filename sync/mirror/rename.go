package mirror

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

// minMove is the size from which a new file may be one that was moved. To
// compare a smaller one costs what it costs to copy it.
const minMove = 4 << 10

// maxMoves bounds the new files that wait for the end of the walk: each takes
// some 700 bytes.
const maxMoves = 200_000

// maxTries is how many files of its size and time a new file is compared with.
// Trees unpacked or generated at one instant can have thousands, and with all of
// them it would be compared in vain.
const maxTries = 8

// moves are the new files that may stand at the destination under another name.
type moves struct {
	mu      sync.Mutex
	entries []*entry
	over    bool           // no more are taken
	gone    map[inode]bool // what a dry run would have moved
}

// awaitMove puts a new file off until it is known what is to be deleted. It
// reports false if the file is to be copied at once.
func (m *Mirror) awaitMove(e *entry, basis *altBasis) bool {
	if !m.opts.DetectRenames || m.far != nil || !m.deletes() || m.opts.Delete == DeleteBefore || m.root.fresh ||
		e.exists || e.inDst || e.group != nil || e.device || basis.dir != nil || e.src.Size < minMove {
		return false
	}
	q := &m.later.moves
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return false
	}
	if len(q.entries) == maxMoves {
		q.over = true
		m.note(0, "more than %d new files: the rest is copied without looking for renames", maxMoves)
		return false
	}
	e.p.unsealed.Add(1)
	q.entries = append(q.entries, e.keep())
	return true
}

// moveKey is what a moved file has in common with what it was.
type moveKey struct {
	size  int64
	mtime platform.Time
}

// moveGroup are the new files and the doomed ones of one key.
type moveGroup struct {
	entries []*entry
	old     []*standing
}

// standing is a doomed file of the destination.
type standing struct {
	dir    *tree.Dir
	name   platform.Name
	path   string // below the destination
	st     platform.Stat
	within bool // its directory is doomed too
	taken  bool
}

// endMoves renames the doomed files that the source has under another name,
// and transfers what else waited for that. deletes and clears tell what goes:
// names that only the destination has, directories in the way.
func (m *Mirror) endMoves(ctx context.Context, deletes, clears bool) {
	q := &m.later.moves
	q.mu.Lock()
	entries := q.entries
	q.entries, q.over, q.gone = nil, true, map[inode]bool{}
	q.mu.Unlock()
	if len(entries) == 0 {
		return
	}
	stopped := m.stopped.Load()
	groups := map[moveKey]*moveGroup{}
	var order []*moveGroup
	for _, e := range entries {
		k := moveKey{e.src.Size, e.src.Mtime}
		g := groups[k]
		if g == nil {
			g = &moveGroup{}
			groups[k] = g
			order = append(order, g)
		}
		g.entries = append(g.entries, e)
	}
	s := &doomedSearch{m: m, w: m.scratch(), groups: groups}
	if deletes {
		for _, d := range m.later.doomed {
			s.names(ctx, d.p, d.names)
		}
	}
	if clears {
		for _, b := range m.later.blocked {
			s.names(ctx, b.e.p, b.e.as)
		}
	}
	var jobs []apply.Job
	for _, g := range slices.Backward(order) { // a Runner takes the last one first
		jobs = append(jobs, &moveJob{m, g})
	}
	opts := m.r.Opts
	if m.opts.MaxDelete >= 0 {
		opts.Jobs = 1 // as with the other deletions
	}
	apply.NewRunner(opts).Run(ctx, jobs...)
	m.endWaiting(ctx)
	if !stopped && m.stopped.Load() {
		m.failf(KindStopped, "stopping at the requested time")
	}
}

// moveJob does all files of one key, so that which one becomes which does not
// depend on chance.
type moveJob struct {
	m *Mirror
	g *moveGroup
}

func (j *moveJob) Run(ctx context.Context, w *apply.Worker) {
	g := j.g
	if len(g.old) > 0 {
		slices.SortFunc(g.entries, func(a, b *entry) int {
			return cmp.Compare(a.p.path(a.as.Bytes()), b.p.path(b.as.Bytes()))
		})
		slices.SortFunc(g.old, func(a, b *standing) int { return cmp.Compare(a.path, b.path) })
	}
	left := g.entries
	if len(g.old) > 0 {
		// A file whose directory was renamed has its name still.
		left = slices.DeleteFunc(left, func(e *entry) bool { return j.entry(ctx, w, e, true) })
	}
	for _, e := range left {
		j.entry(ctx, w, e, false)
	}
}

// entry does one file. With sameName only files of its own name are moved, and
// it reports false if there is none.
func (j *moveJob) entry(ctx context.Context, w *apply.Worker, e *entry, sameName bool) bool {
	m := j.m
	if err := e.p.use(); err != nil {
		m.unusable(e.p, err)
	} else {
		done := ctx.Err() != nil || m.late() || j.find(ctx, w, e, sameName)
		if !done && !sameName {
			m.transfer(ctx, w, e, &altBasis{})
		}
		e.p.release()
		if !done && sameName {
			return false
		}
	}
	m.noteStop(ctx)
	m.done(w, e.p)
	return true
}

// find looks for a doomed file that is what e is, and moves it. e.p is in use.
func (j *moveJob) find(ctx context.Context, w *apply.Worker, e *entry, sameName bool) bool {
	tries := 0
	for _, from := range j.g.old {
		if from.taken || from.dir.Dev != e.p.dev() || bytes.Equal(from.name, e.as) != sameName {
			continue
		}
		if tries++; tries > maxTries {
			return false
		}
		if err := from.dir.Use(); err != nil {
			continue
		}
		from.taken = j.m.move(ctx, w, e, from)
		from.dir.Release()
		if from.taken {
			return true
		}
	}
	return false
}

// dev returns the file system that entries of the pair stand on, or would.
func (p *pair) dev() uint64 {
	for p.dst == nil && p.parent != nil {
		p = p.parent
	}
	if p.dst == nil {
		return 0
	}
	return p.dst.Dev
}

// move makes from, whose directory is in use, what e is to be. It reports false
// if it is not what e is, or can't be moved; then nothing has changed.
func (m *Mirror) move(ctx context.Context, w *apply.Worker, e *entry, from *standing) bool {
	limited := m.opts.MaxDelete >= 0
	if limited && (m.opts.Backup || m.later.deleted.Load() >= int64(m.opts.MaxDelete)) {
		return false
	}
	dir := from.dir.FD()
	flags := m.compare(&e.st, &from.st, 0) | m.compareMeta(&e.meta, dir, from.name, nil, e.st.Mode)
	if m.opts.Backup && flags.Significant() {
		return false // the backup is to keep its attributes
	}
	if same, err := m.sameContents(ctx, w, e, dir, from.name); err != nil || !same {
		return false // an error is told by the transfer
	}
	var src, now platform.Stat
	if m.calls.Statat(e.o.dir.FD(), e.name, &src, e.follow) != nil || !src.Unchanged(&e.src) ||
		m.calls.Statat(dir, from.name, &now, false) != nil || !now.Unchanged(&from.st) || now.Nlink != 1 {
		return false
	}
	if m.opts.Approve != nil {
		// Whatever is against it is said when it comes to the deletion.
		if ok, _ := m.opts.Approve(from.path, nil, &now); !ok {
			return false
		}
	}
	if !m.opts.DryRun {
		if m.flushMoved(from) != nil || m.rename(e, from) != nil {
			return false
		}
		e.old = now
		m.setByName(e, e.as, plan.FlagNew)
	}
	if !m.opts.Backup {
		if m.opts.DryRun {
			q := &m.later.moves
			q.mu.Lock()
			q.gone[inodeOf(&now)] = true
			q.mu.Unlock()
		}
		m.tellDeleted(from.path, &now)
	}
	m.stats.created.add(platform.ModeRegular)
	m.itemOf(e, m.newMeta(&e.meta)|plan.FlagLocalChange|plan.FlagNew, "", nil)
	m.transferred(e)
	return true
}

// flushMoved puts a file on the device before it has its name, where that is
// asked of every file.
func (m *Mirror) flushMoved(from *standing) error {
	if m.opts.Copier.Fsync == copier.NoSync {
		return nil
	}
	var st platform.Stat
	fd, err := m.openBasis(from.dir.FD(), from.name, &st)
	if err != nil {
		return err
	}
	defer m.calls.Close(fd)
	return retry(func() error { return m.calls.Fsync(fd) })
}

// rename gives a doomed file the name of e; nothing is replaced. With backups
// its old name stays and is treated as any that is deleted.
func (m *Mirror) rename(e *entry, from *standing) error {
	dir, to := from.dir.FD(), e.p.dfd()
	if m.opts.Backup {
		return retry(func() error { return m.calls.Linkat(dir, from.name, to, e.as, false) })
	}
	rename := func() error { return copier.RenameNew(m.calls, dir, from.name, to, e.as) }
	err := rename()
	if platform.Denied(err) && from.within {
		// Its owner may lift the mode of a directory that goes anyway.
		var st platform.Stat
		if m.calls.Fstat(dir, &st) == nil && m.calls.Fchmod(dir, st.Mode&platform.ModeBits|0o700) == nil {
			err = rename()
		}
	}
	return err
}

// movedAway reports an entry that a dry run would have moved.
func (m *Mirror) movedAway(st *platform.Stat) bool {
	q := &m.later.moves
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.gone[inodeOf(st)]
}
