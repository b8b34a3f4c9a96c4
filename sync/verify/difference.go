package verify

// Kind says what differs.
type Kind string

// The kinds, and what Difference.Src and Difference.Dst are.
const (
	OnlySrc    Kind = "only_in_src" // nothing
	OnlyDst    Kind = "only_in_dst" // nothing
	Type       Kind = "type"        // TypeName; nothing else of the two is compared
	Size       Kind = "size"        // bytes
	Content    Kind = "content"     // digests in hexadecimal, if one was asked for; else Offset counts
	Target     Kind = "target"      // of symbolic links
	Device     Kind = "device"      // major:minor
	ModeBits   Kind = "mode"        // four octal digits
	User       Kind = "owner"       // number
	GroupID    Kind = "group"       // number
	Mtime      Kind = "mtime"       // seconds since the epoch with nine decimals
	ACL        Kind = "acl"         // entries of the ACL; Attr is its attribute
	Xattr      Kind = "xattr"       // value of the attribute Attr
	HardLinks  Kind = "links"       // first name, in byte order, of the same file in the tree
	Allocation Kind = "allocation"  // bytes that the file takes
)

// Difference is one way in which a name differs.
type Difference struct {
	Kind Kind
	Path string // below the roots; "." is the roots themselves
	Attr string // of ACL and Xattr
	Src  string
	Dst  string
	// NotInSrc and NotInDst: the attribute isn't there on that side, which an
	// empty value doesn't mean.
	NotInSrc, NotInDst bool
	Offset             int64 // of Content: the first byte that differs, counted from 0

	index int // of the name in its directory
}

// Reporter hears what a comparison finds. Its methods are called from many
// goroutines at once and must return soon.
type Reporter interface {
	// Differences gets what was found in one directory, or in a portion of
	// it, sorted by name. Portions of a directory come in order, those of
	// several by turns. The list is valid during the call only.
	Differences(list []Difference)
	// Digest gets the digest of a file that is the same on both sides, if
	// Options.Hash asks for digests.
	Digest(path string, size int64, sum []byte)
}
