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

var (
	errJustCreated = errors.New("just created")
	errDangling    = errors.New("dangling symbolic link")
	errRefused     = errors.New("refused by rule")
)

// openFile opens a source. A FIFO or device that took the place of a file
// since the listing must not block or act, so nothing is waited for unless
// special files are to be read as files.
func (c *Copy) openFile(p *place, st *platform.Stat, follow bool) (platform.FD, error) {
	flags := platform.ReadOnly | platform.NoCTTY | platform.NoAtime
	if !follow {
		flags |= platform.NoFollow
	}
	if st == nil || st.IsRegular() {
		flags |= platform.NonBlock
	}
	fd, err := c.open(p.n.sfd, p.src, flags)
	if err != nil && platform.NotPermitted(err) {
		// Only the owner may leave the access time alone (open(2), O_NOATIME).
		fd, err = c.open(p.n.sfd, p.src, flags&^platform.NoAtime)
	}
	return fd, err
}

// newFile copies a regular file into a directory that this run created and
// that nobody can see yet: the one path that is taken for nearly every file of
// a tree, so it makes no call that isn't needed.
func (c *Copy) newFile(ctx context.Context, w *apply.Worker, p *place) {
	src := &w.Src
	if !p.opened && c.joinListed(ctx, w, p) {
		return
	}
	fd, err := p.open, error(nil)
	if !p.opened {
		fd, err = c.openFile(p, nil, c.opts.Follow == FollowAlways)
	}
	if err == nil {
		err = c.calls.Fstat(fd, src)
	}
	switch {
	case err != nil:
		c.openProblem(p, err)
	case !src.IsRegular():
		c.problem("copy", p.srcPath(), errReplaced)
	default:
		c.copyOpen(ctx, w, p, fd, src, plan.Action{Do: plan.Create})
		return
	}
	if fd != platform.None {
		c.calls.Close(fd)
	}
}

// openProblem reports a source that can't be opened.
func (c *Copy) openProblem(p *place, err error) {
	var st platform.Stat
	if platform.Denied(err) && platform.Denied(c.calls.Statat(p.n.sfd, p.src, &st, false)) {
		c.problem("stat", p.srcPath(), err)
		return
	}
	c.fail(err, fmt.Sprintf("cannot open %s for reading: %s", apply.Quote(p.srcPath()), platform.Message(err)))
}

// file copies a file whose fate was decided before it was opened.
func (c *Copy) file(ctx context.Context, w *apply.Worker, p *place, st *platform.Stat, a plan.Action, follow bool) {
	looked := inodeOf(st)
	fd, err := c.openFile(p, st, follow)
	if err == nil {
		err = c.calls.Fstat(fd, st)
	}
	if err == nil && inodeOf(st) != looked {
		c.fail(copier.ErrChanged, fmt.Sprintf("skipping file %s, as it was replaced while being copied", apply.Quote(p.srcPath())))
		c.calls.Close(fd)
		return
	}
	if err != nil {
		if fd != platform.None {
			c.calls.Close(fd)
		}
		c.openProblem(p, err)
		return
	}
	c.copyOpen(ctx, w, p, fd, st, a)
}

// copyOpen copies an open file and closes it: now, later as a big one, or as a
// hard link to what was copied already.
func (c *Copy) copyOpen(ctx context.Context, w *apply.Worker, p *place, fd platform.FD, st *platform.Stat, a plan.Action) {
	w.Tally.FoundBytes += st.Size
	var group *linkGroup
	if c.keepsLinks(p, st) {
		var mine bool
		group, mine = c.links.claim(st, p)
		c.links.met(st, group)
		if !mine {
			c.calls.Close(fd)
			c.joinGroup(ctx, w, group, p, st, a)
			return
		}
	}
	if st.Size >= bigFile && st.IsRegular() && !(p.operand && c.inOrder) {
		j := &bigJob{c: c, place: place{n: p.n, src: p.src.Clone(), dst: p.dst.Clone(), operand: p.operand}, src: fd, st: *st, a: a, group: group}
		p.n.unsealed.Add(1)
		if w.Runner.PushBig(j) {
			return
		}
		p.n.unsealed.Add(-1)
	}
	c.copyNow(ctx, w, p, fd, st, a, group, false)
}

// bigJob copies a file that would hold up its batch. It holds the source open;
// the queue is bounded.
type bigJob struct {
	c *Copy
	place
	src   platform.FD
	st    platform.Stat
	a     plan.Action
	group *linkGroup
}

func (j *bigJob) Run(ctx context.Context, w *apply.Worker) {
	c := j.c
	if err := c.use(j.n); err != nil {
		c.problem("access", j.n.dstPath(nil), err)
		c.calls.Close(j.src)
		c.settle(w, j.group, &j.place, false)
	} else {
		c.copyNow(ctx, w, &j.place, j.src, &j.st, j.a, j.group, true)
		c.release(j.n)
	}
	c.noteStop(ctx)
	c.finish(w, j.n)
}

// copyNow copies an open file and closes it. queued tells that the directory
// may have been published since.
func (c *Copy) copyNow(ctx context.Context, w *apply.Worker, p *place, fd platform.FD, st *platform.Stat, a plan.Action, group *linkGroup, queued bool) {
	put := &w.Put
	*put = copier.Put{
		Dir: p.n.dfd, DirIno: p.n.dstIno, DirDev: p.n.dstDev, Name: p.dst,
		Src: fd, Stat: st, Deferred: p.n.hidden, DefaultACL: !p.n.noACL, OldFD: platform.None, Umask: c.opts.Umask,
	}
	var err error
	if ctx.Err() != nil {
		err = ctx.Err()
	} else {
		w.Begin()
		switch {
		case !st.IsRegular():
			err = c.stream(ctx, w, p, put, a)
		case a.Do == plan.Create && p.n.fresh && !queued && (p.n.temp != nil || p.n.hidden):
			put.Stage = copier.Plain
			err = w.Copy.Put(ctx, put)
		case a.Do == plan.Create:
			put.Stage = copier.Unnamed
			err = w.Copy.Put(ctx, put)
		default:
			err = c.replace(ctx, w, p, put, a)
		}
	}
	c.calls.Close(fd)
	if err != nil {
		switch {
		case c.givesWay(a) && cannotReplace(err):
			c.createProblem("", p, platform.Cause(err))
		case a.Reason == plan.Backed && cannotReplace(err):
			c.putProblem(p.srcPath(), p.dstPath(), backupError(p, platform.Cause(err)))
		default:
			c.putProblem(p.srcPath(), p.dstPath(), err)
		}
		c.settle(w, group, p, false)
		return
	}
	w.CountFile(&put.Result)
	if put.Lost.Attrs != 0 {
		c.lost(p.dstPath, &put.Lost)
	}
	c.remember(p)
	if c.r.Opts.Events {
		c.r.Opts.Report.Done(&apply.Event{
			Op: apply.OpCopy, Src: p.srcPath(), Dst: p.dstPath(), Size: put.Result.Bytes,
			Reason: a.Reason.String(), How: how(put), Result: &put.Result, Backup: put.Backup,
		})
	}
	c.settle(w, group, p, true)
}

// how says where a file grew, and why there.
func how(put *copier.Put) string {
	if put.Why == "" {
		return put.Stage.String()
	}
	return put.Stage.String() + ": " + put.Why
}

// stream copies what has no offsets: --copy-contents, or an operand that is a
// pipe or device. The destination is made as for a regular file.
func (c *Copy) stream(ctx context.Context, w *apply.Worker, p *place, put *copier.Put, a plan.Action) error {
	put.Stage = copier.Unnamed
	if a.Do == plan.Overwrite || a.Do == plan.Replace {
		return c.replace(ctx, w, p, put, a)
	}
	return w.Copy.Put(ctx, put)
}
