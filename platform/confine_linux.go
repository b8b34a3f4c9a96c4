package platform

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Confine gives up, for the whole process and for good, the right to reach any
// file but those beneath paths, to open TCP connections and, unless listen is
// set, TCP listeners, and to get rights by executing something (landlock(7), PR_SET_NO_NEW_PRIVS). What is
// open stays so. Paths that are not there are left out. It returns the version
// of Landlock that the kernel has; what that version can't forbid stays
// possible: before 2 nothing can be renamed between directories, before 3
// truncate(2) is not restricted, before 4 TCP isn't, before 6 signals to other
// processes aren't. Multipath TCP none of them sees.
//
// All threads have to be changed at once, which the runtime does only in
// programs without cgo; with it the error is ENOTSUP, and nothing has changed.
func Confine(paths []Beneath, listen bool) (abi int, err error) {
	if abi, err = ConfineVersion(); err != nil {
		return 0, err
	}
	handled := landlockFiles(abi)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		if !listen {
			attr.Handled_access_net |= unix.LANDLOCK_ACCESS_NET_BIND_TCP
		}
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size += unsafe.Sizeof(attr.Scoped)
	}
	r, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if e != 0 {
		return abi, e
	}
	rules := int(r)
	defer unix.Close(rules)
	for _, p := range paths {
		if err := landlockAllow(rules, p, handled); err != nil {
			return abi, err
		}
	}
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); e != 0 {
		return abi, e
	}
	_, _, e = syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0)
	return abi, failure(e)
}

// ConfineVersion returns the version of Landlock that the kernel has, for which
// nothing is changed.
func ConfineVersion() (abi int, err error) {
	r, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return int(r), failure(e)
}

const (
	landlockRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// landlockOfFiles are the rights that a rule for a file may have.
	landlockOfFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// landlockFiles are all rights on files that a version knows.
func landlockFiles(abi int) uint64 {
	all := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM)<<1 - 1 // the 13 of version 1
	if abi >= 2 {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 5 {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return all
}

// landlockAllow adds a rule. Nothing may be executed, nor devices be
// controlled, anywhere.
func landlockAllow(rules int, p Beneath, handled uint64) error {
	fd, err := unix.Open(p.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: p.Path, Err: err}
	}
	defer unix.Close(fd)
	allowed := handled &^ (unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV)
	if !p.Write {
		allowed &= landlockRead
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		allowed &= landlockOfFiles
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: allowed, Parent_fd: int32(fd)}
	_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	return failure(e)
}
