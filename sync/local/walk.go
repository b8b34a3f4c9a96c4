package local

import (
	"context"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// chunkNames is how many names make a job: enough to keep a worker busy for
// some milliseconds, few enough that one flat directory feeds all of them.
const chunkNames = 256

// listJob reads a source directory from where its descriptor stands.
type listJob struct {
	c *Copy
	n *node
	listing
}

// Run reads portions until the directory ends, copying small ones on the spot.
// A large portion is cut into jobs and the rest of the listing is left for
// later, so that names are never read far ahead of the copying.
func (j *listJob) Run(ctx context.Context, w *apply.Worker) {
	c, n := j.c, j.n
	if err := c.use(n); err != nil {
		c.problem("access", n.srcPath(nil), err)
		c.endList(w, n)
		return
	}
	for ctx.Err() == nil && !n.unread {
		r, err := c.calls.Getdents(n.sfd, w.Dirents)
		if err != nil || r > len(w.Dirents) {
			c.problem("read directory", n.srcPath(nil), err)
			break
		}
		if r <= 0 {
			if c.again(n, &j.listing) {
				continue
			}
			break
		}
		buf := j.met(w.Dirents[:r])
		first := cut(buf)
		if len(first) == len(buf) {
			c.names(ctx, w, n, buf)
			continue
		}
		// Jobs are taken last in, first out: the rest of the listing first,
		// so that it is done last.
		var jobs []apply.Job
		for len(buf) > 0 {
			part := cut(buf)
			buf = buf[len(part):]
			n.unpublished.Add(1)
			n.unsealed.Add(1)
			jobs = append(jobs, &namesJob{c, n, append([]byte(nil), part...)})
		}
		w.Runner.Push(j)
		for i := len(jobs) - 1; i >= 0; i-- {
			w.Runner.Push(jobs[i])
		}
		c.release(n)
		return
	}
	c.release(n)
	c.noteStop(ctx)
	c.endList(w, n)
}

// noteStop remembers that names may have been left out. Every job that could
// leave some out calls it before it ends its part of the work, so that who
// ends the last part knows.
func (c *Copy) noteStop(ctx context.Context) {
	if ctx.Err() != nil {
		c.cut.Store(true)
	}
}

func (c *Copy) endList(w *apply.Worker, n *node) {
	n.mu.Lock()
	n.pins--
	c.shed(n)
	n.mu.Unlock()
	c.leave(w, n)
}

// leave ends a part of the work on a directory's names.
func (c *Copy) leave(w *apply.Worker, n *node) {
	if n.unpublished.Add(-1) == 0 {
		c.publish(n)
	}
	c.finish(w, n)
}

// finish ends a part of the work in a directory or below it.
func (c *Copy) finish(w *apply.Worker, n *node) {
	for !n.isBase() && n.unsealed.Add(-1) == 0 {
		c.seal(w, n)
		n = n.parent
	}
}

// cut returns the first chunkNames entries of buf.
func cut(buf []byte) []byte {
	rest := buf
	for range chunkNames {
		name, _, _, r := platform.NextEntry(rest)
		if name == nil {
			return buf
		}
		rest = r
	}
	return buf[:len(buf)-len(rest)]
}

// namesJob copies a portion of a directory's names.
type namesJob struct {
	c   *Copy
	n   *node
	buf []byte
}

func (j *namesJob) Run(ctx context.Context, w *apply.Worker) {
	if err := j.c.use(j.n); err != nil {
		j.c.problem("access", j.n.srcPath(nil), err)
	} else {
		j.c.names(ctx, w, j.n, j.buf)
		j.c.release(j.n)
	}
	j.c.noteStop(ctx)
	j.c.leave(w, j.n)
}

// names copies what is not a directory and pushes the directories as one job.
func (c *Copy) names(ctx context.Context, w *apply.Worker, n *node, buf []byte) {
	var dirs []byte
	list := w.Names[:0]
	for len(buf) > 0 {
		name, mode, ino, rest := platform.NextEntry(buf)
		if name == nil {
			break
		}
		buf = rest
		switch {
		case name.IsDots():
		case c.foldedName(n, name):
			w.Tally.Found++
		case mode == platform.ModeDir:
			dirs = append(dirs, name...)
		default:
			list = append(list, apply.Name{Name: name, Mode: mode, Ino: ino, FD: platform.None})
		}
	}
	w.Names = list
	p := &place{n: n}
	ahead := readahead{direct: n.fresh && c.direct()}
	for i := range list {
		if ctx.Err() != nil {
			break
		}
		c.ahead(&ahead, n, list, i)
		p.src, p.dst, p.ino, p.open, p.opened = list[i].Name, list[i].Name, list[i].Ino, list[i].FD, list[i].FD != platform.None
		list[i].FD = platform.None
		if c.entry(ctx, w, p, list[i].Mode) == wasDirectory {
			dirs = append(dirs, list[i].Name...)
		}
	}
	c.closeAhead(list)
	if len(dirs) > 0 {
		n.unsealed.Add(1)
		w.Runner.Push(&dirsJob{c, n, dirs})
	}
}

// dirsJob enters the directories of a portion, one a turn.
type dirsJob struct {
	c     *Copy
	n     *node
	names []byte // each ended by NUL
}

func (j *dirsJob) Run(ctx context.Context, w *apply.Worker) {
	c, n := j.c, j.n
	end := 0
	for j.names[end] != 0 {
		end++
	}
	name := platform.Name(j.names[: end+1 : end+1])
	if rest := j.names[end+1:]; len(rest) > 0 && ctx.Err() == nil {
		n.unsealed.Add(1)
		w.Runner.Push(&dirsJob{c, n, rest})
	}
	if ctx.Err() == nil {
		c.descend(ctx, w, n, name)
	}
	c.noteStop(ctx)
	c.finish(w, n)
}

// descend enters a directory and lists it.
func (c *Copy) descend(ctx context.Context, w *apply.Worker, n *node, name platform.Name) {
	if err := c.use(n); err != nil {
		c.problem("access", n.srcPath(name), err)
		return
	}
	w.Tally.Found++
	child := c.enter(w, &place{n: n, src: name, dst: name}, c.opts.Follow == FollowAlways)
	c.release(n)
	if child != nil {
		(&listJob{c: c, n: child}).Run(ctx, w)
	}
}
