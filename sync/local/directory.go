package local

import (
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// place is an entry at both sides.
type place struct {
	n        *node
	src, dst platform.Name
	open     platform.FD // the source if opened is set, to be closed by who copies it
	opened   bool
	ino      uint64 // of the source as its listing has it, or 0
	operand  bool   // named by the user
	noStage  bool   // of a directory: give it its name at once
	onPath   bool   // of a directory: it leads to an operand (--parents)
}

// looking is what can't be done if there is no telling what an entry is.
func (p *place) looking() string {
	if p.onPath {
		return attributes
	}
	return "stat"
}

func (p *place) srcPath() string { return p.n.srcPath(p.src) }
func (p *place) dstPath() string { return p.n.dstPath(p.dst) }

// enter opens a source directory and creates or opens its destination. It
// returns a node that awaits its listing, or nil after reporting why not.
// p.n is in use.
func (c *Copy) enter(w *apply.Worker, p *place, follow bool) *node {
	n := &node{parent: p.n, src: p.src.Clone(), dst: p.dst.Clone(), sfd: platform.None, dfd: platform.None, followed: follow, isRoot: p.operand}
	if !c.openSource(w, p, n) {
		return nil
	}
	c.stayOn(p, n)
	a := plan.Action{Do: plan.Create}
	switch {
	case c.opts.DryRun && p.n.fresh && p.dst.IsDots():
		a.Do = plan.Enter // it would be there by then
	case !p.n.fresh || p.dst.IsDots():
		var ok bool
		if a, ok = c.decideDir(w, p, n); !ok {
			c.calls.Close(n.sfd)
			return nil
		}
	}
	if !c.openDestination(w, p, n, a) {
		if n.sfd != platform.None {
			c.calls.Close(n.sfd)
		}
		return nil
	}
	c.openNodes.Add(1)
	n.pins = 1
	n.passed = p.onPath && a.Do == plan.Enter
	n.unpublished.Store(1)
	n.unsealed.Store(1)
	p.n.unsealed.Add(1)
	if n.denied != nil {
		c.problem("access", p.srcPath(), n.denied)
	}
	if n.sfd != platform.None && !n.searchOnly {
		n.xattrs = w.Copy.ReadXattrs(n.sfd, &n.lost)
	}
	if a.Do == plan.Create && c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpMkdir, Src: n.srcPath(nil), Dst: n.dstPath(nil), Reason: a.Reason.String()})
	}
	return n
}

// openSource fills in the source half of n.
func (c *Copy) openSource(w *apply.Worker, p *place, n *node) bool {
	flags := openDirFlags
	if !n.followed {
		flags |= platform.NoFollow
	}
	fd, err := c.open(p.n.sfd, p.src, flags)
	if err == nil {
		n.sfd = fd
		err = c.calls.Fstat(fd, &n.srcStat)
	} else if platform.Denied(err) {
		// What can be kept of a directory that can't be read is kept.
		n.unread, n.denied = true, err
		if err = c.calls.Statat(p.n.sfd, p.src, &n.srcStat, n.followed); err != nil {
			c.problem(p.looking(), p.srcPath(), err)
			return false
		}
		if p.onPath {
			// Only what was named in it is wanted.
			n.sfd, err = c.open(p.n.sfd, p.src, platform.PathOnly|platform.Directory)
			n.unread, n.denied, n.searchOnly = false, nil, true
		}
		if !n.followed {
			n.xattrs = w.Copy.ReadEntryXattrs(copier.Entry{Dir: p.n.sfd, Name: p.src}, &n.lost)
		}
	}
	if err == nil && (p.n.isBase() || n.srcStat.Dev != p.n.srcStat.Dev) && n.sfd != platform.None {
		c.meet(n.sfd)
	}
	if err == nil && !n.srcStat.IsDir() {
		err = errReplaced
	}
	into, is := "", false
	if platform.NotExist(err) {
		into, is = c.wasRoot(p)
	}
	if err == nil || is {
		if !is {
			into, is = c.isRoot(&n.srcStat)
		}
		if is {
			c.intoItself(p, &n.srcStat, into)
			if n.sfd != platform.None {
				c.calls.Close(n.sfd)
			}
			return false
		}
		if p.onPath || !c.cyclic(n) {
			return true
		}
		c.fail(errCycle, fmt.Sprintf("cannot copy cyclic symbolic link %s", apply.Quote(p.srcPath())))
		if n.sfd != platform.None {
			c.calls.Close(n.sfd)
		}
		return false
	}
	action := "access"
	if p.onPath {
		action = attributes
	}
	c.problem(action, p.srcPath(), err)
	if n.sfd != platform.None {
		c.calls.Close(n.sfd)
	}
	return false
}

// stayOn leaves a mount point as an empty directory with --one-file-system.
func (c *Copy) stayOn(p *place, n *node) {
	n.rootDev = p.n.rootDev
	if p.operand || p.n.isBase() {
		n.rootDev = n.srcStat.Dev
	}
	if c.opts.OneFileSystem && n.srcStat.Dev != n.rootDev && n.sfd != platform.None {
		c.calls.Close(n.sfd)
		n.sfd, n.unread = platform.None, true
	}
}

// intoItself reports, once for an operand as cp does, that its copy is in it;
// into is what the copy is called if the place, whose state is st, is the operand
// itself; if it is also the copy's, cp has another word for it.
func (c *Copy) intoItself(p *place, st *platform.Stat, into string) {
	src := p.srcPath()
	if n := p.n; n.isBase() {
		var dst platform.Stat
		if c.calls.Statat(n.dfd, p.dst, &dst, false) == nil && dst.SameInode(st) {
			c.refuse(p, plan.Action{Do: plan.Refuse, Reason: plan.SameFile})
			return
		}
	} else {
		for !n.isRoot && !n.parent.isBase() {
			n = n.parent
		}
		if !c.firstInto(n) {
			return
		}
		src, into = n.srcPath(nil), n.dstPath(nil)
	}
	c.fail(errIntoItself, fmt.Sprintf("cannot copy a directory, %s, into itself, %s", apply.Quote(src), apply.Quote(into)))
}

// cyclic reports whether a directory contains itself, which links that are
// followed and bind mounts can bring about.
func (c *Copy) cyclic(n *node) bool {
	if !n.followed && (n.parent.isBase() || n.srcStat.Dev == n.parent.srcStat.Dev) {
		return false
	}
	for a := n.parent; !a.isBase(); a = a.parent {
		if a.srcStat.SameInode(&n.srcStat) {
			return true
		}
	}
	return false
}

// decideDir looks at what stands where the directory is to be.
func (c *Copy) decideDir(w *apply.Worker, p *place, n *node) (plan.Action, bool) {
	pair := plan.Pair{Src: &n.srcStat}
	var target platform.Stat
	switch err := c.calls.Statat(p.n.dfd, p.dst, &w.Dst, false); {
	case err == nil:
		pair.Dst = &w.Dst
		if w.Dst.IsSymlink() && c.calls.Statat(p.n.dfd, p.dst, &target, true) == nil {
			pair.Target = &target
		}
	case !platform.NotExist(err):
		c.problem("stat", p.dstPath(), err)
		return plan.Action{}, false
	}
	if p.onPath {
		return c.decideOnPath(p, &pair)
	}
	a := c.opts.Rules.Copy(&pair)
	switch a.Do {
	case plan.Refuse:
		c.refuse(p, a)
		return a, false
	case plan.Skip:
		c.skip(p, &n.srcStat, a)
		return a, false
	}
	if p.operand && c.opts.AtomicTree && a.Do == plan.Enter {
		if p.dst.IsDots() {
			c.fail(errRefused, fmt.Sprintf("cannot replace %s as a whole: it is the target directory itself", apply.Quote(p.dstPath())))
			return a, false
		}
		a.Do = plan.Create
	}
	return a, true
}

// decideOnPath is decideDir for what --parents enters or creates: as in cp
// whatever the rules are, and through a link since the user typed the path.
func (c *Copy) decideOnPath(p *place, pair *plan.Pair) (plan.Action, bool) {
	switch {
	case pair.Dst == nil:
		return plan.Action{Do: plan.Create, Reason: plan.New}, true
	case pair.Dst.IsDir(), pair.Target != nil && pair.Target.IsDir():
		return plan.Action{Do: plan.Enter, Reason: plan.Exists}, true
	}
	c.fail(errRefused, apply.Quote(p.dstPath())+" exists but is not a directory")
	return plan.Action{Do: plan.Refuse, Reason: plan.DirOverNonDir}, false
}

// staysStaged reports whether a new tree gets its name only when it is whole.
func (c *Copy) staysStaged() bool {
	return c.opts.AtomicTree || c.put.Fsync == copier.SyncBatch
}

// openDestination fills in the destination half of n.
func (c *Copy) openDestination(w *apply.Worker, p *place, n *node, a plan.Action) bool {
	n.hidden = p.n.hidden
	n.atomic = p.operand && a.Do == plan.Create && c.staysStaged()
	n.noACL = p.n.noACL
	n.fresh = a.Do == plan.Create
	if c.opts.DryRun && (n.fresh || p.n.fresh) {
		if n.fresh {
			c.r.Counters.Dirs.Add(1)
		}
		n.fresh = true
		return true
	}
	var err error
	if n.fresh {
		err = c.mkdir(w, p, n)
		if err != nil {
			action := "create directory"
			if p.onPath {
				action = "make directory"
			}
			c.problem(action, p.dstPath(), err)
			return false
		}
		c.r.Counters.Dirs.Add(1)
		return true
	}
	n.dfd, err = c.open(p.n.dfd, p.dst, openDirFlags|platform.NoFollow)
	if platform.Denied(err) {
		// Names can be created in a directory that can't be listed.
		n.dfd, err = c.open(p.n.dfd, p.dst, platform.PathOnly|platform.Directory|platform.NoFollow)
		n.pathOnly = err == nil
	}
	if platform.Loop(err) || platform.NotDir(err) {
		n.dfd, err = c.openThrough(p)
		n.through = true
	}
	var st platform.Stat
	if err == nil {
		err = c.calls.Fstat(n.dfd, &st)
	}
	if err != nil {
		c.problem("access", p.dstPath(), err)
		if n.dfd != platform.None {
			c.calls.Close(n.dfd)
		}
		return false
	}
	n.dstIno, n.dstDev = st.Ino, st.Dev
	if n.dstDev != p.n.dstDev {
		c.meet(n.dfd)
	}
	n.noACL = !w.Copy.HasDefaultACL(n.dfd)
	if !c.opts.DryRun {
		c.sweep(n.dfd, n.dstIno, true)
	}
	return true
}

// mkdir creates the directory of n, under a temporary name if its place can be
// seen, and opens it. It can be entered by its owner only as long as it is
// worked in, except where cp too lets the umask decide.
func (c *Copy) mkdir(w *apply.Worker, p *place, n *node) error {
	pr := &c.put.Preserve
	want := n.srcStat.Mode & platform.ModeBits
	// cp holds back what others may write until the end, and then gives only
	// what the umask allows: so too where a default ACL overrides the umask.
	held := want & 0o022
	if pr.Mode || pr.Owner {
		held = want & 0o077
	}
	mode := want &^ held
	staged := !n.hidden && !p.noStage && (platform.MovesBusyDirectories || n.atomic)
	n.hidden = n.hidden || n.atomic
	var st platform.Stat
	name, err := c.mkdirOpen(w, p, n, staged, mode, &st)
	for i := 0; staged && (platform.NotExist(err) || platform.WouldBlock(err)) && i < 3; i++ {
		// A run that sweeps was there between the creation and the lock.
		name, err = c.mkdirOpen(w, p, n, staged, mode, &st)
	}
	if err != nil {
		return err
	}
	n.dstIno, n.dstDev, n.created = st.Ino, st.Dev, true
	n.mode = st.Mode&platform.ModeBits | held&^c.opts.Umask
	if pr.NoMode {
		n.mode = n.mode&^platform.ModePerm | platform.ModePerm&^c.opts.Umask
	}
	if staged {
		n.temp = name.Clone()
	}
	return nil
}

// mkdirOpen creates a directory, opens it as n.dfd and locks it if it has a
// temporary name: held as long as this process lives, it tells other runs to
// leave it alone. On an error nothing is left.
func (c *Copy) mkdirOpen(w *apply.Worker, p *place, n *node, staged bool, mode uint32, st *platform.Stat) (platform.Name, error) {
	name := p.dst
	for i := 0; ; i++ {
		if staged {
			name = copier.TempName(w.Temp[:0], p.n.dstIno)
		}
		err := c.calls.Mkdirat(p.n.dfd, name, mode)
		if platform.Interrupted(err) && i < maxRepeats || staged && platform.Exists(err) && i < 100 {
			continue
		}
		if err != nil {
			return nil, err
		}
		break
	}
	fd, err := platform.None, c.calls.Statat(p.n.dfd, name, st, false)
	if err == nil && st.Mode&0o700 != 0o700 {
		// The source's mode, the umask or a default ACL keeps its owner out.
		err = c.calls.Fchmodat(p.n.dfd, name, st.Mode&platform.ModeBits|0o700)
	}
	if err == nil {
		fd, err = c.open(p.n.dfd, name, openDirFlags|platform.NoFollow)
		n.dfd = fd
	}
	if err == nil && staged {
		if e := c.calls.Flock(fd, true); e != nil && !platform.Unsupported(e) && !platform.Interrupted(e) {
			err = e
		}
	}
	if err == nil && c.put.Preserve.Mode && !p.n.noACL {
		err = w.Copy.DropDefaultACL(fd)
		n.noACL = err == nil
	}
	if err != nil {
		if n.dfd != platform.None {
			c.calls.Close(n.dfd)
			n.dfd = platform.None
		}
		c.calls.Rmdirat(p.n.dfd, name)
		return nil, err
	}
	return name, nil
}
