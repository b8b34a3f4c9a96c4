package platform

import "errors"

// Refusing returns a table in which every ability refuses, with an error for
// which errors.Is(err, errors.ErrUnsupported) holds: for systems to fill with
// what they have. The caller may change it.
func Refusing() *Calls {
	return &Calls{
		Openat:      func(dir FD, name Name, flags int, mode uint32) (FD, error) { return None, errors.ErrUnsupported },
		OpenBeneath: func(dir FD, name Name, flags int, mode uint32) (FD, error) { return None, errors.ErrUnsupported },
		Close:       func(fd FD) error { return errors.ErrUnsupported },
		Dup:         func(fd FD) (FD, error) { return None, errors.ErrUnsupported },
		Getdents:    func(fd FD, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Fstat:       func(fd FD, st *Stat) error { return errors.ErrUnsupported },
		Statat:      func(dir FD, name Name, st *Stat, follow bool) error { return errors.ErrUnsupported },
		Accessat:    func(dir FD, name Name, mode uint32) error { return errors.ErrUnsupported },
		Readlinkat:  func(dir FD, name Name, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Mkdirat:     func(dir FD, name Name, mode uint32) error { return errors.ErrUnsupported },
		Mknodat:     func(dir FD, name Name, mode uint32, rdev uint64) error { return errors.ErrUnsupported },
		Symlinkat:   func(target Name, dir FD, name Name) error { return errors.ErrUnsupported },
		Linkat: func(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
			return errors.ErrUnsupported
		},
		LinkFD:          func(fd FD, newdir FD, newname Name) error { return errors.ErrUnsupported },
		Renameat:        func(olddir FD, oldname Name, newdir FD, newname Name) error { return errors.ErrUnsupported },
		RenameNoReplace: func(olddir FD, oldname Name, newdir FD, newname Name) error { return errors.ErrUnsupported },
		RenameExchange:  func(olddir FD, oldname Name, newdir FD, newname Name) error { return errors.ErrUnsupported },
		Unlinkat:        func(dir FD, name Name) error { return errors.ErrUnsupported },
		Rmdirat:         func(dir FD, name Name) error { return errors.ErrUnsupported },
		Flock:           func(fd FD, exclusiveNonblock bool) error { return errors.ErrUnsupported },
		Unwritten:       func(fd FD) error { return errors.ErrUnsupported },
		Read:            func(fd FD, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Write:           func(fd FD, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Pread:           func(fd FD, buf []byte, off int64) (int, error) { return -1, errors.ErrUnsupported },
		Pwrite:          func(fd FD, buf []byte, off int64) (int, error) { return -1, errors.ErrUnsupported },
		Lseek:           func(fd FD, off int64, whence int) (int64, error) { return -1, errors.ErrUnsupported },
		Cached:          func(fd FD, off int64) (bool, error) { return false, errors.ErrUnsupported },
		Ftruncate:       func(fd FD, size int64) error { return errors.ErrUnsupported },
		Fallocate:       func(fd FD, off, length int64) error { return errors.ErrUnsupported },
		PunchHole:       func(fd FD, off, length int64) error { return errors.ErrUnsupported },
		CopyFileRange:   func(dst FD, dstOff int64, src FD, srcOff int64, n int) (int, error) { return -1, errors.ErrUnsupported },
		Sendfile:        func(dst FD, src FD, srcOff int64, n int) (int, error) { return -1, errors.ErrUnsupported },
		Splice: func(dst FD, dstOff *int64, src FD, srcOff *int64, n int) (int, error) {
			return -1, errors.ErrUnsupported
		},
		Clone:      func(dst, src FD) error { return errors.ErrUnsupported },
		CloneRange: func(dst FD, dstOff int64, src FD, srcOff, n int64) error { return errors.ErrUnsupported },
		CloneAt:    func(src FD, dir FD, name Name) error { return errors.ErrUnsupported },
		CowExtent:  func(fd FD, bytes int) (int, error) { return -1, errors.ErrUnsupported },
		Extents: func(fd FD, off int64, flush bool, m *ExtentMap) (int, error) {
			return -1, errors.ErrUnsupported
		},
		ExtentSpace:    func(fd FD) (ExtentSpace, error) { return ExtentSpace{}, errors.ErrUnsupported },
		Fadvise:        func(fd FD, off, length int64, advice int) error { return errors.ErrUnsupported },
		PreadUncached:  func(fd FD, buf []byte, off int64) (int, error) { return -1, errors.ErrUnsupported },
		PwriteUncached: func(fd FD, buf []byte, off int64) (int, error) { return -1, errors.ErrUnsupported },
		DirectAlign:    func(fd FD) (memory, offset int, err error) { return 0, 0, errors.ErrUnsupported },
		SetDirect:      func(fd FD, on bool) error { return errors.ErrUnsupported },
		CacheState:     func(fd FD, off, n int64, st *CacheState) error { return errors.ErrUnsupported },
		Mmap:           func(fd FD, off int64, n int) ([]byte, error) { return nil, errors.ErrUnsupported },
		Munmap:         func(b []byte) error { return errors.ErrUnsupported },
		Lease:          func(fd FD) error { return errors.ErrUnsupported },
		Leased:         func(fd FD) (bool, error) { return false, errors.ErrUnsupported },
		Unlease:        func(fd FD) error { return errors.ErrUnsupported },
		Pipe:           func() (r, w FD, err error) { return None, None, errors.ErrUnsupported },
		SetPipeSize:    func(fd FD, n int) (int, error) { return -1, errors.ErrUnsupported },
		Poll:           func(fd FD, write bool, ms int) (bool, error) { return false, errors.ErrUnsupported },
		Fchown:         func(fd FD, uid, gid int) error { return errors.ErrUnsupported },
		Fchownat:       func(dir FD, name Name, uid, gid int) error { return errors.ErrUnsupported },
		Fchmod:         func(fd FD, mode uint32) error { return errors.ErrUnsupported },
		Fchmodat:       func(dir FD, name Name, mode uint32) error { return errors.ErrUnsupported },
		Futimens:       func(fd FD, atime, mtime Time) error { return errors.ErrUnsupported },
		Utimensat:      func(dir FD, name Name, atime, mtime Time) error { return errors.ErrUnsupported },
		Flistxattr:     func(fd FD, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Fgetxattr:      func(fd FD, attr Name, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Fsetxattr:      func(fd FD, attr Name, value []byte) error { return errors.ErrUnsupported },
		Fremovexattr:   func(fd FD, attr Name) error { return errors.ErrUnsupported },
		Listxattrat:    func(dir FD, name Name, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Getxattrat:     func(dir FD, name Name, attr Name, buf []byte) (int, error) { return -1, errors.ErrUnsupported },
		Setxattrat:     func(dir FD, name Name, attr Name, value []byte) error { return errors.ErrUnsupported },
		Removexattrat:  func(dir FD, name Name, attr Name) error { return errors.ErrUnsupported },
		Fsync:          func(fd FD) error { return errors.ErrUnsupported },
		Fdatasync:      func(fd FD) error { return errors.ErrUnsupported },
		Syncfs:         func(fd FD) error { return errors.ErrUnsupported },
	}
}
