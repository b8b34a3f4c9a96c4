package copier

import (
	"bytes"
	"errors"

	"github.com/zccp/zccp/platform"
)

// Where only a whole new file can be a clone (Calls.CloneAt, clonefile(2)) the
// staged file comes into being as one, at the moment when it would be created
// empty. Whether that is wanted is the table's to say as anywhere: the clone
// has to be its first choice.

// noCloneAt marks pairs of file systems for which CloneAt was refused, beside
// the bits of the methods.
const noCloneAt = 1 << 31

// wantsCloneAt reports whether a new file is to be made by CloneAt.
func (w *Worker) wantsCloneAt(p *Put) bool {
	if p.Src == platform.None || p.Delta || p.Partial != nil || p.Preallocate || w.c.opts.AttributesOnly {
		return false // an Arrival, or not a whole copy
	}
	refused := w.refusedFor(p.DirDev, p.Stat.Dev).Load()
	if refused&noCloneAt != 0 {
		return false
	}
	facts := factsOf(p.Stat, &platform.Stat{Mode: platform.ModeRegular}, uint16(refused)&^(1<<Reflink))
	var list [maxMethods]*row
	var unused Result
	rows := candidates(&facts, &w.c.opts, &list, &unused)
	return len(rows) > 0 && rows[0].method == Reflink
}

// newClone creates a file that is not there yet as a clone of the source, where
// that can be had; otherwise it returns no descriptor and no error.
func (w *Worker) newClone(s *Staged, p *Put, dir platform.FD, name platform.Name, access int, mode uint32) (platform.FD, error) {
	w.cloneRefusal = nil
	if !w.wantsCloneAt(p) {
		return platform.None, nil
	}
	err := w.calls.CloneAt(p.Src, dir, name)
	if err == nil {
		fd, err := w.asNew(p, dir, name, access, mode)
		if err == nil || platform.Exists(err) {
			s.cloned = err == nil
			return fd, err
		}
		// Of this file only, and an empty one tells what else is wrong.
		w.cloneRefusal = err
		return platform.None, nil
	}
	if platform.Exists(err) {
		return platform.None, err
	}
	switch platform.Judge(platform.CallClone, err, false) {
	case platform.NextAndRemember:
		w.refused.Or(noCloneAt)
	case platform.Next:
	default:
		return platform.None, step(StepClone, err)
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		w.cloneRefusal = err
	}
	return platform.None, nil
}

// asNew opens a clone and makes it look like a file that was just created: with
// the mode that it would have, the times of now, and no attribute but those
// that are to be kept. After an error the name is free again, unless somebody
// else has it.
func (w *Worker) asNew(p *Put, dir platform.FD, name platform.Name, access int, mode uint32) (platform.FD, error) {
	flags := access | platform.NoFollow | platform.NonBlock
	fd, err := w.open(dir, name, flags, 0)
	if platform.Denied(err) && w.c.selfUID != 0 {
		// The mode is the source's, which may deny its owner to write. Root is denied
		// nothing by it, and must change no mode by a name that others can exchange.
		if err = w.calls.Fchmodat(dir, name, 0o600); err == nil {
			fd, err = w.open(dir, name, flags, 0)
		}
	}
	if err == nil {
		if err = w.strip(fd, p, mode&^p.Umask); err == nil {
			return fd, nil
		}
		w.calls.Close(fd)
	}
	if !platform.Exists(err) {
		w.calls.Unlinkat(dir, name)
	}
	return platform.None, err
}

// strip takes away what a new file wouldn't have.
func (w *Worker) strip(fd platform.FD, p *Put, mode uint32) error {
	if err := w.calls.Fstat(fd, &w.dstNow); err != nil {
		return err
	}
	if st := &w.dstNow; !st.IsRegular() || st.Nlink != 1 || st.UID != w.c.selfUID {
		return platform.ErrExist // somebody else took the name meanwhile
	}
	keep := w.c.opts.Preserve.Xattr && !p.KeepOld && p.Finish == nil
	buf := w.attrs[:]
	n, err := w.calls.Flistxattr(fd, buf)
	if platform.SmallBuffer(err) {
		buf = make([]byte, maxValue)
		n, err = w.calls.Flistxattr(fd, buf)
	}
	if err != nil && !noXattrs(err) {
		return err
	}
	for names := buf[:max(n, 0)]; len(names) > 0; {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			break
		}
		attr := platform.Name(names[:end+1])
		names = names[end+1:]
		// An ACL goes with the mode, and the one that is here with no option.
		if keep && !bytes.Equal(attr, attrACL) {
			continue
		}
		if err := w.calls.Fremovexattr(fd, attr); err != nil && !platform.NoAttribute(err) {
			return err
		}
	}
	if err := w.calls.Fchmod(fd, mode); err != nil {
		return err
	}
	now := platform.Time{Nsec: platform.TimeNow}
	return w.calls.Futimens(fd, now, now)
}

// adopt takes a staged file that is a clone already for the whole copy of its
// data, if it is. Otherwise nothing of it is kept.
func (w *Worker) adopt(s *Staged, t *transfer) (done bool, err error) {
	s.cloned = false
	if done, err = w.cloned(t); done || err != nil {
		return done, err
	}
	return false, w.rewind(t)
}
