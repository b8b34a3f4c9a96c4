package platform

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// MovesBusyDirectories says whether a directory can be renamed while something
// below it is open. NTFS refuses, whoever has it open.
const MovesBusyDirectories = false

// HasOwners says whether files have owners, ACLs and extended attributes as this
// package knows them.
const HasOwners = false

// Serves says whether this system may be the far end of a connection: whether
// what keeps a client to its export was tried there.
const Serves = false

// FoldsCase says whether file systems of this kernel commonly take names that
// differ in case only for one.
const FoldsCase = true

func mkdirat(dir FD, name Name, mode uint32) error {
	var o object
	if err := o.set(dir, name, true); err != nil {
		return err
	}
	fd, err := ntOpen(&o, windows.FILE_READ_ATTRIBUTES, windows.FILE_ATTRIBUTE_NORMAL, windows.FILE_CREATE, windows.FILE_DIRECTORY_FILE)
	if err != nil {
		return errnoOf(err)
	}
	return closeFD(fd)
}

// newName is FILE_RENAME_INFORMATION(_EX) and FILE_LINK_INFORMATION: what to
// do with what stands there, a directory, and a name in it.
type newName struct {
	flags  uint32
	root   windows.Handle
	length uint32
	name   [1]uint16
}

// setName gives an open file the name that o stands for.
func setName(fd FD, class, flags uint32, o *object) error {
	const header = unsafe.Offsetof(newName{}.name)
	units := o.units()
	size := max(header+uintptr(len(units))*2, unsafe.Sizeof(newName{}))
	buf := make([]uint64, (size+7)/8)
	info := (*newName)(unsafe.Pointer(&buf[0]))
	info.flags, info.root, info.length = flags, o.attr.RootDirectory, uint32(len(units)*2)
	copy(unsafe.Slice(&info.name[0], len(units)), units)
	return setInfo(fd, class, unsafe.Pointer(info), size)
}

// setNamePlainly is setName by the requests that every version has, and with the
// full name where a directory beside it is refused.
func setNamePlainly(fd FD, class, flags uint32, o *object) error {
	err := setName(fd, class, flags, o)
	if lacks(err) && o.attr.RootDirectory != 0 {
		if err := o.detach(); err != nil {
			return err
		}
		err = setName(fd, class, flags, o)
	}
	return err
}

// rename moves an entry. With POSIX semantics (Windows 10, NTFS) what it takes
// the place of may be open and may be read-only; elsewhere neither.
func rename(olddir FD, oldname Name, newdir FD, newname Name, replace bool) error {
	fd, err := openEntry(olddir, oldname, windows.DELETE|windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	var o object
	if err := o.set(newdir, newname, true); err != nil {
		return err
	}
	flags, plain := uint32(windows.FILE_RENAME_POSIX_SEMANTICS), uint32(0)
	if replace {
		plain = windows.FILE_RENAME_REPLACE_IF_EXISTS
		flags |= plain
	}
	err = setName(fd, classRenameEx, flags|windows.FILE_RENAME_IGNORE_READONLY_ATTRIBUTE, &o)
	if err == windows.STATUS_INVALID_PARAMETER {
		err = setName(fd, classRenameEx, flags, &o) // before version 1809
	}
	if lacks(err) {
		err = setNamePlainly(fd, classRename, plain, &o)
	}
	return errnoOf(err)
}

func renameat(olddir FD, oldname Name, newdir FD, newname Name) error {
	return rename(olddir, oldname, newdir, newname, true)
}

func renameNoReplace(olddir FD, oldname Name, newdir FD, newname Name) error {
	return rename(olddir, oldname, newdir, newname, false)
}

func linkat(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
	var from, to object
	if err := from.set(olddir, oldname, false); err != nil {
		return err
	}
	if err := to.set(newdir, newname, true); err != nil {
		return err
	}
	options := uint32(windows.FILE_OPEN_REPARSE_POINT)
	if follow {
		options = 0
	}
	fd, err := ntOpen(&from, windows.FILE_WRITE_ATTRIBUTES, 0, windows.FILE_OPEN, options|windows.FILE_NON_DIRECTORY_FILE)
	if err == windows.STATUS_FILE_IS_A_DIRECTORY {
		return syscall.EPERM // as link(2) says it of a directory
	}
	if err != nil {
		return errnoOf(err)
	}
	defer closeFD(fd)
	return errnoOf(setNamePlainly(fd, classLink, 0, &to))
}

// remove removes an entry. Links that lead to directories are links, not
// directories.
func remove(dir FD, name Name, isDir bool) error {
	if name.IsDots() {
		return syscall.EINVAL
	}
	fd, err := openEntry(dir, name, windows.DELETE|windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	var info tagInfo
	if err := query(fd, classAttributeTag, &info); err != nil {
		return errnoOf(err)
	}
	stands := info.attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0
	if info.attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 && isLink(info.tag) {
		stands = false
	}
	switch {
	case isDir && !stands:
		return syscall.ENOTDIR
	case stands && !isDir:
		return syscall.EISDIR
	}
	// FILE_DISPOSITION_INFORMATION_EX: Windows 10, NTFS. The name is gone at
	// once, and a file that is read-only is removed as on Unix.
	flags := uint32(windows.FILE_DISPOSITION_DELETE | windows.FILE_DISPOSITION_POSIX_SEMANTICS |
		windows.FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK | windows.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)
	err = setInfo(fd, classDispositionEx, unsafe.Pointer(&flags), unsafe.Sizeof(flags))
	if !lacks(err) {
		return errnoOf(err)
	}
	if !isDir && info.attributes&windows.FILE_ATTRIBUTE_READONLY != 0 {
		if err := makeWritable(fd, info.attributes); err != nil {
			return err
		}
	}
	doomed := byte(1)
	return errnoOf(setInfo(fd, classDisposition, unsafe.Pointer(&doomed), unsafe.Sizeof(doomed)))
}

// makeWritable takes the read-only attribute off a file that is to go.
func makeWritable(fd FD, attributes uint32) error {
	attributes &^= windows.FILE_ATTRIBUTE_READONLY
	return setBasic(fd, 0, 0, attributes|windows.FILE_ATTRIBUTE_NORMAL)
}

func unlinkat(dir FD, name Name) error { return remove(dir, name, false) }
func rmdirat(dir FD, name Name) error  { return remove(dir, name, true) }

// withPrivilege calls f with a privilege that the process may have and mostly
// hasn't enabled, as CreateSymbolicLink does. Without it f finds out. A thread
// that can't be made to forget it stays this goroutine's.
func withPrivilege(name string, f func() error) error {
	runtime.LockOSThread()
	if windows.ImpersonateSelf(windows.SecurityImpersonation) != nil {
		runtime.UnlockOSThread()
		return f()
	}
	defer func() {
		if windows.RevertToSelf() == nil {
			runtime.UnlockOSThread()
		}
	}()
	var token windows.Token
	if windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY|windows.TOKEN_ADJUST_PRIVILEGES, false, &token) != nil {
		return f()
	}
	defer token.Close()
	text, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	var wanted windows.Tokenprivileges
	wanted.PrivilegeCount = 1
	wanted.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	if windows.LookupPrivilegeValue(nil, text, &wanted.Privileges[0].Luid) == nil {
		windows.AdjustTokenPrivileges(token, false, &wanted, 0, nil, nil)
	}
	return f()
}
