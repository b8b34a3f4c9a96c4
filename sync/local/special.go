package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// special copies what is neither directory nor read as a file: symbolic links,
// FIFOs, sockets and devices are made anew. Hard links among them are kept.
func (c *Copy) special(ctx context.Context, w *apply.Worker, p *place, st *platform.Stat, a plan.Action) {
	var group *linkGroup
	if c.keepsLinks(p, st) {
		var mine bool
		group, mine = c.links.claim(st, p)
		c.links.met(st, group)
		if !mine {
			c.joinGroup(ctx, w, group, p, st, a)
			return
		}
	}
	c.settle(w, group, p, c.makeSpecial(w, p, st, a))
}

// makeSpecial makes a special file and reports whether it could.
func (c *Copy) makeSpecial(w *apply.Worker, p *place, st *platform.Stat, a plan.Action) bool {
	op, counter, noun := apply.OpSpecial, &c.r.Counters.Specials, noun(st)
	var create func(platform.Name) error
	var held uint32
	ev := apply.Event{Reason: a.Reason.String()}
	switch st.Type() {
	case platform.ModeSymlink:
		op, counter = apply.OpSymlink, &c.r.Counters.Symlinks
		target, err := c.readLink(w, p, st)
		if err != nil {
			c.fail(err, fmt.Sprintf("cannot read symbolic link %s: %s", apply.Quote(p.srcPath()), platform.Message(err)))
			return false
		}
		ev.Target = target.String()
		create = func(name platform.Name) error { return c.calls.Symlinkat(target, p.n.dfd, name) }
	case platform.ModeFIFO, platform.ModeSocket, platform.ModeChar, platform.ModeBlock:
		var mode uint32
		mode, held = c.nodeMode(st)
		create = func(name platform.Name) error { return c.calls.Mknodat(p.n.dfd, name, mode, st.Rdev) }
	default:
		c.fail(errRefused, fmt.Sprintf("%s has unknown file type", apply.Quote(p.srcPath())))
		return false
	}
	err := c.make(w, p, a, create, func(name platform.Name) {
		lost := w.Copy.Node(copier.Entry{Dir: p.n.dfd, Name: name}, copier.Entry{Dir: p.n.sfd, Name: p.src}, st, !p.n.noACL)
		if err := c.giveMode(p.n.dfd, name, st, held, lost.Attrs&copier.AttrOwner == 0); err != nil {
			lost.Merge(&copier.Lost{Attrs: copier.AttrMode, Err: err, Failed: true})
		}
		c.lost(p.dstPath, &lost)
	})
	if err != nil {
		if platform.Denied(platform.Cause(err)) {
			switch {
			case c.givesWay(a):
				noun = ""
			case a.Reason == plan.Backed:
				err = backupError(p, platform.Cause(err))
			}
		}
		c.createProblem(noun, p, err)
		return false
	}
	counter.Add(1)
	c.remember(p)
	if c.r.Opts.Events {
		ev.Op, ev.Src, ev.Dst = op, p.srcPath(), p.dstPath()
		c.r.Opts.Report.Done(&ev)
	}
	return true
}

// noun is what cp calls a special file.
func noun(st *platform.Stat) string {
	switch st.Type() {
	case platform.ModeSymlink:
		return "symbolic link"
	case platform.ModeFIFO:
		return "fifo"
	}
	return "special file"
}

// nodeMode is the mode that a new FIFO or device is created with, and what of
// it is held back until it has its owner.
func (c *Copy) nodeMode(st *platform.Stat) (mode, held uint32) {
	pr := &c.put.Preserve
	mode = st.Mode & platform.ModeBits
	if pr.Mode || pr.Owner {
		held = mode & 0o077
	}
	return st.Type() | mode&^held, held
}

// giveMode sets the mode of a new special file where the source's isn't kept.
// owned tells that it has the owner that it is to have.
func (c *Copy) giveMode(dir platform.FD, name platform.Name, st *platform.Stat, held uint32, owned bool) error {
	pr := &c.put.Preserve
	if pr.Mode || st.IsSymlink() || !pr.NoMode && owned && held&^c.opts.Umask == 0 {
		return nil
	}
	var now platform.Stat
	if err := c.calls.Statat(dir, name, &now, false); err != nil {
		return err
	}
	mode := now.Mode&platform.ModeBits | held&^c.opts.Umask
	if pr.NoMode {
		mode = mode&^platform.ModePerm | 0o666&^c.opts.Umask
		if st.Type() == platform.ModeSocket {
			mode |= 0o777 &^ c.opts.Umask
		}
	}
	if !owned {
		mode &^= platform.ModeSetUID | platform.ModeSetGID | platform.ModeSticky
	}
	return c.calls.Fchmodat(dir, name, mode)
}

// givesWay reports whether cp removes what stands at a place before it makes
// the new entry.
func (c *Copy) givesWay(a plan.Action) bool {
	return a.Reason == plan.Removed || a.Reason == plan.HasLinks || a.Reason == plan.NotRegular
}

// createProblem reports an entry that can't be made, or without a noun what
// can't be removed for it.
func (c *Copy) createProblem(noun string, p *place, err error) {
	if noun == "" {
		c.problem("remove", p.dstPath(), err)
		return
	}
	c.problem("create "+noun, p.dstPath(), err)
}

// tellRemoved tells that what stands at a place gives way for the reasons for
// which cp removes it first.
func (c *Copy) tellRemoved(p *place, a plan.Action) {
	if c.givesWay(a) && c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpRemove, Dst: p.dstPath()})
	}
}

// make creates an entry under its name, or aside and over what stands there.
// finish gives it its attributes before it can be seen.
func (c *Copy) make(w *apply.Worker, p *place, a plan.Action, create func(platform.Name) error, finish func(platform.Name)) error {
	if a.Do == plan.Create {
		if err := c.retry(func() error { return create(p.dst) }); err != nil {
			return err
		}
		finish(p.dst)
		return nil
	}
	c.tellRemoved(p, a)
	return c.renameOver(w, p, a, func(temp platform.Name) error {
		if err := c.retry(func() error { return create(temp) }); err != nil {
			return err
		}
		finish(temp)
		return nil
	})
}

// readLink returns the target of a symbolic link, ended by NUL. A target that
// fills the buffer may have been cut.
func (c *Copy) readLink(w *apply.Worker, p *place, st *platform.Stat) (platform.Name, error) {
	for {
		n, err := c.calls.Readlinkat(p.n.sfd, p.src, w.Link)
		if err != nil {
			return nil, err
		}
		if n < 0 || n > len(w.Link) || int64(n) < st.Size && n < len(w.Link)-1 && st.Size < int64(len(w.Link)) {
			return nil, errReplaced
		}
		if n < len(w.Link) {
			w.Link[n] = 0
			return platform.Name(w.Link[:n+1]), nil
		}
		w.Link = make([]byte, 2*len(w.Link))
	}
}

var errRelative = errors.New("relative symbolic links only in the current directory")

// linkTo is -s: a symbolic link to the source as it was named.
func (c *Copy) linkTo(w *apply.Worker, p *place, a plan.Action) {
	path := p.srcPath()
	if path[0] != '/' && !c.inCurrentDir(p) {
		c.fail(errRelative, fmt.Sprintf("%s: can make relative symbolic links only in current directory", apply.QuoteIfNeeded(p.dstPath())))
		return
	}
	target, err := platform.MakeName(path)
	if err == nil {
		err = c.make(w, p, a, func(name platform.Name) error { return c.calls.Symlinkat(target, p.n.dfd, name) }, func(platform.Name) {})
	}
	if err != nil {
		c.fail(err, fmt.Sprintf("cannot create symbolic link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(path), platform.Message(err)))
		return
	}
	c.r.Counters.Symlinks.Add(1)
	c.remember(p)
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpSymlink, Src: path, Dst: p.dstPath(), Target: path, Reason: a.Reason.String()})
	}
}

// hardLink is -l.
func (c *Copy) hardLink(w *apply.Worker, p *place, a plan.Action, follow bool) {
	err := c.make(w, p, a, func(name platform.Name) error {
		return c.calls.Linkat(p.n.sfd, p.src, p.n.dfd, name, follow)
	}, func(platform.Name) {})
	if err != nil {
		c.fail(err, fmt.Sprintf("cannot create hard link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(p.srcPath()), platform.Message(err)))
		return
	}
	c.r.Counters.Links.Add(1)
	c.remember(p)
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpLink, Src: p.srcPath(), Dst: p.dstPath(), Target: p.srcPath(), Reason: a.Reason.String()})
	}
}

// inCurrentDir reports whether a destination's directory is the current one.
func (c *Copy) inCurrentDir(p *place) bool {
	var cwd, dir platform.Stat
	return c.calls.Statat(platform.CWD, dot, &cwd, true) == nil &&
		c.calls.Fstat(p.n.dfd, &dir) == nil && cwd.SameInode(&dir)
}
