package platform

import (
	"golang.org/x/sys/unix"
)

// More open flags of Calls.Openat. Those above the 32 bits that the kernel takes
// have no counterpart: openFlags says what becomes of them.
const (
	NoAtime  = 1 << 40
	PathOnly = 1 << 41
	Unnamed  = 1 << 42
)

// openFlags: NoAtime is a wish that can't be granted. What is opened for its
// path only is opened to be searched (a directory) or to be looked at, where a
// link is not followed the link itself.
func openFlags(flags int) int {
	const above = NoAtime | PathOnly | Unnamed
	on := flags&^above | unix.O_CLOEXEC
	switch {
	case flags&PathOnly == 0:
		return on
	case flags&Directory != 0:
		return on | unix.O_SEARCH
	case flags&NoFollow != 0:
		on = on&^unix.O_NOFOLLOW | unix.O_SYMLINK
	}
	return on | unix.O_EVTONLY | unix.O_NONBLOCK
}

func openError(err error) error { return err }

// Native returns the table of the running kernel. The caller may change its
// copy.
func Native() *Calls {
	c := Portable()
	c.RenameNoReplace, c.RenameExchange = renameExclusive, renameSwap
	c.Fallocate, c.PunchHole = preallocate, punchHole
	c.CloneAt = cloneAt
	c.Sendfile = sendfile
	c.DirectAlign, c.SetDirect = directAlign, setDirect
	c.Fsync = fullFsync
	return c
}

func renameExclusive(olddir FD, oldname Name, newdir FD, newname Name) error {
	return unix.RenameatxNp(at(olddir), text(oldname), at(newdir), text(newname), unix.RENAME_EXCL)
}

func renameSwap(olddir FD, oldname Name, newdir FD, newname Name) error {
	return unix.RenameatxNp(at(olddir), text(oldname), at(newdir), text(newname), unix.RENAME_SWAP)
}

// mknodat has no system call of its own before macOS 13, and one that is not
// there would end the process (SIGSYS).
func mknodat(dir FD, name Name, mode uint32, rdev uint64) error {
	return inDirectory(dir, func() error {
		if mode&ModeType == ModeFIFO {
			return unix.Mkfifo(text(name), mode&ModeBits)
		}
		major, minor := SplitDevice(rdev)
		if major > 0xff || minor > 0xffffff {
			return unix.EINVAL
		}
		return unix.Mknod(text(name), mode, int(int32(unix.Mkdev(major, minor))))
	})
}

func rdevOf(u *unix.Stat_t) uint64 {
	dev := uint64(uint32(u.Rdev))
	return MakeDevice(unix.Major(dev), unix.Minor(dev))
}
