package copier

import (
	"github.com/zccp/zccp/platform"
)

// Attr is a kind of metadata, for counting what could not be kept.
type Attr uint8

// The kinds, as a bit set.
const (
	AttrOwner Attr = 1 << iota
	AttrMode
	AttrACL
	AttrXattr
	AttrTimes
	AttrContext
	AttrLinks
)

// Lost says what metadata a published entry lacks.
type Lost struct {
	Attrs Attr
	Err   error // the first of the errors
	// Failed tells that the loss counts as a failure: it was demanded, or it
	// is not merely that the destination has no such thing or that the caller
	// may not set it, where cp stays silent.
	Failed bool
}

func (l *Lost) add(a Attr, s Step, err error, failed bool) {
	// Of several failures cp tells of the times, which it sets first.
	if l.Attrs == 0 || failed && (!l.Failed || a == AttrTimes) {
		l.Err = step(s, err)
	}
	l.Attrs |= a
	l.Failed = l.Failed || failed
}

// attributes gives the open file the metadata it is to have, in the order in
// which no step undoes another: chown clears special bits and capabilities, a
// new mode rewrites an ACL's mask, and all of them touch the times.
// w.dstNow is its state after the data.
func (w *Worker) attributes(fd platform.FD, p *Put) error {
	pr := &w.c.opts.Preserve
	if p.KeepOld {
		if err := w.keepOld(fd, p); err != nil {
			return err
		}
	}
	mode := w.dstNow.Mode & platform.ModeBits
	if pr.Mode {
		mode = p.Stat.Mode & platform.ModeBits
	}
	if pr.Owner && !w.owner(fd, &w.dstNow, p.Stat.UID, p.Stat.GID, &p.Lost) {
		mode &^= platform.ModeSetUID | platform.ModeSetGID | platform.ModeSticky
	}
	// Inherited, or what the file had that is written into.
	acl := pr.Mode && (p.DefaultACL || p.Stage == InPlace)
	if pr.NoMode && p.DefaultACL && p.Stage != InPlace && !p.KeepOld {
		acl, mode = true, mode&^platform.ModePerm|0o666&^p.Umask
	}
	if acl {
		if err := w.dropACL(fd, attrACL); err != nil {
			p.Lost.add(AttrACL, StepACL, err, true)
		}
	}
	if acl || pr.Mode && w.dstNow.Mode&platform.ModeBits != mode {
		if err := w.calls.Fchmod(fd, mode); err != nil {
			p.Lost.add(AttrMode, StepMode, err, true)
		}
	}
	if want := w.wanted(); want != 0 {
		w.copyXattrs(fd, p.Src, want, mode, &p.Lost)
	}
	if w.c.opts.Context != "" {
		w.setContext(fd, &p.Lost)
	}
	w.times(fd, p)
	return nil
}

// times sets the times that are to be kept.
func (w *Worker) times(fd platform.FD, p *Put) {
	if w.c.opts.Preserve.Times {
		if err := w.calls.Futimens(fd, p.Stat.Atime, p.Stat.Mtime); err != nil {
			p.Lost.add(AttrTimes, StepTimes, err, true)
		}
	} else if p.KeepOld {
		// A write moves the modification time only.
		w.calls.Futimens(fd, p.Old.Atime, platform.Time{Nsec: platform.TimeOmit})
	}
}

// keepOld gives a new inode what the file that it replaces would have kept if
// it had been written into: all but the rights that a write takes away. On an
// error the caller writes into the file after all, or leaves it alone.
func (w *Worker) keepOld(fd platform.FD, p *Put) error {
	pr := &w.c.opts.Preserve
	now, old := &w.dstNow, p.Old
	want := wantXattr
	// Also where the source's owner is preserved: it is not by who may not.
	if (!pr.Owner || w.c.selfUID != 0) && (now.UID != old.UID || now.GID != old.GID) {
		if err := w.calls.Fchown(fd, int(old.UID), int(old.GID)); err != nil {
			return step(StepOwner, err)
		}
		now.UID, now.GID = old.UID, old.GID
	}
	if !pr.Mode {
		want |= wantACL
		mode := old.Mode & platform.ModeBits
		if w.c.selfUID != 0 {
			// A write by anybody but root takes them away (inode(7)).
			mode &^= platform.ModeSetUID | platform.ModeSetGID
		}
		if p.DefaultACL {
			if err := w.dropACL(fd, attrACL); err != nil {
				return step(StepACL, err)
			}
		}
		if err := w.calls.Fchmod(fd, mode); err != nil {
			return step(StepMode, err)
		}
		now.Mode = now.Mode&^platform.ModeBits | mode
	}
	var lost Lost
	w.copyXattrs(fd, p.OldFD, want, now.Mode&platform.ModeBits, &lost)
	return lost.Err
}

// owner sets owner and group where they differ from now. Like cp it tries the
// group alone where the owner may not be changed, and takes EPERM of an
// unprivileged caller as the way of things; it reports whether both are right.
func (w *Worker) owner(fd platform.FD, now *platform.Stat, uid, gid uint32, lost *Lost) bool {
	if now.UID == uid && now.GID == gid {
		return true
	}
	err := w.calls.Fchown(fd, int(uid), int(gid))
	if err == nil {
		now.UID, now.GID = uid, gid
		if !now.IsDir() {
			now.Mode &^= platform.ModeSetUID | platform.ModeSetGID // chown(2)
		}
		return true
	}
	tolerated := !w.c.opts.Preserve.RequireOwner && platform.NotPermitted(err)
	if tolerated && now.GID != gid {
		if w.calls.Fchown(fd, -1, int(gid)) == nil {
			now.GID = gid
		}
	}
	lost.add(AttrOwner, StepOwner, err, !tolerated)
	return false
}

// Merge adds what m lost.
func (l *Lost) Merge(m *Lost) {
	if m.Attrs != 0 {
		if l.Attrs == 0 || m.Failed && !l.Failed {
			l.Err = m.Err
		}
		l.Attrs |= m.Attrs
		l.Failed = l.Failed || m.Failed
	}
}
