package platform

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Names and paths of Windows as this package takes them:
//
//   - Separators are slashes. Only a path from CWD may have backslashes too:
//     in a directory that is held a backslash is no part of a name, so that
//     nobody who sends one gets past the directory with it.
//   - An absolute path begins with a slash: /C:/dir, //server/share/dir, /dir of
//     the current drive. C:/dir and C:\dir are taken as well.
//   - They go to the object manager, so MAX_PATH is no limit and nothing is
//     trimmed. What the Win32 layer could not open afterwards isn't created.

// object is a name as the calls of ntdll take it. It must not be moved after
// set.
type object struct {
	attr  windows.OBJECT_ATTRIBUTES
	text  windows.NTUnicodeString
	slash bool // a slash stood at the end: it is to be a directory
}

// set resolves name, relative to dir. create refuses what could not be used
// later.
func (o *object) set(dir FD, name Name, create bool) error {
	path := name.Bytes()
	if len(path) == 0 {
		return syscall.ENOENT
	}
	root := windows.Handle(0)
	var text string
	switch {
	case dir == CWD || path[0] == '/':
		o.slash = len(path) > 1 && isSeparator(path[len(path)-1])
		full, err := absolute(string(path))
		if err != nil {
			return err
		}
		if err := checkNames(afterVolume(full), create); err != nil {
			return err
		}
		text = objectName(full)
	case bytes.IndexByte(path, '\\') >= 0:
		return errBadName
	default:
		root = windows.Handle(dir)
		trimmed := bytes.TrimRight(path, "/")
		o.slash = len(trimmed) < len(path)
		parts := strings.Split(string(trimmed), "/")
		kept := parts[:0]
		for _, part := range parts {
			switch {
			case part == "" || part == ".":
			case part == ".." && len(kept) > 0:
				kept = kept[:len(kept)-1] // by its text, as everywhere on Windows
			case part == ".." && root != 0:
				above, err := parentOf(dir)
				if err != nil {
					return err
				}
				text, root = above, 0
			case part == "..":
				text = text[:max(strings.LastIndexByte(text, '\\'), len(`\??\C:`))]
			default:
				kept = append(kept, part)
			}
		}
		below := strings.Join(kept, `\`)
		if err := checkNames(below, create); err != nil {
			return err
		}
		switch {
		case root != 0:
			text = below // empty: the directory itself
		case below != "":
			text = strings.TrimSuffix(text, `\`) + `\` + below
		}
	}
	return o.name(root, text)
}

// name makes o stand for text below root, or for a full name without one.
func (o *object) name(root windows.Handle, text string) error {
	wide, err := windows.UTF16FromString(text)
	if err != nil {
		return errInvalidName
	}
	size := 2 * (len(wide) - 1)
	if size > 0xfffe {
		return syscall.ENAMETOOLONG
	}
	o.text = windows.NTUnicodeString{Length: uint16(size), MaximumLength: uint16(size), Buffer: &wide[0]}
	o.attr = windows.OBJECT_ATTRIBUTES{
		RootDirectory: root, ObjectName: &o.text, Attributes: windows.OBJ_CASE_INSENSITIVE,
	}
	o.attr.Length = uint32(unsafe.Sizeof(o.attr))
	return nil
}

// units returns the UTF-16 text that the object has.
func (o *object) units() []uint16 {
	return unsafe.Slice(o.text.Buffer, o.text.Length/2)
}

// SlashPath returns a path that a user typed as the program takes paths: with
// slashes, and with one in front if it is absolute. What is relative to the
// current directory of a drive (C:dir) becomes absolute. The top of a volume
// gets a dot behind it, since what is left of it without its slash is no name.
func SlashPath(path string) string {
	volume := filepath.VolumeName(path)
	drive := len(volume) == 2
	if drive && (len(path) == 2 || !isSeparator(path[2])) {
		full, err := absolute(path)
		if err != nil {
			return path // whoever opens it says so
		}
		if last := path[len(path)-1]; isSeparator(last) {
			full += string(last)
		}
		path = full
	}
	top := volume != "" && strings.Trim(path[len(volume):], `/\`) == ""
	path = filepath.ToSlash(path)
	if drive {
		path = "/" + path
	}
	if top {
		path = strings.TrimRight(path, "/") + "/."
	}
	return path
}

// ShownPath returns a path as users of the system write it, if it is one that
// SlashPath returned: without the slash in front of a drive. The others stay,
// for who types it again on another system or in a shell of Unix.
func ShownPath(path string) string {
	if len(path) >= 3 && path[0] == '/' && isLetter(path[1]) && path[2] == ':' && (len(path) == 3 || path[3] == '/') {
		return path[1:]
	}
	return path
}

// AbsPath returns the absolute path of one that SlashPath returned, without "."
// and "..".
func AbsPath(path string) (string, error) {
	full, err := absolute(path)
	if err != nil {
		return "", err
	}
	full = filepath.ToSlash(full)
	if full[0] != '/' {
		full = "/" + full
	}
	return full, nil
}

func isSeparator(c byte) bool { return c == '/' || c == '\\' }

// win32Path returns a path as the Win32 calls of package os take it.
func win32Path(path string) string {
	path = filepath.FromSlash(path)
	if len(path) >= 3 && path[0] == '\\' && path[2] == ':' && isLetter(path[1]) {
		path = path[1:]
		if len(path) == 2 {
			path += `\`
		}
	}
	return path
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// absolute makes a path one that begins with a volume and has no "." or "..",
// by its text, as Windows itself does.
func absolute(path string) (string, error) {
	path = win32Path(path)
	if strings.HasPrefix(path, `\\?\`) {
		return path, nil // verbatim, by the rules of Win32
	}
	volume := filepath.VolumeName(path)
	if volume != "" && (volume[0] == '\\' || len(path) > len(volume) && path[len(volume)] == '\\') {
		return filepath.Clean(path), nil
	}
	if volume != "" {
		// Of another drive's own current directory.
		at, err := syscall.FullPath(volume)
		if err != nil {
			return "", errnoOf(err)
		}
		return filepath.Join(at, path[len(volume):]), nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", errnoOf(err)
	}
	if path[0] == '\\' {
		return filepath.Clean(filepath.VolumeName(at) + path), nil
	}
	return filepath.Join(at, path), nil
}

// afterVolume returns what names follow the volume of an absolute path.
func afterVolume(path string) string {
	return strings.Trim(path[len(filepath.VolumeName(path)):], `\`)
}

// objectName names an absolute path of Win32 in the object manager, where the
// DOS devices are in \??.
func objectName(path string) string {
	switch {
	case strings.HasPrefix(path, `\\?\`), strings.HasPrefix(path, `\\.\`):
		return `\??\` + path[4:]
	case strings.HasPrefix(path, `\\`):
		return `\??\UNC\` + path[2:]
	}
	return `\??\` + path
}

// detach gives o the full name that it has by now, for file systems that take
// no directory beside a new name (those of a network).
func (o *object) detach() error {
	above, err := nameOf(FD(o.attr.RootDirectory))
	if err != nil {
		return err
	}
	return o.name(0, strings.TrimSuffix(above, `\`)+`\`+windows.UTF16ToString(o.units()))
}

// nameOf names an open file in the object manager.
func nameOf(fd FD) (string, error) {
	buf := make([]uint16, 1024)
	for {
		n, err := windows.GetFinalPathNameByHandle(windows.Handle(fd), &buf[0], uint32(len(buf)), 0)
		if err != nil {
			return "", errnoOf(err)
		}
		if int(n) < len(buf) {
			return objectName(windows.UTF16ToString(buf)), nil
		}
		buf = make([]uint16, n+1)
	}
}

// parentOf names the directory above an open one in the object manager.
func parentOf(dir FD) (string, error) {
	path, err := nameOf(dir)
	if err != nil {
		return "", err
	}
	volume := `\??\` + filepath.VolumeName(strings.TrimPrefix(path, `\??\`))
	if rest, ok := strings.CutPrefix(path, `\??\UNC\`); ok {
		server, share, _ := strings.Cut(rest, `\`)
		share, _, _ = strings.Cut(share, `\`)
		volume = `\??\UNC\` + server + `\` + share
	}
	path = strings.TrimRight(path, `\`)
	if i := strings.LastIndexByte(path, '\\'); i > len(volume) {
		return path[:i], nil
	}
	return volume + `\`, nil
}

// checkNames looks at the components of a path, with backslashes between. A
// colon would mean a stream of another file, and the rest no file system of
// Windows has. create also refuses what the Win32 layer takes for a device or
// trims, so that hardly any program could open or remove it.
func checkNames(path string, create bool) error {
	for part := range strings.SplitSeq(path, `\`) {
		for i := range len(part) {
			switch c := part[i]; {
			case c < ' ', c == ':', c == '<', c == '>', c == '"', c == '|', c == '?', c == '*', c == '/':
				return errBadName
			}
		}
		if !create || part == "" {
			continue
		}
		if last := part[len(part)-1]; last == '.' || last == ' ' || isDevice(part) {
			return errBadName
		}
	}
	return nil
}

// isDevice reports a name that means a device in every directory, whatever
// extension it has ("Naming Files, Paths, and Namespaces", Microsoft).
func isDevice(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	name = strings.ToUpper(strings.TrimRight(name, " "))
	switch name {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if !strings.HasPrefix(name, "COM") && !strings.HasPrefix(name, "LPT") {
		return false
	}
	switch name[3:] {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}
