//go:build linux

package main_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// node is one name of a generated case. A tree is a list of them, and not files alone, so
// that it can be made twice, made again with less in it, and printed as commands.
type node struct {
	path string // below the directory of the case
	kind nodeKind
	// target is what a symbolic link holds, and the path of the other name of a hard link.
	// "{root}" in it stands for the directory of the case.
	target   string
	data     content
	mode     uint32
	uid, gid int
	mtime    unix.Timespec
	xattrs   map[string]string
}

type nodeKind uint8

const (
	nodeFile nodeKind = iota
	nodeDir
	nodeSymlink
	nodeHardLink
	nodeFIFO
	nodeSocket
	nodeChar  // 1:3, the null device
	nodeBlock // of a major number that no driver has (devices.txt)
	nodeMount // a directory that a tmpfs is mounted on
)

func (k nodeKind) String() string {
	return [...]string{"file", "directory", "symlink", "hard link", "fifo", "socket", "char", "block", "mount"}[k]
}

// content is what a file holds: a line over and over, as yes(1) prints it, changed at some
// places. That is short to print, and enough for a delta to find and to miss.
type content struct {
	line string
	size int
	// patches are offsets at which "#" stands.
	patches []int
	// hole: only the first and the last 4096 bytes are written.
	hole bool
}

func (c content) bytes() []byte {
	line := c.line + "\n"
	data := []byte(strings.Repeat(line, c.size/len(line)+1))[:c.size]
	if c.hole {
		clear(data[min(4096, c.size):max(c.size-4096, min(4096, c.size))])
	}
	for _, at := range c.patches {
		if at < len(data) {
			data[at] = '#'
		}
	}
	return data
}

// build makes the nodes below root and then gives them their attributes, the deepest last
// made first: what is made in a directory changes its time.
func build(root string, nodes []node) error {
	for _, n := range nodes {
		if err := n.make(root); err != nil {
			return fmt.Errorf("%s %q: %w", n.kind, n.path, err)
		}
	}
	for _, n := range slices.Backward(nodes) {
		if err := n.seal(root); err != nil {
			return fmt.Errorf("attributes of %q: %w", n.path, err)
		}
	}
	return nil
}

func (n node) make(root string) error {
	name := filepath.Join(root, n.path)
	switch n.kind {
	case nodeDir:
		return os.Mkdir(name, 0o755)
	case nodeMount:
		if err := os.Mkdir(name, 0o755); err != nil {
			return err
		}
		return unix.Mount("sync-test", name, "tmpfs", unix.MS_NOATIME, "size=1m")
	case nodeSymlink:
		return os.Symlink(strings.ReplaceAll(n.target, "{root}", root), name)
	case nodeHardLink:
		return os.Link(filepath.Join(root, n.target), name)
	case nodeFIFO:
		return unix.Mkfifo(name, 0o600)
	case nodeSocket:
		return unix.Mknod(name, unix.S_IFSOCK|0o600, 0)
	case nodeChar:
		return unix.Mknod(name, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
	case nodeBlock:
		return unix.Mknod(name, unix.S_IFBLK|0o600, int(unix.Mkdev(240, 1)))
	}
	data := n.data.bytes()
	if !n.data.hole {
		return os.WriteFile(name, data, 0o600)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	head, tail := data[:min(4096, len(data))], max(0, len(data)-4096)
	_, errHead := f.WriteAt(head, 0)
	_, errTail := f.WriteAt(data[tail:], int64(tail))
	return errors.Join(errHead, errTail, f.Close())
}

func (n node) seal(root string) error {
	if n.kind == nodeHardLink {
		return nil
	}
	name := filepath.Join(root, n.path)
	if err := os.Lchown(name, n.uid, n.gid); err != nil {
		return err
	}
	if n.kind != nodeSymlink {
		if err := unix.Chmod(name, n.mode); err != nil {
			return err
		}
	}
	for key, value := range n.xattrs {
		err := unix.Lsetxattr(name, key, []byte(value), 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	times := []unix.Timespec{{Sec: 1_300_000_000}, n.mtime}
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, times, unix.AT_SYMLINK_NOFOLLOW)
}

// unmount undoes the mounts of the nodes below root.
func unmount(root string, nodes []node) error {
	var errs []error
	for _, n := range slices.Backward(nodes) {
		if n.kind == nodeMount {
			errs = append(errs, unix.Unmount(filepath.Join(root, n.path), unix.MNT_DETACH))
		}
	}
	return errors.Join(errs...)
}

// withoutNodes returns the nodes with no node that drop tells of, nor what needs one: what is
// below it, and other names of it.
func withoutNodes(nodes []node, drop func(i int) bool) []node {
	gone := map[string]bool{}
	var left []node
	for i, n := range nodes {
		if drop(i) || gone[path.Dir(n.path)] || n.kind == nodeHardLink && gone[n.target] {
			gone[n.path] = true
			continue
		}
		left = append(left, n)
	}
	return left
}

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)

// posixACL returns an ACL with an entry for a user in the kernel's form
// (linux/posix_acl_xattr.h) and in that of setfacl(1).
func posixACL(user, group, other, uid, perm uint32) string {
	const noID = 1<<32 - 1
	b := binary.LittleEndian.AppendUint32(nil, 2)
	entry := func(tag uint16, perm, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, uint16(perm))
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	entry(0x01, user, noID)
	entry(0x02, perm, uid)
	entry(0x04, group, noID)
	entry(0x10, group|perm, noID)
	entry(0x20, other, noID)
	return string(b)
}

// aclText is the ACL that posixACL made as setfacl(1) takes it.
func aclText(acl string) string {
	b := []byte(acl)[4:]
	var entries []string
	for ; len(b) >= 8; b = b[8:] {
		tag, perm := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		word := map[uint16]string{0x01: "u::", 0x02: fmt.Sprintf("u:%d:", binary.LittleEndian.Uint32(b[4:])), 0x04: "g::", 0x10: "m::", 0x20: "o::"}[tag]
		entries = append(entries, fmt.Sprintf("%s%d", word, perm))
	}
	return strings.Join(entries, ",")
}

// shell returns the commands that make the nodes in the working directory.
func shell(nodes []node) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(n.makeCommand() + "\n")
	}
	for _, n := range slices.Backward(nodes) {
		if s := n.sealCommand(); s != "" {
			b.WriteString(s + "\n")
		}
	}
	return b.String()
}

func (n node) makeCommand() string {
	name := shellWord(n.path)
	switch n.kind {
	case nodeDir:
		return "mkdir " + name
	case nodeMount:
		return "mkdir " + name + " && mount -t tmpfs x " + name
	case nodeSymlink:
		return "ln -s " + strings.ReplaceAll(shellWord(n.target), "{root}", `'"$PWD"'`) + " " + name
	case nodeHardLink:
		return "ln " + shellWord(n.target) + " " + name
	case nodeFIFO:
		return "mkfifo " + name
	case nodeSocket:
		return "python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' " + name
	case nodeChar:
		return "mknod " + name + " c 1 3"
	case nodeBlock:
		return "mknod " + name + " b 240 1"
	}
	c := n.data
	var s string
	switch {
	case c.size == 0:
		return ": > " + name
	case c.hole:
		s = fmt.Sprintf("yes %s | head -c %d > %s; fallocate -p -o 4096 -l %d %[3]s", shellWord(c.line), c.size, name, max(c.size-8192, 1))
	case c.size <= 100:
		return fmt.Sprintf("printf %%b %s > %s", shellWord(strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(string(c.bytes()))), name)
	default:
		s = fmt.Sprintf("yes %s | head -c %d > %s", shellWord(c.line), c.size, name)
	}
	for _, at := range c.patches {
		s += fmt.Sprintf("; printf '#' | dd of=%s bs=1 seek=%d conv=notrunc status=none", name, at)
	}
	return s
}

func (n node) sealCommand() string {
	if n.kind == nodeHardLink {
		return ""
	}
	name := shellWord(n.path)
	s := fmt.Sprintf("touch -hd @%d.%09d %s", n.mtime.Sec, n.mtime.Nsec, name)
	for _, key := range sortedKeys(n.xattrs) {
		switch value := n.xattrs[key]; key {
		case aclAccess:
			s = fmt.Sprintf("setfacl -m %s %s; ", aclText(value), name) + s
		case aclDefault:
			s = fmt.Sprintf("setfacl -d -m %s %s; ", aclText(value), name) + s
		default:
			s = fmt.Sprintf("setfattr -h -n %s -v %s %s; ", shellWord(key), shellWord(value), name) + s
		}
	}
	if n.kind != nodeSymlink {
		s = fmt.Sprintf("chmod %o %s; ", n.mode, name) + s
	}
	if n.uid != 0 || n.gid != 0 {
		s = fmt.Sprintf("chown -h %d:%d %s; ", n.uid, n.gid, name) + s
	}
	return s
}

// shellWord quotes s for bash where it has to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./,:=+%@", r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' }) < 0:
		return "'" + s + "'"
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if plain(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return "$'" + b.String() + "'"
}
