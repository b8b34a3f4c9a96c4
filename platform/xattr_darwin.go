package platform

import (
	"errors"

	"golang.org/x/sys/unix"
)

func flistxattr(fd FD, buf []byte) (int, error) {
	n, err := unix.Flistxattr(int(fd), buf)
	return addACL(fd, buf, n, err)
}

func fgetxattr(fd FD, attr Name, buf []byte) (int, error) {
	if isACL(attr) {
		return -1, errors.ErrUnsupported
	}
	return unix.Fgetxattr(int(fd), text(attr), buf)
}

func fsetxattr(fd FD, attr Name, value []byte) error {
	if isACL(attr) {
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

func listxattrat(dir FD, name Name, buf []byte) (n int, err error) {
	err = inDirectory(dir, func() error {
		n, err = unix.Llistxattr(text(name), buf)
		return err
	})
	return n, err
}

func getxattrat(dir FD, name Name, attr Name, buf []byte) (n int, err error) {
	if isACL(attr) {
		return -1, errors.ErrUnsupported
	}
	err = inDirectory(dir, func() error {
		n, err = unix.Lgetxattr(text(name), text(attr), buf)
		return err
	})
	return n, err
}

func setxattrat(dir FD, name Name, attr Name, value []byte) error {
	if isACL(attr) {
		return errors.ErrUnsupported
	}
	return inDirectory(dir, func() error { return unix.Lsetxattr(text(name), text(attr), value, 0) })
}

func removexattrat(dir FD, name Name, attr Name) error {
	if isACL(attr) {
		return errors.ErrUnsupported
	}
	return inDirectory(dir, func() error { return unix.Lremovexattr(text(name), text(attr)) })
}
