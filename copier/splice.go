package copier

import "github.com/zccp/zccp/platform"

// pipeSize is asked for; an unprivileged process gets at most
// /proc/sys/fs/pipe-max-size, 1 MiB unless that was changed. The 64 KiB that a
// pipe is made with take sixteen times as many calls.
const pipeSize = 1 << 20

// pipe is what splice moves pages through. The zero value is closed.
type pipe struct {
	open bool
	r, w platform.FD
	size int
}

func (p *pipe) make(w *Worker) error {
	if p.open {
		return nil
	}
	r, wr, err := w.calls.Pipe()
	if err != nil {
		return err
	}
	p.open, p.r, p.w, p.size = true, r, wr, 64<<10
	if n, err := w.calls.SetPipeSize(wr, pipeSize); err == nil && n > 0 {
		p.size = n
	}
	return nil
}

// close gives the pipe up with all that is still in it: what is stranded there
// after an error must not come out before the data of the next call.
func (p *pipe) close(w *Worker) {
	if p.open {
		w.calls.Close(p.r)
		w.calls.Close(p.w)
		p.open = false
	}
}

// moveSplice moves pages from the source into a pipe and from there to the
// destination (splice(2)). After an error nothing counts as moved since both
// offsets are explicit, so it is all done again by whoever is next.
func moveSplice(w *Worker, t *transfer, n int64) (int, error) {
	if err := t.pipe.make(w); err != nil {
		return 0, err
	}
	moved := int64(0)
	for moved < n {
		from := t.off + moved
		got, err := w.calls.Splice(t.pipe.w, nil, t.src, &from, int(min(n-moved, int64(t.pipe.size))))
		if err != nil && moved > 0 && platform.Interrupted(err) {
			return int(moved), nil // the pipe is empty here
		}
		if err == nil && (got < 0 || int64(got) > n-moved) {
			err = errCount("splice", got, n-moved)
		}
		if err != nil {
			t.pipe.close(w)
			return 0, err
		}
		if got == 0 {
			break
		}
		stored, err := w.drain(t, t.off+moved, got)
		if err != nil || stored < got {
			t.pipe.close(w)
			return int(moved) + stored, err
		}
		moved += int64(got)
	}
	return int(moved), nil
}

// drain moves n bytes from the pipe to the destination at off and returns how
// many are stored; fewer without an error mean that splice moved nothing.
func (w *Worker) drain(t *transfer, off int64, n int) (int, error) {
	stored, stalls := 0, 0
	for stored < n {
		to := off + int64(stored)
		m, err := w.calls.Splice(t.dst, &to, t.pipe.r, nil, n-stored)
		switch {
		case platform.Interrupted(err) && stalls < maxRepeats:
			stalls++
		case err != nil:
			return 0, err
		case m < 0 || m > n-stored:
			return 0, errCount("splice", m, int64(n-stored))
		case m == 0:
			return stored, nil
		default:
			stored, stalls = stored+m, 0
		}
	}
	return stored, nil
}
