package platform

import "golang.org/x/sys/unix"

// mmap maps a part of a file for reading, shared, so that no page is copied.
// All its pages are read and mapped at once (MAP_POPULATE, mmap(2)), not one
// fault for every 64 KiB.
func mmap(fd FD, off int64, n int) ([]byte, error) {
	return unix.Mmap(int(fd), off, n, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
}

func munmap(b []byte) error { return unix.Munmap(b) }

// lease takes a read lease (fcntl(2), F_SETLEASE), which is refused with EAGAIN
// while anybody has the file open for writing. Whoever wants to write or
// truncate then waits, at most /proc/sys/fs/lease-break-time, until it is given
// back. The kernel announces that with SIGIO, which the Go runtime receives and
// ignores; leased tells it too.
func lease(fd FD) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	return err
}

// leased reports whether nobody waits for the lease (F_GETLEASE names the lease
// that is to be left).
func leased(fd FD) (bool, error) {
	kind, err := unix.FcntlInt(uintptr(fd), unix.F_GETLEASE, 0)
	return kind == unix.F_RDLCK, err
}

func unlease(fd FD) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err
}
