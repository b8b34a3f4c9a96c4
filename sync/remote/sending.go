package remote

import (
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/delta"
	"github.com/zccp/zccp/sync/wire"
)

const (
	// rangeSize is what is sent of a file at once: with several streams, large
	// enough for sendfile to be one call in a hundred.
	rangeSize = 16 << 20
	// pipeRange keeps the control messages in between going.
	pipeRange = 256 << 10
	// packRange is what is compressed at once.
	packRange = 1 << 20
)

// sending is a file that goes out in ranges, on several streams.
type sending struct {
	id     wire.FileID
	fd     platform.FD
	st     platform.Stat // when it was opened
	packs  bool          // it is worth compressing
	parks  sync.Once     // the place among the parked files
	kernel atomic.Bool   // a range of it was sent by the kernel
	next   atomic.Int64  // where the next range begins; changed under mu
	end    int64

	mu     sync.Mutex
	active int   // ranges being sent
	data   int64 // up to where there is no hole
	sparse bool
	status wire.Status
	sum    foldedSum
	over   bool
	// Of a file that the receiver can't store not all goes out, but so much:
	dropped bool
	bytes   int64

	// Of a file that is sent as what differs from a basis:
	delta  bool
	copies []delta.Copy // that are not sent yet, by offset; under mu
	digest [16]byte
}

// segment is a range of a file that is to be sent.
type segment struct {
	off, n int64
	hole   bool
	copied bool  // it is what the basis holds
	from   int64 // from there on
}

func (f *sending) exhausted() bool { return f.next.Load() >= f.end }

// take returns the next range, of at most limit bytes.
func (f *sending) take(calls *platform.Calls, limit int64) (g segment, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g.off = f.next.Load()
	if g.off >= f.end {
		return g, false
	}
	g.n = f.end - g.off
	if len(f.copies) > 0 {
		g.copied = f.nextCopy(&g)
	}
	if !g.copied && f.sparse && g.off >= f.data {
		g.hole = f.findData(calls, &g)
	}
	if !g.hole && !g.copied {
		g.n = min(g.n, limit)
		if f.sparse {
			g.n = min(g.n, f.data-g.off)
		}
	}
	f.next.Store(g.off + g.n)
	f.active++
	return g, true
}

// nextCopy reports whether what is at g.off need not be sent. g ends where the
// next copy begins, or with it.
func (f *sending) nextCopy(g *segment) bool {
	c := &f.copies[0]
	if c.Off > g.off {
		g.n = c.Off - g.off
		return false
	}
	g.n, g.from = c.Len, c.From
	f.copies = f.copies[1:]
	return true
}

// findData looks at what is at g.off. It reports true for a hole, whose length
// is then g's, but at most g.n; else f.data is behind g.off.
func (f *sending) findData(calls *platform.Calls, g *segment) bool {
	at, err := calls.Lseek(f.fd, g.off, platform.SeekData)
	switch {
	case platform.NoMoreData(err):
		return true // to the end of what is asked for
	case err != nil || at < g.off:
		f.sparse = false
		return false
	case at > g.off:
		g.n = min(at-g.off, g.n)
		return true
	}
	at, err = calls.Lseek(f.fd, g.off, platform.SeekHole)
	if err != nil || at <= g.off {
		f.sparse = false
		return false
	}
	f.data = min(at, f.end)
	return false
}

// spoil notes that what was sent is not what the file held.
func (f *sending) spoil(status wire.Status) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first = f.status == wire.Good
	if first {
		f.status = status
	}
	return first
}

// drop leaves out what nobody has begun to send. It reports whether nothing of the
// file is being sent: then the caller is to end it.
func (f *sending) drop() (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.next.Load()
	if at >= f.end || f.over {
		return false
	}
	f.next.Store(f.end)
	f.bytes, f.dropped = at, true
	if f.status == wire.Good {
		f.status = wire.Failed
	}
	f.over = f.active == 0
	return f.over
}

// size is how much content goes out.
func (f *sending) size() int64 {
	if f.dropped {
		return f.bytes
	}
	return f.end
}

// done ends a range, and reports whether it was the last one.
func (f *sending) done() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active--
	if f.active > 0 || f.next.Load() < f.end || f.over {
		return false
	}
	f.over = true
	return true
}

// foldedSum is the sum of frames in any order; see wire.Sent.
type foldedSum struct {
	sum  [16]byte
	used bool
}

func (s *foldedSum) add(kind wire.FrameType, off, n int64, payload [16]byte, seed uint64) {
	b := make([]byte, 1, 33)
	b[0] = byte(kind)
	b = le.AppendUint64(b, uint64(off))
	b = le.AppendUint64(b, uint64(n))
	b = append(b, payload[:]...)
	h := hash128(b, seed)
	for i := range s.sum {
		s.sum[i] ^= h[i]
	}
	s.used = true
}

// sums returns what is told of it.
func (s *foldedSum) sums(size int64) []wire.RangeSum {
	if !s.used {
		return nil
	}
	return []wire.RangeSum{{Off: 0, Len: size, Sum: s.sum}}
}
