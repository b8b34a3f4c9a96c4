package local

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/plan"
)

// linkMap knows what became of source inodes with several names. Only such
// inodes enter it, and one leaves when all its names were met.
type linkMap struct {
	mu     sync.Mutex
	groups map[inode]*linkGroup
	size   atomic.Int64 // of groups, readable without the lock
	open   bool         // a name may be met any number of times: by symbolic links, or several operands
}

// linkGroup is one inode of the source. All fields are under linkMap.mu.
type linkGroup struct {
	left    uint64 // names not yet met
	busy    bool   // somebody is copying it
	done    bool   // first stands at its place
	at      *place
	waiting []waiter
}

// waiter is a name that came while the first one was being copied.
type waiter struct {
	place
	st platform.Stat
	a  plan.Action
}

// keepsLinks reports whether other names may lead to a source inode: names of
// its own, or symbolic links that are followed.
func (c *Copy) keepsLinks(p *place, st *platform.Stat) bool {
	return c.opts.Rules.PreserveLinks && (st.Nlink > 1 || c.opts.Follow == FollowAlways ||
		p.operand && c.opts.Follow == FollowOperands)
}

// claim returns the group of an inode, and whether the caller is to copy it.
func (m *linkMap) claim(st *platform.Stat, p *place) (*linkGroup, bool) {
	key := inodeOf(st)
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[key]
	if g == nil {
		g = &linkGroup{left: st.Nlink}
		if m.open {
			g.left = math.MaxUint64
		}
		m.groups[key] = g
		m.size.Add(1)
	}
	if g.busy || g.done {
		return g, false
	}
	g.busy = true
	g.at = &place{n: p.n, dst: p.dst.Clone()}
	return g, true
}

// joinListed links a name whose inode the listing gave if its group has a copy
// or is about to, without opening the source. It reports false, having done
// nothing, if that is not sure.
func (c *Copy) joinListed(ctx context.Context, w *apply.Worker, p *place) bool {
	if c.links.size.Load() == 0 || c.opts.Follow == FollowAlways || !c.links.has(inode{p.n.srcStat.Dev, p.ino}) {
		return false
	}
	// The file system tells what is linked, not the listing, which may be old
	// by now.
	src := &w.Src
	if c.calls.Statat(p.n.sfd, p.src, src, false) != nil || !src.IsRegular() || src.Nlink < 2 {
		return false
	}
	g := c.links.join(src)
	if g == nil {
		return false
	}
	w.Tally.FoundBytes += src.Size
	c.joinGroup(ctx, w, g, p, src, plan.Action{Do: plan.Create})
	return true
}

// has reports whether an inode has a group.
func (m *linkMap) has(key inode) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.groups[key] != nil
}

// join counts a name of an inode that has a copy or is being copied, and
// returns its group; nil if it is for the caller to claim.
func (m *linkMap) join(st *platform.Stat) *linkGroup {
	key := inodeOf(st)
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[key]
	if g == nil || !g.busy && !g.done {
		return nil
	}
	m.count(key, g)
	return g
}

// met counts a name of the group, which leaves the map with its last one:
// whoever still waits holds the group itself.
func (m *linkMap) met(st *platform.Stat, g *linkGroup) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count(inodeOf(st), g)
}

// count is met for who holds the lock.
func (m *linkMap) count(key inode, g *linkGroup) {
	if g.left--; g.left == 0 && m.groups[key] == g {
		delete(m.groups, key)
		m.size.Add(-1)
	}
}

// firstSeen reports whether an inode is met for the first time.
func (m *linkMap) firstSeen(st *platform.Stat) bool {
	g, mine := m.claim(st, &place{})
	m.met(st, g)
	return mine
}

// joinGroup links a name to the group's copy, now or when it is there.
func (c *Copy) joinGroup(ctx context.Context, w *apply.Worker, g *linkGroup, p *place, st *platform.Stat, a plan.Action) {
	m := &c.links
	m.mu.Lock()
	if g.busy {
		p.n.unsealed.Add(1)
		p.n.unpublished.Add(1)
		g.waiting = append(g.waiting, waiter{place{n: p.n, src: p.src.Clone(), dst: p.dst.Clone(), operand: p.operand}, *st, a})
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	c.linkOrCopy(ctx, w, g, p, st, a)
}

// settle ends the copy that claim handed out and serves who waits for it. If
// it failed, the next one waiting has its try.
func (c *Copy) settle(w *apply.Worker, g *linkGroup, p *place, ok bool) {
	if g == nil {
		return
	}
	m := &c.links
	m.mu.Lock()
	g.busy, g.done = false, ok
	waiting := g.waiting
	g.waiting = nil
	m.mu.Unlock()
	for i := range waiting {
		w.Runner.Push(&linkJob{c, g, waiting[i]})
	}
}

// linkJob serves one name that waited.
type linkJob struct {
	c *Copy
	g *linkGroup
	waiter
}
