package wire

import (
	"encoding/binary"
	"math"
)

// check: runs rise and don't overlap.
func (m *Need) check() error {
	end := uint32(0)
	for _, r := range m.Runs {
		if r.From < end || r.To <= r.From {
			return violation("files %d to %d are asked for after %d", r.From, r.To, end)
		}
		if r.Action != Whole && r.Action != Delta {
			return violation("unknown action %d", r.Action)
		}
		end = r.To
	}
	return nil
}

// put appends each run as the gap before it, and its length with the action in
// the two lowest bits.
func (m *Need) put(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Dir))
	b = binary.AppendUvarint(b, uint64(len(m.Runs)))
	end := uint32(0)
	for _, r := range m.Runs {
		b = binary.AppendUvarint(b, uint64(r.From-end))
		b = binary.AppendUvarint(b, uint64(r.To-r.From)<<2|uint64(r.Action&3))
		end = r.To
	}
	return b
}

func (m *Need) get(c *cursor) {
	m.Dir = c.u32()
	n := c.some(MaxRuns, 2)
	m.Runs = make([]Run, n)
	end := uint64(0)
	for i := range m.Runs {
		from := end + c.uvarint()
		v := c.upTo(math.MaxUint32<<2 | 3)
		if end = from + v>>2; from > math.MaxUint32 || end > math.MaxUint32 {
			c.fail("files asked for are out of range")
			return
		}
		m.Runs[i] = Run{From: uint32(from), To: uint32(end), Action: Action(v & 3)}
	}
}

// appendNeed cuts m in as many frames as its length needs. It is none for no
// runs.
func appendNeed(b []byte, m *Need) ([]byte, error) {
	if err := m.check(); err != nil {
		return b, err
	}
	for i := 0; i < len(m.Runs); i += MaxRuns {
		part := Need{Dir: m.Dir, Runs: m.Runs[i:min(i+MaxRuns, len(m.Runs))]}
		b = appendSmall(b, typeNeed, &part)
	}
	return b, nil
}

// check: the blocks are within the basis, so that nobody is made to compare
// with more than it holds.
func (m *Signature) check() error {
	if m.Size < 0 || m.Block < MinBlock || m.Block > MaxBlock {
		return violation("signature of %d bytes in blocks of %d", m.Size, m.Block)
	}
	blocks := m.Size / int64(m.Block)
	if m.Size%int64(m.Block) > 0 {
		blocks++
	}
	if int64(m.First)+int64(len(m.Sums)) > blocks {
		return violation("signature has more blocks than the file")
	}
	return nil
}

func (m *Signature) put(b []byte) []byte {
	b = append(b, bit(m.Last, 1))
	b = appendID(b, m.ID)
	b = binary.AppendUvarint(b, uint64(m.Size))
	b = binary.AppendUvarint(b, uint64(m.Block))
	b = binary.AppendUvarint(b, uint64(m.First))
	b = binary.AppendUvarint(b, uint64(len(m.Sums)))
	for i := range m.Sums {
		b = binary.LittleEndian.AppendUint32(b, m.Sums[i].Weak)
		b = append(b, m.Sums[i].Strong[:]...)
	}
	return b
}

func (m *Signature) get(c *cursor) {
	m.Last = c.flags(1) != 0
	m.ID = c.id()
	m.Size = c.size()
	m.Block, m.First = c.u32(), c.u32()
	n := c.count(MaxSums, 4+sumSize)
	m.Sums = make([]Sum, n)
	for i := range m.Sums {
		m.Sums[i].Weak = c.fixed32()
		copy(m.Sums[i].Strong[:], c.next(sumSize))
	}
}

// appendSignature cuts m in as many frames as its length needs, of which the
// last one has Last. One is sent even without sums.
func appendSignature(b []byte, m *Signature) ([]byte, error) {
	if err := m.check(); err != nil {
		return b, err
	}
	for i := 0; ; i += MaxSums {
		part := *m
		end := min(i+MaxSums, len(m.Sums))
		part.First += uint32(i)
		part.Sums = m.Sums[i:end]
		part.Last = m.Last && end == len(m.Sums)
		b = appendSmall(b, typeSignature, &part)
		if end == len(m.Sums) {
			return b, nil
		}
	}
}

// check: the numbers rise.
func (m *Refine) check() error {
	if m.Block < MinBlock || m.Block > MaxBlock {
		return violation("refinement to blocks of %d", m.Block)
	}
	for i := 1; i < len(m.Blocks); i++ {
		if m.Blocks[i] <= m.Blocks[i-1] {
			return violation("blocks %d and %d are out of order", m.Blocks[i-1], m.Blocks[i])
		}
	}
	return nil
}

func (m *Refine) put(b []byte) []byte {
	b = append(b, bit(m.Last, 1))
	b = appendID(b, m.ID)
	b = binary.AppendUvarint(b, uint64(m.Block))
	b = binary.AppendUvarint(b, uint64(len(m.Blocks)))
	prev := uint32(0)
	for _, n := range m.Blocks {
		b = binary.AppendUvarint(b, uint64(n-prev))
		prev = n
	}
	return b
}

func (m *Refine) get(c *cursor) {
	m.Last = c.flags(1) != 0
	m.ID = c.id()
	m.Block = c.u32()
	n := c.count(MaxSums, 1)
	m.Blocks = make([]uint32, n)
	prev := uint64(0)
	for i := range m.Blocks {
		if prev += uint64(c.u32()); prev > math.MaxUint32 {
			c.fail("block out of range")
			return
		}
		m.Blocks[i] = uint32(prev)
	}
}

func appendRefine(b []byte, m *Refine) ([]byte, error) {
	if err := m.check(); err != nil {
		return b, err
	}
	for i := 0; ; i += MaxSums {
		part := *m
		end := min(i+MaxSums, len(m.Blocks))
		part.Blocks = m.Blocks[i:end]
		part.Last = m.Last && end == len(m.Blocks)
		b = appendSmall(b, typeRefine, &part)
		if end == len(m.Blocks) {
			return b, nil
		}
	}
}

func (m *Fine) check() error { return nil }

func (m *Fine) put(b []byte) []byte {
	b = append(b, bit(m.Last, 1))
	b = appendID(b, m.ID)
	b = binary.AppendUvarint(b, uint64(len(m.Sums)))
	for _, s := range m.Sums {
		b = binary.LittleEndian.AppendUint64(b, s)
	}
	return b
}

func (m *Fine) get(c *cursor) {
	m.Last = c.flags(1) != 0
	m.ID = c.id()
	n := c.count(MaxSums, 8)
	m.Sums = make([]uint64, n)
	for i := range m.Sums {
		m.Sums[i] = c.fixed64()
	}
}

func appendFine(b []byte, m *Fine) ([]byte, error) {
	for i := 0; ; i += MaxSums {
		part := *m
		end := min(i+MaxSums, len(m.Sums))
		part.Sums = m.Sums[i:end]
		part.Last = m.Last && end == len(m.Sums)
		b = appendSmall(b, typeFine, &part)
		if end == len(m.Sums) {
			return b, nil
		}
	}
}
