package local

import (
	"context"
	"errors"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// replace copies a file over something that exists. cp writes into it; here
// the result is the same to whoever looks at name, mode, owner and attributes,
// but it appears at once and whole, except where only writing into the file
// can give that result:
//
//   - --inplace asks for it;
//   - the file has other names, which are to see the new content too;
//   - it is not a regular file;
//   - its directory takes no new names, or its owner or attributes can't be
//     reproduced.
func (c *Copy) replace(ctx context.Context, w *apply.Worker, p *place, put *copier.Put, a plan.Action) error {
	var old platform.Stat
	if a.Do == plan.Replace {
		put.Stage, put.Old = copier.Sibling, &old
		c.tellRemoved(p, a)
		if a.Reason == plan.Backed {
			return c.putBacked(ctx, w, p, put)
		}
		return w.Copy.Put(ctx, put)
	}
	name, dir := p.dst, p.n.dfd
	err := c.calls.Statat(dir, name, &old, false)
	if err == nil && old.IsSymlink() {
		if p.operand && c.leadsToSpecial(p, &old) {
			return c.overwrite(ctx, w, p, put, dir, name, 0)
		}
		if dir, name, err = c.resolve(p); err != nil {
			return &copier.StepError{Step: copier.StepCreate, Err: err}
		}
		defer c.calls.Close(dir)
		var st platform.Stat
		if err := c.calls.Fstat(dir, &st); err != nil {
			return &copier.StepError{Step: copier.StepStat, Err: err}
		}
		c.sweepBehind(dir, inodeOf(&st))
		put.Dir, put.Name, put.DirIno, put.DirDev = dir, name, st.Ino, st.Dev
		put.DefaultACL = w.Copy.HasDefaultACL(dir)
	}
	return c.overwrite(ctx, w, p, put, dir, name, platform.NoFollow)
}

// leadsToSpecial reports that a link leads to a device, pipe or the like, and
// tells its state. Such a link is opened, not resolved: the text of those in
// /proc/self/fd, which /dev/stdout leads to, is no path.
func (c *Copy) leadsToSpecial(p *place, st *platform.Stat) bool {
	return c.calls.Statat(p.n.dfd, p.dst, st, true) == nil && !st.IsRegular()
}

// putBacked replaces a file after its backup is made, which is as late as
// possible.
func (c *Copy) putBacked(ctx context.Context, w *apply.Worker, p *place, put *copier.Put) error {
	var b backup
	put.BeforeCommit = func() (err error) {
		b, err = c.backup(p)
		return err
	}
	err := w.Copy.Put(ctx, put)
	if b.name != nil {
		put.Backup = p.n.dstPath(b.name)
		c.endBackup(p, b, err == nil)
	}
	return err
}

// overwrite is replace for what is written through or replaced atomically.
func (c *Copy) overwrite(ctx context.Context, w *apply.Worker, p *place, put *copier.Put, dir platform.FD, name platform.Name, nofollow int) error {
	var old platform.Stat
	err := c.calls.Statat(dir, name, &old, nofollow == 0)
	if err != nil && !platform.NotExist(err) {
		return &copier.StepError{Step: copier.StepCreate, Err: err}
	}
	if err != nil {
		// A dangling link that is written through, or gone since.
		put.Stage = copier.Unnamed
		return w.Copy.Put(ctx, put)
	}
	flags := platform.WriteOnly | nofollow | platform.NoCTTY
	if old.IsRegular() {
		flags |= platform.NonBlock
	}
	if c.put.Verify != copier.NoHash {
		flags = flags&^platform.WriteOnly | platform.ReadWrite
	}
	put.Old = &old
	put.OldFD, err = c.open(dir, name, flags)
	if err == nil {
		if err = c.calls.Fstat(put.OldFD, &old); err != nil {
			c.calls.Close(put.OldFD)
			return &copier.StepError{Step: copier.StepCreate, Err: err}
		}
	}
	switch {
	case err == nil:
	case platform.Busy(err) && old.IsRegular() && old.Nlink == 1 && !c.opts.Rules.InPlace:
		return c.replaceBusy(ctx, w, put, dir, name, err)
	case c.opts.Rules.Force:
		// Of a link that was followed cp too removes the link, not the target.
		put.Dir, put.DirIno, put.DirDev, put.Name = p.n.dfd, p.n.dstIno, p.n.dstDev, p.dst
		put.DefaultACL = !p.n.noACL
		put.Stage = copier.Sibling
		if c.r.Opts.Events {
			c.r.Opts.Report.Done(&apply.Event{Op: apply.OpRemove, Dst: p.dstPath()})
		}
		if err = w.Copy.Put(ctx, put); cannotReplace(err) {
			return &message{"cannot remove " + apply.Quote(p.dstPath()) + ": " + platform.Message(platform.Cause(err)), err}
		}
		return err
	default:
		return &copier.StepError{Step: copier.StepCreate, Err: err}
	}
	put.Why = c.whyInPlace(&old, put)
	if !old.IsRegular() && !c.put.AttributesOnly {
		return c.streamInto(ctx, w, put)
	}
	if put.Why != "" {
		return c.writeInto(ctx, w, put)
	}
	put.Stage, put.KeepOld = copier.Sibling, true
	err = w.Copy.Put(ctx, put)
	if err == nil || !cannotReplace(err) || !put.Stat.IsRegular() {
		c.calls.Close(put.OldFD)
		return err
	}
	put.KeepOld, put.Result = false, copier.Result{}
	put.Why = "no new file like it can be made: " + platform.Message(platform.Cause(err))
	return c.writeInto(ctx, w, put)
}

// whyInPlace says why an existing file has to be written into, or "".
func (c *Copy) whyInPlace(old *platform.Stat, put *copier.Put) string {
	switch {
	case c.opts.Rules.InPlace:
		return "asked for"
	case c.put.AttributesOnly:
		return "only its attributes change"
	case !old.IsRegular():
		return "not a regular file"
	case old.Nlink > 1:
		return "it has other names"
	case !put.Stat.IsRegular() && platform.EffectiveUID() != 0:
		// A pipe can't be read a second time if its first reader may not give
		// the new file the old one's owner.
		return "its source can be read once only"
	}
	return ""
}

// replaceBusy replaces a program that runs: cp can't write into it, but a new
// file may take its name if it can be given all that the old one has. busy is
// the error of who tried to write.
func (c *Copy) replaceBusy(ctx context.Context, w *apply.Worker, put *copier.Put, dir platform.FD, name platform.Name, busy error) error {
	fd, err := c.open(dir, name, platform.ReadOnly|platform.NoFollow|platform.NoCTTY|platform.NonBlock)
	if err != nil {
		return &copier.StepError{Step: copier.StepCreate, Err: busy}
	}
	defer c.calls.Close(fd)
	if err := c.calls.Fstat(fd, put.Old); err != nil {
		return &copier.StepError{Step: copier.StepStat, Err: err}
	}
	put.Stage, put.KeepOld, put.OldFD = copier.Sibling, true, fd
	return w.Copy.Put(ctx, put)
}

// streamInto writes to a device, pipe or the like and closes it.
func (c *Copy) streamInto(ctx context.Context, w *apply.Worker, put *copier.Put) error {
	put.Stage = copier.InPlace
	err := w.Copy.Stream(ctx, put.OldFD, put.Src, &put.Result)
	if err == nil && c.put.Fsync != copier.NoSync {
		// A pipe or terminal has nothing to flush (fsync(2), EINVAL).
		if e := c.calls.Fsync(put.OldFD); e != nil && !platform.Unsupported(e) {
			err = &copier.StepError{Step: copier.StepSync, Err: e}
		}
	}
	if e := c.calls.Close(put.OldFD); e != nil && err == nil {
		err = &copier.StepError{Step: copier.StepClose, Err: e}
	}
	return err
}

// cannotReplace reports that the new inode could not be made as the old one
// was, or not at all in this directory, which writing in place doesn't need.
func cannotReplace(err error) bool {
	var s *copier.StepError
	if !errors.As(err, &s) {
		return false
	}
	switch s.Step {
	case copier.StepCreate, copier.StepPublish:
		return platform.Denied(s.Err) || platform.Busy(s.Err)
	case copier.StepOwner, copier.StepMode, copier.StepACL, copier.StepXattr:
		return platform.Denied(s.Err) || platform.Unsupported(s.Err)
	}
	return false
}

// maxLinks bounds how many links a name may lead through, as the kernel does.
const maxLinks = 40

// resolve follows the symbolic link at a place to the name that it stands for
// in the end and returns the directory of that, open. Below an operand it
// stays beneath the destination's root: what an old link in a tree points to
// is not what the user named.
func (c *Copy) resolve(p *place) (platform.FD, platform.Name, error) {
	root, rel := p.n, ""
	anywhere := p.operand || p.onPath
	if !anywhere {
		for !root.parent.isBase() {
			rel = root.dst.String() + "/" + rel
			root = root.parent
		}
	}
	name := p.dst.String()
	buf := make([]byte, 4096)
	dir, err := c.openDir(root, rel, anywhere)
	for range maxLinks {
		if err != nil {
			return platform.None, nil, err
		}
		last, err := platform.MakeName(name)
		if err != nil {
			c.calls.Close(dir)
			return platform.None, nil, err
		}
		n, err := c.calls.Readlinkat(dir, last, buf)
		if err != nil {
			if platform.NotLink(err) || platform.NotExist(err) {
				return dir, last, nil
			}
			c.calls.Close(dir)
			return platform.None, nil, err
		}
		target := string(buf[:n])
		parent, base := splitPath(target)
		if parent == "" {
			name = base
			continue
		}
		if rel == "" || parent[0] == '/' {
			rel = parent
		} else {
			rel += "/" + parent
		}
		c.calls.Close(dir)
		name = base
		dir, err = c.openDir(root, rel, anywhere)
		if err != nil {
			return platform.None, nil, err
		}
	}
	c.calls.Close(dir)
	return platform.None, nil, errTooManyLinks
}

var errTooManyLinks = errors.New("too many levels of symbolic links")

// openDir opens a directory for the names in it, beneath root or, for what the
// user named, wherever the path leads.
func (c *Copy) openDir(root *node, rel string, anywhere bool) (platform.FD, error) {
	if rel == "" {
		rel = "."
	}
	if !anywhere && rel[0] == '/' && rel != "." {
		return platform.None, errEscapes
	}
	name, err := platform.MakeName(rel)
	if err != nil {
		return platform.None, err
	}
	if anywhere {
		return c.calls.Openat(root.dfd, name, openDirFlags, 0)
	}
	fd, err := c.calls.OpenBeneath(root.dfd, name, openDirFlags, 0)
	if platform.OtherDevice(err) {
		err = errEscapes
	}
	return fd, err
}

var errEscapes = errors.New("symbolic link leads out of the destination")

// openThrough opens an existing directory through a symbolic link
// (--keep-directory-symlink), or as an operand.
func (c *Copy) openThrough(p *place) (platform.FD, error) {
	dir, name, err := c.resolve(p)
	if err != nil {
		return platform.None, err
	}
	defer c.calls.Close(dir)
	return c.open(dir, name, openDirFlags|platform.NoFollow)
}
