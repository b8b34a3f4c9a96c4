package local

import (
	"context"
	"fmt"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// outcome tells names what an entry turned out to be.
type outcome uint8

const (
	handled outcome = iota
	wasDirectory
)

// entry copies one entry that is not known to be a directory. mode holds the
// type bits that the listing gave, or 0. p.n is in use.
func (c *Copy) entry(ctx context.Context, w *apply.Worker, p *place, mode uint32) outcome {
	follow := c.opts.Follow == FollowAlways || p.operand && c.opts.Follow == FollowOperands
	if mode == platform.ModeRegular && p.n.fresh && c.direct() {
		w.Tally.Found++
		c.newFile(ctx, w, p)
		return handled
	}
	src := &w.Src
	if err := c.calls.Statat(p.n.sfd, p.src, src, follow); err != nil {
		w.Tally.Found++
		c.problem("stat", p.srcPath(), err)
		return handled
	}
	if src.IsDir() {
		return wasDirectory
	}
	w.Tally.Found++
	a, ok := c.decide(w, p, src, follow)
	if ok {
		c.carryOut(ctx, w, p, src, a, follow)
	}
	return handled
}

// direct reports whether a regular file met in a directory that this run
// created is just copied: nothing about it has to be known before it is open.
func (c *Copy) direct() bool {
	r := &c.opts.Rules
	return !r.HardLink && !r.SymbolicLink && !c.opts.DryRun
}

// decide asks the rules, and the user where they say so. It reports false if
// the entry is done with.
func (c *Copy) decide(w *apply.Worker, p *place, src *platform.Stat, follow bool) (plan.Action, bool) {
	pair := plan.Pair{Src: src}
	var target, link, srcTarget platform.Stat
	circular := false
	if !p.n.fresh {
		switch err := c.calls.Statat(p.n.dfd, p.dst, &w.Dst, false); {
		case err == nil:
			pair.Dst = &w.Dst
		case !platform.NotExist(err):
			c.problem("stat", p.dstPath(), err)
			return plan.Action{}, false
		}
	}
	if pair.Dst != nil {
		if pair.Dst.IsSymlink() {
			err := c.calls.Statat(p.n.dfd, p.dst, &target, true)
			circular = platform.Loop(err)
			switch {
			case err == nil:
				pair.Target = &target
			case platform.NotExist(err) || circular && c.opts.Rules.Force:
			case c.opts.Rules.AsFile(src.Mode) && c.opts.Rules.Writes():
				// What can't be looked at may be there all the same.
				c.problem("stat", p.dstPath(), err)
				return plan.Action{}, false
			}
		}
		if follow && c.calls.Statat(p.n.sfd, p.src, &link, false) == nil && link.IsSymlink() {
			pair.SrcLink = &link
		}
		if src.IsSymlink() && !pair.Dst.IsSymlink() && c.calls.Statat(p.n.sfd, p.src, &srcTarget, true) == nil {
			pair.SrcTarget = &srcTarget
		}
		if src.SameInode(pair.Dst) || pair.SrcLink != nil && link.SameInode(pair.Dst) {
			pair.SameName = c.sameName(p)
		}
	}
	rules := c.opts.Rules
	rules.NoDereference = !follow // below an operand -H is -P
	a := rules.Copy(&pair)
	if circular && a.Do == plan.Overwrite {
		// With -f, since it can't be opened.
		a = plan.Action{Do: plan.Replace, Reason: plan.Removed}
	}
	switch a.Do {
	case plan.Refuse:
		if !c.declined(w, p, &pair, a) {
			c.refuse(p, a)
		}
		return a, false
	case plan.Skip:
		if c.stands(p, &pair, a) {
			return a, true
		}
		c.skip(p, src, a)
		return a, false
	}
	if c.several && p.operand && pair.Dst != nil && c.opts.Backup != NumberedBackup && c.justCreated(p, pair.Dst) {
		text := "will not overwrite just-created %[2]s with %[1]s"
		if pair.Dst.IsSymlink() && c.opts.Rules.AsFile(src.Mode) && c.opts.Rules.Writes() {
			text = "will not copy %[1]s through just-created symlink %[2]s"
		}
		c.fail(errJustCreated, fmt.Sprintf(text, apply.Quote(p.srcPath()), apply.Quote(p.dstPath())))
		return a, false
	}
	if c.declined(w, p, &pair, a) {
		return a, false
	}
	if a.Reason == plan.Backed && c.backupIsSource(p, src) {
		c.fail(errRefused, fmt.Sprintf("backing up %s might destroy source;  %s not copied", apply.Quote(p.dstPath()), apply.Quote(p.srcPath())))
		return a, false
	}
	if pair.Dst != nil && pair.Dst.IsSymlink() && a.Do == plan.Overwrite {
		if pair.Target == nil && !c.opts.POSIXDangling {
			c.fail(errDangling, fmt.Sprintf("not writing through dangling symlink %s", apply.Quote(p.dstPath())))
			return a, false
		}
	}
	return a, true
}

// sameName reports whether both sides are one directory entry.
func (c *Copy) sameName(p *place) bool {
	parent, last := splitPath(p.src.String())
	if last != p.dst.String() {
		return false
	}
	if parent == "" {
		parent = "."
	}
	var a, b platform.Stat
	name, err := platform.MakeName(parent)
	if err != nil {
		return false
	}
	dir, err := c.open(p.n.sfd, name, platform.PathOnly|platform.Directory)
	if err != nil {
		return false
	}
	defer c.calls.Close(dir)
	return c.calls.Fstat(dir, &a) == nil && c.calls.Fstat(p.n.dfd, &b) == nil && a.SameInode(&b)
}

// declined asks the user where that is wanted, and skips the entry if the
// answer isn't yes.
func (c *Copy) declined(w *apply.Worker, p *place, pair *plan.Pair, a plan.Action) bool {
	if !a.Ask || c.opts.DryRun || c.confirm(w, p, pair) {
		return false
	}
	c.skip(p, pair.Src, a)
	c.r.Counters.Failed.Add(1) // as in cp since 9.2, without a word
	return true
}

// confirm asks as cp -i does.
func (c *Copy) confirm(w *apply.Worker, p *place, pair *plan.Pair) bool {
	dst := c.opts.Rules.Through(pair)
	q := apply.Quote(p.dstPath())
	if dst.Mode&platform.ModeType != platform.ModeSymlink && c.calls.Accessat(p.n.dfd, p.dst, 2) != nil {
		verb := "replace"
		if c.opts.Rules.Force || c.opts.Rules.RemoveDestination {
			return w.Runner.Ask(fmt.Sprintf("%s %s, overriding mode %04o (%s)? ", verb, q, dst.Mode&platform.ModeBits, modeString(dst.Mode)))
		}
		return w.Runner.Ask(fmt.Sprintf("unwritable %s (mode %04o, %s); try anyway? ", q, dst.Mode&platform.ModeBits, modeString(dst.Mode)))
	}
	return w.Runner.Ask(fmt.Sprintf("overwrite %s? ", q))
}

// modeString writes permissions as ls does.
func modeString(mode uint32) string {
	b := []byte("rwxrwxrwx")
	for i := range b {
		if mode&(0o400>>i) == 0 {
			b[i] = '-'
		}
	}
	for i, s := range [3]struct {
		bit  uint32
		x, o byte
	}{{platform.ModeSetUID, 's', 'S'}, {platform.ModeSetGID, 's', 'S'}, {platform.ModeSticky, 't', 'T'}} {
		if mode&s.bit != 0 {
			at := i*3 + 2
			if b[at] == 'x' {
				b[at] = s.x
			} else {
				b[at] = s.o
			}
		}
	}
	return string(b)
}

// skip tells of an entry that was left alone by rule.
func (c *Copy) skip(p *place, src *platform.Stat, a plan.Action) {
	ctr := &c.r.Counters
	ctr.Skipped.Add(1)
	if src.IsRegular() {
		ctr.SkippedFiles.Add(1)
		ctr.SkippedBytes.Add(src.Size)
	}
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{Op: apply.OpSkip, Src: p.srcPath(), Dst: p.dstPath(), Reason: a.Reason.String()})
	}
}

// refuse reports an entry that may not be copied, in the words of cp.
func (c *Copy) refuse(p *place, a plan.Action) {
	src, dst := apply.Quote(p.srcPath()), apply.Quote(p.dstPath())
	text := ""
	switch a.Reason {
	case plan.NoRecursion:
		text = "-r not specified; omitting directory " + src
	case plan.SameFile:
		text = fmt.Sprintf("%s and %s are the same file", src, dst)
	case plan.DirOverNonDir:
		text = fmt.Sprintf("cannot overwrite non-directory %s with directory %s", dst, src)
	case plan.NonDirOverDir:
		text = fmt.Sprintf("cannot overwrite directory %s with non-directory", dst)
	default:
		text = fmt.Sprintf("not replacing %s", dst)
	}
	c.fail(errRefused, text)
}

// carryOut makes what was decided.
func (c *Copy) carryOut(ctx context.Context, w *apply.Worker, p *place, src *platform.Stat, a plan.Action, follow bool) {
	r := &c.opts.Rules
	switch {
	case a.Do == plan.Skip:
		c.standing(ctx, w, p, src, a)
	case c.opts.DryRun:
		c.pretend(p, src, a)
	case r.SymbolicLink:
		c.linkTo(w, p, a)
	case r.HardLink:
		c.hardLink(w, p, a, follow)
	case r.AsFile(src.Mode):
		c.file(ctx, w, p, src, a, follow)
	default:
		c.special(ctx, w, p, src, a)
	}
}

// pretend tells of what a run that writes would do.
func (c *Copy) pretend(p *place, src *platform.Stat, a plan.Action) {
	ev := apply.Event{Op: apply.OpCopy, Reason: a.Reason.String()}
	ctr := &c.r.Counters
	switch r := &c.opts.Rules; {
	case r.SymbolicLink:
		ev.Op = apply.OpSymlink
		ctr.Symlinks.Add(1)
	case r.HardLink:
		ev.Op = apply.OpLink
		ctr.Links.Add(1)
	case r.PreserveLinks && src.Nlink > 1 && !c.links.firstSeen(src):
		ev.Op = apply.OpLink
		ctr.Links.Add(1)
	case r.AsFile(src.Mode):
		ev.Size = src.Size
		ctr.Files.Add(1)
		ctr.Bytes.Add(src.Size)
	case src.IsSymlink():
		ev.Op = apply.OpSymlink
		ctr.Symlinks.Add(1)
	default:
		ev.Op = apply.OpSpecial
		ctr.Specials.Add(1)
	}
	if c.r.Opts.Events {
		ev.Src, ev.Dst = p.srcPath(), p.dstPath()
		c.r.Opts.Report.Done(&ev)
	}
}
