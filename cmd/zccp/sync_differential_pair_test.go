//go:build linux

package main_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// pairs makes nodes of sources and of destinations that are like them in part.
type pairs struct {
	rng   *rand.Rand
	nodes []node
	at    map[string]int // index in nodes by path
	// user owns most of what is made; 0 chooses among several.
	user int
}

func newPairs(rng *rand.Rand, user int) *pairs {
	return &pairs{rng: rng, at: map[string]int{}, user: user}
}

// chance is true once in n.
func (p *pairs) chance(n int) bool { return p.rng.IntN(n) == 0 }

func choose[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// add takes a node unless its name is taken or its parent is no directory.
func (p *pairs) add(n node) bool {
	if parent := path.Dir(n.path); parent != "." {
		if i, ok := p.at[parent]; !ok || !p.nodes[i].isDir() {
			return false
		}
	}
	if _, ok := p.at[n.path]; ok {
		return false
	}
	p.at[n.path] = len(p.nodes)
	p.nodes = append(p.nodes, n)
	return true
}

func (n node) isDir() bool { return n.kind == nodeDir || n.kind == nodeMount }

// dir makes a plain directory and those on the way to it.
func (p *pairs) dir(name string) {
	if name == "." {
		return
	}
	p.dir(path.Dir(name))
	p.add(node{path: name, kind: nodeDir, mode: 0o755, uid: p.user, gid: p.user, mtime: unix.Timespec{Sec: 1_400_000_000}})
}

// Names that filters in rsyncFlags match, and that the rules of -C do.
var pairNames = []string{
	"a.o", "b.c", "foo", "bar", "keep", "x.bak", "core", "sub", "d1", "d2", "build", ".git", "foo~", "z",
	"a.c", "foobar", "new", "tmp", "README", "long-name-1.txt", "long-name-2.txt", "long-name-3.txt",
}

// Names that a program could take for something else, and that rsync prints in another form.
var oddNames = []string{
	" lead", "trail ", "new\nline", "tab\t", "-rf", "--delete", "*", "[a]", "?", `back\slash`, `\#012`, "#x", ";y", "it's", `"q"`,
	"\x01", "\x7f", "\xff\xfe", "é", "a:b", "~", ".hidden", "...", "x -> y",
}

func (p *pairs) name() string {
	if p.chance(8) {
		return choose(p.rng, oddNames...)
	}
	return choose(p.rng, pairNames...)
}

// attributes gives n an owner, a mode, a time and, at times, extended attributes.
func (p *pairs) attributes(n node) node {
	n.mode = choose[uint32](p.rng, 0o644, 0o644, 0o600, 0o755, 0o444, 0o640, 0o4755, 0o666)
	if n.isDir() {
		n.mode = choose[uint32](p.rng, 0o755, 0o755, 0o755, 0o700, 0o775, 0o2755, 0o1777)
	}
	if p.chance(40) {
		n.mode = choose[uint32](p.rng, 0, 0o111, 0o555, 0o7777, 0o2644)
		if n.isDir() && n.mode&0o100 == 0 {
			n.mode = 0 // rsync can't list what may be listed but not entered
		}
	}
	n.uid, n.gid = p.user, p.user
	if p.user == 0 {
		owners := []int{0, 0, 0, 1, 1000, nobody}
		n.uid, n.gid = choose(p.rng, owners...), choose(p.rng, owners...)
	} else if p.chance(10) {
		n.uid = 0
	}
	n.mtime = unix.Timespec{Sec: 1_500_000_000 + p.rng.Int64N(4)*1000, Nsec: choose[int64](p.rng, 0, 1, 500_000_000, 999_999_999)}
	if p.chance(20) {
		n.mtime.Sec = choose[int64](p.rng, 0, -5, 1<<31, 1<<32+1)
	}
	n.xattrs = p.xattrs(n)
	return n
}

func (p *pairs) xattrs(n node) map[string]string {
	m := map[string]string{}
	if n.kind == nodeFile || n.isDir() {
		if p.chance(5) {
			m["user.one"] = choose(p.rng, "1", "22", "", strings.Repeat("long", 20))
		}
		if p.chance(8) {
			m["user.two"] = choose(p.rng, "a", "b")
		}
	}
	bits := func() uint32 { return uint32(p.rng.IntN(8)) }
	if n.kind != nodeSymlink && p.chance(8) {
		m[aclAccess] = posixACL(6, bits(), bits(), 1000, bits())
		if n.isDir() {
			m[aclAccess] = posixACL(7, bits(), bits(), 1000, bits())
		}
	}
	if n.isDir() && p.chance(12) {
		m[aclDefault] = posixACL(7, bits(), bits(), 1000, bits())
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

func (p *pairs) content() content {
	c := content{line: choose(p.rng, "one", "two", "six", "another line")}
	switch k := p.rng.IntN(12); {
	case k == 0:
	case k < 8:
		c.size = 1 + p.rng.IntN(40)
	case k < 11:
		c.size = 700 + p.rng.IntN(9000)
	default:
		c.size = choose(p.rng, 4096, 65536, 200_001)
	}
	if p.chance(15) {
		c.size, c.hole = 100_000+p.rng.IntN(200_000), true
	}
	return c
}

// source makes about size names below root.
func (p *pairs) source(root string, size int) {
	first := len(p.nodes)
	p.add(p.attributes(node{path: root, kind: nodeDir}))
	p.nodes[p.at[root]].mode |= 0o700
	dirs := []string{root}
	for range size {
		dir := choose(p.rng, dirs...)
		n := node{path: dir + "/" + p.name()}
		switch k := p.rng.IntN(20); {
		case k < 4:
			n.kind = nodeDir
		case k < 7:
			n.kind = nodeSymlink
			n.target = p.target(n.path, root)
		case k < 8:
			n.kind = choose(p.rng, nodeFIFO, nodeSocket, nodeChar, nodeBlock, nodeFIFO)
		case k < 10:
			old := p.nodes[first+p.rng.IntN(len(p.nodes)-first)]
			if old.isDir() || old.kind == nodeHardLink {
				continue
			}
			n.kind, n.target = nodeHardLink, old.path
		default:
			n.data = p.content()
		}
		if p.add(p.attributes(n)) && n.kind == nodeDir && strings.Count(n.path, "/") < 5 {
			dirs = append(dirs, n.path)
		}
	}
}

// target returns what a symbolic link at name holds: a name below root, nothing, and
// outside of it, by all ways.
func (p *pairs) target(name, root string) string {
	other := p.nodes[p.rng.IntN(len(p.nodes))].path
	inside := strings.TrimPrefix(strings.TrimPrefix(other, root), "/")
	up := strings.Repeat("../", strings.Count(strings.TrimPrefix(name, root+"/"), "/"))
	return choose(p.rng, path.Base(other), up+inside+"x", "nowhere", up+"../outside", "{root}/outside", "{root}/"+other, ".", up+"./"+inside+"/.", up+"..", "/nonexistent/x") +
		choose(p.rng, "", "", "", "x")
}

// destination makes below root what an earlier run, or something else, could have left of
// from. Of 100 names it has same as they are; the others differ or are missing.
func (p *pairs) destination(from, root string, same int) {
	end := len(p.nodes)
	for _, n := range p.nodes[:end] {
		rel, ok := strings.CutPrefix(n.path, from)
		if !ok || rel != "" && rel[0] != '/' {
			continue
		}
		src := n
		n.path = root + rel
		n.xattrs = maps.Clone(n.xattrs)
		if n.kind == nodeMount {
			n.kind = nodeDir
		}
		if n.kind == nodeHardLink {
			n = p.linked(src, from, root, n)
		}
		if rel != "" && p.rng.IntN(100) >= same {
			if p.chance(4) {
				continue // missing
			}
			n = p.changed(n)
		}
		p.add(n)
	}
	for i := range p.nodes[end:] {
		if dir := p.nodes[end+i]; dir.isDir() && p.chance(3) {
			p.extraneous(dir.path)
		}
	}
}

// linked gives the hard link n the same partner as at the source, another one, or none.
func (p *pairs) linked(src node, from, root string, n node) node {
	first := p.nodes[p.at[src.target]]
	alone := func() node {
		first.path, first.xattrs = n.path, maps.Clone(first.xattrs)
		return first
	}
	n.target = root + strings.TrimPrefix(src.target, from)
	i, ok := p.at[n.target]
	switch {
	case ok && p.nodes[i].kind == nodeHardLink:
		n.target = p.nodes[i].target
	case !ok || p.nodes[i].isDir() || p.chance(4):
		return alone()
	}
	return n
}

// changed makes one thing of n other.
func (p *pairs) changed(n node) node {
	if n.kind == nodeHardLink {
		return n
	}
	old := n
	switch p.rng.IntN(12) {
	case 0, 1: // content of the same size
		n.data.line = choose(p.rng, "two", "six", "one")
		n.mtime.Sec += choose[int64](p.rng, 0, 0, -1000, 1000, 1)
	case 2: // and of another
		n.data.size += choose(p.rng, 1, -1, 700, -700, 5000)
		n.data.size = max(n.data.size, 0)
		n.mtime.Sec += choose[int64](p.rng, 0, -1000, 1000)
	case 3: // a part, as an append needs it
		n.data.size = p.rng.IntN(n.data.size + 1)
		n.mtime.Sec -= choose[int64](p.rng, 0, 7)
	case 4, 5:
		n.mtime.Sec += choose[int64](p.rng, -1000, 1000, 1, 2, -1, 5000)
	case 6:
		n.mtime.Nsec = (n.mtime.Nsec + 1) % 1e9
	case 7:
		n.mode ^= choose[uint32](p.rng, 0o001, 0o020, 0o111, 0o4000)
	case 8:
		if p.user == 0 {
			n.uid, n.gid = choose(p.rng, 0, 2, n.uid), choose(p.rng, 0, 2, n.gid)
		}
	case 9:
		n.xattrs = p.xattrs(n)
	case 10: // a few bytes
		n.data.patches = []int{p.rng.IntN(n.data.size + 1), p.rng.IntN(n.data.size + 1)}
		n.mtime.Sec -= 3
	case 11: // another type
		n.kind = choose(p.rng, nodeFile, nodeDir, nodeSymlink, nodeFIFO, nodeChar, nodeSocket)
		n.target = cmp.Or(n.target, "elsewhere")
		n.mode |= 0o600
		if n.kind == nodeSymlink || n.kind > nodeHardLink {
			n.xattrs = nil
		} else if n.kind != nodeDir {
			delete(n.xattrs, aclDefault)
		}
	}
	if n.kind == nodeSymlink && old.kind == nodeSymlink && p.chance(3) {
		n.target = choose(p.rng, "foo", "nowhere", "../x")
	}
	return n
}

// extraneous puts names into dir that its source need not have.
func (p *pairs) extraneous(dir string) {
	for range 1 + p.rng.IntN(3) {
		name := dir + "/" + choose(p.rng, p.name(), fmt.Sprintf("extra%d", p.rng.IntN(10)))
		switch p.rng.IntN(6) {
		case 0, 1:
			if p.add(p.attributes(node{path: name, kind: nodeDir})) {
				p.add(p.attributes(node{path: name + "/" + p.name(), data: p.content()}))
				if p.chance(3) {
					p.add(p.attributes(node{path: name + "/sub", kind: nodeDir}))
					p.add(p.attributes(node{path: name + "/sub/" + p.name(), data: p.content()}))
				}
			}
		case 2:
			p.add(p.attributes(node{path: name, kind: nodeSymlink, target: choose(p.rng, "foo", "..", "nowhere")}))
		case 3:
			if p.chance(3) {
				p.add(p.attributes(node{path: name, kind: nodeFIFO}))
				continue
			}
			fallthrough
		default:
			p.add(p.attributes(node{path: name, data: p.content()}))
		}
	}
}
