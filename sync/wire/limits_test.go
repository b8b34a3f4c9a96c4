package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes f takes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAllocation: no number in a message makes the reader take memory which the
// message is not long enough for.
func TestAllocation(t *testing.T) {
	hostile := [][]byte{
		{0xff, 0xff, 0xff, 0xff},
		{0xff, 0xff, 0xff, 0xff, 0x07},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		bytes.Repeat([]byte{0xff}, 16),
		{0xff, 0x1f}, // 4095
		{0xff, 0xff, 0x3f},
		{0xff, 0x0f, 0, 0},
	}
	_, all := encoded(t)
	for _, s := range samples() {
		body := all[s.name][headerSize:]
		for at := range body {
			for _, h := range hostile {
				for _, over := range []int{0, 1, len(h)} {
					bad := append(bytes.Clone(body[:at]), h...)
					bad = append(bad, body[min(at+over, len(body)):]...)
					n := allocated(func() { decode(newMessage(kind(s.msg)), bad) })
					if limit := uint64(80*len(bad) + 4096); n > limit {
						t.Errorf("%s with %x at %d: %d bytes taken for %d", s.name, h, at, n, len(bad))
					}
				}
			}
		}
	}
	payload := all["batch"][HeaderSize:]
	for at := range payload {
		for _, h := range hostile {
			bad := append(append(bytes.Clone(payload[:at]), h...), payload[at:]...)
			if n := allocated(func() { ParseBatch(bad) }); n > uint64(80*len(bad)+4096) {
				t.Errorf("batch with %x at %d: %d bytes taken for %d", h, at, n, len(bad))
			}
		}
	}
}

// TestAllocationByHeader: the length of a body is no reason to take memory for
// it, whatever the type says that comes in several frames.
func TestAllocationByHeader(t *testing.T) {
	for _, length := range []uint32{MaxBody, MaxBody + 1, 1 << 30, math.MaxUint32} {
		for _, flags := range []byte{0, flagMore} {
			b := binary.LittleEndian.AppendUint32(nil, length)
			b = append(b, typeDirEnd, flags, 1, 2, 3)
			r := NewReader(bytes.NewReader(b), 0)
			n := allocated(func() {
				if msg, _, err := r.Next(); err == nil {
					t.Errorf("read %v", msg)
				}
			})
			if n > firstRead+16<<10 {
				t.Errorf("%d bytes taken for a length of %d", n, length)
			}
		}
	}
}

// body puts values together: bytes as they are, numbers as varints.
func body(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case byte:
			b = append(b, p)
		case int:
			b = binary.AppendUvarint(b, uint64(p))
		case uint64:
			b = binary.AppendUvarint(b, p)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, p)
		case string:
			b = append(b, p...)
		}
	}
	return b
}

// TestRefused: bodies that no end may send, one for each rule.
func TestRefused(t *testing.T) {
	const all = uint64(math.MaxUint64)
	const regular = modeRegular | 0o644
	// One entry: all of its attributes are zero but for its mode.
	entry := func(shared byte, rest string, mode, flags int) []byte {
		b := body(shared, byte(len(rest)), rest, byte(flags), byte(flags>>8))
		if flags&sameMode == 0 {
			b = append(b, body(mode)...)
		}
		return append(b, 0, 0) // size, time
	}
	listing := func(n, total uint32, entries ...[]byte) []byte {
		return append(body(7, 0, n, total), bytes.Join(entries, nil)...)
	}
	plain := entry(0, "b", regular, sameOwner)
	again := func(shared byte, rest string) []byte { return entry(shared, rest, 0, sameMode|sameOwner) }
	attr := func(parts ...any) []byte { return append(body(byte(sameOwner), modeDir|0o755), body(parts...)...) }
	dir := func(id, parent int, name string, rest ...any) []byte {
		b := body(byte(0), id, parent, byte(len(name)), name, 0, 0)
		return append(b, body(rest...)...)
	}
	fine := string(attr(0, 0)) + "\x00" // attributes, no meta
	name256 := strings.Repeat("n", 256)
	sum := strings.Repeat("s", 16)
	for _, c := range []struct {
		what string
		kind uint8
		good bool
		name bool
		body []byte
	}{
		{what: "a listing", kind: typeEntries, good: true, body: listing(1, 1, plain)},
		{what: "two names", kind: typeEntries, good: true, body: listing(2, 3, plain, again(1, "a"))},
		{what: "no entries", kind: typeEntries, body: listing(0, 0)},
		{what: "more entries than there are", kind: typeEntries, body: listing(2, 2, plain)},
		{what: "fewer entries than there are", kind: typeEntries, body: listing(1, 1, plain, again(0, "c"))},
		{what: "entries of all bits", kind: typeEntries, body: listing(math.MaxUint32, math.MaxUint32, plain)},
		{what: "indices that wrap", kind: typeEntries, body: append(body(7, math.MaxUint32, uint32(1), uint32(1)), plain...)},
		{what: "a directory's number of 33 bits", kind: typeEntries, body: append(body(1<<32, 0, uint32(1), uint32(1)), plain...)},
		{what: "names shorter than told", kind: typeEntries, body: listing(2, 3, plain, again(0, "c"))},
		{what: "names longer than told", kind: typeEntries, body: listing(2, 2, plain, again(1, "a"))},
		{what: "the same name", kind: typeEntries, body: listing(2, 2, plain, again(1, ""))},
		{what: "the same name, spelled out", kind: typeEntries, body: listing(2, 2, plain, again(0, "b"))},
		{what: "an earlier name", kind: typeEntries, body: listing(2, 2, plain, again(0, "a"))},
		{what: "more shared than there is", kind: typeEntries, body: listing(2, 4, plain, again(2, "a"))},
		{what: "shared by the first", kind: typeEntries, body: listing(1, 2, entry(1, "a", regular, sameOwner))},
		{what: "no name", kind: typeEntries, body: listing(1, 1, entry(0, "", regular, sameOwner))},
		{what: "dot", kind: typeEntries, name: true, body: listing(1, 1, entry(0, ".", regular, sameOwner))},
		{what: "dots", kind: typeEntries, name: true, body: listing(1, 2, entry(0, "..", regular, sameOwner))},
		{what: "dots, put together", kind: typeEntries, name: true, body: listing(2, 4, entry(0, ".!", regular, sameOwner), again(1, "."))},
		{what: "three dots", kind: typeEntries, good: true, body: listing(1, 3, entry(0, "...", regular, sameOwner))},
		{what: "slash", kind: typeEntries, name: true, body: listing(1, 3, entry(0, "a/b", regular, sameOwner))},
		{what: "slash, put together", kind: typeEntries, name: true, body: listing(2, 4, plain, again(1, "/c"))},
		{what: "slash, out of order", kind: typeEntries, name: true, body: listing(2, 4, plain, again(0, "a/c"))},
		{what: "slash, longer than told", kind: typeEntries, name: true, body: listing(2, 3, plain, again(0, "c/d"))},
		{what: "dots, out of order", kind: typeEntries, name: true, body: listing(2, 3, plain, again(0, ".."))},
		{what: "NUL, shared with nothing", kind: typeEntries, name: true, body: listing(2, 4, plain, again(9, "\x00"))},
		{what: "NUL", kind: typeEntries, name: true, body: listing(1, 2, entry(0, "a\x00", regular, sameOwner))},
		{what: "a name too long", kind: typeEntries, name: true, body: listing(2, 257, plain, again(1, name256[:255]))},
		{what: "a directory", kind: typeEntries, body: listing(1, 1, entry(0, "b", modeDir|0o755, sameOwner))},
		{what: "no type", kind: typeEntries, body: listing(1, 1, entry(0, "b", 0o644, sameOwner))},
		{what: "a mode of 17 bits", kind: typeEntries, body: listing(1, 1, entry(0, "b", 1<<16|regular, sameOwner))},
		{what: "unknown flags", kind: typeEntries, body: listing(1, 1, entry(0, "b", regular, sameOwner|1<<11))},
		{what: "a link that leads nowhere", kind: typeEntries, body: listing(1, 1, entry(0, "b", modeLink, sameOwner))},
		{what: "a file that leads elsewhere", kind: typeEntries, body: listing(1, 1, append(entry(0, "b", regular, sameOwner|hasLink), 1, 'x'))},
		{what: "a link", kind: typeEntries, good: true, body: listing(1, 1, append(entry(0, "b", modeLink, sameOwner|hasLink), 1, 'x'))},
		{what: "a link with NUL", kind: typeEntries, body: listing(1, 1, append(entry(0, "b", modeLink, sameOwner|hasLink), 1, 0))},
		{what: "a size of 64 bits", kind: typeEntries, body: listing(1, 1, append(body(byte(0), byte(1), "b", byte(sameOwner), byte(0), regular, uint64(1<<63)), 0))},
		{what: "too many nanoseconds", kind: typeEntries, body: listing(1, 1, append(entry(0, "b", regular, sameOwner|hasNsec), body(uint32(1e9))...))},
		{what: "too many nanoseconds of atime", kind: typeEntries, body: listing(1, 1, append(entry(0, "b", regular, sameOwner|hasAtime), body(0, 1000000000)...))},
		{what: "half a checksum", kind: typeEntries, body: listing(1, 1, append(entry(0, "b", regular, sameOwner|hasSum), 1, 2, 3))},

		{what: "a directory", kind: typeDir, good: true, body: dir(1, 0, "d", fine)},
		{what: "the root by name", kind: typeDir, body: dir(0, 0, "d", fine)},
		{what: "a directory in itself", kind: typeDir, body: dir(1, 1, "d", fine)},
		{what: "dots", kind: typeDir, name: true, body: dir(1, 0, "..", fine)},
		{what: "no name", kind: typeDir, name: true, body: dir(1, 0, "", fine)},
		{what: "slash", kind: typeDir, name: true, body: dir(1, 0, "a/b", fine)},
		{what: "a length of all bits", kind: typeDir, body: body(byte(0), 1, 0, all, "d")},
		{what: "unknown flags", kind: typeDir, body: append(body(byte(8)), dir(1, 0, "d", fine)[1:]...)},
		{what: "no directory", kind: typeDir, body: dir(1, 0, "d", string(body(byte(sameOwner), regular, 0, 0, byte(0))))},
		{what: "unknown flags of attributes", kind: typeDir, body: dir(1, 0, "d", byte(0x40))},
		{what: "unknown flags of meta", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(8))},
		{what: "an attribute", kind: typeDir, good: true, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), 1, 1, "x", 0)},
		{what: "an attribute without a name", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), 1, 0, 0)},
		{what: "an attribute's name with NUL", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), 1, 1, "\x00", 0)},
		{what: "an attribute too long", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), 1, 1, "x", MaxXattr+1, strings.Repeat("v", MaxXattr+1))},
		{what: "too many attributes", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), MaxXattrCount+1, strings.Repeat("\x01x\x00", MaxXattrCount+1))},
		{what: "too much in attributes", kind: typeDir, body: dir(1, 0, "d", fine[:len(fine)-1], byte(metaXattrs), 17,
			strings.Repeat(string(body(1, "x", MaxXattr, strings.Repeat("v", MaxXattr))), 17))},
		{what: "too much at the end", kind: typeDir, body: dir(1, 0, "d", fine, byte(0))},

		{what: "names", kind: typeDirEnd, good: true, body: body(1, 0, 1, byte(1), "d", 0, 0)},
		{what: "dots", kind: typeDirEnd, name: true, body: body(1, 0, 1, byte(2), "..", 0, 0)},
		{what: "dots among others", kind: typeDirEnd, name: true, body: body(1, 0, 0, 1, byte(2), "..", 0)},
		{what: "dots among what is missing", kind: typeDirEnd, name: true, body: body(1, 0, 0, 0, 1, byte(2), "..")},
		{what: "a name beyond the end", kind: typeDirEnd, body: body(1, 0, 1, byte(255), "d", 0)},
		{what: "names of all bits", kind: typeDirEnd, body: body(1, 0, all)},

		{what: "a name with NUL", kind: typeNames, body: body(byte(0), 1, 1, "\x00")},
		{what: "no name", kind: typeNames, body: body(byte(0), 1, 0)},
		{what: "unknown flags", kind: typeWalkEnd, body: body(byte(2), 1, 0, 0, 0)},

		{what: "a run", kind: typeNeed, good: true, body: body(1, 1, 0, 1<<2|1)},
		{what: "no runs", kind: typeNeed, body: body(1, 0)},
		{what: "an empty run", kind: typeNeed, body: body(1, 1, 0, 0<<2|1)},
		{what: "no action", kind: typeNeed, body: body(1, 1, 0, 1<<2)},
		{what: "an unknown action", kind: typeNeed, body: body(1, 1, 0, 1<<2|3)},
		{what: "a run beyond 32 bits", kind: typeNeed, body: body(1, 1, 1, math.MaxUint32<<2|1)},
		{what: "a run that begins beyond 32 bits", kind: typeNeed, body: body(1, 1, 1<<32, 1<<2|1)},
		{what: "a run that wraps", kind: typeNeed, body: body(1, 2, 1, 1<<2|1, all-1, 1<<2|1)},
		{what: "runs of all bits", kind: typeNeed, body: body(1, all)},
		{what: "too many runs", kind: typeNeed, body: body(1, MaxRuns+1, strings.Repeat("\x01\x05", MaxRuns+1))},

		{what: "a signature", kind: typeSignature, good: true, body: body(byte(1), 1, 2, 256, 256, 0, 1, "weak", sum)},
		{what: "more blocks than the file", kind: typeSignature, body: body(byte(1), 1, 2, 256, 256, 1, 1, "weak", sum)},
		{what: "a block of none", kind: typeSignature, body: body(byte(1), 1, 2, 256, 0, 0, 1, "weak", sum)},
		{what: "a tiny block", kind: typeSignature, body: body(byte(1), 1, 2, 256, MinBlock-1, 0, 1, "weak", sum)},
		{what: "a huge block", kind: typeSignature, body: body(byte(1), 1, 2, 256, MaxBlock+1, 0, 1, "weak", sum)},
		{what: "a size of 64 bits", kind: typeSignature, body: body(byte(1), 1, 2, all, 256, 0, 1, "weak", sum)},
		{what: "sums of all bits", kind: typeSignature, body: body(byte(1), 1, 2, 256, 256, 0, all)},

		{what: "blocks", kind: typeRefine, good: true, body: body(byte(0), 1, 2, 256, 2, 0, 1)},
		{what: "the same block", kind: typeRefine, body: body(byte(0), 1, 2, 256, 2, 1, 0)},
		{what: "a block beyond 32 bits", kind: typeRefine, body: body(byte(0), 1, 2, 256, 2, 1, math.MaxUint32)},
		{what: "a block of none", kind: typeRefine, body: body(byte(0), 1, 2, 0, 1, 1)},
		{what: "sums of all bits", kind: typeFine, body: body(byte(0), 1, 2, all)},
		{what: "files of all bits", kind: typeReceived, body: body(all)},
		{what: "no files", kind: typeReceived, body: body(0)},

		{what: "a file", kind: typeSent, good: true, body: body(byte(Good)<<1, 1, 2, 5, 5, 0, 0, 0, 1, 0, 5, sum)},
		{what: "no status", kind: typeSent, body: body(byte(0), 1, 2, 5, 5, 0, 0, 0, 0)},
		{what: "an unknown status", kind: typeSent, body: body(byte(Failed+1)<<1, 1, 2, 5, 5, 0, 0, 0, 0)},
		{what: "a size of 64 bits", kind: typeSent, body: body(byte(Good)<<1, 1, 2, all, 5, 0, 0, 0, 0)},
		{what: "too many nanoseconds", kind: typeSent, body: body(byte(Good)<<1, 1, 2, 5, 5, 0, 1000000000, 0, 0)},
		{what: "an odd digest", kind: typeSent, body: body(byte(Good)<<1, 1, 2, 5, 5, 0, 0, 3, "abc", 0)},
		{what: "a range that wraps", kind: typeSent, body: body(byte(Good)<<1, 1, 2, 5, 5, 0, 0, 0, 1, 1, math.MaxInt64, sum)},
		{what: "sums of all bits", kind: typeSent, body: body(byte(Good)<<1, 1, 2, 5, 5, 0, 0, 0, all)},
		{what: "an unknown status", kind: typeVerdict, body: body(1, 2, byte(5))},
		{what: "half a sum", kind: typeBatchSum, body: body(1, 2, "half")},

		{what: "credit", kind: typeCredit, good: true, body: body(byte(FlowChunks), MaxCredit)},
		{what: "no credit", kind: typeCredit, body: body(byte(FlowChunks), 0)},
		{what: "too much credit", kind: typeCredit, body: body(byte(FlowChunks), MaxCredit+1)},
		{what: "credit of all bits", kind: typeCredit, body: body(byte(FlowChunks), all)},
		{what: "credit for nothing", kind: typeCredit, body: body(byte(0), 1)},
		{what: "credit for the unknown", kind: typeCredit, body: body(byte(4), 1)},
		{what: "removed below zero", kind: typeDone, body: body(all)},
		{what: "totals below zero", kind: typeTotals, body: body(0, 0, all, 0, 0)},
		{what: "a number of more bytes than needed", kind: typeDone, body: []byte{0x81, 0}},
		{what: "a number of more than 64 bits", kind: typeDone, body: bytes.Repeat([]byte{0xff}, 11)},
		{what: "unknown flags", kind: typeJob, body: body(byte(4), 0, 0, 0)},
		{what: "words of all bits", kind: typeJob, body: body(byte(0), all)},
		{what: "sources of all bits", kind: typeJob, body: body(byte(0), 0, all)},
		{what: "a path with NUL", kind: typeJob, body: body(byte(0), 0, 1, 1, "\x00", 0)},
		{what: "a destination with NUL", kind: typeJob, body: body(byte(0), 0, 0, 1, "\x00")},
		{what: "a umask of more than permissions", kind: typeReady, body: body(0o1000, 0)},
		{what: "text beyond the end", kind: typeProblem, body: body(byte(1), all)},
		{what: "no data", kind: typeChunk, body: body(uint32(1))},
		{what: "too much data", kind: typeChunk, body: body(uint32(1), strings.Repeat("x", MaxChunk+1))},
		{what: "half a stream", kind: typeChunk, body: []byte{1, 2}},
		{what: "something", kind: typeStop, body: []byte{0}},
		{what: "a sign of life without work", kind: typePing},
		{what: "more than work", kind: typePing, body: []byte{0, 0}},
	} {
		err := decode(newMessage(c.kind), c.body)
		var v *Violation
		switch {
		case c.good && err != nil:
			t.Errorf("%s of type %d: %v", c.what, c.kind, err)
		case !c.good && (!errors.As(err, &v) || v.Name != c.name):
			t.Errorf("%s of type %d: %#v", c.what, c.kind, err)
		}
	}
}

// TestCut: the end of the channel anywhere within a message is an error.
func TestCut(t *testing.T) {
	for _, s := range samples() {
		b, err := Append(nil, s.msg)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(b); n++ {
			if msg, _, err := NewReader(bytes.NewReader(b[:n]), 0).Next(); err != io.ErrUnexpectedEOF {
				t.Errorf("%s cut after %d of %d bytes: %v: %v", s.name, n, len(b), msg, err)
			}
			// The same with a body that is whole, for its length.
			short := bytes.Clone(b[:n])
			if n > headerSize && kind(s.msg) != typeChunk {
				binary.LittleEndian.PutUint32(short, uint32(n-headerSize))
				var v *Violation
				if msg, _, err := NewReader(bytes.NewReader(short), 0).Next(); !errors.As(err, &v) {
					t.Errorf("%s with a body of %d bytes: %v: %v", s.name, n-headerSize, msg, err)
				}
			}
		}
	}
}
