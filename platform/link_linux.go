package platform

import (
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

func mkdirat(dir FD, name Name, mode uint32) error {
	_, _, e := unix.Syscall(unix.SYS_MKDIRAT, uintptr(dir), ptr(name), uintptr(mode))
	runtime.KeepAlive(name)
	return failure(e)
}

func mknodat(dir FD, name Name, mode uint32, rdev uint64) error {
	_, _, e := unix.Syscall6(unix.SYS_MKNODAT, uintptr(dir), ptr(name), uintptr(mode), uintptr(rdev), 0, 0)
	runtime.KeepAlive(name)
	return failure(e)
}

func symlinkat(target Name, dir FD, name Name) error {
	_, _, e := unix.Syscall(unix.SYS_SYMLINKAT, ptr(target), uintptr(dir), ptr(name))
	runtime.KeepAlive(target)
	runtime.KeepAlive(name)
	return failure(e)
}

func linkat(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
	flags := 0
	if follow {
		flags = unix.AT_SYMLINK_FOLLOW
	}
	_, _, e := unix.Syscall6(unix.SYS_LINKAT, uintptr(olddir), ptr(oldname), uintptr(newdir), ptr(newname), uintptr(flags), 0)
	runtime.KeepAlive(oldname)
	runtime.KeepAlive(newname)
	return failure(e)
}

var emptyPath = Name{0}

// linkFD gives an unnamed file its name. AT_EMPTY_PATH needs
// CAP_DAC_READ_SEARCH before Linux 6.10 and says ENOENT without it; the way
// through /proc that open(2) documents under O_TMPFILE needs no privilege.
func linkFD(fd FD, newdir FD, newname Name) error {
	_, _, e := unix.Syscall6(unix.SYS_LINKAT, uintptr(fd), ptr(emptyPath), uintptr(newdir), ptr(newname), unix.AT_EMPTY_PATH, 0)
	if e == unix.ENOENT {
		return linkat(CWD, fdPath(fd), newdir, newname, true)
	}
	runtime.KeepAlive(newname)
	return failure(e)
}

// fdPath names an open descriptor by its link in /proc. Not inlined, so that
// the bytes are on the heap: a stack may move while only a uintptr refers to it.
//
//go:noinline
func fdPath(fd FD) Name {
	return append(strconv.AppendInt(append(make(Name, 0, 32), "/proc/self/fd/"...), int64(fd), 10), 0)
}

func rename2(olddir FD, oldname Name, newdir FD, newname Name, flags uint) error {
	_, _, e := unix.Syscall6(unix.SYS_RENAMEAT2, uintptr(olddir), ptr(oldname), uintptr(newdir), ptr(newname), uintptr(flags), 0)
	runtime.KeepAlive(oldname)
	runtime.KeepAlive(newname)
	return failure(e)
}

func renameat(olddir FD, oldname Name, newdir FD, newname Name) error {
	return rename2(olddir, oldname, newdir, newname, 0)
}

func renameNoReplace(olddir FD, oldname Name, newdir FD, newname Name) error {
	return rename2(olddir, oldname, newdir, newname, unix.RENAME_NOREPLACE)
}

func renameExchange(olddir FD, oldname Name, newdir FD, newname Name) error {
	return rename2(olddir, oldname, newdir, newname, unix.RENAME_EXCHANGE)
}

func unlink(dir FD, name Name, flags int) error {
	_, _, e := unix.Syscall(unix.SYS_UNLINKAT, uintptr(dir), ptr(name), uintptr(flags))
	runtime.KeepAlive(name)
	return failure(e)
}

func unlinkat(dir FD, name Name) error { return unlink(dir, name, 0) }
func rmdirat(dir FD, name Name) error  { return unlink(dir, name, unix.AT_REMOVEDIR) }
