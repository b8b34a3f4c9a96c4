package filter

import "bytes"

// gitFile is the patterns of one source, with the directory that they are relative to.
type gitFile struct {
	patterns []gitPattern
	base     int // the length of [Dir].path of that directory
}

// gitPattern is one line of a .gitignore file.
type gitPattern struct {
	glob    []byte // without !, and without the slash at either end
	plain   int    // the length of what stands before the first special byte of glob
	negated bool
	dirOnly bool
	onName  bool // no slash but at the end: matched with the last component
}

// parseGit reads the contents of a .gitignore file, as git's dir.c does.
func parseGit(contents []byte) []gitPattern {
	var list []gitPattern
	contents = bytes.TrimPrefix(contents, []byte("\xef\xbb\xbf"))
	for len(contents) > 0 {
		line, rest, _ := bytes.Cut(contents, []byte("\n"))
		contents = rest
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		line, _, _ = bytes.Cut(line, []byte{0}) // git reads lines into C strings
		list = append(list, newGitPattern(trimSpaces(line)))
	}
	return list
}

// trimSpaces cuts off the spaces at the end but one behind a backslash.
func trimSpaces(line []byte) []byte {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			if i++; i == len(line) {
				return line
			}
		}
		end = i + 1
	}
	return line[:end]
}

func newGitPattern(line []byte) gitPattern {
	var p gitPattern
	if len(line) > 0 && line[0] == '!' {
		p.negated = true
		line = line[1:]
	}
	if len(line) > 0 && line[len(line)-1] == '/' {
		p.dirOnly = true
		line = line[:len(line)-1]
	}
	p.onName = bytes.IndexByte(line, '/') < 0
	if !p.onName && line[0] == '/' {
		line = line[1:]
	}
	p.glob = bytes.Clone(line)
	p.plain = bytes.IndexAny(line, `*?[\`)
	if p.plain < 0 {
		p.plain = len(line)
	}
	return p
}

// matches tells whether the pattern matches name in the directory dir, which is relative to
// the directory of the pattern's file.
func (p *gitPattern) matches(dir, name []byte, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	t := text{dir: dir, name: name}
	if p.onName {
		t.dir = nil
		if p.plain == len(p.glob) {
			return bytes.Equal(p.glob, name)
		}
		return gitWildmatch(p.glob, &t, 0, false) == match
	}
	if p.plain > t.len() {
		return false
	}
	for i := range p.plain {
		if t.at(i) != p.glob[i] {
			return false
		}
	}
	// As in git the part before the wildcards is gone by now, so that the ** of "a**/b"
	// counts as one at the start of a component.
	return gitWildmatch(p.glob[p.plain:], &t, p.plain, true) == match
}

// gitWildmatch is git's wildmatch, which departs from rsync's in what ** means: with
// pathname it crosses slashes only as a whole component, and "**/" matches nothing too;
// without pathname every * crosses slashes.
func gitWildmatch(pattern []byte, t *text, i int, pathname bool) outcome {
	end := t.len()
	for k := 0; k < len(pattern); k, i = k+1, i+1 {
		c := pattern[k]
		if i == end && c != '*' {
			return abortAll
		}
		switch c {
		case '?':
			if pathname && t.at(i) == '/' {
				return mismatch
			}
		case '[':
			n, in := class(pattern[k+1:], t.at(i))
			if n < 0 {
				return abortAll
			}
			if !in {
				return mismatch
			}
			k += n
		case '\\':
			k++
			if k == len(pattern) || t.at(i) != pattern[k] {
				return mismatch
			}
		case '*':
			first := k
			for k < len(pattern) && pattern[k] == '*' {
				k++
			}
			p := pattern[k:]
			across := !pathname
			if pathname && k-first > 1 && (first == 0 || pattern[first-1] == '/') && startsComponent(p) {
				if len(p) > 0 && p[0] == '/' && gitWildmatch(p[1:], t, i, pathname) == match {
					return match
				}
				across = true
			}
			return gitStar(p, t, i, pathname, across)
		default:
			if t.at(i) != c {
				return mismatch
			}
		}
	}
	if i < end {
		return mismatch
	}
	return match
}

// startsComponent tells whether a ** in front of p is a whole component.
func startsComponent(p []byte) bool {
	return len(p) == 0 || p[0] == '/' || len(p) > 1 && p[0] == '\\' && p[1] == '/'
}

// gitStar matches what follows the stars of a pattern.
func gitStar(p []byte, t *text, i int, pathname, across bool) outcome {
	end := t.len()
	if len(p) == 0 {
		for ; i < end && !across; i++ {
			if t.at(i) == '/' {
				return mismatch
			}
		}
		return match
	}
	literal := !special(p[0])
	for ; i < end; i++ {
		o := mismatch
		if !literal || t.at(i) == p[0] {
			o = gitWildmatch(p, t, i, pathname)
		}
		switch {
		case o == mismatch:
			if !across && t.at(i) == '/' {
				return abortToStarStar
			}
		case !across || o != abortToStarStar:
			return o
		}
	}
	return abortAll
}
