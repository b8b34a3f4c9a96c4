package platform

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// The two name spaces of extattr(9) have the prefixes that x/sys gives them:
// "user." and "system.". The second one is root's, and what UFS keeps in it of
// ACLs is left out: see addACL. Entries are asked of descriptors only, which
// for links, devices, sockets and FIFOs are opened for their path (O_PATH); what
// the kernel doesn't answer of such a descriptor is refused.

// flistxattr turns the lists of both name spaces, whose names have their length
// in front, into one of names that end in NUL, and adds an ACL. A buffer of no
// length asks for the size.
func flistxattr(fd FD, buf []byte) (int, error) {
	n, err := listSpaces(fd, buf)
	return addACL(fd, buf, n, err)
}

func listSpaces(fd FD, buf []byte) (int, error) {
	n := 0
	for _, space := range [...]struct {
		id     int
		prefix string
	}{{unix.EXTATTR_NAMESPACE_USER, "user."}, {unix.EXTATTR_NAMESPACE_SYSTEM, "system."}} {
		size, err := unix.FlistxattrNS(int(fd), space.id, nil)
		if err == unix.EPERM && space.id == unix.EXTATTR_NAMESPACE_SYSTEM {
			continue
		}
		if err != nil {
			return -1, err
		}
		if size == 0 {
			continue
		}
		list := make([]byte, size)
		if size, err = unix.FlistxattrNS(int(fd), space.id, list); err != nil {
			return -1, err
		}
		if n, err = addNames(buf, n, space.prefix, list[:min(size, len(list))]); err != nil {
			return -1, err
		}
	}
	return n, nil
}

// addNames adds to n bytes in buf.
func addNames(buf []byte, n int, prefix string, list []byte) (int, error) {
	for len(list) > 0 && len(list) > int(list[0]) {
		name := prefix + string(list[1:1+int(list[0])])
		list = list[1+int(list[0]):]
		if strings.HasPrefix(name, "system.posix1e.acl_") || name == "system.nfs4.acl" {
			continue
		}
		if len(buf) > 0 {
			if n+len(name)+1 > len(buf) {
				return -1, unix.ERANGE
			}
			copy(buf[n:], name)
			buf[n+len(name)] = 0
		}
		n += len(name) + 1
	}
	return n, nil
}

// fgetxattr asks for the size first: of a value that doesn't fit the kernel
// stores a part without a word.
func fgetxattr(fd FD, attr Name, buf []byte) (int, error) {
	if isACL(attr) {
		return -1, errors.ErrUnsupported
	}
	n, err := unix.Fgetxattr(int(fd), text(attr), nil)
	if err != nil || len(buf) == 0 {
		return n, err
	}
	if n > len(buf) {
		return -1, unix.ERANGE
	}
	return unix.Fgetxattr(int(fd), text(attr), buf)
}

func fsetxattr(fd FD, attr Name, value []byte) error {
	if isACL(attr) || !hasSpace(attr) {
		return errors.ErrUnsupported
	}
	return unix.Fsetxattr(int(fd), text(attr), value, 0)
}

func fremovexattr(fd FD, attr Name) error {
	if isACL(attr) {
		return errors.ErrUnsupported
	}
	return unix.Fremovexattr(int(fd), text(attr))
}

// hasSpace reports that there is a name space for an attribute; x/sys says of
// others that they aren't there.
func hasSpace(attr Name) bool {
	return strings.HasPrefix(text(attr), "user.") || strings.HasPrefix(text(attr), "system.")
}

// ofEntry makes a call on a directory entry.
func ofEntry(dir FD, name Name, call func(fd FD) error) error {
	fd, err := posixOpenat(dir, name, PathOnly|NoFollow, 0)
	if err != nil {
		return err
	}
	defer posixClose(fd)
	if err = call(fd); err == unix.EBADF {
		return errors.ErrUnsupported
	}
	return err
}

func listxattrat(dir FD, name Name, buf []byte) (n int, err error) {
	n = -1
	err = ofEntry(dir, name, func(fd FD) (err error) {
		n, err = flistxattr(fd, buf)
		return err
	})
	return n, err
}

func getxattrat(dir FD, name Name, attr Name, buf []byte) (n int, err error) {
	n = -1
	err = ofEntry(dir, name, func(fd FD) (err error) {
		n, err = fgetxattr(fd, attr, buf)
		return err
	})
	return n, err
}

func setxattrat(dir FD, name Name, attr Name, value []byte) error {
	return ofEntry(dir, name, func(fd FD) error { return fsetxattr(fd, attr, value) })
}

func removexattrat(dir FD, name Name, attr Name) error {
	return ofEntry(dir, name, func(fd FD) error { return fremovexattr(fd, attr) })
}
