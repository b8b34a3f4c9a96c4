package filter

import "bytes"

// XattrRules tells whether the list has had a rule with the modifier x. If not, the default
// for names of extended attributes holds: see --xattrs. Rules in files of directories do
// not count.
func (l *List) XattrRules() bool { return l.xattrRules }

// noPath stands for the absolute path where none is known: no pattern has a NUL.
var noPath = []byte("/\x00/")

// MatchXattr returns what the rules say of an extended attribute's name. Only rules with
// the modifier x are looked at, and none of those in directories. What is excluded on the
// receiver's side is neither deleted nor set there. For rsync an attribute's name is a path in the transfer:
// an anchored rule with the modifier / never matches one.
func (l *List) MatchXattr(side Side, name []byte) Verdict {
	return (&Dir{c: l.of(side), side: side, path: noPath, root: len(noPath)}).MatchXattr(name)
}

// MatchXattr is [List.MatchXattr] for a file in the directory. On the sender's side the
// rules in directories take part; rsync reads attributes at the receiver when no directory
// is entered, so that they have no effect there.
func (d *Dir) MatchXattr(name []byte) Verdict {
	// A name with slashes is matched as if it were a path.
	p := Dir{path: d.path[:d.root], root: d.root}
	if slash := bytes.LastIndexByte(name, '/'); slash >= 0 {
		p.path = append(p.path[:d.root:d.root], name[:slash+1]...)
		name = name[slash+1:]
	}
	r := d.decideXattr(d.c.rules, &p, name)
	if r == nil {
		return None
	}
	return r.verdict()
}

func (d *Dir) decideXattr(rules []Rule, p *Dir, name []byte) *Rule {
	for i := range rules {
		r := &rules[i]
		switch {
		case r.flags&perDir != 0:
			if d.side == Receiver || d.lists == nil {
				continue
			}
			for s := d.lists[r.list].head; s != nil; s = s.next {
				if found := d.decideXattr(s.rules, p, name); found != nil {
					return found
				}
			}
		case r.flags&xattr != 0 && r.flags&cvsIgnore == 0 && r.matches(p, name, false):
			return r
		}
	}
	return nil
}
