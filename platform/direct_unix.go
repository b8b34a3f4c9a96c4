//go:build linux || freebsd

package platform

import "golang.org/x/sys/unix"

// setDirect sets or clears O_DIRECT on an open file description (fcntl(2),
// F_SETFL). A file system without direct I/O says EINVAL on Linux, and ignores
// it on FreeBSD.
func setDirect(fd FD, on bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if on {
		flags |= unix.O_DIRECT
	} else {
		flags &^= unix.O_DIRECT
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
	return err
}
