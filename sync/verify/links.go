package verify

import (
	"cmp"
	"slices"
	"sync"

	"github.com/zccp/zccp/platform"
)

type inode struct{ dev, ino uint64 }

// linkPair is what a name that stands on both sides leads to.
type linkPair [2]inode

// linkName is such a name.
type linkName struct {
	d    *dir
	name platform.Name
}

func (n *linkName) path() string { return n.d.path(n.name) }

// links remembers names of inodes that have several, until all of both were met
// and lead from one to the other: only what is linked in different ways, or to
// names outside of the trees, is kept to the end.
type links struct {
	mu    sync.Mutex
	names map[linkPair][]linkName
}

// link notes a name of inodes of which one has several.
func (v *Verify) link(e *entry) {
	a, b := &e.st[0], &e.st[1]
	if !v.compares(Links) || a.Nlink < 2 && b.Nlink < 2 || a.IsDir() || e.path == "." {
		return
	}
	pair := linkPair{{a.Dev, a.Ino}, {b.Dev, b.Ino}}
	l := &v.links
	l.mu.Lock()
	defer l.mu.Unlock()
	names := append(l.names[pair], linkName{e.d, e.name[0].Clone()})
	if n := uint64(len(names)); n == a.Nlink && n == b.Nlink {
		delete(l.names, pair)
		return
	}
	l.names[pair] = names
}

// compareLinks reports the names whose files have other first names on one side
// than on the other, first in the order of bytes. Trees of the same names have
// the same hard links if and only if there are none.
func (v *Verify) compareLinks() {
	var pairs [2]map[inode]int // how many pairs an inode is in
	for side := range pairs {
		pairs[side] = map[inode]int{}
		for pair := range v.links.names {
			pairs[side][pair[side]]++
		}
	}
	var first [2]map[inode]string
	for side := range first {
		first[side] = map[inode]string{}
	}
	// An inode in one pair only is linked to the same names on both sides if
	// the other one is, too.
	suspect := func(pair linkPair) bool { return pairs[0][pair[0]] > 1 || pairs[1][pair[1]] > 1 }
	for pair, names := range v.links.names {
		if !suspect(pair) {
			continue
		}
		for _, n := range names {
			path := n.path()
			for side := range first {
				if old, ok := first[side][pair[side]]; !ok || path < old {
					first[side][pair[side]] = path
				}
			}
		}
	}
	var found []Difference
	for pair, names := range v.links.names {
		if !suspect(pair) {
			continue
		}
		if a, b := first[0][pair[0]], first[1][pair[1]]; a != b {
			for _, n := range names {
				found = append(found, Difference{Kind: HardLinks, Path: n.path(), Src: a, Dst: b})
			}
		}
	}
	slices.SortFunc(found, func(a, b Difference) int { return cmp.Compare(a.Path, b.Path) })
	v.report(found...)
}
