package local

import (
	"context"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// stands reports whether what -u leaves alone is the copy of a source that may have
// other names: those are to be names of it, too. What is newer than the source is the
// user's, and no copy.
func (c *Copy) stands(p *place, pair *plan.Pair, a plan.Action) bool {
	src, dst, r := pair.Src, pair.Dst, &c.opts.Rules
	return a.Reason == plan.NotNewer && c.keepsLinks(p, src) && !r.HardLink && !r.SymbolicLink && !r.AttributesOnly &&
		src.IsRegular() && dst.IsRegular() && dst.Size == src.Size && dst.Mtime == src.Mtime
}

// standing leaves a copy that stands alone and lets further names of its source be
// linked to it. If one was there before, it becomes a name of that one's copy, as cp has
// it.
func (c *Copy) standing(ctx context.Context, w *apply.Worker, p *place, src *platform.Stat, a plan.Action) {
	g, mine := c.links.claim(src, p)
	c.links.mu.Lock()
	at := g.at
	c.links.mu.Unlock()
	if !mine && c.opts.DryRun && (at.n == nil || !c.oneInode(at, p)) {
		c.pretend(p, src, a) // which counts the name
		return
	}
	c.links.met(src, g)
	switch {
	case mine:
		c.settle(w, g, p, true)
		c.skip(p, src, a)
	case c.opts.DryRun:
		c.skip(p, src, a)
	default:
		c.joinGroup(ctx, w, g, p, src, plan.Action{Do: plan.Replace, Reason: plan.NotNewer})
	}
}

// stay ends a name that stands and has nothing to be linked to: it is a copy itself.
func (c *Copy) stay(w *apply.Worker, p *place, src *platform.Stat, a plan.Action) {
	if g, mine := c.links.claim(src, p); mine {
		c.settle(w, g, p, true)
	}
	c.skip(p, src, a)
}

// oneInode reports whether two places of the destination are names of one inode. p.n is
// in use.
func (c *Copy) oneInode(at, p *place) bool {
	if at.n != p.n {
		if c.use(at.n) != nil {
			return false
		}
		defer c.release(at.n)
	}
	var a, b platform.Stat
	return c.calls.Statat(at.n.dfd, at.dst, &a, false) == nil && c.calls.Statat(p.n.dfd, p.dst, &b, false) == nil && a.SameInode(&b)
}
