package remote

import "sync"

// window bounds what one end has sent of a flow and the other has not worked
// off yet.
type window struct {
	mu   sync.Mutex
	wake sync.Cond
	size int64
	used int64
	dead bool
}

// Sizes of the windows, in bytes. That of chunks is what a pipe of 80 MB/s
// holds at a round trip of 100 ms.
const (
	listingWindow = 2 << 20
	chunkWindow   = 8 << 20
	reportWindow  = 1 << 20
)

func newWindow(size int64) *window {
	w := &window{size: size}
	w.wake.L = &w.mu
	return w
}

// kept is the part of a window, one in so many, that a receiver holds back at
// most, until it is worth a message.
const kept = 16

// take waits until n more bytes fit, and takes them. What is larger than the
// window goes alone, but for what may be held back. It reports false when the
// session ends.
func (w *window) take(n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.used > w.size/kept && w.used+n > w.size && !w.dead {
		w.wake.Wait()
	}
	w.used += n
	return !w.dead
}

// give gives n bytes back, as the peer said.
func (w *window) give(n uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n > uint64(w.used) {
		return violated("credit for %d bytes, of %d that were sent", n, w.used)
	}
	w.used -= int64(n)
	w.wake.Broadcast()
	return nil
}

// kill lets everybody go.
func (w *window) kill() {
	w.mu.Lock()
	w.dead = true
	w.wake.Broadcast()
	w.mu.Unlock()
}

// owed collects what is to be given back, so that a message is worth sending.
// Nobody waits for what is kept.
type owed struct {
	mu   sync.Mutex
	n    uint64
	step uint64
}

// add returns what is to be given back now, or 0.
func (o *owed) add(n int) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n += uint64(n); o.n < o.step {
		return 0
	}
	n64 := o.n
	o.n = 0
	return n64
}
