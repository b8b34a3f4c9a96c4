package delta

import (
	"encoding/binary"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/sync/wire"
)

const (
	minBlock  = 64 << 10
	maxBlocks = 1 << 18 // of a signature, which is then 5 MiB

	// FineBlock is the size of the blocks that Fine tells sums of: the block of
	// the common file systems, below which nothing is shared.
	FineBlock = 4 << 10
)

// Block returns the size of the blocks of a basis of that size, in bytes: a
// power of two from 64 KiB on.
func Block(size int64) int64 {
	b := int64(minBlock)
	for size/b >= maxBlocks {
		b *= 2
	}
	return b
}

// Blocks returns how many blocks there are in size bytes. The last one may be
// shorter.
func Blocks(size, block int64) int { return int((size + block - 1) / block) }

// sums computes the sums of a session.
type sums struct {
	seed  uint64
	table [256]uint32
}

func newSums(seed uint64) *sums {
	s := &sums{seed: seed}
	x := seed
	for i := range s.table {
		// splitmix64
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		s.table[i] = uint32(z >> 32)
	}
	return s
}

// weak are the two sums of rsync's algorithm over numbers that the table gives
// for the bytes: all of them, and all of them by their distance from the end.
func (s *sums) weak(b []byte) (s1, s2 uint32) {
	t := &s.table
	for len(b) >= 4 {
		t0, t1, t2, t3 := t[b[0]], t[b[1]], t[b[2]], t[b[3]]
		s2 += 4*(s1+t0) + 3*t1 + 2*t2 + t3
		s1 += t0 + t1 + t2 + t3
		b = b[4:]
	}
	for _, c := range b {
		s1 += t[c]
		s2 += s1
	}
	return s1, s2
}

// mix makes one weak sum of the two.
func mix(s1, s2 uint32) uint32 {
	return uint32((uint64(s1)<<32 | uint64(s2)) * 0x9fb21c651e98df25 >> 32)
}

func (s *sums) strong(b []byte) [16]byte { return xxh3.Hash128Seed(b, s.seed).Bytes() }

func (s *sums) fine(b []byte) uint64 { return xxh3.Hash128Seed(b, s.seed).Hi }

func (s *sums) of(b []byte) wire.Sum {
	return wire.Sum{Weak: mix(s.weak(b)), Strong: s.strong(b)}
}

// readAt fills b.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// leafSize is how much of a file one sum of its digest is about.
const leafSize = 1 << 20

// leaf is a sum of [leafSize] bytes, independent of the sums of blocks.
func (s *sums) leaf(b []byte) [16]byte {
	return xxh3.Hash128Seed(b, s.seed^0x5851f42d4c957f2d).Bytes()
}

// root is the digest of a file of size bytes by its leaves.
func (s *sums) root(leaves [][16]byte, size int64) [16]byte {
	h := xxh3.NewSeed(s.seed ^ 0x14057b7ef767814f)
	for i := range leaves {
		h.Write(leaves[i][:])
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(size))
	h.Write(b[:])
	return h.Sum128().Bytes()
}
