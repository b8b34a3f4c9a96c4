package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// bigFile is the size from which a file is copied apart from its batch.
const bigFile = 8 << 20

// file brings a regular file of the destination in line with the source.
func (m *Mirror) file(ctx context.Context, w *apply.Worker, e *entry) {
	if m.rules.Update && e.exists && e.old.IsRegular() && m.rules.Newer(&e.old, &e.st) {
		m.note(2, "%s is newer", e.p.path(e.as.Bytes()))
		m.settle(w, e, false)
		return
	}
	if e.exists && !e.old.IsRegular() && !(m.opts.WriteDevices && isDevice(e.old.Mode)) {
		if free, later := m.makeWay(w, e, &e.old, "regular file"); !free {
			m.giveUp(w, e, later)
			return
		}
		e.exists = false
	}
	basis := &altBasis{}
	if len(e.p.alts) > 0 {
		var done bool
		if basis, done = m.tryAlts(ctx, w, e); done {
			return
		}
	}
	if e.exists && basis.dir == nil {
		same, err := m.same(ctx, w, e)
		if err != nil {
			m.readProblem(e, err)
			m.settle(w, e, false)
			return
		}
		if same {
			m.upToDate(e)
			m.settle(w, e, true)
			return
		}
		if m.rules.Append && e.old.Size >= e.src.Size {
			m.settle(w, e, true)
			return
		}
	}
	m.transfer(ctx, w, e, basis)
}

// same is the quick check, which with -c reads both files.
func (m *Mirror) same(ctx context.Context, w *apply.Worker, e *entry) (bool, error) {
	switch m.rules.QuickCheck(&e.st, &e.old) {
	case plan.Same:
		return true, nil
	case plan.Differs:
		return false, nil
	}
	return m.sameContents(ctx, w, e, e.p.dfd(), e.as)
}

// transfer copies the bytes, now or as a big file, and tells of it.
func (m *Mirror) transfer(ctx context.Context, w *apply.Worker, e *entry, basis *altBasis) {
	if m.awaitMove(e, basis) {
		return
	}
	flags := plan.FlagTransfer
	if m.rules.Checksum {
		flags |= plan.FlagChange
	}
	switch {
	case basis.dir != nil:
		e.st.Mode = e.st.Mode&^platform.ModeBits | m.rules.Mode(e.st.Mode, &basis.st, 0)
		flags = m.compare(&e.st, &basis.st, flags) | m.compareMeta(&e.meta, basis.dir.FD(), e.as, nil, e.st.Mode)
	case e.exists && isDevice(e.old.Mode):
		flags = m.compare(&e.st, &e.old, flags)
	default:
		flags = m.differences(e, flags)
	}
	if m.opts.DryRun {
		m.countFile(e, nil)
		m.itemOf(e, flags, "", nil)
		m.settle(w, e, true)
		return
	}
	m.r.Counters.WantedFiles.Add(1)
	m.r.Counters.WantedBytes.Add(e.src.Size)
	if m.far != nil {
		m.far.request(e, flags, basis)
		return
	}
	if e.src.Size >= bigFile {
		j := &bigJob{m, e.keep(), flags, basis}
		e.p.unsealed.Add(1)
		if w.Runner.PushBig(j) {
			return
		}
		e.p.unsealed.Add(-1)
	}
	m.put(ctx, w, e, flags, basis, false)
}

// bigJob copies a file that would hold up its batch.
type bigJob struct {
	m     *Mirror
	e     *entry
	flags plan.Flags
	basis *altBasis
}

func (j *bigJob) Run(ctx context.Context, w *apply.Worker) {
	m, p := j.m, j.e.p
	if err := p.use(); err != nil {
		m.unusable(p, err)
		m.settle(w, j.e, false)
	} else {
		if ctx.Err() == nil {
			m.put(ctx, w, j.e, j.flags, j.basis, true)
		}
		p.release()
	}
	m.noteStop(ctx)
	m.done(w, p)
}

// put copies a file. queued tells that its directory may have got its name
// since.
func (m *Mirror) put(ctx context.Context, w *apply.Worker, e *entry, flags plan.Flags, basis *altBasis, queued bool) {
	src := e.src
	fd, err := m.openSource(e)
	if err == nil {
		err = m.calls.Fstat(fd, &src)
	}
	if err == nil && !e.device && (!src.IsRegular() || inodeOf(&src) != inodeOf(&e.src) && !m.mayStandIn(e, fd, &src)) {
		err = copier.ErrChanged
	}
	if err != nil {
		if fd != platform.None {
			m.calls.Close(fd)
		}
		m.readProblem(e, err)
		m.settle(w, e, false)
		return
	}
	put := &w.Put
	*put = copier.Put{
		Dir: e.p.dfd(), DirIno: e.p.dst.Ino, DirDev: e.p.dst.Dev, Name: e.as,
		Src: fd, Stat: &src, OldFD: platform.None, Umask: m.opts.Umask,
	}
	put.Finish = func(fd platform.FD) (copier.Lost, error) {
		return m.finishFile(e, &src, fd, put.Stage == copier.InPlace)
	}
	w.Begin()
	if m.writesInto(e) {
		err = m.putInPlace(ctx, w, e, put)
	} else {
		m.chooseStage(e, put, queued)
		err = m.putStaged(ctx, w, e, put, basis)
	}
	m.calls.Close(fd)
	m.endPut(w, e, flags, put, &src, err)
}

// writesInto reports whether the file that stands there is written into.
func (m *Mirror) writesInto(e *entry) bool {
	return e.exists && (m.opts.InPlace || m.rules.Append || isDevice(e.old.Mode))
}

// chooseStage says where a file grows that is not written in place.
func (m *Mirror) chooseStage(e *entry, put *copier.Put, queued bool) {
	switch {
	case e.exists:
		put.Stage, put.Old = copier.Sibling, &e.old
		if m.opts.Backup {
			put.BeforeCommit = func() error { return m.backup(e.p, e.as) }
		}
	case e.p.temp != nil && !queued:
		put.Stage = copier.Plain
	default:
		put.Stage = copier.Unnamed
	}
}

// endPut tells of a file that was copied, or of err.
func (m *Mirror) endPut(w *apply.Worker, e *entry, flags plan.Flags, put *copier.Put, src *platform.Stat, err error) {
	if err != nil {
		m.putProblem(e, err)
		m.settle(w, e, false)
		return
	}
	if put.Lost.Failed {
		m.problem("set attributes of", m.dstPath(e.p, e.as.Bytes()), put.Lost.Err)
	}
	w.CountFile(&put.Result)
	m.countFile(e, &put.Result)
	e.st.Size = put.Result.Bytes
	m.itemOf(e, flags, "", &put.Result)
	e.src = *src
	if put.Hold {
		m.wait(e)
		return
	}
	m.transferred(e)
	m.settle(w, e, true)
}

// putStaged copies a file that is not seen before it is whole.
func (m *Mirror) putStaged(ctx context.Context, w *apply.Worker, e *entry, put *copier.Put, basis *altBasis) error {
	end := m.stage(e, put, basis)
	defer end()
	if put.Hold {
		put.BeforeCommit = nil // made when it gets its name
	}
	err := w.Copy.Put(ctx, put)
	if err == nil && put.Partial != nil && put.Partial.Dir != platform.None && !put.Partial.Final {
		m.dropPartialDir(e.p)
	}
	return err
}

func (m *Mirror) countFile(e *entry, r *copier.Result) {
	m.stats.transferred.Add(1)
	m.stats.transferSize.Add(e.src.Size)
	if !e.exists {
		m.stats.created.add(platform.ModeRegular)
	}
	if r != nil {
		m.stats.literal.Add(r.Bytes - r.Cloned - r.Matched)
		m.stats.matched.Add(r.Cloned + r.Matched)
	}
}

// openSource opens a file of the source. A FIFO or device that took its place
// since must not block or act.
func (m *Mirror) openSource(e *entry) (platform.FD, error) {
	flags := platform.ReadOnly | platform.NoCTTY | platform.NonBlock
	if !e.follow {
		flags |= platform.NoFollow
	}
	if e.device {
		flags &^= platform.NonBlock
	}
	open := func(flags int) (fd platform.FD, err error) {
		fd = platform.None
		err = retry(func() error {
			fd, err = m.calls.Openat(e.o.dir.FD(), e.name, flags, 0)
			return err
		})
		return fd, err
	}
	fd, err := open(flags | platform.NoAtime)
	if err != nil && platform.NotPermitted(err) {
		// Only the owner may leave the access time alone (open(2), O_NOATIME).
		fd, err = open(flags)
	}
	return fd, err
}

// finishFile gives a staged file its attributes; written tells that it is the old
// one, written into.
func (m *Mirror) finishFile(e *entry, src *platform.Stat, fd platform.FD, written bool) (lost copier.Lost, err error) {
	var now platform.Stat
	if err := m.calls.Fstat(fd, &now); err != nil {
		return lost, &copier.StepError{Step: copier.StepStat, Err: err}
	}
	want := e.st
	// What was looked at may have changed since; the copy is of what src says.
	want.Mtime, want.Atime, want.Size = src.Mtime, src.Atime, src.Size
	if e.device {
		want.Mtime = e.st.Mtime
	}
	c := m.changes(&want, &now, true)
	if written && !m.rules.KeepsTime(want.Mode) && !isDevice(now.Mode) {
		// Nothing may have been written that wasn't there; it is new all the same.
		c.mtime, c.setTimes = platform.Time{Nsec: platform.TimeNow}, true
	}
	h := &holder{m: m, fd: fd}
	if err := h.setAll(&c, &e.meta, platform.ModeRegular); err != nil {
		lost = copier.Lost{Attrs: copier.AttrMode, Err: err, Failed: true}
	}
	return lost, nil
}

// putInPlace writes into the existing file.
func (m *Mirror) putInPlace(ctx context.Context, w *apply.Worker, e *entry, put *copier.Put) error {
	if err := m.aimInPlace(ctx, w, e, put); err != nil {
		return err
	}
	fd := put.OldFD
	if isDevice(e.old.Mode) {
		err := w.Copy.Stream(ctx, fd, put.Src, &put.Result)
		if err == nil {
			put.Lost, err = put.Finish(fd)
		}
		if e := m.calls.Close(fd); err == nil && e != nil {
			err = &copier.StepError{Step: copier.StepClose, Err: e}
		}
		return err
	}
	put.Delta = !m.opts.WholeFile
	put.Basis, put.BasisStat = fd, &e.old
	switch {
	case m.opts.AppendVerify:
		put.Append = copier.AppendVerify
	case m.opts.Append:
		put.Append = copier.AppendOnly
	}
	return w.Copy.Put(ctx, put)
}

// aimInPlace opens the existing file, after its backup if one is wanted.
func (m *Mirror) aimInPlace(ctx context.Context, w *apply.Worker, e *entry, put *copier.Put) error {
	if m.opts.Backup && !isDevice(e.old.Mode) {
		if err := m.backupCopy(ctx, w, e); err != nil {
			return err
		}
	}
	fd, err := m.openOld(e)
	if err != nil {
		return &copier.StepError{Step: copier.StepCreate, Err: err}
	}
	put.OldFD, put.Old, put.Stage = fd, &e.old, copier.InPlace
	return nil
}

// openOld opens an existing file for writing, whatever its mode says to its
// owner.
func (m *Mirror) openOld(e *entry) (platform.FD, error) {
	const flags = platform.ReadWrite | platform.NoFollow | platform.NoCTTY | platform.NonBlock
	fd, err := m.calls.Openat(e.p.dfd(), e.as, flags, 0)
	if platform.Denied(err) && m.calls.Fchmodat(e.p.dfd(), e.as, e.old.Mode&platform.ModeBits|0o600) == nil {
		fd, err = m.calls.Openat(e.p.dfd(), e.as, flags, 0)
	}
	var st platform.Stat
	if err == nil {
		if err = m.calls.Fstat(fd, &st); err == nil && inodeOf(&st) != inodeOf(&e.old) {
			err = copier.ErrChanged
		}
		if err != nil {
			m.calls.Close(fd)
		}
	}
	return fd, err
}

// readProblem reports a source that can't be read.
func (m *Mirror) readProblem(e *entry, err error) {
	if errors.Is(err, copier.ErrChanged) {
		m.fail(KindChanged, err, fmt.Sprintf("%s was replaced while being copied; not copied", apply.Quote(e.srcPath())))
		return
	}
	m.sourceProblem("open", e.srcPath(), err)
}

// putProblem reports a file that could not be copied.
func (m *Mirror) putProblem(e *entry, err error) {
	src, dst := apply.Quote(e.srcPath()), apply.Quote(m.dstPath(e.p, e.as.Bytes()))
	var s *copier.StepError
	switch {
	case errors.Is(err, context.Canceled):
	case errors.Is(err, copier.ErrChanged):
		m.fail(KindChanged, err, src+" changed while being copied; not copied")
	case errors.Is(err, copier.ErrVerify):
		m.fail(KindPartial, err, fmt.Sprintf("verification of %s failed: what was stored differs from %s", dst, src))
	case errors.As(err, &s) && s.Step == copier.StepRead:
		m.ioError.Store(true)
		m.fail(KindPartial, err, fmt.Sprintf("error reading %s: %s", src, platform.Message(s.Err)))
	case errors.As(err, &s):
		m.fail(KindPartial, err, fmt.Sprintf("cannot %s %s: %s", stepWords(s.Step), dst, platform.Message(s.Err)))
	default:
		m.fail(KindPartial, err, fmt.Sprintf("cannot copy %s to %s: %s", src, dst, platform.Message(err)))
	}
}

func stepWords(s copier.Step) string {
	switch s {
	case copier.StepCreate:
		return "create"
	case copier.StepPublish:
		return "replace"
	case copier.StepSync:
		return "flush"
	case copier.StepVerify:
		return "verify"
	}
	return "write"
}
