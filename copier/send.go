package copier

import (
	"context"

	"github.com/zccp/zccp/platform"
)

// sendChunk bounds one call on a socket: some 10 ms on loopback, a second on
// a slow line.
const sendChunk = 8 << 20

// Send sends the bytes [off, off+n) of src, an open regular file that was st
// when opened, to sock, a connected stream socket. Both descriptors stay the
// caller's; the position of src is not used. Several workers may send ranges
// of one descriptor at once.
//
// A socket in non-blocking mode is waited for with poll(2), and a cancelled
// ctx is noticed within half a second. A call on a blocking socket whose peer
// takes nothing lasts until it does, or somebody shuts the socket down.
//
// res.Bytes and res.Moved grow by what the socket took, also where an error is
// returned, so that the caller can tell the peer how much of it counts.
// res.Method is what moved the last byte. The error is:
//
//   - ErrChanged: src ends before off+n, or was cut while it was mapped. What
//     was sent last may be zeros then.
//   - a StepError of StepMove that wraps a MethodError: none of the methods
//     asked for can do it.
//   - a StepError of StepMove: the connection broke (EPIPE, ECONNRESET), or
//     what else the socket said.
//   - a StepError of StepRead: src can't be read.
//   - that of ctx.
//
// nil means that the socket took n bytes, not that they are what src held at
// one time, nor that the peer has them. After sendfile and splice the pages in
// the socket's queue are the file's own, and a write to the file changes what
// goes out. So the verdict on a sent file is that of a second look at src
// (Stat.Unchanged) after the receiver's acknowledgement.
func (w *Worker) Send(ctx context.Context, sock, src platform.FD, st *platform.Stat, off, n int64, res *Result) error {
	if n <= 0 {
		return nil
	}
	w.refusedFor(socketDevice, st.Dev)
	t := &socketTransfer{sock: sock, file: src, sends: true, off: off, end: off + n, res: res, told: n > progressMin}
	defer t.drop(w)
	if err := t.choose(w); err != nil {
		return err
	}
	for t.off < t.end {
		n, err := w.allow(ctx, t, min(t.end-t.off, sendChunk))
		if err != nil {
			return err
		}
		r := t.rows[0]
		moved, err := r.send(w, t, n)
		if int64(moved) > n || moved < 0 && err == nil {
			// What the peer got can't be known.
			return &StepError{StepMove, r.method, errCount(r.method.String(), moved, n)}
		}
		if moved > 0 {
			w.advance(t, moved)
		}
		switch {
		case err != nil:
			err = w.judgeSocket(ctx, t, err)
		case moved == 0:
			err = w.probeSent(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// probeSent decides what a count of 0 means: the end of the file only if
// reading one byte there says so.
func (w *Worker) probeSent(t *socketTransfer) error {
	for range 3 {
		// Into the buffer, whose first byte was sent already or is this one.
		n, err := w.pread(t.file, w.buffer()[:1], t.off)
		switch {
		case err != nil:
			return step(StepRead, err)
		case n > 0 && t.rows[0].method != ReadWrite:
			return t.next(w, errZero)
		case n > 0:
			if t.stalls++; t.stalls > maxRepeats {
				return &StepError{StepMove, ReadWrite, errZero}
			}
			return nil
		}
	}
	return ErrChanged
}

func sendSendfile(w *Worker, t *socketTransfer, n int64) (int, error) {
	return w.calls.Sendfile(t.sock, t.file, t.off, int(n))
}

// sendSplice fills the pipe only when it is empty, so what comes out of it is
// always what lies at t.off.
func sendSplice(w *Worker, t *socketTransfer, n int64) (int, error) {
	if t.held == 0 {
		if err := t.pipe.make(w); err != nil {
			return 0, refusal{err}
		}
		t.at = t.off
		asked := min(n, int64(t.pipe.size))
		got, err := w.calls.Splice(t.pipe.w, nil, t.file, &t.at, int(asked))
		if err == nil && (got < 0 || int64(got) > asked) {
			return 0, refusal{errCount("splice", got, asked)}
		}
		if err != nil || got == 0 {
			return 0, err
		}
		t.held = got
	}
	asked := int(min(n, int64(t.held)))
	moved, err := w.calls.Splice(t.sock, nil, t.pipe.r, nil, asked)
	if moved > 0 {
		t.held -= min(moved, t.held)
	}
	return moved, err
}

func sendReadWrite(w *Worker, t *socketTransfer, n int64) (int, error) {
	if len(t.pending) == 0 {
		buf := w.buffer()
		got, err := w.pread(t.file, buf[:min(n, int64(len(buf)))], t.off)
		if err != nil {
			return 0, step(StepRead, err)
		}
		if got == 0 {
			return 0, nil
		}
		t.pending = buf[:got]
	}
	data := t.pending[:min(n, int64(len(t.pending)))]
	moved, err := w.calls.Write(t.sock, data)
	if moved > 0 {
		t.pending = t.pending[min(moved, len(data)):]
	}
	return moved, err
}

// sendMmap writes from a mapping of the source, which saves the copy into a
// buffer of this process. Behind the end of a source that was cut the last
// page reads as zeros and the others can't be read, so each write is followed
// by a look at the size.
func sendMmap(w *Worker, t *socketTransfer, n int64) (int, error) {
	// Whoever wants to write the source gets the lease and may. That is no
	// change yet, and a lease that another worker gave back, which sends another
	// range from the same descriptor, looks the same.
	t.mapped.guard(w, t.file)
	if len(t.pending) == 0 {
		if err := w.remap(t); err != nil {
			return 0, refusal{err}
		}
	}
	data := t.pending[:min(n, int64(len(t.pending)))]
	moved, err := guardFault(func() (int, error) { return w.calls.Write(t.sock, data) })
	if err != nil {
		if platform.Judge(platform.CallMmap, err, false) == platform.Changed {
			return 0, w.faulted(t, len(data))
		}
		return moved, err
	}
	if moved < 0 || moved > len(data) {
		return moved, nil
	}
	t.pending = t.pending[moved:]
	if err := w.calls.Fstat(t.file, &w.srcNow); err != nil {
		return moved, step(StepStat, err)
	}
	if w.srcNow.Size < t.off+int64(moved) {
		return moved, ErrChanged
	}
	return moved, nil
}

// remap maps the next window of the source.
func (w *Worker) remap(t *socketTransfer) error {
	w.unmap(t)
	var err error
	t.pending, t.window, err = w.mapRange(t.file, t.off, min(t.end-t.off, mapWindow))
	return err
}

func (w *Worker) unmap(t *socketTransfer) {
	if t.window != nil {
		w.calls.Munmap(t.window)
		t.window, t.pending = nil, nil
	}
}

// faulted tells a source that was cut from one that can't be read: a page that
// its device does not give faults just as one that is gone.
func (w *Worker) faulted(t *socketTransfer, n int) error {
	if _, err := w.pread(t.file, w.buffer()[:min(n, bufferSize)], t.off); err != nil {
		return step(StepRead, err)
	}
	return ErrChanged
}
