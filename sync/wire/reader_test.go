package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// readAll reads messages until the end of the channel.
func readAll(t *testing.T, b []byte) (msgs []any) {
	t.Helper()
	r := NewReader(bytes.NewReader(b), 0)
	for total := 0; ; {
		msg, size, err := r.Next()
		if err == io.EOF {
			if total != len(b) {
				t.Errorf("sizes add up to %d of %d", total, len(b))
			}
			return msgs
		}
		if err != nil {
			t.Fatal(err)
		}
		total += size
		msgs = append(msgs, msg)
	}
}

func mustAppend(t *testing.T, msg any) []byte {
	t.Helper()
	b, err := Append(nil, msg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCutLists: lists too long for one frame come as several messages.
func TestCutLists(t *testing.T) {
	long := portion(2*MaxItems + 5)
	var items []Entry
	for _, m := range readAll(t, mustAppend(t, long)) {
		e := m.(*Entries)
		if int(e.First-long.First) != len(items) || e.Dir != long.Dir || len(e.Items) > MaxItems {
			t.Errorf("%d entries from %d on, after %d", len(e.Items), e.First, len(items))
		}
		items = append(items, e.Items...)
	}
	if !reflect.DeepEqual(long.Items, items) {
		t.Error("entries differ")
	}

	need := &Need{Dir: 1}
	for i := range uint32(2*MaxRuns + 1) {
		need.Runs = append(need.Runs, Run{From: 3 * i, To: 3*i + 2, Action: Whole})
	}
	var runs []Run
	for _, m := range readAll(t, mustAppend(t, need)) {
		runs = append(runs, m.(*Need).Runs...)
	}
	if !slices.Equal(need.Runs, runs) {
		t.Error("runs differ")
	}

	const n = 2*MaxSums + 1
	signature := &Signature{Size: n * 256, Block: 256, Sums: make([]Sum, n), Last: true}
	refine := &Refine{Block: 256, Last: true}
	fine := &Fine{Last: true}
	received := &Received{}
	for i := range uint32(n) {
		signature.Sums[i].Weak = i
		refine.Blocks = append(refine.Blocks, 2*i)
		fine.Sums = append(fine.Sums, uint64(i))
		received.IDs = append(received.IDs, FileID{Index: i})
	}
	next, lasts := uint32(0), 0
	for _, m := range readAll(t, mustAppend(t, signature)) {
		s := m.(*Signature)
		if s.First != next || s.Sums[0].Weak != next || lasts > 0 {
			t.Errorf("sums from %d on, after %d", s.First, next)
		}
		if next += uint32(len(s.Sums)); s.Last {
			lasts++
		}
	}
	if next != n || lasts != 1 {
		t.Errorf("%d sums, %d last ones", next, lasts)
	}
	blocks, sums, ids := []uint32(nil), []uint64(nil), []FileID(nil)
	for _, m := range readAll(t, mustAppend(t, refine)) {
		blocks = append(blocks, m.(*Refine).Blocks...)
		if last := m.(*Refine).Last; last != (len(blocks) == n) {
			t.Errorf("last after %d blocks: %v", len(blocks), last)
		}
	}
	for _, m := range readAll(t, mustAppend(t, fine)) {
		sums = append(sums, m.(*Fine).Sums...)
		if last := m.(*Fine).Last; last != (len(sums) == n) {
			t.Errorf("last after %d sums: %v", len(sums), last)
		}
	}
	for _, m := range readAll(t, mustAppend(t, received)) {
		ids = append(ids, m.(*Received).IDs...)
	}
	if !slices.Equal(refine.Blocks, blocks) || !slices.Equal(fine.Sums, sums) || !slices.Equal(received.IDs, ids) {
		t.Error("lists differ")
	}

	chunk := &Chunk{Stream: 3, Data: bytes.Repeat([]byte("0123456789"), MaxChunk/4)}
	var data []byte
	for _, m := range readAll(t, mustAppend(t, chunk)) {
		data = append(data, m.(*Chunk).Data...)
	}
	if !bytes.Equal(data, chunk.Data) {
		t.Errorf("%d bytes of %d in chunks", len(data), len(chunk.Data))
	}
	for _, empty := range []any{&Entries{}, &Need{}, &Received{}, &Chunk{}} {
		if b := mustAppend(t, empty); len(b) > 0 {
			t.Errorf("empty %T takes %d bytes", empty, len(b))
		}
	}
	for _, end := range []any{&Signature{Block: 256, Last: true}, &Refine{Block: 256, Last: true}, &Fine{Last: true}} {
		if got := readAll(t, mustAppend(t, end)); len(got) != 1 {
			t.Errorf("%T without sums: %v", end, got)
		}
	}
}

// TestLargeEntries: entries with all that they may have are told, one to a frame
// if need be, and what is more than that can be known before.
func TestLargeEntries(t *testing.T) {
	m := &Entries{}
	for i := range 3 {
		e := Entry{Name: []byte(fmt.Sprintf("%d%s", i, strings.Repeat("n", MaxName-1))), Attr: sampleAttr(modeLink)}
		e.Link = bytes.Repeat([]byte("l"), MaxLink)
		left := MaxXattrs
		for left > 0 {
			x := Xattr{Name: bytes.Repeat([]byte("x"), min(left, MaxName))}
			left -= len(x.Name)
			x.Value = make([]byte, min(left, MaxXattr))
			left -= len(x.Value)
			e.Meta.Xattrs = append(e.Meta.Xattrs, x)
		}
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		m.Items = append(m.Items, e)
	}
	var items []Entry
	for _, got := range readAll(t, mustAppend(t, m)) {
		items = append(items, got.(*Entries).Items...)
	}
	if !reflect.DeepEqual(m.Items, items) {
		t.Error("entries differ")
	}
	many := Entry{Name: []byte("many"), Attr: Attr{Mode: modeRegular}}
	for range MaxXattrCount {
		many.Meta.Xattrs = append(many.Meta.Xattrs, Xattr{Name: []byte("x"), Value: make([]byte, 127)})
	}
	// Whatever is left of the frame that this one takes most of, it is cut right.
	for n := 3000; n < 4096; n += 64 {
		next := many
		next.Name, next.Meta.Xattrs = []byte("next"), many.Meta.Xattrs[:n]
		readAll(t, mustAppend(t, &Entries{Items: []Entry{many, next}}))
	}

	for what, spoil := range map[string]func(e *Entry){
		"one byte more": func(e *Entry) { e.Meta.ACL = []byte{1} },
		"one more": func(e *Entry) {
			e.Meta.Xattrs = slices.Repeat([]Xattr{{Name: []byte("x")}}, MaxXattrCount+1)
		},
		"a long value":    func(e *Entry) { e.Meta.Xattrs = []Xattr{{Name: []byte("x"), Value: make([]byte, MaxXattr+1)}} },
		"a long ACL":      func(e *Entry) { e.Meta = Meta{ACL: make([]byte, MaxXattr+1)} },
		"no name":         func(e *Entry) { e.Meta.Xattrs = []Xattr{{}} },
		"a long link":     func(e *Entry) { e.Link = make([]byte, MaxLink+1) },
		"a slash":         func(e *Entry) { e.Name = []byte("a/b") },
		"a directory":     func(e *Entry) { e.Attr.Mode = modeDir },
		"a size below 0":  func(e *Entry) { e.Attr.Size = -1 },
		"nanoseconds":     func(e *Entry) { e.Attr.Mtime.Nsec = 1e9 },
		"17 bits of mode": func(e *Entry) { e.Attr.Mode |= 1 << 16 },
		"half a sum":      func(e *Entry) { e.Sum = make([]byte, 8) },
	} {
		e := m.Items[0]
		spoil(&e)
		b, err := Append([]byte("before"), &Entries{Items: []Entry{{Name: []byte("!"), Attr: Attr{Mode: modeRegular}}, e}})
		if e.Check() == nil || err == nil || string(b) != "before" {
			t.Errorf("%s: %v, %v", what, e.Check(), err)
		}
	}
}

// TestLong: a Job and a DirEnd come in several frames and are read as one.
func TestLong(t *testing.T) {
	job := &Job{Words: []string{strings.Repeat("--filter=", MaxBody/3), "--end"}}
	end := &DirEnd{Dir: 3, Count: 4}
	for i := range 300_000 {
		end.Subdirs = append(end.Subdirs, fmt.Appendf(nil, "directory-%07d", i))
	}
	var b []byte
	for _, m := range []any{job, end, &Ping{}} {
		b = append(b, mustAppend(t, m)...)
	}
	if len(b) < 5*MaxBody {
		t.Fatalf("%d bytes are too few for this test", len(b))
	}
	if !reflect.DeepEqual([]any{job, end, &Ping{}}, readAll(t, b)) {
		t.Error("messages differ")
	}
	if got, err := Append([]byte("before"), &Job{Words: []string{strings.Repeat("x", MaxLong)}}); err == nil || string(got) != "before" {
		t.Errorf("a job of more than MaxLong: %v", err)
	}

	part := func(kind, flags byte, n int) []byte {
		return append(append(binary.LittleEndian.AppendUint32(nil, uint32(n)), kind, flags), make([]byte, n)...)
	}
	for what, b := range map[string][]byte{
		"parts of two types":           append(part(typeJob, flagMore, 5), part(typeDirEnd, 0, 5)...),
		"parts of another":             part(typeDir, flagMore, 5),
		"endless parts":                bytes.Repeat(part(typeJob, flagMore, MaxBody), MaxLong/MaxBody+2),
		"an unknown flag":              part(typePing, 4, 0),
		"an unknown type":              part(typeCount+1, 0, 0),
		"an unknown type, with parts":  part(typeCount+1, flagMore, 0),
		"type 0":                       part(0, 0, 0),
		"a body beyond the limit":      part(typeJob, 0, MaxBody+1),
		"an unknown one that is large": part(200, flagSkip, MaxBody+1),
	} {
		var v *Violation
		if msg, _, err := NewReader(bytes.NewReader(b), 0).Next(); !errors.As(err, &v) {
			t.Errorf("%s: %v: %v", what, msg, err)
		}
	}
	limited := NewReader(bytes.NewReader(mustAppend(t, &Note{Text: "0123456789"})), 10)
	if _, _, err := limited.Next(); err == nil {
		t.Error("a message longer than the limit is read")
	}
}

// TestSkip: what a later feature adds may be skipped, and counts.
func TestSkip(t *testing.T) {
	unknown := []byte{3, 0, 0, 0, 200, flagSkip, 1, 2, 3}
	b := append(bytes.Clone(unknown), mustAppend(t, &DirDone{Dir: 9})...)
	msg, size, err := NewReader(iotest.OneByteReader(bytes.NewReader(b)), 0).Next()
	if d := cmp.Diff(&DirDone{Dir: 9}, msg); d != "" || size != len(b) || err != nil {
		t.Errorf("%d of %d bytes: %v\n%s", size, len(b), err, d)
	}
	for n := 1; n < len(unknown); n++ {
		if _, _, err := NewReader(bytes.NewReader(unknown[:n]), 0).Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

// TestOwned: a message stays as it is while others are read.
func TestOwned(t *testing.T) {
	var b []byte
	for _, s := range samples() {
		b = append(b, mustAppend(t, s.msg)...)
	}
	b = append(b, mustAppend(t, &Note{Text: strings.Repeat("x", 4000)})...)
	for i, msg := range readAll(t, b)[:len(samples())] {
		if d := cmp.Diff(samples()[i].msg, msg, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("message %d has changed:\n%s", i, d)
		}
	}
	// Appending to one field doesn't write into another.
	e := readAll(t, mustAppend(t, &Entries{Items: portion(3).Items}))[0].(*Entries)
	_ = append(e.Items[0].Name, "overwritten"...)
	if string(e.Items[1].Name) != string(portion(3).Items[1].Name) {
		t.Errorf("second name is %q", e.Items[1].Name)
	}
	item := readAll(t, mustAppend(t, &Item{Name: []byte("name"), Link: []byte("link")}))[0].(*Item)
	if _ = append(item.Name, "overwritten"...); string(item.Link) != "link" {
		t.Errorf("link is %q", item.Link)
	}
}

// TestShortened: text for the user and its paths are cut, not refused.
func TestShortened(t *testing.T) {
	long := strings.Repeat("a/", MaxText)
	got := readAll(t, mustAppend(t, &Problem{Text: long, Hint: long}))[0].(*Problem)
	if len(got.Text) != MaxText || !strings.HasPrefix(got.Text, "a/a/") || !strings.HasSuffix(got.Text, "...") || len(got.Hint) != MaxText {
		t.Errorf("text of %d bytes and hint of %d", len(got.Text), len(got.Hint))
	}
	dir := readAll(t, mustAppend(t, &Dir{ID: 1, Name: []byte("d"), Path: []byte(long + "end")}))[0].(*Dir)
	if len(dir.Path) != MaxPath || !bytes.HasPrefix(dir.Path, []byte("...")) || !bytes.HasSuffix(dir.Path, []byte("a/end")) {
		t.Errorf("path of %d bytes", len(dir.Path))
	}
	if _, err := Append(nil, &Job{Dest: []byte(long)}); err == nil {
		t.Error("a path to be opened is cut")
	}
}

// TestChunkHeader: a header and the bytes after it are a Chunk.
func TestChunkHeader(t *testing.T) {
	b := AppendChunkHeader(nil, 7, 5)
	if len(b) != ChunkHeaderSize || !bytes.Equal(append(b, "bytes"...), mustAppend(t, &Chunk{Stream: 7, Data: []byte("bytes")})) {
		t.Errorf("header %x", b)
	}
}

// TestUnsent: what a reader would refuse is not sent.
func TestUnsent(t *testing.T) {
	long := bytes.Repeat([]byte("n"), MaxName+1)
	regular := Attr{Mode: modeRegular}
	for what, msg := range map[string]any{
		"a long name":         &Dir{ID: 1, Name: long},
		"a long subdirectory": &DirEnd{Subdirs: [][]byte{long}},
		"an empty other":      &DirEnd{Others: [][]byte{{}}},
		"a long group":        &Names{Name: long},
		"names out of order":  &Entries{Items: []Entry{{Name: []byte("b"), Attr: regular}, {Name: []byte("a"), Attr: regular}}},
		"a name twice":        &Entries{Items: []Entry{{Name: []byte("b"), Attr: regular}, {Name: []byte("b"), Attr: regular}}},
		"a name's beginning":  &Entries{Items: []Entry{{Name: []byte("bb"), Attr: regular}, {Name: []byte("b"), Attr: regular}}},
		"too many entries":    &Entries{First: 1<<32 - 1, Items: []Entry{{Name: []byte("b"), Attr: regular}}},
		"runs out of order":   &Need{Runs: []Run{{From: 2, To: 3, Action: Whole}, {From: 1, To: 2, Action: Whole}}},
		"blocks out of order": &Refine{Block: 256, Blocks: []uint32{2, 1}},
		"no status":           &Verdict{},
		"no flow":             &Credit{Bytes: 1},
		"no block size":       &Signature{},
		"many sums":           &Sent{Status: Good, Sums: make([]RangeSum, MaxSums+1)},
		"many sources":        &Job{Sources: make([][]byte, MaxSources+1)},
		"a negative total":    &Totals{Bytes: -1},
		"an item below zero":  &Item{Shared: -1},
		"a long link":         &Item{Link: make([]byte, MaxLink+1)},
		"removed below zero":  &Done{Removed: -1},
	} {
		var v *Violation
		if b, err := Append([]byte("before"), msg); !errors.As(err, &v) || string(b) != "before" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNoMessage(t *testing.T) {
	if b, err := Append([]byte("before"), Ping{}); err == nil || string(b) != "before" {
		t.Errorf("a message that is no pointer: %v", err)
	}
}
