package wire

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// HeaderSize is the length of a data frame's header:
//
//	"ZD"	2 bytes
//	type, flags	a byte each
//	dir, index, len	u32 each
//	off, raw	u64 each
//	sum	u32, CRC-32C of all that stands before it
//
// Numbers are little endian.
const HeaderSize = 36

const headerMagic = 'Z' | 'D'<<8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Put writes the header to b.
func (h *FrameHeader) Put(b *[HeaderSize]byte) {
	le := binary.LittleEndian
	le.PutUint16(b[0:], headerMagic)
	b[2], b[3] = byte(h.Type), h.Flags
	le.PutUint32(b[4:], h.ID.Dir)
	le.PutUint32(b[8:], h.ID.Index)
	le.PutUint32(b[12:], h.Len)
	le.PutUint64(b[16:], uint64(h.Off))
	le.PutUint64(b[24:], uint64(h.Raw))
	le.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
}

// ParseHeader reads a header. What it returns without a *Violation is within
// the limits: so many bytes of payload follow, and content that can be placed.
func ParseHeader(b *[HeaderSize]byte) (FrameHeader, error) {
	le := binary.LittleEndian
	if le.Uint16(b[0:]) != headerMagic || le.Uint32(b[32:]) != crc32.Checksum(b[:32], castagnoli) {
		return FrameHeader{}, violation("damaged header of a data frame")
	}
	h := FrameHeader{
		Type:  FrameType(b[2]),
		Flags: b[3],
		ID:    FileID{Dir: le.Uint32(b[4:]), Index: le.Uint32(b[8:])},
		Len:   le.Uint32(b[12:]),
		Off:   int64(le.Uint64(b[16:])),
		Raw:   int64(le.Uint64(b[24:])),
	}
	if err := h.Check(); err != nil {
		return FrameHeader{}, err
	}
	return h, nil
}

// Check tells why h can't be the header of a frame.
func (h *FrameHeader) Check() error {
	if h.Off < 0 || h.Raw < 0 || h.Raw > math.MaxInt64-h.Off {
		return violation("frame with %d bytes at %d", h.Raw, h.Off)
	}
	ok := false
	switch h.Type {
	case FrameBatch:
		ok = h.ID == FileID{} && h.payload(MaxBatch)
	case FrameRange:
		ok = h.payload(MaxRange)
	case FrameHole:
		ok = h.Flags == 0 && h.Len == 0 && h.Raw > 0
	case FrameCopy:
		ok = h.Flags == 0 && h.Len == 8 && h.Raw > 0
	case FrameEnd:
		ok = *h == FrameHeader{Type: FrameEnd}
	}
	if !ok {
		return violation("frame of type %d with flags %#x, %d bytes of content in %d", h.Type, h.Flags, h.Raw, h.Len)
	}
	return nil
}

// payload reports whether there is content, within limit, and the payload is as
// long as that: or shorter, if it is compressed, which it may only be then.
func (h *FrameHeader) payload(limit int64) bool {
	switch {
	case h.Raw == 0 || h.Raw > limit || h.Len == 0:
		return false
	case h.Flags == FrameZstd:
		return int64(h.Len) < h.Raw
	}
	return h.Flags == 0 && int64(h.Len) == h.Raw
}
