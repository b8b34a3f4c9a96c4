package platform

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// lseek has SEEK_HOLE and SEEK_DATA the other way round than Linux. APFS takes
// for a hole what was written and isn't flushed yet, so that is done before a
// file is asked for its data; where it can't be done the map isn't to be had.
func lseek(fd FD, off int64, whence int) (int64, error) {
	switch whence {
	case SeekData:
		if err := unix.Fsync(int(fd)); err != nil {
			return -1, err
		}
		whence = unix.SEEK_DATA
	case SeekHole:
		whence = unix.SEEK_HOLE
	}
	return unix.Seek(int(fd), off, whence)
}

// preallocate is F_PREALLOCATE (fcntl(2)), which adds to what the file has
// beyond its end and keeps its size.
func preallocate(fd FD, off, length int64) error {
	var u unix.Stat_t
	if err := unix.Fstat(int(fd), &u); err != nil {
		return err
	}
	lacking := off + length - u.Blocks*512
	if lacking <= 0 {
		return nil
	}
	return unix.FcntlFstore(uintptr(fd), unix.F_PREALLOCATE, &unix.Fstore_t{
		Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: lacking,
	})
}

// punchHole is F_PUNCHHOLE (fcntl(2)), which says EINVAL of a range that isn't
// made of whole blocks.
func punchHole(fd FD, off, length int64) error {
	arg := struct { // fpunchhole_t
		flags, reserved uint32
		offset, length  int64
	}{offset: off, length: length}
	_, _, e := unix.Syscall(unix.SYS_FCNTL, uintptr(fd), unix.F_PUNCHHOLE, uintptr(unsafe.Pointer(&arg)))
	if e != 0 {
		return e
	}
	return nil
}

// cloneAt is fclonefileat(2). Times, mode, attributes and an ACL come along; the
// owner is who calls. File flags would come along too, of which some let nobody
// change or remove the clone: a source that has any is refused with EINVAL.
func cloneAt(src, dir FD, name Name) error {
	var u unix.Stat_t
	if err := unix.Fstat(int(src), &u); err != nil {
		return err
	}
	const harmless = unix.UF_COMPRESSED | unix.UF_TRACKED
	if u.Flags&^harmless != 0 {
		return unix.EINVAL
	}
	return unix.Fclonefileat(int(src), at(dir), text(name), unix.CLONE_NOOWNERCOPY)
}

// sendfile takes a socket only: ENOTSOCK. What was sent before an error is told
// together with it; after an error that came before anything was sent the count
// is still the one that was asked for, or 0.
func sendfile(dst, src FD, srcOff int64, n int) (int, error) {
	sent, err := unix.Sendfile(int(dst), int(src), &srcOff, n)
	switch {
	case err == nil:
		return sent, nil
	case sent > 0 && sent < n:
		return sent, nil // the next call meets the error again
	}
	return -1, err
}

// directAlign: F_NOCACHE takes anything and avoids the copy through the cache
// for whole pages.
func directAlign(fd FD) (memory, offset int, err error) {
	return unix.Getpagesize(), unix.Getpagesize(), nil
}

func setDirect(fd FD, on bool) error {
	arg := 0
	if on {
		arg = 1
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_NOCACHE, arg)
	return err
}

// fullFsync also empties the cache of the drive, which fsync(2) leaves alone
// here (F_FULLFSYNC, fcntl(2)). A file system that doesn't know it, as one of a
// server, has nothing stronger than fsync.
func fullFsync(fd FD) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_FULLFSYNC, 0)
	if Unsupported(err) {
		return unix.Fsync(int(fd))
	}
	return err
}

// fdatasync sees to it that the data are on the device before anything that is
// written later (F_BARRIERFSYNC, fcntl(2)), which is what callers want of it:
// fsync(2) would leave that to the cache of the drive.
func fdatasync(fd FD) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_BARRIERFSYNC, 0)
	if Unsupported(err) {
		return unix.Fsync(int(fd))
	}
	return err
}
