package verify

import (
	"container/list"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

var closed = [2]platform.FD{platform.None, platform.None}

// dir is a pair of directories under way. The sides are 0, the source, and 1.
type dir struct {
	parent *dir
	name   platform.Name    // in parent
	st     [2]platform.Stat // when it was opened

	// work counts the portions and the directories below that are not done,
	// portions only the portions.
	work     atomic.Int32
	portions atomic.Int32
	out      outbox

	// Guarded by pool.mu; fd doesn't change while the pair is in use.
	fd     [2]platform.FD
	users  int
	idle   *list.Element
	pinned bool
	// The list of the directories below that were entered and are not done,
	// the last one first.
	below, before, after *dir
}

func (d *dir) isOpen() bool { return d.pinned || d.fd != closed }

// path returns the path of a name in d below the roots; of none that of d.
func (d *dir) path(name platform.Name) string {
	var parts []string
	if name != nil {
		parts = append(parts, name.String())
	}
	for ; d.parent != nil; d = d.parent {
		parts = append(parts, d.name.String())
	}
	if len(parts) == 0 {
		return "."
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
		if i > 0 {
			b.WriteByte('/')
		}
	}
	return b.String()
}

// outbox hands on what the portions of a directory found in their order.
type outbox struct {
	mu    sync.Mutex
	next  int
	ready map[int][]Difference // of portions that are done before their turn
}

// put hands on what portion n found, once all before it are.
func (o *outbox) put(n int, found []Difference, report Reporter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n != o.next {
		if o.ready == nil {
			o.ready = map[int][]Difference{}
		}
		o.ready[n] = found
		return
	}
	for ok := true; ok; found, ok = o.ready[o.next] {
		delete(o.ready, o.next)
		o.next++
		if len(found) > 0 {
			report.Differences(found)
		}
	}
}
