package filter_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// envFilters is the environment variable with the number of rule sets that are compared
// with rsync's choice, and with git's.
const envFilters = "ZCCP_TEST_FILTERS"

// envCase is that with the number of the one rule set to compare.
const envCase = "ZCCP_TEST_FILTER_CASE"

func count(t *testing.T, small int) int {
	t.Helper()
	value := os.Getenv(envFilters)
	switch {
	case value == "" && testing.Short():
		return small / 5
	case value == "":
		return small
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number of rule sets", envFilters, value)
	}
	return n
}

// require skips the test where the tool is missing, and fails it there when
// copiertest.EnvRequire lists the tool.
func require(t *testing.T, tool string) {
	t.Helper()
	_, err := exec.LookPath(tool)
	switch {
	case err == nil:
	case slices.Contains(strings.Split(os.Getenv(copiertest.EnvRequire), ","), tool):
		t.Fatalf("%s: %v", tool, err)
	default:
		t.Skipf("%s: %v", tool, err)
	}
}

// setsPerTree is how many rule sets are tried on one pair of trees.
const setsPerTree = 5

// TestRsyncChoice compares, for generated rule sets on generated trees, what the binary
// transfers and deletes with what the rules of this package choose.
func TestRsyncChoice(t *testing.T) {
	require(t, "rsync")
	sets := count(t, 300)
	first := 0
	if one := os.Getenv(envCase); one != "" {
		n, err := strconv.Atoi(one)
		if err != nil {
			t.Fatal(err)
		}
		first, sets = n/setsPerTree*setsPerTree, setsPerTree
	}
	var wait sync.WaitGroup
	var lock sync.Mutex
	var refused, decided int
	work := make(chan int)
	for range 4 {
		wait.Go(func() {
			base, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Error(err)
			}
			for n := range work {
				r, d := compareTree(t, filepath.Join(base, strconv.Itoa(n)), n)
				lock.Lock()
				refused += r
				decided += d
				lock.Unlock()
			}
		})
	}
	for n := first; n < first+sets && !t.Failed(); n += setsPerTree {
		work <- n
	}
	close(work)
	wait.Wait()
	t.Logf("%d rule sets: %d refused by both, in %d a rule had an effect", sets, refused, decided)
	// A generator that makes mostly nonsense proves nothing.
	if sets >= 100 && (refused > sets/3 || decided < sets/2) {
		t.Errorf("the rule sets are too poor")
	}
}

func compareTree(t *testing.T, work string, n int) (refused, decided int) {
	g := &generator{rand.New(rand.NewPCG(1, uint64(n))), strings.TrimPrefix(work, "/")}
	defer os.RemoveAll(work)
	world := tree{}
	src, dst := g.tree(g.rules), g.tree(g.rules)
	put := func(at string, from tree) {
		world[at] = ""
		for p, contents := range from {
			world[at+p] = contents
		}
	}
	put("src/", src)
	put("dst/", tree{})
	put("dst/src/", dst)
	// The trees share directories, else all of the receiver's would be doomed.
	for p := range src {
		if strings.HasSuffix(p, "/") && g.often(50) {
			for q := path.Dir(path.Clean(p)); q != "."; q = path.Dir(q) {
				world["dst/src/"+q+"/"] = ""
			}
			world["dst/src/"+p] = ""
			for range g.IntN(4) {
				world["dst/src/"+p+g.one(fileNames)] = ""
			}
		}
	}
	for _, name := range []string{".filt", ".rsync-filter", "dst/.rsync-filter", "dst/.rules"} {
		if g.often(30) {
			world[name] = g.rules(name)
		}
	}
	world["sub/empty/"] = ""
	for _, name := range []string{"one", "two", "sub/three", "src/one", "dst/src/one", "src/two"} {
		world[name] = ""
		for range 2 {
			world[name] += "- " + g.pattern() + "\n" + g.one([]string{"H ", "P ", "+ "}) + g.pattern() + "\n"
		}
	}
	world["patterns1"], world["patterns2"] = g.patternFile(), g.patternFile()
	world["home/"] = ""
	if g.often(30) {
		world["home/.cvsignore"] = g.rules(".cvsignore")
	}
	write(t, work, world)
	for i := range setsPerTree {
		c := &comparison{work: work, options: g.options(), slash: g.often(60), words: g.one([]string{"", "", "foo *.c", "! bar"})}
		c.extra = g.one([]string{"--inc-recursive", "--no-inc-recursive", "--delete-before", "--delete-after"})
		c.later = c.slash && g.often(10)
		err := c.run()
		if err != nil {
			t.Errorf("case %d: %v\nslash %v, later %v, CVSIGNORE=%q, %s, options %q\n%s", n+i, err, c.slash, c.later, c.words, c.extra, c.options, show(world))
			return
		}
		if c.refused {
			refused++
		}
		if c.decided {
			decided++
		}
	}
	return refused, decided
}

func show(world tree) string {
	var b strings.Builder
	for _, p := range world.paths() {
		if world[p] != "" {
			fmt.Fprintf(&b, "%s: %q\n", p, world[p])
		}
	}
	return b.String()
}

func write(t *testing.T, at string, world tree) {
	t.Helper()
	for _, p := range world.paths() {
		full := filepath.Join(at, p)
		var err error
		if strings.HasSuffix(p, "/") {
			err = os.MkdirAll(full, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(full), 0o755); err == nil {
			err = os.WriteFile(full, []byte(world[p]), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// comparison is one rule set on one pair of trees.
type comparison struct {
	work    string
	options []option
	slash   bool   // the operand is src/ and not src
	words   string // $CVSIGNORE
	extra   string
	later   bool // the operand is the second one, behind an empty directory
	respell bool // the rules are those that List.Rules writes

	refused bool // by both
	decided bool // something was excluded
}

func (c *comparison) run() error {
	want, wantErr := c.rsync()
	got, gotErr := c.choice()
	if (wantErr != nil) != (gotErr != nil) {
		return fmt.Errorf("rsync: %v; this package: %v", wantErr, gotErr)
	}
	if wantErr != nil {
		c.refused = true
		return nil
	}
	c.respell = true
	again, err := c.choice()
	if c.respell = false; err != nil || !slices.Equal(again, got) {
		return fmt.Errorf("written out, the rules choose otherwise: %w\n%q\n%q", err, again, got)
	}
	var diff []string
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff = append(diff, "rsync only: "+line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff = append(diff, "here only: "+line)
		}
	}
	if diff != nil {
		return errors.New(strings.Join(diff, "\n"))
	}
	return nil
}

// rsync returns "send PATH" and "delete PATH" for what the binary would do.
func (c *comparison) rsync() ([]string, error) {
	// Twice -i names what is up to date too.
	args := []string{"-nrii8", "--delete", c.extra}
	for _, o := range c.options {
		args = append(args, o.String())
	}
	switch {
	case c.later:
		// With incremental recursion the rules of the first operand's parents go on
		// to the second one, by chance: both are the directory ".".
		args = append(args, "--no-inc-recursive", "sub/empty/", "src/", "dst/src/")
	case c.slash:
		args = append(args, "src/", "dst/src/")
	default:
		args = append(args, "src", "dst/")
	}
	cmd := exec.Command("rsync", args...)
	cmd.Dir = c.work
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(c.work, "home"), "CVSIGNORE="+c.words, "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	var lines []string
	kept := map[string]bool{}
	for line := range strings.SplitSeq(string(out), "\n") {
		full, ok := strings.CutPrefix(line, "cannot delete non-empty directory: ")
		kept["delete "+full+"/"] = ok
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		switch {
		case strings.HasPrefix(line, "*deleting   "):
			lines = append(lines, "delete "+line[12:])
		case strings.HasPrefix(line, "cannot delete non-empty directory"):
		case len(line) > 12:
			lines = append(lines, "send "+line[12:])
		}
	}
	// A dry run says of a directory that is not empty that it is deleted, too, when it
	// stands in one that is to go.
	lines = slices.DeleteFunc(lines, func(line string) bool { return kept[line] })
	sort.Strings(lines)
	return lines, nil
}
