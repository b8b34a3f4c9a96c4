package filter

import (
	"bytes"
	"fmt"
	"strings"
)

// syntax is how a source of rules is to be read.
type syntax uint8

const (
	// plain: patterns that take only "+ ", "- " and "!", as of --include and --exclude.
	plain syntax = 1 << iota
	// anchored: what begins with a slash is anchored at the directory of the file, and
	// rules of the other side are left out.
	anchored
)

// maxLine is the longest rule that is taken: no path is longer than 4096 bytes.
const maxLine = 4095

// target is where rules go: those of one file, before those it inherits.
type target struct {
	local     []Rule
	inherited *segment
}

// segment is the rules of one file, followed by those of the directories above.
type segment struct {
	rules []Rule
	next  *segment
}

func (t *target) segment() *segment {
	if len(t.local) == 0 {
		return t.inherited
	}
	return &segment{rules: t.local, next: t.inherited}
}

// mergeList is the state of one dir-merge rule in one directory.
type mergeList struct {
	flags   flags
	name    []byte // of the file; a path until the rule is set up
	pending bool   // to be set up in the first directory that is entered
	gone    bool   // the rule was cleared: its number is not used again
	head    *segment
}

// parser reads rules into a list, or into the lists of a directory.
type parser struct {
	list  *List
	side  Side
	dir   []byte // absolute, with a slash at the end; empty outside of a tree
	root  []byte // as dir: where names of the transfer begin
	above bool   // reading files of directories above the transfer
	lists []mergeList
	depth int // of merge files
	read  func(file string) ([]byte, error)
}

// file reads the contents of a file of rules.
func (p *parser) file(out *target, contents []byte, as flags, how syntax) error {
	for len(contents) > 0 {
		end := 0
		for end < len(contents) && !p.ends(contents[end], as) {
			end++
		}
		line := contents[:end]
		contents = contents[min(end+1, len(contents)):]
		// rsync reads lines into C strings.
		line, _, _ = bytes.Cut(line, []byte{0})
		if len(line) == 0 || as&wordSplit == 0 && (line[0] == '#' || line[0] == ';') {
			continue
		}
		if err := p.rules(out, line, as, how); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) ends(c byte, as flags) bool {
	switch {
	case as&wordSplit != 0 && isSpace(c):
		return true
	case p.list.nulEnded:
		return c == 0
	}
	return c == '\n' || c == '\r'
}

// rules reads the one rule of s, or all of them when as has wordSplit.
func (p *parser) rules(out *target, s []byte, as flags, how syntax) error {
	for {
		pat, f, rest, err := p.token(s, as, how)
		if err != nil {
			return err
		}
		if f == 0 && rest == nil {
			return nil
		}
		s = rest
		if len(pat) > maxLine {
			return fmt.Errorf("filter rule of %d bytes: longer than any path", len(pat))
		}
		if err := p.take(out, bytes.Clone(pat), f&^taken, how); err != nil {
			return err
		}
	}
}

// taken marks the flags of a rule that was read, so that none are not no rule.
const taken flags = 1 << 31

// take puts one rule where it belongs.
func (p *parser) take(out *target, pat []byte, f flags, how syntax) error {
	if f&clearList != 0 {
		p.clear(out)
		return nil
	}
	if f&mergeFile != 0 {
		if len(pat) == 0 {
			pat = []byte(".cvsignore")
		}
		if f&excludeSelf != 0 {
			name := pat[bytes.LastIndexByte(pat, '/')+1:]
			if err := p.add(out, name, 0, 0); err != nil {
				return err
			}
			f &^= excludeSelf
		}
		if f&perDir == 0 {
			return p.merge(out, pat, f)
		}
		if p.above {
			pat = p.resolve(pat)
			how = 0
		}
	}
	return p.add(out, pat, f, how)
}

// token reads the prefix and the modifiers of the first rule of s.
func (p *parser) token(s []byte, as flags, how syntax) (pat []byte, f flags, rest []byte, err error) {
	if as&wordSplit != 0 {
		s = bytes.TrimLeft(s, " \t\n\v\f\r")
	}
	if len(s) == 0 {
		return nil, 0, nil, nil
	}
	whole := s
	f = taken | as&fromContainer
	switch {
	case as&noPrefixes != 0:
		if s[0] == '!' && as&cvsIgnore != 0 {
			f |= clearList
		}
	case how&plain != 0:
		switch {
		case bytes.HasPrefix(s, []byte("- ")):
			f &^= include
			s = s[2:]
		case bytes.HasPrefix(s, []byte("+ ")):
			f |= include
			s = s[2:]
		case s[0] == '!':
			f |= clearList
		}
	default:
		if f, s, err = prefix(s, f, as); err != nil {
			return nil, 0, nil, err
		}
	}
	if as&sides != 0 {
		if f&sides != 0 {
			return nil, 0, nil, fmt.Errorf("filter rule %q: the file that it is in is already of one side", whole)
		}
		f |= as & sides
	}
	pat = s
	if as&wordSplit != 0 {
		if end := bytes.IndexAny(s, " \t\n\v\f\r"); end >= 0 {
			pat = s[:end]
		}
	}
	switch {
	case f&clearList != 0:
		if as&noPrefixes == 0 && how&plain == 0 && len(pat) > 0 {
			return nil, 0, nil, fmt.Errorf("filter rule %q: nothing may follow '!'", whole)
		}
		if len(pat) > 1 {
			f &^= clearList
		}
	case len(pat) == 0 && f&cvsIgnore == 0:
		return nil, 0, nil, fmt.Errorf("filter rule %q: the pattern is missing", whole)
	}
	if p.list.deleteExcluded && f&(sides|mergeFile) == 0 {
		f |= senderSide
	}
	return pat, f, s[len(pat):], nil
}

// words are the long names of rules.
var words = [...]struct {
	word  string
	short byte
}{
	{"clear", '!'}, {"dir-merge", ':'}, {"exclude", '-'}, {"hide", 'H'}, {"include", '+'},
	{"merge", '.'}, {"protect", 'P'}, {"risk", 'R'}, {"show", 'S'},
}

// prefix reads what stands before the pattern, and the one space or underscore behind it.
func prefix(s []byte, f, as flags) (flags, []byte, error) {
	whole := s
	kind, i := s[0], 1 // i is where modifiers begin
	if bytes.IndexByte([]byte("cdehimprs"), kind) >= 0 {
		kind, i = 0, 0
		for _, w := range words {
			if !bytes.HasPrefix(s, []byte(w.word)) {
				continue
			}
			i = len(w.word)
			switch {
			case i == len(s) || isSpace(s[i]) || s[i] == '_':
				kind = w.short
			case s[i] == ',':
				kind = w.short
				i++
			}
			break
		}
	} else if len(s) > 1 && s[1] == ',' {
		i = 2
	}
	sided := strings.IndexByte("HSPR", kind) >= 0
	switch kind {
	case ':':
		f |= perDir | mergeFile
	case '.':
		f |= mergeFile
	case '+':
		f |= include
	case '-':
	case 'S':
		f |= include | senderSide
	case 'H':
		f |= senderSide
	case 'R':
		f |= include | receiverSide
	case 'P':
		f |= receiverSide
	case '!':
		f |= clearList
	default:
		return 0, nil, fmt.Errorf("filter rule %q: unknown rule", whole)
	}
	if kind == '!' {
		return f, s[i:], nil
	}
	for ; i < len(s) && s[i] != ' ' && s[i] != '_'; i++ {
		if as&wordSplit != 0 && isSpace(s[i]) {
			return f, s[i:], nil
		}
		m := modifier(s[i], f, sided)
		if m == 0 {
			return 0, nil, fmt.Errorf("filter rule %q: invalid modifier %q", whole, s[i:i+1])
		}
		f |= m
	}
	if i < len(s) {
		i++
	}
	return f, s[i:], nil
}

// modifier returns what the modifier c adds to a rule with the flags f, 0 if it may not
// stand there. sided tells that the rule's name says a side.
func modifier(c byte, f flags, sided bool) flags {
	merge := f&mergeFile != 0
	switch {
	case c == '-' && merge && f&noPrefixes == 0:
		return noPrefixes
	case c == '+' && merge && f&noPrefixes == 0:
		return noPrefixes | include
	case c == '/':
		return absPath
	case c == '!' && !merge:
		return negate
	case c == 'C' && f&noPrefixes == 0 && !sided:
		return noPrefixes | wordSplit | noInherit | cvsIgnore
	case c == 'e' && merge:
		return excludeSelf
	case c == 'n' && merge:
		return noInherit
	case c == 'p':
		return perishable
	case c == 'r' && !sided:
		return receiverSide
	case c == 's' && !sided:
		return senderSide
	case c == 'w' && merge:
		return wordSplit
	case c == 'x':
		return xattr
	}
	return 0
}
