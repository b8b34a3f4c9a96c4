package platform

import (
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// aclEntry is struct acl_entry (sys/acl.h).
type aclEntry struct {
	tag, id, perm uint32
	kind, flags   uint16
}

// hasACL looks for entries that a mode can't say: of named users and groups, or
// that are inherited, from the default ACL of a directory too (acl(3)).
func hasACL(fd FD) bool {
	const (
		access, inherited, nfs4 = 2, 3, 4 // ACL_TYPE_ACCESS, ACL_TYPE_DEFAULT, ACL_TYPE_NFS4
		extended, ofNFS4        = 59, 64  // _PC_ACL_EXTENDED, _PC_ACL_NFS4
	)
	switch {
	case isOn(fd, ofNFS4):
		return slices.ContainsFunc(aclOf(fd, nfs4), aclEntry.exceedsMode)
	case isOn(fd, extended):
		return slices.ContainsFunc(aclOf(fd, access), aclEntry.exceedsMode) || len(aclOf(fd, inherited)) > 0
	}
	return false
}

func isOn(fd FD, variable int) bool {
	n, err := unix.Fpathconf(int(fd), variable)
	return err == nil && n == 1
}

func (e aclEntry) exceedsMode() bool {
	const user, group = 0x02, 0x08 // ACL_USER, ACL_GROUP
	return e.tag == user || e.tag == group || e.flags != 0
}

// aclOf returns the entries of an ACL. What has none of that type has no
// entries.
func aclOf(fd FD, kind uintptr) []aclEntry {
	var acl struct { // struct acl
		max, count uint32
		_          [4]int32
		entries    [254]aclEntry
	}
	acl.max = uint32(len(acl.entries))
	_, _, e := unix.Syscall(unix.SYS___ACL_GET_FD, uintptr(fd), kind, uintptr(unsafe.Pointer(&acl)))
	runtime.KeepAlive(&acl)
	if e != 0 {
		return nil
	}
	return acl.entries[:min(int(acl.count), len(acl.entries))]
}
