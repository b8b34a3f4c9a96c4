//go:build darwin || freebsd

package platform

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FileSystemOf describes the file system that path is on, links followed
// (statfs(2)).
func FileSystemOf(path string) (FileSystem, error) {
	s, err := statfs(path)
	if err != nil {
		return FileSystem{}, err
	}
	var u unix.Stat_t
	if err := unix.Stat(path, &u); err != nil {
		return FileSystem{}, err
	}
	dev := uint64(u.Dev)
	fs := FileSystem{
		Name: terminated(s.Fstypename[:]), Source: terminated(s.Mntfromname[:]), MountPoint: terminated(s.Mntonname[:]),
		Device:    fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)),
		BlockSize: int64(s.Bsize), Size: int64(s.Blocks) * int64(s.Bsize), Free: int64(s.Bavail) * int64(s.Bsize),
		ReadOnly: s.Flags&unix.MNT_RDONLY != 0, Options: "rw",
	}
	if fs.ReadOnly {
		fs.Options = "ro"
	}
	const nameMax = 4 // _PC_NAME_MAX, unistd.h
	if n, err := unix.Pathconf(path, nameMax); err == nil {
		fs.NameMax = int64(n)
	}
	return fs, nil
}

// FileSystemName returns the name of the file system that path is on, as
// mount(8) spells it. "" means that it can't be told.
func FileSystemName(path string) string {
	s, err := statfs(path)
	if err != nil {
		return ""
	}
	return terminated(s.Fstypename[:])
}

// IsLocal reports whether the file system of an open file answers by itself:
// no server, no network, no user-space daemon stands behind it (statfs(2)).
// One that isn't known counts as not local.
func IsLocal(fd FD) bool {
	var s unix.Statfs_t
	if unix.Fstatfs(int(fd), &s) != nil || s.Flags&unix.MNT_LOCAL == 0 {
		return false
	}
	switch terminated(s.Fstypename[:]) {
	case "apfs", "hfs", "ufs", "zfs", "tmpfs":
		return true
	}
	return false
}

// Prompt returns the native table; there is no faster way to make its calls
// here, so the function does nothing.
func Prompt() (calls *Calls, stop func()) { return Native(), func() {} }

func statfs(path string) (s unix.Statfs_t, err error) {
	err = unix.Statfs(path, &s)
	for err == unix.EINTR {
		err = unix.Statfs(path, &s)
	}
	return s, err
}

// terminated returns a string of C.
func terminated(b []byte) string { return unix.ByteSliceToString(b) }
