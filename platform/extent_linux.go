package platform

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of linux/fs.h and linux/btrfs.h; the directions and sizes in them are
// those of the common architectures, powerpc, mips and sparc have others.
const (
	fsIocFiemap   = 3<<30 | unsafe.Offsetof(ExtentMap{}.Extents)<<16 | 'f'<<8 | 11
	fiemapSync    = 1
	btrfsFsInfo   = 2<<30 | 1024<<16 | 0x94<<8 | 31
	fsIocGetXattr = 2<<30 | 28<<16 | 'X'<<8 | 31
	fsIocSetXattr = 1<<30 | 28<<16 | 'X'<<8 | 32
	xflagRealtime = 1
	xflagCowExt   = 1 << 16
)

// extents asks for the extents of a file from off on (FS_IOC_FIEMAP,
// Documentation/filesystems/fiemap.rst). It needs no privilege.
func extents(fd FD, off int64, flush bool, m *ExtentMap) (int, error) {
	m.start, m.length, m.flags = uint64(off), 1<<62, 0
	m.mapped, m.count, m.reserved = 0, uint32(len(m.Extents)), 0
	if flush {
		m.flags = fiemapSync
	}
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), fsIocFiemap, uintptr(unsafe.Pointer(m)))
	if e != 0 {
		return -1, e
	}
	return int(min(m.mapped, m.count)), nil
}

// extentSpace knows two file systems. Btrfs has one space of offsets for all its
// devices and subvolumes, whose device numbers differ, and a number of its own
// (BTRFS_IOC_FS_INFO). An inode of xfs lies on the data or the realtime device.
func extentSpace(fd FD) (s ExtentSpace, err error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(fd), &fs); err != nil {
		return s, err
	}
	if uint32(fs.Type) == unix.BTRFS_SUPER_MAGIC {
		var info [1024]byte // max_id, num_devices, fsid, ...
		err := ioctl(fd, btrfsFsInfo, info[:])
		copy(s.ID[:], info[16:])
		s.Exact = err == nil
		return s, err
	}
	var st Stat
	if err := fstat(fd, &st); err != nil {
		return s, err
	}
	binary.NativeEndian.PutUint64(s.ID[:], st.Dev)
	binary.NativeEndian.PutUint32(s.ID[8:], uint32(fs.Type))
	if uint32(fs.Type) == unix.XFS_SUPER_MAGIC {
		var attr [28]byte // struct fsxattr: xflags, ...
		if err := ioctl(fd, fsIocGetXattr, attr[:]); err != nil {
			return s, err
		}
		s.ID[15] = byte(binary.NativeEndian.Uint32(attr[:]) & xflagRealtime)
		s.Exact = true
	}
	return s, nil
}

// cowExtent sets the hint of xfs (FS_XFLAG_COWEXTSIZE, ioctl_xfs_fsgetxattr(2)).
func cowExtent(fd FD, bytes int) (int, error) {
	var attr [28]byte // struct fsxattr: xflags, extsize, nextents, projid, cowextsize
	if err := ioctl(fd, fsIocGetXattr, attr[:]); err != nil {
		return -1, err
	}
	flags, was := binary.NativeEndian.Uint32(attr[:]), 0
	if flags&xflagCowExt != 0 {
		was = int(binary.NativeEndian.Uint32(attr[16:]))
	}
	if flags &^= xflagCowExt; bytes > 0 {
		flags |= xflagCowExt
	}
	binary.NativeEndian.PutUint32(attr[:], flags)
	binary.NativeEndian.PutUint32(attr[16:], uint32(bytes))
	if err := ioctl(fd, fsIocSetXattr, attr[:]); err != nil {
		return -1, err
	}
	return was, nil
}

func ioctl(fd FD, request uintptr, buf []byte) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(unsafe.SliceData(buf))))
	return failure(e)
}

// dup makes a second descriptor of one open file description (fcntl(2)).
func dup(fd FD) (FD, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return None, err
	}
	return FD(n), nil
}
