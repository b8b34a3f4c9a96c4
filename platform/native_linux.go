package platform

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// More open flags of Calls.Openat.
const (
	NoAtime  = unix.O_NOATIME
	PathOnly = unix.O_PATH
	Unnamed  = unix.O_TMPFILE
	oAlways  = unix.O_CLOEXEC | unix.O_LARGEFILE
)

var native = Calls{
	Openat: openat, OpenBeneath: openBeneath, Close: closeFD, Dup: dup, Getdents: getdents,
	Fstat: fstat, Statat: statat, Accessat: accessat, Readlinkat: readlinkat,
	Mkdirat: mkdirat, Mknodat: mknodat, Symlinkat: symlinkat, Linkat: linkat, LinkFD: linkFD,
	Renameat: renameat, RenameNoReplace: renameNoReplace, RenameExchange: renameExchange,
	Unlinkat: unlinkat, Rmdirat: rmdirat, Flock: flock, Unwritten: unwritten,

	Read: read, Write: write, Pread: pread, Pwrite: pwrite, Lseek: lseek,
	Ftruncate: ftruncate, Fallocate: fallocate, PunchHole: punchHole, CopyFileRange: copyFileRange,
	Sendfile: sendfile, Splice: splice, Clone: clone, CloneRange: cloneRange, CowExtent: cowExtent, Fadvise: fadvise, Cached: cached,
	Extents: extents, ExtentSpace: extentSpace,
	CloneAt: func(src FD, dir FD, name Name) error { return errors.ErrUnsupported },

	PreadUncached: preadUncached, PwriteUncached: pwriteUncached,
	DirectAlign: directAlign, SetDirect: setDirect, CacheState: cacheState,
	Mmap: mmap, Munmap: munmap, Lease: lease, Leased: leased, Unlease: unlease,
	Pipe: pipe, SetPipeSize: setPipeSize, Poll: poll,

	Fchown: fchown, Fchownat: fchownat, Fchmod: fchmod, Fchmodat: fchmodat,
	Futimens: futimens, Utimensat: utimensat,
	Flistxattr: flistxattr, Fgetxattr: fgetxattr, Fsetxattr: fsetxattr, Fremovexattr: fremovexattr,
	Listxattrat: listxattrat, Getxattrat: getxattrat, Setxattrat: setxattrat, Removexattrat: removexattrat,

	Fsync: fsync, Fdatasync: fdatasync, Syncfs: syncfs,
}

// Native returns the table of the running kernel. The caller may change its
// copy.
func Native() *Calls {
	c := native
	return &c
}

func ptr(n Name) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(n))) }

func bufptr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// result turns a raw return into (n, error) without allocating: errnos below
// 256 are boxed from a static table by the runtime.
func result(r uintptr, e unix.Errno) (int, error) {
	if e != 0 {
		return -1, e
	}
	return int(r), nil
}

func failure(e unix.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}
