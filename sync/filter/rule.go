package filter

import "bytes"

// flags are what the prefix and the modifiers of a rule say, and what its pattern is found
// to be.
type flags uint32

const (
	wild         flags = 1 << iota // the pattern has one of * ? [
	wild2                          // it has **
	wild2Prefix                    // it begins with **
	wild3Suffix                    // it ends with ***
	absPath                        // / : matched with the absolute path
	include                        // an include, otherwise an exclude
	directory                      // matches directories only
	wordSplit                      // w: the file is split at white space
	noInherit                      // n: the file's rules are not inherited
	noPrefixes                     // - or +: the file has plain patterns
	mergeFile                      // the pattern names a file of rules
	perDir                         // the file is looked for in each directory
	excludeSelf                    // e: the file itself is excluded
	negate                         // !: takes effect where the pattern fails
	cvsIgnore                      // C
	senderSide                     // s
	receiverSide                   // r
	clearList                      // the rule is "!"
	perishable                     // p
	xattr                          // x: matched with names of extended attributes
	gitIgnore                      // the place of the .gitignore files

	sides = senderSide | receiverSide
	// fromContainer are the flags that the rules of a file take from the rule that
	// names the file. Sides are passed on too, but checked; x is not passed on.
	fromContainer = absPath | include | directory | negate | perishable
)

// Rule is one rule of a list. It does not change.
type Rule struct {
	flags   flags
	pattern []byte // with its leading slash, without its trailing one
	slashes int    // in pattern
	list    int    // with perDir: the number of its list in [Dir].lists
	how     how
	cvs     []Rule // with C, in a directory's file: its rules
	fixed   []byte // with how of bySuffix, byPrefix: what the name ends or begins with
}

// how is the cheapest way to match a pattern. Most patterns are names or *.suffix, and
// they are matched with every name of the tree.
type how uint8

const (
	byWildmatch how = iota
	byName          // the last component is the pattern
	bySuffix        // the pattern is * and a literal
	byPrefix        // the pattern is a literal and *
	byAny           // the pattern is *
	byPath          // no wildcard, but a slash
)

// newRule finishes a rule: pat is its pattern, and f what was said of it.
func newRule(pat []byte, f flags) Rule {
	r := Rule{flags: f, pattern: pat, slashes: bytes.Count(pat, []byte("/"))}
	if bytes.ContainsAny(pat, "*[?") {
		r.flags |= wild
		if at := bytes.Index(pat, []byte("**")); at >= 0 {
			r.flags |= wild2
			if at == 0 {
				r.flags |= wild2Prefix
			}
			if bytes.HasSuffix(pat, []byte("***")) {
				r.flags |= wild3Suffix
			}
		}
	}
	onName := r.slashes == 0 && r.flags&wild2 == 0
	switch {
	case r.flags&wild == 0 && onName:
		r.how = byName
	case r.flags&wild == 0:
		r.how = byPath
	case !onName:
	case len(pat) == 1 && pat[0] == '*':
		r.how = byAny
	case pat[0] == '*' && !bytes.ContainsAny(pat[1:], `*?[\`):
		r.how, r.fixed = bySuffix, pat[1:]
	case pat[len(pat)-1] == '*' && !bytes.ContainsAny(pat[:len(pat)-1], `*?[\`):
		r.how, r.fixed = byPrefix, pat[:len(pat)-1]
	}
	return r
}

// matches tells whether the rule takes effect for name in the directory d. A rule for
// directories that meets something else has failed to match, so that with ! it takes
// effect.
func (r *Rule) matches(d *Dir, name []byte, isDir bool) bool {
	negated := r.flags&negate != 0
	if r.flags&directory != 0 && !isDir {
		return negated
	}
	return r.found(d, name, isDir) != negated
}

func (r *Rule) found(d *Dir, name []byte, isDir bool) bool {
	switch r.how {
	case byName:
		return bytes.Equal(name, r.pattern)
	case bySuffix:
		return bytes.HasSuffix(name, r.fixed)
	case byPrefix:
		return bytes.HasPrefix(name, r.fixed)
	case byAny:
		return true
	}
	t := text{name: name}
	if r.slashes > 0 || r.flags&wild2 != 0 {
		switch {
		case r.flags&absPath != 0 && d.root > 1:
			t.dir = d.path[1:]
		case r.flags&wild2Prefix != 0:
			// "**/" is to match at the top of the transfer too, so that the path
			// has to begin with a slash there.
			t.dir = d.path[d.root-1:]
		default:
			t.dir = d.path[d.root:]
		}
	}
	t.slash = isDir && r.flags&wild3Suffix != 0
	return r.matchText(&t)
}

func (r *Rule) matchText(t *text) bool {
	p := r.pattern
	anchored := len(p) > 0 && p[0] == '/'
	if anchored {
		p = p[1:]
	}
	if r.how == byPath {
		if anchored {
			return t.equal(0, p)
		}
		i := t.tail(r.slashes + 1)
		return i >= 0 && t.equal(i, p)
	}
	switch {
	case anchored, r.flags&wild2Prefix != 0, r.slashes == 0 && r.flags&wild2 == 0:
		return wildmatch(p, t, 0) == match
	case r.flags&wild2 == 0:
		i := t.tail(r.slashes + 1)
		return i >= 0 && wildmatch(p, t, i) == match
	}
	// A ** inside: tried behind every slash.
	o := wildmatch(p, t, 0)
	for i := 0; i < t.len() && o != match && o != abortAll; i++ {
		if t.at(i) == '/' {
			o = wildmatch(p, t, i+1)
		}
	}
	return o == match
}

// verdict is what the rule says of a name for which it takes effect.
func (r *Rule) verdict() Verdict {
	if r.flags&include != 0 {
		return Included
	}
	return Excluded
}

// needsPath tells whether the rule looks at more than the last component.
func (r *Rule) needsPath() bool { return r.slashes > 0 || r.flags&wild2 != 0 }

// Perishable tells whether the rule has no effect in a directory that is deleted.
func (r *Rule) Perishable() bool { return r.flags&perishable != 0 }

// String returns the rule as one of --filter.
func (r *Rule) String() string {
	if r.flags&gitIgnore != 0 {
		return "gitignore"
	}
	b := make([]byte, 0, len(r.pattern)+8)
	switch {
	case r.flags&perDir != 0:
		b = append(b, ':')
	case r.flags&include != 0:
		b = append(b, '+')
	default:
		b = append(b, '-')
	}
	put := func(f flags, c byte) {
		if r.flags&f != 0 {
			b = append(b, c)
		}
	}
	put(absPath, '/')
	put(negate, '!')
	if r.flags&cvsIgnore != 0 {
		b = append(b, 'C')
	} else {
		put(noInherit, 'n')
		put(wordSplit, 'w')
		if r.flags&noPrefixes != 0 && r.flags&include != 0 {
			b = append(b, '+')
		} else {
			put(noPrefixes, '-')
		}
	}
	put(xattr, 'x')
	put(senderSide, 's')
	put(receiverSide, 'r')
	put(perishable, 'p')
	if len(r.pattern) > 0 {
		b = append(b, ' ')
		b = append(b, r.pattern...)
		put(directory, '/')
	}
	return string(b)
}
