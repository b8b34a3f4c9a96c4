package platform

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func read(fd FD, buf []byte) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_READ, uintptr(fd), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(buf)
	return result(r, e)
}

func write(fd FD, buf []byte) (int, error) {
	r, _, e := unix.Syscall(unix.SYS_WRITE, uintptr(fd), bufptr(buf), uintptr(len(buf)))
	runtime.KeepAlive(buf)
	return result(r, e)
}

func pread(fd FD, buf []byte, off int64) (int, error) {
	return unix.Pread(int(fd), buf, off)
}

func pwrite(fd FD, buf []byte, off int64) (int, error) {
	return unix.Pwrite(int(fd), buf, off)
}

func lseek(fd FD, off int64, whence int) (int64, error) {
	return unix.Seek(int(fd), off, whence)
}

func ftruncate(fd FD, size int64) error { return unix.Ftruncate(int(fd), size) }

func fallocate(fd FD, off, length int64) error {
	return unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, off, length)
}

// punchHole makes a hole that reads as zeros (fallocate(2)); blocks that lie in
// the range only partly are zeroed.
func punchHole(fd FD, off, length int64) error {
	return unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, length)
}

// fadvise is advice: whether it was followed is not known.
func fadvise(fd FD, off, length int64, advice int) error {
	return unix.Fadvise(int(fd), off, length, advice)
}

// cached reads one byte on condition that it needn't be waited for
// (preadv2(2), RWF_NOWAIT, since Linux 4.14).
func cached(fd FD, off int64) (bool, error) {
	var b [1]byte
	_, err := unix.Preadv2(int(fd), [][]byte{b[:]}, off, unix.RWF_NOWAIT)
	if err == unix.EAGAIN {
		return false, nil
	}
	return err == nil, err
}

// copyFileRange copies inside the kernel (copy_file_range(2)), since Linux 5.3
// with the semantics that its manual page gives.
func copyFileRange(dst FD, dstOff int64, src FD, srcOff int64, n int) (int, error) {
	return unix.CopyFileRange(int(src), &srcOff, int(dst), &dstOff, n, 0)
}

func sendfile(dst FD, src FD, srcOff int64, n int) (int, error) {
	return unix.Sendfile(int(dst), int(src), &srcOff, n)
}

func splice(dst FD, dstOff *int64, src FD, srcOff *int64, n int) (int, error) {
	r, err := unix.Splice(int(src), srcOff, int(dst), dstOff, n, unix.SPLICE_F_MOVE)
	return int(r), err
}

// clone is FICLONE (ioctl_ficlonerange(2)): the whole of src.
func clone(dst, src FD) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(dst), unix.FICLONE, uintptr(src))
	return failure(e)
}

func cloneRange(dst FD, dstOff int64, src FD, srcOff, n int64) error {
	return unix.IoctlFileCloneRange(int(dst), &unix.FileCloneRange{
		Src_fd: int64(src), Src_offset: uint64(srcOff), Src_length: uint64(n), Dest_offset: uint64(dstOff),
	})
}

func fsync(fd FD) error     { return unix.Fsync(int(fd)) }
func fdatasync(fd FD) error { return unix.Fdatasync(int(fd)) }
func syncfs(fd FD) error    { return unix.Syncfs(int(fd)) }
