package wire

import "encoding/binary"

// Bits of Root and Dir.
const (
	rootSingle = 1 << iota
	rootIsDir
	rootNothing
	rootHidden
	rootBare
	rootContent
	rootSeals
	rootLists
)

const (
	dirImplied = 1 << iota
	dirLists
	dirLost
)

func (m *Root) check() error {
	if err := m.Attr.check(); err != nil {
		return err
	}
	return m.Meta.Check()
}

func (m *Root) put(b []byte) []byte {
	b = append(b, bit(m.Single, rootSingle)|bit(m.IsDir, rootIsDir)|bit(m.Nothing, rootNothing)|bit(m.Hidden, rootHidden)|
		bit(m.Bare, rootBare)|bit(m.Content, rootContent)|bit(m.Seals, rootSeals)|bit(m.Lists, rootLists))
	b = m.Attr.putAlone(b)
	b = m.Meta.put(b)
	return appendBytes(b, tail(m.Path))
}

func (m *Root) get(c *cursor) {
	f := c.byte()
	m.Single, m.IsDir, m.Nothing, m.Hidden = f&rootSingle != 0, f&rootIsDir != 0, f&rootNothing != 0, f&rootHidden != 0
	m.Bare, m.Content, m.Seals, m.Lists = f&rootBare != 0, f&rootContent != 0, f&rootSeals != 0, f&rootLists != 0
	m.Attr.getAlone(c)
	m.Meta.get(c)
	m.Path = c.bytes(MaxPath)
}

// check: number 0 is the directory that the sources are merged into, which has
// no name and no parent.
func (m *Dir) check() error {
	if m.ID == 0 && (len(m.Name) > 0 || m.Parent != 0) || m.ID > 0 && m.ID == m.Parent {
		return violation("directory %d below %d", m.ID, m.Parent)
	}
	if m.ID > 0 && !ValidName(m.Name) {
		return nameViolation(m.Name)
	}
	if t := m.Attr.Mode & modeType; t != modeDir && t != 0 {
		return violation("mode %#o of a directory", m.Attr.Mode)
	}
	if err := m.Attr.check(); err != nil {
		return err
	}
	return m.Meta.Check()
}

func (m *Dir) put(b []byte) []byte {
	b = append(b, bit(m.Implied, dirImplied)|bit(m.Lists, dirLists)|bit(m.Lost, dirLost))
	b = binary.AppendUvarint(b, uint64(m.ID))
	b = binary.AppendUvarint(b, uint64(m.Parent))
	b = appendBytes(b, m.Name)
	b = appendBytes(b, tail(m.Called))
	b = appendBytes(b, tail(m.Path))
	b = m.Attr.putAlone(b)
	return m.Meta.put(b)
}

func (m *Dir) get(c *cursor) {
	f := c.flags(dirImplied | dirLists | dirLost)
	m.Implied, m.Lists, m.Lost = f&dirImplied != 0, f&dirLists != 0, f&dirLost != 0
	m.ID, m.Parent = c.u32(), c.u32()
	m.Name = c.bytes(MaxName)
	m.Called = c.bytes(MaxPath)
	m.Path = c.bytes(MaxPath)
	m.Attr.getAlone(c)
	m.Meta.get(c)
}

func (m *DirEnd) check() error {
	if len(m.Subdirs) > MaxNames || len(m.Others) > MaxNames || len(m.Missing) > MaxNames {
		return violation("more than %d names in a directory", MaxNames)
	}
	for _, list := range [...][][]byte{m.Subdirs, m.Others, m.Missing} {
		for _, name := range list {
			if !ValidName(name) {
				return nameViolation(name)
			}
		}
	}
	return nil
}

func (m *DirEnd) put(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Dir))
	b = binary.AppendUvarint(b, uint64(m.Count))
	b = appendNames(b, m.Subdirs)
	b = appendNames(b, m.Others)
	return appendNames(b, m.Missing)
}

func (m *DirEnd) get(c *cursor) {
	m.Dir, m.Count = c.u32(), c.u32()
	m.Subdirs, m.Others, m.Missing = c.names(), c.names(), c.names()
}

func appendNames(b []byte, names [][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = append(b, byte(len(name)))
		b = append(b, name...)
	}
	return b
}

func (c *cursor) names() [][]byte {
	n := c.count(MaxNames, 2)
	if n == 0 {
		return nil
	}
	names := make([][]byte, n)
	for i := range names {
		names[i] = c.next(int(c.byte()))
	}
	return names
}

func (m *WalkEnd) check() error { return nil }

func (m *WalkEnd) put(b []byte) []byte {
	b = append(b, bit(m.IOError, 1))
	b = binary.AppendUvarint(b, uint64(m.Dirs))
	b = appendBytes(b, tail(m.UnreadRoot))
	b = appendBytes(b, tail(m.Empty))
	return appendBytes(b, tail(m.LostMount))
}

func (m *WalkEnd) get(c *cursor) {
	m.IOError = c.flags(1) != 0
	m.Dirs = c.u32()
	m.UnreadRoot, m.Empty, m.LostMount = c.bytes(MaxPath), c.bytes(MaxPath), c.bytes(MaxPath)
}

func (m *Names) check() error {
	if len(m.Name) == 0 || len(m.Name) > MaxName || hasNUL(m.Name) {
		return violation("invalid name of a user or group")
	}
	return nil
}

func (m *Names) put(b []byte) []byte {
	b = append(b, bit(m.Group, 1))
	b = binary.AppendUvarint(b, uint64(m.ID))
	return appendBytes(b, m.Name)
}

func (m *Names) get(c *cursor) {
	m.Group = c.flags(1) != 0
	m.ID = c.u32()
	m.Name = c.bytes(MaxName)
}
