package copier

import (
	"context"
	"fmt"
	"io"

	"github.com/zccp/zccp/platform"
)

// receiveSpliceMin is the size from which a pipe pays for itself.
const receiveSpliceMin = 256 << 10

// Receive stores exactly n bytes from sock, a connected stream socket, at
// offset off of dst, an open regular file. Nothing behind them is read from
// the socket. Both descriptors stay the caller's; the position of dst is not
// used, and its size changes only where the bytes go beyond it. What is said
// of blocking sockets at Send holds here too.
//
// res.Bytes and res.Moved grow by what is stored, also where an error is
// returned; res.Method is what stored the last byte. The error is:
//
//   - a StepError of StepRead that wraps io.ErrUnexpectedEOF: the peer closed
//     the connection too early.
//   - a StepError of StepMove that wraps a MethodError: none of the methods
//     asked for can do it.
//   - a StepError of StepMove: what else the socket said.
//   - a StepError of StepWrite: dst can't be written, as for want of space.
//   - that of ctx.
//
// After an error more may have been taken from the socket than was stored: the
// connection is out of step and of no further use.
func (w *Worker) Receive(ctx context.Context, dst, sock platform.FD, off, n int64, res *Result) error {
	if n <= 0 {
		return nil
	}
	w.refusedFor(socketDevice, socketDevice)
	t := &socketTransfer{sock: sock, file: dst, off: off, end: off + n, res: res, told: n > progressMin}
	defer t.drop(w)
	if err := t.choose(w); err != nil {
		return err
	}
	for t.off < t.end {
		n, err := w.allow(ctx, t, t.end-t.off)
		if err != nil {
			return err
		}
		moved, err := t.rows[0].receive(w, t, n)
		if moved > 0 {
			w.advance(t, moved)
		}
		switch {
		case err != nil:
			err = w.judgeSocket(ctx, t, err)
		case moved == 0:
			err = &StepError{Step: StepRead, Err: fmt.Errorf("the peer closed the connection %d bytes too early: %w", t.end-t.off, io.ErrUnexpectedEOF)}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// receiveReadWrite stores what one read gave. A count of 0 is the end: unlike a
// file, a stream has no other way to say it.
func receiveReadWrite(w *Worker, t *socketTransfer, n int64) (int, error) {
	if t.held > 0 {
		return w.unloadPlain(t, n)
	}
	buf := w.buffer()
	buf = buf[:min(n, int64(len(buf)))]
	got, err := w.calls.Read(t.sock, buf)
	if err == nil && (got < 0 || got > len(buf)) {
		return 0, &StepError{StepRead, ReadWrite, errCount("read", got, int64(len(buf)))}
	}
	if err != nil || got == 0 {
		return 0, err
	}
	return w.store(t.file, buf[:got], t.off)
}

// receiveSplice moves what is in the socket into the pipe, and that to the
// file.
func receiveSplice(w *Worker, t *socketTransfer, n int64) (int, error) {
	if t.held == 0 {
		if err := t.pipe.make(w); err != nil {
			return 0, refusal{err}
		}
		asked := min(n, int64(t.pipe.size))
		got, err := w.calls.Splice(t.pipe.w, nil, t.sock, nil, int(asked))
		if err == nil && (got < 0 || int64(got) > asked) {
			return 0, &StepError{StepMove, Splice, errCount("splice", got, asked)}
		}
		if err != nil {
			return 0, err
		}
		if got == 0 {
			// The end, if read says so too. It waits if there is more to come.
			moved, err := receiveReadWrite(w, t, n)
			if err == nil && moved > 0 {
				err = refusal{errZero}
			}
			return moved, err
		}
		t.held = got
	}
	return w.unload(t)
}

// unload stores what the pipe holds at t.off and returns how much is stored.
// The rest stays in the pipe.
func (w *Worker) unload(t *socketTransfer) (int, error) {
	stored, stalls := 0, 0
	for t.held > 0 {
		t.at = t.off + int64(stored)
		moved, err := w.calls.Splice(t.file, &t.at, t.pipe.r, nil, t.held)
		switch {
		case err == nil && (moved < 0 || moved > t.held):
			return stored, &StepError{StepWrite, Splice, errCount("splice", moved, int64(t.held))}
		case err == nil && moved > 0:
			stored, t.held, stalls = stored+moved, t.held-moved, 0
		case err == nil:
			return stored, refusal{errZero}
		case platform.Interrupted(err) && stalls < maxRepeats:
			stalls++
		case platform.Judge(platform.CallSplice, err, true) == platform.Fail, platform.Interrupted(err):
			return stored, &StepError{StepWrite, Splice, err}
		default:
			// Writing it again has the last word, on EIO also.
			return stored, refusal{err}
		}
	}
	return stored, nil
}

// unloadPlain stores what splice left in the pipe.
func (w *Worker) unloadPlain(t *socketTransfer, n int64) (int, error) {
	buf := w.buffer()
	buf = buf[:min(n, int64(t.held), int64(len(buf)))]
	for stalls := 0; ; stalls++ {
		got, err := w.calls.Read(t.pipe.r, buf)
		if platform.Interrupted(err) && stalls < maxRepeats {
			continue
		}
		if err == nil && (got <= 0 || got > len(buf)) {
			err = errCount("read", got, int64(len(buf)))
		}
		if err != nil {
			return 0, &StepError{StepRead, ReadWrite, err}
		}
		t.held -= got
		return w.store(t.file, buf[:got], t.off)
	}
}
