package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// The body of Entries is
//
//	dir, first	varints
//	count, total	u32 little endian: of items, and of bytes in all their names
//	items
//
// and that of an item
//
//	shared		byte: how many bytes its name has in common with the one before
//	rest		byte, and so many bytes: how it goes on
//	flags		u16 little endian
//	attributes, link, meta, sum	as flags says
//
// Names rise, so each has a rest. Count and total are fixed in size because they
// are known last where a listing takes several frames.
const (
	entriesFixed = 8 // bytes of count and total
	leastItem    = 7 // bytes of an item: shared, rest of one byte, flags, size and time
	sumSize      = 16
)

// Check tells why the entry can't be sent: an error for the file, not for the
// session.
func (e *Entry) Check() error {
	if !ValidName(e.Name) {
		return nameViolation(e.Name)
	}
	if err := e.Attr.check(); err != nil {
		return err
	}
	if err := e.checkKind(); err != nil {
		return err
	}
	if len(e.Sum) != 0 && len(e.Sum) != sumSize {
		return violation("checksum of %d bytes", len(e.Sum))
	}
	if e.Meta.empty() {
		return nil
	}
	return e.Meta.Check()
}

// checkKind: it is no directory, and leads somewhere if and only if it is a
// symbolic link.
func (e *Entry) checkKind() error {
	switch e.Attr.Mode & modeType {
	case modeRegular, modeFIFO, modeChar, modeBlock, modeSocket:
		if len(e.Link) > 0 {
			return violation("only symbolic links lead elsewhere")
		}
	case modeLink:
		if len(e.Link) == 0 || len(e.Link) > MaxLink || hasNUL(e.Link) {
			return violation("invalid symbolic link")
		}
	default:
		return violation("mode %#o in a listing of files", e.Attr.Mode)
	}
	return nil
}

// bound is the most that an entry takes on the wire.
func (e *Entry) bound() int {
	n := 4 + len(e.Name) + maxAttr + 3 + len(e.Link) + sumSize
	if !e.Meta.empty() {
		n += 1 + 3 + 3 + 2 + e.Meta.size() + 5*len(e.Meta.Xattrs)
	}
	return n
}

// appendEntries cuts a listing in as many frames as its length needs.
func appendEntries(b []byte, m *Entries) ([]byte, error) {
	begin := len(b)
	if uint64(m.First)+uint64(len(m.Items)) > math.MaxUint32 {
		return b, violation("too many entries in one directory")
	}
	for done := 0; done < len(m.Items); {
		n, err := 0, error(nil)
		if b, n, err = appendItems(b, m.Dir, m.First+uint32(done), m.Items[done:]); err != nil {
			return b[:begin], err
		}
		done += n
	}
	return b, nil
}

// appendItems appends one frame with as many items as it holds.
func appendItems(b []byte, dir, first uint32, items []Entry) ([]byte, int, error) {
	b, start := beginFrame(b, typeEntries)
	b = binary.AppendUvarint(b, uint64(dir))
	b = binary.AppendUvarint(b, uint64(first))
	fixed := len(b)
	b = append(b, make([]byte, entriesFixed)...)
	total, n := 0, 0
	prev, prevName := &Attr{}, []byte(nil)
	for n < min(len(items), MaxItems) {
		e := &items[n]
		if err := e.Check(); err != nil {
			return b, 0, err
		}
		if n > 0 && len(b)-start+e.bound() > MaxBody {
			break
		}
		shared := commonPrefix(prevName, e.Name)
		if shared == len(e.Name) || shared < len(prevName) && e.Name[shared] < prevName[shared] {
			return b, 0, violation("entries %.255q and %.255q are out of order", prevName, e.Name)
		}
		b = append(b, byte(shared), byte(len(e.Name)-shared))
		b = append(b, e.Name[shared:]...)
		b = e.put(b, prev)
		total += len(e.Name)
		prev, prevName = &e.Attr, e.Name
		n++
	}
	binary.LittleEndian.PutUint32(b[fixed:], uint32(n))
	binary.LittleEndian.PutUint32(b[fixed+4:], uint32(total))
	b, err := endFrame(b, start)
	return b, n, err
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// put appends all but the name.
func (e *Entry) put(b []byte, prev *Attr) []byte {
	f := e.Attr.flags(prev)
	if e.Device {
		f |= isDevice
	}
	if e.Follow {
		f |= isFollowed
	}
	if len(e.Link) > 0 {
		f |= hasLink
	}
	if !e.Meta.empty() {
		f |= hasMeta
	}
	if len(e.Sum) > 0 {
		f |= hasSum
	}
	b = append(b, byte(f), byte(f>>8))
	b = e.Attr.put(b, f, prev)
	if f&hasLink != 0 {
		b = appendBytes(b, e.Link)
	}
	if f&hasMeta != 0 {
		b = e.Meta.put(b)
	}
	return append(b, e.Sum...)
}

// get takes all but the name.
func (e *Entry) get(c *cursor, prev *Attr) {
	raw := c.next(2)
	if raw == nil {
		return
	}
	f := uint16(raw[0]) | uint16(raw[1])<<8
	if f&^entryFlags != 0 {
		c.fail("unknown flags of an entry")
		return
	}
	e.Attr.get(c, f, prev)
	e.Device, e.Follow = f&isDevice != 0, f&isFollowed != 0
	if f&hasLink != 0 {
		e.Link = c.bytes(MaxLink)
	}
	if f&hasMeta != 0 {
		e.Meta.get(c)
	}
	if f&hasSum != 0 {
		e.Sum = c.next(sumSize)
	}
	if c.err == nil {
		if err := e.checkKind(); err != nil {
			c.err = err
		}
	}
}

// get takes a listing. Names are put together in one piece of memory, and
// everything else that has a length stays part of the body.
func (m *Entries) get(c *cursor) {
	m.Dir, m.First = c.u32(), c.u32()
	n, total := int(c.fixed32()), int(c.fixed32())
	switch {
	case c.err != nil:
		return
	case n == 0 || n > MaxItems || n > len(c.b)/leastItem:
		c.fail("listing is longer than its message")
		return
	case total < n || total > n*MaxName || uint64(m.First)+uint64(n) > math.MaxUint32:
		c.fail("listing out of range")
		return
	}
	m.Items = make([]Entry, n)
	names := make([]byte, 0, total)
	prev, prevName := &Attr{}, []byte(nil)
	for i := range m.Items {
		e := &m.Items[i]
		if names, e.Name = c.name(names, prevName, total); c.err != nil {
			return
		}
		if e.get(c, prev); c.err != nil {
			return
		}
		prev, prevName = &e.Attr, e.Name
	}
	if len(names) != total {
		c.fail("names of a listing are not as long as it says")
	}
}

// check: get has looked at everything while it was at hand.
func (m *Entries) check() error { return nil }

// name takes a name that is told by what differs from prev and must come after
// it, appends it to names, which never get longer than total, and returns both.
// As prev has been looked at, only what is new of it is.
func (c *cursor) name(names, prev []byte, total int) (all, name []byte) {
	if len(c.b) < 2 || len(c.b) < 2+int(c.b[1]) {
		c.fail("message is cut short")
		return names, nil
	}
	shared, rest := int(c.b[0]), c.b[2:2+int(c.b[1])]
	c.b = c.b[2+len(rest):]
	if special(rest) || shared == 0 && len(rest) > 0 && !ValidName(rest) {
		// Before what else is wrong with it: an attack is to be called one.
		c.badName(append(slices.Clone(prev[:min(shared, len(prev))]), rest...))
		return names, nil
	}
	if shared > len(prev) || len(rest) == 0 || shared < len(prev) && rest[0] <= prev[shared] {
		c.fail("listing is out of order")
		return names, nil
	}
	begin := len(names)
	if shared+len(rest) > total-begin {
		c.fail("names of a listing are longer than it says")
		return names, nil
	}
	names = append(names, prev[:shared]...)
	names = append(names, rest...)
	name = names[begin:len(names):len(names)]
	if len(name) <= 2 && !ValidName(name) || len(name) > MaxName {
		c.badName(name)
		return names, nil
	}
	return names, name
}
