package wire

import "encoding/binary"

const (
	jobPush = 1 << iota
	jobCopyRules
)

func (m *Job) check() error {
	if len(m.Words) > MaxWords || len(m.Sources) > MaxSources {
		return violation("job of %d options and %d sources", len(m.Words), len(m.Sources))
	}
	for _, p := range m.Sources {
		if err := checkOperand(p); err != nil {
			return err
		}
	}
	return checkOperand(m.Dest)
}

func checkOperand(p []byte) error {
	if len(p) > MaxPath || hasNUL(p) {
		return violation("invalid path %.255q", p)
	}
	return nil
}

func (m *Job) put(b []byte) []byte {
	b = append(b, bit(m.Push, jobPush)|bit(m.CopyRules, jobCopyRules))
	b = binary.AppendUvarint(b, uint64(len(m.Words)))
	for _, w := range m.Words {
		b = appendString(b, w)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Sources)))
	for _, p := range m.Sources {
		b = appendBytes(b, p)
	}
	return appendBytes(b, m.Dest)
}

func (m *Job) get(c *cursor) {
	f := c.flags(jobPush | jobCopyRules)
	m.Push, m.CopyRules = f&jobPush != 0, f&jobCopyRules != 0
	if n := c.count(MaxWords, 1); n > 0 {
		m.Words = make([]string, n)
		for i := range m.Words {
			m.Words[i] = string(c.bytes(MaxLong))
		}
	}
	if n := c.count(MaxSources, 1); n > 0 {
		m.Sources = make([][]byte, n)
		for i := range m.Sources {
			m.Sources[i] = c.bytes(MaxPath)
		}
	}
	m.Dest = c.bytes(MaxPath)
}

func (m *Ready) check() error { return nil }

func (m *Ready) put(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Umask))
	return binary.AppendUvarint(b, uint64(m.UID))
}

func (m *Ready) get(c *cursor) {
	m.Umask, m.UID = uint32(c.upTo(0o777)), c.u32()
}

func (m *Done) check() error {
	if m.Removed < 0 {
		return violation("%d files removed", m.Removed)
	}
	return nil
}

func (m *Done) put(b []byte) []byte { return binary.AppendUvarint(b, uint64(m.Removed)) }

func (m *Done) get(c *cursor) { m.Removed = c.size() }

func (m *Finished) check() error { return nil }

func (m *Finished) put(b []byte) []byte {
	for _, v := range m.Stats {
		b = binary.AppendVarint(b, v)
	}
	return b
}

func (m *Finished) get(c *cursor) {
	for i := range m.Stats {
		m.Stats[i] = c.varint()
	}
}

func (m *Fatal) check() error { return nil }

func (m *Fatal) put(b []byte) []byte {
	b = append(b, m.Code)
	b = appendString(b, head(m.Text))
	return appendString(b, head(m.Hint))
}

func (m *Fatal) get(c *cursor) {
	m.Code = c.byte()
	m.Text, m.Hint = string(c.bytes(MaxText)), string(c.bytes(MaxText))
}

func (m *Ping) check() error { return nil }

func (m *Ping) put(b []byte) []byte { return binary.AppendUvarint(b, m.Work) }

func (m *Ping) get(c *cursor) { m.Work = c.uvarint() }

func (m *Stop) check() error { return nil }

func (m *Stop) put(b []byte) []byte { return b }

func (m *Stop) get(*cursor) {}
