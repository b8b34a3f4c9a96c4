package local

import (
	"errors"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

var (
	errIntoItself = errors.New("directory into itself")
	errCycle      = errors.New("directory cycle")
)

// publish gives a new directory its final name, now that its own small files
// are whole. Nothing of the caller is in use.
func (c *Copy) publish(n *node) {
	if n.temp != nil && !n.atomic {
		c.rename(n)
	}
}

// rename moves a directory from its temporary to its final name. Nothing is in
// use by the caller.
func (c *Copy) rename(n *node) {
	err := errBusy
	for err == errBusy {
		if err = c.use(n.parent); err != nil {
			break
		}
		err = c.moveToName(n)
		if platform.Exists(err) {
			err = c.merge(n)
		}
		c.release(n.parent)
		if err == errBusy {
			time.Sleep(mergePause)
		}
	}
	if err != nil {
		c.problem("create directory", n.dstPath(nil), err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.unpublishable = true
	} else {
		n.temp = nil
	}
}

// errBusy says that a directory can't be merged just now because somebody
// works in it. Waiting for the lock while the parent is held could wait for
// somebody who waits for the parent, so it is tried again.
var errBusy = errors.New("directory in use")

const mergePause = 2 * time.Millisecond

// moveToName renames a directory if its name is free. n.mu is held meanwhile:
// who comes back to the directory by name must know which one it has.
func (c *Copy) moveToName(n *node) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	dir := n.parent.dfd
	err := copier.RenameNew(c.calls, dir, n.temp, dir, n.dst)
	if err == nil {
		n.temp = nil
	}
	return err
}

func (c *Copy) retry(call func() error) error {
	err := call()
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = call()
	}
	return err
}

// merge moves the entries of a staged directory into one that took its name
// meanwhile, and goes on in that. What collides stays unpublished and is
// reported. n.parent is in use, n is not.
func (c *Copy) merge(n *node) error {
	if !n.move.TryLock() {
		return errBusy
	}
	defer n.move.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	dir := n.parent.dfd
	if n.dfd == platform.None {
		fd, err := c.openSame(dir, n.temp, openDirFlags|platform.NoFollow, inode{n.dstDev, n.dstIno})
		if err != nil {
			return err
		}
		n.dfd = fd
		c.openNodes.Add(1)
	}
	into, err := c.open(dir, n.dst, openDirFlags|platform.NoFollow)
	if err != nil {
		return err
	}
	var st platform.Stat
	if err := c.calls.Fstat(into, &st); err != nil {
		c.calls.Close(into)
		return err
	}
	err = c.eachName(n.dfd, func(name platform.Name, _ uint32) {
		err := copier.RenameNew(c.calls, n.dfd, name, into, name)
		if platform.Exists(err) && c.opts.Rules.ReplacesUnasked() {
			// What came in between would have been replaced had it been there.
			err = c.retry(func() error { return c.calls.Renameat(n.dfd, name, into, name) })
		}
		if err != nil {
			c.problem("create regular file", n.dstPath(name), err)
			c.remove(n.dfd, name)
			n.collided = append(n.collided, name.String())
		}
	})
	if err == nil {
		err = c.calls.Rmdirat(dir, n.temp)
	}
	if err != nil {
		c.calls.Close(into)
		return err
	}
	c.calls.Close(n.dfd)
	n.dfd, n.dstIno, n.dstDev = into, st.Ino, st.Dev
	n.fresh, n.created = false, false
	n.noACL = !c.r.Opts.Copier.NewWorker().HasDefaultACL(into)
	return nil
}

// seal gives a directory its attributes once nothing is created in it any
// more, and closes it.
func (c *Copy) seal(w *apply.Worker, n *node) {
	if !c.opts.DryRun {
		c.sealOpen(w, n)
		c.publishTree(n)
		if n.unpublishable && c.use(n.parent) == nil {
			c.remove(n.parent.dfd, n.temp)
			c.release(n.parent)
		}
	}
	n.mu.Lock()
	n.sealed = true
	if n.users == 0 {
		c.closeNode(n)
	}
	n.mu.Unlock()
	if n.onDone != nil {
		n.onDone()
	}
}

// dropOldACL removes the default ACL that a directory had before. Its source's
// comes with the other attributes.
func (c *Copy) dropOldACL(w *apply.Worker, n *node) (lost copier.Lost) {
	if !c.put.Preserve.Mode || n.noACL {
		return lost
	}
	if err := w.Copy.DropDefaultACL(n.dfd); err != nil {
		lost = copier.Lost{Attrs: copier.AttrACL, Err: &copier.StepError{Step: copier.StepACL, Err: err}, Failed: true}
	}
	return lost
}

func (c *Copy) sealOpen(w *apply.Worker, n *node) {
	if err := c.use(n); err != nil {
		c.problem("access", n.dstPath(nil), err)
		return
	}
	defer c.release(n)
	c.reopenParent(n)
	c.attributes(w, n)
	c.syncDir(n.dfd, func() string { return n.dstPath(nil) })
	if n.atomic && c.put.Fsync == copier.SyncBatch {
		// Everything in the tree reaches the device before it can be seen.
		if err := c.calls.Syncfs(n.dfd); err != nil {
			c.problem("flush", n.dstPath(nil), err)
		}
	}
}

// attributes gives a directory what it is to have of its source. n is in use.
func (c *Copy) attributes(w *apply.Worker, n *node) {
	pr := &c.put.Preserve
	if n.passed {
		return
	}
	if n.pathOnly {
		if c.use(n.parent) == nil {
			dst := copier.Entry{Dir: n.parent.dfd, Name: n.dst}
			var lostACL copier.Lost
			if pr.Mode {
				w.Copy.DropEntryDefaultACL(dst, &lostACL)
			}
			lost := w.Copy.Node(dst, copier.Entry{Dir: n.parent.sfd, Name: n.src}, &n.srcStat, true)
			lost.Merge(&lostACL)
			c.release(n.parent)
			c.lost(func() string { return n.dstPath(nil) }, &lost)
		}
	} else if n.created || pr.Mode || pr.Owner || pr.Times || pr.Xattr {
		var st platform.Stat
		if err := c.calls.Fstat(n.dfd, &st); err != nil {
			c.problem("stat", n.dstPath(nil), err)
		} else {
			var lostACL copier.Lost
			mode, acl := n.mode, !n.parent.noACL
			if !n.created {
				mode, acl = st.Mode&platform.ModeBits, pr.Mode
				lostACL = c.dropOldACL(w, n)
			}
			lost := w.Copy.Directory(n.dfd, &st, &n.srcStat, mode, n.xattrs, acl)
			lost.Merge(&lostACL)
			lost.Merge(&n.lost)
			c.lost(func() string { return n.dstPath(nil) }, &lost)
		}
	}
}
