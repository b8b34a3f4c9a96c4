package wire

import (
	"encoding/binary"
	"math"
)

// A cursor takes values off the front of a body. Its first error stays, and
// everything after that is zero, so that callers look once at the end.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(text string) {
	if c.err == nil {
		c.err = &Violation{Text: text}
	}
	c.b = nil
}

// badName is the failure of a name.
func (c *cursor) badName(name []byte) {
	if c.err == nil {
		c.err = nameViolation(name)
	}
	c.b = nil
}

func nameViolation(name []byte) error {
	v := violation("invalid file name %.255q", name).(*Violation)
	v.Name = true
	return v
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.fail("message is cut short")
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

// flags takes a byte in which only the bits of mask may be set.
func (c *cursor) flags(mask byte) byte {
	v := c.byte()
	if v&^mask != 0 {
		c.fail("unknown flags in a message")
		return 0
	}
	return v
}

func (c *cursor) uvarint() uint64 {
	if len(c.b) > 0 && c.b[0] < 0x80 {
		v := c.b[0]
		c.b = c.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.b)
	// Each number has one form only: the shortest.
	if n <= 0 || c.b[n-1] == 0 {
		c.fail("invalid number in a message")
		return 0
	}
	c.b = c.b[n:]
	return v
}

// varint takes a signed number: 0, -1, 1, -2...
func (c *cursor) varint() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// upTo takes a number that is limit at most.
func (c *cursor) upTo(limit uint64) uint64 {
	v := c.uvarint()
	if v > limit {
		c.fail("number out of range in a message")
		return 0
	}
	return v
}

func (c *cursor) u32() uint32 { return uint32(c.upTo(math.MaxUint32)) }

// size takes a number of bytes or of files, which is no more than an int64.
func (c *cursor) size() int64 { return int64(c.upTo(math.MaxInt64)) }

func (c *cursor) fixed32() uint32 {
	b := c.next(4)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (c *cursor) fixed64() uint64 {
	b := c.next(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// next takes n bytes, which stay part of the body. It is nil for 0.
func (c *cursor) next(n int) []byte {
	if n > len(c.b) {
		c.fail("message is cut short")
	}
	if n == 0 || c.err != nil {
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

// bytes takes a length and so many bytes.
func (c *cursor) bytes(limit int) []byte { return c.next(int(c.upTo(uint64(limit)))) }

// count takes the length of a list of at most limit, whose elements take
// least bytes or more each: there can't be more than the body has room for.
func (c *cursor) count(limit, least int) int {
	n := c.upTo(uint64(limit))
	if n > uint64(len(c.b)/least) {
		c.fail("list is longer than its message")
		return 0
	}
	return int(n)
}

// some is count for a list that a message is not sent without.
func (c *cursor) some(limit, least int) int {
	n := c.count(limit, least)
	if n == 0 {
		c.fail("empty list")
	}
	return n
}

// id takes a FileID.
func (c *cursor) id() FileID { return FileID{Dir: c.u32(), Index: c.u32()} }

// time takes a Time.
func (c *cursor) time() Time {
	t := Time{Sec: c.varint(), Nsec: c.u32()}
	if t.Nsec >= 1e9 {
		c.fail("nanoseconds out of range")
	}
	return t
}

// end is the verdict on a body of which everything has been taken.
func (c *cursor) end() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail("message is too long")
	}
	return c.err
}

func appendBytes(b, p []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendID(b []byte, id FileID) []byte {
	b = binary.AppendUvarint(b, uint64(id.Dir))
	return binary.AppendUvarint(b, uint64(id.Index))
}

func appendTime(b []byte, t Time) []byte {
	b = binary.AppendVarint(b, t.Sec)
	return binary.AppendUvarint(b, uint64(t.Nsec))
}

// bit is the flag for a truth.
func bit(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}

// tail is the end of a path that is too long to be told.
func tail(p []byte) []byte {
	if len(p) <= MaxPath {
		return p
	}
	return append([]byte("..."), p[len(p)-MaxPath+3:]...)
}

// head is the beginning of a text that is too long to be told.
func head(s string) string {
	if len(s) <= MaxText {
		return s
	}
	return s[:MaxText-3] + "..."
}
