package platform

import "syscall"

// maxRestarts bounds how often an interrupted call is made again.
const maxRestarts = 1000

// Restarting returns a table that makes its calls through c, again where a
// signal interrupted them, a bounded number of times. The handlers of the Go
// runtime ask the kernel to do that (SA_RESTART, signal(7)), but FUSE hands on
// the EINTR that its server answers. Left as they are: the calls that move
// data, whose callers count what was moved, Poll, whose callers look whether
// they are still wanted, and Close, which has let go of the descriptor all the
// same.
func Restarting(c *Calls) *Calls {
	r := *c
	r.Openat = func(dir FD, name Name, flags int, mode uint32) (FD, error) {
		return again(func() (FD, error) { return c.Openat(dir, name, flags, mode) })
	}
	r.OpenBeneath = func(dir FD, name Name, flags int, mode uint32) (FD, error) {
		return again(func() (FD, error) { return c.OpenBeneath(dir, name, flags, mode) })
	}
	r.Getdents = func(fd FD, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Getdents(fd, buf) })
	}
	r.Fstat = func(fd FD, st *Stat) error {
		return restarted(func() error { return c.Fstat(fd, st) })
	}
	r.Statat = func(dir FD, name Name, st *Stat, follow bool) error {
		return restarted(func() error { return c.Statat(dir, name, st, follow) })
	}
	r.Accessat = func(dir FD, name Name, mode uint32) error {
		return restarted(func() error { return c.Accessat(dir, name, mode) })
	}
	r.Readlinkat = func(dir FD, name Name, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Readlinkat(dir, name, buf) })
	}
	r.Mkdirat = func(dir FD, name Name, mode uint32) error {
		return restarted(func() error { return c.Mkdirat(dir, name, mode) })
	}
	r.Mknodat = func(dir FD, name Name, mode uint32, rdev uint64) error {
		return restarted(func() error { return c.Mknodat(dir, name, mode, rdev) })
	}
	r.Symlinkat = func(target Name, dir FD, name Name) error {
		return restarted(func() error { return c.Symlinkat(target, dir, name) })
	}
	r.Linkat = func(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
		return restarted(func() error { return c.Linkat(olddir, oldname, newdir, newname, follow) })
	}
	r.LinkFD = func(fd FD, newdir FD, newname Name) error {
		return restarted(func() error { return c.LinkFD(fd, newdir, newname) })
	}
	r.CloneAt = func(src FD, dir FD, name Name) error {
		return restarted(func() error { return c.CloneAt(src, dir, name) })
	}
	r.Renameat = func(olddir FD, oldname Name, newdir FD, newname Name) error {
		return restarted(func() error { return c.Renameat(olddir, oldname, newdir, newname) })
	}
	r.RenameNoReplace = func(olddir FD, oldname Name, newdir FD, newname Name) error {
		return restarted(func() error { return c.RenameNoReplace(olddir, oldname, newdir, newname) })
	}
	r.RenameExchange = func(olddir FD, oldname Name, newdir FD, newname Name) error {
		return restarted(func() error { return c.RenameExchange(olddir, oldname, newdir, newname) })
	}
	r.Unlinkat = func(dir FD, name Name) error {
		return restarted(func() error { return c.Unlinkat(dir, name) })
	}
	r.Rmdirat = func(dir FD, name Name) error {
		return restarted(func() error { return c.Rmdirat(dir, name) })
	}
	r.Flock = func(fd FD, exclusiveNonblock bool) error {
		return restarted(func() error { return c.Flock(fd, exclusiveNonblock) })
	}
	r.Lseek = func(fd FD, off int64, whence int) (int64, error) {
		return again(func() (int64, error) { return c.Lseek(fd, off, whence) })
	}
	r.CowExtent = func(fd FD, bytes int) (int, error) {
		return again(func() (int, error) { return c.CowExtent(fd, bytes) })
	}
	r.PunchHole = func(fd FD, off, length int64) error {
		return restarted(func() error { return c.PunchHole(fd, off, length) })
	}
	r.Ftruncate = func(fd FD, size int64) error {
		return restarted(func() error { return c.Ftruncate(fd, size) })
	}
	restartMetadata(&r, c)
	restartAuxiliary(&r, c)
	return &r
}

// restartMetadata is Restarting for attributes and flushes.
func restartMetadata(r, c *Calls) {
	r.Fchown = func(fd FD, uid, gid int) error {
		return restarted(func() error { return c.Fchown(fd, uid, gid) })
	}
	r.Fchownat = func(dir FD, name Name, uid, gid int) error {
		return restarted(func() error { return c.Fchownat(dir, name, uid, gid) })
	}
	r.Fchmod = func(fd FD, mode uint32) error {
		return restarted(func() error { return c.Fchmod(fd, mode) })
	}
	r.Fchmodat = func(dir FD, name Name, mode uint32) error {
		return restarted(func() error { return c.Fchmodat(dir, name, mode) })
	}
	r.Futimens = func(fd FD, atime, mtime Time) error {
		return restarted(func() error { return c.Futimens(fd, atime, mtime) })
	}
	r.Utimensat = func(dir FD, name Name, atime, mtime Time) error {
		return restarted(func() error { return c.Utimensat(dir, name, atime, mtime) })
	}
	r.Flistxattr = func(fd FD, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Flistxattr(fd, buf) })
	}
	r.Fgetxattr = func(fd FD, attr Name, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Fgetxattr(fd, attr, buf) })
	}
	r.Fsetxattr = func(fd FD, attr Name, value []byte) error {
		return restarted(func() error { return c.Fsetxattr(fd, attr, value) })
	}
	r.Fremovexattr = func(fd FD, attr Name) error {
		return restarted(func() error { return c.Fremovexattr(fd, attr) })
	}
	r.Listxattrat = func(dir FD, name Name, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Listxattrat(dir, name, buf) })
	}
	r.Getxattrat = func(dir FD, name Name, attr Name, buf []byte) (int, error) {
		return again(func() (int, error) { return c.Getxattrat(dir, name, attr, buf) })
	}
	r.Setxattrat = func(dir FD, name Name, attr Name, value []byte) error {
		return restarted(func() error { return c.Setxattrat(dir, name, attr, value) })
	}
	r.Removexattrat = func(dir FD, name Name, attr Name) error {
		return restarted(func() error { return c.Removexattrat(dir, name, attr) })
	}
	r.Fsync = func(fd FD) error { return restarted(func() error { return c.Fsync(fd) }) }
	r.Fdatasync = func(fd FD) error { return restarted(func() error { return c.Fdatasync(fd) }) }
	r.Syncfs = func(fd FD) error { return restarted(func() error { return c.Syncfs(fd) }) }
}

// restartAuxiliary is Restarting for what prepares transfers.
func restartAuxiliary(r, c *Calls) {
	r.DirectAlign = func(fd FD) (memory, offset int, err error) {
		err = restarted(func() (err error) { memory, offset, err = c.DirectAlign(fd); return err })
		return memory, offset, err
	}
	r.SetDirect = func(fd FD, on bool) error { return restarted(func() error { return c.SetDirect(fd, on) }) }
	r.CacheState = func(fd FD, off, n int64, st *CacheState) error {
		return restarted(func() error { return c.CacheState(fd, off, n, st) })
	}
	r.Dup = func(fd FD) (FD, error) { return again(func() (FD, error) { return c.Dup(fd) }) }
	r.Extents = func(fd FD, off int64, flush bool, m *ExtentMap) (int, error) {
		return again(func() (int, error) { return c.Extents(fd, off, flush, m) })
	}
	r.ExtentSpace = func(fd FD) (ExtentSpace, error) {
		return again(func() (ExtentSpace, error) { return c.ExtentSpace(fd) })
	}
	r.Mmap = func(fd FD, off int64, n int) ([]byte, error) {
		return again(func() ([]byte, error) { return c.Mmap(fd, off, n) })
	}
	r.Munmap = func(b []byte) error { return restarted(func() error { return c.Munmap(b) }) }
	r.Lease = func(fd FD) error { return restarted(func() error { return c.Lease(fd) }) }
	r.Leased = func(fd FD) (bool, error) { return again(func() (bool, error) { return c.Leased(fd) }) }
	r.Unlease = func(fd FD) error { return restarted(func() error { return c.Unlease(fd) }) }
	r.Pipe = func() (rd, wr FD, err error) {
		err = restarted(func() (err error) { rd, wr, err = c.Pipe(); return err })
		return rd, wr, err
	}
	r.SetPipeSize = func(fd FD, n int) (int, error) {
		return again(func() (int, error) { return c.SetPipeSize(fd, n) })
	}
}

// again makes a call until no signal interrupts it.
func again[T any](call func() (T, error)) (T, error) {
	for i := 0; ; i++ {
		v, err := call()
		if err != syscall.EINTR || i == maxRestarts {
			return v, err
		}
	}
}

func restarted(call func() error) error {
	err := call()
	for i := 0; err == syscall.EINTR && i < maxRestarts; i++ {
		err = call()
	}
	return err
}
