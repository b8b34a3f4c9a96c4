package filter

import "bytes"

// Dir is the rules in force for the names in one directory. It does not change, so that
// several goroutines may use it.
type Dir struct {
	list  *List
	c     *compiled
	side  Side
	path  []byte // absolute, with a slash at the end
	root  int    // the length of path at which names of the transfer begin
	lists []mergeList
	git   *gitDir
}

// Root returns the rules in force where the names of a transfer begin: for the operand
// "a/b" that is the directory a, for "a/b/" it is a/b. abs is the absolute path of that
// directory, without "." and ".."; it counts for rules with the modifier / and for
// dir-merge rules that name a directory above. No file of the directory is read: for an
// operand that ends with a slash the caller goes on with Enter("."). Another operand is
// matched as a name, and then entered. The directories that --relative implies are entered
// one by one, but not matched.
func (l *List) Root(side Side, abs []byte) *Dir {
	c := l.of(side)
	d := &Dir{list: l, c: c, side: side, lists: c.lists}
	d.path = bytes.Clone(abs)
	if len(d.path) == 0 || d.path[len(d.path)-1] != '/' {
		d.path = append(d.path, '/')
	}
	d.root = len(d.path)
	if c.git {
		d.git = &gitDir{files: l.git, top: true}
	}
	return d
}

// Later returns the rules that d, which [List.Root] returned, has for an operand that is not
// the first one of its side: rsync reads the files of directories above for the first
// operand only.
func (d *Dir) Later() *Dir {
	e := *d
	e.lists = make([]mergeList, len(d.lists))
	for i, m := range d.lists {
		m.name = m.name[bytes.LastIndexByte(m.name, '/')+1:]
		e.lists[i] = m
	}
	return &e
}

// Enter returns the rules in force in the subdirectory name, which is one component, or in
// the directory itself when name is ".". Files of rules are read by read, which gets
// a name that stands in that subdirectory, or an absolute path, and returns nil, nil for a
// file that does not exist. An error of read, and a bad rule in a file, is returned with
// no Dir.
func (d *Dir) Enter(name []byte, read func(file string) ([]byte, error)) (*Dir, error) {
	if len(d.lists) == 0 && !d.c.path && d.git == nil {
		return d, nil
	}
	e := *d
	if len(name) != 1 || name[0] != '.' {
		e.path = make([]byte, 0, len(d.path)+len(name)+1)
		e.path = append(append(append(e.path, d.path...), name...), '/')
	}
	if len(d.lists) > 0 {
		if err := e.enterLists(read); err != nil {
			return nil, err
		}
	}
	if d.git != nil {
		if err := e.enterGit(d, name, read); err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// enterLists reads the files of the dir-merge rules.
func (d *Dir) enterLists(read func(file string) ([]byte, error)) error {
	p := &parser{
		list: d.list, side: d.side, read: read,
		dir: d.path, root: d.path[:d.root],
		lists: d.lists[:len(d.lists):len(d.lists)],
	}
	own := false // p.lists is not shared with the parent any more
	// A file may add dir-merge rules: their files are read in the same directory.
	for i := 0; i < len(p.lists); i++ {
		m := p.lists[i]
		if m.gone {
			continue
		}
		out := &target{inherited: m.head}
		if m.flags&noInherit != 0 {
			out.inherited = nil
		}
		if m.pending {
			if !own {
				p.lists, own = append([]mergeList(nil), p.lists...), true
			}
			p.lists[i].pending = false
			if err := p.setUp(i, out); err != nil {
				return err
			}
			m = p.lists[i]
		}
		if len(m.name) > 0 {
			contents, err := read(string(m.name))
			if err != nil {
				return readError(string(d.path)+string(m.name), err)
			}
			if err := p.perDirFile(out, contents, m.flags, string(d.path)+string(m.name)); err != nil {
				return err
			}
		}
		if head := out.segment(); head != m.head {
			if !own {
				p.lists, own = append([]mergeList(nil), p.lists...), true
			}
			p.lists[i].head = head
		}
	}
	d.lists = p.lists
	return nil
}

// Match returns what the rules say of a name in the directory. It allocates nothing.
func (d *Dir) Match(name []byte, isDir bool) Verdict {
	v, _ := d.Decide(name, isDir, false)
	return v
}

// MatchDoomed is [Dir.Match] in a directory that is being deleted: perishable rules have
// no effect.
func (d *Dir) MatchDoomed(name []byte, isDir bool) Verdict {
	v, _ := d.Decide(name, isDir, true)
	return v
}

// Decide is [Dir.Match], or [Dir.MatchDoomed], and returns the rule that decided, nil for
// [None].
func (d *Dir) Decide(name []byte, isDir, doomed bool) (Verdict, *Rule) {
	r := d.decide(d.c.rules, name, isDir, doomed)
	if r == nil {
		return None, nil
	}
	return r.verdict(), r
}

func (d *Dir) decide(rules []Rule, name []byte, isDir, doomed bool) *Rule {
	for i := range rules {
		r := &rules[i]
		if doomed && r.flags&perishable != 0 {
			continue
		}
		var found *Rule
		switch {
		case r.flags&perDir != 0:
			for s := d.lists[r.list].head; s != nil && found == nil; s = s.next {
				found = d.decide(s.rules, name, isDir, doomed)
			}
		case r.flags&cvsIgnore != 0:
			set := r.cvs
			if set == nil {
				set = d.c.cvs
			}
			found = d.decide(set, name, isDir, doomed)
		case r.flags&gitIgnore != 0:
			if d.gitIgnored(name, isDir) {
				found = r
			}
		case r.flags&xattr != 0:
		case r.matches(d, name, isDir):
			found = r
		}
		if found != nil {
			return found
		}
	}
	return nil
}
