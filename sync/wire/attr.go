package wire

import (
	"encoding/binary"
	"errors"
)

// The type bits of a mode, as Linux has them.
const (
	modeBits    = 0o177777
	modeType    = 0o170000
	modeFIFO    = 0o010000
	modeChar    = 0o020000
	modeDir     = 0o040000
	modeBlock   = 0o060000
	modeRegular = 0o100000
	modeLink    = 0o120000
	modeSocket  = 0o140000
)

// What an entry's two bytes of flags say of its attributes and of what follows
// them.
const (
	sameMode   = 1 << iota // as the entry before
	sameOwner              // as the entry before
	hasLinks               // Nlink, Dev and Ino follow; else 1, 0, 0
	hasRdev                // else 0
	hasNsec                // else 0
	hasAtime               // else 0
	isDevice               // Entry.Device
	isFollowed             // Entry.Follow
	hasLink
	hasMeta
	hasSum

	attrFlags  = sameMode | sameOwner | hasLinks | hasRdev | hasNsec | hasAtime
	entryFlags = 1<<11 - 1
)

// maxAttr is the most that Attr takes: four numbers of 32 bits, two times and
// five of 64.
const maxAttr = 4*5 + 2*14 + 6*10

func (a *Attr) check() error {
	switch {
	case a.Mode > modeBits:
		return violation("mode %#o out of range", a.Mode)
	case a.Size < 0:
		return violation("size %d out of range", a.Size)
	case a.Mtime.Nsec >= 1e9 || a.Atime.Nsec >= 1e9:
		return violation("nanoseconds out of range")
	}
	return nil
}

// flags tells which parts of a are written after prev.
func (a *Attr) flags(prev *Attr) uint16 {
	var f uint16
	if a.Mode == prev.Mode {
		f |= sameMode
	}
	if a.UID == prev.UID && a.GID == prev.GID {
		f |= sameOwner
	}
	if a.Nlink != 1 || a.Dev|a.Ino != 0 {
		f |= hasLinks
	}
	if a.Rdev != 0 {
		f |= hasRdev
	}
	if a.Mtime.Nsec != 0 {
		f |= hasNsec
	}
	if a.Atime != (Time{}) {
		f |= hasAtime
	}
	return f
}

// put appends what f says of a. Times of files of one directory are close to
// each other, so seconds are the difference to those of prev.
func (a *Attr) put(b []byte, f uint16, prev *Attr) []byte {
	if f&sameMode == 0 {
		b = binary.AppendUvarint(b, uint64(a.Mode))
	}
	if f&sameOwner == 0 {
		b = binary.AppendUvarint(b, uint64(a.UID))
		b = binary.AppendUvarint(b, uint64(a.GID))
	}
	if f&hasLinks != 0 {
		b = binary.AppendUvarint(b, a.Nlink)
		b = binary.AppendUvarint(b, a.Dev)
		b = binary.AppendUvarint(b, a.Ino)
	}
	if f&hasRdev != 0 {
		b = binary.AppendUvarint(b, a.Rdev)
	}
	b = binary.AppendUvarint(b, uint64(a.Size))
	b = binary.AppendVarint(b, a.Mtime.Sec-prev.Mtime.Sec)
	if f&hasNsec != 0 {
		b = binary.LittleEndian.AppendUint32(b, a.Mtime.Nsec)
	}
	if f&hasAtime != 0 {
		b = appendTime(b, a.Atime)
	}
	return b
}

func (a *Attr) get(c *cursor, f uint16, prev *Attr) {
	if a.Mode = prev.Mode; f&sameMode == 0 {
		a.Mode = uint32(c.upTo(modeBits))
	}
	if a.UID, a.GID = prev.UID, prev.GID; f&sameOwner == 0 {
		a.UID, a.GID = c.u32(), c.u32()
	}
	if a.Nlink = 1; f&hasLinks != 0 {
		a.Nlink, a.Dev, a.Ino = c.uvarint(), c.uvarint(), c.uvarint()
	}
	if f&hasRdev != 0 {
		a.Rdev = c.uvarint()
	}
	a.Size = c.size()
	a.Mtime.Sec = prev.Mtime.Sec + c.varint()
	if f&hasNsec != 0 {
		if a.Mtime.Nsec = c.fixed32(); a.Mtime.Nsec >= 1e9 {
			c.fail("nanoseconds out of range")
		}
	}
	if f&hasAtime != 0 {
		a.Atime = c.time()
	}
}

// putAlone appends attributes that come after no others.
func (a *Attr) putAlone(b []byte) []byte {
	f := a.flags(&Attr{})
	b = append(b, byte(f))
	return a.put(b, f, &Attr{})
}

func (a *Attr) getAlone(c *cursor) {
	f := c.flags(attrFlags)
	a.get(c, uint16(f), &Attr{})
}

// What a Meta's byte of flags says.
const (
	metaACL = 1 << iota
	metaDefault
	metaXattrs
)

func (m *Meta) empty() bool { return len(m.ACL)|len(m.DefaultACL)|len(m.Xattrs) == 0 }

// size is the sum that MaxXattrs limits.
func (m *Meta) size() int {
	n := len(m.ACL) + len(m.DefaultACL)
	for i := range m.Xattrs {
		n += len(m.Xattrs[i].Name) + len(m.Xattrs[i].Value)
	}
	return n
}

var errXattrs = errors.New("more extended attributes than can be sent")

// Check tells why m can't be sent: it is of a size that only few file systems
// hold.
func (m *Meta) Check() error {
	if len(m.ACL) > MaxXattr || len(m.DefaultACL) > MaxXattr || len(m.Xattrs) > MaxXattrCount || m.size() > MaxXattrs {
		return errXattrs
	}
	for i := range m.Xattrs {
		x := &m.Xattrs[i]
		if len(x.Name) == 0 || len(x.Name) > MaxName || len(x.Value) > MaxXattr || hasNUL(x.Name) {
			return errXattrs
		}
	}
	return nil
}

func (m *Meta) put(b []byte) []byte {
	b = append(b, bit(len(m.ACL) > 0, metaACL)|bit(len(m.DefaultACL) > 0, metaDefault)|bit(len(m.Xattrs) > 0, metaXattrs))
	if len(m.ACL) > 0 {
		b = appendBytes(b, m.ACL)
	}
	if len(m.DefaultACL) > 0 {
		b = appendBytes(b, m.DefaultACL)
	}
	if len(m.Xattrs) > 0 {
		b = binary.AppendUvarint(b, uint64(len(m.Xattrs)))
		for i := range m.Xattrs {
			b = appendBytes(b, m.Xattrs[i].Name)
			b = appendBytes(b, m.Xattrs[i].Value)
		}
	}
	return b
}

func (m *Meta) get(c *cursor) {
	f := c.flags(metaACL | metaDefault | metaXattrs)
	if f&metaACL != 0 {
		m.ACL = c.bytes(MaxXattr)
	}
	if f&metaDefault != 0 {
		m.DefaultACL = c.bytes(MaxXattr)
	}
	if f&metaXattrs != 0 {
		n := c.count(MaxXattrCount, 3)
		if n == 0 {
			return
		}
		m.Xattrs = make([]Xattr, n)
		for i := range m.Xattrs {
			x := &m.Xattrs[i]
			x.Name = c.bytes(MaxName)
			x.Value = c.bytes(MaxXattr)
			if c.err == nil && (len(x.Name) == 0 || hasNUL(x.Name)) {
				c.fail("invalid name of an extended attribute")
			}
		}
	}
	if m.size() > MaxXattrs {
		c.fail("too many extended attributes")
	}
}

func hasNUL(b []byte) bool {
	for _, x := range b {
		if x == 0 {
			return true
		}
	}
	return false
}
