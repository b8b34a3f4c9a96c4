package remote

import (
	"context"
	"errors"
	"io"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/delta"
	"github.com/zccp/zccp/sync/wire"
)

// A file of which the receiver has much is sent as what differs. The receiver
// asks for it (Need with the action Delta) and tells the sums of what it has
// (Signature). The sender compares, asks for finer sums where blocks differ
// (Refine, Fine), and sends frames, of which those of type FrameCopy tell what
// is in the basis. As with a file that the kernel sent, the Verdict comes after
// Received, and until then the sender has the file open: if the receiver finds
// that what it made has another digest than Sent told, or that the basis is not
// what it was, it says so by one more Signature, which is empty, and the file is
// sent again as a whole.
//
// Signatures take memory at the sender, so there is a window: the receiver has
// no more of them on their way than this, except for a file that alone has more.
const (
	deltaFiles = 64
	deltaSums  = 1 << 19
)

// maxFine bounds the sums that the sender asks for by Refine, and so the pieces
// that a file is cut into. It is enough for files of 16 GiB of which every block
// differs; of larger ones the blocks behind that are sent whole.
const maxFine = 1 << 22

// fileReader reads a file at offsets.
type fileReader struct {
	calls *platform.Calls
	fd    platform.FD
}

func (r fileReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := readFull(r.calls, r.fd, b, off)
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// copied sends where in the basis a range is found.
func (p *pump) copied(f *sending, g *segment) error {
	h := wire.FrameHeader{Type: wire.FrameCopy, ID: f.id, Off: g.off, Raw: g.n, Len: 8}
	p.header(&h)
	b := p.buf[:wire.HeaderSize+8]
	le.PutUint64(b[wire.HeaderSize:], uint64(g.from))
	if !p.s.private {
		p.sum(f, &h, hash128(b[wire.HeaderSize:], p.d.seed))
	}
	return p.write(b)
}

// lacksBasis reports whether a file failed because of its basis, so that it can
// be had as a whole.
func (f *incoming) lacksBasis() bool { return !f.again && errors.Is(f.err, copier.ErrBasis) }

// checkFile compares what was made of a file with its digest, and passes the
// file on or has it sent as a whole.
func (x *deltaReceiver) checkFile(f *incoming) error {
	f.mu.Lock()
	sent, err := f.sent, f.err
	f.mu.Unlock()
	if !f.genuine() {
		return forged("a file")
	}
	if !sent.Kernel || len(sent.Digest) == 0 {
		return violated("a delta without the means to check it")
	}
	same := false
	if err == nil {
		same, err = x.digestIs(f.file, sent)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case x.r.ctx.Err() != nil:
		return nil
	case same:
		return x.r.frames.arrived(f)
	case err == nil || f.lacksBasis():
		err = f.file.Restart()
	}
	if err != nil {
		f.err, f.failed = err, true
		if err := x.r.engine.Fail(f.id, err); err != nil {
			return err
		}
		return x.r.frames.arrived(f) // to the verdict, which lets go of it
	}
	f.got, f.sent, f.sum, f.err = 0, nil, foldedSum{}, nil
	f.over, f.copied, f.again = false, false, true
	return x.r.ctl.send(&wire.Signature{ID: f.id, Block: uint32(delta.Block(0)), Last: true})
}

// digestIs reports whether what has arrived is what the sender has.
func (x *deltaReceiver) digestIs(a arrival, sent *wire.Sent) (bool, error) {
	if v := x.r.words.verify; v != copier.NoHash {
		h := v.New()
		if _, err := io.CopyBuffer(h, withContext{x.r.ctx, io.NewSectionReader(a, 0, sent.Size)}, make([]byte, bufferSize)); err != nil {
			return false, err
		}
		return string(h.Sum(nil)) == string(sent.Digest), nil
	}
	got, err := delta.Digest(x.r.ctx, a, sent.Size, x.r.seed)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil // less than its size has arrived
	}
	return err == nil && string(got[:]) == string(sent.Digest), err
}

// withContext is a reader that ends with a context.
type withContext struct {
	ctx context.Context
	r   io.Reader
}

func (c withContext) Read(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(b)
}
