package copier

import (
	"context"

	"github.com/zccp/zccp/platform"
)

// Stream copies from src to dst at their own positions until src ends. It is
// for what has no offsets: pipes, terminals, devices. Both descriptors block.
func (w *Worker) Stream(ctx context.Context, dst, src platform.FD, res *Result) error {
	buf := w.buffer()
	res.Method = ReadWrite
	for stalls := 0; ; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := w.calls.Read(src, buf)
		if err != nil || n < 0 || n > len(buf) {
			if err == nil {
				err = errCount("read", n, int64(len(buf)))
			}
			if stalls++; platform.Interrupted(err) && stalls < maxRepeats {
				continue
			}
			return step(StepRead, err)
		}
		if n == 0 {
			return nil
		}
		stalls = 0
		if l := w.c.opts.Limit; l != nil {
			if err := wait(ctx, l.reserve(int64(n))); err != nil {
				return err
			}
		}
		if err := w.writeAll(dst, buf[:n]); err != nil {
			return err
		}
		res.Bytes += int64(n)
		res.Moved += int64(n)
		w.tell(int64(n))
	}
}

func (w *Worker) writeAll(dst platform.FD, data []byte) error {
	for stalls := 0; len(data) > 0; {
		n, err := w.calls.Write(dst, data)
		if err == nil && n > 0 && n <= len(data) {
			data, stalls = data[n:], 0
			continue
		}
		if stalls++; stalls > maxRepeats || err != nil && !platform.Interrupted(err) || n > len(data) {
			if err == nil {
				err = errCount("write", n, int64(len(data)))
			}
			return step(StepWrite, err)
		}
	}
	return nil
}
