package mirror

import (
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// want is what is wanted of a directory whose names were given one by one
// (operands, --files-from): a name and what is wanted below it.
type want struct {
	names   map[string]*want
	as      platform.Name // its name at the destination, if another one
	path    string        // as the user wrote it
	depth   int           // how many levels of what is in it: -1 all, 0 none
	named   bool          // the user named it; else it only leads to what was named
	slashed bool          // a link is followed, since the operand ended in a slash
	plain   bool          // it was given without one too
	order   int           // of the operand that named it first
}

// origin is a directory of a source that is merged into a pair.
type origin struct {
	up      *origin // that of the directory it stands in, nil for an operand's
	dir     *tree.Dir
	st      platform.Stat
	hides   *filter.Dir
	want    *want // nil: every name, depth levels deep
	depth   int
	order   int // of its operand
	rootDev uint64
	path    string // as the user would write it
	rel     string // below the top of the transfer
	bare    bool   // nothing is in it
	mounted bool   // another file system than its root's: stays empty with -x
}

// lists reports whether all names of the directory are wanted.
func (o *origin) lists() bool { return o.want == nil && o.depth != 0 && !o.mounted }

// pair is a directory of the destination with those that are merged into it.
type pair struct {
	parent  *pair
	name    platform.Name // at the destination; nil for the root
	called  platform.Name // in reports, if otherwise
	origins []origin
	dst     *tree.Dir   // nil where a dry run would make it
	alts    []*tree.Dir // of each AltDests; nil where it has no such directory
	guards  *filter.Dir // the receiver's filter

	fresh  bool          // made by this run, or would be: nothing stands in it
	temp   platform.Name // its name until it is published
	delete bool          // what stands in it and isn't wanted goes

	plain bool // gets no attributes of its source
	there bool // made for the transfer (--mkpath): no new entry of it

	// resumable are the files that killed runs left to go on with. What nobody
	// went on with is removed when the directory is sealed.
	resumable []platform.Name

	seals    bool // attributes are given when all below is done
	st       platform.Stat
	meta     meta
	lifted   uint32        // mode to give back though modes are not kept, +1; 0 if none
	oldMtime platform.Time // when it was entered

	defaults  sync.Once
	freshBits uint32

	out *offered // in a run that only has sources
	in  *farDir  // in one that has none

	// unpublished counts what must end before a directory may get its name;
	// unsealed what must end before it gets its attributes.
	unpublished atomic.Int32
	unsealed    atomic.Int32
}

// use makes sure that all directories of the pair are open until release.
func (p *pair) use() error {
	var used []*tree.Dir
	each := func(d *tree.Dir) error {
		if d == nil {
			return nil
		}
		if err := d.Use(); err != nil {
			for _, u := range used {
				u.Release()
			}
			return err
		}
		used = append(used, d)
		return nil
	}
	if err := each(p.dst); err != nil {
		return err
	}
	for i := range p.origins {
		if err := each(p.origins[i].dir); err != nil {
			return err
		}
	}
	for _, a := range p.alts {
		if err := each(a); err != nil {
			return err
		}
	}
	return nil
}

func (p *pair) eachDir(f func(*tree.Dir)) {
	if p.dst != nil {
		f(p.dst)
	}
	for i := range p.origins {
		if d := p.origins[i].dir; d != nil {
			f(d)
		}
	}
	for _, a := range p.alts {
		if a != nil {
			f(a)
		}
	}
}

func (p *pair) release() { p.eachDir((*tree.Dir).Release) }

// dfd returns the descriptor of the destination, None if there is none yet.
func (p *pair) dfd() platform.FD {
	if p.dst == nil {
		return platform.None
	}
	return p.dst.FD()
}

// path returns the name of an entry below the destination; of the root itself
// it is ".".
func (p *pair) path(name []byte) string {
	n := len(name)
	for q := p; q.parent != nil; q = q.parent {
		n += len(q.shown())
	}
	if n == 0 {
		return "."
	}
	b := make([]byte, n)
	at := n - len(name)
	copy(b[at:], name)
	for q := p; q.parent != nil; q = q.parent {
		own := q.shown().Bytes()
		if at < n {
			at--
			b[at] = '/'
		}
		at -= len(own)
		copy(b[at:], own)
	}
	return string(b[at:])
}

// shown returns the name that reports have: that at the source, where one entry
// gets another name.
func (p *pair) shown() platform.Name {
	if p.called != nil {
		return p.called
	}
	return p.name
}

// srcPath returns what the user would call an entry of the source.
func (o *origin) srcPath(name []byte) string {
	switch {
	case len(name) == 0:
		return o.path
	case o.path == "" || o.path[len(o.path)-1] == '/':
		return o.path + string(name)
	}
	return o.path + "/" + string(name)
}

// dstPath returns what the user would call an entry of the destination.
func (m *Mirror) dstPath(p *pair, name []byte) string {
	rel := p.path(name)
	switch prefix := m.dstPrefix; {
	case rel == ".":
		return prefix
	case prefix == "":
		return rel
	case prefix[len(prefix)-1] == '/':
		return prefix + rel
	default:
		return prefix + "/" + rel
	}
}
