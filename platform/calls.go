package platform

import "syscall"

// FD is an open descriptor. On Unix it is the file descriptor itself.
type FD int

// CWD stands for the current working directory wherever a directory
// descriptor is wanted (AT_FDCWD).
const CWD FD = -100

// None is no descriptor.
const None FD = -1

// Time is a point in time as the kernel keeps it: seconds since the epoch and
// nanoseconds within the second, so that no file time is rounded or wrapped.
type Time struct {
	Sec  int64
	Nsec int64
}

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool {
	return t.Sec < u.Sec || t.Sec == u.Sec && t.Nsec < u.Nsec
}

// Stat is what is known of an inode. Sizes are bytes, Blocks are units of 512
// bytes. Mode is st_mode with the type bits of Linux, and Rdev is encoded as
// Linux does it (MakeDevice), on every system.
type Stat struct {
	Dev, Ino  uint64
	Mode      uint32
	UID, GID  uint32
	Nlink     uint64
	Rdev      uint64
	Size      int64
	Blocks    int64
	BlockSize int64
	Atime     Time
	Mtime     Time
	Ctime     Time
}

// File type bits and permission bits of Stat.Mode.
const (
	ModeType    = 0o170000
	ModeSocket  = 0o140000
	ModeSymlink = 0o120000
	ModeRegular = 0o100000
	ModeBlock   = 0o060000
	ModeDir     = 0o040000
	ModeChar    = 0o020000
	ModeFIFO    = 0o010000

	ModePerm   = 0o0777
	ModeBits   = 0o7777 // permission and special bits, what chmod(2) takes
	ModeSetUID = 0o4000
	ModeSetGID = 0o2000
	ModeSticky = 0o1000
)

// Type returns the type bits of the mode.
func (s *Stat) Type() uint32 { return s.Mode & ModeType }

// IsDir, IsRegular and IsSymlink report the type of the inode.
func (s *Stat) IsDir() bool     { return s.Mode&ModeType == ModeDir }
func (s *Stat) IsRegular() bool { return s.Mode&ModeType == ModeRegular }
func (s *Stat) IsSymlink() bool { return s.Mode&ModeType == ModeSymlink }

// SameInode reports whether both describe one inode.
func (s *Stat) SameInode(t *Stat) bool { return s.Dev == t.Dev && s.Ino == t.Ino }

// Unchanged reports whether nothing that a writer would alter differs between
// two looks at one inode. A store through a shared mapping into a page that is
// dirty already moves no timestamp and cannot be seen this way.
func (s *Stat) Unchanged(t *Stat) bool {
	return s.Dev == t.Dev && s.Ino == t.Ino && s.Size == t.Size &&
		s.Mtime == t.Mtime && s.Ctime == t.Ctime
}

// Seek modes of Calls.Lseek.
const (
	SeekSet  = 0
	SeekCur  = 1
	SeekEnd  = 2
	SeekData = 3
	SeekHole = 4
)

// Whichever of Calls.Utimens' two times carries this Nsec is left as it is
// (UTIME_OMIT, utimensat(2)).
const TimeOmit = 0x3ffffffe

// TimeNow is the Nsec of a time that is to be that of the call (UTIME_NOW).
const TimeNow = 0x3fffffff

// Advice of Calls.Fadvise (posix_fadvise(2)).
const (
	AdviseSequential = 2
	AdviseWillNeed   = 3
	AdviseDontNeed   = 4
)

// Calls is the table of kernel abilities: one function each, the same set on
// every system; an ability that the system lacks is a function that refuses
// with an error for which errors.Is(err, errors.ErrUnsupported) holds.
//
// The functions are thin: one system call each (EINTR is returned, not
// hidden), no loops, no policy, no allocation on the paths that run per file.
// Whoever calls owns the descriptors. They are safe for concurrent use.
// Errors are bare syscall.Errno values; Judge says what each one means.
//
// It is a struct of functions, not an interface, because it is also the seam
// through which tests make the N-th call fail (see package platformtest).
type Calls struct {
	// Descriptors and names. Names are single components or paths ending in
	// NUL (see Name), resolved relative to dir.
	Openat          func(dir FD, name Name, flags int, mode uint32) (FD, error)
	OpenBeneath     func(dir FD, name Name, flags int, mode uint32) (FD, error) // openat2(2), RESOLVE_BENEATH|NO_MAGICLINKS
	Close           func(fd FD) error
	Dup             func(fd FD) (FD, error) // of the same open file description
	Getdents        func(fd FD, buf []byte) (int, error)
	Fstat           func(fd FD, st *Stat) error
	Statat          func(dir FD, name Name, st *Stat, follow bool) error
	Accessat        func(dir FD, name Name, mode uint32) error // with the effective ids, following links
	Readlinkat      func(dir FD, name Name, buf []byte) (int, error)
	Mkdirat         func(dir FD, name Name, mode uint32) error
	Mknodat         func(dir FD, name Name, mode uint32, rdev uint64) error
	Symlinkat       func(target Name, dir FD, name Name) error
	Linkat          func(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error
	LinkFD          func(fd FD, newdir FD, newname Name) error // publish an O_TMPFILE
	Renameat        func(olddir FD, oldname Name, newdir FD, newname Name) error
	RenameNoReplace func(olddir FD, oldname Name, newdir FD, newname Name) error
	RenameExchange  func(olddir FD, oldname Name, newdir FD, newname Name) error
	Unlinkat        func(dir FD, name Name) error
	Rmdirat         func(dir FD, name Name) error
	Flock           func(fd FD, exclusiveNonblock bool) error
	Unwritten       func(fd FD) error // nil if nobody has the file open for writing (F_SETLEASE, fcntl(2))

	// Data. Offsets are always explicit where the call has them.
	Read          func(fd FD, buf []byte) (int, error)
	Write         func(fd FD, buf []byte) (int, error)
	Pread         func(fd FD, buf []byte, off int64) (int, error)
	Pwrite        func(fd FD, buf []byte, off int64) (int, error)
	Lseek         func(fd FD, off int64, whence int) (int64, error)
	Ftruncate     func(fd FD, size int64) error
	Fallocate     func(fd FD, off, length int64) error // keeps the size
	PunchHole     func(fd FD, off, length int64) error // keeps the size
	CopyFileRange func(dst FD, dstOff int64, src FD, srcOff int64, n int) (int, error)
	Sendfile      func(dst FD, src FD, srcOff int64, n int) (int, error) // at dst's own position
	Splice        func(dst FD, dstOff *int64, src FD, srcOff *int64, n int) (int, error)
	Clone         func(dst, src FD) error
	CloneRange    func(dst FD, dstOff int64, src FD, srcOff, n int64) error
	// CloneAt makes a new file of that name which is a clone of src, its metadata but
	// for the owner included, where only a whole new file can be a clone (clonefile(2)).
	CloneAt func(src FD, dir FD, name Name) error
	// CowExtent sets in what units space is allocated for writes to shared data, in
	// bytes, and returns what was set before; 0 is what the file system does by itself.
	CowExtent func(fd FD, bytes int) (was int, err error)
	Cached    func(fd FD, off int64) (bool, error) // whether a byte could be read without waiting
	Fadvise   func(fd FD, off, length int64, advice int) error

	// Where the data lie. Extents fills in m with extents from off on, as many as
	// fit, and returns how many; with flush the data are on the device before, so
	// that the map is that of the content. A last one is marked as such.
	Extents     func(fd FD, off int64, flush bool, m *ExtentMap) (int, error)
	ExtentSpace func(fd FD) (ExtentSpace, error)

	// Data that is to leave no pages behind, and what the page cache holds.
	PreadUncached  func(fd FD, buf []byte, off int64) (int, error) // RWF_DONTCACHE
	PwriteUncached func(fd FD, buf []byte, off int64) (int, error) // RWF_DONTCACHE
	DirectAlign    func(fd FD) (memory, offset int, err error)     // bytes that direct I/O wants buffers and offsets to be multiples of
	SetDirect      func(fd FD, on bool) error                      // O_DIRECT of the open file description
	CacheState     func(fd FD, off, n int64, st *CacheState) error // n 0: to the end

	// Mapped sources. A slice from Mmap is read-only and is given back by
	// Munmap; beyond the end of a file that was cut it can't be read (SIGBUS,
	// or EFAULT where the kernel reads it).
	Mmap    func(fd FD, off int64, n int) ([]byte, error)
	Munmap  func(b []byte) error
	Lease   func(fd FD) error         // a read lease: writers wait for Unlease
	Leased  func(fd FD) (bool, error) // false: somebody waits
	Unlease func(fd FD) error

	// Pipes for Splice, and waiting for descriptors that don't block.
	Pipe        func() (r, w FD, err error)
	SetPipeSize func(fd FD, n int) (int, error)
	Poll        func(fd FD, write bool, ms int) (bool, error) // ms -1: for ever

	// Metadata.
	Fchown    func(fd FD, uid, gid int) error
	Fchownat  func(dir FD, name Name, uid, gid int) error // never follows
	Fchmod    func(fd FD, mode uint32) error
	Fchmodat  func(dir FD, name Name, mode uint32) error // never follows; EOPNOTSUPP for a symbolic link
	Futimens  func(fd FD, atime, mtime Time) error
	Utimensat func(dir FD, name Name, atime, mtime Time) error // never follows
	// Extended attributes of an open file. attr ends in NUL.
	Flistxattr   func(fd FD, buf []byte) (int, error)
	Fgetxattr    func(fd FD, attr Name, buf []byte) (int, error)
	Fsetxattr    func(fd FD, attr Name, value []byte) error
	Fremovexattr func(fd FD, attr Name) error
	// The same for what can't be opened (symlinks, devices, sockets, FIFOs):
	// of the directory entry itself, never followed.
	Listxattrat   func(dir FD, name Name, buf []byte) (int, error)
	Getxattrat    func(dir FD, name Name, attr Name, buf []byte) (int, error)
	Setxattrat    func(dir FD, name Name, attr Name, value []byte) error
	Removexattrat func(dir FD, name Name, attr Name) error

	// Durability.
	Fsync     func(fd FD) error
	Fdatasync func(fd FD) error
	Syncfs    func(fd FD) error
}

// CacheState is what the page cache holds of a range of a file, in bytes. Dirty
// counts what is not on the device yet.
type CacheState struct {
	Resident int64
	Dirty    int64
}

// Errno is the error type of every call.
type Errno = syscall.Errno
