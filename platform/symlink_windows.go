package platform

import (
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Texts of links have slashes, are absolute if they begin with one (/C:/dir),
// and end with one if the link is one to a directory: Windows has two kinds of
// symbolic links, and one of the wrong kind leads nowhere. A junction is told of
// as a symbolic link to a directory.

// reparsePoint is REPARSE_DATA_BUFFER of a symbolic link; a junction has no
// flags (ntifs.h). Offsets and lengths are bytes from names on.
type reparsePoint struct {
	tag                          uint32
	length, _                    uint16
	substituteAt, substituteSize uint16
	printAt, printSize           uint16
	flags                        uint32
}

const (
	reparseHeader = unsafe.Offsetof(reparsePoint{}.substituteAt)
	linkNames     = unsafe.Sizeof(reparsePoint{})
	junctionNames = unsafe.Offsetof(reparsePoint{}.flags)
	linkRelative  = 1 // SYMLINK_FLAG_RELATIVE
	reparseMax    = 16 << 10
)

func readlinkat(dir FD, name Name, buf []byte) (int, error) {
	fd, err := openEntry(dir, name, windows.FILE_READ_ATTRIBUTES, 0)
	if err != nil {
		return -1, err
	}
	defer closeFD(fd)
	var info tagInfo
	if err := query(fd, classAttributeTag, &info); err != nil {
		return -1, errnoOf(err)
	}
	if info.attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT == 0 {
		return -1, syscall.EINVAL
	}
	var raw [reparseMax / 8]uint64
	n, err := control(fd, windows.FSCTL_GET_REPARSE_POINT, nil, 0, unsafe.Pointer(&raw), reparseMax)
	if err != nil {
		return -1, errnoOf(err)
	}
	text, ok := linkText(unsafe.Slice((*byte)(unsafe.Pointer(&raw)), n), info.attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0)
	if !ok {
		return -1, syscall.EINVAL
	}
	return copy(buf, text), nil
}

// linkText returns where a reparse point leads; ok is false if it is no link.
func linkText(raw []byte, isDir bool) (text string, ok bool) {
	if len(raw) < int(junctionNames) {
		return "", false
	}
	p := (*reparsePoint)(unsafe.Pointer(&raw[0]))
	names := junctionNames
	switch p.tag {
	case windows.IO_REPARSE_TAG_MOUNT_POINT:
	case windows.IO_REPARSE_TAG_SYMLINK:
		names = linkNames
	default:
		return "", false
	}
	from := int(names) + int(p.substituteAt)
	to := from + int(p.substituteSize)
	if to > len(raw) || from > to {
		return "", false
	}
	text = string(appendUTF8(nil, raw[from:to]))
	relative := p.tag == windows.IO_REPARSE_TAG_SYMLINK && p.flags&linkRelative != 0
	if !relative {
		text = fromObjectName(text)
	}
	text = strings.ReplaceAll(text, `\`, "/")
	if isDir && !strings.HasSuffix(text, "/") {
		text += "/"
	}
	return text, true
}

// fromObjectName is objectName the other way, for the text of a link.
func fromObjectName(text string) string {
	rest, ok := strings.CutPrefix(text, `\??\`)
	switch {
	case !ok:
		return text
	case strings.HasPrefix(rest, `UNC\`):
		return `\\` + rest[4:]
	case len(rest) > 1 && rest[1] == ':':
		return `\` + rest
	}
	return `\\?\` + rest
}

// symlinkat makes a link to a directory where the text says so or where it
// leads to one by now. A backslash, or a drive without a slash in front, stands
// in no text of readlinkat, and one of another system would lead elsewhere than
// there.
func symlinkat(target Name, dir FD, name Name) error {
	text := target.String()
	if strings.Contains(text, `\`) || text != "" && text[0] != '/' && filepath.VolumeName(text) != "" {
		return errBadName
	}
	isDir := strings.HasSuffix(text, "/")
	if !isDir {
		var st Stat
		isDir = statName(dir, besideOf(dir, name, target), &st, true) == nil && st.IsDir()
	}
	if trimmed := strings.TrimRight(text, "/"); trimmed != "" && !strings.HasSuffix(trimmed, ":") {
		text = trimmed
	}
	shown, flags := win32Path(text), uint32(0)
	substitute := shown
	if filepath.VolumeName(shown) != "" {
		substitute = objectName(shown)
	} else {
		flags = linkRelative
	}
	return withPrivilege("SeCreateSymbolicLinkPrivilege", func() error {
		return makeLink(dir, name, shown, substitute, flags, isDir)
	})
}

// besideOf names the target of a link that stands at name.
func besideOf(dir FD, name, target Name) Name {
	if i := strings.LastIndexByte(name.String(), '/'); i >= 0 && target[0] != '/' {
		return append(append(Name(nil), name[:i+1]...), target...)
	}
	return target
}

// makeLink makes an entry and then a link of it; if that is refused the entry
// is removed.
func makeLink(dir FD, name Name, shown, substitute string, flags uint32, isDir bool) error {
	var o object
	if err := o.set(dir, name, true); err != nil {
		return err
	}
	first, err := windows.UTF16FromString(substitute)
	second, err2 := windows.UTF16FromString(shown)
	if err != nil || err2 != nil {
		return errInvalidName
	}
	first, second = first[:len(first)-1], second[:len(second)-1]
	size := int(linkNames) + 2*(len(first)+len(second))
	if size > reparseMax {
		return syscall.ENAMETOOLONG
	}
	raw := make([]uint64, (size+7)/8)
	p := (*reparsePoint)(unsafe.Pointer(&raw[0]))
	*p = reparsePoint{
		tag: windows.IO_REPARSE_TAG_SYMLINK, length: uint16(size - int(reparseHeader)), flags: flags,
		substituteSize: uint16(2 * len(first)), printAt: uint16(2 * len(first)), printSize: uint16(2 * len(second)),
	}
	names := unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(p), linkNames)), len(first)+len(second))
	copy(names, first)
	copy(names[len(first):], second)

	kind := uint32(windows.FILE_NON_DIRECTORY_FILE)
	if isDir {
		kind = windows.FILE_DIRECTORY_FILE
	}
	fd, err := ntOpen(&o, windows.FILE_WRITE_ATTRIBUTES|windows.DELETE, windows.FILE_ATTRIBUTE_NORMAL,
		windows.FILE_CREATE, kind|windows.FILE_OPEN_REPARSE_POINT)
	if err != nil {
		return errnoOf(err)
	}
	defer closeFD(fd)
	if _, err := control(fd, windows.FSCTL_SET_REPARSE_POINT, unsafe.Pointer(p), uintptr(size), nil, 0); err != nil {
		doomed := byte(1)
		setInfo(fd, classDisposition, unsafe.Pointer(&doomed), unsafe.Sizeof(doomed))
		return errnoOf(err)
	}
	return nil
}
