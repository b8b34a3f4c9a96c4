package delta

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/zccp/zccp/sync/wire"
)

// FuzzHostile: whatever a peer says of its basis, the plan is of disjoint copies
// within both files, or there is an error.
func FuzzHostile(f *testing.F) {
	f.Add(int64(3*minBlock+5), uint8(4), uint8(3), []byte{0, 1, 2}, true)
	f.Add(int64(-1), uint8(1), uint8(0), []byte{}, false)
	f.Add(int64(1)<<62, uint8(200), uint8(1), []byte{9}, true)
	const seed = 7
	file := noise(5*minBlock+777, 1)
	clear(file[minBlock : 3*minBlock])
	known := sign(f, file, seed).Sums
	f.Fuzz(func(t *testing.T, size int64, n, portions uint8, which []byte, shifts bool) {
		sums := make([]wire.Sum, n)
		for i := range sums {
			if i < len(which) {
				sums[i] = known[int(which[i])%len(known)]
			}
		}
		sig := new(Signature)
		whole := false
		for first := 0; !whole; {
			to := min(int(n), first+int(portions)+1)
			var err error
			whole, err = sig.Add(&wire.Signature{Size: size, Block: uint32(Block(size)), First: uint32(first), Sums: sums[first:to], Last: to == int(n)})
			if err != nil {
				return
			}
			first = to
		}
		p, err := Match(context.Background(), bytes.NewReader(file), int64(len(file)), sig, seed, shifts)
		if err != nil {
			t.Fatal(err)
		}
		blocks := p.Unsure(sig)
		told := make([]uint64, len(blocks)*int(sig.Block/FineBlock))
		for i := range told {
			told[i] = newSums(seed).fine(file[i%7*FineBlock:][:FineBlock])
		}
		if len(blocks) > 0 && int64(blocks[len(blocks)-1]+1)*sig.Block > int64(len(file)) {
			t.Fatalf("unsure of block %d", blocks[len(blocks)-1])
		}
		more, err := Refine(context.Background(), bytes.NewReader(file), sig.Block, seed, blocks, told)
		if err != nil {
			t.Fatal(err)
		}
		p.Refined(more)
		at := int64(0)
		for _, c := range p.Copies {
			if c.Off < at || c.Len <= 0 || c.Len > p.Size-c.Off || c.From < 0 || c.Len > size-c.From {
				t.Fatalf("%+v of %d bytes, behind %d", c, size, at)
			}
			at = c.Off + c.Len
		}
	})
}

// FuzzRebuild: whatever two files are, the one is rebuilt from the other.
func FuzzRebuild(f *testing.F) {
	f.Add([]byte{}, uint64(1), true)
	f.Add([]byte{0, 10, 0, 5, 1, 200, 3, 9, 2, 0, 0, 255}, uint64(2), true)
	f.Fuzz(func(t *testing.T, edits []byte, seed uint64, shifts bool) {
		basis := noise(4*minBlock+100, 2)
		file := bytes.Clone(basis)
		for len(edits) >= 4 && len(file) < 1<<20 {
			at := int(binary.LittleEndian.Uint16(edits)) * 5 % (len(file) + 1)
			n := min(int(edits[2])*300, len(file)-at)
			switch edits[3] % 4 {
			case 0:
				file = append(file[:at:at], file[at+n:]...)
			case 1:
				file = append(append(file[:at:at], edits...), file[at:]...)
			case 2:
				clear(file[at : at+n])
			case 3:
				file = append(file[:at+n:at+n], file[at:]...)
			}
			edits = edits[4:]
		}
		plan(t, file, basis, seed, shifts)
	})
}
