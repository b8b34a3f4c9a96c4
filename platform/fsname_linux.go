package platform

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FileSystemName returns the name of the file system that path is on, as
// mount(8) would spell it, or its magic number in hexadecimal if it is not one
// of those that statfs(2) lists and copying meets. "" means that it can't be
// told.
func FileSystemName(path string) string {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return ""
		}
		break
	}
	switch magic := uint32(st.Type); magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4" // ext2 and ext3 have the same number, and one driver serves all
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.F2FS_SUPER_MAGIC:
		return "f2fs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlay"
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.SMB2_SUPER_MAGIC:
		return "smb3"
	case unix.FUSE_SUPER_MAGIC:
		return "fuse"
	case zfsMagic:
		return "zfs"
	case bcachefsMagic:
		return "bcachefs"
	default:
		return fmt.Sprintf("%#x", magic)
	}
}

// The two that linux/magic.h lacks: OpenZFS's ZFS_SUPER_MAGIC, and the first
// four bytes of bcachefs's superblock UUID.
const (
	zfsMagic      = 0x2fc12fc1
	bcachefsMagic = 0xca451a4e
)
