package platform

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Prompt returns the native table with short calls made without telling the Go
// scheduler (RawSyscall), and a function that ends that for good.
//
// On file systems in this machine's memory or on its disks these calls take
// microseconds, and handing the processor over for each costs a third of a
// copy of small files in a virtual machine: 0.72 of the time of cp -a against
// 0.52 (40 000 files, tmpfs, 2 processors), mostly for the timer of the thread
// that looks for blocked calls. A call that blocks all the same holds up the
// garbage collector, so: stop before the first call on a file system whose
// server may not answer (see IsLocal), and give the run more processors
// (GOMAXPROCS) than it has workers.
func Prompt() (calls *Calls, stop func()) {
	p := &prompt{}
	c := native
	c.Openat, c.Close, c.Fstat, c.Clone = p.openat, p.closeFD, p.fstat, p.clone
	c.Pread, c.Pwrite, c.CopyFileRange = p.pread, p.pwrite, p.copyFileRange
	c.LinkFD, c.Fchown, c.Fchmod, c.Futimens, c.Flistxattr = p.linkFD, p.fchown, p.fchmod, p.futimens, p.flistxattr
	c.Statat, c.Listxattrat = p.statat, p.listxattrat
	return &c, func() { p.stopped.Store(true) }
}

type prompt struct{ stopped atomic.Bool }

// promptMax is the largest transfer that counts as short: some 50 µs in memory.
const promptMax = 256 << 10

func (p *prompt) openat(dir FD, name Name, flags int, mode uint32) (FD, error) {
	// A FIFO blocks who opens it without O_NONBLOCK until there is a peer, and
	// a directory may be the root of another file system.
	unnamed := flags&Unnamed == Unnamed
	if p.stopped.Load() || !unnamed && (flags&Directory != 0 || flags&(NonBlock|Exclusive) == 0) {
		return openat(dir, name, flags, mode)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(dir), ptr(name), uintptr(flags|oAlways), uintptr(mode), 0, 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return None, e
	}
	return FD(r), nil
}

func (p *prompt) closeFD(fd FD) error {
	if p.stopped.Load() {
		return closeFD(fd)
	}
	_, _, e := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	if e == unix.EINTR {
		return nil
	}
	return failure(e)
}

func (p *prompt) fstat(fd FD, st *Stat) error {
	if p.stopped.Load() {
		return fstat(fd, st)
	}
	var u unix.Stat_t
	_, _, e := unix.RawSyscall(unix.SYS_FSTAT, uintptr(fd), uintptr(unsafe.Pointer(&u)), 0)
	if e != 0 {
		return e
	}
	fromStat(st, &u)
	return nil
}

func (p *prompt) statat(dir FD, name Name, st *Stat, follow bool) error {
	if follow || p.stopped.Load() {
		return statat(dir, name, st, follow)
	}
	var x unix.Statx_t
	_, _, e := unix.RawSyscall6(unix.SYS_STATX, uintptr(dir), ptr(name), unix.AT_NO_AUTOMOUNT|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(&x)), 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return e
	}
	fromStatx(st, &x)
	return nil
}

func (p *prompt) listxattrat(dir FD, name Name, buf []byte) (int, error) {
	if p.stopped.Load() || lacksXattrat.Load() {
		return listxattrat(dir, name, buf)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_LISTXATTRAT, uintptr(dir), ptr(name), unix.AT_SYMLINK_NOFOLLOW, bufptr(buf), uintptr(len(buf)), 0)
	runtime.KeepAlive(name)
	runtime.KeepAlive(buf)
	if noXattrat(e) {
		return listxattrat(dir, name, buf)
	}
	return result(r, e)
}

func (p *prompt) clone(dst, src FD) error {
	if p.stopped.Load() {
		return clone(dst, src)
	}
	_, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(dst), unix.FICLONE, uintptr(src))
	return failure(e)
}

// Only 64-bit systems pass an offset in one register, as it is done here.
const oneRegister = unsafe.Sizeof(uintptr(0)) == 8

func (p *prompt) pread(fd FD, buf []byte, off int64) (int, error) {
	if p.stopped.Load() || !oneRegister || len(buf) > promptMax {
		return pread(fd, buf, off)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), bufptr(buf), uintptr(len(buf)), uintptr(off), 0, 0)
	runtime.KeepAlive(buf)
	return result(r, e)
}

func (p *prompt) pwrite(fd FD, buf []byte, off int64) (int, error) {
	if p.stopped.Load() || !oneRegister || len(buf) > promptMax {
		return pwrite(fd, buf, off)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_PWRITE64, uintptr(fd), bufptr(buf), uintptr(len(buf)), uintptr(off), 0, 0)
	runtime.KeepAlive(buf)
	return result(r, e)
}

func (p *prompt) copyFileRange(dst FD, dstOff int64, src FD, srcOff int64, n int) (int, error) {
	if p.stopped.Load() || n > promptMax {
		return copyFileRange(dst, dstOff, src, srcOff, n)
	}
	r, _, e := unix.RawSyscall6(unix.SYS_COPY_FILE_RANGE, uintptr(src), uintptr(unsafe.Pointer(&srcOff)),
		uintptr(dst), uintptr(unsafe.Pointer(&dstOff)), uintptr(n), 0)
	return result(r, e)
}

func (p *prompt) linkFD(fd FD, newdir FD, newname Name) error {
	if p.stopped.Load() {
		return linkFD(fd, newdir, newname)
	}
	_, _, e := unix.RawSyscall6(unix.SYS_LINKAT, uintptr(fd), ptr(emptyPath), uintptr(newdir), ptr(newname), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(newname)
	if e == unix.ENOENT {
		return linkFD(fd, newdir, newname)
	}
	return failure(e)
}

func (p *prompt) fchown(fd FD, uid, gid int) error {
	if p.stopped.Load() {
		return fchown(fd, uid, gid)
	}
	_, _, e := unix.RawSyscall(unix.SYS_FCHOWN, uintptr(fd), uintptr(uid), uintptr(gid))
	return failure(e)
}

func (p *prompt) fchmod(fd FD, mode uint32) error {
	if p.stopped.Load() {
		return fchmod(fd, mode)
	}
	_, _, e := unix.RawSyscall(unix.SYS_FCHMOD, uintptr(fd), uintptr(mode), 0)
	return failure(e)
}

func (p *prompt) futimens(fd FD, atime, mtime Time) error {
	if p.stopped.Load() {
		return futimens(fd, atime, mtime)
	}
	ts := [2]unix.Timespec{timespec(atime), timespec(mtime)}
	_, _, e := unix.RawSyscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	return failure(e)
}

func (p *prompt) flistxattr(fd FD, buf []byte) (int, error) {
	if p.stopped.Load() {
		return flistxattr(fd, buf)
	}
	r, _, e := unix.RawSyscall(unix.SYS_FLISTXATTR, uintptr(fd), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(buf)
	return result(r, e)
}

// IsLocal reports whether the file system of an open file answers by itself:
// no server, no network, no user-space daemon stands behind it (statfs(2)).
// One that isn't known counts as not local.
func IsLocal(fd FD) bool {
	var s unix.Statfs_t
	if unix.Fstatfs(int(fd), &s) != nil {
		return false
	}
	switch uint32(s.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.F2FS_SUPER_MAGIC:
		return true
	}
	return false
}
