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
	if l.Attrs == 0 || failed && !l.Failed {
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
	inherits := p.DefaultACL && p.Stage != InPlace
	mode, setMode := w.dstNow.Mode&platform.ModeBits, false
	switch {
	case pr.Mode:
		mode, setMode = p.Stat.Mode&platform.ModeBits, true
	case p.KeepOld:
		mode, setMode = p.Old.Mode&platform.ModeBits, true
	}
	ownerKept := true
	switch {
	case pr.Owner:
		ownerKept = w.owner(fd, &w.dstNow, p.Stat.UID, p.Stat.GID, &p.Lost)
	case p.KeepOld:
		if w.dstNow.UID != p.Old.UID || w.dstNow.GID != p.Old.GID {
			// The caller falls back to writing in place.
			if err := w.calls.Fchown(fd, int(p.Old.UID), int(p.Old.GID)); err != nil {
				return step(StepOwner, err)
			}
			w.dstNow.Mode &^= platform.ModeSetUID | platform.ModeSetGID
		}
	}
	if !ownerKept {
		mode &^= platform.ModeSetUID | platform.ModeSetGID | platform.ModeSticky
	}
	if setMode {
		if inherits {
			if err := w.calls.Fremovexattr(fd, attrACL); err != nil && !platform.NoAttribute(err) && !platform.Unsupported(err) {
				p.Lost.add(AttrACL, StepACL, err, true)
			}
		}
		if inherits || w.dstNow.Mode&platform.ModeBits != mode {
			if err := w.calls.Fchmod(fd, mode); err != nil {
				p.Lost.add(AttrMode, StepMode, err, true)
			}
		}
	}
	if p.KeepOld {
		if err := w.copyXattrs(fd, p.OldFD, wantAll, mode, &p.Lost); err != nil {
			return err
		}
	}
	if want := w.wanted(); want != 0 {
		if err := w.copyXattrs(fd, p.Src, want, mode, &p.Lost); err != nil {
			return err
		}
	}
	if w.c.opts.Context != "" {
		w.setContext(fd, &p.Lost)
	}
	if pr.Times {
		if err := w.calls.Futimens(fd, p.Stat.Atime, p.Stat.Mtime); err != nil {
			p.Lost.add(AttrTimes, StepTimes, err, true)
		}
	}
	return nil
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
		now.Mode &^= platform.ModeSetUID | platform.ModeSetGID
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
