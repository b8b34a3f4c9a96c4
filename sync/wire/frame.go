package wire

// FrameType is what a data frame holds.
type FrameType uint8

// The types. A frame is a header and exactly Len bytes of payload.
const (
	// FrameBatch holds many small files, each whole. ID is unused, Off is the
	// number of the batch on its stream.
	FrameBatch FrameType = iota + 1
	// FrameRange holds the bytes [Off, Off+Raw) of the file ID.
	FrameRange
	// FrameHole says that [Off, Off+Raw) of the file ID reads as zeros. Len is 0.
	FrameHole
	// FrameCopy says that [Off, Off+Raw) of the file ID is what its basis holds
	// from an offset on, which is the payload's 8 bytes.
	FrameCopy
	// FrameEnd ends a stream. Everything is 0.
	FrameEnd
)

// Flags of a data frame.
const (
	// FrameZstd: the payload is compressed; Raw is its size before.
	FrameZstd uint8 = 1 << iota
)

// FrameHeader stands before the payload of a data frame, in HeaderSize bytes.
type FrameHeader struct {
	Type  FrameType
	Flags uint8
	ID    FileID
	Off   int64
	Raw   int64 // bytes of content
	Len   uint32
}
