package filter

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
)

// add appends a rule.
func (p *parser) add(out *target, pat []byte, f flags, how syntax) error {
	if how&anchored != 0 && f&sides != 0 && f&sides == p.side.other().flag() {
		return nil
	}
	if f&xattr != 0 && len(p.dir) == 0 {
		p.list.xattrRules = true
	}
	if len(pat) > 1 && pat[len(pat)-1] == '/' {
		pat = pat[:len(pat)-1]
		f |= directory
	}
	if how&anchored != 0 && f&(absPath|mergeFile) == 0 && bytes.HasPrefix(pat, []byte("/")) {
		// A rule that is anchored at a directory is one of the absolute path.
		f |= absPath
		if len(p.dir) > 1 {
			pat = append(p.dir[:len(p.dir)-1:len(p.dir)-1], pat...)
		}
	}
	r := newRule(pat, f)
	if f&perDir != 0 {
		base := pat[bytes.LastIndexByte(pat, '/')+1:]
		for i := range p.lists {
			m := &p.lists[i]
			if !m.gone && bytes.Equal(m.name[bytes.LastIndexByte(m.name, '/')+1:], base) {
				return nil // rsync takes one rule only for each name of a file
			}
		}
		r.list = len(p.lists)
		p.lists = append(p.lists, mergeList{flags: r.flags, name: pat, pending: true})
	}
	if f&cvsIgnore != 0 && f&mergeFile == 0 {
		if err := p.cvs(&r); err != nil {
			return err
		}
	}
	out.local = append(out.local, r)
	return nil
}

// clear takes all rules from a target. The dir-merge rules among those that were read now
// are gone; of those that are inherited rsync goes on reading the files, which has no
// effect but that a new rule for a file of that name is not taken.
func (p *parser) clear(out *target) {
	for i := range out.local {
		if out.local[i].flags&perDir != 0 {
			p.lists[out.local[i].list].gone = true
		}
	}
	for len(p.lists) > 0 && p.lists[len(p.lists)-1].gone {
		p.lists = p.lists[:len(p.lists)-1]
	}
	*out = target{}
}

// maxDepth is how deep files may merge one another.
const maxDepth = 500

// merge reads the rules of the file that a merge rule names.
func (p *parser) merge(out *target, pat []byte, f flags) error {
	name := p.mergeName(pat)
	contents, err := p.read(name)
	if err == nil && contents == nil && len(p.dir) > 0 {
		err = fs.ErrNotExist // unlike that of a dir-merge rule it has to be there
	}
	if err != nil {
		return readError(name, err)
	}
	// A file that merges itself makes rsync run out of descriptors.
	if p.depth == maxDepth {
		return fmt.Errorf("filter rules of %q: merged at depth %d", name, maxDepth)
	}
	p.depth++
	defer func() { p.depth-- }()
	return p.file(out, contents, f, 0)
}

// mergeName returns the name by which the file of a merge rule is read. Inside of a tree a
// name without a slash stands in the root of the transfer, and one with a slash is
// relative to the directory of the file with the rule.
func (p *parser) mergeName(pat []byte) string {
	switch {
	case len(p.dir) == 0:
		return string(pat)
	case bytes.IndexByte(pat[1:], '/') < 0 && pat[0] != '/' && !p.above:
		return string(p.root) + string(pat)
	}
	return string(p.resolve(pat))
}

// resolve returns the absolute name of a file that is named relative to p.dir.
func (p *parser) resolve(pat []byte) []byte {
	if pat[0] == '/' {
		return []byte(path.Clean(string(pat)))
	}
	return []byte(path.Clean(string(p.dir) + string(pat)))
}

// setUp prepares the dir-merge rule number i for its first directory. A name with a path
// that leads to a directory above makes rsync read the files of that name from there down
// to the parent of the directory; other paths are dropped.
func (p *parser) setUp(i int, out *target) error {
	name := p.lists[i].name
	if bytes.IndexByte(name, '/') < 0 && !p.above {
		return nil
	}
	full := p.resolve(name)
	slash := bytes.LastIndexByte(full, '/')
	from, base := full[:slash+1], full[slash+1:]
	p.lists[i].name = base
	if !bytes.HasPrefix(p.dir, from) {
		return nil
	}
	dir := p.dir
	p.above = true
	defer func() { p.above, p.dir = false, dir }()
	for n := len(from); n < len(dir); n += bytes.IndexByte(dir[n:], '/') + 1 {
		p.dir = dir[:n:n]
		file := string(p.dir) + string(base)
		contents, err := p.read(file)
		if err != nil {
			return readError(file, err)
		}
		if err := p.perDirFile(out, contents, p.lists[i].flags, file); err != nil {
			return err
		}
		if p.lists[i].flags&noInherit != 0 {
			*out = target{}
		}
		*out = target{inherited: out.segment()}
	}
	return nil
}

func (p *parser) perDirFile(out *target, contents []byte, f flags, name string) error {
	if err := p.file(out, contents, f, anchored); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

func readError(file string, err error) error {
	return fmt.Errorf("filter rules of %q: %w", file, err)
}
