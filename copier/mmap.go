package copier

import (
	"errors"
	"runtime/debug"

	"github.com/zccp/zccp/platform"
)

// mapWindow is how much of a source is mapped at a time: enough for the
// mapping to cost nothing, little enough that who waits for the lease waits
// for milliseconds.
const mapWindow = 4 << 20

// mapped is the guard of a mapped source.
type mapped struct {
	tried  bool
	leased bool
}

// release gives the lease back.
func (m *mapped) release(w *Worker, src platform.FD) {
	if m.leased {
		w.calls.Unlease(src)
		m.leased = false
	}
}

// guard asks for a read lease: whoever wants to cut the source then waits
// until this process has let go of it. Only the owner of a file gets one
// (fcntl(2)), not every file system has them, and nobody else may have it open
// for writing; without one a fault tells of the cut.
func (m *mapped) guard(w *Worker, src platform.FD) error {
	if !m.tried {
		m.tried = true
		m.leased = w.calls.Lease(src) == nil
	}
	if !m.leased {
		return nil
	}
	free, err := w.calls.Leased(src)
	if err == nil && free {
		return nil
	}
	m.release(w, src)
	if err != nil {
		return nil // a lease that can't be watched is none
	}
	return ErrChanged // somebody waits to write, and does so now
}

// moveMmap writes from a mapping of the source, which saves the copy into a
// buffer of this process.
func moveMmap(w *Worker, t *transfer, n int64) (int, error) {
	moved := int64(0)
	for moved < n {
		if err := t.mapped.guard(w, t.src); err != nil {
			return 0, &StepError{StepRead, Mmap, err}
		}
		k, err := w.moveWindow(t, t.off+moved, min(n-moved, mapWindow))
		if err != nil {
			return 0, err
		}
		if k == 0 {
			break
		}
		moved += int64(k)
	}
	return int(moved), nil
}

// mapRange maps [off, off+n) of a file: that is data. mapping is for Munmap.
func (w *Worker) mapRange(fd platform.FD, off, n int64) (data, mapping []byte, err error) {
	const granule = 64 << 10 // a multiple of the page size of every machine
	start := off &^ (granule - 1)
	size := int(off - start + n)
	mapping, err = w.calls.Mmap(fd, start, size)
	if err != nil {
		return nil, nil, err
	}
	if len(mapping) != size {
		w.calls.Munmap(mapping)
		return nil, nil, errCount("mmap", len(mapping), int64(size))
	}
	return mapping[off-start:], mapping, nil
}

// moveWindow maps one window and stores it.
func (w *Worker) moveWindow(t *transfer, off, n int64) (int, error) {
	data, mapping, err := w.mapRange(t.src, off, n)
	if err != nil {
		return 0, err
	}
	defer w.calls.Munmap(mapping)
	stored, err := guardFault(func() (int, error) { return w.store(t.dst, data, off) })
	var s *StepError
	if errors.As(err, &s) {
		err = s.Err // for the judge: EFAULT is the source's
	}
	return stored, err
}

// guardFault makes a call that reads from a mapping, which may vanish
// meanwhile. A source that was cut has no pages behind its new end: the kernel
// answers EFAULT when it reads there, and this process would die of SIGBUS if
// it did itself, unless the fault is made a panic and caught.
func guardFault(call func() (int, error)) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(interface{ Addr() uintptr }); !ok {
				panic(r)
			}
			n, err = 0, platform.ErrFault
		}
	}()
	return call()
}
