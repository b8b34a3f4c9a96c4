package local

import (
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// Follow says which symbolic links at the source are followed.
type Follow uint8

// The policies -P, -H and -L.
const (
	FollowNever Follow = iota
	FollowOperands
	FollowAlways
)

// BackupMode is the version control of backups.
type BackupMode uint8

// The modes of --backup.
const (
	NoBackup BackupMode = iota
	SimpleBackup
	ExistingBackup // numbered if there are numbered ones
	NumberedBackup
)

// Options are the choices of a copy that concern trees.
type Options struct {
	Rules         plan.Rules
	Follow        Follow
	OneFileSystem bool
	Backup        BackupMode
	Suffix        string // of simple backups
	DryRun        bool   // say what would be done, write nothing
	AtomicTree    bool   // publish a tree with one rename
	// POSIXDangling writes through a dangling symbolic link (POSIXLY_CORRECT).
	POSIXDangling bool
	// NotLocal is called when a file system is met that doesn't answer by
	// itself (platform.IsLocal), before anything in it is opened.
	NotLocal func()
	// Umask is the process's file mode creation mask.
	Umask uint32
}

// bigFile is the size from which a file goes to the queue of big files: what
// takes as long as a batch of small ones (some 10 ms).
const bigFile = 16 << 20

// Copy is a run from local sources to a local destination.
type Copy struct {
	calls *platform.Calls
	r     *apply.Runner
	opts  Options
	put   *copier.Options

	links     linkMap
	cut       atomic.Bool // the run was stopped before everything was done
	writing   writeLock
	openNodes atomic.Int64
	maxNodes  int64
	maxAhead  int // files opened ahead of their turn, per worker

	mu        sync.Mutex
	roots     map[inode]string // destination roots; the paths to name them by
	rootsIn   map[inode]string // the same by the directories they stand in
	intoSelf  map[*node]bool   // operands whose copy was met in them
	lingering []*node
	bases     []*node
	created   map[creation]struct{} // what this run made of operands, if there are several
	swept     map[inode]struct{}    // directories behind symbolic links
	several   bool
	inOrder   bool // an operand is not begun before the one before it has ended

	folds bool // the destination may tell names apart by case or not
}

type inode struct{ dev, ino uint64 }

// creation is an inode that this run made and a path of it, which is also
// noted without.
type creation struct {
	inode
	path string
}

func inodeOf(st *platform.Stat) inode { return inode{st.Dev, st.Ino} }

// New returns a Copy whose jobs run on r.
func New(calls *platform.Calls, r *apply.Runner, opts Options) *Copy {
	spare := max(8, platform.DescriptorLimit()-48)
	c := &Copy{
		calls: calls, r: r, opts: opts, put: r.Opts.Copier.Options(),
		roots: map[inode]string{}, rootsIn: map[inode]string{},
		// Half of the descriptors for pairs of directories, but no more than
		// a walk needs to be quick; the rest for files.
		maxNodes: int64(min(256, spare/4)),
		maxAhead: min(maxAhead, spare/4/r.Opts.Jobs),
		folds:    platform.FoldsCase,
	}
	c.links.groups, c.links.open = map[inode]*linkGroup{}, opts.Follow != FollowNever
	return c
}

// meet looks at the file system of an open directory that is the first of its
// device on its side.
func (c *Copy) meet(fd platform.FD) {
	if !platform.IsLocal(fd) {
		c.opts.NotLocal()
	}
}

// meetEntry is meet for an operand that is no directory.
func (c *Copy) meetEntry(p *place) {
	if !c.opts.Rules.Recursive {
		return
	}
	if fd, err := c.open(p.n.sfd, p.src, platform.PathOnly); err == nil {
		c.meet(fd)
		c.calls.Close(fd)
	}
}

// isRoot reports whether a source directory is a destination of this run, and
// under which name.
func (c *Copy) isRoot(st *platform.Stat) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.roots[inodeOf(st)]
	return p, ok
}

// wasRoot reports whether a source name that has vanished was the temporary
// name of a destination, which has got its final one since it was listed.
func (c *Copy) wasRoot(p *place) (string, bool) {
	if !copier.IsTemp(p.src.Bytes(), p.n.srcStat.Ino) {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	path, ok := c.rootsIn[inodeOf(&p.n.srcStat)]
	return path, ok
}

// firstInto reports whether the copy of an operand is met in it for the first
// time.
func (c *Copy) firstInto(root *node) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	met := c.intoSelf[root]
	if c.intoSelf == nil {
		c.intoSelf = map[*node]bool{}
	}
	c.intoSelf[root] = true
	return !met
}

func (c *Copy) addRoot(root, in inode, path string) {
	c.mu.Lock()
	c.roots[root] = path
	c.rootsIn[in] = path
	c.mu.Unlock()
}

// remember notes what stands at the name of an operand now, so that a later one
// does not overwrite it. Of other places and for want of later ones it does
// nothing.
func (c *Copy) remember(p *place) {
	var st platform.Stat
	if !c.several || !p.operand || c.calls.Statat(p.n.dfd, p.dst, &st, false) != nil {
		return
	}
	c.mu.Lock()
	if c.created == nil {
		c.created = map[creation]struct{}{}
	}
	c.created[creation{inodeOf(&st), ""}] = struct{}{}
	c.created[creation{inodeOf(&st), p.dstPath()}] = struct{}{}
	c.mu.Unlock()
}

// justCreated reports whether what stands at an operand's name was made there
// by this run. Another name of it is no matter, unless it is the same one
// spelt otherwise, for which a directory that folds case takes it.
func (c *Copy) justCreated(p *place, st *platform.Stat) bool {
	made := creation{inode: inodeOf(st)}
	if st.Nlink > 1 {
		made.path = p.dstPath()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.created[made]
	return ok
}
