package copier

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/platform"
)

// Copier holds what the workers of a run share. It is safe for concurrent use.
type Copier struct {
	calls *platform.Calls
	opts  Options

	memo      sync.Map // pairKey -> *atomic.Uint32, bit set of refused methods
	noUnnamed sync.Map // device -> struct{}: no O_TMPFILE there
	selfUID   uint32
	settled   platform.Time // sources changed before are not being written
	cold      atomic.Int64  // bytes of large sources that were not in memory
	memory    func() int64  // that can be had, in bytes; 0 if it can't be told
	boot      func() uint64 // of the machine; see bootID
	copies    *firstCopies  // that later files can share data with

	buffers sync.Pool // of *[]byte, for Arrivals

	resumeMin, resumeChunk int64 // ResumeMin and resumeChunk, but in tests
}

type pairKey struct{ dst, src uint64 }

// New returns a Copier that makes its calls through calls. uid is the
// effective user of the process.
func New(calls *platform.Calls, opts Options, uid uint32) *Copier {
	return &Copier{
		calls: calls, opts: opts, selfUID: uid, settled: settledAt(time.Now()),
		memory: sync.OnceValue(func() int64 {
			n, err := platform.AvailableMemory()
			if err != nil {
				return 0
			}
			return n
		}),
		boot:      sync.OnceValue(func() uint64 { return bootID(calls) }),
		copies:    newFirstCopies(calls),
		resumeMin: ResumeMin, resumeChunk: resumeChunk,
	}
}

// Close lets go of the files that PreserveSharing holds open. No worker may be
// at work.
func (c *Copier) Close() { c.copies.close() }

// Options returns the options of the run.
func (c *Copier) Options() *Options { return &c.opts }

// bufferSize: 128 to 512 KiB are level, 1 MiB and more cost up to half as much
// CPU again because the buffer leaves the second-level cache.
const bufferSize = 256 << 10

// Worker copies files one after the other. It owns the buffers, so that
// nothing is allocated per file; it is not safe for concurrent use.
type Worker struct {
	// Progress, if set, hears of every chunk of a file that takes several.
	Progress func(bytes int64)

	c      *Copier
	calls  *platform.Calls
	buf    []byte
	blocks directBlocks
	attrs  [4096]byte
	value  []byte
	t      transfer
	dstOld platform.Stat
	dstNow platform.Stat
	srcNow platform.Stat
	staged Staged
	share  sharer
	// cloneRefusal is why CloneAt did not make the staged file.
	cloneRefusal error

	pair    pairKey
	refused *atomic.Uint32
}

// NewWorker returns a worker with buffers of its own.
func (c *Copier) NewWorker() *Worker {
	return &Worker{c: c, calls: c.calls}
}

func (c *Copier) takeBuffer() *[]byte {
	if b, ok := c.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSize)
	return &b
}

func (c *Copier) giveBuffer(b *[]byte) { c.buffers.Put(b) }

// buffer is made at first use: where every file is cloned none is needed.
func (w *Worker) buffer() []byte {
	if w.buf == nil {
		w.buf = make([]byte, bufferSize)
	}
	return w.buf
}

// refusedFor returns the bit set of methods known not to work from one file
// system to another; the last pair is kept at hand.
func (w *Worker) refusedFor(dst, src uint64) *atomic.Uint32 {
	k := pairKey{dst, src}
	if w.refused == nil || w.pair != k {
		v, ok := w.c.memo.Load(k)
		if !ok {
			v, _ = w.c.memo.LoadOrStore(k, new(atomic.Uint32))
		}
		w.pair, w.refused = k, v.(*atomic.Uint32)
	}
	return w.refused
}
