package delta

import (
	"context"
	"fmt"
	"io"
)

// FineSums is how many sums a portion of Fine has at most, unless that is less
// than one block's.
const FineSums = 32768

// Unsure returns the whole blocks of a basis of which nothing was found in
// their places, rising: of those Fine may tell more.
func (p *Plan) Unsure(sig *Signature) []uint32 {
	var list []uint32
	for _, d := range p.Data() {
		first := (d.Off + sig.Block - 1) / sig.Block
		for k := first; (k+1)*sig.Block <= min(d.Off+d.Len, sig.Size); k++ {
			list = append(list, uint32(k))
		}
	}
	return list
}

// Fine tells the sums of the blocks of FineBlock bytes within blocks of a basis
// of size bytes, in portions of whole blocks, in order. The slice is the
// caller's only until emit returns. Blocks that are not there are an error.
func Fine(ctx context.Context, r io.ReaderAt, size, block int64, seed uint64, blocks []uint32, emit func(sums []uint64, last bool) error) error {
	s := newSums(seed)
	for i, k := range blocks {
		if (int64(k)+1)*block > size || i > 0 && k <= blocks[i-1] {
			return fmt.Errorf("block %d of a basis of %d bytes", k, size)
		}
	}
	per := int(block / FineBlock)
	at := max(FineSums/per, 1)
	list := make([]uint64, min(at, len(blocks))*per)
	for {
		part := blocks[:min(at, len(blocks))]
		err := parallel(ctx, len(part), block, func(i int, buf []byte) error {
			if err := readAt(r, buf, int64(part[i])*block); err != nil {
				return err
			}
			for k := range per {
				list[i*per+k] = s.fine(buf[k*FineBlock : (k+1)*FineBlock])
			}
			return nil
		})
		if err != nil {
			return err
		}
		blocks = blocks[len(part):]
		if err := emit(list[:len(part)*per], len(blocks) == 0); err != nil || len(blocks) == 0 {
			return err
		}
	}
}

// Refine compares some blocks with the sums that Fine told of them, and returns
// which parts of them are copies, all from where they are.
func Refine(ctx context.Context, r io.ReaderAt, block int64, seed uint64, blocks []uint32, told []uint64) ([]Copy, error) {
	s := newSums(seed)
	per := int(block / FineBlock)
	if len(told) != len(blocks)*per {
		return nil, fmt.Errorf("%d sums for %d blocks of %d bytes", len(told), len(blocks), block)
	}
	same := make([]bool, len(told))
	err := parallel(ctx, len(blocks), block, func(i int, buf []byte) error {
		if err := readAt(r, buf, int64(blocks[i])*block); err != nil {
			return err
		}
		for k := range per {
			same[i*per+k] = s.fine(buf[k*FineBlock:(k+1)*FineBlock]) == told[i*per+k]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []Copy
	for i, yes := range same {
		if yes {
			off := int64(blocks[i/per])*block + int64(i%per)*FineBlock
			list = join(list, Copy{off, off, FineBlock})
		}
	}
	return list, nil
}

// Refined adds copies that Refine returned.
func (p *Plan) Refined(more []Copy) { p.insert(more) }
