package apply

import (
	"fmt"
	"strings"
	"sync"

	"github.com/zccp/zccp/copier"
)

// lostMeta counts metadata that could not be kept where that is no failure.
type lostMeta struct {
	mu    sync.Mutex
	count map[copier.Attr]int
	first string
}

var lostWords = []struct {
	attr copier.Attr
	word string
}{
	{copier.AttrOwner, "ownership"}, {copier.AttrMode, "permissions"}, {copier.AttrACL, "ACLs"},
	{copier.AttrXattr, "extended attributes"}, {copier.AttrTimes, "times"}, {copier.AttrContext, "security context"},
	{copier.AttrLinks, "hard links"},
}

// Lost counts metadata that an entry did not keep though it is whole; path is
// called only if it is the first of the run.
func (r *Runner) Lost(attrs copier.Attr, path func() string) {
	l := &r.lost
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[copier.Attr]int{}
		l.first = path()
	}
	for _, w := range lostWords {
		if attrs&w.attr != 0 {
			l.count[w.attr]++
		}
	}
}

// LostSummary says in one line what was not kept, or "".
func (r *Runner) LostSummary() string {
	l := &r.lost
	l.mu.Lock()
	defer l.mu.Unlock()
	var parts []string
	for _, w := range lostWords {
		if n := l.count[w.attr]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s of %d", w.word, n))
		}
	}
	if parts == nil {
		return ""
	}
	return fmt.Sprintf("not kept: %s (first: %s)", strings.Join(parts, ", "), Quote(l.first))
}
