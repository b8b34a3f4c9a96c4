//go:build unix

package platform

import (
	"bytes"
	"encoding/binary"
)

// NextEntry cuts the first entry from what Getdents stored: its name, aliasing
// buf, its type bits as in Stat.Mode (0 if the file system doesn't tell), its
// inode number, and the rest. An empty name means that buf holds no further
// entry. The number is a hint: that of a mount point is the inode beneath it.
func NextEntry(buf []byte) (name Name, mode uint32, ino uint64, rest []byte) {
	return cutEntry(buf, nativeDirent)
}

// direntLayout is where a record has its length (2 bytes), its type (1) and its
// name, which ends in NUL. The inode number is in the first 8 bytes.
type direntLayout struct {
	reclen, kind, name int
	// vacant: a record without inode number is of a name that was removed.
	vacant bool
}

func cutEntry(buf []byte, l direntLayout) (name Name, mode uint32, ino uint64, rest []byte) {
	for len(buf) > l.name {
		n := int(binary.NativeEndian.Uint16(buf[l.reclen:]))
		if n <= l.name || n > len(buf) {
			return nil, 0, 0, nil
		}
		ino = binary.NativeEndian.Uint64(buf)
		if l.vacant && ino == 0 {
			buf = buf[n:]
			continue
		}
		end := bytes.IndexByte(buf[l.name:n], 0)
		if end < 1 {
			return nil, 0, 0, nil
		}
		// DT_* are the type bits of st_mode shifted down (IFTODT, dirent.h).
		return Name(buf[l.name : l.name+end+1]), uint32(buf[l.kind]) << 12, ino, buf[n:]
	}
	return nil, 0, 0, nil
}
