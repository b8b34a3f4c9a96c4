package copier

import (
	"bytes"

	"github.com/zccp/zccp/platform"
)

// Xattr is one extended attribute, held where the source can't stay open.
type Xattr struct {
	Name  platform.Name
	Value []byte
}

// ReadXattrs returns what the options want kept of an open file's attributes,
// its default ACL included. What can't be read is added to lost.
func (w *Worker) ReadXattrs(src platform.FD, lost *Lost) (attrs []Xattr) {
	s := w.wanted()
	if s == 0 {
		return nil
	}
	w.eachXattr(
		func(buf []byte) (int, error) { return w.calls.Flistxattr(src, buf) },
		func(attr platform.Name, buf []byte) (int, error) { return w.calls.Fgetxattr(src, attr, buf) },
		s, lost,
		func(attr platform.Name, value []byte) error {
			attrs = append(attrs, Xattr{attr.Clone(), bytes.Clone(value)})
			return nil
		})
	return attrs
}

// Directory gives an open directory what it is to have once nothing will be
// created in it any more. now is its state; src that of its source; mode what
// it gets where the source's isn't preserved; inherited tells that an access
// ACL may have been inherited.
func (w *Worker) Directory(fd platform.FD, now, src *platform.Stat, mode uint32, attrs []Xattr, inherited bool) (lost Lost) {
	pr := &w.c.opts.Preserve
	if pr.Mode {
		mode = src.Mode & platform.ModeBits
	}
	if pr.Owner && !w.owner(fd, now, src.UID, src.GID, &lost) {
		mode &^= platform.ModeSetUID | platform.ModeSetGID | platform.ModeSticky
	}
	if pr.Mode && inherited {
		if err := w.calls.Fremovexattr(fd, attrACL); err != nil && !platform.NoAttribute(err) && !platform.Unsupported(err) {
			lost.add(AttrACL, StepACL, err, true)
		}
	}
	if pr.Mode && inherited || now.Mode&platform.ModeBits != mode {
		if err := w.calls.Fchmod(fd, mode); err != nil {
			lost.add(AttrMode, StepMode, err, true)
		}
	}
	for _, a := range attrs {
		if err := w.setXattr(fd, a.Name, a.Value, mode); err != nil {
			w.lostXattr(a.Name, err, &lost)
		}
	}
	if w.c.opts.Context != "" {
		w.setContext(fd, &lost)
	}
	if pr.Times {
		if err := w.calls.Futimens(fd, src.Atime, src.Mtime); err != nil {
			lost.add(AttrTimes, StepTimes, err, true)
		}
	}
	return lost
}

// HasDefaultACL reports whether what is created in an open directory inherits
// an ACL.
func (w *Worker) HasDefaultACL(dir platform.FD) bool {
	var b [1]byte
	_, err := w.calls.Fgetxattr(dir, attrDefaultACL, b[:])
	return err == nil || platform.SmallBuffer(err)
}

// DropDefaultACL removes what a new directory inherited, so that its children
// get just what their sources have.
func (w *Worker) DropDefaultACL(dir platform.FD) error {
	err := w.calls.Fremovexattr(dir, attrDefaultACL)
	if platform.NoAttribute(err) || platform.Unsupported(err) {
		return nil
	}
	return err
}

// Entry names something that can't be opened for its metadata: a symbolic
// link, device, socket or FIFO.
type Entry struct {
	Dir  platform.FD
	Name platform.Name
}

// Node gives a new symbolic link, device, socket or FIFO the metadata of its
// source. dst must have just been created by the caller: modes are set by
// name, which would follow a link.
func (w *Worker) Node(dst, src Entry, st *platform.Stat) (lost Lost) {
	pr := &w.c.opts.Preserve
	link := st.IsSymlink()
	mode := st.Mode & platform.ModeBits
	if pr.Owner {
		if err := w.calls.Statat(dst.Dir, dst.Name, &w.dstNow, false); err != nil {
			lost.add(AttrOwner, StepOwner, err, true)
		} else if w.dstNow.UID != st.UID || w.dstNow.GID != st.GID {
			if err := w.calls.Fchownat(dst.Dir, dst.Name, int(st.UID), int(st.GID)); err != nil {
				tolerated := !w.c.opts.Preserve.RequireOwner && platform.NotPermitted(err)
				if tolerated && w.dstNow.GID != st.GID {
					w.calls.Fchownat(dst.Dir, dst.Name, -1, int(st.GID))
				}
				lost.add(AttrOwner, StepOwner, err, !tolerated)
				mode &^= platform.ModeSetUID | platform.ModeSetGID | platform.ModeSticky
			}
		}
	}
	if pr.Mode && !link {
		if err := w.calls.Fchmodat(dst.Dir, dst.Name, mode); err != nil {
			lost.add(AttrMode, StepMode, err, true)
		}
	}
	if s := w.wanted(); s != 0 {
		w.eachXattr(
			func(buf []byte) (int, error) { return w.calls.Listxattrat(src.Dir, src.Name, buf) },
			func(attr platform.Name, buf []byte) (int, error) {
				return w.calls.Getxattrat(src.Dir, src.Name, attr, buf)
			},
			s, &lost,
			func(attr platform.Name, value []byte) error {
				return w.calls.Setxattrat(dst.Dir, dst.Name, attr, value)
			})
	}
	if pr.Times {
		if err := w.calls.Utimensat(dst.Dir, dst.Name, st.Atime, st.Mtime); err != nil {
			lost.add(AttrTimes, StepTimes, err, true)
		}
	}
	return lost
}
