//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestDifferential copies generated trees with cp and with zccp and compares the two
// results, what they print, their exit codes, and for a plain -a also the copy with its
// source. ZCCP_TEST_TREES is how many trees are copied; 40 without it.
func TestDifferential(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	trees := 40
	if s := os.Getenv("ZCCP_TEST_TREES"); s != "" {
		var err error
		if trees, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	d := differential{reference: []string{"cp"}, subject: []string{buildBinary(t)}, seed: copiertest.Seed(t)}
	d.run(t, trees, copiertest.FileSystems(t))
	t.Logf("%d trees, %d differences; intended ones: %v", trees, d.differences, d.intended)
}

// differential compares two commands that do the same thing.
type differential struct {
	reference, subject []string
	seed               uint64
	// variants are those that the trees go through, in turn; by default every second tree
	// is one of plain, and the others go through all variants.
	variants []variant
	// report, when set, gets what is found, instead of the test.
	report func(number int, found []string)
	// words, when set, returns what the subject is called with for dst, instead of the
	// options and operands of the trial. What it prints is then not compared.
	words func(c *trial, dst string) []string
	// ignore is what is not compared at all.
	ignore copiertest.Attr

	mu          sync.Mutex
	differences int
	intended    map[string]int
}

// run copies the trees, each on the next file system.
func (d *differential) run(t *testing.T, trees int, on []copiertest.FileSystem) {
	d.intended = map[string]int{}
	t.Run("trees", func(t *testing.T) {
		for number := range trees {
			fsys := on[number%len(on)]
			v := d.choose(number, len(on))
			t.Run(fmt.Sprintf("%d %s %s", number, fsys.Name, v.name), func(t *testing.T) {
				t.Parallel()
				c := trial{differential: d, variant: v, t: t, dir: filepath.Join(fsys.Dir, strconv.Itoa(number)), number: number}
				c.rng = rand.New(rand.NewPCG(d.seed, uint64(number)))
				found := c.run()
				if d.report != nil {
					d.report(number, found)
					return
				}
				const shown = 20
				for _, f := range found[:min(shown, len(found))] {
					t.Error(f)
				}
				if len(found) > shown {
					t.Errorf("and %d more", len(found)-shown)
				}
				if found != nil {
					t.Log(c.transcript)
				}
			})
		}
	})
}

// choose gives every file system each variant in the end, as len(variants) is odd.
func (d *differential) choose(number, fileSystems int) variant {
	turn, fsys := number/fileSystems, number%fileSystems
	switch {
	case d.variants != nil:
		return d.variants[turn%len(d.variants)]
	case turn%2 == 0:
		return plain[turn/2%len(plain)]
	}
	return variants[(turn/2*fileSystems+fsys)%len(variants)]
}

// trial is one tree, copied twice.
type trial struct {
	*differential
	variant
	t   *testing.T
	dir string
	rng *rand.Rand
	// number is that of the tree.
	number int
	// operands are what follows the options; "{dst}" in them becomes the destination.
	operands []string
	// undo, when set, takes back what change did and removing a tree can't.
	undo func()
	// within is where in the destination the copy of src is.
	within string
	// src is the source, old the second destination before the copies, a and b both
	// afterwards.
	src, old, a, b *copiertest.Tree
	// one and other are what the commands left beside files.
	one, other outcome
	// transcript is what was run, and what it said.
	transcript string
}

// The two destinations have names of equal length: some limits are on whole paths.
const (
	srcName  = "src"
	oneDst   = "1/dst"
	otherDst = "2/dst"
)

func (c *trial) run() []string {
	defer func() {
		if c.undo != nil {
			c.undo()
		}
		if err := os.RemoveAll(c.dir); err != nil {
			c.t.Error(err)
		}
	}()
	c.prepare()
	src := c.scan(srcName)
	c.src, c.old = src, c.scan("2")
	// The kernel's clock for times runs a tick behind.
	from := time.Now().Add(-20 * time.Millisecond)
	one := c.execute(c.reference, c.usual(oneDst), oneDst)
	words := c.usual(otherDst)
	if c.words != nil {
		words = c.words(c, otherDst)
	}
	other := c.execute(c.subject, words, otherDst)
	to := time.Now()

	var found []string
	if one.code != other.code {
		found = append(found, fmt.Sprintf("exit code: a %d, b %d", one.code, other.code))
	}
	if !c.anyMessages && c.words == nil {
		found = append(found, lines("stderr", one.stderr, other.stderr)...)
	}
	if c.words == nil {
		found = append(found, lines("stdout", one.stdout, other.stdout)...)
	}
	opt := copiertest.CompareOptions{From: from, To: to}
	if c.dense {
		opt.Ignore = copiertest.Allocated
	}
	if c.links {
		opt.Origin = src
	}
	a, b := c.scan("1"), c.scan("2")
	c.one, c.other, c.a, c.b = one, other, a, b
	opt.Ignore |= c.ignore
	found = append(found, copiertest.Compare(noLessThan(a, src), b, opt)...)
	if c.dense {
		found = append(found, copiertest.Compare(b, a, copiertest.CompareOptions{Ignore: ^copiertest.Allocated})...)
	}
	for _, f := range copiertest.Compare(src, c.scan(srcName), copiertest.CompareOptions{}) {
		found = append(found, "the source changed: "+f)
	}
	if c.faithful {
		for _, f := range copiertest.Diff(src.Root, filepath.Join(c.dir, otherDst), copiertest.CompareOptions{Ignore: c.ignore}) {
			found = append(found, "source (a) and copy (b): "+f)
		}
	}
	found = c.unintended(found)
	c.mu.Lock()
	c.differences += len(found)
	c.mu.Unlock()
	c.transcript = fmt.Sprintf("%s%s %q %q\na: exit code %d\n%s%sb: exit code %d\n%s%s", c.umask, c.subject, c.args, c.operands,
		one.code, one.stdout, one.stderr, other.code, other.stdout, other.stderr)
	return found
}

// noLessThan returns the copy with no file that takes less space than one of that content
// in the source: a copy may keep space that is reserved there, which cp gives up.
func noLessThan(dst, src *copiertest.Tree) *copiertest.Tree {
	reserved := map[string]int64{}
	for _, e := range src.Entries {
		reserved[e.Sum] = max(reserved[e.Sum], e.Allocated)
	}
	entries := map[string]copiertest.Entry{}
	for name, e := range dst.Entries {
		e.Allocated = max(e.Allocated, reserved[e.Sum])
		entries[name] = e
	}
	return &copiertest.Tree{Root: dst.Root, Entries: entries}
}

// prepare makes the source and two equal destinations.
func (c *trial) prepare() {
	opt := c.trees
	if c.user {
		// A quarter belongs to root, who may do more.
		opt.Unprivileged, opt.Owners = true, []uint32{nobody, nobody, nobody, 0}
	}
	for _, dir := range []string{"", "1", "2"} {
		c.must(os.Mkdir(filepath.Join(c.dir, dir), 0o755))
		if c.user {
			c.must(os.Chown(filepath.Join(c.dir, dir), nobody, nobody))
		}
	}
	c.must(copiertest.Generate(c.rng, filepath.Join(c.dir, srcName), opt))
	if c.change != nil {
		c.change(c)
	}
	shape := c.shapes[c.rng.IntN(len(c.shapes))]
	c.operands = shape.operands(c)
	c.within = filepath.Join("dst", shape.over)
	if slices.Contains(c.args, "--parents") {
		c.within = filepath.Join("dst", srcName)
	}
	seed := c.rng.Uint64()
	for _, dst := range []string{oneDst, otherDst} {
		if shape.into {
			c.must(os.Mkdir(filepath.Join(c.dir, dst), 0o755))
			if c.user {
				c.must(os.Chown(filepath.Join(c.dir, dst), nobody, nobody))
			}
		}
		if c.over {
			rng := rand.New(rand.NewPCG(seed, 0))
			c.must(copiertest.GenerateOver(rng, filepath.Join(c.dir, srcName), filepath.Join(c.dir, dst, shape.over), opt))
		}
	}
	// What was made now has times that a copy could have set.
	old := time.Unix(1_500_000_000, 0)
	for _, dir := range []string{"1", "2", oneDst, otherDst} {
		if shape.into || filepath.Base(dir) != "dst" {
			c.must(os.Chtimes(filepath.Join(c.dir, dir), old, old))
		}
	}
}

func (c *trial) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *trial) scan(name string) *copiertest.Tree {
	c.t.Helper()
	tree, err := copiertest.Scan(filepath.Join(c.dir, name))
	c.must(err)
	return tree
}

// unintended drops the differences that zccp means to have, and counts them.
func (c *trial) unintended(found []string) []string {
	var left []string
	for _, f := range found {
		i := slices.IndexFunc(intended, func(d difference) bool { return d.matches(c, f) })
		if i < 0 {
			left = append(left, f)
			continue
		}
		c.mu.Lock()
		c.intended[intended[i].reason]++
		c.mu.Unlock()
	}
	return left
}
