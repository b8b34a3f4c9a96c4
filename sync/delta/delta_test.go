package delta

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zccp/zccp/sync/wire"
)

// noise returns n bytes that follow from seed and are nowhere the same.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	c := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	c.Read(b)
	return b
}

// sign returns the signature of a basis as it comes in portions.
func sign(t testing.TB, basis []byte, seed uint64) *Signature {
	t.Helper()
	sig := new(Signature)
	block := Block(int64(len(basis)))
	whole := false
	err := Sign(context.Background(), bytes.NewReader(basis), int64(len(basis)), block, seed, func(first uint32, sums []wire.Sum, last bool) (err error) {
		whole, err = sig.Add(&wire.Signature{Size: int64(len(basis)), Block: uint32(block), First: first, Sums: slices.Clone(sums), Last: last})
		return err
	})
	if err != nil || !whole {
		t.Fatal(err, whole)
	}
	return sig
}

// plan goes all the way, and checks what it comes to.
func plan(t testing.TB, file, basis []byte, seed uint64, shifts bool) *Plan {
	t.Helper()
	sig := sign(t, basis, seed)
	p, err := Match(context.Background(), bytes.NewReader(file), int64(len(file)), sig, seed, shifts)
	if err != nil {
		t.Fatal(err)
	}
	blocks := p.Unsure(sig)
	if len(blocks) > 0 {
		var told []uint64
		err := Fine(context.Background(), bytes.NewReader(basis), int64(len(basis)), sig.Block, seed, blocks, func(sums []uint64, last bool) error {
			told = append(told, sums...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		more, err := Refine(context.Background(), bytes.NewReader(file), sig.Block, seed, blocks, told)
		if err != nil {
			t.Fatal(err)
		}
		p.Refined(more)
	}
	check(t, p, file, basis)
	got, err := Digest(context.Background(), bytes.NewReader(file), int64(len(file)), seed)
	if err != nil || got != p.Digest {
		t.Fatalf("digest %x, want %x (%v)", p.Digest, got, err)
	}
	return p
}

// check rebuilds the file.
func check(t testing.TB, p *Plan, file, basis []byte) {
	t.Helper()
	built, at := make([]byte, 0, len(file)), int64(0)
	data := p.Data()
	for _, c := range p.Copies {
		if c.Len <= 0 || c.Off < at || c.From < 0 || c.From+c.Len > int64(len(basis)) {
			t.Fatalf("copy %+v behind %d", c, at)
		}
		if c.Off > at {
			if len(data) == 0 || data[0] != (Span{at, c.Off - at}) {
				t.Fatalf("data %v, want from %d to %d", data, at, c.Off)
			}
			built, data = append(built, file[at:c.Off]...), data[1:]
		}
		built = append(built, basis[c.From:c.From+c.Len]...)
		at = c.Off + c.Len
	}
	for _, d := range data {
		built = append(built, file[d.Off:d.Off+d.Len]...)
	}
	if !bytes.Equal(built, file) {
		t.Fatalf("rebuilt are %d bytes, not the %d of the file", len(built), len(file))
	}
}

func (p *Plan) copied() (n int64) {
	for _, c := range p.Copies {
		n += c.Len
	}
	return n
}

// TestMatch finds what is there, and not much less.
func TestMatch(t *testing.T) {
	const size = 4<<20 + 12345
	old := noise(size, 1)
	change := func(at ...int) []byte {
		b := bytes.Clone(old)
		for _, i := range at {
			b[i] ^= 1
		}
		return b
	}
	for name, c := range map[string]struct {
		file   []byte
		data   int64 // at most
		shifts bool
	}{
		"the same":           {old, 0, false},
		"first byte":         {change(0), FineBlock, false},
		"last byte":          {change(size - 1), minBlock, false},
		"a byte here, there": {change(5, 1<<20, 1<<20+70000), 3 * FineBlock, false},
		"appended":           {append(bytes.Clone(old), 1, 2, 3), 3, false},
		"cut":                {old[:3<<20], 0, false},
		"cut in a block":     {old[:3<<20+5], 5, false},
		"inserted in front":  {append([]byte{7}, old...), 12346, true},
		"without the first":  {old[1:], minBlock + 12345, true},
		"in the middle":      {slices.Concat(old[:2<<20+777], []byte("more"), old[2<<20+777:]), minBlock + 4 + 12345, true},
		"halves changed":     {slices.Concat(old[2<<20:4<<20], old[:2<<20]), 0, true},
		"a part again":       {slices.Concat(old[:1<<20], old[:1<<20], old[1<<20:]), 12345, true},
		"other":              {noise(size, 2), size, true},
		"nothing":            {nil, 0, true},
		"little":             {old[:10], 10, true},
	} {
		for _, shifts := range []bool{true, false} {
			p := plan(t, c.file, old, 99, shifts)
			if got := int64(len(c.file)) - p.copied(); got > c.data && (shifts || !c.shifts) {
				t.Errorf("%s: %d bytes to be sent, at most %d expected", name, got, c.data)
			}
			for _, cp := range p.Copies {
				if !shifts && cp.From != cp.Off {
					t.Errorf("%s: %+v", name, cp)
				}
			}
		}
	}
}

// TestAny: whatever was done to a file, it is rebuilt.
func TestAny(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 5000, minBlock, minBlock + 1, 700000, 3 << 20}).Draw(r, "size")
		old := noise(size, 3)
		if rapid.Bool().Draw(r, "dull") {
			clear(old[size/3:])
		}
		file := bytes.Clone(old)
		for range rapid.IntRange(0, 8).Draw(r, "edits") {
			at := rapid.IntRange(0, len(file)).Draw(r, "at")
			n := rapid.IntRange(0, min(len(file)-at, 200000)).Draw(r, "length")
			switch rapid.IntRange(0, 4).Draw(r, "kind") {
			case 0:
				for i := range n {
					file[at+i] ^= 0x55
				}
			case 1:
				file = slices.Delete(file, at, at+n)
			case 2:
				file = slices.Insert(file, at, noise(n, 4)...)
			case 3:
				file = slices.Insert(file, at, file[at:at+n]...)
			case 4:
				clear(file[at : at+n])
			}
		}
		plan(t, file, old, rapid.Uint64().Draw(r, "seed"), rapid.Bool().Draw(r, "shifts"))
	})
}

// TestMatchEdges: a moved block is found where its beginning is in its place.
func TestMatchEdges(t *testing.T) {
	b := noise(8*minBlock, 8)
	copy(b[5*minBlock:], b[minBlock/2:minBlock])
	file := slices.Concat(b[:minBlock], b[5*minBlock+minBlock/2:6*minBlock], noise(3*minBlock, 9))
	p := plan(t, file, b, 1, true)
	if got := p.copied(); got != minBlock+minBlock/2 {
		t.Errorf("%d bytes found: %v", got, p.Copies)
	}
}

// TestInsert fills gaps, and nothing but gaps.
func TestInsert(t *testing.T) {
	for name, c := range map[string]struct{ have, more, want []Copy }{
		"none":       {nil, []Copy{{50, 0, 200}}, []Copy{{50, 0, 200}}},
		"on":         {[]Copy{{100, 100, 100}}, []Copy{{50, 0, 200}}, []Copy{{50, 0, 50}, {100, 100, 100}, {200, 150, 50}}},
		"under":      {[]Copy{{100, 100, 100}}, []Copy{{120, 0, 50}}, []Copy{{100, 100, 100}}},
		"each other": {nil, []Copy{{0, 500, 100}, {50, 0, 100}, {60, 0, 10}}, []Copy{{0, 500, 100}, {100, 50, 50}}},
		"many":       {[]Copy{{0, 0, 10}, {20, 20, 10}, {290, 290, 10}}, []Copy{{5, 300, 290}}, []Copy{{0, 0, 10}, {10, 305, 10}, {20, 20, 10}, {30, 325, 260}, {290, 290, 10}}},
		"neighbours": {[]Copy{{0, 0, 10}, {20, 20, 10}}, []Copy{{10, 10, 10}}, []Copy{{0, 0, 30}}},
	} {
		p := &Plan{Size: 300, Copies: c.have}
		if p.insert(c.more); !slices.Equal(p.Copies, c.want) {
			t.Errorf("%s: %v, want %v", name, p.Copies, c.want)
		}
	}
}

// TestRolls: a weak sum that is rolled is that of the window.
func TestRolls(t *testing.T) {
	s := newSums(5)
	b := noise(3000, 6)
	const n = 1000
	s1, s2 := s.weak(b[:n])
	for i := range len(b) - n {
		o := s.table[b[i]]
		s1 += s.table[b[i+n]] - o
		s2 += s1 - o*n
		if w1, w2 := s.weak(b[i+1 : i+1+n]); s1 != w1 || s2 != w2 {
			t.Fatalf("at %d", i+1)
		}
	}
}

// TestWeakSpread: the weak sums of different content are different, also of
// dull content.
func TestWeakSpread(t *testing.T) {
	s := newSums(5)
	seen := map[uint32]bool{}
	b := make([]byte, 4096)
	const n = 20000
	for i := range n {
		b[i%4096], b[i*7%4096] = byte(i), byte(i>>8)
		seen[mix(s.weak(b))] = true
	}
	if len(seen) < n*99/100 {
		t.Errorf("%d different sums of %d", len(seen), n)
	}
}

// TestCrafted is I06, as is TestChains: content whose weak sums are always those of a block that it is
// not takes at most twice as long. With the table of the session they can be
// made here: all bytes weigh the same.
func TestCrafted(t *testing.T) {
	s := newSums(1)
	for i := range s.table {
		s.table[i] = 3
	}
	basis, file := noise(8*minBlock, 1), noise(1<<20, 2)
	crafted, honest := new(Signature), sign(t, basis, 1)
	for i := range 8 {
		crafted.Sums = append(crafted.Sums, s.of(basis[i*minBlock:(i+1)*minBlock]))
	}
	took := func(sums []wire.Sum) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			if list := newIndex(sums).roll(s, file, 0, minBlock, nil); len(list) > 0 {
				t.Fatal(list)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	fair, foul := took(honest.Sums), took(crafted.Sums)
	t.Logf("%v, %v", fair, foul)
	if foul > 3*fair {
		t.Errorf("took %v, %v of fair content", foul, fair)
	}
}

// TestChains: many blocks with the same weak sum are not all looked at.
func TestChains(t *testing.T) {
	sums := make([]wire.Sum, 10000)
	for i := range sums {
		sums[i].Strong[0], sums[i].Strong[1] = byte(i), byte(i>>8)
	}
	x := newIndex(sums)
	n := 0
	for at := x.heads[0]; at > 0; at = x.next[at-1] {
		n++
	}
	if n != maxChain {
		t.Errorf("%d in a chain", n)
	}
}

// TestSignatureRefused: what is no signature is refused before it is used.
func TestSignatureRefused(t *testing.T) {
	sums := make([]wire.Sum, 4)
	for name, list := range map[string][]wire.Signature{
		"negative":        {{Size: -1, Block: minBlock, Last: true}},
		"no block":        {{Size: 100, Sums: sums[:1], Last: true}},
		"odd block":       {{Size: 100, Block: 100, Sums: sums[:1], Last: true}},
		"too few":         {{Size: 2 * minBlock, Block: minBlock, Sums: sums[:1], Last: true}},
		"too many":        {{Size: minBlock, Block: minBlock, Sums: sums[:2], Last: true}},
		"never ends":      {{Size: minBlock, Block: minBlock, Sums: sums[:1]}},
		"not the first":   {{Size: 2 * minBlock, Block: minBlock, First: 1, Sums: sums[:1], Last: true}},
		"again":           {{Size: 2 * minBlock, Block: minBlock, Sums: sums[:1]}, {Size: 2 * minBlock, Block: minBlock, Sums: sums[:1], Last: true}},
		"another size":    {{Size: 2 * minBlock, Block: minBlock, Sums: sums[:1]}, {Size: 3 * minBlock, Block: minBlock, First: 1, Sums: sums[:1], Last: true}},
		"more than there": {{Size: 2 * minBlock, Block: minBlock, Sums: sums[:1]}, {Size: 2 * minBlock, Block: minBlock, First: 1, Sums: sums[:2], Last: true}},
	} {
		sig := new(Signature)
		var err error
		for i := range list {
			if _, err = sig.Add(&list[i]); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Refine(context.Background(), bytes.NewReader(nil), minBlock, 1, []uint32{0}, make([]uint64, 5)); err == nil {
		t.Error("5 sums for a block")
	}
	for _, blocks := range [][]uint32{{1}, {1 << 31}, {0, 0}} {
		err := Fine(context.Background(), bytes.NewReader(make([]byte, minBlock+5)), minBlock+5, minBlock, 1, blocks, func([]uint64, bool) error { return nil })
		if err == nil {
			t.Errorf("blocks %v", blocks)
		}
	}
}

// TestCut: a file that is shorter than it was is told, not taken for zeros.
func TestCut(t *testing.T) {
	b := noise(1<<20, 1)
	sig := sign(t, b, 1)
	ctx := context.Background()
	_, err := Match(ctx, bytes.NewReader(b[:1<<20-1]), 1<<20, sig, 1, true)
	_, derr := Digest(ctx, bytes.NewReader(b), 1<<20+1, 1)
	serr := Sign(ctx, bytes.NewReader(b), 2<<20, minBlock, 1, func(uint32, []wire.Sum, bool) error { return nil })
	for _, err := range []error{err, derr, serr} {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Match(gone, bytes.NewReader(b), 1<<20, sig, 1, true); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSeeds: other seeds, other sums.
func TestSeeds(t *testing.T) {
	b := noise(1<<20, 1)
	x, y := sign(t, b, 1), sign(t, b, 2)
	for i := range x.Sums {
		if x.Sums[i].Weak == y.Sums[i].Weak || x.Sums[i].Strong == y.Sums[i].Strong {
			t.Errorf("block %d", i)
		}
	}
	d1, _ := Digest(context.Background(), bytes.NewReader(b), 1<<20, 1)
	d2, _ := Digest(context.Background(), bytes.NewReader(b), 1<<20, 2)
	if d1 == d2 {
		t.Error("digests")
	}
}

func TestBlock(t *testing.T) {
	for _, size := range []int64{0, 1, minBlock, 16 << 30, 1 << 40, 1 << 60} {
		b := Block(size)
		if n := Blocks(size, b); n > maxBlocks || b < minBlock || b > minBlock && n < maxBlocks/2 {
			t.Errorf("%d bytes: %d blocks of %d", size, n, b)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	data := noise(64<<20, 1)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		sign(b, data, 1)
	}
}

func BenchmarkMatch(b *testing.B) {
	data := noise(64<<20, 1)
	sig := sign(b, data, 1)
	for name, file := range map[string][]byte{"same": data, "shifted": append([]byte{1}, data...), "other": noise(64<<20, 2)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if _, err := Match(context.Background(), bytes.NewReader(file), int64(len(file)), sig, 1, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
