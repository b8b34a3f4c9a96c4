package remote

import (
	"context"
	"sync"
)

// inbox is a queue from the reader of the control channel, which never waits,
// to a goroutine that may. Its limit is above what the windows and the number
// of open files let an honest peer have on its way.
type inbox[T any] struct {
	mu    sync.Mutex
	items []T
	size  int
	limit int
	wake  chan struct{}
	ended bool
}

func newInbox[T any](limit int) *inbox[T] {
	return &inbox[T]{limit: limit, wake: make(chan struct{}, 1)}
}

// put appends an item of size bytes. It fails if there is too much already.
func (q *inbox[T]) put(item T, size int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return nil
	}
	if q.size += size + itemSize; q.size > q.limit {
		return violated("more was sent than was asked for")
	}
	q.items = append(q.items, item)
	q.signal()
	return nil
}

// itemSize is what an item takes beside its content, at least.
const itemSize = 64

func (q *inbox[T]) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// end lets take return false once everything was taken.
func (q *inbox[T]) end() {
	q.mu.Lock()
	q.ended = true
	q.signal()
	q.mu.Unlock()
}

// take waits for items and returns all there are. It reports false at the end,
// or when ctx is done.
func (q *inbox[T]) take(ctx context.Context) ([]T, bool) {
	for {
		q.mu.Lock()
		items, ended := q.items, q.ended
		q.items, q.size = nil, 0
		q.mu.Unlock()
		if len(items) > 0 {
			return items, true
		}
		if ended {
			return nil, false
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, false
		}
	}
}
