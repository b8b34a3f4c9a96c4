package platform

import (
	"errors"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

const shareAll = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// ntOpen opens or creates an object. What others may do with the file
// meanwhile is never restricted.
func ntOpen(o *object, access, attributes, disposition, options uint32) (FD, error) {
	var h windows.Handle
	var iosb windows.IO_STATUS_BLOCK
	err := windows.NtCreateFile(&h, access|windows.SYNCHRONIZE, &o.attr, &iosb, nil, attributes, shareAll, disposition,
		options|windows.FILE_SYNCHRONOUS_IO_NONALERT|windows.FILE_OPEN_FOR_BACKUP_INTENT, 0, 0)
	if err != nil {
		return None, err
	}
	return FD(h), nil
}

// openEntry opens what stands at a name, never what a link there leads to.
func openEntry(dir FD, name Name, access, options uint32) (FD, error) {
	var o object
	if err := o.set(dir, name, false); err != nil {
		return None, err
	}
	if o.slash {
		options |= windows.FILE_DIRECTORY_FILE
	}
	fd, err := ntOpen(&o, access, 0, windows.FILE_OPEN, options|windows.FILE_OPEN_REPARSE_POINT)
	return fd, errnoOf(err)
}

// again opens what is open with other rights (NtCreateFile with an empty name
// relative to it).
func openAgain(fd FD, access uint32) (FD, error) {
	var o object
	if err := o.set(fd, dotName, false); err != nil {
		return None, err
	}
	again, err := ntOpen(&o, access, 0, windows.FILE_OPEN, windows.FILE_OPEN_REPARSE_POINT)
	return again, errnoOf(err)
}

func openName(dir FD, name Name, flags int, mode uint32) (FD, error) {
	return openWith(dir, name, flags, mode, 0)
}

// openWith is openName with further attributes of the object's name.
func openWith(dir FD, name Name, flags int, mode uint32, attributes uint32) (FD, error) {
	if flags&Unnamed != 0 {
		return None, errors.ErrUnsupported
	}
	var o object
	if err := o.set(dir, name, flags&Create != 0); err != nil {
		return None, err
	}
	o.attr.Attributes |= attributes
	access, options := uint32(windows.FILE_READ_ATTRIBUTES), uint32(0)
	if flags&PathOnly == 0 {
		switch flags & (WriteOnly | ReadWrite) {
		case WriteOnly:
			access |= windows.FILE_GENERIC_WRITE
			options |= windows.FILE_NON_DIRECTORY_FILE
		case ReadWrite:
			access |= windows.FILE_GENERIC_READ | windows.FILE_GENERIC_WRITE
			options |= windows.FILE_NON_DIRECTORY_FILE
		default:
			access |= windows.FILE_GENERIC_READ
		}
	}
	if flags&Directory != 0 || o.slash {
		options = options&^windows.FILE_NON_DIRECTORY_FILE | windows.FILE_DIRECTORY_FILE
	}
	if flags&NoFollow != 0 {
		options |= windows.FILE_OPEN_REPARSE_POINT
	}
	disposition, kind := uint32(windows.FILE_OPEN), uint32(0)
	if flags&Create != 0 {
		disposition, kind = windows.FILE_OPEN_IF, windows.FILE_ATTRIBUTE_NORMAL
		if mode&0o200 == 0 {
			kind = windows.FILE_ATTRIBUTE_READONLY
		}
		if flags&Exclusive != 0 {
			disposition = windows.FILE_CREATE
			options |= windows.FILE_OPEN_REPARSE_POINT
		}
	}
	fd, err := ntOpen(&o, access, kind, disposition, options)
	if err != nil {
		return None, errnoOf(err)
	}
	if flags&NoFollow != 0 && disposition != windows.FILE_CREATE {
		if fd, err = unlinked(fd, &o, flags, access, kind, options); err != nil {
			return None, err
		}
	}
	if flags&Truncate != 0 {
		if err := ftruncate(fd, 0); err != nil {
			closeFD(fd)
			return None, err
		}
	}
	return fd, nil
}

// unlinked sees to it that what was opened without following is no link, unless
// links are wanted. What has a reparse point for another reason (deduplication,
// files kept in a cloud) is opened again through it, for its content; it is held
// meanwhile, so that a link which took its name is found out. After an error fd
// is closed.
func unlinked(fd FD, o *object, flags int, access, kind, options uint32) (FD, error) {
	var info tagInfo
	if err := query(fd, classAttributeTag, &info); err != nil || info.attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT == 0 {
		return fd, nil // a file system that can't tell has no links
	}
	const nameSurrogate = 0x20000000 // of tags that stand for something elsewhere (IsReparseTagNameSurrogate)
	if isLink(info.tag) || info.tag&nameSurrogate != 0 {
		if flags&PathOnly != 0 && flags&Directory == 0 {
			return fd, nil
		}
		closeFD(fd)
		if flags&Directory != 0 {
			return None, syscall.ENOTDIR
		}
		return None, syscall.ELOOP
	}
	defer closeFD(fd)
	through, err := ntOpen(o, access, kind, windows.FILE_OPEN, options&^windows.FILE_OPEN_REPARSE_POINT)
	if err != nil {
		return None, errnoOf(err)
	}
	var was, is Stat
	if err = fstat(fd, &was); err == nil {
		err = fstat(through, &is)
	}
	if err == nil && !is.SameInode(&was) {
		err = syscall.ELOOP
	}
	if err != nil {
		closeFD(through)
		return None, err
	}
	return through, nil
}

// isLink reports the reparse tags that lead elsewhere: symbolic links, those
// of WSL too, and junctions.
func isLink(tag uint32) bool {
	const lxSymlink = 0xA000001D
	return tag == windows.IO_REPARSE_TAG_SYMLINK || tag == windows.IO_REPARSE_TAG_MOUNT_POINT || tag == lxSymlink
}

// maxLinks is how many links a path may lead through, as on Linux.
const maxLinks = 40

// openBeneath resolves name below dir and never above it. The links are
// resolved here, one after the other, and what is opened in the end has none in
// its path (OBJ_DONT_REPARSE, Windows 10), so that one put there meanwhile is an
// error and no way out.
func openBeneath(dir FD, name Name, flags int, mode uint32) (FD, error) {
	path := name.String()
	if strings.HasPrefix(path, "/") {
		return None, syscall.EXDEV
	}
	if dir == CWD {
		// Names from CWD may have drives and backslashes, which lead out.
		held, err := openName(CWD, dotName, PathOnly|Directory, 0)
		if err != nil {
			return None, err
		}
		defer closeFD(held)
		dir = held
	}
	slash := strings.HasSuffix(path, "/")
	todo := strings.Split(path, "/")
	var done []string
	var buf [4096]byte
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(done) == 0 {
				return None, syscall.EXDEV
			}
			done = done[:len(done)-1]
			continue
		}
		done = append(done, part)
		if len(todo) == 0 && flags&(NoFollow|Exclusive) != 0 && !slash {
			break
		}
		at, err := MakeName(strings.Join(done, "/"))
		if err != nil {
			return None, err
		}
		n, err := readlinkat(dir, at, buf[:])
		if err != nil {
			continue // no link, or missing, which the opening will say
		}
		target := string(buf[:n])
		if links++; links > maxLinks {
			return None, syscall.ELOOP
		}
		if strings.HasPrefix(target, "/") {
			return None, syscall.EXDEV
		}
		done = done[:len(done)-1]
		todo = append(strings.Split(target, "/"), todo...)
	}
	if len(done) == 0 {
		done = append(done, ".")
	}
	if slash {
		flags |= Directory
	}
	last, err := MakeName(strings.Join(done, "/"))
	if err != nil {
		return None, err
	}
	return openWith(dir, last, flags|NoFollow, mode, windows.OBJ_DONT_REPARSE)
}

func closeFD(fd FD) error { return errnoOf(windows.CloseHandle(windows.Handle(fd))) }

// dup makes a second handle of one file object.
func dup(fd FD) (FD, error) {
	self := windows.CurrentProcess()
	var h windows.Handle
	err := windows.DuplicateHandle(self, windows.Handle(fd), self, &h, 0, false, windows.DUPLICATE_SAME_ACCESS)
	if err != nil {
		return None, errnoOf(err)
	}
	return FD(h), nil
}

// flock locks one byte where no file ever has any: locks of Windows keep others
// from the bytes themselves. They end with the process. Directories have none.
func flock(fd FD, exclusiveNonblock bool) error {
	var info tagInfo
	if query(fd, classAttributeTag, &info) == nil && info.attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		return errors.ErrUnsupported
	}
	at := &windows.Overlapped{OffsetHigh: 1 << 30}
	if !exclusiveNonblock {
		return errnoOf(windows.UnlockFileEx(windows.Handle(fd), 0, 1, 0, at))
	}
	return errnoOf(windows.LockFileEx(windows.Handle(fd), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at))
}

// accessat asks for the rights by opening with them.
func accessat(dir FD, name Name, mode uint32) error {
	var o object
	if err := o.set(dir, name, false); err != nil {
		return err
	}
	access := uint32(windows.FILE_READ_ATTRIBUTES)
	if mode&4 != 0 {
		access |= windows.FILE_READ_DATA
	}
	if mode&2 != 0 {
		access |= windows.FILE_WRITE_DATA
	}
	if mode&1 != 0 {
		access |= windows.FILE_EXECUTE
	}
	fd, err := ntOpen(&o, access, 0, windows.FILE_OPEN, 0)
	if err != nil {
		return errnoOf(err)
	}
	return closeFD(fd)
}
