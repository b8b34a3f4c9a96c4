//go:build unix

package platform

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Portable returns the table of what every system has on which this package is
// built: the calls of POSIX that name things by descriptor. What a kernel adds
// to them is refused (unnamed files, renames that never replace, copies inside
// the kernel, holes made, leases, the page cache). It is what the tables of
// macOS and FreeBSD begin with, and on Linux a way to see that the rest of the
// program copes without. The caller may change it.
//
// Names are copied on their way to the kernel, one allocation for each call.
func Portable() *Calls {
	c := Refusing()
	c.Openat, c.OpenBeneath, c.Close, c.Dup = posixOpenat, posixOpenBeneath, posixClose, posixDup
	c.Getdents, c.Fstat, c.Statat, c.Accessat = getdents, posixFstat, posixStatat, posixAccessat
	c.Readlinkat, c.Mkdirat, c.Mknodat, c.Symlinkat = posixReadlinkat, posixMkdirat, mknodat, posixSymlinkat
	c.Linkat, c.Renameat, c.Unlinkat, c.Rmdirat = posixLinkat, posixRenameat, posixUnlinkat, posixRmdirat
	c.Flock = posixFlock
	c.Read, c.Write, c.Pread, c.Pwrite = posixRead, posixWrite, posixPread, posixPwrite
	c.Lseek, c.Ftruncate = lseek, posixFtruncate
	c.Mmap, c.Munmap = posixMmap, posixMunmap
	c.Pipe, c.Poll = posixPipe, posixPoll
	c.Fchown, c.Fchownat, c.Fchmod, c.Fchmodat = posixFchown, posixFchownat, posixFchmod, posixFchmodat
	c.Futimens, c.Utimensat = futimens, posixUtimensat
	c.Flistxattr, c.Fgetxattr, c.Fsetxattr, c.Fremovexattr = flistxattr, fgetxattr, fsetxattr, fremovexattr
	c.Listxattrat, c.Getxattrat, c.Setxattrat, c.Removexattrat = listxattrat, getxattrat, setxattrat, removexattrat
	c.Fsync, c.Fdatasync = posixFsync, fdatasync
	return c
}

// at is the descriptor as the kernel counts it: AT_FDCWD differs.
func at(dir FD) int {
	if dir == CWD {
		return unix.AT_FDCWD
	}
	return int(dir)
}

// text is a name for the functions that take strings. It aliases n.
func text(n Name) string {
	b := n.Bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func posixOpenat(dir FD, name Name, flags int, mode uint32) (FD, error) {
	if flags&Unnamed == Unnamed {
		return None, errors.ErrUnsupported
	}
	fd, err := unix.Openat(at(dir), text(name), openFlags(flags), mode)
	if err != nil {
		return None, openError(err)
	}
	return FD(fd), nil
}

// posixClose closes once: the descriptor is gone even after EINTR, on every
// system that this is for (close(2) of each).
func posixClose(fd FD) error {
	if err := unix.Close(int(fd)); err != unix.EINTR {
		return err
	}
	return nil
}

func posixDup(fd FD) (FD, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return None, err
	}
	return FD(n), nil
}

func posixFstat(fd FD, st *Stat) error {
	var u unix.Stat_t
	if err := unix.Fstat(int(fd), &u); err != nil {
		return err
	}
	fromStat(st, &u)
	return nil
}

func posixStatat(dir FD, name Name, st *Stat, follow bool) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var u unix.Stat_t
	if err := unix.Fstatat(at(dir), text(name), &u, flags); err != nil {
		return err
	}
	fromStat(st, &u)
	return nil
}

func posixAccessat(dir FD, name Name, mode uint32) error {
	return unix.Faccessat(at(dir), text(name), mode, unix.AT_EACCESS)
}

func posixReadlinkat(dir FD, name Name, buf []byte) (int, error) {
	return unix.Readlinkat(at(dir), text(name), buf)
}

func posixMkdirat(dir FD, name Name, mode uint32) error {
	return unix.Mkdirat(at(dir), text(name), mode)
}

func posixSymlinkat(target Name, dir FD, name Name) error {
	return unix.Symlinkat(text(target), at(dir), text(name))
}

func posixLinkat(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
	flags := 0
	if follow {
		flags = unix.AT_SYMLINK_FOLLOW
	}
	return unix.Linkat(at(olddir), text(oldname), at(newdir), text(newname), flags)
}

func posixRenameat(olddir FD, oldname Name, newdir FD, newname Name) error {
	return unix.Renameat(at(olddir), text(oldname), at(newdir), text(newname))
}

// posixUnlinkat says EISDIR of a directory, as Linux does, where POSIX wants
// EPERM, so that it isn't taken for a lack of permission.
func posixUnlinkat(dir FD, name Name) error {
	err := unix.Unlinkat(at(dir), text(name), 0)
	if err == unix.EPERM {
		var st Stat
		if posixStatat(dir, name, &st, false) == nil && st.IsDir() {
			return unix.EISDIR
		}
	}
	return err
}

func posixRmdirat(dir FD, name Name) error {
	return unix.Unlinkat(at(dir), text(name), unix.AT_REMOVEDIR)
}

func posixFlock(fd FD, exclusiveNonblock bool) error {
	how := unix.LOCK_UN
	if exclusiveNonblock {
		how = unix.LOCK_EX | unix.LOCK_NB
	}
	return unix.Flock(int(fd), how)
}

func posixRead(fd FD, buf []byte) (int, error)  { return unix.Read(int(fd), buf) }
func posixWrite(fd FD, buf []byte) (int, error) { return unix.Write(int(fd), buf) }

func posixPread(fd FD, buf []byte, off int64) (int, error) { return unix.Pread(int(fd), buf, off) }

func posixPwrite(fd FD, buf []byte, off int64) (int, error) { return unix.Pwrite(int(fd), buf, off) }

func posixFtruncate(fd FD, size int64) error { return unix.Ftruncate(int(fd), size) }

func posixMmap(fd FD, off int64, n int) ([]byte, error) {
	return unix.Mmap(int(fd), off, n, unix.PROT_READ, unix.MAP_SHARED)
}

func posixMunmap(b []byte) error { return unix.Munmap(b) }

// posixPipe holds off fork(2) until no child would inherit the descriptors.
func posixPipe() (r, w FD, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		return None, None, err
	}
	unix.CloseOnExec(p[0])
	unix.CloseOnExec(p[1])
	return FD(p[0]), FD(p[1]), nil
}

func posixPoll(fd FD, write bool, ms int) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if write {
		p[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(p, ms)
	return n > 0, err
}

func posixFchown(fd FD, uid, gid int) error { return unix.Fchown(int(fd), uid, gid) }

func posixFchownat(dir FD, name Name, uid, gid int) error {
	return unix.Fchownat(at(dir), text(name), uid, gid, unix.AT_SYMLINK_NOFOLLOW)
}

func posixFchmod(fd FD, mode uint32) error { return unix.Fchmod(int(fd), mode) }

func posixFchmodat(dir FD, name Name, mode uint32) error {
	return unix.Fchmodat(at(dir), text(name), mode, unix.AT_SYMLINK_NOFOLLOW)
}

func posixUtimensat(dir FD, name Name, atime, mtime Time) error {
	ts := [2]unix.Timespec{timespec(atime), timespec(mtime)}
	return unix.UtimesNanoAt(at(dir), text(name), ts[:], unix.AT_SYMLINK_NOFOLLOW)
}

func posixFsync(fd FD) error { return unix.Fsync(int(fd)) }
