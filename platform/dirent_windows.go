package platform

import (
	"encoding/binary"
	"sync"
	"syscall"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The layout of what getdents stores: inode 8, type bits 4, length of the entry
// 2, name in UTF-8 ended by NUL.
const (
	entryMode   = 8
	entryLength = 12
	entryName   = 14
)

// The layout of FILE_ID_BOTH_DIR_INFORMATION (ntifs.h), in which names are in
// UTF-16.
const (
	direntAttributes = 56
	direntNameLength = 60
	direntFileID     = 96
	direntName       = 104
)

// rewound has the directories whose next listing begins anew: Windows keeps the
// position of a listing in the handle and is told with the call.
var rewound sync.Map

var listings = sync.Pool{New: func() any { return new([8192]uint64) }}

// getdents asks for entries (NtQueryDirectoryFile) and stores those that came.
// The call is given so much less room than buf has that all of them fit: one in
// UTF-8 needs at most 3/2 of what it had.
func getdents(fd FD, buf []byte) (int, error) {
	b := listings.Get().(*[8192]uint64)
	defer listings.Put(b)
	room := min(len(buf)/3*2, len(b)*8) &^ 7
	restart := uintptr(0)
	if _, ok := rewound.LoadAndDelete(fd); ok {
		restart = 1
	}
	var iosb windows.IO_STATUS_BLOCK
	r, _, _ := ntQueryDirectoryFile.Call(uintptr(fd), 0, 0, 0, uintptr(unsafe.Pointer(&iosb)),
		uintptr(unsafe.Pointer(b)), uintptr(room), classIDBothDirectory, 0, 0, restart)
	switch status := windows.NTStatus(r); status {
	case 0:
	case windows.STATUS_NO_MORE_FILES, windows.STATUS_NO_SUCH_FILE:
		return 0, nil
	case statusBufferOverflow:
		return -1, syscall.EINVAL // not room for one, as getdents(2) says it
	default:
		return -1, errnoOf(status)
	}
	return putEntries(buf, unsafe.Slice((*byte)(unsafe.Pointer(b)), min(int(iosb.Information), room)))
}

// putEntries stores what came. What doesn't add up is an error: it would be
// taken for the end of the directory, and names for missing.
func putEntries(buf, raw []byte) (stored int, err error) {
	const nameMax = 16 << 10 // bytes; file systems have 510, and 16 bits are for the length of an entry
	for {
		if len(raw) <= direntName {
			return -1, syscall.EIO
		}
		next := int(binary.LittleEndian.Uint32(raw))
		length := int(binary.LittleEndian.Uint32(raw[direntNameLength:]))
		if length > nameMax || length > len(raw)-direntName || next > len(raw) || next != 0 && next < direntName+length {
			return -1, syscall.EIO
		}
		stored += putEntry(buf[stored:], raw, raw[direntName:direntName+length])
		if next == 0 {
			return stored, nil
		}
		raw = raw[next:]
	}
}

// putEntry stores one entry and returns its length.
func putEntry(buf, info, name []byte) int {
	attributes := binary.LittleEndian.Uint32(info[direntAttributes:])
	mode := uint32(0) // what has a reparse point may be anything
	if attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT == 0 {
		mode = modeOf(attributes, 0) & ModeType
	}
	binary.LittleEndian.PutUint64(buf, binary.LittleEndian.Uint64(info[direntFileID:]))
	binary.LittleEndian.PutUint32(buf[entryMode:], mode)
	b := appendUTF8(buf[entryName:entryName], name)
	b = append(b, 0)
	n := entryName + len(b)
	binary.LittleEndian.PutUint16(buf[entryLength:], uint16(n))
	return n
}

// appendUTF8 appends what stands in UTF-16. A surrogate that has no partner,
// which a name of Windows may hold, becomes three bytes that UTF-16 is made of
// again (WTF-8, as package os has it).
func appendUTF8(b, name []byte) []byte {
	for len(name) >= 2 {
		c := rune(binary.LittleEndian.Uint16(name))
		name = name[2:]
		if c>>10 == 0xd800>>10 && len(name) >= 2 {
			if low := rune(binary.LittleEndian.Uint16(name)); low>>10 == 0xdc00>>10 {
				c = (c-0xd800)<<10 + low - 0xdc00 + 0x10000
				name = name[2:]
			}
		}
		if c>>11 == 0xd800>>11 {
			b = append(b, byte(0xe0|c>>12), byte(0x80|c>>6&0x3f), byte(0x80|c&0x3f))
			continue
		}
		b = utf8.AppendRune(b, c)
	}
	return b
}

// NextEntry cuts the first entry from what Getdents stored: its name, aliasing
// buf, its type bits as in Stat.Mode (0 if the file system doesn't tell), its
// inode number, and the rest. An empty name means that buf holds no further
// entry.
func NextEntry(buf []byte) (name Name, mode uint32, ino uint64, rest []byte) {
	if len(buf) <= entryName {
		return nil, 0, 0, nil
	}
	n := int(binary.LittleEndian.Uint16(buf[entryLength:]))
	if n <= entryName+1 || n > len(buf) {
		return nil, 0, 0, nil
	}
	return Name(buf[entryName:n]), binary.LittleEndian.Uint32(buf[entryMode:]), binary.LittleEndian.Uint64(buf), buf[n:]
}
