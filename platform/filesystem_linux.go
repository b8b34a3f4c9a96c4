package platform

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// FileSystemOf describes the file system that path is on, links followed
// (statfs(2), statx(2), proc_pid_mountinfo(5)). Without /proc, or on a kernel
// before 5.8, the mount stays unknown, which is no error.
func FileSystemOf(path string) (FileSystem, error) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	for err == unix.EINTR {
		err = unix.Statfs(path, &st)
	}
	if err != nil {
		return FileSystem{}, err
	}
	// Counts are in units of f_frsize, as df(1) takes them; a FUSE file system
	// may prefer transfers of another size.
	unit := int64(st.Frsize)
	if unit == 0 {
		unit = int64(st.Bsize)
	}
	fs := FileSystem{
		Name: FileSystemName(path), BlockSize: unit, NameMax: int64(st.Namelen),
		Size: int64(st.Blocks) * unit, Free: int64(st.Bavail) * unit,
		ReadOnly: int64(st.Flags)&unix.ST_RDONLY != 0,
	}
	// By the number of the mount: device numbers of btrfs are those of
	// subvolumes, which mountinfo doesn't list.
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &x); err != nil {
		return FileSystem{}, err
	}
	fs.Device = fmt.Sprintf("%d:%d", x.Dev_major, x.Dev_minor)
	if x.Mask&unix.STATX_MNT_ID != 0 {
		if text, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
			fs.addMount(string(text), x.Mnt_id)
		}
	}
	return fs, nil
}

// addMount fills in what the line of a mount says:
//
//	36 35 98:0 /sub /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw,discard
func (fs *FileSystem) addMount(mountinfo string, id uint64) {
	for line := range strings.Lines(mountinfo) {
		mount, super, ok := strings.Cut(line, " - ")
		m, s := strings.Fields(mount), strings.Fields(super)
		if !ok || len(m) < 6 || len(s) < 2 || m[0] != strconv.FormatUint(id, 10) {
			continue
		}
		if strings.HasPrefix(fs.Name, "0x") {
			fs.Name = s[0]
		}
		fs.MountPoint, fs.Source = unescapeMount(m[4]), unescapeMount(s[1])
		options := strings.Split(m[5], ",")
		if len(s) > 2 {
			for o := range strings.SplitSeq(s[2], ",") {
				// Its own rw says nothing of this mount, its ro does.
				if o != "rw" && !slices.Contains(options, o) {
					options = append(options, o)
				}
			}
		}
		fs.Options = unescapeMount(strings.Join(options, ","))
		return
	}
}

// unescapeMount gives back what stands as \040 and the like.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
