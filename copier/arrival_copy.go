package copier

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zccp/zccp/platform"
)

// ErrBasis says that a range can't be had from the basis: it can't be read, is
// not as long, or is the file itself and overwritten there. The content has to
// be told otherwise.
var ErrBasis = errors.New("the basis doesn't have it")

// CanCopy reports whether Copy of these bytes would find them in the basis. It
// is true for good where the basis is another file.
func (a *Arrival) CanCopy(off, from, n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.holds(off, from, n) == nil
}

// holds reports, by its error, whether the basis has the bytes still.
func (a *Arrival) holds(off, from, n int64) error {
	if a.noBasis {
		return fmt.Errorf("%w: there is none", ErrBasis)
	}
	size := a.base
	if !a.own {
		size = a.p.BasisStat.Size
	}
	switch {
	case off < 0 || from < 0 || n < 0 || n > size || from > size-n:
		return fmt.Errorf("%w: %d bytes at offset %d of %d", ErrBasis, n, from, size)
	case a.own && off != from && a.fresh.meets(from, n):
		return fmt.Errorf("%w: what was at offset %d is overwritten", ErrBasis, from)
	}
	return nil
}

// Copy makes the n bytes at off what the basis, as it was when the file was
// staged, holds at from. Where the file is a clone of the basis, or the basis
// itself, equal offsets cost nothing. It is safe for concurrent use as WriteAt.
// An error for which errors.Is(err, ErrBasis) holds is one of the basis; if
// CanCopy is false too then nothing was done, and the bytes can be told
// otherwise.
func (a *Arrival) Copy(off, from, n int64) error {
	if a.own && off != from {
		// Nothing may be overwritten while it is on its way elsewhere.
		a.patching.Lock()
		defer a.patching.Unlock()
	}
	a.mu.Lock()
	err := a.holds(off, from, n)
	a.mu.Unlock()
	if err != nil {
		return err
	}
	if err := a.claim(off, n); err != nil {
		return err
	}
	if off == from && off+n <= a.base {
		a.mu.Lock()
		a.kept += n
		a.mu.Unlock()
		if a.p.Progress != nil {
			a.p.Progress(n)
		}
		return nil
	}
	if a.own {
		// The bytes have to be read before they are overwritten.
		o, err := a.copyWithin(off, from, n)
		return a.noteCopy(off, n, o, err)
	}
	var o outcome
	o.stored(off, a.copyRange(off, from, n))
	if o.done < n {
		err = a.copyPlain(off+o.done, a.p.Basis, from+o.done, n-o.done, &o)
	}
	return a.noteCopy(off, n, o, err)
}

// noteCopy is note for bytes that come from the basis.
func (a *Arrival) noteCopy(off, n int64, o outcome, err error) error {
	err = a.note(off, n, o, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moved -= o.done - o.holes
	a.kept += o.done - o.holes
	return err
}

// copyWithin copies within the file, from its lower offsets to the higher ones
// or the other way round.
func (a *Arrival) copyWithin(off, from, n int64) (o outcome, err error) {
	if off < from {
		err = a.copyPlain(off, a.s.fd, from, n, &o)
		return o, err
	}
	for left := n; left > 0; {
		m := min(left, bufferSize)
		left -= m
		if err := a.copyPlain(off+left, a.s.fd, from+left, m, &o); err != nil {
			return outcome{}, err // what is done is not at the beginning
		}
	}
	return o, nil
}

// copyPlain copies by reading and writing.
func (a *Arrival) copyPlain(off int64, src platform.FD, from, n int64, o *outcome) error {
	buf := a.c.takeBuffer()
	defer a.c.giveBuffer(buf)
	for n > 0 {
		b := (*buf)[:min(n, int64(len(*buf)))]
		if err := a.readBasis(src, b, from); err != nil {
			return err
		}
		part, err := a.write(b, off)
		o.done, o.holes, o.end = o.done+part.done, o.holes+part.holes, max(o.end, part.end)
		if err != nil {
			return err
		}
		off, from, n = off+int64(len(b)), from+int64(len(b)), n-int64(len(b))
	}
	return nil
}

// readBasis fills b.
func (a *Arrival) readBasis(src platform.FD, b []byte, from int64) error {
	for got := 0; got < len(b); {
		n, err := pread(a.calls, src, b[got:], from+int64(got))
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF // it was cut
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBasis, err)
		}
		got += n
	}
	return nil
}

// copyRange has the kernel copy, as far as it goes, and returns how far that
// is. Whatever keeps it from the rest, reading and writing finds out.
func (a *Arrival) copyRange(off, from, n int64) (done int64) {
	o := &a.c.opts
	if o.Reflink != Auto || o.Sparse != Auto || !a.p.cuts() || o.Methods != nil && !slices.Contains(o.Methods, CopyFileRange) {
		return 0
	}
	for repeats := 0; done < n; {
		asked := min(n-done, chunkSize)
		m, err := a.calls.CopyFileRange(a.s.fd, off+done, a.p.Basis, from+done, int(asked))
		switch {
		case platform.Interrupted(err) && repeats < maxRepeats:
			repeats++
		case err != nil || m <= 0 || int64(m) > asked:
			return done
		default:
			done += int64(m)
		}
	}
	return done
}
