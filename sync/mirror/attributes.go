package mirror

import (
	"os"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// mapAttributes turns the state of a source entry into what the destination's
// is to be: --chmod, --chown and the like.
func (m *Mirror) mapAttributes(st *platform.Stat) {
	if m.opts.Chmod != nil && !st.IsSymlink() {
		st.Mode = st.Mode&^platform.ModeBits | m.opts.Chmod(st.Mode, st.IsDir())&platform.ModeBits
	}
	if m.opts.ChownUID != nil {
		st.UID = m.opts.ChownUID(st.UID)
	}
	if m.opts.ChownGID != nil {
		st.GID = m.opts.ChownGID(st.GID)
	}
}

// groupsOf returns the groups that may be given to files: all, said by nil, by
// the superuser.
func groupsOf(root bool) map[uint32]bool {
	if root {
		return nil
	}
	groups := map[uint32]bool{uint32(os.Getegid()): true}
	list, err := os.Getgroups()
	if err == nil {
		for _, g := range list {
			groups[uint32(g)] = true
		}
	}
	return groups
}

// compare is Rules.Compare, but for a group that the caller can't give.
func (m *Mirror) compare(want, have *platform.Stat, flags plan.Flags) plan.Flags {
	f := m.rules.Compare(want, have, flags)
	if f&plan.FlagGroup != 0 && !m.mayGive(want.GID) {
		f &^= plan.FlagGroup
	}
	return f
}

func (m *Mirror) mayGive(gid uint32) bool { return m.groups == nil || m.groups[gid] }

// freshBits returns what of 0777 a new entry below p keeps whose source's mode
// isn't kept.
func (m *Mirror) freshBits(p *pair) uint32 {
	bits := platform.ModePerm &^ m.opts.Umask
	if m.rules.Perms || p == nil || p.dst == nil {
		return bits
	}
	p.defaults.Do(func() {
		p.freshBits = bits
		var buf [4 << 10]byte
		if n, err := m.calls.Fgetxattr(p.dst.FD(), attrDefaultACL, buf[:]); err == nil && n > 4 {
			p.freshBits = permsOfACL(buf[:min(n, len(buf))])
		}
	})
	return p.freshBits
}

// change says what to set of an entry whose state is now.
type change struct {
	uid, gid     int // -1: as it is
	mode         uint32
	setMode      bool
	atime, mtime platform.Time
	setTimes     bool
}

// changes compares the state of an entry with what it is to be. exact sets
// times that differ by less than a second too.
func (m *Mirror) changes(want, now *platform.Stat, exact bool) change {
	c := change{uid: -1, gid: -1, mode: want.Mode & platform.ModeBits}
	if m.rules.Owner && m.rules.Root && want.UID != now.UID {
		c.uid = int(want.UID)
	}
	if m.rules.Group && want.GID != now.GID && m.mayGive(want.GID) {
		c.gid = int(want.GID)
	}
	c.setMode = !want.IsSymlink() && (now.Mode^want.Mode)&platform.ModeBits != 0
	if !want.IsSymlink() && (c.uid >= 0 || c.gid >= 0) && want.Mode&(platform.ModeSetUID|platform.ModeSetGID) != 0 {
		c.setMode = true // chown(2) takes the bits away
	}
	if m.opts.FakeSuper && !want.IsSymlink() {
		c.setMode = true // what the permissions really are, it doesn't see
	}
	c.atime, c.mtime = platform.Time{Nsec: platform.TimeOmit}, platform.Time{Nsec: platform.TimeOmit}
	if m.rules.KeepsTime(want.Mode) && want.Mtime.Nsec != platform.TimeOmit &&
		(exact && want.Mtime != now.Mtime || !m.rules.SameTime(want.Mtime, now.Mtime)) {
		c.mtime, c.setTimes = want.Mtime, true
	}
	if m.rules.Atimes && !want.IsDir() && want.Atime != now.Atime {
		c.atime, c.setTimes = want.Atime, true
	}
	return c
}

// set makes an entry what c says: owner, then ACLs and attributes, then the
// mode, then times, so that no step undoes another.
func (h *holder) setAll(c *change, want *meta, mode uint32) error {
	m := h.m
	var first error
	note := func(err error) {
		if first == nil && err != nil {
			first = err
		}
	}
	if c.uid >= 0 || c.gid >= 0 {
		if err := h.chown(c.uid, c.gid); err != nil {
			note(err)
			c.mode &^= platform.ModeSetUID | platform.ModeSetGID
		}
	}
	acls, err := h.applyMeta(want, mode)
	if platform.Denied(err) && m.opts.UID != 0 && mode&platform.ModeType != platform.ModeSymlink && h.chmod(c.mode|0o200) == nil {
		// They take the right to write, which an owner may lack (xattr(7)).
		c.setMode = true
		_, err = h.applyMeta(want, mode)
	}
	note(err)
	if c.setMode || acls && mode&platform.ModeType != platform.ModeSymlink {
		note(h.chmod(c.mode))
	}
	if c.setTimes {
		if h.fd != platform.None {
			note(m.calls.Futimens(h.fd, c.atime, c.mtime))
		} else {
			note(m.calls.Utimensat(h.dir, h.name, c.atime, c.mtime))
		}
	}
	return first
}

func (h *holder) chmod(mode uint32) error {
	if h.fd != platform.None {
		return h.m.calls.Fchmod(h.fd, mode)
	}
	return h.m.calls.Fchmodat(h.dir, h.name, mode)
}

func (h *holder) chown(uid, gid int) error {
	if h.fd != platform.None {
		return h.m.calls.Fchown(h.fd, uid, gid)
	}
	return h.m.calls.Fchownat(h.dir, h.name, uid, gid)
}

// dirAttributes gives a directory its attributes. p.dst is in use.
func (m *Mirror) dirAttributes(w *apply.Worker, p *pair) {
	fd := p.dst.FD()
	var now platform.Stat
	if err := m.calls.Fstat(fd, &now); err != nil {
		m.problem("stat", m.dstPath(p, nil), err)
		return
	}
	if p.plain {
		m.calls.Fchmod(fd, now.Mode&platform.ModeSetGID|m.freshBits(p.parent))
		return
	}
	want := p.st
	if !p.seals {
		// Not to be changed, but for what the work needed.
		want = now
		if p.lifted != 0 {
			want.Mode = now.Mode&^platform.ModeBits | p.lifted - 1
		}
		want.Mtime.Nsec = platform.TimeOmit
	}
	if p.fresh && !m.rules.Perms {
		want.Mode |= now.Mode & platform.ModeSetGID // inherited (inode(7))
	}
	c := m.changes(&want, &now, p.fresh || now.Mtime != p.oldMtime)
	h := &holder{m: m, fd: fd}
	meta := &p.meta
	if !p.seals {
		if c.setMode {
			m.calls.Fchmod(fd, c.mode)
		}
		return
	}
	if err := h.setAll(&c, meta, platform.ModeDir); err != nil {
		m.problem("set attributes of", m.dstPath(p, nil), err)
	}
}
