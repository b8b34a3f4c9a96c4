package wire

import (
	"bytes"
	"math"
)

// sample is a message with something in every field.
type sample struct {
	name string
	msg  any
}

func sampleAttr(mode uint32) Attr {
	return Attr{
		Mode: mode, UID: 1000, GID: 100, Nlink: 3, Dev: 0x801, Ino: 131074, Rdev: 0x105, Size: 123456,
		Mtime: Time{Sec: 1700000000, Nsec: 987654321}, Atime: Time{Sec: -1, Nsec: 1},
	}
}

func sampleMeta() Meta {
	return Meta{
		ACL: []byte("\x02\x00\x00\x00acl"), DefaultACL: []byte("\x02\x00\x00\x00default"),
		Xattrs: []Xattr{{Name: []byte("user.a"), Value: []byte("b")}, {Name: []byte("user.empty")}},
	}
}

// samples are the messages of the golden file and the seeds of the fuzz
// targets: one of each type, and more of those with many forms.
func samples() []sample {
	id := FileID{Dir: 7, Index: 300}
	sum := [16]byte([]byte("0123456789abcdef"))
	plain := func(size int64, sec int64) Attr {
		return Attr{Mode: modeRegular | 0o644, UID: 1000, GID: 100, Nlink: 1, Size: size, Mtime: Time{Sec: sec, Nsec: 5}}
	}
	link := sampleAttr(modeLink | 0o777)
	stats := [32]int64{0: 1, 1: -1, 2: 1 << 40, 31: math.MaxInt64}
	return []sample{
		{"Job", &Job{Push: true, CopyRules: true, Words: []string{"--recursive", "--filter=- *.o", ""}, Sources: [][]byte{[]byte("a b"), []byte("/c/")}, Dest: []byte("dst/\xff")}},
		{"Ready", &Ready{Umask: 0o22, UID: 1000}},
		{"Root", &Root{
			Single: true, IsDir: true, Nothing: true, Hidden: true, Bare: true, Content: true, Seals: true, Lists: true,
			Attr: sampleAttr(modeDir | 0o755), Meta: sampleMeta(), Path: []byte("src/"),
		}},
		{"Root of nothing", &Root{Nothing: true}},
		{"Dir", &Dir{
			ID: 300, Parent: 7, Name: []byte("sub"), Called: []byte("a/sub"), Path: []byte("/src/sub"),
			Attr: sampleAttr(modeDir | 0o2755), Meta: sampleMeta(), Implied: true, Lists: true, Lost: true,
		}},
		{"Dir, plain", &Dir{ID: 1, Name: []byte("d"), Path: []byte("d"), Attr: Attr{Mode: modeDir | 0o755, Nlink: 1}}},
		{"Entries", &Entries{Dir: 7, First: 256, Items: []Entry{
			{Name: []byte("alpha"), Attr: plain(1, 1700000000)},
			{Name: []byte("alpha.go"), Attr: plain(2000, 1700000001)},
			{Name: []byte("beta"), Attr: plain(0, 1699999999), Sum: sum[:]},
			{Name: []byte("link"), Attr: link, Link: []byte("../over/there")},
			{Name: []byte("meta"), Attr: sampleAttr(modeBlock | 0o660), Meta: sampleMeta(), Device: true, Follow: true},
		}}},
		{"DirEnd", &DirEnd{Dir: 7, Count: 261, Subdirs: [][]byte{[]byte("sub"), []byte("x")}, Others: [][]byte{[]byte("unread")}, Missing: [][]byte{[]byte("gone")}}},
		{"WalkEnd", &WalkEnd{IOError: true, UnreadRoot: []byte("gone"), Empty: []byte("empty"), LostMount: []byte("/mnt"), Dirs: 301}},
		{"Names", &Names{Group: true, ID: 100, Name: []byte("users")}},
		{"Need", &Need{Dir: 7, Runs: []Run{{From: 0, To: 1, Action: Whole}, {From: 1, To: 300, Action: Delta}, {From: 1000, To: 70000, Action: Whole}}}},
		{"Signature", &Signature{ID: id, Size: 9000, Block: 4096, First: 1, Sums: []Sum{{Weak: 1, Strong: sum}, {Weak: math.MaxUint32}}, Last: true}},
		{"Refine", &Refine{ID: id, Block: 4096, Blocks: []uint32{0, 1, 300}, Last: true}},
		{"Fine", &Fine{ID: id, Sums: []uint64{1, math.MaxUint64}, Last: true}},
		{"Received", &Received{IDs: []FileID{id, {Dir: math.MaxUint32, Index: math.MaxUint32}}}},
		{"Sent", &Sent{
			ID: id, Status: Good, Size: 1 << 33, Bytes: 1 << 33, Mtime: Time{Sec: 1700000000, Nsec: 5}, Kernel: true,
			Sums: []RangeSum{{Off: 0, Len: 1 << 24, Sum: sum}, {Off: 1 << 25, Len: 5}}, Digest: bytes.Repeat([]byte{0xd1}, 32),
		}},
		{"Verdict", &Verdict{ID: id, Status: Changed}},
		{"BatchSum", &BatchSum{Stream: 3, Seq: 1 << 40, Sum: sum}},
		{"DirDone", &DirDone{Dir: 300}},
		{"Remove", &Remove{ID: id}},
		{"Drop", &Drop{ID: id}},
		{"Credit", &Credit{Flow: FlowReports, Bytes: 1 << 20}},
		{"Done", &Done{Removed: 12}},
		{"Finished", &Finished{Stats: stats}},
		{"Problem", &Problem{Kind: 4, Text: "cannot open 'x': Permission denied", Hint: "hint"}},
		{"Note", &Note{Level: 2, Text: "note"}},
		{"Item", &Item{
			Name: []byte("a/b"), Mode: modeRegular | 0o600, Flags: 1 << 40, Link: []byte("c"), Size: 1000, Mtime: Time{Sec: 1, Nsec: 2},
			UID: 3, GID: 4, Method: 5, Moved: 600, Shared: 400, HasRes: true,
		}},
		{"Totals", &Totals{Found: 1, FoundBytes: 1 << 40, Files: 3, Bytes: 4, Wanted: 5}},
		{"Fatal", &Fatal{Code: 12, Text: "text", Hint: "hint"}},
		{"Ping", &Ping{Work: 300}},
		{"Stop", &Stop{}},
		{"Chunk", &Chunk{Stream: 2, Data: []byte("content")}},
	}
}

func sampleHello() *Hello {
	return &Hello{
		MinVersion: 1, MaxVersion: 1, Session: [16]byte([]byte("0123456789abcdef")), Pin: [32]byte(bytes.Repeat([]byte{0xb1}, 32)),
		Client: true, Plain: true, Token: [32]byte(bytes.Repeat([]byte{0x70}, 32)), Seed: 0x1122334455667788,
		Features: []string{FeatureXXH3, FeatureZstd}, Ports: []uint16{50000, 22}, Addrs: []string{"192.0.2.7", "2001:db8::1"}, Program: "1.0",
	}
}

// sampleBatch is the frame of a batch of three files.
func sampleBatch() []byte {
	var w BatchWriter
	for i, text := range []string{"first", "", "gone"} {
		room, _ := w.Add(FileID{Dir: 7, Index: 300 + uint32(i)}, int64(len(text)), Time{Sec: 1700000000, Nsec: 5})
		copy(room, text)
	}
	w.Fail(Vanished)
	return w.Frame(9)
}

// sampleHeaders are of one frame of each type.
func sampleHeaders() []FrameHeader {
	id := FileID{Dir: 7, Index: 300}
	return []FrameHeader{
		{Type: FrameBatch, Off: 9, Raw: 70, Len: 70},
		{Type: FrameRange, ID: id, Off: 1 << 24, Raw: 1 << 24, Len: 1 << 24},
		{Type: FrameRange, Flags: FrameZstd, ID: id, Off: 1 << 24, Raw: 1 << 24, Len: 1000},
		{Type: FrameHole, ID: id, Off: 1 << 33, Raw: 1 << 40},
		{Type: FrameCopy, ID: id, Off: 4096, Raw: 8192, Len: 8},
		{Type: FrameEnd},
	}
}
