package delta

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/sync/wire"
)

// unit is how much is read at a time.
const unit = leafSize

// parallel calls do for all numbers below n, on all cores, each with a buffer
// of its own. It returns the first error, after which no more calls are made.
func parallel(ctx context.Context, n int, size int64, do func(i int, buf []byte) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	var stop atomic.Bool
	work := func() {
		var buf []byte
		for !stop.Load() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			err := ctx.Err()
			if err == nil {
				if buf == nil {
					buf = make([]byte, size)
				}
				err = do(i, buf)
			}
			if err != nil {
				once.Do(func() { failed = err })
				stop.Store(true)
			}
		}
	}
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return failed
}

// SignatureSums is how many sums a portion of a signature has at most.
const SignatureSums = 8192

// Sign tells the sums of the blocks of a file of size bytes in portions, in
// order; the last one may be empty, and the slice is the caller's only until
// emit returns. Its error ends it.
func Sign(ctx context.Context, r io.ReaderAt, size, block int64, seed uint64, emit func(first uint32, sums []wire.Sum, last bool) error) error {
	s := newSums(seed)
	n := Blocks(size, block)
	list := make([]wire.Sum, min(n, SignatureSums))
	at := max(unit/block, 1) // blocks at a time
	for first := 0; ; first += SignatureSums {
		part := list[:max(0, min(SignatureSums, n-first))]
		err := parallel(ctx, Blocks(int64(len(part)), at), at*block, func(i int, buf []byte) error {
			from := i * int(at)
			to := min(from+int(at), len(part))
			off := int64(first+from) * block
			buf = buf[:min(int64(to-from)*block, size-off)]
			if err := readAt(r, buf, off); err != nil {
				return err
			}
			for k := from; k < to; k++ {
				b := buf[:min(block, int64(len(buf)))]
				part[k], buf = s.of(b), buf[len(b):]
			}
			return nil
		})
		if err != nil {
			return err
		}
		last := first+len(part) >= n
		if err := emit(uint32(first), part, last); err != nil || last {
			return err
		}
	}
}

// Signature is what is known of a basis: the sums of all of its blocks.
type Signature struct {
	Size  int64
	Block int64
	Sums  []wire.Sum
}

// Add adds a portion, the next one in order, of a signature that began empty,
// and reports whether it is whole then. The error says that this is none.
func (s *Signature) Add(m *wire.Signature) (whole bool, err error) {
	if len(s.Sums) == 0 && m.First == 0 {
		s.Size, s.Block = m.Size, int64(m.Block)
		if s.Size < 0 || s.Block != Block(s.Size) {
			return false, fmt.Errorf("signature of %d bytes in blocks of %d", m.Size, m.Block)
		}
	}
	if s.Block == 0 {
		return false, fmt.Errorf("portion of a signature from %d on is the first", m.First)
	}
	n := Blocks(s.Size, s.Block)
	if m.Size != s.Size || int64(m.Block) != s.Block || int(m.First) != len(s.Sums) || len(m.Sums) > n-len(s.Sums) {
		return false, fmt.Errorf("portion of %d sums from %d on for a signature of %d with %d", len(m.Sums), m.First, n, len(s.Sums))
	}
	s.Sums = append(s.Sums, m.Sums...)
	if m.Last != (len(s.Sums) == n) {
		return false, fmt.Errorf("signature with %d of %d sums", len(s.Sums), n)
	}
	return m.Last, nil
}

// Digest returns the digest of a file of size bytes that Match returns for the
// same content under the same seed.
func Digest(ctx context.Context, r io.ReaderAt, size int64, seed uint64) ([16]byte, error) {
	s := newSums(seed)
	leaves := make([][16]byte, Blocks(size, leafSize))
	err := parallel(ctx, len(leaves), leafSize, func(i int, buf []byte) error {
		off := int64(i) * leafSize
		buf = buf[:min(leafSize, size-off)]
		if err := readAt(r, buf, off); err != nil {
			return err
		}
		leaves[i] = s.leaf(buf)
		return nil
	})
	return s.root(leaves, size), err
}
