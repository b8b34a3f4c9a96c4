package platform

import (
	"errors"
	"syscall"
)

// Call names a kernel call whose errors are judged.
type Call uint8

// The calls that have a column in the table of Judge.
const (
	CallClone Call = iota
	CallCopyFileRange
	CallSendfile
	CallSplice
	CallSend     // to or from a socket, by whatever call
	CallMmap     // mapping, and writing from a mapping
	CallDirect   // reads and writes with O_DIRECT, and turning it on
	CallUncached // RWF_DONTCACHE
	CallPlain    // read, write, pread, pwrite: the authority on errors
)

// Verdict is what an error means for the copy of one file.
type Verdict uint8

// The verdicts.
const (
	// Fail: report the error; nothing else could do better or may try.
	Fail Verdict = iota
	// Repeat the same call, a bounded number of times.
	Repeat
	// Next method, at the offset that return values have confirmed.
	Next
	// NextAndRemember: the same, and don't ask this call again for this pair
	// of file systems.
	NextAndRemember
	// Restart the file from byte 0 with plain reads and writes, whose error
	// is then final: the call may have stored something it did not confirm.
	Restart
	// Wait until the descriptor is ready (Calls.Poll), then the same call.
	Wait
	// Changed: the source was cut while it was mapped.
	Changed
)

// Judge says what err means when it came from call. moved tells whether the
// call had already moved bytes of this file, which makes EPERM a statement
// about the data and not about the call (seccomp and Android answer EPERM for
// calls they don't know; coreutils 9.2 failed there).
//
// EIO, ENOSPC, EDQUOT and ENOMEM from FICLONE never fall back: coreutils 7.5
// to 9.1 did and wrote corrupt copies after a failed clone.
func Judge(call Call, err error, moved bool) Verdict {
	if errors.Is(err, errors.ErrUnsupported) {
		return unsupported(call)
	}
	e, ok := err.(Errno)
	if !ok {
		return Fail
	}
	switch e {
	case syscall.EINTR:
		return Repeat
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS:
		return Fail
	}
	switch call {
	case CallClone:
		return judgeClone(e)
	case CallCopyFileRange, CallSendfile:
		return judgeOffload(call, e, moved)
	case CallSplice:
		return judgeSplice(e)
	case CallSend:
		return judgeSend(e)
	case CallMmap, CallDirect, CallUncached:
		return judgeBuffers(call, e, moved)
	}
	return Fail
}

func unsupported(call Call) Verdict {
	if call == CallPlain {
		return Fail
	}
	return NextAndRemember
}

func judgeClone(e Errno) Verdict {
	switch e {
	case syscall.EIO, syscall.ENOMEM:
		return Fail
	case syscall.EXDEV, syscall.ENOTTY, syscall.ENOSYS, syscall.EPERM:
		return NextAndRemember
	case syscall.EISDIR, syscall.ESPIPE, syscall.ENXIO, syscall.ESTALE:
		return Fail
	}
	// EINVAL (alignment, NOCOW, inline), ETXTBSY (swap file), EAGAIN (ZFS with
	// dirty data), EBADF (append-only destination), ENOENT, EACCES and what
	// other file systems invent: of this file only. A clone moves all or
	// nothing, so any other way may follow.
	return Next
}

func judgeOffload(call Call, e Errno, moved bool) Verdict {
	switch e {
	case syscall.EIO, syscall.ENOENT, syscall.EOVERFLOW, syscall.EFBIG, syscall.ENOMEM:
		// CIFS and fuse-overlayfs invent EIO and ENOENT for copy_file_range;
		// plain reads and writes tell whether it is real.
		return Restart
	case syscall.EPERM, syscall.EACCES, syscall.ETXTBSY:
		if moved {
			return Restart
		}
		if e == syscall.EPERM {
			return NextAndRemember
		}
		return Next
	case syscall.ENOTSOCK:
		if call == CallSendfile {
			return NextAndRemember // the BSDs send to sockets only
		}
	case syscall.EXDEV, syscall.ENOSYS, syscall.ENOTTY:
		if call == CallSendfile && e == syscall.EXDEV {
			return Next
		}
		return NextAndRemember
	case syscall.EINVAL, syscall.EAGAIN:
		return Next
	case syscall.EBADF:
		// An append-only destination; plain writes decide.
		return Next
	}
	return Fail
}

// judgeSplice is judgeOffload but for errors of the call itself. Both offsets
// are explicit, so what was stored without being confirmed is stored again by
// whoever goes on, and a refusal later on says no more than the first one.
func judgeSplice(e Errno) Verdict {
	switch e {
	case syscall.EPERM:
		return NextAndRemember
	case syscall.EACCES, syscall.ETXTBSY, syscall.EXDEV:
		return Next
	case syscall.EBADF:
		return Fail // EINVAL is what an append-only destination gets
	}
	return judgeOffload(CallSplice, e, false)
}

// judgeSend is for a socket, which takes back nothing: what a call stored is
// what it confirmed.
func judgeSend(e Errno) Verdict {
	switch e {
	case syscall.EAGAIN:
		return Wait
	case syscall.EINVAL, syscall.EOVERFLOW, syscall.ENOMEM:
		return Next
	case syscall.ENOSYS, syscall.ENOTTY:
		return NextAndRemember
	}
	return Fail
}

// judgeBuffers is for methods that move data through this process's memory in
// another way than plain calls do.
func judgeBuffers(call Call, e Errno, moved bool) Verdict {
	switch e {
	case syscall.EIO:
		return Restart // plain reads and writes tell whether it is real
	case syscall.EFAULT:
		if call == CallMmap {
			return Changed
		}
	case syscall.ENOSYS, syscall.ENOTTY, syscall.ENODEV:
		return NextAndRemember
	case syscall.ENOMEM:
		if call == CallUncached {
			return Next
		}
		return NextAndRemember
	case syscall.EINVAL, syscall.EAGAIN, syscall.EPERM:
		if call == CallUncached {
			return NextAndRemember
		}
		return Next
	case syscall.EACCES, syscall.ETXTBSY:
		return Next
	case syscall.EFBIG, syscall.EOVERFLOW:
		if call == CallMmap {
			return Next
		}
	}
	return Fail
}

// Unsupported reports whether err says that the file system or kernel lacks
// the operation, not that it failed.
func Unsupported(err error) bool {
	if errors.Is(err, errors.ErrUnsupported) {
		return true
	}
	e, ok := err.(Errno)
	return ok && (e == syscall.EINVAL || e == syscall.ENOTTY)
}

// Exists reports that a name is taken, or that a directory is not empty.
func Exists(err error) bool { return err == syscall.EEXIST || err == syscall.ENOTEMPTY }

// NotExist reports that there is no such name.
func NotExist(err error) bool { return err == syscall.ENOENT }

// Denied reports a refusal for want of permission.
func Denied(err error) bool {
	return err == syscall.EACCES || err == syscall.EPERM
}

// NotDir reports that a component is not a directory.
func NotDir(err error) bool { return err == syscall.ENOTDIR }

// Loop reports that a symbolic link stood where none is followed, or that
// links go round in circles.
func Loop(err error) bool { return err == syscall.ELOOP }

// TooManyLinks reports that an inode can take no further name.
func TooManyLinks(err error) bool { return err == syscall.EMLINK }

// Busy reports that a file is being executed or that a name is a mount point.
func Busy(err error) bool { return err == syscall.ETXTBSY || err == syscall.EBUSY }

// Interrupted reports that a call should simply be made again.
func Interrupted(err error) bool { return err == syscall.EINTR }

// NotReady reports that a call on a descriptor that doesn't block should be made
// again, at once or when the descriptor is ready.
func NotReady(err error) bool { return err == syscall.EAGAIN || Interrupted(err) }

// Disconnected reports that the peer of a pipe or a connection is gone, also if
// that is wrapped.
func Disconnected(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// OutOfDescriptors reports that the process or the system has none left.
func OutOfDescriptors(err error) bool { return err == syscall.EMFILE || err == syscall.ENFILE }

// NoSpace reports that the device, or the quota on it, is full.
func NoSpace(err error) bool { return err == syscall.ENOSPC || err == syscall.EDQUOT }

// OtherDevice reports that two names are on different file systems.
func OtherDevice(err error) bool { return err == syscall.EXDEV }

// IsDirectory reports that a directory stood where none was wanted.
func IsDirectory(err error) bool { return err == syscall.EISDIR }

// NoAttribute reports that an extended attribute isn't there.
func NoAttribute(err error) bool { return err == errNoAttribute }

// SmallBuffer reports that a value did not fit the buffer given.
func SmallBuffer(err error) bool { return err == syscall.ERANGE }

// NoUnnamedFiles reports that O_TMPFILE can't be had here: the file system
// lacks it (EOPNOTSUPP), or the kernel predates it (EISDIR, EINVAL; open(2)).
func NoUnnamedFiles(err error) bool {
	return Unsupported(err) || err == syscall.EISDIR || err == syscall.ENOENT
}

// NoMoreData reports that nothing but a hole follows (SEEK_DATA, lseek(2)).
func NoMoreData(err error) bool { return err == syscall.ENXIO }

// NotPermitted reports that only a more privileged caller may do this, or that
// the value has no meaning here: EPERM, or EINVAL for an id that a user
// namespace doesn't map (chown(2), user_namespaces(7)).
func NotPermitted(err error) bool { return err == syscall.EPERM || err == syscall.EINVAL }

// NoDevice reports that a special file can't be opened: a socket, a device
// without driver, a FIFO without reader.
func NoDevice(err error) bool { return err == syscall.ENXIO || err == syscall.ENODEV }

// The errors of names that are taken, missing, or no directories, and of bad
// memory, for those who find so without a call.
const (
	ErrExist    = syscall.EEXIST
	ErrNotExist = syscall.ENOENT
	ErrNotDir   = syscall.ENOTDIR
	ErrDenied   = syscall.EACCES
	ErrFault    = syscall.EFAULT // memory that can't be read
)

// WouldBlock reports that somebody else holds what was asked for without
// waiting.
func WouldBlock(err error) bool { return err == syscall.EAGAIN }

// NotLink reports that a name is no symbolic link.
func NotLink(err error) bool { return err == syscall.EINVAL }
