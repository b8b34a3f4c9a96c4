package platform

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What stands for "as it is" and "now" in a timespec (sys/stat.h).
const (
	timeNow  = -1
	timeOmit = -2
)

// futimens sets the times with fsetattrlist(2), as futimens(3) does; there is no
// call of that name. A time that is to be that of the call is asked of the clock.
func futimens(fd FD, atime, mtime Time) error {
	if atime.Nsec == TimeNow || mtime.Nsec == TimeNow {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
			return err
		}
		for _, t := range []*Time{&atime, &mtime} {
			if t.Nsec == TimeNow {
				*t = Time{now.Sec, now.Nsec}
			}
		}
	}
	list := unix.Attrlist{Bitmapcount: unix.ATTR_BIT_MAP_COUNT}
	var values [2]unix.Timespec // in the order of the bits: modification first
	n := 0
	if mtime.Nsec != TimeOmit {
		list.Commonattr |= unix.ATTR_CMN_MODTIME
		values[n] = timespec(mtime)
		n++
	}
	if atime.Nsec != TimeOmit {
		list.Commonattr |= unix.ATTR_CMN_ACCTIME
		values[n] = timespec(atime)
		n++
	}
	if n == 0 {
		return nil
	}
	_, _, e := unix.Syscall6(unix.SYS_FSETATTRLIST, uintptr(fd), uintptr(unsafe.Pointer(&list)),
		uintptr(unsafe.Pointer(&values)), uintptr(n)*unsafe.Sizeof(values[0]), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// blocksOf tells of space only where it says something of holes: what the file
// system compressed, and what is still at a server, has less than its size and
// no map of its data (chflags(2)).
func blocksOf(u *unix.Stat_t) int64 {
	if u.Flags&(unix.UF_COMPRESSED|unix.SF_DATALESS) != 0 {
		return max(u.Blocks, (u.Size+511)/512)
	}
	return u.Blocks
}

// hasACL looks for an access control list in the security information of an
// open file (ATTR_CMN_EXTENDED_SECURITY, getattrlist(2); struct kauth_filesec,
// sys/kauth.h).
func hasACL(fd FD) bool {
	const (
		extendedSecurity = 0x00400000
		entryCount       = 4 + 16 + 16 // behind the magic number and two GUIDs
		noACL            = 1<<32 - 1   // KAUTH_FILESEC_NOACL
	)
	list := unix.Attrlist{Bitmapcount: unix.ATTR_BIT_MAP_COUNT, Commonattr: extendedSecurity}
	var b struct {
		length uint32
		offset int32 // attrreference_t, from itself
		size   uint32
		data   [4096 - 12]byte
	}
	_, _, e := unix.Syscall6(unix.SYS_FGETATTRLIST, uintptr(fd), uintptr(unsafe.Pointer(&list)),
		uintptr(unsafe.Pointer(&b)), unsafe.Sizeof(b), 0, 0)
	if e != 0 || b.size < entryCount+4 || b.offset < 8 || int(b.offset)-8+entryCount+4 > len(b.data) {
		return false
	}
	count := *(*uint32)(unsafe.Pointer(&b.data[int(b.offset)-8+entryCount]))
	return count != 0 && count != noACL
}
