package local

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// node is a pair of directories on which work goes on.
type node struct {
	parent *node         // nil for a base
	src    platform.Name // in parent; of a root the operand's path
	dst    platform.Name // in parent; the final name
	prefix [2]string     // of a base: the directories its names stand in, as typed
	slash  bool          // of a base: its one destination was typed with a slash at the end

	srcStat  platform.Stat // when it was opened
	dstIno   uint64
	dstDev   uint64
	followed bool // the source was reached through a symbolic link
	through  bool // the destination was reached through a symbolic link
	passed   bool // the whole way to an operand existed, and stays as it is
	isRoot   bool
	rootDev  uint64 // of the operand's directory, for OneFileSystem
	fresh    bool   // created by this run: nothing is there that isn't ours
	hidden   bool   // below an unpublished root: names need no staging
	created  bool   // mkdir was done (not a dry run)
	unread   bool   // its listing could not be opened
	denied   error  // why, until it is told
	// searchOnly: the source is open for the names in it and not for its listing.
	searchOnly bool
	pathOnly   bool // the destination can't be opened for reading: attributes go by name
	noACL      bool // the destination has no default ACL
	xattrs     []copier.Xattr
	lost       copier.Lost
	mode       uint32   // of a directory that was created, unless the source's is kept
	atomic     bool     // --atomic=tree: published when it is sealed
	collided   []string // names that were taken when it was merged: what stands there isn't ours
	sealed     bool     // done with, unless a link is made from it

	temp   platform.Name // the name it has until it is published, nil afterwards
	onDone func()        // of a root

	// unpublished counts what must end before the directory may get its name;
	// unsealed what must end before it gets its attributes.
	unpublished atomic.Int32
	unsealed    atomic.Int32

	// move is held for writing while what dfd stands for is exchanged.
	move sync.RWMutex

	mu            sync.Mutex
	sfd           platform.FD // None when given up or done with
	dfd           platform.FD
	users         int
	unpublishable bool // its name could not be had; it is removed in the end
	pins          int  // of sfd: its position in the listing must not be lost

	names map[string]string // those met so far by what they are without case; see foldedName
}

// base is the node above an operand: the descriptor of the directory that the
// destination's name stands in, which stays open for the whole run.
func newBase(dir platform.FD, st *platform.Stat, dstPrefix string) *node {
	return &node{sfd: platform.CWD, dfd: dir, dstIno: st.Ino, dstDev: st.Dev, prefix: [2]string{"", dstPrefix}, users: 1}
}

func (n *node) isBase() bool { return n.parent == nil }

// use makes sure that both descriptors are open until release.
func (c *Copy) use(n *node) error {
	n.move.RLock()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.users++
	if !n.incomplete() {
		return nil
	}
	if err := c.reopen(n); err != nil {
		n.users--
		n.move.RUnlock()
		return err
	}
	return nil
}

// incomplete reports that a descriptor was given up that the directory has: a
// source that can't be read has none, nor has what a dry run doesn't create.
func (n *node) incomplete() bool {
	return !n.isBase() && (n.sfd == platform.None && !n.unread ||
		n.dfd == platform.None && (n.created || !n.fresh))
}

func (c *Copy) release(n *node) {
	n.mu.Lock()
	n.users--
	if !c.shed(n) && n.users == 0 && n.sealed {
		c.linger(n)
	}
	n.mu.Unlock()
	n.move.RUnlock()
}

// shed closes a directory that nobody uses if too many are open. Whoever
// takes away the last reason to keep one open calls it. n.mu is held.
func (c *Copy) shed(n *node) bool {
	if n.users > 0 || n.pins > 0 || n.isBase() || n.isRoot || c.openNodes.Load() <= c.maxNodes {
		return false
	}
	c.closeNode(n)
	return true
}

// closeNode gives up the descriptors. n.mu is held.
func (c *Copy) closeNode(n *node) {
	if n.sfd == platform.None && n.dfd == platform.None {
		return
	}
	if n.sfd != platform.None {
		c.calls.Close(n.sfd)
		n.sfd = platform.None
	}
	if n.dfd != platform.None {
		c.calls.Close(n.dfd)
		n.dfd = platform.None
	}
	c.openNodes.Add(-1)
}

const openDirFlags = platform.ReadOnly | platform.Directory | platform.NonBlock

// reopen opens again what was given up, by name from the parent, and checks
// that it is the same directory. n.mu is held; parents are locked in order
// from child to parent only.
func (c *Copy) reopen(n *node) error {
	p := n.parent
	if err := c.use(p); err != nil {
		return err
	}
	defer c.release(p)
	sfd := platform.None
	if n.sfd == platform.None && !n.unread {
		flags := openDirFlags
		if n.searchOnly {
			flags = platform.PathOnly | platform.Directory
		}
		if !n.followed {
			flags |= platform.NoFollow
		}
		var err error
		if sfd, err = c.openSame(p.sfd, n.src, flags, inodeOf(&n.srcStat)); err != nil {
			return err
		}
	}
	if n.dfd == platform.None && (n.created || !n.fresh) {
		name := n.dst
		if n.temp != nil {
			name = n.temp
		}
		flags := openDirFlags
		if n.pathOnly {
			flags = platform.PathOnly | platform.Directory
		}
		if !n.through {
			flags |= platform.NoFollow
		}
		fd, err := c.openSame(p.dfd, name, flags, inode{n.dstDev, n.dstIno})
		if err != nil {
			if sfd != platform.None {
				c.calls.Close(sfd)
			}
			return err
		}
		n.dfd = fd
	}
	if sfd != platform.None {
		n.sfd = sfd
	}
	c.openNodes.Add(1)
	return nil
}

// linger keeps a directory open that was sealed and then needed again, as the
// place that hard links are made from: the next link probably needs it too.
func (c *Copy) linger(n *node) {
	c.mu.Lock()
	c.lingering = append(c.lingering, n)
	c.mu.Unlock()
	n.sealed = false
}

// Close makes durable what is left to be, and closes what a run still holds,
// after its jobs are done.
func (c *Copy) Close() {
	for _, b := range c.bases {
		c.syncBase(b)
	}
	for _, n := range c.lingering {
		c.closeNode(n)
	}
	for _, b := range c.bases {
		c.calls.Close(b.dfd)
	}
}

// reopenParent comes back to a given-up parent from its child, which costs the
// same at any depth.
func (c *Copy) reopenParent(n *node) {
	p := n.parent
	if p.isBase() || n.followed || n.dfd == platform.None || n.sfd == platform.None {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dfd != platform.None || p.sfd != platform.None || p.unread {
		return
	}
	sfd, err := c.openSame(n.sfd, dotdot, openDirFlags, inodeOf(&p.srcStat))
	if err != nil {
		return
	}
	dfd, err := c.openSame(n.dfd, dotdot, openDirFlags, inode{p.dstDev, p.dstIno})
	if err != nil {
		c.calls.Close(sfd)
		return
	}
	p.sfd, p.dfd = sfd, dfd
	c.openNodes.Add(1)
}

// openSame opens a directory that must be the inode given.
func (c *Copy) openSame(dir platform.FD, name platform.Name, flags int, want inode) (platform.FD, error) {
	fd, err := c.open(dir, name, flags)
	if err != nil {
		return platform.None, err
	}
	var st platform.Stat
	if err = c.calls.Fstat(fd, &st); err == nil && inodeOf(&st) != want {
		err = errReplaced
	}
	if err != nil {
		c.calls.Close(fd)
		return platform.None, err
	}
	return fd, nil
}

// open is Openat without interruptions.
func (c *Copy) open(dir platform.FD, name platform.Name, flags int) (platform.FD, error) {
	for i := 0; ; i++ {
		fd, err := c.calls.Openat(dir, name, flags, 0)
		if !platform.Interrupted(err) || i >= maxRepeats {
			return fd, err
		}
	}
}

const maxRepeats = 1000

var (
	dot    = platform.MustName(".")
	dotdot = platform.MustName("..")
)

// srcPath and dstPath return what the user would call an entry.
func (n *node) srcPath(name platform.Name) string { return n.path(0, name) }
func (n *node) dstPath(name platform.Name) string { return n.path(1, name) }

func (n *node) path(side int, name platform.Name) string {
	var parts []string
	if name != nil {
		parts = append(parts, name.String())
	}
	for ; n.parent != nil; n = n.parent {
		own := n.src
		if side == 1 {
			own = n.dst
		}
		parts = append(parts, own.String())
	}
	if n.slash && side == 1 && len(parts) > 0 {
		parts[len(parts)-1] += "/"
	}
	parts = append(parts, n.prefix[side])
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "/") {
			b.WriteByte('/')
		}
		b.WriteString(parts[i])
	}
	return b.String()
}
