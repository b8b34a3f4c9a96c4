package platform

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAddMount(t *testing.T) {
	const mountinfo = `21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
3 21 0:5 / /dev rw - devtmpfs udev rw
36 21 0:30 /@home /mnt/a\040b ro,noatime shared:2 master:1 - fuse.sshfs user@host:/x\134y rw,noatime,user_id=0
37 21 7:0 / /cd rw,relatime - iso9660 /dev/sr0 ro,relatime
40 broken line
`
	for _, c := range []struct {
		name string
		id   uint64
		want FileSystem
	}{
		{"0x65735546", 36, FileSystem{Name: "fuse.sshfs", MountPoint: "/mnt/a b", Source: `user@host:/x\y`, Options: "ro,noatime,user_id=0"}},
		{"ext4", 21, FileSystem{Name: "ext4", MountPoint: "/", Source: "/dev/sda1", Options: "rw,relatime,errors=remount-ro"}},
		{"iso9660", 37, FileSystem{Name: "iso9660", MountPoint: "/cd", Source: "/dev/sr0", Options: "rw,relatime,ro"}},
		{"tmpfs", 6, FileSystem{Name: "tmpfs"}},
		{"tmpfs", 40, FileSystem{Name: "tmpfs"}},
	} {
		fs := FileSystem{Name: c.name}
		fs.addMount(mountinfo, c.id)
		if fs != c.want {
			t.Errorf("mount %d: got %+v, want %+v", c.id, fs, c.want)
		}
	}
}

func TestFileSystemOf(t *testing.T) {
	fs, err := FileSystemOf("/proc")
	if err != nil {
		t.Fatal(err)
	}
	if fs.Name != "proc" || fs.MountPoint != "/proc" || fs.BlockSize <= 0 || fs.Device == "" {
		t.Errorf("/proc: %+v", fs)
	}
	dir := t.TempDir()
	if fs, err = FileSystemOf(dir); err != nil || fs.ReadOnly || fs.Size < fs.Free || fs.Free <= 0 || fs.NameMax < 14 {
		t.Errorf("%s: %+v, %v", dir, fs, err)
	}
	if _, err := FileSystemOf(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("a missing path: %v", err)
	}
}
