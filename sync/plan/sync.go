package plan

import "github.com/zccp/zccp/platform"

// SyncRules are the choices of a synchronisation that bear on single entries;
// the names are those of rsync's options.
type SyncRules struct {
	// What of the source is transferred.
	Links    bool // -l; without it symbolic links are left out
	Devices  bool
	Specials bool

	// What is kept of it.
	Perms         bool
	Executability bool
	Owner         bool // only the superuser changes owners
	Group         bool
	Times         bool
	OmitDirTimes  bool
	OmitLinkTimes bool
	Atimes        bool
	ACLs          bool
	Xattrs        bool

	// What counts as up to date.
	SizeOnly     bool
	IgnoreTimes  bool
	Checksum     bool
	ModifyWindow int64 // seconds; -1 compares nanoseconds

	// What is left alone.
	Update         bool  // -u
	Existing       bool  // nothing new is made (--existing, --ignore-non-existing)
	IgnoreExisting bool  // nothing that exists is changed, directories excepted
	MaxSize        int64 // bytes; -1 for no limit
	MinSize        int64
	Append         bool // --append, --append-verify

	// Root: the superuser runs it (or --super), so owners are compared.
	Root bool
}

// Flags say what of an entry differs or is done, as the letters of
// --itemize-changes do.
type Flags uint16

// The flags.
const (
	FlagTransfer    Flags = 1 << iota // '>': its bytes are copied
	FlagLocalChange                   // 'c': made or changed without bytes; 'h' with FlagHardLink
	FlagHardLink                      // 'h': a link to another entry
	FlagNew                           // '+': nothing was there
	FlagChange                        // 'c' in the second place: content by checksum, target of a link, device
	FlagSize
	FlagTime
	FlagPerms
	FlagOwner
	FlagGroup
	FlagAtime
	FlagACL
	FlagXattr
	FlagDeleted
	FlagAlternate // with FlagHardLink: a link to a symbolic link of --link-dest
)

// significant flags are those that make an entry worth a line.
const significant = FlagTransfer | FlagNew | FlagChange | FlagSize | FlagTime | FlagPerms |
	FlagOwner | FlagGroup | FlagAtime | FlagACL | FlagXattr | FlagDeleted

// Significant reports whether anything happens to the entry.
func (f Flags) Significant() bool { return f&significant != 0 }

// Itemize writes the eleven characters of rsync's --itemize-changes (rsync(1)).
// mode holds the type of the entry, times tells that -t is on.
func (f Flags) Itemize(mode uint32, times bool) string {
	if f&FlagDeleted != 0 {
		return "*deleting  "
	}
	b := [11]byte{}
	switch {
	case f&FlagLocalChange != 0 && f&FlagHardLink != 0:
		b[0] = 'h'
	case f&FlagLocalChange != 0:
		b[0] = 'c'
	case f&FlagTransfer != 0:
		b[0] = '>'
	default:
		b[0] = '.'
	}
	switch mode & platform.ModeType {
	case platform.ModeDir:
		b[1] = 'd'
	case platform.ModeSymlink:
		b[1] = 'L'
	case platform.ModeChar, platform.ModeBlock:
		b[1] = 'D'
	case platform.ModeFIFO, platform.ModeSocket:
		b[1] = 'S'
	default:
		b[1] = 'f'
	}
	letter := func(i int, flag Flags, c byte) {
		b[i] = '.'
		if f&flag != 0 {
			b[i] = c
		}
	}
	letter(2, FlagChange, 'c')
	letter(3, FlagSize, 's')
	if b[1] == 'L' {
		b[3] = '.'
	}
	if times {
		letter(4, FlagTime, 't')
	} else {
		letter(4, FlagTime, 'T')
	}
	letter(5, FlagPerms, 'p')
	letter(6, FlagOwner, 'o')
	letter(7, FlagGroup, 'g')
	letter(8, FlagAtime, 'u')
	letter(9, FlagACL, 'a')
	letter(10, FlagXattr, 'x')
	switch {
	case f&FlagNew != 0:
		for i := 2; i < len(b); i++ {
			b[i] = '+'
		}
	case b[0] != '>':
		blank := true
		for _, c := range b[2:] {
			blank = blank && c == '.'
		}
		for i := 2; blank && i < len(b); i++ {
			b[i] = ' '
		}
	}
	return string(b[:])
}
