package platform

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The *xattrat calls (Linux 6.13) name an entry by its directory's descriptor.
// Before them the l*xattr family is given the entry's path below the held
// descriptor in /proc, whose last component it never follows; going through
// /proc costs three times the call itself.

// lacksXattrat is set when the kernel has none of the calls.
var lacksXattrat atomic.Bool

// xattrArgs is struct xattr_args of linux/xattr.h. value is an address in 64
// bits on every architecture; who calls keeps what is there alive. (It is on
// the heap, since it came through a function of Calls, so it doesn't move.)
type xattrArgs struct {
	value uint64
	size  uint32
	flags uint32
}

// entryPath names an entry of an open directory for the path-only calls. Not
// inlined for the reason that fdPath gives.
//
//go:noinline
func entryPath(dir FD, name Name) Name {
	if dir == CWD {
		return name
	}
	p := append(make(Name, 0, 32+len(name)), "/proc/self/fd/"...)
	p = strconv.AppendInt(p, int64(dir), 10)
	return append(append(p, '/'), name...)
}

// noXattrat reports that the kernel lacks a call, or that a filter which
// doesn't know it denies it (seccomp(2)).
func noXattrat(e unix.Errno) bool {
	if e == unix.ENOSYS {
		lacksXattrat.Store(true)
		return true
	}
	return e == unix.EPERM
}

func listxattrat(dir FD, name Name, buf []byte) (int, error) {
	if !lacksXattrat.Load() {
		r, _, e := unix.Syscall6(unix.SYS_LISTXATTRAT, uintptr(dir), ptr(name), unix.AT_SYMLINK_NOFOLLOW, bufptr(buf), uintptr(len(buf)), 0)
		runtime.KeepAlive(name)
		runtime.KeepAlive(buf)
		if !noXattrat(e) {
			return result(r, e)
		}
	}
	p := entryPath(dir, name)
	r, _, e := unix.Syscall(unix.SYS_LLISTXATTR, ptr(p), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(p)
	runtime.KeepAlive(buf)
	return result(r, e)
}

func getxattrat(dir FD, name Name, attr Name, buf []byte) (int, error) {
	if !lacksXattrat.Load() {
		args := xattrArgs{value: uint64(bufptr(buf)), size: uint32(len(buf))}
		r, _, e := unix.Syscall6(unix.SYS_GETXATTRAT, uintptr(dir), ptr(name), unix.AT_SYMLINK_NOFOLLOW, ptr(attr), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
		runtime.KeepAlive(name)
		runtime.KeepAlive(attr)
		runtime.KeepAlive(buf)
		if !noXattrat(e) {
			return result(r, e)
		}
	}
	p := entryPath(dir, name)
	r, _, e := unix.Syscall6(unix.SYS_LGETXATTR, ptr(p), ptr(attr), bufptr(buf), uintptr(len(buf)), 0, 0)
	runtime.KeepAlive(p)
	runtime.KeepAlive(attr)
	runtime.KeepAlive(buf)
	return result(r, e)
}

func setxattrat(dir FD, name Name, attr Name, value []byte) error {
	if !lacksXattrat.Load() {
		args := xattrArgs{value: uint64(bufptr(value)), size: uint32(len(value))}
		_, _, e := unix.Syscall6(unix.SYS_SETXATTRAT, uintptr(dir), ptr(name), unix.AT_SYMLINK_NOFOLLOW, ptr(attr), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
		runtime.KeepAlive(name)
		runtime.KeepAlive(attr)
		runtime.KeepAlive(value)
		if !noXattrat(e) {
			return failure(e)
		}
	}
	p := entryPath(dir, name)
	_, _, e := unix.Syscall6(unix.SYS_LSETXATTR, ptr(p), ptr(attr), bufptr(value), uintptr(len(value)), 0, 0)
	runtime.KeepAlive(p)
	runtime.KeepAlive(attr)
	runtime.KeepAlive(value)
	return failure(e)
}

func removexattrat(dir FD, name Name, attr Name) error {
	if !lacksXattrat.Load() {
		_, _, e := unix.Syscall6(unix.SYS_REMOVEXATTRAT, uintptr(dir), ptr(name), unix.AT_SYMLINK_NOFOLLOW, ptr(attr), 0, 0)
		runtime.KeepAlive(name)
		runtime.KeepAlive(attr)
		if !noXattrat(e) {
			return failure(e)
		}
	}
	p := entryPath(dir, name)
	_, _, e := unix.Syscall(unix.SYS_LREMOVEXATTR, ptr(p), ptr(attr), 0)
	runtime.KeepAlive(p)
	runtime.KeepAlive(attr)
	return failure(e)
}
