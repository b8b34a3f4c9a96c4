package local

import (
	"hash/maphash"

	"github.com/zccp/zccp/platform"
)

// maxListings bounds how often a directory is listed that keeps changing.
const maxListings = 4

// listing remembers which names of a directory were met, by their hashes:
// 8 bytes a name while the directory is being listed.
type listing struct {
	times int           // how often it was listed to its end
	mtime platform.Time // of the directory when the last listing began
	seen  []uint64
	known map[uint64]struct{} // nil in the first listing
}

var listingSeed = maphash.MakeSeed()

// met notes the names in buf and returns those, in buf, that an earlier
// listing didn't have.
func (l *listing) met(buf []byte) []byte {
	kept := buf[:0]
	for rest := buf; len(rest) > 0; {
		name, _, _, next := platform.NextEntry(rest)
		if name == nil {
			break
		}
		entry := rest[:len(rest)-len(next)]
		rest = next
		h := maphash.Bytes(listingSeed, name)
		if _, old := l.known[h]; old {
			continue
		}
		l.seen = append(l.seen, h)
		kept = append(kept, entry...)
	}
	return kept
}

// again reports whether a directory that was listed to its end has to be
// listed once more, and goes back to its start. A name that gets another file
// by a rename while it is listed may be left out though it was there all the
// time (readdir(3); seen on btrfs, which puts what is renamed at the end).
func (c *Copy) again(n *node, l *listing) bool {
	var st platform.Stat
	if l.times++; l.times == 1 {
		l.mtime = n.srcStat.Mtime
	}
	if c.calls.Fstat(n.sfd, &st) != nil || st.Mtime == l.mtime || l.times == maxListings {
		return false
	}
	if _, err := c.calls.Lseek(n.sfd, 0, platform.SeekSet); err != nil {
		return false
	}
	if l.known == nil {
		l.known = make(map[uint64]struct{}, len(l.seen))
	}
	for _, h := range l.seen {
		l.known[h] = struct{}{}
	}
	l.mtime, l.seen = st.Mtime, l.seen[:0]
	return true
}
