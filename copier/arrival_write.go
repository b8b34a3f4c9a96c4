package copier

// smallArrival is the size from which space behind the data is worth a call:
// below it there is at most one piece.
const smallArrival = 64 << 10

// grow gives the file the size that it is to have, so far as that is known. xfs
// reserves space behind what is written at the end of a file, which would stay
// in the holes.
func (a *Arrival) grow() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := a.p.Stat.Size
	if n := len(a.told); a.sized >= size || n > 0 && a.told[n-1].to > size {
		return nil
	}
	// With the lock held nothing is stored behind it meanwhile.
	if err := a.s.retry(func() error { return a.calls.Ftruncate(a.s.fd, size) }); err != nil {
		return step(StepSize, err)
	}
	a.roomy = a.roomy || len(a.told) > 0
	a.sized = size
	return nil
}

// claim takes note of a piece that is going to be stored.
func (a *Arrival) claim(off, n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	if err := a.told.add(off, n); err != nil {
		a.broken = err
		return err
	}
	return nil
}

// outcome is what became of a piece.
type outcome struct {
	done  int64 // bytes from its beginning on that are as they are to be
	holes int64 // of these
	end   int64 // offset behind the last one that was stored
}

func (o *outcome) stored(off, n int64) { o.done, o.end = o.done+n, off+n }

// note takes note of the outcome of the n bytes at off.
func (a *Arrival) note(off, n int64, o outcome, err error) error {
	if err == nil && a.p.Progress != nil {
		a.p.Progress(n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved += o.done - o.holes
	a.holes += o.holes
	a.sized = max(a.sized, o.end)
	if a.own {
		if e := a.fresh.add(off, n); err == nil {
			err = e
		}
	}
	if err != nil {
		a.bad = min(a.bad, off+o.done)
		if a.broken == nil {
			a.broken = err
		}
	}
	return err
}

// WriteAt stores b, all of it, at off. With --sparse=always its blocks of zeros
// become holes. After an error the Arrival can only be abandoned.
func (a *Arrival) WriteAt(b []byte, off int64) error {
	if err := a.claim(off, int64(len(b))); err != nil {
		return err
	}
	if a.own {
		a.patching.RLock()
		defer a.patching.RUnlock()
	}
	o, err := a.write(b, off)
	return a.note(off, int64(len(b)), o, err)
}

func (a *Arrival) write(b []byte, off int64) (o outcome, err error) {
	if a.c.opts.Sparse != Always || !a.p.cuts() {
		n, err := store(a.calls, a.s.fd, b, off)
		o.stored(off, int64(n))
		return o, err
	}
	for len(b) > 0 && err == nil {
		zero, n := run(b, off)
		if zero {
			err = a.clear(off, int64(n), &o)
		} else {
			n, err = store(a.calls, a.s.fd, b[:n], off)
			o.stored(off, int64(n))
		}
		off, b = off+int64(n), b[n:]
	}
	return o, err
}

// run returns whether b, which is for offset off, begins with a block of zeros,
// or with what there is of one, and how many bytes it goes on like that.
func run(b []byte, off int64) (zero bool, n int) {
	for n < len(b) {
		end := blockEnd(n, off, len(b))
		z := isZero(b[n:end])
		if n > 0 && z != zero {
			break
		}
		zero, n = z, end
	}
	return zero, n
}

// Hole makes the n bytes at off zeros: a hole where that can be made and is not
// forbidden by --sparse=never. It is safe for concurrent use as WriteAt.
func (a *Arrival) Hole(off, n int64) error {
	if err := a.claim(off, n); err != nil {
		return err
	}
	if a.own {
		a.patching.RLock()
		defer a.patching.RUnlock()
	}
	var o outcome
	if a.c.opts.Sparse == Never || !a.p.cuts() {
		err := a.zeros(off, n, &o)
		return a.note(off, n, o, err)
	}
	var err error
	if a.p.Stat.Size >= smallArrival || a.p.Preallocate {
		err = a.grow()
	}
	if err == nil {
		err = a.clear(off, n, &o)
	}
	return a.note(off, n, o, err)
}

// clear makes zeros of what the file may hold otherwise, by a hole where one
// can be made.
func (a *Arrival) clear(off, n int64, o *outcome) error {
	if old := min(off+n, a.base) - off; old > 0 {
		if a.punch(off, old) == nil {
			o.done, o.holes = o.done+old, o.holes+old
		} else if err := a.zeros(off, old, o); err != nil {
			return err
		}
		off, n = off+old, n-old
	}
	if n > 0 && a.isRoomy() {
		a.punch(off, n) // where that can't be done, they are zeros already
	}
	o.done, o.holes = o.done+n, o.holes+n
	return nil
}

func (a *Arrival) punch(off, n int64) error {
	return a.s.retry(func() error { return a.calls.PunchHole(a.s.fd, off, n) })
}

func (a *Arrival) isRoomy() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.roomy
}

// zeros writes n zeros at off.
func (a *Arrival) zeros(off, n int64, o *outcome) error {
	buf := a.c.takeBuffer()
	defer a.c.giveBuffer(buf)
	clear(*buf)
	for n > 0 {
		stored, err := store(a.calls, a.s.fd, (*buf)[:min(n, int64(len(*buf)))], off)
		o.stored(off, int64(stored))
		if err != nil {
			return err
		}
		off, n = off+int64(stored), n-int64(stored)
	}
	return nil
}
