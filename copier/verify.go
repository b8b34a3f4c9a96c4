package copier

import (
	"bytes"
	"context"

	"github.com/zccp/zccp/platform"
)

// verify flushes the stored file, drops its pages from the cache, reads it
// back and compares its digest with that of the source, read again: only so is
// a kernel or device caught that confirmed what it did not store. The file is
// unpublished, so nobody else's pages are dropped.
func (w *Worker) verify(ctx context.Context, fd platform.FD, p *Put) error {
	if err := w.uncache(fd); err != nil {
		return err
	}
	want, err := w.digest(ctx, p.Src)
	if err != nil {
		return err
	}
	return w.compareDigest(ctx, fd, want, p)
}

// uncache flushes what is stored and drops its pages.
func (w *Worker) uncache(fd platform.FD) error {
	if err := w.calls.Fdatasync(fd); err != nil && !platform.Unsupported(err) {
		return step(StepSync, err)
	}
	w.calls.Fadvise(fd, 0, 0, platform.AdviseDontNeed)
	return nil
}

// compareDigest reads back what is stored.
func (w *Worker) compareDigest(ctx context.Context, fd platform.FD, want []byte, p *Put) error {
	got, err := w.digest(ctx, fd)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return step(StepVerify, ErrVerify)
	}
	p.Result.Verified = true
	return nil
}

func (w *Worker) digest(ctx context.Context, fd platform.FD) ([]byte, error) {
	h := w.c.opts.Verify.New()
	buf := w.buffer()
	for off := int64(0); ; {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n, err := w.pread(fd, buf, off)
		if err != nil {
			return nil, step(StepVerify, err)
		}
		if n == 0 {
			return h.Sum(nil), nil
		}
		h.Write(buf[:n])
		off += int64(n)
	}
}
