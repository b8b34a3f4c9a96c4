package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// Run links the name, or copies the file if nobody could before.
func (j *linkJob) Run(ctx context.Context, w *apply.Worker) {
	c := j.c
	if err := c.use(j.n); err != nil {
		c.problem("access", j.n.dstPath(nil), err)
	} else {
		if ctx.Err() == nil {
			c.linkOrCopy(ctx, w, j.g, &j.place, &j.st, j.a)
		}
		c.release(j.n)
	}
	c.noteStop(ctx)
	c.leave(w, j.n)
}

// linkOrCopy makes a name for an inode of which a copy may exist. p.n is in
// use.
func (c *Copy) linkOrCopy(ctx context.Context, w *apply.Worker, g *linkGroup, p *place, st *platform.Stat, a plan.Action) {
	m := &c.links
	m.mu.Lock()
	done, busy, at := g.done, g.busy, g.at
	m.mu.Unlock()
	if a.Reason == plan.NotNewer && (done && c.oneInode(at, p) || !done && !busy) {
		c.stay(w, p, st, a)
		return
	}
	if done {
		err := c.linkFrom(w, at, p, a)
		if err == nil {
			c.r.Counters.Links.Add(1)
			if c.r.Opts.Events {
				c.r.Opts.Report.Done(&apply.Event{Op: apply.OpLink, Src: p.srcPath(), Dst: p.dstPath(), Target: at.dstPath(), Reason: a.Reason.String()})
			}
			return
		}
		var no *noLink
		switch {
		case errors.As(err, &no):
		case c.givesWay(a) && platform.Denied(platform.Cause(err)):
			c.createProblem("", p, platform.Cause(err))
			return
		case a.Reason == plan.Backed && platform.Denied(platform.Cause(err)):
			c.createProblem("", p, backupError(p, platform.Cause(err)))
			return
		default:
			c.fail(err, fmt.Sprintf("cannot create hard link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(at.dstPath()), platform.Message(err)))
			return
		}
		// The inode can take no further name here: this one starts a new
		// group.
		c.lost(p.dstPath, &copier.Lost{Attrs: copier.AttrLinks, Err: err})
		m.mu.Lock()
		if g.at == at {
			g.done = false
		}
		m.mu.Unlock()
	} else if busy {
		c.joinGroup(ctx, w, g, p, st, a)
		return
	}
	if !c.opts.Rules.AsFile(st.Mode) {
		if g, mine := c.links.claim(st, p); mine {
			c.settle(w, g, p, c.makeSpecial(w, p, st, a))
		} else {
			c.joinGroup(ctx, w, g, p, st, a)
		}
		return
	}
	looked := inodeOf(st)
	fd, err := c.openFile(p, st, c.opts.Follow == FollowAlways || p.operand && c.opts.Follow == FollowOperands)
	if err == nil {
		err = c.calls.Fstat(fd, st)
	}
	if err == nil && inodeOf(st) != looked {
		err = errReplaced
	}
	if err != nil {
		if fd != platform.None {
			c.calls.Close(fd)
		}
		c.openProblem(p, err)
		return
	}
	// FoundBytes counted this file already.
	group, mine := c.links.claim(st, p)
	if !mine {
		c.calls.Close(fd)
		c.joinGroup(ctx, w, group, p, st, a)
		return
	}
	c.copyNow(ctx, w, p, fd, st, a, group, true)
}

// linkFrom makes p.dst another name of what stands at the place at.
func (c *Copy) linkFrom(w *apply.Worker, at, p *place, a plan.Action) error {
	if at.n != p.n {
		if err := c.use(at.n); err != nil {
			return err
		}
		defer c.release(at.n)
	}
	if slices.Contains(at.n.collided, at.dst.String()) {
		return &noLink{platform.ErrNotExist}
	}
	link := func(name platform.Name) error {
		err := c.retry(func() error { return c.calls.Linkat(at.n.dfd, at.dst, p.n.dfd, name, false) })
		if platform.TooManyLinks(err) || platform.OtherDevice(err) {
			return &noLink{err}
		}
		return err
	}
	if a.Do == plan.Create {
		return link(p.dst)
	}
	c.tellRemoved(p, a)
	return c.renameOver(w, p, a, link)
}

// noLink says that a name can't be one more of the inode that its group has.
type noLink struct{ error }

// renameOver makes something under a temporary name and renames it over what
// stands at the place, after its backup if one is asked for.
func (c *Copy) renameOver(w *apply.Worker, p *place, a plan.Action, create func(temp platform.Name) error) error {
	var temp platform.Name
	for i := 0; ; i++ {
		temp = copier.TempName(w.Temp[:0], p.n.dstIno)
		err := create(temp)
		if err == nil {
			break
		}
		if !platform.Exists(err) || i >= 100 {
			return err
		}
	}
	var b backup
	err := error(nil)
	if a.Reason == plan.Backed {
		b, err = c.backup(p)
	}
	if err == nil {
		err = c.retry(func() error { return c.calls.Renameat(p.n.dfd, temp, p.n.dfd, p.dst) })
	}
	if b.name != nil {
		c.endBackup(p, b, err == nil)
	}
	// Renaming a name of an inode over another name of it does nothing
	// (rename(2)), so the temporary one may still be there.
	c.retry(func() error { return c.calls.Unlinkat(p.n.dfd, temp) })
	return err
}
