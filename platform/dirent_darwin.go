package platform

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nativeDirent is struct dirent with 64-bit inode numbers (dirent(5)).
var nativeDirent = direntLayout{
	reclen: int(unsafe.Offsetof(unix.Dirent{}.Reclen)), kind: int(unsafe.Offsetof(unix.Dirent{}.Type)),
	name: int(unsafe.Offsetof(unix.Dirent{}.Name)), vacant: true,
}

// getdents is getdirentries64, made directly: the library offers only
// readdir(3), which reads ahead of what it returned, so that what x/sys builds
// on it counts entries from the start and misses some of a directory that
// changes meanwhile. The number of the call has been the same since Mac OS X
// 10.6.
func getdents(fd FD, buf []byte) (int, error) {
	var base int64
	r, _, e := unix.Syscall6(unix.SYS_GETDIRENTRIES64, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(buf))),
		uintptr(len(buf)), uintptr(unsafe.Pointer(&base)), 0, 0)
	runtime.KeepAlive(buf)
	if e != 0 {
		return -1, e
	}
	return int(r), nil
}
