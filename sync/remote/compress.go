package remote

import (
	"github.com/klauspost/compress/zstd"

	"github.com/zccp/zccp/sync/wire"
)

// packer compresses payloads of frames. The zero value is ready for use, by one
// goroutine.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
	out []byte
	raw []byte
}

// packGain is the least part, one in so many, that compression has to save.
const packGain = 10

// sampleSize is what is compressed of a file to see whether it is worth it.
const sampleSize = 64 << 10

// frame returns the header and the payload, compressed if that is smaller, in
// memory that the next call overwrites.
func (c *packer) frame(h *wire.FrameHeader, payload []byte) ([]byte, error) {
	packed, err := c.compress(payload)
	if err != nil {
		return nil, err
	}
	h.Flags = wire.FrameZstd
	if len(packed) >= len(payload)-len(payload)/packGain {
		h.Flags = 0
		packed = append(packed[:wire.HeaderSize], payload...)
		c.out = packed
	}
	h.Len = uint32(len(packed) - wire.HeaderSize)
	h.Put((*[wire.HeaderSize]byte)(packed))
	return packed, nil
}

// compress returns b compressed, behind room for a header.
func (c *packer) compress(b []byte) ([]byte, error) {
	if c.enc == nil {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, err
		}
		c.enc = enc
		c.out = make([]byte, wire.HeaderSize)
	}
	c.out = c.enc.EncodeAll(b, c.out[:wire.HeaderSize])
	return c.out, nil
}

// unpack decompresses b, which has to become n bytes, into memory that the next
// call overwrites.
func (c *packer) unpack(b []byte, n int) ([]byte, error) {
	if c.dec == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(wire.MaxRange))
		if err != nil {
			return nil, err
		}
		c.dec = dec
	}
	out, err := c.dec.DecodeAll(b, c.raw[:0])
	if err != nil {
		return nil, violated("compressed data: %v", err)
	}
	if c.raw = out; len(out) != n {
		return nil, violated("%d bytes of compressed data are %d", n, len(out))
	}
	return out, nil
}

// worthPacking compresses the beginning of a file to see whether that helps.
func (p *pump) worthPacking(f *sending) bool {
	b := p.buf[:min(sampleSize, f.st.Size)]
	n, err := readFull(p.d.calls, f.fd, b, 0)
	if err != nil || n == 0 {
		return false
	}
	packed, err := p.pack.compress(b[:n])
	return err == nil && len(packed)-wire.HeaderSize < n-n/packGain
}

// packed sends a range compressed.
func (p *pump) packed(f *sending, g *segment) error {
	if p.pack.raw == nil {
		p.pack.raw = make([]byte, packRange)
	}
	data := p.pack.raw[:g.n]
	p.read(f, data, g.off)
	h := wire.FrameHeader{Type: wire.FrameRange, ID: f.id, Off: g.off, Raw: g.n}
	frame, err := p.pack.frame(&h, data)
	if err != nil {
		return err
	}
	if !p.s.private {
		p.sum(f, &h, hash128(frame[wire.HeaderSize:], p.d.seed))
	}
	return p.write(frame)
}

// device sends what a device holds: a file whose size only its end tells.
func (p *pump) device(o *opened) error {
	f := &sending{id: o.id, fd: o.fd, st: o.st, status: wire.Good}
	for {
		data := p.buf[wire.HeaderSize:]
		n, err := readFull(p.d.calls, f.fd, data, f.end)
		if err != nil {
			p.short(f, err)
		}
		if n == 0 || err != nil {
			break
		}
		h := wire.FrameHeader{Type: wire.FrameRange, ID: f.id, Off: f.end, Raw: int64(n), Len: uint32(n)}
		p.header(&h)
		if !p.s.private {
			p.sum(f, &h, hash128(data[:n], p.d.seed))
		}
		if err := p.write(p.buf[:wire.HeaderSize+n]); err != nil {
			p.d.calls.Close(f.fd)
			return err
		}
		f.end += int64(n)
	}
	f.st.Size = f.end
	return p.d.ended(f)
}
