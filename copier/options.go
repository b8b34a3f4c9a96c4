package copier

import (
	"context"
	"sync"
	"time"
)

// When is a three-valued choice, as in --reflink=WHEN and --sparse=WHEN.
type When uint8

// The choices. Auto is the zero value.
const (
	Auto When = iota
	Always
	Never
)

// Preserve says which attributes of the source the copy gets. POSIX ACLs go
// with Mode, as in cp.
type Preserve struct {
	Mode  bool
	Owner bool
	Times bool
	Xattr bool
	// NoMode is --no-preserve=mode: not even the source's permission bits are
	// used for new files, only 0666 (directories 0777) less the umask.
	NoMode bool
	// RequireXattr makes attributes that can't be kept a failure instead of
	// something that is counted (--preserve=xattr, not -a).
	RequireXattr bool
	// RequireOwner makes an owner that can't be kept a failure: whoever may
	// change owners expects it (cp does the same when run by root).
	RequireOwner bool
}

// Durability says what is flushed to the device before a file gets its name.
type Durability uint8

// The levels of --fsync. Data: the file before its name is given. Full: also
// every directory that changed. Batch: one syncfs before and after publishing,
// which the runner does; nothing per file.
const (
	NoSync Durability = iota
	SyncData
	SyncFull
	SyncBatch
)

// Hash chooses the digest that Verify compares.
type Hash uint8

// XXH3 finds faults of memory, drivers and media; BLAKE3 also resists somebody
// who chose the bytes.
const (
	NoHash Hash = iota
	XXH3
	BLAKE3
)

// Options are the choices of a run. The zero value copies data with default
// attributes and verifies nothing.
type Options struct {
	// Methods are the only ones that may be used, in order of preference; nil
	// leaves the choice to the table. A file that none of them can copy fails.
	Methods  []Method
	Cache    CachePolicy
	Reflink  When
	Sparse   When
	Preserve Preserve
	Verify   Hash
	Fsync    Durability
	Limit    *Limiter // of bytes per second, nil for none
	// PreserveSharing makes new files that share data with each other at the
	// source share them on another file system, too. Copier.Close lets go of
	// the descriptors that are held for that.
	PreserveSharing Sharing
	// AttributesOnly leaves the data alone.
	AttributesOnly bool
	// Context is an SELinux or SMACK label for every new file, or "".
	Context string
}

// CachePolicy says what a copy leaves in the page cache.
type CachePolicy uint8

// The policies. CacheAuto leaves a huge source that was not in memory, and its
// copy, out of it. CacheKeep takes no care. CacheDrop leaves nothing of any
// file, as far as the file systems let it.
const (
	CacheAuto CachePolicy = iota
	CacheKeep
	CacheDrop
)

// Limiter holds transfers to a rate. It is safe for concurrent use.
type Limiter struct {
	perSecond int64

	mu   sync.Mutex
	next time.Time
}

// NewLimiter returns a Limiter of bytes per second, which must be positive.
func NewLimiter(perSecond int64) *Limiter { return &Limiter{perSecond: perSecond} }

// chunk is the largest single call under the limit: a tenth of a second's
// worth, so that the rate is even, but not less than a page.
func (l *Limiter) chunk() int64 {
	return max(l.perSecond/10, 4096)
}

// Wait books n bytes that somebody else moves, and waits until they may be. The
// error is ctx's.
func (l *Limiter) Wait(ctx context.Context, n int64) error { return wait(ctx, l.reserve(n)) }

// leastWait is what is worth sleeping for: shorter debts are carried on to the
// next call, since a timer is late by more than a small file takes.
const leastWait = 10 * time.Millisecond

// reserve books n bytes and returns how long to wait before moving them.
func (l *Limiter) reserve(n int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	wait := l.next.Sub(now)
	l.next = l.next.Add(time.Duration(float64(n) / float64(l.perSecond) * float64(time.Second)))
	if wait < leastWait {
		return 0
	}
	return wait
}
