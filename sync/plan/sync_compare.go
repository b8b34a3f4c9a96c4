package plan

import "github.com/zccp/zccp/platform"

// bitsOfExec are the execute rights.
const bitsOfExec = 0o111

// SameTime compares modification times as --modify-window says: whole seconds
// unless the window is negative (rsync(1)).
func (r *SyncRules) SameTime(a, b platform.Time) bool {
	switch w := r.ModifyWindow; {
	case w < 0:
		return a == b
	case w == 0:
		return a.Sec == b.Sec
	case a.Sec > b.Sec:
		return a.Sec-b.Sec <= w
	default:
		return b.Sec-a.Sec <= w
	}
}

// Newer reports whether the destination is newer than the source, for -u.
// Within the window it is not.
func (r *SyncRules) Newer(dst, src *platform.Stat) bool {
	return src.Mtime.Before(dst.Mtime) && !r.SameTime(src.Mtime, dst.Mtime)
}

// Quick is the verdict of the quick check on two regular files.
type Quick uint8

// The verdicts.
const (
	Differs Quick = iota
	Same
	AskSum // as the contents say
)

// QuickCheck tells whether a regular file at the destination counts as what
// the source is.
func (r *SyncRules) QuickCheck(src, dst *platform.Stat) Quick {
	switch {
	case src.Size != dst.Size:
		return Differs
	case r.Checksum:
		return AskSum
	case r.SizeOnly:
		return Same
	case r.IgnoreTimes || !r.SameTime(src.Mtime, dst.Mtime):
		return Differs
	}
	return Same
}

// OutOfSize reports a file that --max-size or --min-size leaves out.
func (r *SyncRules) OutOfSize(size int64) bool {
	return r.MaxSize >= 0 && size > r.MaxSize || r.MinSize > 0 && size < r.MinSize
}

// KeepsTime reports whether entries of this type get their source's time.
func (r *SyncRules) KeepsTime(mode uint32) bool {
	switch mode & platform.ModeType {
	case platform.ModeDir:
		return r.Times && !r.OmitDirTimes
	case platform.ModeSymlink:
		return r.Times && !r.OmitLinkTimes
	}
	return r.Times
}

// Mode returns the permission bits that an entry is to have. src holds the
// source's mode, old what stands there or nil; fresh is what the umask or a
// default ACL leaves of 0777.
func (r *SyncRules) Mode(src uint32, old *platform.Stat, fresh uint32) uint32 {
	bits := src & platform.ModeBits
	switch {
	case r.Perms:
		return bits
	case old == nil:
		return bits & fresh & platform.ModePerm
	}
	mode := old.Mode & platform.ModeBits
	if r.Executability && src&platform.ModeType == platform.ModeRegular {
		if bits&bitsOfExec == 0 {
			mode &^= bitsOfExec
		} else if mode&bitsOfExec == 0 {
			mode |= mode & 0o444 >> 2
		}
	}
	return mode
}

// Compare returns which attributes of dst differ from what they are to be.
// want is the source as it is to arrive: mode, owner and group mapped. Of
// flags, FlagTransfer and FlagLocalChange say what happens to the entry.
func (r *SyncRules) Compare(want, dst *platform.Stat, flags Flags) Flags {
	if want.IsRegular() && want.Size != dst.Size {
		flags |= FlagSize
	}
	if r.KeepsTime(want.Mode) {
		if !r.SameTime(want.Mtime, dst.Mtime) {
			flags |= FlagTime
		}
	} else if flags&(FlagTransfer|FlagLocalChange) != 0 && flags&FlagHardLink == 0 {
		flags |= FlagTime
	}
	if r.Atimes && !want.IsDir() && !want.IsSymlink() && !r.SameTime(want.Atime, dst.Atime) {
		flags |= FlagAtime
	}
	switch {
	case want.IsSymlink():
	case r.Perms:
		if (want.Mode^dst.Mode)&platform.ModeBits != 0 {
			flags |= FlagPerms
		}
	case r.Executability:
		if (want.Mode&bitsOfExec != 0) != (dst.Mode&bitsOfExec != 0) {
			flags |= FlagPerms
		}
	}
	if r.Owner && r.Root && want.UID != dst.UID {
		flags |= FlagOwner
	}
	if r.Group && want.GID != dst.GID {
		flags |= FlagGroup
	}
	return flags
}
