package local

import (
	"errors"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// special copies what is neither directory nor read as a file: symbolic links,
// FIFOs, sockets and devices are made anew. Hard links among them are kept.
func (c *Copy) special(w *apply.Worker, p *place, st *platform.Stat, a plan.Action) {
	op, counter, noun := apply.OpSpecial, &c.r.Counters.Specials, "special file"
	var create func(platform.Name) error
	ev := apply.Event{Reason: a.Reason.String()}
	switch st.Type() {
	case platform.ModeSymlink:
		op, counter, noun = apply.OpSymlink, &c.r.Counters.Symlinks, "symbolic link"
		target, err := c.readLink(w, p, st)
		if err != nil {
			c.fail(err, fmt.Sprintf("cannot read symbolic link %s: %s", apply.Quote(p.srcPath()), platform.Message(err)))
			return
		}
		ev.Target = target.String()
		create = func(name platform.Name) error { return c.calls.Symlinkat(target, p.n.dfd, name) }
	case platform.ModeFIFO, platform.ModeSocket, platform.ModeChar, platform.ModeBlock:
		if st.Type() == platform.ModeFIFO {
			noun = "fifo"
		}
		mode := c.nodeMode(st)
		create = func(name platform.Name) error { return c.calls.Mknodat(p.n.dfd, name, mode, st.Rdev) }
	default:
		c.fail(errRefused, fmt.Sprintf("%s has unknown file type", apply.Quote(p.srcPath())))
		return
	}
	if c.opts.Rules.PreserveLinks && st.Nlink > 1 {
		if done := c.linkSpecial(w, p, st, a); done {
			return
		}
	}
	err := c.make(w, p, a, create, func(name platform.Name) {
		lost := w.Copy.Node(copier.Entry{Dir: p.n.dfd, Name: name}, copier.Entry{Dir: p.n.sfd, Name: p.src}, st)
		c.lost(p.dstPath, &lost)
	})
	if err != nil {
		c.problem("create "+noun, p.dstPath(), err)
		return
	}
	counter.Add(1)
	if c.several {
		c.rememberName(p)
	}
	if c.r.Opts.Events {
		ev.Op, ev.Src, ev.Dst = op, p.srcPath(), p.dstPath()
		c.r.Opts.Report.Done(&ev)
	}
}

// nodeMode is the mode that a new FIFO or device is created with.
func (c *Copy) nodeMode(st *platform.Stat) uint32 {
	pr := &c.put.Preserve
	mode := st.Mode & platform.ModePerm
	switch {
	case pr.NoMode:
		mode = 0o666
	case pr.Mode || pr.Owner:
		mode &= 0o700
	}
	return st.Type() | mode
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
	if a.Reason == plan.Removed && c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpRemove, Dst: p.dstPath()})
	}
	return c.renameOver(w, p, a, func(temp platform.Name) error {
		if err := c.retry(func() error { return create(temp) }); err != nil {
			return err
		}
		finish(temp)
		return nil
	})
}

// linkSpecial keeps hard links between entries that have no content: the
// first one is made by the caller, further ones are linked to it. Making one
// takes so short that nobody waits for another.
func (c *Copy) linkSpecial(w *apply.Worker, p *place, st *platform.Stat, a plan.Action) bool {
	m := &c.links
	g, mine := m.claim(st, p)
	m.met(st, g)
	m.mu.Lock()
	at, done := g.at, g.done
	if mine {
		g.busy, g.done = false, true
	}
	m.mu.Unlock()
	if mine || !done {
		return false
	}
	err := c.linkFrom(w, at, p, a)
	if platform.NotExist(err) || platform.TooManyLinks(err) || platform.NotPermitted(err) || platform.OtherDevice(err) {
		return false
	}
	if err != nil {
		c.fail(err, fmt.Sprintf("cannot create hard link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(at.dstPath()), platform.Message(err)))
		return true
	}
	c.r.Counters.Links.Add(1)
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpLink, Src: p.srcPath(), Dst: p.dstPath(), Target: at.dstPath(), Reason: a.Reason.String()})
	}
	return true
}

// readLink returns the target of a symbolic link, ended by NUL. A target that
// fills the buffer may have been cut.
func (c *Copy) readLink(w *apply.Worker, p *place, st *platform.Stat) (platform.Name, error) {
	for {
		n, err := c.calls.Readlinkat(p.n.sfd, p.src, w.Link)
		if platform.Interrupted(err) {
			continue
		}
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
		c.fail(errRelative, fmt.Sprintf("%s: can make relative symbolic links only in current directory", apply.Quote(p.dstPath())))
		return
	}
	target, err := platform.MakeName(path)
	if err == nil {
		if a.Do != plan.Create && !c.mayRemove(a) {
			err = errExists
		} else {
			err = c.make(w, p, a, func(name platform.Name) error { return c.calls.Symlinkat(target, p.n.dfd, name) }, func(platform.Name) {})
		}
	}
	if err != nil {
		c.fail(err, fmt.Sprintf("cannot create symbolic link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(path), platform.Message(err)))
		return
	}
	c.r.Counters.Symlinks.Add(1)
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpSymlink, Src: path, Dst: p.dstPath(), Target: path, Reason: a.Reason.String()})
	}
}

var errExists = platform.ErrExist

// mayRemove reports whether -l and -s may replace what exists.
func (c *Copy) mayRemove(a plan.Action) bool {
	r := &c.opts.Rules
	return r.Force || r.RemoveDestination || r.Ask || a.Reason == plan.Backed
}

// hardLink is -l.
func (c *Copy) hardLink(w *apply.Worker, p *place, a plan.Action, follow bool) {
	err := error(errExists)
	if a.Do == plan.Create || c.mayRemove(a) {
		err = c.make(w, p, a, func(name platform.Name) error {
			return c.calls.Linkat(p.n.sfd, p.src, p.n.dfd, name, follow)
		}, func(platform.Name) {})
	}
	if err != nil {
		c.fail(err, fmt.Sprintf("cannot create hard link %s to %s: %s", apply.Quote(p.dstPath()), apply.Quote(p.srcPath()), platform.Message(err)))
		return
	}
	c.r.Counters.Links.Add(1)
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
