package copier

import (
	"bytes"
	"encoding/binary"

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

// ReadEntryXattrs is ReadXattrs for a directory that can't be opened.
func (w *Worker) ReadEntryXattrs(src Entry, lost *Lost) (attrs []Xattr) {
	s := w.wanted()
	if s == 0 {
		return nil
	}
	w.eachXattr(
		func(buf []byte) (int, error) { return w.calls.Listxattrat(src.Dir, src.Name, buf) },
		func(attr platform.Name, buf []byte) (int, error) {
			return w.calls.Getxattrat(src.Dir, src.Name, attr, buf)
		},
		s, lost,
		func(attr platform.Name, value []byte) error {
			attrs = append(attrs, Xattr{attr.Clone(), bytes.Clone(value)})
			return nil
		})
	return attrs
}

// Directory gives an open directory what it is to have once nothing will be
// created in it any more. now is its state; src that of its source; mode what
// it gets where the source's isn't preserved; acl tells that it may have an
// access ACL, inherited or from before.
func (w *Worker) Directory(fd platform.FD, now, src *platform.Stat, mode uint32, attrs []Xattr, acl bool) (lost Lost) {
	pr := &w.c.opts.Preserve
	if pr.Mode {
		mode = src.Mode & platform.ModeBits
	}
	if pr.Owner && !w.owner(fd, now, src.UID, src.GID, &lost) {
		// The sticky bit takes rights from others and gives none.
		mode &^= platform.ModeSetUID | platform.ModeSetGID
	}
	acl = acl && (pr.Mode || pr.NoMode)
	if acl {
		if err := w.dropACL(fd, attrACL); err != nil {
			lost.add(AttrACL, StepACL, err, true)
		}
	}
	if acl || now.Mode&platform.ModeBits != mode {
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

// HasDefaultACL reports whether what is created in an open directory may
// inherit an ACL. An error that doesn't deny it counts as one: whoever asks
// then removes what isn't there, which does no harm. (A directory that can't
// be read is open in a way that can't be asked.)
func (w *Worker) HasDefaultACL(dir platform.FD) bool {
	var b [1]byte
	_, err := w.calls.Fgetxattr(dir, attrDefaultACL, b[:])
	return !platform.NoAttribute(err) && !noXattrs(err)
}

// DropDefaultACL removes the default ACL of a directory, so that its children
// get just what their sources have.
func (w *Worker) DropDefaultACL(dir platform.FD) error { return w.dropACL(dir, attrDefaultACL) }

// DropEntryDefaultACL is DropDefaultACL for a directory that can't be opened.
func (w *Worker) DropEntryDefaultACL(dir Entry, lost *Lost) {
	// Of no entries: it is removed, by a call that goes by name.
	if err := w.calls.Setxattrat(dir.Dir, dir.Name, attrDefaultACL, emptyACL); err != nil && !noXattrs(err) {
		lost.add(AttrACL, StepACL, err, true)
	}
}

// Entry names something that can't be opened for its metadata: a symbolic
// link, device, socket or FIFO.
type Entry struct {
	Dir  platform.FD
	Name platform.Name
}

// Node gives a new symbolic link, device, socket or FIFO the metadata of its
// source. dst must have just been created by the caller: modes are set by
// name, which would follow a link. acl tells that it may have inherited an ACL.
func (w *Worker) Node(dst, src Entry, st *platform.Stat, acl bool) (lost Lost) {
	pr := &w.c.opts.Preserve
	link := st.IsSymlink()
	mode := st.Mode & platform.ModeBits
	if pr.Owner {
		if err := w.calls.Statat(dst.Dir, dst.Name, &w.dstNow, false); err != nil {
			lost.add(AttrOwner, StepOwner, err, true)
		} else if w.dstNow.UID != st.UID || w.dstNow.GID != st.GID || !pr.Mode && !link && mode&(platform.ModeSetUID|platform.ModeSetGID) != 0 {
			// Also to the owner that it has: that takes away rights which
			// are not to be preserved.
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
	if (pr.Mode || pr.NoMode) && !link && acl {
		// There is no call to remove an attribute by name; an ACL that says no
		// more than a mode does the same (acl(5), minimal ACL).
		if err := w.calls.Setxattrat(dst.Dir, dst.Name, attrACL, modeACL(mode)); err != nil && !noXattrs(err) {
			lost.add(AttrACL, StepACL, err, true)
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

// emptyACL is the header of an ACL alone: its version, as
// linux/posix_acl_xattr.h has it.
var emptyACL = binary.LittleEndian.AppendUint32(nil, aclVersion)

const aclVersion = 2

// modeACL returns the ACL of owner, group and others that a mode stands for, as
// linux/posix_acl_xattr.h encodes it.
func modeACL(mode uint32) []byte {
	const (
		userObj, groupObj, other = 0x01, 0x04, 0x20
		noID                     = 1<<32 - 1
	)
	le := binary.LittleEndian
	b := le.AppendUint32(make([]byte, 0, 4+3*8), aclVersion)
	for i, tag := range [...]uint16{userObj, groupObj, other} {
		b = le.AppendUint16(b, tag)
		b = le.AppendUint16(b, uint16(mode>>(6-3*i)&7))
		b = le.AppendUint32(b, noID)
	}
	return b
}
