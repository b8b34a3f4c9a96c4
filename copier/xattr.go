package copier

import (
	"bytes"
	"errors"

	"github.com/zccp/zccp/platform"
)

// want selects extended attributes.
type want uint8

const (
	wantACL   want = 1 << iota // system.posix_acl_access (default ACLs are the directories' own)
	wantXattr                  // all others, but for
	wantCaps                   // security.capability, which a write takes away
)

var (
	attrACL        = platform.MustName("system.posix_acl_access")
	attrDefaultACL = platform.MustName("system.posix_acl_default")
	attrCaps       = platform.MustName("security.capability")
	attrContext    = platform.MustName("security.selinux")
	attrSmack      = platform.MustName("security.SMACK64")
	// security.evm is a signature over the other attributes and the inode
	// number; it can't be true of a copy (xattr.conf(5) skips it too).
	attrEVM = platform.MustName("security.evm")
	// trusted.SGI_ACL_FILE and its like are how xfs stores ACLs that it also
	// shows under their proper names.
	prefixSGI = []byte("trusted.SGI_")
)

// wanted returns what the options ask to be copied from a source.
func (w *Worker) wanted() want {
	var s want
	if w.c.opts.Preserve.Mode {
		s |= wantACL
	}
	if w.c.opts.Preserve.Xattr {
		s |= wantXattr | wantCaps
	}
	return s
}

// selected reports whether attr is among what is wanted.
func (s want) selected(attr platform.Name) bool {
	switch {
	case bytes.Equal(attr, attrACL), bytes.Equal(attr, attrDefaultACL):
		return s&wantACL != 0
	case bytes.Equal(attr, attrCaps):
		return s&wantCaps != 0
	case bytes.Equal(attr, attrEVM), bytes.HasPrefix(attr, prefixSGI):
		return false
	}
	return s&wantXattr != 0
}

// maxValue is XATTR_SIZE_MAX and XATTR_LIST_MAX of Linux (limits.h).
const maxValue = 64 << 10

// copyXattrs copies the wanted attributes from one open file to another. What
// could not be kept is added to lost.
func (w *Worker) copyXattrs(dst, src platform.FD, s want, mode uint32, lost *Lost) {
	w.eachXattr(
		func(buf []byte) (int, error) { return w.calls.Flistxattr(src, buf) },
		func(attr platform.Name, buf []byte) (int, error) { return w.calls.Fgetxattr(src, attr, buf) },
		s, lost,
		func(attr platform.Name, value []byte) error { return w.setXattr(dst, attr, value, mode) })
}

// eachXattr reads the list, then each wanted value, and hands it to set.
func (w *Worker) eachXattr(list func([]byte) (int, error), get func(platform.Name, []byte) (int, error), s want, lost *Lost, set func(platform.Name, []byte) error) {
	buf := w.attrs[:]
	n, err := list(buf)
	if platform.SmallBuffer(err) {
		buf = make([]byte, maxValue)
		n, err = list(buf)
	}
	if err != nil && !noXattrs(err) {
		lost.add(AttrXattr, StepXattr, err, !w.toleratedXattr(err))
	}
	if err != nil || n == 0 {
		return
	}
	if w.value == nil {
		w.value = make([]byte, maxValue)
	}
	for names := buf[:min(n, len(buf))]; len(names) > 0; {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			break
		}
		attr := platform.Name(names[:end+1])
		names = names[end+1:]
		if !s.selected(attr) {
			continue
		}
		n, err := get(attr, w.value)
		if platform.NoAttribute(err) {
			continue // gone meanwhile; the second look at the source tells
		}
		if err == nil {
			err = set(attr, w.value[:n])
		}
		if err != nil {
			w.lostXattr(attr, err, lost)
		}
	}
}

// noXattrs reports that a file system says that it has no attributes of a
// kind. EINVAL says nothing of that sort.
func noXattrs(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// dropACL removes an attribute that holds an ACL. It succeeds where there is
// none.
func (w *Worker) dropACL(fd platform.FD, attr platform.Name) error {
	err := w.calls.Fremovexattr(fd, attr)
	if platform.NoAttribute(err) || noXattrs(err) {
		return nil
	}
	return err
}

// lostXattr judges an attribute that could not be kept. cp -a is silent where
// the destination has no such attributes or the caller may not set them, and
// fails for an ACL.
func (w *Worker) lostXattr(attr platform.Name, err error, lost *Lost) {
	kind, st := AttrXattr, StepXattr
	if bytes.Equal(attr, attrACL) || bytes.Equal(attr, attrDefaultACL) {
		kind, st = AttrACL, StepACL
	}
	lost.add(kind, st, err, kind != AttrXattr || !w.toleratedXattr(err))
}

// toleratedXattr: the destination has no such attributes, or the caller may
// not read or set them.
func (w *Worker) toleratedXattr(err error) bool {
	return !w.c.opts.Preserve.RequireXattr && (platform.Unsupported(err) || platform.Denied(err))
}

// setXattr sets one attribute. user.* attributes can be set only by who may
// write the file, so a read-only mode is lifted for the moment.
func (w *Worker) setXattr(fd platform.FD, attr platform.Name, value []byte, mode uint32) error {
	err := w.calls.Fsetxattr(fd, attr, value)
	if !platform.Denied(err) || mode&0o200 != 0 {
		return err
	}
	if w.calls.Fchmod(fd, mode|0o200) != nil {
		return err
	}
	err = w.calls.Fsetxattr(fd, attr, value)
	if back := w.calls.Fchmod(fd, mode); err == nil {
		err = back
	}
	return err
}

// setContext gives a new file the label of --context=CTX, of whichever
// security module takes it.
func (w *Worker) setContext(fd platform.FD, lost *Lost) {
	value := []byte(w.c.opts.Context)
	err := w.calls.Fsetxattr(fd, attrContext, append(value, 0))
	if err != nil {
		err = w.calls.Fsetxattr(fd, attrSmack, value)
	}
	if err != nil {
		lost.add(AttrContext, StepXattr, err, true)
	}
}
