package mirror

import (
	"bytes"
	"context"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// compareSize is how much of two files is compared at once: both pieces stay
// in the second-level cache.
const compareSize = 128 << 10

// sameContents reports whether the source of e and the file name in dir, of
// one size, hold the same bytes. Both are at hand, so they are compared as they
// are: no checksum, and the first difference ends it.
func (m *Mirror) sameContents(ctx context.Context, w *apply.Worker, e *entry, dir platform.FD, name platform.Name) (bool, error) {
	if m.far != nil {
		return m.sameSum(ctx, w, e, dir, name)
	}
	src, err := m.openSource(e)
	if err != nil {
		return false, err
	}
	defer m.calls.Close(src)
	dst, err := m.calls.Openat(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		// What can't be read is replaced.
		return false, nil
	}
	defer m.calls.Close(dst)
	if cap(w.Compare) < 2*compareSize {
		w.Compare = make([]byte, 2*compareSize)
	}
	a, b := w.Compare[:compareSize], w.Compare[compareSize:2*compareSize]
	for off := int64(0); ; {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		n, err := m.readFull(src, a, off)
		if err != nil {
			return false, &copier.StepError{Step: copier.StepRead, Err: err}
		}
		k, err := m.readFull(dst, b, off)
		if err != nil || n != k || !bytes.Equal(a[:n], b[:k]) {
			return false, nil
		}
		if n < len(a) {
			return true, nil
		}
		off += int64(n)
	}
}

// sameSum is sameContents for a source of which only the digest is at hand.
func (m *Mirror) sameSum(ctx context.Context, w *apply.Worker, e *entry, dir platform.FD, name platform.Name) (bool, error) {
	if e.sum == nil {
		return false, nil
	}
	fd, err := m.calls.Openat(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		return false, nil
	}
	defer m.calls.Close(fd)
	sum, err := m.sumFile(ctx, w, fd)
	return err == nil && bytes.Equal(sum, e.sum), ctx.Err()
}

// readFull reads until buf is full or the file ends.
func (m *Mirror) readFull(fd platform.FD, buf []byte, off int64) (int, error) {
	n := 0
	for tries := 0; n < len(buf); {
		k, err := m.calls.Pread(fd, buf[n:], off+int64(n))
		if platform.Interrupted(err) && tries < 1000 {
			tries++
			continue
		}
		if err != nil {
			return n, err
		}
		if k <= 0 || k > len(buf)-n {
			break
		}
		n += k
	}
	return n, nil
}
