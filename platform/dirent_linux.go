package platform

import (
	"bytes"
	"encoding/binary"
)

// The layout of struct linux_dirent64 (getdents64(2)): inode 8, offset 8,
// record length 2, type 1, name ended by NUL.
const (
	direntReclen = 16
	direntType   = 18
	direntName   = 19
)

// NextEntry cuts the first entry from what Getdents stored: its name, aliasing
// buf, its type bits as in Stat.Mode (0 if the file system doesn't tell), its
// inode number, and the rest. An empty name means that buf holds no further
// entry. The number is a hint: that of a mount point is the inode beneath it.
func NextEntry(buf []byte) (name Name, mode uint32, ino uint64, rest []byte) {
	if len(buf) <= direntName {
		return nil, 0, 0, nil
	}
	n := int(binary.NativeEndian.Uint16(buf[direntReclen:]))
	if n <= direntName || n > len(buf) {
		return nil, 0, 0, nil
	}
	end := bytes.IndexByte(buf[direntName:n], 0)
	if end < 1 {
		return nil, 0, 0, nil
	}
	// DT_* are the type bits of st_mode shifted down (IFTODT, dirent.h).
	return Name(buf[direntName : direntName+end+1]), uint32(buf[direntType]) << 12, binary.NativeEndian.Uint64(buf), buf[n:]
}
