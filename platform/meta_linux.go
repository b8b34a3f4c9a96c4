package platform

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

func fchown(fd FD, uid, gid int) error {
	_, _, e := unix.Syscall(unix.SYS_FCHOWN, uintptr(fd), uintptr(uid), uintptr(gid))
	return failure(e)
}

func fchownat(dir FD, name Name, uid, gid int) error {
	_, _, e := unix.Syscall6(unix.SYS_FCHOWNAT, uintptr(dir), ptr(name), uintptr(uid), uintptr(gid), unix.AT_SYMLINK_NOFOLLOW, 0)
	runtime.KeepAlive(name)
	return failure(e)
}

func fchmod(fd FD, mode uint32) error {
	_, _, e := unix.Syscall(unix.SYS_FCHMOD, uintptr(fd), uintptr(mode), 0)
	return failure(e)
}

// fchmodat is fchmodat2(2), since Linux 6.6; before it a mode could be set by
// name only through links, so there the entry is pinned and seen to be none.
func fchmodat(dir FD, name Name, mode uint32) error {
	_, _, e := unix.Syscall6(unix.SYS_FCHMODAT2, uintptr(dir), ptr(name), uintptr(mode), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	runtime.KeepAlive(name)
	if e != unix.ENOSYS && e != unix.EPERM {
		return failure(e)
	}
	fd, err := openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	var st Stat
	if err := fstat(fd, &st); err != nil {
		return err
	}
	if st.IsSymlink() {
		return unix.EOPNOTSUPP
	}
	p := fdPath(fd)
	_, _, e = unix.Syscall(unix.SYS_FCHMODAT, ^uintptr(99), ptr(p), uintptr(mode))
	runtime.KeepAlive(p)
	return failure(e)
}

func futimens(fd FD, atime, mtime Time) error {
	ts := [2]unix.Timespec{timespec(atime), timespec(mtime)}
	_, _, e := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	return failure(e)
}

func utimensat(dir FD, name Name, atime, mtime Time) error {
	ts := [2]unix.Timespec{timespec(atime), timespec(mtime)}
	_, _, e := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(dir), ptr(name), uintptr(unsafe.Pointer(&ts)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	runtime.KeepAlive(name)
	return failure(e)
}

func timespec(t Time) unix.Timespec {
	var ts unix.Timespec
	ts.Sec, ts.Nsec = fill(ts.Sec, t.Sec), fill(ts.Nsec, t.Nsec)
	return ts
}

// fill converts to the width that the architecture's timespec has.
func fill[T int32 | int64](_ T, v int64) T { return T(v) }

func flistxattr(fd FD, buf []byte) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_FLISTXATTR, uintptr(fd), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(buf)
	return result(r, e)
}

func fgetxattr(fd FD, attr Name, buf []byte) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_FGETXATTR, uintptr(fd), ptr(attr), bufptr(buf), uintptr(len(buf)), 0, 0)
	runtime.KeepAlive(attr)
	runtime.KeepAlive(buf)
	return result(r, e)
}

func fsetxattr(fd FD, attr Name, value []byte) error {
	_, _, e := unix.Syscall6(unix.SYS_FSETXATTR, uintptr(fd), ptr(attr), bufptr(value), uintptr(len(value)), 0, 0)
	runtime.KeepAlive(attr)
	runtime.KeepAlive(value)
	return failure(e)
}

func fremovexattr(fd FD, attr Name) error {
	_, _, e := unix.Syscall(unix.SYS_FREMOVEXATTR, uintptr(fd), ptr(attr), 0)
	runtime.KeepAlive(attr)
	return failure(e)
}
