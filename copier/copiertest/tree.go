package copiertest

import "time"

// Tree is what [Scan] found: every name below a root with every attribute that a faithful
// copy keeps. It doesn't change afterwards.
type Tree struct {
	// Root is the path that was scanned.
	Root string
	// Entries are keyed by path relative to Root, the root itself being ".".
	Entries map[string]Entry
}

// Entry is one name. Fields that mean nothing for its type are zero.
type Entry struct {
	// Mode is st_mode: the type, the permissions and the special bits, as the kernel
	// numbers them.
	Mode uint32
	UID  uint32
	GID  uint32
	// Size is in bytes, and only that of regular files and symlinks: the size of a
	// directory is the file system's own affair.
	Size int64
	// Allocated is st_blocks in bytes, of regular files.
	Allocated int64
	// Rdev is the number of a device.
	Rdev  uint64
	Mtime time.Time
	Atime time.Time
	// Target is that of a symlink.
	Target string
	// Xattrs holds the extended attributes of all namespaces that the caller may list;
	// among them are the POSIX ACLs, system.posix_acl_access and system.posix_acl_default.
	Xattrs map[string]string
	// Sum is a hash of the content of a regular file that doesn't tell a hole from zeros.
	Sum string
	// Dev, Ino and Nlink say which names are one file.
	Dev   uint64
	Ino   uint64
	Nlink uint64
}

// The types of Entry.Mode, as Linux numbers them.
const (
	typeMask    = 0o170000
	typeFIFO    = 0o010000
	typeChar    = 0o020000
	typeDir     = 0o040000
	typeBlock   = 0o060000
	typeRegular = 0o100000
	typeSymlink = 0o120000
	typeSocket  = 0o140000
)

func (e Entry) fileType() uint32 { return e.Mode & typeMask }

func (e Entry) isDir() bool { return e.fileType() == typeDir }

// typeName returns what stat(1) calls the type.
func (e Entry) typeName() string {
	switch e.fileType() {
	case typeFIFO:
		return "fifo"
	case typeChar:
		return "character special file"
	case typeDir:
		return "directory"
	case typeBlock:
		return "block special file"
	case typeRegular:
		return "regular file"
	case typeSymlink:
		return "symbolic link"
	case typeSocket:
		return "socket"
	}
	return "unknown type"
}

// join keeps the names as they are; path.Join would resolve a root like "a/..".
func join(root, rel string) string {
	if rel == "." {
		return root
	}
	return root + "/" + rel
}
