package platform

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// preadUncached and pwriteUncached go through the page cache and leave nothing
// of their own in it (RWF_DONTCACHE, preadv2(2), since Linux 6.14). A file
// system that lacks it says EOPNOTSUPP, an older kernel the same.
func preadUncached(fd FD, buf []byte, off int64) (int, error) {
	return vectored(unix.SYS_PREADV2, fd, buf, off)
}

func pwriteUncached(fd FD, buf []byte, off int64) (int, error) {
	return vectored(unix.SYS_PWRITEV2, fd, buf, off)
}

// vectored makes one of the calls that take flags, with one buffer.
func vectored(trap uintptr, fd FD, buf []byte, off int64) (int, error) {
	v := unix.Iovec{Base: unsafe.SliceData(buf)}
	v.SetLen(len(buf))
	// The offset is two words, low and high; the second counts on 32-bit
	// systems only.
	high := uintptr(0)
	if unsafe.Sizeof(high) == 4 {
		high = uintptr(uint64(off) >> 32)
	}
	r, _, e := unix.Syscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, uintptr(off), high, unix.RWF_DONTCACHE)
	runtime.KeepAlive(buf)
	return result(r, e)
}

// directAlign asks for STATX_DIOALIGN (statx(2), since Linux 6.1). Alignments of
// 0 say that this file takes no direct I/O. Btrfs, network file systems and
// FUSE answer without the bit though most of them take it: a page is enough
// for all, and an EINVAL tells of the rest. What lives in memory only accepts
// the flag and means nothing by it.
func directAlign(fd FD) (memory, offset int, err error) {
	var x unix.Statx_t
	if err := unix.Statx(int(fd), "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &x); err != nil {
		return 0, 0, err
	}
	if x.Mask&unix.STATX_DIOALIGN == 0 {
		var s unix.Statfs_t
		if err := unix.Fstatfs(int(fd), &s); err != nil {
			return 0, 0, err
		}
		switch uint32(s.Type) {
		case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.HUGETLBFS_MAGIC:
			return 0, 0, errors.ErrUnsupported
		}
		return unix.Getpagesize(), unix.Getpagesize(), nil
	}
	if x.Dio_mem_align == 0 || x.Dio_offset_align == 0 {
		return 0, 0, errors.ErrUnsupported
	}
	return int(x.Dio_mem_align), int(x.Dio_offset_align), nil
}

// cacheState is cachestat(2), since Linux 6.5.
func cacheState(fd FD, off, n int64, st *CacheState) error {
	var c unix.Cachestat_t
	r := unix.CachestatRange{Off: uint64(off), Len: uint64(n)}
	if err := unix.Cachestat(uint(fd), &r, &c, 0); err != nil {
		return err
	}
	page := int64(unix.Getpagesize())
	st.Resident, st.Dirty = int64(c.Cache)*page, int64(c.Dirty+c.Writeback)*page
	return nil
}
