package platform

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// errNoAttribute is what a call says of an extended attribute that isn't
// there. There are none here.
const errNoAttribute = syscall.ENODATA

// errBadName is a name that Windows has no use for; see checkNames.
const errBadName = syscall.Errno(windows.ERROR_INVALID_NAME)

// errnoOf turns what a call of Windows said into the Errno that this package
// judges: this is the one place where the two sets meet. What has no
// counterpart stays as it is, with the text that Windows has for it.
func errnoOf(err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case windows.NTStatus:
		if e, ok := fromStatus[e]; ok {
			return e
		}
		return errnoOf(e.Errno())
	case syscall.Errno:
		if unix, ok := fromWin32[e]; ok {
			return unix
		}
		return e
	}
	return err
}

// fromStatus has what RtlNtStatusToDosError throws together with something
// else.
var fromStatus = map[windows.NTStatus]Errno{
	windows.STATUS_FILE_IS_A_DIRECTORY:        syscall.EISDIR,
	windows.STATUS_NOT_A_DIRECTORY:            syscall.ENOTDIR,
	windows.STATUS_DELETE_PENDING:             syscall.EBUSY,
	windows.STATUS_SHARING_VIOLATION:          syscall.EBUSY,
	windows.STATUS_REPARSE_POINT_ENCOUNTERED:  syscall.ELOOP,
	windows.STATUS_STOPPED_ON_SYMLINK:         syscall.ELOOP,
	windows.STATUS_IO_REPARSE_TAG_NOT_HANDLED: syscall.ENXIO,
	windows.STATUS_INVALID_DEVICE_REQUEST:     syscall.ENOTTY,
	windows.STATUS_INVALID_INFO_CLASS:         syscall.EOPNOTSUPP,
	windows.STATUS_NOT_IMPLEMENTED:            syscall.EOPNOTSUPP,
	windows.STATUS_QUOTA_EXCEEDED:             syscall.EDQUOT,
	windows.STATUS_NAME_TOO_LONG:              syscall.ENAMETOOLONG,
}

var fromWin32 = map[Errno]Errno{
	// Go's ENOTDIR is ERROR_PATH_NOT_FOUND, which says that a component is
	// missing.
	windows.ERROR_FILE_NOT_FOUND:        syscall.ENOENT,
	windows.ERROR_PATH_NOT_FOUND:        syscall.ENOENT,
	windows.ERROR_BAD_NETPATH:           syscall.ENOENT,
	windows.ERROR_BAD_NET_NAME:          syscall.ENOENT,
	windows.ERROR_NO_SUCH_DEVICE:        syscall.ENODEV,
	windows.ERROR_DIRECTORY:             syscall.ENOTDIR,
	windows.ERROR_FILE_EXISTS:           syscall.EEXIST,
	windows.ERROR_ALREADY_EXISTS:        syscall.EEXIST,
	windows.ERROR_DIR_NOT_EMPTY:         syscall.ENOTEMPTY,
	windows.ERROR_NOT_SAME_DEVICE:       syscall.EXDEV,
	windows.ERROR_TOO_MANY_LINKS:        syscall.EMLINK,
	windows.ERROR_CANT_RESOLVE_FILENAME: syscall.ELOOP,
	windows.ERROR_FILENAME_EXCED_RANGE:  syscall.ENAMETOOLONG,
	windows.ERROR_NOT_A_REPARSE_POINT:   syscall.EINVAL,

	windows.ERROR_ACCESS_DENIED:         syscall.EACCES,
	windows.ERROR_PRIVILEGE_NOT_HELD:    syscall.EPERM,
	windows.ERROR_SHARING_VIOLATION:     syscall.EBUSY,
	windows.ERROR_USER_MAPPED_FILE:      syscall.ETXTBSY,
	windows.ERROR_LOCK_VIOLATION:        syscall.EAGAIN,
	windows.ERROR_WRITE_PROTECT:         syscall.EROFS,
	windows.ERROR_DISK_FULL:             syscall.ENOSPC,
	windows.ERROR_HANDLE_DISK_FULL:      syscall.ENOSPC,
	windows.ERROR_DISK_QUOTA_EXCEEDED:   syscall.EDQUOT,
	windows.ERROR_NOT_ENOUGH_MEMORY:     syscall.ENOMEM,
	windows.ERROR_OUTOFMEMORY:           syscall.ENOMEM,
	windows.ERROR_NO_SYSTEM_RESOURCES:   syscall.ENOMEM,
	windows.ERROR_TOO_MANY_OPEN_FILES:   syscall.EMFILE,
	windows.ERROR_INVALID_HANDLE:        syscall.EBADF,
	windows.ERROR_INVALID_PARAMETER:     syscall.EINVAL,
	windows.ERROR_NEGATIVE_SEEK:         syscall.EINVAL,
	windows.ERROR_INVALID_FUNCTION:      syscall.ENOTTY,
	windows.ERROR_NOT_SUPPORTED:         syscall.EOPNOTSUPP,
	windows.ERROR_CALL_NOT_IMPLEMENTED:  syscall.ENOSYS,
	windows.ERROR_CRC:                   syscall.EIO,
	windows.ERROR_IO_DEVICE:             syscall.EIO,
	windows.ERROR_READ_FAULT:            syscall.EIO,
	windows.ERROR_WRITE_FAULT:           syscall.EIO,
	windows.ERROR_GEN_FAILURE:           syscall.EIO,
	windows.ERROR_SECTOR_NOT_FOUND:      syscall.EIO,
	windows.ERROR_NOT_READY:             syscall.EIO,
	windows.ERROR_DATA_CHECKSUM_ERROR:   syscall.EIO,
	windows.ERROR_DEVICE_HARDWARE_ERROR: syscall.EIO,
	windows.ERROR_DISK_OPERATION_FAILED: syscall.EIO,
	windows.ERROR_DEVICE_NOT_CONNECTED:  syscall.EIO,
	windows.ERROR_DEV_NOT_EXIST:         syscall.EIO,
	windows.ERROR_NETNAME_DELETED:       syscall.EIO,
	windows.ERROR_UNEXP_NET_ERR:         syscall.EIO,
	windows.ERROR_FILE_CORRUPT:          syscall.EIO,
	windows.ERROR_DISK_CORRUPT:          syscall.EIO,
	windows.ERROR_BROKEN_PIPE:           syscall.EPIPE,
	windows.ERROR_NO_DATA:               syscall.EPIPE,
}
