package mirror

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/tree"
)

// largeDelta is the size from which a file that replaces one is compared with
// it even if nobody asked: where files can be cloned, what did not change then
// stays shared with snapshots. Elsewhere it is copied whole all the same.
const largeDelta = 64 << 20

// delayDir is where files wait that are to be renamed at the end; the name is
// rsync's.
const delayDir = ".~tmp~"

// stage says where a file grows and what it may be made from. The function
// returned ends it.
func (m *Mirror) stage(e *entry, put *copier.Put, basis *altBasis) (end func()) {
	var open []platform.FD
	end = func() {
		for _, fd := range open {
			m.calls.Close(fd)
		}
	}
	put.Preallocate, put.Resume = m.opts.Preallocate, m.opts.Resume
	if m.tempDir != nil {
		put.StageDir = &copier.StageDir{Dir: m.tempDir.FD(), Ino: m.tempDir.Ino}
	}
	if put.Stage != copier.InPlace {
		put.Delta = !m.opts.WholeFile || m.opts.AltKind == AltClone || !m.opts.WholeGiven && e.src.Size >= largeDelta
	}
	if put.Delta && put.BasisStat == nil {
		var fd platform.FD
		var err error
		st := new(platform.Stat)
		switch {
		case basis != nil && basis.dir != nil:
			fd, err = m.openBasis(basis.dir.FD(), e.as, st)
		case e.exists && e.old.IsRegular():
			fd, err = m.openBasis(e.p.dfd(), e.as, st)
		default:
			err = platform.ErrNotExist
		}
		if err == nil {
			put.Basis, put.BasisStat = fd, st
			open = append(open, fd)
		}
	}
	switch {
	case m.opts.DelayUpdates && put.Stage != copier.InPlace:
		if fd, st, err := m.openPartialDir(e.p, true); err == nil {
			open = append(open, fd)
			put.StageDir = &copier.StageDir{Dir: fd, Ino: st.Ino}
			put.Hold, put.HoldName = true, e.as
		}
	case m.opts.PartialDir != "":
		put.Partial = &copier.Partial{Dir: platform.None, Name: e.as, Make: func() (platform.FD, error) {
			fd, _, err := m.openPartialDir(e.p, true)
			if err == nil {
				open = append(open, fd)
			}
			return fd, err
		}}
		if fd, _, err := m.openPartialDir(e.p, false); err == nil {
			open = append(open, fd)
			put.Partial.Dir = fd
		}
	case m.opts.Partial:
		put.Partial = &copier.Partial{Dir: put.Dir, Name: e.as, Final: true}
	}
	return end
}

func (m *Mirror) openBasis(dir platform.FD, name platform.Name, st *platform.Stat) (platform.FD, error) {
	fd, err := m.calls.Openat(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err == nil {
		if err = m.calls.Fstat(fd, st); err == nil && !st.IsRegular() {
			err = platform.ErrNotExist
		}
		if err != nil {
			m.calls.Close(fd)
		}
	}
	return fd, err
}

// partialDir is the directory that incomplete or waiting files of a directory
// are kept in, "" for none.
func (m *Mirror) partialDir() string {
	if m.opts.PartialDir == "" && m.opts.DelayUpdates {
		return delayDir
	}
	return m.opts.PartialDir
}

// openPartialDir opens it for the files of p, and makes it if that is wanted.
func (m *Mirror) openPartialDir(p *pair, create bool) (fd platform.FD, st platform.Stat, err error) {
	path := m.partialDir()
	dir := p.dfd()
	follow := platform.NoFollow
	if strings.HasPrefix(path, "/") {
		dir, follow = platform.CWD, 0
	}
	name, err := platform.MakeName(path)
	if err != nil {
		return platform.None, st, err
	}
	fd, err = m.calls.Openat(dir, name, tree.DirFlags|follow, 0)
	if platform.NotExist(err) && create {
		if err = m.calls.Mkdirat(dir, name, 0o700); err == nil || platform.Exists(err) {
			fd, err = m.calls.Openat(dir, name, tree.DirFlags|follow, 0)
		}
	}
	if err == nil {
		if err = m.calls.Fstat(fd, &st); err != nil {
			m.calls.Close(fd)
		}
	}
	return fd, st, err
}

// dropPartialDir removes the directory of incomplete files if nothing is left
// in it.
func (m *Mirror) dropPartialDir(p *pair) {
	path := m.partialDir()
	if path == "" || strings.HasPrefix(path, "/") {
		return
	}
	if name, err := platform.MakeName(path); err == nil {
		m.calls.Rmdirat(p.dfd(), name)
	}
}

// sweepPartial removes what a killed run left in the directory of incomplete
// files: temporary names, and of --delay-updates all that waits there, since
// nobody knows any more what it is to replace.
func (m *Mirror) sweepPartial(w *apply.Worker, p *pair) {
	name, err := platform.MakeName(m.partialDir())
	var st platform.Stat
	if err != nil {
		return
	}
	d, err := m.pool.Open(p.dst, name, false, &st)
	if err != nil {
		return
	}
	waits := m.partialDir() == delayDir
	var litter []platform.Name
	m.eachName(w, d, func(name platform.Name, _ uint32) {
		if waits || copier.IsTemp(name.Bytes(), d.Ino) {
			litter = append(litter, name.Clone())
		}
	})
	for _, name := range litter {
		m.sweep(w, d, name)
	}
	d.Release()
	d.Done()
	m.dropPartialDir(p)
}

// waiting are the files of a directory that are whole and wait for their names.
type waiting struct {
	p       *pair
	entries []*entry
}

// wait puts off the renaming of e until the end (--delay-updates). One count of
// its pair's unsealed is held for each pair.
func (m *Mirror) wait(e *entry) {
	m.later.mu.Lock()
	defer m.later.mu.Unlock()
	if m.later.waiting == nil {
		m.later.waiting = map[*pair]*waiting{}
	}
	held := m.later.waiting[e.p]
	if held == nil {
		held = &waiting{p: e.p}
		m.later.waiting[e.p] = held
		e.p.unsealed.Add(1)
	}
	held.entries = append(held.entries, e.keep())
}

// renameWaiting gives the files that wait their names.
func (m *Mirror) renameWaiting(w *apply.Worker, held *waiting) {
	p := held.p
	if err := p.use(); err != nil {
		m.unusable(p, err)
		m.done(w, p)
		return
	}
	fd, _, err := m.openPartialDir(p, false)
	for _, e := range held.entries {
		problem := err
		if problem == nil && e.exists && m.opts.Backup {
			problem = m.backup(p, e.as)
		}
		if problem == nil {
			problem = retry(func() error { return m.calls.Renameat(fd, e.as, p.dfd(), e.as) })
		}
		if problem != nil {
			m.problem("replace", m.dstPath(p, e.as.Bytes()), problem)
		} else {
			m.transferred(e)
		}
		m.settle(w, e, problem == nil)
	}
	if err == nil {
		m.calls.Close(fd)
	}
	m.dropPartialDir(p)
	p.release()
	m.done(w, p)
}

// openTempDir opens the directory of --temp-dir, relative to the destination.
func (m *Mirror) openTempDir(dst string) error {
	path := m.opts.TempDir
	if path == "" || m.opts.DryRun {
		return nil
	}
	if !strings.HasPrefix(path, "/") {
		path = filepath.Join(dst, path)
	}
	name, err := platform.MakeName(path)
	var fd platform.FD
	var st platform.Stat
	if err == nil {
		fd, err = m.openRoot(name)
	}
	if err == nil {
		err = m.calls.Fstat(fd, &st)
	}
	if err != nil {
		return &Failure{KindFile, fmt.Sprintf("cannot use %s for temporary files: %s", apply.Quote(path), platform.Message(platform.Cause(err)))}
	}
	m.tempDir = m.pool.Root(fd, &st)
	m.roots = append(m.roots, m.tempDir)
	return nil
}
