package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// The number of each type of message on the wire. A number is never used for
// anything else.
const (
	typeJob uint8 = iota + 1
	typeReady
	typeRoot
	typeDir
	typeEntries
	typeDirEnd
	typeWalkEnd
	typeNames
	typeNeed
	typeSignature
	typeRefine
	typeFine
	typeReceived
	typeSent
	typeVerdict
	typeBatchSum
	typeDirDone
	typeRemove
	typeCredit
	typeDone
	typeFinished
	typeProblem
	typeNote
	typeItem
	typeTotals
	typeFatal
	typePing
	typeStop
	typeChunk
	typeDrop

	typeCount = iota
)

// headerSize is what stands before the body of a control frame: its length,
// type and flags.
const headerSize = 6

// Flags of a control frame.
const (
	// flagSkip: whoever does not know the type skips the frame.
	flagSkip = 1 << iota
	// flagMore: the body goes on in the next frame, which has the same type.
	flagMore
)

// incoming is what Reader needs of each type. Get may leave nonsense, since
// check is called after it.
type incoming interface {
	get(c *cursor)
	check() error
}

// outgoing is what Append needs of those that it doesn't cut. Put can't fail,
// since check is called before.
type outgoing interface {
	check() error
	put(b []byte) []byte
}

// kind is the type of a message on the wire, 0 for what is none.
func kind(m any) uint8 {
	switch m.(type) {
	case *Job:
		return typeJob
	case *Ready:
		return typeReady
	case *Root:
		return typeRoot
	case *Dir:
		return typeDir
	case *Entries:
		return typeEntries
	case *DirEnd:
		return typeDirEnd
	case *WalkEnd:
		return typeWalkEnd
	case *Names:
		return typeNames
	case *Need:
		return typeNeed
	case *Signature:
		return typeSignature
	case *Refine:
		return typeRefine
	case *Fine:
		return typeFine
	case *Received:
		return typeReceived
	case *Sent:
		return typeSent
	case *Verdict:
		return typeVerdict
	case *BatchSum:
		return typeBatchSum
	case *DirDone:
		return typeDirDone
	case *Remove:
		return typeRemove
	case *Credit:
		return typeCredit
	case *Done:
		return typeDone
	case *Finished:
		return typeFinished
	case *Problem:
		return typeProblem
	case *Note:
		return typeNote
	case *Item:
		return typeItem
	case *Totals:
		return typeTotals
	case *Fatal:
		return typeFatal
	case *Ping:
		return typePing
	case *Stop:
		return typeStop
	case *Chunk:
		return typeChunk
	case *Drop:
		return typeDrop
	}
	return 0
}

func newMessage(kind uint8) incoming {
	switch kind {
	case typeJob:
		return new(Job)
	case typeReady:
		return new(Ready)
	case typeRoot:
		return new(Root)
	case typeDir:
		return new(Dir)
	case typeEntries:
		return new(Entries)
	case typeDirEnd:
		return new(DirEnd)
	case typeWalkEnd:
		return new(WalkEnd)
	case typeNames:
		return new(Names)
	case typeNeed:
		return new(Need)
	case typeSignature:
		return new(Signature)
	case typeRefine:
		return new(Refine)
	case typeFine:
		return new(Fine)
	case typeReceived:
		return new(Received)
	case typeSent:
		return new(Sent)
	case typeVerdict:
		return new(Verdict)
	case typeBatchSum:
		return new(BatchSum)
	case typeDirDone:
		return new(DirDone)
	case typeRemove:
		return new(Remove)
	case typeCredit:
		return new(Credit)
	case typeDone:
		return new(Done)
	case typeFinished:
		return new(Finished)
	case typeProblem:
		return new(Problem)
	case typeNote:
		return new(Note)
	case typeItem:
		return new(Item)
	case typeTotals:
		return new(Totals)
	case typeFatal:
		return new(Fatal)
	case typePing:
		return new(Ping)
	case typeStop:
		return new(Stop)
	case typeChunk:
		return new(Chunk)
	case typeDrop:
		return new(Drop)
	}
	return nil
}

// long reports whether a message of this type may take several frames.
func long(kind uint8) bool { return kind == typeJob || kind == typeDirEnd }

// keeps reports whether a message of this type has slices of its body.
func keeps(kind uint8) bool {
	switch kind {
	case typeJob, typeRoot, typeDir, typeEntries, typeDirEnd, typeWalkEnd, typeNames, typeSent, typeItem, typeChunk:
		return true
	}
	return false
}

// Append appends msg, a pointer to one of the messages of this package, to b and
// returns the extended slice. What is too long for one frame is cut: lists into
// several messages of the type (none, where there is nothing in them), a Job
// or DirEnd into frames that Reader puts together again, and text for the
// user and its paths are shortened. What a Reader would refuse, Append does, with
// b as it was and a *Violation; an Entry or Meta tells that before by its Check.
func Append(b []byte, msg any) ([]byte, error) {
	switch m := msg.(type) {
	case *Entries:
		return appendEntries(b, m)
	case *Need:
		return appendNeed(b, m)
	case *Signature:
		return appendSignature(b, m)
	case *Refine:
		return appendRefine(b, m)
	case *Fine:
		return appendFine(b, m)
	case *Received:
		return appendReceived(b, m)
	case *Chunk:
		return appendChunk(b, m)
	case outgoing:
		if err := m.check(); err != nil {
			return b, err
		}
		begin := len(b)
		b, start := beginFrame(b, kind(msg))
		b, err := endFrame(m.put(b), start)
		if err != nil {
			return b[:begin], err
		}
		return b, nil
	}
	return b, fmt.Errorf("wire: %T is no message", msg)
}

// appendSmall appends a message that has been checked and is known to fit into
// one frame.
func appendSmall(b []byte, kind uint8, m outgoing) []byte {
	b, start := beginFrame(b, kind)
	b = m.put(b)
	binary.LittleEndian.PutUint32(b[start-headerSize:], uint32(len(b)-start))
	return b
}

// beginFrame appends a header and returns where the body starts.
func beginFrame(b []byte, kind uint8) ([]byte, int) {
	b = append(b, 0, 0, 0, 0, kind, 0)
	return b, len(b)
}

// endFrame fills in the length of the body that starts at start, and cuts that
// of a long message into several frames.
func endFrame(b []byte, start int) ([]byte, error) {
	n := len(b) - start
	head := b[start-headerSize : start]
	kind := head[4]
	if n <= MaxBody {
		binary.LittleEndian.PutUint32(head, uint32(n))
		return b, nil
	}
	if !long(kind) || n > MaxLong {
		return b, violation("message of %d bytes", n)
	}
	body := append([]byte(nil), b[start:]...)
	b = b[:start-headerSize]
	for len(body) > 0 {
		part := body[:min(len(body), MaxBody)]
		body = body[len(part):]
		b = binary.LittleEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, kind, bit(len(body) > 0, flagMore))
		b = append(b, part...)
	}
	return b, nil
}

// Reader takes messages off a control channel. It is for one goroutine.
type Reader struct {
	r     *bufio.Reader
	limit int
	small []byte // body of a message that keeps nothing of it
}

// NewReader returns a Reader of r, which reads ahead. Frames whose bodies are
// longer than limit are refused; 0 stands for MaxBody, which is also the most.
// What comes in several frames is bounded by MaxLong all the same.
func NewReader(r io.Reader, limit int) *Reader {
	if limit <= 0 || limit > MaxBody {
		limit = MaxBody
	}
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), limit: limit, small: make([]byte, 4096)}
}

// Next returns the next message, as a pointer, and how many bytes it took on the
// wire. The message and all its memory are the caller's; slices in it share
// one piece of memory, which lives as long as any of them. The error is io.EOF
// at the end of the channel between two messages, io.ErrUnexpectedEOF within one, a *Violation
// for what no peer may send, or that of the underlying Reader. After an error
// the channel is of no more use.
func (r *Reader) Next() (msg any, size int, err error) {
	for {
		kind, flags, n, err := r.header(true)
		if err != nil {
			return nil, 0, err
		}
		size += headerSize + n
		m := newMessage(kind)
		switch {
		case m == nil && flags&flagSkip == 0:
			return nil, 0, violation("unknown message of type %d", kind)
		case m == nil:
			if _, err := r.r.Discard(n); err != nil {
				return nil, 0, cut(err)
			}
			continue
		case flags&flagMore != 0 && !long(kind):
			return nil, 0, violation("message of type %d in several parts", kind)
		}
		body, err := r.body(nil, n, keeps(kind))
		if err != nil {
			return nil, 0, err
		}
		for flags&flagMore != 0 {
			var again uint8
			if again, flags, n, err = r.header(false); err != nil {
				return nil, 0, err
			}
			if again != kind || len(body)+n > MaxLong {
				return nil, 0, violation("invalid part of a message of type %d", kind)
			}
			size += headerSize + n
			if body, err = r.body(body, n, true); err != nil {
				return nil, 0, err
			}
		}
		if err := decode(m, body); err != nil {
			return nil, 0, err
		}
		return m, size, nil
	}
}

// decode fills m from a whole body.
func decode(m incoming, body []byte) error {
	c := cursor{b: body}
	m.get(&c)
	if err := c.end(); err != nil {
		return err
	}
	return m.check()
}

// header reads what stands before a body.
func (r *Reader) header(first bool) (kind, flags uint8, n int, err error) {
	h, err := r.r.Peek(headerSize)
	if err != nil {
		if len(h) > 0 || !first {
			err = cut(err)
		}
		return 0, 0, 0, err
	}
	length := binary.LittleEndian.Uint32(h)
	kind, flags = h[4], h[5]
	if flags&^(flagSkip|flagMore) != 0 {
		return 0, 0, 0, violation("unknown flags %#x of a message", flags)
	}
	if length > uint32(r.limit) {
		return 0, 0, 0, violation("message of %d bytes", length)
	}
	_, err = r.r.Discard(headerSize)
	return kind, flags, int(length), err
}

// body reads n bytes and appends them to what has been read of the message. No
// more memory is taken by their number than firstRead; then, what has come is
// at least half of it.
func (r *Reader) body(b []byte, n int, keep bool) ([]byte, error) {
	if !keep && n <= len(r.small) {
		_, err := io.ReadFull(r.r, r.small[:n])
		return r.small[:n], cut(err)
	}
	before := len(b)
	for n > 0 {
		part := min(n, max(firstRead, len(b)))
		if cap(b)-len(b) < part {
			b = append(make([]byte, 0, len(b)+max(part, before)), b...)
		}
		if _, err := io.ReadFull(r.r, b[len(b):len(b)+part]); err != nil {
			return nil, cut(err)
		}
		b = b[:len(b)+part]
		n -= part
	}
	return b, nil
}

// cut turns the end of the channel within a message into an error.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
