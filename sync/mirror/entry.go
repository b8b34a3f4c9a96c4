package mirror

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/wire"
)

// now is the clock of --stop-at.
func now() time.Time { return time.Now() }

// entry is a name that is no directory, at both sides.
type entry struct {
	p     *pair
	o     *origin
	name  platform.Name // at the source
	as    platform.Name // at the destination
	inDst bool          // its listing has it

	follow bool
	device bool          // read as a file (--copy-devices)
	src    platform.Stat // as it is
	st     platform.Stat // as it is to arrive
	old    platform.Stat
	exists bool
	link   platform.Name // what a symbolic link holds
	meta   meta
	group  *linkGroup

	id  wire.FileID // of an entry that the other end told of
	sum []byte      // of its content, if that was told
}

// keep returns a copy of e that stays valid when the listing is gone.
func (e *entry) keep() *entry {
	k := *e
	k.name, k.as, k.link = e.name.Clone(), e.as.Clone(), e.link.Clone()
	return &k
}

func (e *entry) srcPath() string { return e.o.srcPath(e.name.Bytes()) }

// entry does what is to be done with one entry. e.p is in use.
func (m *Mirror) entry(ctx context.Context, w *apply.Worker, e *entry) {
	w.Tally.Found++
	if !m.look(w, e) {
		return
	}
	m.decide(ctx, w, e)
}

// decide is entry for one whose source has been looked at.
func (m *Mirror) decide(ctx context.Context, w *apply.Worker, e *entry) {
	m.stats.files.add(e.src.Mode)
	if e.src.IsRegular() || e.src.IsSymlink() {
		m.stats.totalSize.Add(e.src.Size)
		w.Tally.FoundBytes += e.src.Size
	}
	if m.leavesOut(e) {
		return
	}
	if e.inDst && !m.lookAtTarget(e) {
		return
	}
	switch {
	case !e.exists && m.rules.Existing:
		m.note(2, "not creating new file \"%s\"", e.p.path(e.as.Bytes()))
		return
	case e.exists && m.rules.IgnoreExisting:
		m.note(2, "%s exists", e.p.path(e.as.Bytes()))
		return
	}
	if !m.approved(e.p, e.name, &e.src, orNil(&e.old, e.exists)) {
		return
	}
	stays := e.old.Type() == e.src.Type() || !e.src.IsRegular() && !e.old.IsDir() || m.opts.WriteDevices && isDevice(e.old.Mode)
	e.st.Mode = e.st.Mode&^platform.ModeBits | m.rules.Mode(e.st.Mode, orNil(&e.old, e.exists && stays), m.freshBits(e.p))
	if m.opts.HardLinks && m.linked(e) && !m.claim(ctx, w, e) {
		return
	}
	m.carryOut(ctx, w, e)
}

// look stats the source and reads what is to be kept of it.
func (m *Mirror) look(w *apply.Worker, e *entry) bool {
	e.follow, e.device, e.exists, e.group, e.link = false, false, false, nil, nil
	var err error
	if m.follows() {
		if err = m.calls.Statat(e.o.dir.FD(), e.name, &e.src, false); err == nil && e.src.IsSymlink() {
			e.follow, err = m.followed(e.o, e.name, &e.src)
		}
	} else {
		err = m.calls.Statat(e.o.dir.FD(), e.name, &e.src, false)
	}
	if err != nil {
		m.sourceProblem("stat", e.srcPath(), err)
		return false
	}
	if m.opts.CopyDevices && isDevice(e.src.Mode) {
		e.src.Mode = e.src.Mode&^platform.ModeType | platform.ModeRegular
		e.device = true
	}
	e.st = e.src
	m.mapAttributes(&e.st)
	if e.device {
		// What a device holds changes without its time, so as rsync has it the
		// copy gets the time at which it was read.
		e.st.Mtime.Sec = now().Unix()
	}
	if e.src.IsSymlink() && (m.opts.Links != LinksSkip || m.out != nil) {
		if err := m.readLink(w, e); err != nil {
			m.sourceProblem("read symbolic link", e.srcPath(), err)
			return false
		}
	}
	m.readMeta(&e.meta, e.o, e.name, nil, e.src.Mode)
	return true
}

func isDevice(mode uint32) bool {
	t := mode & platform.ModeType
	return t == platform.ModeChar || t == platform.ModeBlock
}

// leavesOut reports an entry that is not transferred whatever stands at the
// destination, and says so.
func (m *Mirror) leavesOut(e *entry) bool {
	name := func() string { return e.p.path(e.as.Bytes()) }
	switch e.src.Type() {
	case platform.ModeRegular:
		if !m.rules.OutOfSize(e.src.Size) {
			return false
		}
		if m.rules.MaxSize >= 0 && e.src.Size > m.rules.MaxSize {
			m.note(2, "%s is over max-size", name())
		} else {
			m.note(2, "%s is under min-size", name())
		}
		return true
	case platform.ModeSymlink:
		if m.opts.Links != LinksSkip && m.rules.Links {
			target := e.link.Bytes()
			if m.opts.MungeLinks {
				target = bytes.TrimPrefix(target, []byte(mungePrefix))
			}
			if m.opts.SafeLinks && unsafeLink(target, e.p.path(e.as.Bytes())) {
				m.note(1, "ignoring unsafe symlink %q -> %q", name(), target)
				return true
			}
			return false
		}
	case platform.ModeChar, platform.ModeBlock:
		if m.rules.Devices {
			return false
		}
	default:
		if m.rules.Specials {
			return false
		}
	}
	m.note(0, "skipping non-regular file \"%s\"", name())
	return true
}

// lookAtTarget stats what stands at the destination.
func (m *Mirror) lookAtTarget(e *entry) bool {
	err := m.calls.Statat(e.p.dfd(), e.as, &e.old, false)
	switch {
	case err == nil:
		e.exists = true
	case !platform.NotExist(err):
		m.problem("stat", m.dstPath(e.p, e.as.Bytes()), err)
		return false
	}
	return true
}

// approved asks whether something may be done to an entry of p, or to p itself.
// name is the one that reports have.
func (m *Mirror) approved(p *pair, name platform.Name, src, old *platform.Stat) bool {
	if m.opts.Approve == nil {
		return true
	}
	path := p.path(name.Bytes())
	ok, reason := m.opts.Approve(path, src, old)
	if reason != "" {
		m.failf(KindPartial, "%s: %s", apply.Quote(path), reason)
	}
	return ok
}

func (m *Mirror) carryOut(ctx context.Context, w *apply.Worker, e *entry) {
	if e.src.IsRegular() {
		m.file(ctx, w, e)
		return
	}
	m.special(w, e)
}

// itemInfo is what item needs to tell of an entry.
type itemInfo struct {
	p      *pair
	name   platform.Name // nil for the pair itself
	src    *platform.Stat
	old    *platform.Stat
	st     *platform.Stat
	flags  plan.Flags
	link   string
	result *copier.Result
}

// item tells of an entry if anything happens to it or everything is told.
func (m *Mirror) item(i *itemInfo) {
	if !m.opts.Itemize || !i.flags.Significant() && !(m.opts.ItemizeAll || i.link != "" && i.flags&plan.FlagHardLink != 0) {
		return
	}
	m.report.Item(&Event{
		Name: i.p.path(i.name.Bytes()), Mode: i.st.Mode, Flags: i.flags, Link: i.link,
		Size: i.st.Size, Mtime: i.st.Mtime, UID: i.st.UID, GID: i.st.GID, Result: i.result, Src: i.src, Old: i.old,
	})
}

// itemOf tells of e.
func (m *Mirror) itemOf(e *entry, flags plan.Flags, link string, r *copier.Result) {
	if link == "" {
		link = e.link.String()
	}
	m.item(&itemInfo{p: e.p, name: e.name, src: &e.src, old: orNil(&e.old, e.exists), st: &e.st, flags: flags, link: link, result: r})
}

// differences returns the flags of e against what stands there, or new.
func (m *Mirror) differences(e *entry, flags plan.Flags) plan.Flags {
	if !e.exists {
		return flags | plan.FlagNew | m.newMeta(&e.meta)
	}
	return m.compare(&e.st, &e.old, flags) | m.compareMeta(&e.meta, e.p.dfd(), e.as, nil, e.st.Mode)
}

// upToDate gives an entry whose content is right the attributes that differ.
func (m *Mirror) upToDate(e *entry) {
	flags := m.differences(e, 0)
	if !m.opts.DryRun {
		m.setByName(e, e.as, flags)
		if flags&plan.FlagACL != 0 {
			flags &^= plan.FlagPerms // came with the ACL, as rsync tells it
		}
	}
	m.itemOf(e, flags, "", nil)
	m.transferred(e)
}

// setByName gives what stands at name in the pair of e its attributes where
// they differ.
func (m *Mirror) setByName(e *entry, name platform.Name, flags plan.Flags) {
	c := m.changes(&e.st, &e.old, m.rules.Checksum && e.st.IsRegular())
	if !flags.Significant() && !c.setTimes && !c.setMode && c.uid < 0 && c.gid < 0 {
		return
	}
	h := &holder{m: m, fd: platform.None, dir: e.p.dfd(), name: name}
	if err := h.setAll(&c, &e.meta, e.st.Mode); err != nil {
		m.problem("set attributes of", m.dstPath(e.p, name.Bytes()), err)
	}
}

// transferred ends the work on a source that has arrived: with
// --remove-source-files it goes, if it is still what was looked at.
func (m *Mirror) transferred(e *entry) {
	if !m.opts.RemoveSource || m.opts.DryRun {
		return
	}
	if m.far != nil {
		m.far.peer.Remove(e.id)
		return
	}
	if m.overlap && m.out == nil && m.keepForNow(e) {
		return
	}
	var st platform.Stat
	err := m.calls.Statat(e.o.dir.FD(), e.name, &st, false)
	if m.overlap && platform.NotExist(err) {
		return // it went under another of its names
	}
	if e.src.Nlink > 1 {
		st.Ctime = e.src.Ctime // another name of it may have gone before
	}
	if err == nil && !e.follow && !st.Unchanged(&e.src) && st.Mode&platform.ModeType == e.src.Mode&platform.ModeType {
		m.note(0, "not removing %s: it changed", apply.Quote(e.srcPath()))
		return
	}
	if err == nil && st.Dev == e.old.Dev && st.Ino == e.old.Ino && e.exists {
		m.note(0, "not removing %s: it is the destination too", apply.Quote(e.srcPath()))
		return
	}
	if err == nil {
		err = m.calls.Unlinkat(e.o.dir.FD(), e.name)
	}
	if err != nil {
		m.problem("remove source", e.srcPath(), err)
	}
}

// readLink reads what a symbolic link holds.
func (m *Mirror) readLink(w *apply.Worker, e *entry) error {
	for {
		n, err := m.calls.Readlinkat(e.o.dir.FD(), e.name, w.Link)
		if err != nil {
			return err
		}
		if n < 0 || n >= len(w.Link) {
			if len(w.Link) > 1<<20 {
				return fmt.Errorf("symbolic link of %d bytes", n)
			}
			w.Link = make([]byte, 2*len(w.Link))
			continue
		}
		w.Link[n] = 0
		e.link = platform.Name(w.Link[:n+1])
		if m.opts.MungeLinks {
			e.link = platform.Name(bytes.TrimPrefix(e.link, []byte(mungePrefix)))
		}
		return nil
	}
}

// mungePrefix makes a link lead nowhere. The option is one of the user's machine
// alone, as in rsync(1): when it sends, the prefix is taken away, as in a local
// run, and when it receives from another machine the prefix is put there.
const mungePrefix = "/rsyncd-munged/"
