package platform

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What stands for "as it is" and "now" in a timespec (sys/stat.h).
const (
	timeNow  = unix.UTIME_NOW
	timeOmit = unix.UTIME_OMIT
)

func blocksOf(u *unix.Stat_t) int64 { return u.Blocks }

func futimens(fd FD, atime, mtime Time) error {
	ts := [2]unix.Timespec{timespec(atime), timespec(mtime)}
	_, _, e := unix.Syscall(unix.SYS_FUTIMENS, uintptr(fd), uintptr(unsafe.Pointer(&ts)), 0)
	if e != 0 {
		return e
	}
	return nil
}
