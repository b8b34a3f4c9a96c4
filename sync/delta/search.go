package delta

import (
	"context"
	"io"
	"math/bits"
	"slices"

	"github.com/zccp/zccp/sync/wire"
)

// maxChain is how many blocks with weak sums alike are kept to be found. Equal
// ones are kept once, so it takes somebody's doing to reach that.
const maxChain = 8

// A strong sum is worth its time where the weak one is right by chance. Content
// can be made for which it always is, so there are only so many in vain: a few,
// and then hitsPerBlock for each block's length that is rolled over, which is
// what chance has with the longest signature.
const (
	freeHits     = 16
	hitsPerBlock = 4
)

// filterBits is that of the filter, which is to stay in the second-level cache.
const filterBits = 21

// index finds blocks by their weak sums.
type index struct {
	sums   []wire.Sum
	filter *[1 << filterBits / 64]uint64 // by the upper bits of the sum
	heads  []int32                       // by as many of them as are needed; a block's number + 1
	next   []int32
	hshift int
}

func newIndex(sums []wire.Sum) *index {
	b := bits.Len(uint(len(sums)))
	x := &index{
		sums: sums, next: make([]int32, len(sums)),
		filter: new([1 << filterBits / 64]uint64),
		heads:  make([]int32, 1<<b), hshift: 32 - b,
	}
	for i := range sums {
		x.add(int32(i))
	}
	return x
}

func (x *index) add(i int32) {
	sum := &x.sums[i]
	f := sum.Weak >> (32 - filterBits)
	x.filter[f/64] |= 1 << (f % 64)
	head := &x.heads[sum.Weak>>x.hshift]
	n := 0
	for at := *head; at > 0; at = x.next[at-1] {
		if x.sums[at-1] == *sum {
			return
		}
		if n++; n >= maxChain {
			return
		}
	}
	x.next[i], *head = *head, i+1
}

// has reports whether a block has that weak sum, or may have.
func (x *index) has(weak uint32) bool {
	for at := x.heads[weak>>x.hshift]; at > 0; at = x.next[at-1] {
		if x.sums[at-1].Weak == weak {
			return true
		}
	}
	return false
}

// find returns the block with these sums, or -1.
func (x *index) find(weak uint32, strong *[16]byte) int {
	for at := x.heads[weak>>x.hshift]; at > 0; at = x.next[at-1] {
		if s := &x.sums[at-1]; s.Weak == weak && s.Strong == *strong {
			return int(at - 1)
		}
	}
	return -1
}

// search looks for whole blocks of the basis anywhere in what is no copy yet.
func (p *Plan) search(ctx context.Context, r io.ReaderAt, s *sums, sig *Signature) error {
	block := sig.Block
	x := newIndex(sig.Sums[:sig.Size/block])
	step := max(4*unit, 2*block)
	// Windows may begin before what is unmatched, and end behind it: what they
	// have too much is cut off.
	var parts []Span
	end := int64(0)
	for _, d := range p.Data() {
		from, to := max(end, d.Off-block+1, 0), min(d.Off+d.Len, p.Size-block+1)
		for off := from; off < to; off += step {
			parts = append(parts, Span{off, min(step, to-off)})
		}
		end = max(end, to)
	}
	found := make([][]Copy, len(parts))
	err := parallel(ctx, len(parts), step+block, func(i int, buf []byte) error {
		buf = buf[:parts[i].Len+block-1]
		if err := readAt(r, buf, parts[i].Off); err != nil {
			return err
		}
		found[i] = x.roll(s, buf, parts[i].Off, int(block), found[i])
		return nil
	})
	if err != nil {
		return err
	}
	p.insert(slices.Concat(found...))
	return nil
}

// roll finds blocks in buf, which is what the file holds from off on.
func (x *index) roll(s *sums, buf []byte, off int64, block int, list []Copy) []Copy {
	n := uint32(block)
	t := &s.table
	hits := 0 // in vain
	for at := 0; at+block <= len(buf); {
		out, in := buf[at:len(buf)-block], buf[at+block:]
		in = in[:len(out)]
		s1, s2 := s.weak(buf[at : at+block])
		k, found := 0, -1
		for {
			if k, s1, s2 = x.skip(t, out, in, k, s1, s2, n); k < 0 {
				break
			}
			to := k + 1
			if weak := mix(s1, s2); x.has(weak) {
				if allowed := hitsPerBlock * (at + k) / block; hits < allowed+freeHits {
					strong := s.strong(buf[at+k : at+k+block])
					if found = x.find(weak, &strong); found >= 0 {
						break
					}
					hits++
				} else {
					to = max(to, (hits-freeHits+1)*block/hitsPerBlock-at)
				}
			}
			if k == len(out) {
				break
			}
			for to = min(to, len(out)); k < to; k++ {
				o := t[out[k]]
				s1 += t[in[k]] - o
				s2 += s1 - o*n
			}
		}
		if found < 0 {
			break
		}
		// What comes behind it in the basis is likely to do so here.
		for at += k; ; {
			list = join(list, Copy{off + int64(at), int64(found) * int64(block), int64(block)})
			at, found = at+block, found+1
			if found >= len(x.sums) || at+block > len(buf) || s.strong(buf[at:at+block]) != x.sums[found].Strong {
				break
			}
		}
	}
	return list
}

// skip rolls the sums of the window at k to the next one that the filter lets
// pass, and returns where that is; -1 if there is none.
func (x *index) skip(t *[256]uint32, out, in []byte, k int, s1, s2, n uint32) (int, uint32, uint32) {
	filter := x.filter
	in = in[:len(out)]
	for ; k < len(out); k++ {
		if f := mix(s1, s2) >> (32 - filterBits); filter[f/64]>>(f%64)&1 != 0 {
			return k, s1, s2
		}
		o := t[out[k]]
		s1 += t[in[k]] - o
		s2 += s1 - o*n
	}
	if f := mix(s1, s2) >> (32 - filterBits); filter[f/64]>>(f%64)&1 != 0 {
		return k, s1, s2
	}
	return -1, s1, s2
}

// insert adds copies, in order but perhaps overlapping, where there are none.
func (p *Plan) insert(more []Copy) {
	var list []Copy
	gaps := p.Data()
	have := p.Copies
	for _, g := range gaps {
		for len(have) > 0 && have[0].Off < g.Off {
			list, have = join(list, have[0]), have[1:]
		}
		at, end := g.Off, g.Off+g.Len
		for len(more) > 0 {
			c := more[0]
			if c.Off >= end {
				break
			}
			// The same copy may go on in the next gap.
			last := c.Off+c.Len > end
			if c.Off < at {
				cut := min(at-c.Off, c.Len)
				c = Copy{c.Off + cut, c.From + cut, c.Len - cut}
			}
			if c.Len = min(c.Len, end-c.Off); c.Len > 0 {
				list = join(list, c)
				at = c.Off + c.Len
			}
			if last {
				break
			}
			more = more[1:]
		}
	}
	for _, c := range have {
		list = join(list, c)
	}
	p.Copies = list
}
