package remote

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

func TestNeeds(t *testing.T) {
	q := newNeeds()
	q.add(3, wire.Run{From: 5, To: 7}, wire.Run{From: 9, To: 10})
	q.add(1, wire.Run{From: 0, To: 1})
	var got []wire.FileID
	for {
		id, ok := q.file()
		if !ok {
			break
		}
		got = append(got, id)
	}
	if want := []wire.FileID{{Dir: 3, Index: 5}, {Dir: 3, Index: 6}, {Dir: 3, Index: 9}, {Dir: 1, Index: 0}}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	done := make(chan bool)
	go func() { done <- q.await(func() bool { return false }) }()
	select {
	case <-done:
		t.Error("there was something to do")
	case <-time.After(20 * time.Millisecond):
	}
	q.end()
	if <-done {
		t.Error("there is something to do after the end")
	}
}

func TestWindow(t *testing.T) {
	w := newWindow(100)
	if !w.take(500) { // alone, it may be larger
		t.Fatal("dead")
	}
	took := make(chan bool)
	go func() { took <- w.take(60) }()
	select {
	case <-took:
		t.Error("did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if err := w.give(450); err != nil {
		t.Error(err)
	}
	select {
	case <-took:
		t.Error("did not wait for all")
	case <-time.After(20 * time.Millisecond):
	}
	if err := w.give(20); err != nil || !<-took {
		t.Error(err)
	}
	if err := w.give(1000); err == nil {
		t.Error("more was given back than taken")
	}
	go func() { took <- w.take(90) }()
	w.kill()
	if <-took {
		t.Error("taken after the end")
	}
}

func TestInboxLimit(t *testing.T) {
	q := newInbox[int](1000)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		err = q.put(n, 36)
	}
	if n != 11 {
		t.Errorf("%d items of 100 bytes fit into 1000", n-1)
	}
	if items, ok := q.take(context.Background()); !ok || len(items) != 10 {
		t.Errorf("took %v", items)
	}
	if err := q.put(1, 36); err != nil {
		t.Error(err)
	}
}

func TestNameMap(t *testing.T) {
	known := map[string]uint32{"user": 500, "group": 600, "zero": 0}
	lookup := func(group bool, name string) (uint32, bool) {
		id, ok := known[name]
		return id, ok && group == (name == "group")
	}
	acl := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0, 10, 0, 0, 0, 8, 0, 5, 0, 20, 0, 0, 0, 2, 0, 5, 0, 11, 0, 0, 0}
	for _, root := range []bool{true, false} {
		m := newNameMap(root)
		m.lookup = lookup
		for _, n := range []wire.Names{
			{ID: 10, Name: []byte("user")}, {Group: true, ID: 20, Name: []byte("group")}, {ID: 0, Name: []byte("user")},
			{ID: 11, Name: []byte("unknown")}, {ID: 12, Name: []byte("zero")},
		} {
			m.learn(&n)
		}
		a := wire.Attr{UID: 10, GID: 20}
		meta := wire.Meta{ACL: bytes.Clone(acl)}
		m.mapAttr(&a, &meta)
		user := uint32(10)
		if root {
			user = 500
		}
		if a.UID != user || a.GID != 600 {
			t.Errorf("root %v: %d:%d", root, a.UID, a.GID)
		}
		if got := le.Uint32(meta.ACL[16:]); got != user {
			t.Errorf("root %v: user %d in the ACL", root, got)
		}
		if got := le.Uint32(meta.ACL[24:]); got != 600 {
			t.Errorf("root %v: group %d in the ACL", root, got)
		}
		if got := le.Uint32(meta.ACL[8:]); got != 0xffffffff {
			t.Errorf("root %v: the owner's entry has %d", root, got)
		}
		for _, id := range []uint32{0, 11, 12, 13} {
			a := wire.Attr{UID: id}
			if m.mapAttr(&a, &wire.Meta{}); a.UID != id {
				t.Errorf("%d became %d", id, a.UID)
			}
		}
	}
	var none *nameMap
	a := wire.Attr{UID: 10}
	none.learn(&wire.Names{ID: 10, Name: []byte("user")})
	if none.mapAttr(&a, &wire.Meta{}); a.UID != 10 {
		t.Error("numbers were to be kept")
	}
}

func TestPacker(t *testing.T) {
	var c, d packer
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for _, payload := range [][]byte{bytes.Repeat([]byte("text "), 50_000), noise, {1}} {
		h := wire.FrameHeader{Type: wire.FrameRange, Raw: int64(len(payload))}
		b, err := c.frame(&h, payload)
		if err != nil {
			t.Fatal(err)
		}
		out := b[wire.HeaderSize:]
		if int(h.Len) != len(out) {
			t.Errorf("length %d of %d", h.Len, len(out))
		}
		if h.Flags == wire.FrameZstd {
			if len(out) > len(payload)/2 {
				t.Errorf("%d bytes became %d", len(payload), len(out))
			}
			if _, err := d.unpack(out, len(payload)+1); err == nil {
				t.Error("a wrong length was taken")
			}
			if out, err = d.unpack(out, len(payload)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(out, payload) {
			t.Error("something else came out")
		}
	}
	if _, err := d.unpack([]byte("no zstd"), 10); err == nil {
		t.Error("garbage was taken")
	}
}

func TestFoldedSum(t *testing.T) {
	var a, b, c foldedSum
	one, two := hash128([]byte("one"), 7), hash128([]byte("two"), 7)
	a.add(wire.FrameRange, 0, 3, one, 7)
	a.add(wire.FrameHole, 3, 5, [16]byte{}, 7)
	a.add(wire.FrameRange, 8, 3, two, 7)
	b.add(wire.FrameRange, 8, 3, two, 7)
	b.add(wire.FrameRange, 0, 3, one, 7)
	b.add(wire.FrameHole, 3, 5, [16]byte{}, 7)
	c.add(wire.FrameRange, 0, 3, two, 7)
	c.add(wire.FrameRange, 8, 3, one, 7)
	c.add(wire.FrameHole, 3, 5, [16]byte{}, 7)
	if a != b || a == c {
		t.Error("sums depend on the order of frames, or not on their place")
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"cannot open 'é'": "cannot open 'é'", "a\x1b[31mb": `a\033[31mb`, "a\nb": `a\012b`, "\xff": `\377`, "\u202ex": `\342\200\256x`,
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestReports: what a far end reports can't command a terminal.
func TestReports(t *testing.T) {
	to := &told{}
	r := newReports(to)
	r.start(&session{ctl: newControl()})
	for _, m := range []any{&wire.Problem{Text: "a\x1b[2J"}, &wire.Note{Text: "b\r"}} {
		if err := r.inbox.put(listed{m, 10}, 10); err != nil {
			t.Fatal(err)
		}
	}
	r.finish()
	if !slices.Equal(to.problems, []string{`a\033[2J`}) || !slices.Equal(to.notes, []string{`b\015`}) {
		t.Errorf("%q, %q", to.problems, to.notes)
	}
}

func TestStats(t *testing.T) {
	var s mirror.Stats
	for i, v := range statsFields(&s) {
		*v = int64(i + 1)
	}
	for i, v := range statsFields(&s) {
		if *v != int64(i+1) {
			t.Errorf("field %d is there twice", i)
		}
	}
	if got := statsFromWire(statsToWire(s)); got != s {
		t.Errorf("%+v became %+v", s, got)
	}
}

// TestSending: ranges of a file follow each other without gaps.
func TestSending(t *testing.T) {
	f := &sending{end: 100}
	var at int64
	for {
		g, ok := f.take(nil, 33)
		if !ok {
			break
		}
		if g.off != at || g.n <= 0 || g.n > 33 || g.hole {
			t.Fatalf("range %+v at %d", g, at)
		}
		at += g.n
		if last := f.done(); last != (at == 100) {
			t.Errorf("at %d: last %v", at, last)
		}
	}
	if at != 100 || !f.exhausted() {
		t.Errorf("ended at %d", at)
	}
}

// writes counts what is written at once.
type writes struct {
	conn
	most, all int
}

func (w *writes) Write(b []byte) (int, error) {
	w.most, w.all = max(w.most, len(b)), w.all+len(b)
	return len(b), nil
}

// TestLimitedPieces: under a limit a batch goes out piece by piece, or a slow one
// would look like an end that has stopped.
func TestLimitedPieces(t *testing.T) {
	b := make([]byte, batchBytes+1)
	for _, limited := range []bool{false, true} {
		opts, most := copier.Options{}, len(b)
		if limited {
			opts.Limit, most = copier.NewLimiter(1<<40), limitedPiece
		}
		a, _ := memoryPair(t)
		s := sessionAt(a)
		d := newSender(s, nil, platform.Native(), copier.New(platform.Native(), opts, 0), jobWords{})
		w := &writes{}
		p := &pump{d: d, s: &stream{conn: w}}
		if err := p.write(b); err != nil || w.all != len(b) || w.most != most {
			t.Errorf("limited %v: %d bytes, %d at once, %v", limited, w.all, w.most, err)
		}
		s.cancel(errOver)
	}
}
