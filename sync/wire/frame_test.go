package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func genHeader() *rapid.Generator[FrameHeader] {
	return rapid.Custom(func(t *rapid.T) FrameHeader {
		h := FrameHeader{Type: FrameType(rapid.Uint8Range(1, uint8(FrameEnd)).Draw(t, "type"))}
		if h.Type == FrameEnd {
			return h
		}
		h.Raw = rapid.Int64Range(1, MaxBatch).Draw(t, "raw")
		h.Off = rapid.Int64Range(0, math.MaxInt64-h.Raw).Draw(t, "off")
		if h.Type != FrameBatch {
			h.ID = genID().Draw(t, "id")
		}
		switch h.Type {
		case FrameBatch, FrameRange:
			if h.Len = uint32(h.Raw); h.Raw > 1 && rapid.Bool().Draw(t, "compressed") {
				h.Flags, h.Len = FrameZstd, rapid.Uint32Range(1, uint32(h.Raw-1)).Draw(t, "len")
			}
		case FrameCopy:
			h.Len = 8
		}
		return h
	})
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genHeader().Draw(t, "header")
		var b [HeaderSize]byte
		want.Put(&b)
		if got, err := ParseHeader(&b); got != want || err != nil {
			t.Fatalf("%+v read as %+v: %v", want, got, err)
		}
		// No flip of a bit goes unseen.
		at := rapid.IntRange(0, 8*HeaderSize-1).Draw(t, "bit")
		b[at/8] ^= 1 << (at % 8)
		if got, err := ParseHeader(&b); err == nil {
			t.Fatalf("flip of bit %d accepted: %+v", at, got)
		}
	})
}

// TestHeaderLimits: a frame whose sum is right is still refused for what can't
// be.
func TestHeaderLimits(t *testing.T) {
	id := FileID{Dir: 1, Index: 2}
	for _, h := range []FrameHeader{
		{},
		{Type: FrameEnd + 1},
		{Type: FrameEnd, Raw: 1},
		{Type: FrameEnd, Flags: FrameZstd},
		{Type: FrameEnd, ID: id},
		{Type: FrameBatch, Raw: 10, Len: 9},
		{Type: FrameBatch, Raw: 9, Len: 10},
		{Type: FrameBatch, Raw: 10, Len: 10, ID: id},
		{Type: FrameBatch, Raw: MaxBatch + 1, Len: MaxBatch + 1},
		{Type: FrameBatch, Raw: MaxBatch + 1, Len: 100, Flags: FrameZstd},
		{Type: FrameBatch},
		{Type: FrameRange, ID: id},
		{Type: FrameRange, ID: id, Len: 10, Flags: FrameZstd},
		{Type: FrameRange, ID: id, Raw: 10},
		{Type: FrameRange, ID: id, Raw: 10, Len: 10, Off: -1},
		{Type: FrameRange, ID: id, Raw: -10, Len: 10},
		{Type: FrameRange, ID: id, Raw: 10, Len: 10, Off: math.MaxInt64 - 9},
		{Type: FrameRange, ID: id, Raw: 10, Len: 10, Flags: FrameZstd},
		{Type: FrameRange, ID: id, Raw: 10, Len: 10, Flags: 2},
		{Type: FrameRange, ID: id, Raw: MaxRange + 1, Len: MaxRange + 1},
		{Type: FrameRange, ID: id, Raw: MaxRange + 1, Len: 100, Flags: FrameZstd},
		{Type: FrameRange, ID: id, Raw: 1 << 32, Len: 0},
		{Type: FrameHole, ID: id},
		{Type: FrameHole, ID: id, Raw: 10, Len: 10},
		{Type: FrameHole, ID: id, Raw: math.MaxInt64, Off: 1},
		{Type: FrameCopy, ID: id, Raw: 10},
		{Type: FrameCopy, ID: id, Len: 8},
		{Type: FrameCopy, ID: id, Raw: 10, Len: 8, Flags: FrameZstd},
	} {
		var b [HeaderSize]byte
		h.Put(&b)
		var v *Violation
		if _, err := ParseHeader(&b); !errors.As(err, &v) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	var b [HeaderSize]byte
	h := FrameHeader{Type: FrameRange, ID: id, Off: math.MaxInt64 - 10, Raw: 10, Len: 10}
	h.Put(&b)
	if _, err := ParseHeader(&b); err != nil {
		t.Errorf("the last bytes of the largest file: %v", err)
	}
	b[0]++
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
	if _, err := ParseHeader(&b); err == nil {
		t.Error("another beginning than that of a header is accepted")
	}
}

func TestBatchRoundTrip(t *testing.T) {
	var w BatchWriter // used again and again
	rapid.Check(t, func(t *rapid.T) {
		w.Reset()
		var want []BatchFile
		for range rapid.IntRange(1, 20).Draw(t, "files") {
			f := BatchFile{
				ID: genID().Draw(t, "id"), Status: genStatus().Draw(t, "status"), Mtime: genTime().Draw(t, "mtime"),
				Data: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "data"),
			}
			f.Size = int64(len(f.Data))
			room, ok := w.Add(f.ID, f.Size, f.Mtime)
			if !ok || len(room) != len(f.Data) {
				t.Fatalf("room for %d bytes: %d", f.Size, len(room))
			}
			copy(room, f.Data)
			if f.Status != Good {
				w.Fail(f.Status)
				f.Data = nil
			}
			want = append(want, f)
		}
		seq := rapid.Int64Range(0, 1<<40).Draw(t, "seq")
		frame := w.Frame(seq)
		h, err := ParseHeader((*[HeaderSize]byte)(frame))
		if err != nil || h.Off != seq || int(h.Len) != len(frame)-HeaderSize {
			t.Fatalf("header %+v of %d bytes: %v", h, len(frame), err)
		}
		got, err := ParseBatch(frame[HeaderSize:])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("differs (-packed +read):\n%s", d)
		}
	})
}

// TestBatchFull: a batch takes as much as a reader accepts, and no more.
func TestBatchFull(t *testing.T) {
	var w BatchWriter
	for {
		room, ok := w.Add(FileID{Dir: math.MaxUint32, Index: math.MaxUint32}, 64<<10, Time{Sec: math.MinInt64, Nsec: 999999999})
		if !ok {
			break
		}
		for i := range room {
			room[i] = 'x'
		}
	}
	n := w.Count()
	files, err := ParseBatch(w.Payload())
	if err != nil || len(files) != n || n != 31 {
		t.Errorf("%d of %d files of 64 KiB: %v", len(files), n, err)
	}
	w.Reset()
	for w.Count() < MaxBatchFiles {
		if _, ok := w.Add(FileID{}, 0, Time{}); !ok {
			t.Fatalf("no room for empty file %d", w.Count())
		}
	}
	if _, ok := w.Add(FileID{}, 0, Time{}); ok {
		t.Error("more files than a reader accepts")
	}
	if _, err := ParseBatch(w.Payload()); err != nil {
		t.Error(err)
	}
	w.Reset()
	for _, size := range []int64{-1, MaxBatch, MaxBatch + 1, math.MaxInt64} {
		if _, ok := w.Add(FileID{}, size, Time{}); ok {
			t.Errorf("%d bytes fit into a batch", size)
		}
	}
}

// TestBatchTells nothing that a file held which could not be read in the end.
func TestBatchTells(t *testing.T) {
	var w BatchWriter
	w.Add(FileID{}, 5000, Time{}) // so that its memory is used again
	w.Reset()
	room, _ := w.Add(FileID{}, 1000, Time{})
	copy(room, bytes.Repeat([]byte("secret"), 160))
	w.Fail(Failed)
	room, _ = w.Add(FileID{Index: 1}, 1000, Time{})
	if bytes.Contains(room, []byte("secret")) {
		t.Error("room has what a failed file held")
	}
	clear(room)
	if bytes.Contains(w.Payload(), []byte("secret")) {
		t.Error("a failed file's data is sent")
	}
}

func TestBatchLimits(t *testing.T) {
	file := func(status Status, size uint64, nsec uint64) []byte {
		b := appendID([]byte{byte(status)}, FileID{Dir: 1, Index: 2})
		b = binary.AppendUvarint(b, size)
		b = binary.AppendVarint(b, 0)
		return binary.AppendUvarint(b, nsec)
	}
	batch := func(n uint32, files ...[]byte) []byte {
		return binary.LittleEndian.AppendUint32(bytes.Join(files, nil), n)
	}
	if _, err := ParseBatch(batch(1, file(Good, 0, 0))); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":                 nil,
		"no files":              batch(0),
		"count of all bits":     batch(math.MaxUint32, file(Good, 0, 0)),
		"more files than there": batch(2, file(Good, 0, 0)),
		"less files than there": batch(1, file(Good, 0, 0), file(Good, 0, 0)),
		"longer than the batch": batch(1, file(Good, 1, 0)),
		"size of all bits":      batch(1, file(Good, math.MaxUint64, 0)),
		"no status":             batch(1, file(0, 0, 0)),
		"unknown status":        batch(1, file(Failed+1, 0, 0)),
		"too many nanoseconds":  batch(1, file(Good, 0, 1e9)),
		"too long":              make([]byte, MaxBatch+1),
	} {
		var v *Violation
		if files, err := ParseBatch(b); !errors.As(err, &v) {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
}
