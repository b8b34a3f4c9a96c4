package mirror

import (
	"bytes"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// special brings a symbolic link, device, socket or FIFO of the destination in
// line with the source.
func (m *Mirror) special(w *apply.Worker, e *entry) {
	stood := e.exists
	if e.exists && m.sameSpecial(w, e, &e.old, e.p.dfd()) {
		m.upToDate(e)
		m.settle(w, e, true)
		return
	}
	noun := "special file"
	switch {
	case e.src.IsSymlink():
		noun = "symlink"
	case isDevice(e.src.Mode):
		noun = "device file"
	}
	if e.exists && e.old.IsDir() {
		if free, later := m.makeWay(w, e, &e.old, noun); !free {
			m.giveUp(w, e, later)
			return
		}
		e.exists = false
	}
	var alt *platform.Stat
	if !stood && len(e.p.alts) > 0 {
		var done bool
		if alt, done = m.trySpecialAlts(w, e); done {
			return
		}
	}
	flags := plan.FlagLocalChange | plan.FlagChange
	switch {
	case alt != nil:
		flags = m.compare(&e.st, alt, flags)
	case e.exists && kindOf(e.old.Mode) == kindOf(e.src.Mode):
		flags = m.compare(&e.st, &e.old, flags) | m.compareMeta(&e.meta, e.p.dfd(), e.as, nil, e.st.Mode)
	default:
		flags |= plan.FlagNew | m.newMeta(&e.meta)
	}
	if !m.opts.DryRun {
		if err := m.make(w, e); err != nil {
			m.problem("create "+noun, m.dstPath(e.p, e.as.Bytes()), err)
			m.settle(w, e, false)
			return
		}
	}
	if !e.exists {
		m.stats.created.add(e.src.Mode)
	}
	m.itemOf(e, flags, "", nil)
	m.transferred(e)
	m.settle(w, e, true)
}

// kindOf returns the type of an entry as rsync tells them apart: devices of both
// sorts are one kind, FIFOs and sockets another.
func kindOf(mode uint32) uint32 {
	switch t := mode & platform.ModeType; t {
	case platform.ModeBlock:
		return platform.ModeChar
	case platform.ModeSocket:
		return platform.ModeFIFO
	default:
		return t
	}
}

// sameSpecial reports whether what stands at e's name in dir is what e is,
// attributes aside.
func (m *Mirror) sameSpecial(w *apply.Worker, e *entry, old *platform.Stat, dir platform.FD) bool {
	if old.Type() != e.src.Type() {
		return false
	}
	switch e.src.Type() {
	case platform.ModeSymlink:
		if m.opts.FakeSuper && m.isRealLink(dir, e.as) {
			return false // it can't have what is kept of links
		}
		var buf [4096]byte
		n, err := m.calls.Readlinkat(dir, e.as, buf[:])
		return err == nil && n >= 0 && n < len(buf) && bytes.Equal(buf[:n], e.link.Bytes())
	case platform.ModeChar, platform.ModeBlock:
		return old.Rdev == e.src.Rdev
	}
	return true
}

// make creates e with its attributes, aside if something stands there, which
// it then replaces.
func (m *Mirror) make(w *apply.Worker, e *entry) error {
	dir := e.p.dfd()
	create := func(name platform.Name) error {
		if e.src.IsSymlink() {
			return m.calls.Symlinkat(e.link, dir, name)
		}
		return m.calls.Mknodat(dir, name, e.src.Type()|0o600, e.src.Rdev)
	}
	finish := func(name platform.Name) {
		var now platform.Stat
		if m.calls.Statat(dir, name, &now, false) != nil {
			return
		}
		c := m.changes(&e.st, &now, true)
		h := &holder{m: m, fd: platform.None, dir: dir, name: name}
		if err := h.setAll(&c, &e.meta, e.st.Mode); err != nil {
			m.problem("set attributes of", m.dstPath(e.p, e.as.Bytes()), err)
		}
	}
	if !e.exists {
		if err := retry(func() error { return create(e.as) }); err != nil {
			return err
		}
		finish(e.as)
		return nil
	}
	return m.over(w, e, create, finish)
}

// over makes something under a temporary name and renames it over what stands
// at e's, after its backup if one is wanted.
func (m *Mirror) over(w *apply.Worker, e *entry, create func(platform.Name) error, finish func(platform.Name)) error {
	dir := e.p.dfd()
	var temp platform.Name
	for i := 0; ; i++ {
		temp = copier.TempName(w.Temp[:0], e.p.dst.Ino)
		err := create(temp)
		if err == nil {
			break
		}
		if !platform.Exists(err) && !platform.Interrupted(err) || i >= 1000 {
			return err
		}
	}
	if finish != nil {
		finish(temp)
	}
	err := error(nil)
	if m.opts.Backup {
		err = m.backup(e.p, e.as)
	}
	if err == nil {
		err = retry(func() error { return m.calls.Renameat(dir, temp, dir, e.as) })
	}
	// Renaming a name of an inode over another one of it does nothing
	// (rename(2)), so the temporary one may still be there.
	retry(func() error { return m.calls.Unlinkat(dir, temp) })
	return err
}

// makeWay removes what stands at e's name and is of another kind than what is
// to stand there. A directory that holds something goes only if deletions are
// allowed, and then when the guards have agreed: e is put off until then.
// It reports whether the name is free, or e will be done later.
func (m *Mirror) makeWay(w *apply.Worker, e *entry, old *platform.Stat, noun string) (free, later bool) {
	if !old.IsDir() {
		if m.opts.DryRun {
			return true, false
		}
		err := error(nil)
		if m.opts.Backup {
			if err = m.backup(e.p, e.as); err == nil {
				err = m.unlinkIfThere(e.p, e.as)
			}
		} else {
			err = m.calls.Unlinkat(e.p.dfd(), e.as)
		}
		if err != nil {
			m.problem("make way for "+noun, m.dstPath(e.p, e.as.Bytes()), err)
		}
		return err == nil, false
	}
	if m.dirIsEmpty(w, e) {
		if m.opts.DryRun {
			return true, false
		}
		if err := m.calls.Rmdirat(e.p.dfd(), e.as); err != nil {
			m.problem("make way for "+noun, m.dstPath(e.p, e.as.Bytes()), err)
			return false, false
		}
		return true, false
	}
	if !m.deletes() && !m.opts.Force {

		m.note(0, "cannot delete non-empty directory: %s", e.p.path(e.as.Bytes()))
		m.failf(KindPartial, "could not make way for new %s: %s", noun, e.p.path(e.as.Bytes()))
		return false, false
	}
	m.clearWay(e, noun)
	return false, true
}

func (m *Mirror) unlinkIfThere(p *pair, name platform.Name) error {
	err := m.calls.Unlinkat(p.dfd(), name)
	if platform.NotExist(err) {
		return nil
	}
	return err
}

// giveUp ends the work on an entry whose way is not free: what is done later
// keeps its turn.
func (m *Mirror) giveUp(w *apply.Worker, e *entry, later bool) {
	if !later {
		m.settle(w, e, false)
	}
}

// dirIsEmpty reports that the directory at e's name holds nothing.
func (m *Mirror) dirIsEmpty(w *apply.Worker, e *entry) bool {
	var st platform.Stat
	d, err := m.pool.Open(e.p.dst, e.as, false, &st)
	if err != nil {
		return false
	}
	defer d.Done()
	defer d.Release()
	empty := true
	err = m.eachName(w, d, func(platform.Name, uint32) { empty = false })
	return err == nil && empty
}
