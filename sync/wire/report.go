package wire

import "encoding/binary"

func (m *Problem) check() error { return nil }

func (m *Problem) put(b []byte) []byte {
	b = append(b, m.Kind)
	b = appendString(b, head(m.Text))
	return appendString(b, head(m.Hint))
}

func (m *Problem) get(c *cursor) {
	m.Kind = c.byte()
	m.Text, m.Hint = string(c.bytes(MaxText)), string(c.bytes(MaxText))
}

func (m *Note) check() error { return nil }

func (m *Note) put(b []byte) []byte {
	b = append(b, m.Level)
	return appendString(b, head(m.Text))
}

func (m *Note) get(c *cursor) {
	m.Level = c.byte()
	m.Text = string(c.bytes(MaxText))
}

func (m *Item) check() error {
	switch {
	case m.Size < 0 || m.Moved < 0 || m.Shared < 0 || m.Mtime.Nsec >= 1e9:
		return violation("item out of range")
	case len(m.Link) > MaxLink:
		return violation("link of %d bytes", len(m.Link))
	}
	return nil
}

func (m *Item) put(b []byte) []byte {
	b = append(b, bit(m.HasRes, 1), m.Method)
	b = appendBytes(b, tail(m.Name))
	b = binary.AppendUvarint(b, uint64(m.Mode))
	b = binary.AppendUvarint(b, m.Flags)
	b = appendBytes(b, m.Link)
	b = binary.AppendUvarint(b, uint64(m.Size))
	b = appendTime(b, m.Mtime)
	b = binary.AppendUvarint(b, uint64(m.UID))
	b = binary.AppendUvarint(b, uint64(m.GID))
	b = binary.AppendUvarint(b, uint64(m.Moved))
	return binary.AppendUvarint(b, uint64(m.Shared))
}

func (m *Item) get(c *cursor) {
	m.HasRes = c.flags(1) != 0
	m.Method = c.byte()
	m.Name = c.bytes(MaxPath)
	m.Mode = c.u32()
	m.Flags = c.uvarint()
	m.Link = c.bytes(MaxLink)
	m.Size = c.size()
	m.Mtime = c.time()
	m.UID, m.GID = c.u32(), c.u32()
	m.Moved, m.Shared = c.size(), c.size()
}

func (m *Totals) check() error {
	if m.Found < 0 || m.FoundBytes < 0 || m.Files < 0 || m.Bytes < 0 || m.Wanted < 0 {
		return violation("totals below zero")
	}
	return nil
}

func (m *Totals) put(b []byte) []byte {
	for _, v := range [...]int64{m.Found, m.FoundBytes, m.Files, m.Bytes, m.Wanted} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}

func (m *Totals) get(c *cursor) {
	m.Found, m.FoundBytes = c.size(), c.size()
	m.Files, m.Bytes, m.Wanted = c.size(), c.size(), c.size()
}
