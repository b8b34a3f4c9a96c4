package copier

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// ErrPieces says that the pieces of an Arrival's content are not one file:
// told twice, missing, or outside of it.
var ErrPieces = errors.New("the pieces of the content don't make one file")

// maxSpans bounds what is kept of content with gaps between them: whoever tells
// it in order, on however many streams, leaves few.
const maxSpans = 1 << 18

// span is the bytes [from, to) of a file.
type span struct{ from, to int64 }

// spans are disjoint, sorted, and not empty; neighbours are one.
type spans []span

// at returns the index of the first span that ends behind off.
func (p spans) at(off int64) int {
	return sort.Search(len(p), func(i int) bool { return p[i].to > off })
}

// meets reports whether any of the n bytes from off on is in p.
func (p spans) meets(off, n int64) bool {
	i := p.at(off)
	return n > 0 && i < len(p) && p[i].from < off+n
}

// add adds the n bytes from off on, none of which may be in p.
func (p *spans) add(off, n int64) error {
	if off < 0 || n < 0 || off > math.MaxInt64-n {
		return fmt.Errorf("%w: %d bytes at offset %d", ErrPieces, n, off)
	}
	if n == 0 {
		return nil
	}
	if p.meets(off, n) {
		return fmt.Errorf("%w: %d bytes at offset %d were told before", ErrPieces, n, off)
	}
	i := p.at(off)
	// The one before ends at off, or earlier.
	before := i > 0 && (*p)[i-1].to == off
	behind := i < len(*p) && (*p)[i].from == off+n
	switch {
	case before && behind:
		(*p)[i-1].to = (*p)[i].to
		*p = slices.Delete(*p, i, i+1)
	case before:
		(*p)[i-1].to = off + n
	case behind:
		(*p)[i].from = off
	case len(*p) >= maxSpans:
		return fmt.Errorf("%w: too many gaps", ErrPieces)
	default:
		*p = slices.Insert(*p, i, span{off, off + n})
	}
	return nil
}

// prefix returns how many bytes are there without a gap from 0 on.
func (p spans) prefix() int64 {
	if len(p) == 0 || p[0].from > 0 {
		return 0
	}
	return p[0].to
}

// are reports, by its error, whether p is [0, size) exactly.
func (p spans) are(size int64) error {
	switch {
	case p.prefix() > size || len(p) > 0 && p[len(p)-1].to > size:
		return fmt.Errorf("%w: %d bytes, %d were told", ErrPieces, size, p[len(p)-1].to)
	case p.prefix() < size:
		return fmt.Errorf("%w: what is at offset %d of %d is missing", ErrPieces, p.prefix(), size)
	}
	return nil
}
