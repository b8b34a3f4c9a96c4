package platform

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

func openat(dir FD, name Name, flags int, mode uint32) (FD, error) {
	r, _, e := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), ptr(name), uintptr(flags|oAlways), uintptr(mode), 0, 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return None, e
	}
	return FD(r), nil
}

// openBeneath resolves name below dir and never above it, and through no magic
// link of /proc (openat2(2), Linux 5.6).
func openBeneath(dir FD, name Name, flags int, mode uint32) (FD, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | oAlways),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	if flags&(Create|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		how.Mode = uint64(mode)
	}
	r, _, e := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), ptr(name), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return None, e
	}
	return FD(r), nil
}

// closeFD closes once: on Linux the descriptor is gone even after EINTR or EIO
// (close(2), "Dealing with error returns from close()").
func closeFD(fd FD) error {
	_, _, e := unix.Syscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	if e == unix.EINTR {
		return nil
	}
	return failure(e)
}

func getdents(fd FD, buf []byte) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_GETDENTS64, uintptr(fd), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(buf)
	return result(r, e)
}

// unwritten takes a read lease, which is refused while somebody could write,
// and gives it back at once: who opens the file for writing meanwhile waits.
func unwritten(fd FD) error {
	_, _, e := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	if e == 0 {
		unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return failure(e)
}

func flock(fd FD, exclusiveNonblock bool) error {
	how := unix.LOCK_UN
	if exclusiveNonblock {
		how = unix.LOCK_EX | unix.LOCK_NB
	}
	_, _, e := unix.Syscall(unix.SYS_FLOCK, uintptr(fd), uintptr(how), 0)
	return failure(e)
}
