package remote

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/sync/wire"
)

// batchesHeld is how many batches are in memory at once. When all are, streams
// are not read from, and the sender's kernel stops it.
const batchesHeld = 8

// maxSums bounds the sums that have come before their batches.
const maxSums = 1 << 16

// intake takes in what comes on data streams.
type intake struct {
	r    *receiver
	room chan struct{} // one for each batch held

	mu      sync.Mutex
	pool    [][]byte
	files   map[wire.FileID]*incoming // some of which has come
	waiting map[wire.FileID]*incoming // everything has come, but the verdict
	sums    map[batchKey]*batchSum
}

type batchKey struct {
	stream uint32
	seq    uint64
}

// batchSum is one half of a batch that is to be checked: what was told, or what
// has come.
type batchSum struct {
	sum  [16]byte
	take func() error // nil for what was told
	free func()
}

func newIntake(r *receiver) *intake {
	return &intake{
		r: r, room: make(chan struct{}, batchesHeld),
		files: map[wire.FileID]*incoming{}, waiting: map[wire.FileID]*incoming{}, sums: map[batchKey]*batchSum{},
	}
}

// lane is one stream at the receiver.
type lane struct {
	x    *intake
	s    *stream
	seq  int64
	buf  []byte
	in   []byte
	pack packer
	wear wear
}

// stream reads from a stream until its end.
func (x *intake) stream(s *stream) error {
	x.r.track(s)
	select {
	case <-x.r.started:
	case <-x.r.ctx.Done():
	}
	l := &lane{x: x, s: s, buf: make([]byte, bufferSize), wear: wear{s: x.r.session, st: s}}
	return x.r.broken(s, l.run())
}

func (l *lane) run() error {
	var b [wire.HeaderSize]byte
	for l.x.r.ctx.Err() == nil {
		if _, err := io.ReadFull(l.s, b[:]); err != nil {
			return err
		}
		h, err := wire.ParseHeader(&b)
		if err != nil {
			return err
		}
		switch h.Type {
		case wire.FrameEnd:
			return nil
		case wire.FrameBatch:
			err = l.batch(&h)
		default:
			err = l.piece(&h)
		}
		if err == nil {
			err = l.wear.look(l.x.stream)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// batch takes in small files, which the engine then has.
func (l *lane) batch(h *wire.FrameHeader) error {
	if h.Off != l.seq {
		return violated("batch %d on stream %d, which has had %d", h.Off, l.s.number, l.seq)
	}
	l.seq++
	x := l.x
	payload, err := x.take(int(h.Raw))
	if err != nil {
		return err
	}
	free := sync.OnceFunc(func() { x.give(payload) })
	files, sum, err := l.files(h, payload)
	if err != nil {
		free()
		return err
	}
	take := func() error { return x.r.engine.Batch(files, free) }
	if l.s.private {
		return take()
	}
	return x.check(batchKey{l.s.number, uint64(h.Off)}, &batchSum{sum, take, free})
}

// files reads a batch into payload and returns what is in it, and the sum of what
// came.
func (l *lane) files(h *wire.FrameHeader, payload []byte) ([]wire.BatchFile, [16]byte, error) {
	in := payload
	packed := h.Flags&wire.FrameZstd != 0
	if packed {
		in = l.input(int(h.Len))
	}
	var sum [16]byte
	if _, err := io.ReadFull(l.s, in); err != nil {
		return nil, sum, noEOF(err)
	}
	if !l.s.private {
		sum = hash128(in, l.x.r.seed)
	}
	if packed {
		out, err := l.pack.unpack(in, len(payload))
		if err != nil {
			return nil, sum, err
		}
		copy(payload, out)
	}
	files, err := wire.ParseBatch(payload)
	return files, sum, err
}

// input returns room for n bytes that are compressed.
func (l *lane) input(n int) []byte {
	if cap(l.in) < n {
		l.in = make([]byte, n)
	}
	return l.in[:n]
}

// noEOF is for what ends within a frame.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take returns memory for a batch of n bytes, and waits while there is too much
// in use.
func (x *intake) take(n int) ([]byte, error) {
	select {
	case x.room <- struct{}{}:
	case <-x.r.ctx.Done():
		return nil, context.Cause(x.r.ctx)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if k := len(x.pool); k > 0 {
		b := x.pool[k-1]
		x.pool = x.pool[:k-1]
		if cap(b) >= n {
			return b[:n], nil
		}
	}
	return make([]byte, n, max(n, batchBytes+smallFile+4096)), nil
}

func (x *intake) give(b []byte) {
	x.mu.Lock()
	x.pool = append(x.pool, b)
	x.mu.Unlock()
	<-x.room
}

// batchSum takes the sum that was told of a batch.
func (x *intake) batchSum(m *wire.BatchSum) error {
	return x.check(batchKey{m.Stream, m.Seq}, &batchSum{sum: m.Sum})
}

// check puts the halves of a batch together. What comes first waits for the
// other.
func (x *intake) check(k batchKey, half *batchSum) error {
	x.mu.Lock()
	other := x.sums[k]
	switch {
	case other == nil:
		x.sums[k] = half
		full := len(x.sums) > maxSums
		x.mu.Unlock()
		if full {
			return violated("too many sums of batches")
		}
		return nil
	case (other.take == nil) == (half.take == nil):
		x.mu.Unlock()
		return violated("batch %d of stream %d came twice", k.seq, k.stream)
	}
	delete(x.sums, k)
	x.mu.Unlock()
	came := half
	if came.take == nil {
		came = other
	}
	if half.sum != other.sum {
		came.free()
		return forged(fmt.Sprintf("batch %d", k.seq))
	}
	return came.take()
}

func forged(what string) error {
	return &Error{Code: CodeSecurity, Text: what + " arrived otherwise than it was sent", Hint: "somebody alters what goes over the network; use --security=tls"}
}

// piece takes in a range, hole or copied range of a file.
func (l *lane) piece(h *wire.FrameHeader) error {
	f, err := l.x.begin(h.ID)
	if err != nil {
		return err
	}
	f.do(func(a arrival) error {
		if l.s.private {
			a.Outlive()
		} else {
			// Until its sum is right nothing of it is to be kept.
			a.Spoil()
		}
		return nil
	})
	sum, err := l.store(f, h)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active--
	if err := f.count(h.Raw); err != nil {
		return err
	}
	if !l.s.private {
		f.sum.add(h.Type, h.Off, h.Raw, sum, l.x.r.seed)
	}
	return l.x.settle(f)
}

// store reads a payload and stores what it is. Its error is one of the stream;
// those of the file are f's.
func (l *lane) store(f *incoming, h *wire.FrameHeader) (sum [16]byte, err error) {
	switch h.Type {
	case wire.FrameHole:
		f.do(func(a arrival) error { return a.Hole(h.Off, h.Raw) })
		return sum, nil
	case wire.FrameCopy:
		var b [8]byte
		if _, err := io.ReadFull(l.s, b[:]); err != nil {
			return sum, noEOF(err)
		}
		if !l.s.private {
			sum = hash128(b[:], l.x.r.seed)
		}
		f.mu.Lock()
		f.copied = true
		f.mu.Unlock()
		f.do(func(a arrival) error { return a.Copy(h.Off, int64(le.Uint64(b[:])), h.Raw) })
		return sum, nil
	}
	if h.Flags&wire.FrameZstd != 0 {
		in := l.input(int(h.Len))
		if _, err := io.ReadFull(l.s, in); err != nil {
			return sum, noEOF(err)
		}
		if !l.s.private {
			sum = hash128(in, l.x.r.seed)
		}
		data, err := l.pack.unpack(in, int(h.Raw))
		if err != nil {
			return sum, err
		}
		f.do(func(a arrival) error { return a.WriteAt(data, h.Off) })
		return sum, nil
	}
	var hash *xxh3.Hasher128
	if !l.s.private {
		hash = xxh3.NewSeed128(l.x.r.seed)
	}
	for done := int64(0); done < h.Raw; {
		data := l.buf[:min(bufferSize, h.Raw-done)]
		if _, err := io.ReadFull(l.s, data); err != nil {
			return sum, noEOF(err)
		}
		if hash != nil {
			hash.Write(data)
		}
		f.do(func(a arrival) error { return a.WriteAt(data, h.Off+done) })
		done += int64(len(data))
	}
	if hash != nil {
		sum = hash.Sum128().Bytes()
	}
	return sum, nil
}
