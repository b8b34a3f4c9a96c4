package platform

import (
	"golang.org/x/sys/unix"
)

// More open flags of Calls.Openat. O_PATH is there since FreeBSD 13; those above the
// 32 bits that the kernel takes have no counterpart.
const (
	PathOnly = 0x00400000 // O_PATH, sys/fcntl.h
	NoAtime  = 1 << 40
	Unnamed  = 1 << 42
)

// openFlags: NoAtime is a wish that can't be granted.
func openFlags(flags int) int { return flags&^(NoAtime|Unnamed) | unix.O_CLOEXEC }

// openError gives the errors of open(2) their meanings of Linux: a link where
// none is followed is EMLINK here, and what leads out of a directory that
// nothing may leave ENOTCAPABLE.
func openError(err error) error {
	switch err {
	case unix.EMLINK:
		return unix.ELOOP
	case unix.ENOTCAPABLE:
		return unix.EXDEV
	}
	return err
}

// Native returns the table of the running kernel. The caller may change its
// copy.
func Native() *Calls {
	c := Portable()
	c.OpenBeneath = openBeneath
	c.CopyFileRange, c.Clone, c.PunchHole = copyFileRange, clone, punchHole
	c.Sendfile, c.Fadvise = sendfile, fadvise
	c.DirectAlign, c.SetDirect = directAlign, setDirect
	return c
}

// openBeneath is O_RESOLVE_BENEATH (open(2), since FreeBSD 13). Kernels before
// that ignore the flag without a word.
func openBeneath(dir FD, name Name, flags int, mode uint32) (FD, error) {
	if release() < rangeSince {
		return posixOpenBeneath(dir, name, flags, mode)
	}
	return posixOpenat(dir, name, flags|unix.O_RESOLVE_BENEATH, mode)
}

func mknodat(dir FD, name Name, mode uint32, rdev uint64) error {
	major, minor := SplitDevice(rdev)
	a, b := uint64(major), uint64(minor)
	// __makedev of sys/types.h. What x/sys has is that of 32 bits.
	dev := a&^0xff<<32 | a&0xff<<8 | b&0xff00<<24 | b&^0xff00
	return unix.Mknodat(at(dir), text(name), mode, dev)
}

func rdevOf(u *unix.Stat_t) uint64 {
	dev := u.Rdev
	return MakeDevice(uint32(dev>>32&^0xff|dev>>8&0xff), uint32(dev>>24&0xff00|dev&0xffff00ff))
}
