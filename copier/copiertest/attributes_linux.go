//go:build linux

package copiertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// attributes are all that a file has beside its content.
type attributes struct {
	uid, gid     int
	mode         uint32
	xattrs       []xattr
	atime, mtime unix.Timespec
}

type xattr struct {
	name  string
	value []byte
}

func (g *generator) attributes(fileType uint32) attributes {
	a := attributes{uid: -1, gid: -1, mode: g.mode(fileType), atime: g.time(), mtime: g.time()}
	if n := len(g.opt.Owners); n > 0 {
		a.uid, a.gid = int(g.opt.Owners[g.rng.IntN(n)]), int(g.opt.Owners[g.rng.IntN(n)])
	}
	if g.rng.IntN(3) == 0 {
		a.xattrs = g.xattrs(fileType)
	}
	return a
}

func (g *generator) mode(fileType uint32) uint32 {
	modes := []uint32{
		0o644, 0o644, 0o644, 0o600, 0o755, 0o444, 0o400, 0o000, 0o777, 0o200, 0o111,
		0o4755, 0o2755, 0o6711, 0o1644, 0o7777, 0o4000, 0o2745,
	}
	if fileType == typeDir {
		modes = []uint32{0o755, 0o755, 0o755, 0o755, 0o700, 0o555, 0o500, 0o1777, 0o2775, 0o3770, 0o4755, 0o711, 0o7777}
		// Unreadable directories hide what is in them from all but root.
		if g.rng.IntN(12) == 0 {
			return 0
		}
	}
	if g.rng.IntN(6) == 0 && fileType != typeDir {
		return g.rng.Uint32() & 0o7777
	}
	return modes[g.rng.IntN(len(modes))]
}

// time is anything that all four file systems can keep: ext4 has 1901 to 2446, xfs 1901 to
// 2486. None is near the time of the test, which marks what a copy did not preserve.
func (g *generator) time() unix.Timespec {
	seconds := [...]int64{
		0, -1, -1_000_000_000, -2_147_483_648, 1<<31 - 1, 1 << 31, 1 << 32, 1<<32 + 1, 7_258_118_400,
		1_000_000_000, 1_234_567_890,
	}
	nanoseconds := [...]int64{0, 1, 999_999_999, 123_456_789, 500_000_000}
	ts := unix.Timespec{Sec: 978_307_200 + g.rng.Int64N(700_000_000), Nsec: g.rng.Int64N(1e9)}
	if g.rng.IntN(3) == 0 {
		ts.Sec = seconds[g.rng.IntN(len(seconds))]
	}
	if g.rng.IntN(3) == 0 {
		ts.Nsec = nanoseconds[g.rng.IntN(len(nanoseconds))]
	}
	return ts
}

func (g *generator) xattrs(fileType uint32) []xattr {
	var list []xattr
	add := func(name string, value []byte) { list = append(list, xattr{name, value}) }
	chance := func(n int) bool { return g.rng.IntN(n) == 0 }
	// The kernel has user.* on regular files and directories only.
	if fileType == typeRegular || fileType == typeDir {
		if chance(2) {
			add("user.zccp", g.content(g.rng.IntN(60)))
		}
		if chance(4) {
			add("user.empty", nil)
		}
		if chance(4) {
			add("user.\xff new\nline", []byte{0, 1, 0, 255})
		}
		if chance(6) {
			add("user.long", g.content(300))
		}
	}
	if fileType != typeSymlink && chance(2) {
		add("system.posix_acl_access", g.acl())
	}
	if fileType == typeDir && chance(2) {
		add("system.posix_acl_default", g.acl())
	}
	if !g.opt.Unprivileged {
		if chance(4) {
			add("trusted.zccp", g.content(g.rng.IntN(40)))
		}
		if chance(6) {
			add("security.zccp", g.content(g.rng.IntN(40)))
		}
		if fileType == typeRegular && chance(3) {
			add("security.capability", g.capability())
		}
	}
	return list
}

// acl returns a POSIX ACL as the kernel takes it: linux/posix_acl_xattr.h.
func (g *generator) acl() []byte {
	const (
		version = 2
		noID    = 1<<32 - 1
		userObj = 0x01
		user    = 0x02
		groupObj, group,
		mask, other = 0x04, 0x08, 0x10, 0x20
	)
	b := binary.LittleEndian.AppendUint32(nil, version)
	entry := func(tag uint16, id uint32) {
		b = binary.LittleEndian.AppendUint16(b, tag)
		b = binary.LittleEndian.AppendUint16(b, uint16(g.rng.IntN(8)))
		b = binary.LittleEndian.AppendUint32(b, id)
	}
	entry(userObj, noID)
	for i := range g.rng.IntN(3) {
		entry(user, uint32(1000*i+g.rng.IntN(1000)))
	}
	entry(groupObj, noID)
	for i := range g.rng.IntN(3) {
		entry(group, uint32(1000*i+g.rng.IntN(1000)))
	}
	entry(mask, noID)
	entry(other, noID)
	return b
}

// capability returns a vfs_cap_data of version 2: linux/capability.h.
func (g *generator) capability() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x02000000|uint32(g.rng.IntN(2)))
	for range 2 {
		b = binary.LittleEndian.AppendUint32(b, g.rng.Uint32()&0xff)
		b = binary.LittleEndian.AppendUint32(b, 0)
	}
	return b
}

// apply gives a file its attributes: the owner first, as a change of it clears special bits
// and capabilities; the ACL after the mode, which is part of it; the times last.
func (a attributes) apply(path string, fileType uint32) error {
	if a.uid >= 0 {
		if err := os.Lchown(path, a.uid, a.gid); err != nil {
			return err
		}
	}
	if fileType != typeSymlink {
		if err := unix.Chmod(path, a.mode); err != nil {
			return fmt.Errorf("chmod %#o: %w", a.mode, err)
		}
	}
	for _, x := range a.xattrs {
		// EACCES: user.* needs the write permission that the mode just took.
		err := unix.Lsetxattr(path, x.name, x.value, 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("setxattr %q: %w", x.name, err)
		}
	}
	times := []unix.Timespec{a.atime, a.mtime}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("utimensat: %w", err)
	}
	return nil
}
