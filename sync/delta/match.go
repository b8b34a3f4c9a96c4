package delta

import (
	"context"
	"io"
)

// Copy says that the Len bytes at Off of the new file are what the basis holds
// from From on.
type Copy struct{ Off, From, Len int64 }

// Span is the Len bytes at Off.
type Span struct{ Off, Len int64 }

// Plan is what a new file shares with a basis.
type Plan struct {
	Size   int64    // of the new file, bytes
	Copies []Copy   // by Off, disjoint, none empty
	Digest [16]byte // see [Digest]
}

// Match compares a file of size bytes with the signature of a basis. Content
// that was moved is looked for only with shifts: who rebuilds a file within
// itself can't have it.
func Match(ctx context.Context, r io.ReaderAt, size int64, sig *Signature, seed uint64, shifts bool) (*Plan, error) {
	s := newSums(seed)
	p := &Plan{Size: size}
	found, err := p.fixed(ctx, r, s, sig)
	if err != nil {
		return nil, err
	}
	if shifts && worthSearch(size, sig, found) {
		return p, p.search(ctx, r, s, sig)
	}
	return p, nil
}

// worthSearch reports whether to look for moved content: something of the basis
// is not in its place, and the sizes differ, or there is less than half.
func worthSearch(size int64, sig *Signature, found int) bool {
	full := int(sig.Size / sig.Block)
	return found < full && size >= sig.Block && (size != sig.Size || found < full/2)
}

// fixed finds the blocks that are in their places and the digest, and returns
// how many whole blocks are.
func (p *Plan) fixed(ctx context.Context, r io.ReaderAt, s *sums, sig *Signature) (found int, err error) {
	block := sig.Block
	at := max(unit, block)
	leaves := make([][16]byte, Blocks(p.Size, leafSize))
	same := make([]bool, len(sig.Sums))
	err = parallel(ctx, Blocks(p.Size, at), at, func(i int, buf []byte) error {
		off := int64(i) * at
		buf = buf[:min(at, p.Size-off)]
		if err := readAt(r, buf, off); err != nil {
			return err
		}
		for k := int64(0); k < int64(len(buf)); k += leafSize {
			leaves[(off+k)/leafSize] = s.leaf(buf[k:min(k+leafSize, int64(len(buf)))])
		}
		for k := off / block; len(buf) > 0 && k < int64(len(sig.Sums)); k++ {
			// The last block of the basis is compared with as much.
			b := buf[:min(block, int64(len(buf)))]
			if n := min(block, sig.Size-k*block); n <= int64(len(b)) {
				same[k] = s.strong(b[:n]) == sig.Sums[k].Strong
			}
			buf = buf[len(b):]
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	p.Digest = s.root(leaves, p.Size)
	for k, yes := range same {
		if yes {
			off := int64(k) * block
			n := min(block, sig.Size-off)
			p.Copies = join(p.Copies, Copy{off, off, n})
			if n == block {
				found++
			}
		}
	}
	return found, nil
}

// join appends a copy, to the last one if it goes on with it.
func join(list []Copy, c Copy) []Copy {
	if n := len(list); n > 0 {
		if l := &list[n-1]; l.Off+l.Len == c.Off && l.From+l.Len == c.From {
			l.Len += c.Len
			return list
		}
	}
	return append(list, c)
}

// Data returns what of the file is no copy, in order.
func (p *Plan) Data() []Span {
	var list []Span
	at := int64(0)
	for _, c := range p.Copies {
		if c.Off > at {
			list = append(list, Span{at, c.Off - at})
		}
		at = c.Off + c.Len
	}
	if at < p.Size {
		list = append(list, Span{at, p.Size - at})
	}
	return list
}
