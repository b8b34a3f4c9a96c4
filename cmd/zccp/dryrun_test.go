//go:build linux

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestDryRun runs copies of generated trees dry and then for real: the dry run makes no
// call that could write anything, changes nothing, and announces what the real one does.
func TestDryRun(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "strace")
	binary := buildBinary(t)
	seed := copiertest.Seed(t)
	type dryRun struct {
		args     []string
		operands []string
		over     string // where there is something before
	}
	whole := []string{"-T", "src", "dst"}
	cases := []dryRun{
		{[]string{"-a"}, whole, ""},
		{[]string{"-r"}, whole, ""},
		{[]string{"-rL"}, whole, ""},
		{[]string{"-rl"}, whole, ""},
		{[]string{"-a", "--attributes-only"}, whole, ""},
		{[]string{"-a", "--atomic=tree"}, whole, ""},
		{[]string{"-a", "--fsync=batch", "--verify"}, whole, ""},
		{[]string{"-a", "--parents"}, []string{"src/.", "into"}, ""},
		{[]string{"-a"}, whole, "dst"},
		{[]string{"-a"}, []string{"src", "into"}, "into/src"},
		{[]string{"-r"}, whole, "dst"},
		{[]string{"-ru"}, whole, "dst"},
		{[]string{"-an"}, whole, "dst"},
		{[]string{"-ab"}, whole, "dst"},
		{[]string{"-a", "--backup=numbered"}, whole, "dst"},
		{[]string{"-a", "--remove-destination"}, whole, "dst"},
		{[]string{"-rf"}, whole, "dst"},
		{[]string{"-rfl"}, whole, "dst"},
		{[]string{"-r", "--inplace"}, whole, "dst"},
		{[]string{"-a", "--update=none-fail"}, whole, "dst"},
	}
	if testing.Short() {
		cases = slices.DeleteFunc(cases, func(c dryRun) bool { return len(c.args) > 1 })
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s onto %q", strings.Join(c.args, " "), c.over), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			trees := copiertest.Options{NoDirLinks: true, NoLarge: true, Entries: 80}
			must(t, copiertest.Generate(rng, filepath.Join(dir, "src"), trees))
			must(t, os.Mkdir(filepath.Join(dir, "into"), 0o755))
			if c.over != "" {
				must(t, copiertest.GenerateOver(rng, filepath.Join(dir, "src"), filepath.Join(dir, c.over), trees))
			}
			before := scan(t, dir)
			log := filepath.Join(t.TempDir(), "log")
			dry := append([]string{"strace", "-f", "-qq", "-s", "300", "-o", log, "-e", "trace=?" + strings.Join(writing, ",?")}, binary)
			// One worker: which name of a file is copied, and which is linked, is chance.
			args := slices.Concat([]string{"-j1", "--json"}, c.args)
			announced := command{args: slices.Concat(dry, []string{"--dry-run"}, args, c.operands), dir: dir}.run(t)
			report(t, "the dry run calls", writes(t, log))
			report(t, "the dry run changed", copiertest.Compare(before, scan(t, dir), copiertest.CompareOptions{Ignore: copiertest.Atime}))
			did := command{args: slices.Concat([]string{binary}, args, c.operands), dir: dir}.run(t)
			a, d := actions(t, announced.stdout), actions(t, did.stdout)
			problems := without(stderrLines(did), stderrLines(announced))
			// That nothing can be written into a socket shows when it is tried.
			sockets := len(problems)
			problems = slices.DeleteFunc(problems, func(p string) bool { return strings.HasSuffix(p, ": No such device or address\n") })
			if sockets -= len(problems); len(without(a, d)) > sockets {
				report(t, "announced only", without(a, d))
			}
			report(t, "done only", without(d, a))
			report(t, "problems of the dry run only", without(stderrLines(announced), stderrLines(did)))
			report(t, "problems of the real run only", problems)
			if announced.code != did.code && sockets == 0 {
				t.Errorf("exit code %d, and %d for real", announced.code, did.code)
			}
			if len(a) < 20 && c.over == "" {
				t.Errorf("only %d actions", len(a))
			}
		})
	}
}

// TestDryRunLines compares the lines that people read: what a dry run says will be copied
// where is what -v says was.
func TestDryRunLines(t *testing.T) {
	binary := buildBinary(t)
	dir := t.TempDir()
	trees := copiertest.Options{NoDirLinks: true, NoLarge: true, Entries: 200}
	rng := rand.New(rand.NewPCG(copiertest.Seed(t), 99))
	must(t, copiertest.Generate(rng, filepath.Join(dir, "src"), trees))
	must(t, copiertest.GenerateOver(rng, filepath.Join(dir, "src"), filepath.Join(dir, "dst"), trees))
	// What follows the names is the kind and the reason, or the backup's name.
	kind := regexp.MustCompile(`(: (mkdir|symlink|link|special))?( \((new|exists|backup first|backup: .*)\))?$`)
	arrows := func(e ended) []string {
		var found []string
		for line := range strings.SplitSeq(e.stdout, "\n") {
			if strings.Contains(line, " -> ") {
				found = append(found, kind.ReplaceAllString(line, ""))
			}
		}
		slices.Sort(found)
		return found
	}
	dry := arrows(command{args: []string{binary, "-rb", "--dry-run", "-T", "src", "dst"}, dir: dir}.run(t))
	real := arrows(command{args: []string{binary, "-rb", "-v", "-T", "src", "dst"}, dir: dir}.run(t))
	report(t, "announced only", without(dry, real))
	report(t, "done only", without(real, dry))
	if len(dry) < 5 {
		t.Errorf("only %d lines", len(dry))
	}
}

// writing are the calls that can change a file system, and those that can open a file for
// that.
var writing = []string{
	"open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat",
	"link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir",
	"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
	"utime", "utimes", "futimesat", "utimensat", "truncate", "ftruncate", "fallocate",
	"setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
	"copy_file_range", "sendfile", "splice", "pwrite64", "pwritev", "pwritev2", "ioctl", "flock",
}

// writes returns the lines of a trace that show a call which could write. Other ioctls than
// those of clones ask terminals for their size.
func writes(t *testing.T, log string) []string {
	t.Helper()
	trace, err := os.ReadFile(log)
	must(t, err)
	var found []string
	for line := range strings.Lines(string(trace)) {
		call, rest, ok := strings.Cut(line, "(")
		if !ok || strings.Contains(call, " resumed>") {
			continue // the end of one that was shown before, or of a thread
		}
		fields := strings.Fields(call)
		switch call = fields[len(fields)-1]; call {
		case "???":
			continue // strace let go of a thread
		case "open", "openat", "openat2":
			if !slices.ContainsFunc([]string{"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"}, func(flag string) bool { return strings.Contains(rest, flag) }) {
				continue
			}
		case "ioctl":
			if !strings.Contains(rest, "FICLONE") {
				continue
			}
		}
		found = append(found, strings.TrimSpace(line))
	}
	return found
}

// actions returns what --json says was or will be done, sorted.
func actions(t *testing.T, stdout string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(stdout) {
		var ev struct{ Type, Op, Src, Dst string }
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		// That something is removed first is announced as the reason of what replaces it.
		if ev.Type == "file" && ev.Op != "remove" {
			found = append(found, fmt.Sprintf("%s %q -> %q", ev.Op, ev.Src, ev.Dst))
		}
	}
	slices.Sort(found)
	return found
}

// stderrLines returns what was said on stderr, sorted.
func stderrLines(e ended) []string { return slices.Sorted(strings.Lines(e.stderr)) }

// without returns what is in a and not in b.
func without(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	left := map[string]bool{}
	for _, s := range a {
		if !in[s] {
			left[s] = true
		}
	}
	return slices.Sorted(maps.Keys(left))
}
