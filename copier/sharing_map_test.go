//go:build linux

package copier

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/zccp/zccp/platform"
)

// settle makes a claim a copy with descriptors that count is told of.
func settle(f *firstCopy, open *atomic.Int64) {
	f.dst, f.src = 1, 2
	open.Add(2)
	close(f.done)
}

func countedCopies(open *atomic.Int64) *firstCopies {
	return newFirstCopies(&platform.Calls{Close: func(platform.FD) error { open.Add(-1); return nil }})
}

// TestClaim: what a claim returns are the runs of the file, each part of them
// once, and parts of copies lie where these have them.
func TestClaim(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var open atomic.Int64
		c := countedCopies(&open)
		c.limit, c.maxRuns = 1+rng.IntN(6), 1+rng.IntN(60)
		owners := map[*firstCopy]bool{}
		for range 20 {
			var runs []sharedRun
			for off := int64(0); len(runs) < 1+rng.IntN(10); {
				n := 1 + rng.Int64N(50)
				runs = append(runs, sharedRun{off: off, n: n, place: rng.Int64N(300)})
				off += n + rng.Int64N(3)
			}
			pieces, mine := c.claim(platform.ExtentSpace{Exact: true}, runs, nil)
			checkClaim(t, runs, pieces, mine)
			if mine != nil {
				owners[mine] = true
				if rng.IntN(5) == 0 {
					c.abandon(mine)
				} else {
					settle(mine, &open)
				}
			}
			if other, _ := c.claim(platform.ExtentSpace{}, runs[:0], nil); len(other) > 0 {
				t.Fatal("pieces of nothing")
			}
			if len(c.list) > c.limit+1 || c.runs > c.maxRuns+10 && len(c.list) > 1 || open.Load() > 2*int64(c.limit+2) {
				t.Fatalf("%d files of %d, %d runs of %d, %d descriptors", len(c.list), c.limit, c.runs, c.maxRuns, open.Load())
			}
			c.release(distinct(pieces))
		}
		c.close()
		if open.Load() != 0 || c.runs != 0 {
			t.Fatalf("%d descriptors are open, %d runs are left", open.Load(), c.runs)
		}
		for f := range owners {
			if f.users != 0 {
				t.Fatalf("%d users are left", f.users)
			}
		}
	}
}

func checkClaim(t *testing.T, runs []sharedRun, pieces []sharedPiece, mine *firstCopy) {
	t.Helper()
	place := func(list []sharedRun, off int64) int64 {
		for _, r := range list {
			if r.off <= off && off < r.off+r.n {
				return r.place + off - r.off
			}
		}
		return -1
	}
	had := map[int64]bool{}
	for _, p := range pieces {
		for i := range p.n {
			off := p.off + i
			if had[off] {
				t.Fatalf("offset %d is in two pieces", off)
			}
			had[off] = true
			if at := place(runs, off); at != p.place+i || at != place(p.from.runs, p.fromOff+i) {
				t.Fatalf("offset %d lies at %d, its piece at %d and that of the copy at %d", off, at, p.place+i, place(p.from.runs, p.fromOff+i))
			}
		}
	}
	if !slices.IsSortedFunc(pieces, func(a, b sharedPiece) int { return int(a.off - b.off) }) {
		t.Fatal("pieces are not in order")
	}
	if mine == nil {
		return
	}
	end := int64(-1)
	for _, r := range mine.runs {
		if r.place < end {
			t.Fatalf("runs of a claim overlap: %v", mine.runs)
		}
		end = r.place + r.n
		for i := range r.n {
			if had[r.off+i] || place(runs, r.off+i) != r.place+i {
				t.Fatalf("offset %d is claimed, and shared or elsewhere", r.off+i)
			}
		}
	}
}

// TestClaimBounded: more runs and files than are remembered leave no more than
// the bounds say.
func TestClaimBounded(t *testing.T) {
	var open atomic.Int64
	c := countedCopies(&open)
	files := int64(5000)
	if short() {
		files, c.limit, c.maxRuns = 300, 64, 10000
	}
	for i := range files {
		runs := make([]sharedRun, 300)
		for k := range runs {
			runs[k] = sharedRun{off: int64(k) << 12, n: 4096, place: (i<<9 + int64(k)) << 13}
		}
		pieces, mine := c.claim(platform.ExtentSpace{}, runs, nil)
		if len(pieces) > 0 || mine == nil {
			t.Fatalf("%d pieces", len(pieces))
		}
		settle(mine, &open)
	}
	if len(c.list) > c.limit || c.runs > c.maxRuns || open.Load() > 2*int64(c.limit) || c.runs < c.maxRuns/2 {
		t.Errorf("%d files, %d runs, %d descriptors", len(c.list), c.runs, open.Load())
	}
	c.close()
}
