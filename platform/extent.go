package platform

// Extent is a run of a file's blocks and where they lie, in the layout of struct
// fiemap_extent (linux/fiemap.h), which is the same on every processor.
// Offsets and lengths are bytes.
type Extent struct {
	Logical, Physical, Length uint64
	_                         [2]uint64
	Flags                     uint32
	_                         [3]uint32
}

// Flags of Extent. What is encoded (compressed) has the physical offset of the
// whole that it is a part of, so that two parts of one can't be told apart.
// Where one of ExtentVague is set Physical is not where the bytes are, or there
// are none yet: unknown, delayed, encrypted, not aligned, inline, a packed tail,
// unwritten, merged.
const (
	ExtentLast    = 0x0001
	ExtentEncoded = 0x0008
	ExtentShared  = 0x2000
	ExtentVague   = 0x0002 | 0x0004 | 0x0080 | 0x0100 | 0x0200 | 0x0400 | 0x0800 | 0x1000
)

// ExtentMap is what Calls.Extents fills in: struct fiemap with room for a number
// of extents. It can be used again.
type ExtentMap struct {
	start, length                  uint64
	flags, mapped, count, reserved uint32
	Extents                        [256]Extent
}

// ExtentSpace says what the physical offsets of a file are offsets in. Of two
// files that have equal ones the same offset is the same place on the same
// medium, if Exact is set; otherwise that is likely.
type ExtentSpace struct {
	ID    [16]byte
	Exact bool
}
