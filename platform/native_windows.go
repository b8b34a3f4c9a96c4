package platform

import "syscall"

const errInvalidName = syscall.EINVAL

// Open flags of Calls.Openat. The system has none of these; openName translates
// them.
const (
	ReadOnly  = 0
	WriteOnly = 1 << iota
	ReadWrite
	Create
	Exclusive
	Truncate
	NoFollow
	NonBlock
	Directory
	NoAtime
	PathOnly
	Unnamed
	NoCTTY
)

// Native returns the table of Windows; what it lacks, or has in no such form,
// refuses. The caller may change its copy.
func Native() *Calls {
	c := Refusing()
	c.Openat, c.OpenBeneath, c.Close, c.Dup, c.Getdents = openName, openBeneath, closeFD, dup, getdents
	c.Fstat, c.Statat, c.Accessat, c.Readlinkat = fstat, statName, accessat, readlinkat
	c.Mkdirat, c.Symlinkat, c.Linkat = mkdirat, symlinkat, linkat
	c.Renameat, c.RenameNoReplace = renameat, renameNoReplace
	c.Unlinkat, c.Rmdirat, c.Flock = unlinkat, rmdirat, flock
	c.Read, c.Write, c.Pread, c.Pwrite, c.Lseek = read, writeNext, pread, pwrite, lseek
	c.Ftruncate, c.Fallocate, c.PunchHole = ftruncate, fallocate, punchHole
	c.Clone, c.CloneRange = clone, cloneRange
	c.Fchmod, c.Fchmodat, c.Futimens, c.Utimensat = fchmod, fchmodat, futimens, utimensat
	c.Fsync, c.Fdatasync = fsync, fsync
	return c
}
