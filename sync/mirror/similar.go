package mirror

import (
	"bytes"

	"github.com/zccp/zccp/platform"
)

// A new file is likely to hold much of one that has the same time and size, or nearly
// the same name: it was renamed, rotated, or is the next version (rsync's --fuzzy).

const (
	// maxSimilar is how many names of a directory are looked at for one file: a
	// system call each.
	maxSimilar = 10_000
	// maxDistance is the distance from which names have nothing in common.
	maxDistance = 25
	// suffixWeight is how much more the end of a name tells than the rest of it.
	suffixWeight = 10
)

// similar returns the file beside e that its content is likely to be like, and its
// size; nil for none that is worth comparing. e.p is in use.
func (r *Receiver) similar(e *entry) (best platform.Name, size int64) {
	m := r.m
	if !m.opts.Fuzzy || e.exists || e.src.Size < farDelta || m.opts.WholeGiven || m.opts.WholeFile || m.writesInto(e) {
		return nil, 0
	}
	r.mu.Lock()
	l, names := e.p.in.l, e.p.in.dst
	r.mu.Unlock()
	if l == nil {
		return nil, 0
	}
	least := maxDistance
	for i := range names[:min(len(names), maxSimilar)] {
		// Its flags may be set meanwhile by others.
		name := l.name(ref{off: names[i].off})
		if mode := (ref{typ: names[i].typ}).mode(); mode != platform.ModeRegular && mode != 0 {
			continue
		}
		var st platform.Stat
		if m.calls.Statat(e.p.dfd(), name, &st, false) != nil || !st.IsRegular() || st.Size < farDelta {
			continue
		}
		if st.Size == e.src.Size && st.Mtime == e.src.Mtime {
			return name.Clone(), st.Size
		}
		if d := nameDistance(name.Bytes(), e.as.Bytes(), least); d < least {
			best, size, least = name, st.Size, d
		}
	}
	return best.Clone(), size
}

// nameDistance returns how many bytes of a name have to be changed, put in or taken
// out for the other one, those of the suffix weighed more; limit or more if it is not
// below limit.
func nameDistance(a, b []byte, limit int) int {
	d := editDistance(a, b, limit)
	if d < limit {
		d += suffixWeight * editDistance(suffix(a), suffix(b), limit)
	}
	return d
}

// suffix returns what follows the last dot of a name, with the dot, unless it is a
// mere number, as of a log that was rotated, or the name of a backup.
func suffix(name []byte) []byte {
	for {
		i := bytes.LastIndexByte(name, '.')
		if i <= 0 {
			return nil
		}
		switch s := name[i:]; {
		case len(bytes.Trim(s[1:], "0123456789")) == 0, string(s) == ".bak", string(s) == ".old", string(s) == ".orig":
			name = name[:i]
		default:
			return bytes.TrimSuffix(s, []byte("~"))
		}
	}
}

// editDistance is Levenshtein's, by rows (Wagner and Fischer, J. ACM 21, 1974); limit
// or more if it is not below limit.
func editDistance(a, b []byte, limit int) int {
	if n := len(a) - len(b); max(n, -n) >= limit {
		return limit
	}
	var row [256]int // names have 255 bytes at most
	if len(b) >= len(row) {
		return limit
	}
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range a {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range b {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
