package platform

import (
	"errors"
	"runtime"
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
func clone(dst, src FD) error {
	const (
		cloneOnly = 0x00800000 // COPY_FILE_RANGE_CLONE
		whole     = 1<<63 - 1
	)
	if release() < cloneSince {
		return errors.ErrUnsupported
	}
	_, err := rangeCopy(dst, 0, src, 0, whole, cloneOnly)
	return err
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

// setDirect sets or clears O_DIRECT (fcntl(2), F_SETFL), which a file system
// without direct I/O ignores.
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

func fdatasync(fd FD) error {
	_, _, e := unix.Syscall(unix.SYS_FDATASYNC, uintptr(fd), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// hasACL looks for entries that a mode can't say: of named users and groups, or
// that are inherited (acl(3)).
func hasACL(fd FD) bool {
	const (
		user, group   = 0x02, 0x08 // ACL_USER, ACL_GROUP
		access, nfs4  = 2, 4       // ACL_TYPE_ACCESS, ACL_TYPE_NFS4
		extended, pc4 = 59, 64     // _PC_ACL_EXTENDED, _PC_ACL_NFS4
	)
	kind := uintptr(0)
	if on, err := unix.Fpathconf(int(fd), pc4); err == nil && on == 1 {
		kind = nfs4
	} else if on, err := unix.Fpathconf(int(fd), extended); err == nil && on == 1 {
		kind = access
	} else {
		return false
	}
	var acl struct { // struct acl, sys/acl.h
		max, count uint32
		_          [4]int32
		entries    [254]struct {
			tag, id, perm uint32
			kind, flags   uint16
		}
	}
	acl.max = uint32(len(acl.entries))
	_, _, e := unix.Syscall(unix.SYS___ACL_GET_FD, uintptr(fd), kind, uintptr(unsafe.Pointer(&acl)))
	runtime.KeepAlive(&acl)
	if e != 0 {
		return false
	}
	for _, entry := range acl.entries[:min(int(acl.count), len(acl.entries))] {
		if entry.tag == user || entry.tag == group || entry.flags != 0 {
			return true
		}
	}
	return false
}
