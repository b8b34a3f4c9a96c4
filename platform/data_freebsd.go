package platform

import (
	"errors"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls that x/sys has no numbers for (sys/syscall.h), and the versions of the
// kernel that have them (__FreeBSD_version): a number that is unknown ends the
// process (SIGSYS).
const (
	sysCopyFileRange = 569
	sysFspacectl     = 580

	rangeSince     = 1300000 // copy_file_range and O_RESOLVE_BENEATH
	fspacectlSince = 1400032
	cloneSince     = 1500000
)

var release = sync.OnceValue(func() uint32 {
	n, err := unix.SysctlUint32("kern.osreldate")
	if err != nil {
		return 0
	}
	return n
})

func lseek(fd FD, off int64, whence int) (int64, error) {
	return unix.Seek(int(fd), off, whence) // SEEK_DATA and SEEK_HOLE have the numbers of Linux
}

// copyFileRange is copy_file_range(2), since FreeBSD 13.
func copyFileRange(dst FD, dstOff int64, src FD, srcOff int64, n int) (int, error) {
	if release() < rangeSince {
		return -1, errors.ErrUnsupported
	}
	return rangeCopy(dst, dstOff, src, srcOff, n, 0)
}

func rangeCopy(dst FD, dstOff int64, src FD, srcOff int64, n int, flags uintptr) (int, error) {
	r, _, e := unix.Syscall6(sysCopyFileRange, uintptr(src), uintptr(unsafe.Pointer(&srcOff)),
		uintptr(dst), uintptr(unsafe.Pointer(&dstOff)), uintptr(n), flags)
	if e != 0 {
		return -1, e
	}
	return int(r), nil
}

// clone is copy_file_range(2) that may do nothing but clone, since FreeBSD 15.
// It clones a part where a signal or the file system stops it, and says how much
// it was; it is asked again for the rest. After an error the destination is
// empty, unless nothing was cloned.
func clone(dst, src FD) error {
	const (
		cloneOnly = 0x00800000 // COPY_FILE_RANGE_CLONE
		whole     = 1<<63 - 1
	)
	if release() < cloneSince {
		return errors.ErrUnsupported
	}
	for off := int64(0); ; {
		n, err := rangeCopy(dst, off, src, off, whole-int(off), cloneOnly)
		off += int64(max(n, 0))
		var st Stat
		if err == nil {
			err = posixFstat(src, &st)
		}
		switch {
		case err == nil && off >= st.Size:
			return nil
		case err == nil && n > 0:
			continue
		case err == nil:
			err = unix.EAGAIN // nothing more, before the end: another way may do
		}
		if off > 0 {
			posixFtruncate(dst, 0)
		}
		return err
	}
}

// punchHole is fspacectl(2), since FreeBSD 14.
func punchHole(fd FD, off, length int64) error {
	const dealloc = 1 // SPACECTL_DEALLOC
	if release() < fspacectlSince {
		return errors.ErrUnsupported
	}
	// What is left to do comes back in the range when the call was interrupted,
	// and the caller asks for the whole again.
	r := struct{ offset, length int64 }{off, length}
	_, _, e := unix.Syscall6(sysFspacectl, uintptr(fd), dealloc, uintptr(unsafe.Pointer(&r)), 0, uintptr(unsafe.Pointer(&r)), 0)
	if e != 0 {
		return e
	}
	return nil
}

// sendfile takes a socket only: ENOTSOCK. What was sent before an error is told
// together with it.
func sendfile(dst, src FD, srcOff int64, n int) (int, error) {
	sent, err := unix.Sendfile(int(dst), int(src), &srcOff, n)
	if err != nil && sent <= 0 {
		return -1, err
	}
	return sent, nil
}

// fadvise is advice: whether it was followed is not known. The numbers are
// those of Linux.
func fadvise(fd FD, off, length int64, advice int) error {
	return unix.Fadvise(int(fd), off, length, advice)
}

// directAlign: a page is enough for every sector.
func directAlign(fd FD) (memory, offset int, err error) {
	return unix.Getpagesize(), unix.Getpagesize(), nil
}

func fdatasync(fd FD) error {
	_, _, e := unix.Syscall(unix.SYS_FDATASYNC, uintptr(fd), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}
