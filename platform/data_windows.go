package platform

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// transferMax bounds one call, whose count has 32 bits.
const transferMax = 1 << 30

// read and pread take the end of a file, and of a pipe, for what it is on Unix:
// a count of 0.
func read(fd FD, buf []byte) (int, error) { return readFile(fd, buf, nil) }

// pread also moves the handle's own position, which nothing here uses together
// with it.
func pread(fd FD, buf []byte, off int64) (int, error) { return readFile(fd, buf, overlapped(off)) }

func readFile(fd FD, buf []byte, off *windows.Overlapped) (int, error) {
	var n uint32
	err := windows.ReadFile(windows.Handle(fd), buf[:min(len(buf), transferMax)], &n, off)
	switch err {
	case nil, windows.ERROR_HANDLE_EOF, windows.ERROR_BROKEN_PIPE:
		return int(n), nil
	}
	return -1, errnoOf(err)
}

func writeNext(fd FD, buf []byte) (int, error) { return writeFile(fd, buf, nil) }

func pwrite(fd FD, buf []byte, off int64) (int, error) { return writeFile(fd, buf, overlapped(off)) }

func writeFile(fd FD, buf []byte, off *windows.Overlapped) (int, error) {
	var n uint32
	if err := windows.WriteFile(windows.Handle(fd), buf[:min(len(buf), transferMax)], &n, off); err != nil {
		return -1, errnoOf(err)
	}
	return int(n), nil
}

func overlapped(off int64) *windows.Overlapped {
	return &windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
}

// lseek also makes the next listing of a directory begin anew.
func lseek(fd FD, off int64, whence int) (int64, error) {
	switch whence {
	case SeekData, SeekHole:
		return seekMap(fd, off, whence)
	case SeekSet:
		var info tagInfo
		if off == 0 && query(fd, classAttributeTag, &info) == nil && info.attributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
			rewound.Store(fd, nil)
			return 0, nil
		}
	}
	n, err := windows.Seek(windows.Handle(fd), off, whence)
	if err != nil {
		return -1, errnoOf(err)
	}
	return n, nil
}

// allocatedRange is FILE_ALLOCATED_RANGE_BUFFER.
type allocatedRange struct{ off, length int64 }

// seekMap finds data and holes by the ranges that are allocated
// (FSCTL_QUERY_ALLOCATED_RANGES). Of a file that isn't sparse all is.
func seekMap(fd FD, off int64, whence int) (int64, error) {
	var file standardInfo
	if err := query(fd, classStandard, &file); err != nil {
		return -1, errnoOf(err)
	}
	if off < 0 || off >= file.end {
		return -1, syscall.ENXIO
	}
	at := off // up to here all is data, for SeekHole
	for {
		in := allocatedRange{at, file.end - at}
		var out [64]allocatedRange
		n, err := control(fd, windows.FSCTL_QUERY_ALLOCATED_RANGES, unsafe.Pointer(&in), unsafe.Sizeof(in), unsafe.Pointer(&out), unsafe.Sizeof(out))
		if err != nil && err != windows.ERROR_MORE_DATA {
			return -1, errnoOf(err)
		}
		ranges := out[:n/int(unsafe.Sizeof(in))]
		if whence == SeekData {
			if len(ranges) == 0 {
				return -1, syscall.ENXIO
			}
			return max(off, ranges[0].off), nil
		}
		start := at
		for _, r := range ranges {
			if r.off > at {
				return at, nil
			}
			at = max(at, r.off+r.length)
		}
		if at >= file.end {
			return file.end, nil
		}
		if err == nil || at == start {
			return at, nil
		}
	}
}

// ftruncate makes what it adds a hole, as on Unix, where the file system has
// any: otherwise the space is taken and zeros are written when something behind
// it is.
func ftruncate(fd FD, size int64) error {
	var file standardInfo
	if err := query(fd, classStandard, &file); err != nil {
		return errnoOf(err)
	}
	if size > file.end {
		makeSparse(fd)
	}
	return setEnd(fd, size)
}

func setEnd(fd FD, size int64) error {
	return errnoOf(windows.SetFileInformationByHandle(windows.Handle(fd), windows.FileEndOfFileInfo, (*byte)(unsafe.Pointer(&size)), uint32(unsafe.Sizeof(size))))
}

func makeSparse(fd FD) error {
	_, err := control(fd, windows.FSCTL_SET_SPARSE, nil, 0, nil, 0)
	return errnoOf(err)
}

// fallocate reserves space behind what there is (FileAllocationInfo). The call
// itself would also give space back, and cut a file whose end is behind what is
// asked for, as that of one with holes may be.
func fallocate(fd FD, off, length int64) error {
	var file standardInfo
	if err := query(fd, classStandard, &file); err != nil {
		return errnoOf(err)
	}
	size := off + length
	if size <= max(file.allocation, file.end) {
		return nil
	}
	return errnoOf(windows.SetFileInformationByHandle(windows.Handle(fd), windows.FileAllocationInfo, (*byte)(unsafe.Pointer(&size)), uint32(unsafe.Sizeof(size))))
}

// punchHole zeroes a range and gives its space back where the file may have
// holes (FSCTL_SET_ZERO_DATA).
func punchHole(fd FD, off, length int64) error {
	if err := makeSparse(fd); err != nil {
		return err
	}
	in := struct{ from, to int64 }{off, off + length}
	_, err := control(fd, windows.FSCTL_SET_ZERO_DATA, unsafe.Pointer(&in), unsafe.Sizeof(in), nil, 0)
	return errnoOf(err)
}

// cloneMax is what one request may share: less than 4 GiB, in whole clusters of
// any size.
const cloneMax = 1 << 30

// clone shares all of src (ReFS, Dev Drive). The destination has to have its
// size before; after an error it is empty again, as it was.
func clone(dst, src FD) error {
	var from, to Stat
	if err := fstat(src, &from); err != nil {
		return err
	}
	if err := fstat(dst, &to); err != nil {
		return err
	}
	if from.Dev != to.Dev {
		return syscall.EXDEV
	}
	var info tagInfo
	if query(src, classAttributeTag, &info) == nil && info.attributes&windows.FILE_ATTRIBUTE_SPARSE_FILE != 0 {
		makeSparse(dst) // both or neither, or it is refused
	}
	if err := setEnd(dst, from.Size); err != nil {
		return err
	}
	err := cloneRange(dst, 0, src, 0, from.Size)
	if err != nil {
		setEnd(dst, 0)
	}
	return err
}

// cloneRange is FSCTL_DUPLICATE_EXTENTS_TO_FILE. Offsets are multiples of the
// cluster size; a length that isn't ends with the file and is made one.
func cloneRange(dst FD, dstOff int64, src FD, srcOff, n int64) error {
	var volume volumeSizeInfo
	if err := queryVolume(dst, volumeSize, &volume); err != nil {
		return errnoOf(err)
	}
	cluster := max(int64(volume.sectorsPerUnit)*int64(volume.bytesPerSector), 1)
	for n > 0 {
		in := struct {
			file                   windows.Handle
			srcOff, dstOff, length int64
		}{windows.Handle(src), srcOff, dstOff, min(n, cloneMax)}
		done := in.length
		in.length = (in.length + cluster - 1) / cluster * cluster
		if _, err := control(dst, windows.FSCTL_DUPLICATE_EXTENTS_TO_FILE, unsafe.Pointer(&in), unsafe.Sizeof(in), nil, 0); err != nil {
			return errnoOf(err)
		}
		srcOff, dstOff, n = srcOff+done, dstOff+done, n-done
	}
	return nil
}

// fsync writes what is cached to the device, and what that caches too. A handle
// opened for reading lacks the right, as those of directories do.
func fsync(fd FD) error {
	err := windows.FlushFileBuffers(windows.Handle(fd))
	if err == windows.ERROR_ACCESS_DENIED {
		again, e := openAgain(fd, windows.FILE_WRITE_DATA)
		if e != nil {
			return e
		}
		defer closeFD(again)
		err = windows.FlushFileBuffers(windows.Handle(again))
	}
	return errnoOf(err)
}
