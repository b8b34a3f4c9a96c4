package copier

import (
	"context"
	"errors"

	"github.com/zccp/zccp/platform"
)

// socketRow is one method between a regular file and a socket: whether it is
// used without being asked for, and how it moves bytes each way. Each makes
// one call on the socket, for at most n bytes at t.off, and returns how many
// the other side of it took. They advance nothing but what they hold in
// between. nil: it can't go that way.
type socketRow struct {
	method  Method
	auto    bool
	send    func(w *Worker, t *socketTransfer, n int64) (int, error)
	receive func(w *Worker, t *socketTransfer, n int64) (int, error)
}

// socketStrategy is the policy, best first: sendfile and splice copy nothing,
// and sendfile is one call where splice is two for each pipe of data. mmap is
// never ahead of them and needs guards, so it is there to be asked for.
var socketStrategy = [...]socketRow{
	{Sendfile, true, sendSendfile, nil},
	{Splice, true, sendSplice, receiveSplice},
	{Mmap, false, sendMmap, nil},
	{ReadWrite, true, sendReadWrite, receiveReadWrite},
}

// What keeps a method from a socket.
var (
	errNotToSocket   = errors.New("it can't write to a socket")
	errNotFromSocket = errors.New("it can't read from a socket")
)

// socketDevice stands for every socket where pairs of devices are remembered.
const socketDevice = ^uint64(0)

// socketTransfer is the way of one range between a file and a socket.
//
// Invariant: every byte of the range below off was taken by the receiving side
// of a call. What the pipe or pending hold lies at off.
type socketTransfer struct {
	sock, file platform.FD
	sends      bool
	off, end   int64
	rows       []*socketRow
	list       [maxMethods]*socketRow
	res        *Result
	told       bool  // of progress, chunk by chunk
	allowed    int64 // bytes that the rate limit let pass and nobody moved yet
	stalls     int   // calls in a row that moved nothing
	at         int64 // the offset of a splice, which wants its address

	pipe    pipe
	held    int    // bytes in the pipe
	pending []byte // of the file, in memory
	window  []byte // mapped
	mapped  mapped
}

// drop gives back what the method in front held.
func (t *socketTransfer) drop(w *Worker) {
	t.pipe.close(w)
	t.held, t.pending = 0, nil
	w.unmap(t)
	t.mapped.release(w, t.file)
}

// choose fills t.rows, best first. Of methods that were asked for it tells the
// result which can't be used, and a system that refused one before is asked
// again, for its reason.
func (t *socketTransfer) choose(w *Worker) error {
	serves, why := func(r *socketRow) bool { return r.send != nil }, errNotToSocket
	if !t.sends {
		serves, why = func(r *socketRow) bool { return r.receive != nil }, errNotFromSocket
	}
	n := 0
	if methods := w.c.opts.Methods; methods != nil {
		for _, m := range methods {
			r := socketRowOf(m)
			if r == nil || !serves(r) {
				t.res.refused(m, why)
			} else if n < len(t.list) {
				t.list[n] = r
				n++
			}
		}
	} else {
		refused := w.refused.Load()
		for i := range socketStrategy {
			r := &socketStrategy[i]
			small := !t.sends && t.end-t.off < receiveSpliceMin
			if r.auto && serves(r) && (r.method == ReadWrite || refused&(1<<r.method) == 0 && !small) {
				t.list[n] = r
				n++
			}
		}
	}
	if t.rows = t.list[:n]; n == 0 {
		return step(StepMove, &MethodError{t.res.Refusals()})
	}
	return nil
}

func socketRowOf(m Method) *socketRow {
	for i := range socketStrategy {
		if socketStrategy[i].method == m {
			return &socketStrategy[i]
		}
	}
	return nil
}

// next goes on at the confirmed offset with the method after the one in front,
// which refused by err. What was held of a file is read again there, since a
// socket takes nothing that it does not confirm. What came from a socket can't
// be had again, and stays in the pipe for who is next.
func (t *socketTransfer) next(w *Worker, err error) error {
	r := t.rows[0]
	if t.sends {
		t.drop(w)
	}
	t.res.refused(r.method, err)
	if t.rows = t.rows[1:]; len(t.rows) > 0 {
		return nil
	}
	if w.c.opts.Methods == nil {
		return &StepError{StepMove, r.method, err}
	}
	return step(StepMove, &MethodError{t.res.Refusals()})
}

// refusal is an error after which the method in front is given up, whatever
// errno it is.
type refusal struct{ error }

// judgeSocket acts on an error of the method in front: nil means go on.
func (w *Worker) judgeSocket(ctx context.Context, t *socketTransfer, err error) error {
	r := t.rows[0]
	switch e := err.(type) {
	case *StepError:
		return e // of a plain call, which has the last word
	case refusal:
		return t.next(w, e.error)
	}
	if err == ErrChanged {
		return err
	}
	verdict := platform.Judge(platform.CallSend, err, t.res.Moved > 0)
	switch verdict {
	case platform.Repeat, platform.Wait:
		// What has to be waited for and is ready at once, again and again,
		// would take a processor for nothing.
		if t.stalls++; t.stalls > maxRepeats {
			break
		}
		if verdict == platform.Wait {
			return w.await(ctx, t)
		}
		return nil
	case platform.NextAndRemember:
		if r.method != ReadWrite {
			w.refused.Or(1 << r.method)
		}
		return t.next(w, err)
	case platform.Next:
		return t.next(w, err)
	}
	return &StepError{StepMove, r.method, err}
}

// awaitMS is how long one poll may take, in milliseconds: so late a cancelled
// run ends, and so late whoever wants to write a mapped source may.
const awaitMS = 500

// await waits until the socket can be written to or read from, or has an error
// to report.
func (w *Worker) await(ctx context.Context, t *socketTransfer) error {
	for stalls := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		ready, err := w.calls.Poll(t.sock, t.sends, awaitMS)
		switch {
		case platform.Interrupted(err) && stalls < maxRepeats:
			stalls++
			continue
		case err != nil:
			return &StepError{StepMove, t.rows[0].method, err}
		case ready:
			return nil
		}
		stalls = 0
		if t.mapped.leased {
			t.mapped.guard(w, t.file) // see sendMmap
		}
	}
}

// allow returns how much of n may be moved under the rate limit, after waiting
// for it. Each byte is booked once, though a socket takes less than was asked.
func (w *Worker) allow(ctx context.Context, t *socketTransfer, n int64) (int64, error) {
	l := w.c.opts.Limit
	if l == nil {
		return n, ctx.Err()
	}
	if t.allowed == 0 {
		t.allowed = min(t.end-t.off, l.chunk())
		if err := wait(ctx, l.reserve(t.allowed)); err != nil {
			return 0, err
		}
	}
	return min(n, t.allowed), ctx.Err()
}

// advance books n bytes that the receiving side confirmed.
func (w *Worker) advance(t *socketTransfer, n int) {
	t.off += int64(n)
	t.stalls = 0
	t.allowed = max(0, t.allowed-int64(n))
	t.res.Method = t.rows[0].method
	t.res.Moved += int64(n)
	t.res.Bytes += int64(n)
	if t.told {
		w.tell(int64(n))
	}
}
