package wire

import (
	"encoding/binary"
	"math"
)

func (m *Received) check() error { return nil }

func (m *Received) put(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.IDs)))
	for _, id := range m.IDs {
		b = appendID(b, id)
	}
	return b
}

func (m *Received) get(c *cursor) {
	n := c.some(MaxIDs, 2)
	m.IDs = make([]FileID, n)
	for i := range m.IDs {
		m.IDs[i] = c.id()
	}
}

// appendReceived cuts m in as many frames as its length needs. It is none for
// no files.
func appendReceived(b []byte, m *Received) ([]byte, error) {
	for i := 0; i < len(m.IDs); i += MaxIDs {
		part := Received{IDs: m.IDs[i:min(i+MaxIDs, len(m.IDs))]}
		b = appendSmall(b, typeReceived, &part)
	}
	return b, nil
}

func (s Status) check() error {
	if s < Good || s > Failed {
		return violation("unknown status %d", s)
	}
	return nil
}

// check: ranges rise and don't overlap.
func (m *Sent) check() error {
	if err := m.Status.check(); err != nil {
		return err
	}
	if m.Size < 0 || m.Bytes < 0 || m.Mtime.Nsec >= 1e9 {
		return violation("file of %d bytes, %d of them sent", m.Size, m.Bytes)
	}
	if len(m.Sums) > MaxSums {
		return violation("file with %d sums", len(m.Sums))
	}
	end := int64(0)
	for i := range m.Sums {
		r := &m.Sums[i]
		if r.Off < end || r.Len < 0 || r.Len > math.MaxInt64-r.Off {
			return violation("range of %d bytes at %d after %d", r.Len, r.Off, end)
		}
		end = r.Off + r.Len
	}
	return checkDigest(m.Digest)
}

// checkDigest: none, XXH3-128 or BLAKE3.
func checkDigest(d []byte) error {
	switch len(d) {
	case 0, 16, 32:
		return nil
	}
	return violation("digest of %d bytes", len(d))
}

// put appends of each range the gap before it.
func (m *Sent) put(b []byte) []byte {
	b = append(b, byte(m.Status)<<1|bit(m.Kernel, 1))
	b = appendID(b, m.ID)
	b = binary.AppendUvarint(b, uint64(m.Size))
	b = binary.AppendUvarint(b, uint64(m.Bytes))
	b = appendTime(b, m.Mtime)
	b = appendBytes(b, m.Digest)
	b = binary.AppendUvarint(b, uint64(len(m.Sums)))
	end := int64(0)
	for i := range m.Sums {
		r := &m.Sums[i]
		b = binary.AppendUvarint(b, uint64(r.Off-end))
		b = binary.AppendUvarint(b, uint64(r.Len))
		b = append(b, r.Sum[:]...)
		end = r.Off + r.Len
	}
	return b
}

func (m *Sent) get(c *cursor) {
	f := c.byte()
	m.Status, m.Kernel = Status(f>>1), f&1 != 0
	m.ID = c.id()
	m.Size, m.Bytes = c.size(), c.size()
	m.Mtime = c.time()
	m.Digest = c.bytes(32)
	n := c.count(MaxSums, 2+sumSize)
	if n == 0 {
		return
	}
	m.Sums = make([]RangeSum, n)
	end := int64(0)
	for i := range m.Sums {
		r := &m.Sums[i]
		gap, length := c.size(), c.size()
		if gap > math.MaxInt64-end || length > math.MaxInt64-end-gap {
			c.fail("range out of range")
			return
		}
		r.Off, r.Len = end+gap, length
		copy(r.Sum[:], c.next(sumSize))
		end = r.Off + r.Len
	}
}

func (m *Verdict) check() error { return m.Status.check() }

func (m *Verdict) put(b []byte) []byte { return append(appendID(b, m.ID), byte(m.Status)) }

func (m *Verdict) get(c *cursor) {
	m.ID = c.id()
	m.Status = Status(c.byte())
}

func (m *BatchSum) check() error { return nil }

func (m *BatchSum) put(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Stream))
	b = binary.AppendUvarint(b, m.Seq)
	return append(b, m.Sum[:]...)
}

func (m *BatchSum) get(c *cursor) {
	m.Stream, m.Seq = c.u32(), c.uvarint()
	copy(m.Sum[:], c.next(sumSize))
}

func (m *DirDone) check() error { return nil }

func (m *DirDone) put(b []byte) []byte { return binary.AppendUvarint(b, uint64(m.Dir)) }

func (m *DirDone) get(c *cursor) { m.Dir = c.u32() }

func (m *Drop) check() error { return nil }

func (m *Drop) put(b []byte) []byte { return appendID(b, m.ID) }

func (m *Drop) get(c *cursor) { m.ID = c.id() }

func (m *Remove) check() error { return nil }

func (m *Remove) put(b []byte) []byte { return appendID(b, m.ID) }

func (m *Remove) get(c *cursor) { m.ID = c.id() }

// check: no sum of credits gets near the end of 64 bits.
func (m *Credit) check() error {
	if m.Flow < FlowListings || m.Flow > FlowReports {
		return violation("credit for unknown flow %d", m.Flow)
	}
	if m.Bytes == 0 || m.Bytes > MaxCredit {
		return violation("credit of %d bytes", m.Bytes)
	}
	return nil
}

func (m *Credit) put(b []byte) []byte {
	return binary.AppendUvarint(append(b, byte(m.Flow)), m.Bytes)
}

func (m *Credit) get(c *cursor) { m.Flow, m.Bytes = Flow(c.byte()), c.uvarint() }

func (m *Chunk) put(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, m.Stream)
	return append(b, m.Data...)
}

func (m *Chunk) check() error {
	if len(m.Data) == 0 || len(m.Data) > MaxChunk {
		return violation("chunk of %d bytes", len(m.Data))
	}
	return nil
}

func (m *Chunk) get(c *cursor) {
	m.Stream = c.fixed32()
	m.Data = c.next(len(c.b))
}

// appendChunk cuts m in as many frames as its length needs. It is none for no
// bytes.
func appendChunk(b []byte, m *Chunk) ([]byte, error) {
	for i := 0; i < len(m.Data); i += MaxChunk {
		part := Chunk{Stream: m.Stream, Data: m.Data[i:min(i+MaxChunk, len(m.Data))]}
		b = appendSmall(b, typeChunk, &part)
	}
	return b, nil
}

// ChunkHeaderSize is the length of what AppendChunkHeader appends.
const ChunkHeaderSize = headerSize + 4

// AppendChunkHeader appends what stands before n bytes of a stream, 1 to
// MaxChunk, that the caller writes to the control channel after it. The two
// together are one Chunk, without the bytes having been copied.
func AppendChunkHeader(b []byte, stream uint32, n int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(4+n))
	b = append(b, typeChunk, 0)
	return binary.LittleEndian.AppendUint32(b, stream)
}
