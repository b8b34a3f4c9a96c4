package verify

import (
	"time"

	"github.com/zccp/zccp/copier"
)

// Aspect is a set of what is compared beside names, types, content, targets of
// symbolic links and numbers of devices.
type Aspect uint

// The aspects. ACLs are the attributes system.*; Xattrs are the others but for
// security.evm, which signs the inode number, and trusted.SGI_*, in which xfs
// shows ACLs a second time.
const (
	Mode Aspect = 1 << iota
	Owner
	Group
	Times // of modification
	DirTimes
	Xattrs
	ACLs
	Links
)

// Options are the choices of a comparison. The zero value, with a Report,
// compares every aspect, and content byte by byte.
type Options struct {
	Ignore Aspect
	// Hash compares the digests of contents instead of their bytes and
	// reports them. It proves less and says not where the difference is; it
	// is for a record of what was found the same.
	Hash copier.Hash
	// Quick compares sizes, and times of modification unless these are
	// ignored, and reads no content.
	Quick bool
	// Window is by how much times of modification may differ.
	Window time.Duration
	// Allocation compares the space that regular files take. Differences of
	// up to allocationSlack aren't any.
	Allocation bool
	Report     Reporter
	// NotLocal is called when a file system is met that doesn't answer by
	// itself (platform.IsLocal).
	NotLocal func()
}

// allocationSlack is what file systems differ in by themselves: block sizes,
// blocks of metadata that count as the file's, data kept in inodes.
const allocationSlack = 64 << 10
