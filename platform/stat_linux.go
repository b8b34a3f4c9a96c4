package platform

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

func fstat(fd FD, st *Stat) error {
	var u unix.Stat_t
	if err := unix.Fstat(int(fd), &u); err != nil {
		return err
	}
	fromStat(st, &u)
	return nil
}

func blocksOf(u *unix.Stat_t) int64 { return u.Blocks }

func rdevOf(u *unix.Stat_t) uint64 { return u.Rdev }

func fromStatx(st *Stat, x *unix.Statx_t) {
	st.Dev, st.Ino = unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino
	st.Mode, st.UID, st.GID = uint32(x.Mode), x.Uid, x.Gid
	st.Nlink, st.Rdev = uint64(x.Nlink), unix.Mkdev(x.Rdev_major, x.Rdev_minor)
	st.Size, st.Blocks, st.BlockSize = int64(x.Size), int64(x.Blocks), int64(x.Blksize)
	st.Atime = Time{x.Atime.Sec, int64(x.Atime.Nsec)}
	st.Mtime = Time{x.Mtime.Sec, int64(x.Mtime.Nsec)}
	st.Ctime = Time{x.Ctime.Sec, int64(x.Ctime.Nsec)}
}

// statat is statx(2), so that its layout is the same on every architecture.
// It does not trigger automounts, as fstatat(2) with AT_NO_AUTOMOUNT.
func statat(dir FD, name Name, st *Stat, follow bool) error {
	flags := unix.AT_NO_AUTOMOUNT
	if !follow {
		flags |= unix.AT_SYMLINK_NOFOLLOW
	}
	var x unix.Statx_t
	_, _, e := unix.Syscall6(unix.SYS_STATX, uintptr(dir), ptr(name), uintptr(flags), unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(&x)), 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return e
	}
	fromStatx(st, &x)
	return nil
}

func accessat(dir FD, name Name, mode uint32) error {
	_, _, e := unix.Syscall6(unix.SYS_FACCESSAT2, uintptr(dir), ptr(name), uintptr(mode), unix.AT_EACCESS, 0, 0)
	runtime.KeepAlive(name)
	return failure(e)
}

func readlinkat(dir FD, name Name, buf []byte) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), ptr(name), bufptr(buf), uintptr(len(buf)), 0, 0)
	runtime.KeepAlive(name)
	runtime.KeepAlive(buf)
	return result(r, e)
}
