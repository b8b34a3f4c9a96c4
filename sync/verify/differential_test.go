//go:build linux

package verify

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// TestPlanted makes pairs of the same tree, changes one of them in one to three
// ways, and compares: what is found is exactly what differs by the account of
// copiertest.Scan, nothing before the change and all of it afterwards.
func TestPlanted(t *testing.T) {
	copiertest.Require(t, "root")
	seed := copiertest.Seed(t)
	cases := 150 // for each file system
	if short() {
		cases = 2 * len(plants)
	}
	total, planted := 0, map[string]int{}
	for _, fsys := range copiertest.Mount(t, copiertest.MountOptions{Size: 1 << 30}) {
		t.Run(fsys.Name, func(t *testing.T) {
			for n := range cases {
				src, dst := filepath.Join(fsys.Dir, "src"), filepath.Join(fsys.Dir, "dst")
				pair(t, fsys.Dir, src, dst, seed, uint64(n))
				rng := rand.New(rand.NewPCG(seed, uint64(n)))
				jobs := []int{1, 2, 8}[rng.IntN(3)]
				opts := Options{Hash: []copier.Hash{copier.NoHash, copier.NoHash, copier.XXH3, copier.BLAKE3}[rng.IntN(4)], Allocation: n%4 == 0}
				if h := compare(t, platform.Native(), src, dst, jobs, opts, nil); len(h.found) > 0 || len(h.problems) > 0 {
					t.Fatalf("case %d: equal trees: %q, problems %q", n, h.keys(), h.problems)
				}
				var done []string
				for i := range 1 + rng.IntN(3) {
					kind := (n + i*rng.IntN(len(plants))) % len(plants)
					p := &planter{rng: rng, root: dst, tree: scan(t, dst)}
					what, err := p.any(kind)
					if err != nil {
						t.Fatalf("case %d: planting %s: %v", n, what, err)
					}
					done = append(done, what)
					if what != "" {
						planted[plants[kind].name]++
					}
				}
				a, b := scan(t, src), scan(t, dst)
				want := expected(a, b, opts.Allocation)
				h := compare(t, platform.Native(), src, dst, jobs, opts, nil)
				if diff := cmp.Diff(want, h.keys()); diff != "" || len(h.problems) > 0 {
					t.Errorf("case %d, %d jobs, %q: problems %q\n-expected +found:\n%s", n, jobs, done, h.problems, diff)
				}
				total++
				must(t, os.RemoveAll(src))
				must(t, os.RemoveAll(dst))
			}
		})
	}
	t.Logf("%d cases; planted: %v", total, planted)
	for _, p := range plants {
		if planted[p.name] == 0 {
			t.Errorf("%s was never planted", p.name)
		}
	}
}

// pair makes the same tree twice. The targets of symbolic links hold the path
// that it is made at.
func pair(t *testing.T, dir, src, dst string, seed, n uint64) {
	t.Helper()
	at := filepath.Join(dir, "tree")
	for _, name := range []string{src, dst} {
		err := copiertest.Generate(rand.New(rand.NewPCG(seed, n)), at, copiertest.Options{NoLarge: n%8 != 0})
		if err == nil {
			err = os.Rename(at, name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func scan(t testing.TB, root string) *copiertest.Tree {
	t.Helper()
	tree, err := copiertest.Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// short tells that fewer cases are enough: -short says so, and the race detector makes each
// take long.
func short() bool {
	info, _ := debug.ReadBuildInfo()
	race := info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	return race || testing.Short()
}

// TestOrder: one job reports in one order, and names of a directory come sorted
// whatever the number of jobs.
func TestOrder(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for i := range 1000 {
		write(t, fmt.Sprintf("%s/d%d/f%04d", a, i%3, i), "x")
		write(t, fmt.Sprintf("%s/d%d/f%04d", b, i%3, i), "y")
		write(t, fmt.Sprintf("%s/f%04d", a, i), "x")
		write(t, fmt.Sprintf("%s/f%04d", b, i), "y")
	}
	var first []string
	for _, jobs := range []int{1, 1, 2, 8} {
		h := compare(t, platform.Native(), a, b, jobs, Options{Ignore: Times}, nil)
		var order []string
		last := map[string]string{}
		for _, d := range h.found {
			order = append(order, d.Path)
			dir := filepath.Dir(d.Path)
			if d.Path < last[dir] {
				t.Errorf("%d jobs: %s after %s", jobs, d.Path, last[dir])
			}
			last[dir] = d.Path
		}
		if len(order) != 2000 || len(h.problems) > 0 {
			t.Errorf("%d jobs: %d found, problems %q", jobs, len(order), h.problems)
		}
		if jobs > 1 {
			continue
		}
		if first != nil && !slices.Equal(order, first) {
			t.Error("one job reported in two orders")
		}
		first = order
	}
}
