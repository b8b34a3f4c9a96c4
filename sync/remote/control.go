package remote

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// control is the writing half of the control channel: a queue of encoded
// messages and the one goroutine that writes them.
type control struct {
	rw    io.ReadWriteCloser // nil until connect
	heard atomic.Int64       // when the peer's last byte came, ns since the epoch
	bytes atomic.Int64       // that came from the peer
	moved atomic.Int64       // when the last byte of ours left

	mu      sync.Mutex
	more    sync.Cond // for the writer: something is queued
	less    sync.Cond // for those that wait for room
	queue   []byte
	writing int  // bytes taken from the queue and not written yet
	ending  bool // nothing is added any more
	dead    bool // nobody waits for room any more
	failed  error
}

const (
	// writePiece is what one call writes at most, so that a slow line shows
	// that it moves.
	writePiece = 64 << 10
	// queueRoom is where those that may wait do so: behind it, a message of the
	// reader's would be late.
	queueRoom = 512 << 10
)

func newControl() *control {
	c := &control{}
	c.more.L, c.less.L = &c.mu, &c.mu
	return c
}

// connect says where to read and write.
func (c *control) connect(rw io.ReadWriteCloser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rw = rw
	now := time.Now().UnixNano()
	c.heard.Store(now)
	c.moved.Store(now)
}

// first puts encoded messages before everything that is queued.
func (c *control) first(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = slices.Insert(c.queue, 0, b...)
}

// Read reads from the channel for the reader, and notes that the peer lives.
func (c *control) Read(b []byte) (int, error) {
	n, err := c.rw.Read(b)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
		c.bytes.Add(int64(n))
	}
	return n, err
}

// send queues a message and never waits.
func (c *control) send(msg any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return nil
	}
	b, err := wire.Append(c.queue, msg)
	if err != nil {
		return err
	}
	c.queue = b
	c.more.Signal()
	return nil
}

// sendBytes queues encoded messages and never waits.
func (c *control) sendBytes(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ending {
		c.queue = append(c.queue, b...)
		c.more.Signal()
	}
}

// await waits until there is room for more, and reports false when the session
// ends. The reader must not call it. Before there is a connection nothing is late,
// and the windows bound what is queued.
func (c *control) await() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.rw != nil && len(c.queue)+c.writing > queueRoom && !c.dead {
		c.less.Wait()
	}
	return !c.dead
}

// release lets everybody go who waits for room.
func (c *control) release() {
	c.mu.Lock()
	c.dead = true
	c.less.Broadcast()
	c.mu.Unlock()
}

// write writes what is queued until end, then what is left.
func (c *control) write() error {
	var taken []byte
	for {
		c.mu.Lock()
		c.writing = 0
		c.less.Broadcast()
		for len(c.queue) == 0 && !c.ending {
			c.more.Wait()
		}
		if len(c.queue) == 0 {
			c.mu.Unlock()
			return nil
		}
		taken, c.queue = c.queue, taken[:0]
		c.writing = len(taken)
		c.moved.Store(time.Now().UnixNano())
		c.mu.Unlock()
		for rest := taken; len(rest) > 0; {
			n, err := c.rw.Write(rest[:min(len(rest), writePiece)])
			if err != nil {
				c.mu.Lock()
				c.failed, c.ending, c.queue = err, true, nil
				c.mu.Unlock()
				return err
			}
			rest = rest[n:]
			c.moved.Store(time.Now().UnixNano())
		}
		if cap(taken) > 4<<20 {
			taken = nil
		}
	}
}

// end lets write return once everything is written.
func (c *control) end() {
	c.mu.Lock()
	c.ending = true
	c.more.Broadcast()
	c.mu.Unlock()
}

// stuck tells since when the peer takes nothing, if something is to be
// written.
func (c *control) stuck() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(0, c.moved.Load()), c.writing > 0
}
