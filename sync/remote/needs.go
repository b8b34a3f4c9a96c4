package remote

import (
	"sync"

	"github.com/zccp/zccp/sync/wire"
)

// needs is what the receiver asked for and nobody has begun to send: a queue of
// runs, so that a million files take a few bytes.
type needs struct {
	mu    sync.Mutex
	wake  sync.Cond
	runs  []need
	big   []*sending // files that have ranges left, the oldest first
	ended bool
}

type need struct {
	dir      uint32
	from, to uint32
}

func newNeeds() *needs {
	q := &needs{}
	q.wake.L = &q.mu
	return q
}

// add appends runs of a directory.
func (q *needs) add(dir uint32, runs ...wire.Run) {
	q.mu.Lock()
	for _, r := range runs {
		q.runs = append(q.runs, need{dir, r.From, r.To})
	}
	q.wake.Broadcast()
	q.mu.Unlock()
}

// file returns the next file to be sent, if there is one.
func (q *needs) file() (id wire.FileID, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.runs) == 0 {
		return id, false
	}
	r := &q.runs[0]
	id = wire.FileID{Dir: r.dir, Index: r.from}
	if r.from++; r.from == r.to {
		if q.runs = q.runs[1:]; len(q.runs) == 0 {
			q.runs = nil
		}
	}
	return id, true
}

// share lets other streams take ranges of a file.
func (q *needs) share(f *sending) {
	q.mu.Lock()
	q.big = append(q.big, f)
	q.wake.Broadcast()
	q.mu.Unlock()
}

// help returns a file that has ranges left.
func (q *needs) help() *sending {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.big) > 0 {
		if !q.big[0].exhausted() {
			return q.big[0]
		}
		q.big = q.big[1:]
	}
	return nil
}

// sharedFile returns a file that may have ranges left, nil for none.
func (q *needs) sharedFile(id wire.FileID) *sending {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.big {
		if f.id == id {
			return f
		}
	}
	return nil
}

// await waits for something to do, or until stop says so. It reports false when
// there will be nothing more.
func (q *needs) await(stop func() bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.big) > 0 && q.big[0].exhausted() {
			q.big = q.big[1:]
		}
		switch {
		case q.ended:
			return false
		case len(q.runs) > 0 || len(q.big) > 0 || stop():
			return true
		}
		q.wake.Wait()
	}
}

// poke makes those who wait look again.
func (q *needs) poke() {
	q.mu.Lock()
	q.wake.Broadcast()
	q.mu.Unlock()
}

// end says that there will be nothing more.
func (q *needs) end() {
	q.mu.Lock()
	q.ended = true
	q.wake.Broadcast()
	q.mu.Unlock()
}
