package filter

// text is what a pattern is matched against, in up to three pieces, so that a name need
// not be joined with the path of its directory: no allocation for a match.
type text struct {
	dir   []byte // empty, or ends with a slash
	name  []byte
	slash bool // a slash follows the name
}

func (t *text) len() int {
	n := len(t.dir) + len(t.name)
	if t.slash {
		n++
	}
	return n
}

// at returns the byte at i, which is below len.
func (t *text) at(i int) byte {
	if i < len(t.dir) {
		return t.dir[i]
	}
	if i -= len(t.dir); i < len(t.name) {
		return t.name[i]
	}
	return '/'
}

// tail returns where the last n elements of the path begin, or -1 if there are fewer.
func (t *text) tail(n int) int {
	for i := t.len() - 1; i >= 0; i-- {
		if t.at(i) == '/' {
			if n--; n == 0 {
				return i + 1
			}
		}
	}
	if n == 1 {
		return 0
	}
	return -1
}

// equal tells whether the text from i on is s.
func (t *text) equal(i int, s []byte) bool {
	if t.len()-i != len(s) {
		return false
	}
	for k, c := range s {
		if t.at(i+k) != c {
			return false
		}
	}
	return true
}

// outcome is what one attempt at matching came to. The two kinds of abort keep a pattern
// with many stars from being tried again where it can't match: without them the time is
// exponential in the number of stars.
type outcome uint8

const (
	mismatch        outcome = iota
	match                   // the pattern matches the whole rest of the text
	abortAll                // no later start can match either
	abortToStarStar         // no later start before the next slash can match
)

// wildmatch matches pattern against the rest of t from i on: ? and [] match no slash, *
// matches any number of bytes but slashes, ** any number of bytes, a backslash takes the
// next byte literally. It works on bytes. It follows rsync's own wildmatch to the letter,
// malformed classes included: those match nothing.
func wildmatch(p []byte, t *text, i int) outcome {
	end := t.len()
	for k := 0; k < len(p); k, i = k+1, i+1 {
		c := p[k]
		if i == end && c != '*' {
			return abortAll
		}
		switch c {
		case '*':
			return star(p[k+1:], t, i)
		case '?':
			if t.at(i) == '/' {
				return mismatch
			}
		case '[':
			n, in := class(p[k+1:], t.at(i))
			if n < 0 {
				return abortAll
			}
			if !in {
				return mismatch
			}
			k += n
		case '\\':
			k++
			// A backslash at the end of the pattern matches nothing.
			if k == len(p) || t.at(i) != p[k] {
				return mismatch
			}
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

// star matches what follows a * in a pattern, which may be more stars.
func star(p []byte, t *text, i int) outcome {
	end := t.len()
	across := len(p) > 0 && p[0] == '*'
	for len(p) > 0 && p[0] == '*' {
		p = p[1:]
	}
	if len(p) == 0 {
		if !across {
			for ; i < end; i++ {
				if t.at(i) == '/' {
					return mismatch
				}
			}
		}
		return match
	}
	literal := !special(p[0])
	for ; i < end; i++ {
		o := mismatch
		if !literal || t.at(i) == p[0] { // the rest is tried only where it can begin
			o = wildmatch(p, t, i)
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

// special tells whether c, in a pattern, stands for something else than itself.
func special(c byte) bool { return c == '*' || c == '?' || c == '[' || c == '\\' }

// class matches c with the class whose bytes begin in p behind the opening bracket. It
// returns how many bytes of p belong to the class, the closing bracket included, or -1 if
// it is malformed. A slash is in no class, not even in a negated one.
func class(p []byte, c byte) (n int, in bool) {
	k := 0
	get := func() byte {
		if k < len(p) {
			return p[k]
		}
		return 0
	}
	negated := get() == '!' || get() == '^'
	if negated {
		k++
	}
	var prev byte // the start of a range, 0 if none can start here
	for first := true; first || get() != ']'; first = false {
		ch := get()
		switch {
		case ch == 0:
			return -1, false
		case ch == '\\':
			k++
			if ch = get(); ch == 0 {
				return -1, false
			}
			in = in || c == ch
		case ch == '-' && prev != 0 && k+1 < len(p) && p[k+1] != ']':
			k++
			ch = get()
			if ch == '\\' {
				k++
				if ch = get(); ch == 0 {
					return -1, false
				}
			}
			in = in || prev <= c && c <= ch
			ch = 0
		case ch == '[' && k+1 < len(p) && p[k+1] == ':':
			from := k + 2
			to := from
			for to < len(p) && p[to] != ']' {
				to++
			}
			if to == len(p) {
				return -1, false
			}
			if to == from || p[to-1] != ':' {
				in = in || c == '[' // no ":]": an ordinary set
				break
			}
			is, known := named(string(p[from:to-1]), c)
			if !known {
				return -1, false
			}
			in = in || is
			k, ch = to, 0
		default:
			in = in || c == ch
		}
		prev = ch
		k++
	}
	return k + 1, in != negated && c != '/'
}

// named tells whether c is in the class of that name, of ASCII only as in rsync, and
// whether there is such a class.
func named(class string, c byte) (in, known bool) {
	lower := c >= 'a' && c <= 'z'
	upper := c >= 'A' && c <= 'Z'
	digit := c >= '0' && c <= '9'
	switch class {
	case "alnum":
		return lower || upper || digit, true
	case "alpha":
		return lower || upper, true
	case "blank":
		return c == ' ' || c == '\t', true
	case "cntrl":
		return c < 0x20 || c == 0x7f, true
	case "digit":
		return digit, true
	case "graph":
		return c > 0x20 && c < 0x7f, true
	case "lower":
		return lower, true
	case "print":
		return c >= 0x20 && c < 0x7f, true
	case "punct":
		return c > 0x20 && c < 0x7f && !lower && !upper && !digit, true
	case "space":
		return isSpace(c), true
	case "upper":
		return upper, true
	case "xdigit":
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F', true
	}
	return false, false
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
