//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestFull copies a tree to a file system that has too little space or too few inodes for
// it: what is there is whole, for the rest there is one line each, nothing is left over,
// and what stood there before and could not be replaced is as it was.
func TestFull(t *testing.T) {
	copiertest.Require(t, "loopfs")
	binary := buildBinary(t)
	base := t.TempDir()
	src, old := filepath.Join(base, "src"), filepath.Join(base, "old")
	rng := rand.New(rand.NewPCG(copiertest.Seed(t), 0))
	makeKillTree(t, rng, src)
	makeOldTree(t, rng, src, old)
	tree := scan(t, src)
	for _, c := range []struct {
		name  string
		mount copiertest.MountOptions
		args  []string
		over  bool
		wants string
	}{
		{"space", copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 20 << 20}, []string{"-a"}, false, "No space left on device"},
		{"space for -r", copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 6 << 20}, []string{"-r"}, false, "No space left on device"},
		{"space on ext4", copiertest.MountOptions{Names: []string{"ext4"}, Size: 24 << 20}, []string{"-a"}, false, "No space left on device"},
		{"space over", copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 28 << 20}, []string{"-a"}, true, "No space left on device"},
		{"inodes", copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 100 << 20, Options: []string{"nr_inodes=600"}}, []string{"-a"}, false, "No space left on device"},
		{"inodes over", copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 100 << 20, Options: []string{"nr_inodes=1900"}}, []string{"-a"}, true, "No space left on device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := copiertest.Mount(t, c.mount)[0]
			before := &copiertest.Tree{}
			if c.over {
				// What doesn't fit of it isn't there before.
				command{args: []string{"cp", "-a", old, filepath.Join(fsys.Dir, "dst")}}.run(t)
				before = scan(t, filepath.Join(fsys.Dir, "dst"))
			}
			e := command{args: append(append([]string{binary}, c.args...), "-T", src, "dst"), dir: fsys.Dir}.run(t)
			if e.code != 1 {
				t.Errorf("exit code %d", e.code)
			}
			report(t, "left over", litter(t, fsys.Dir))
			after := &copiertest.Tree{}
			if _, err := os.Lstat(filepath.Join(fsys.Dir, "dst")); err == nil {
				after = scan(t, filepath.Join(fsys.Dir, "dst"))
			}
			report(t, "not whole", unfinished(tree, before, after))
			told := map[string]int{}
			for line := range strings.Lines(e.stderr) {
				if strings.HasPrefix(line, "zccp: hint: ") {
					continue
				}
				if !strings.Contains(line, c.wants) {
					t.Errorf("said %.300q", line)
				}
				if quoted := strings.Split(line, "'"); len(quoted) > 1 {
					told[strings.TrimPrefix(strings.TrimPrefix(quoted[1], src), "dst")]++
				}
			}
			missing := untold(tree, before, after, told)
			report(t, "missing and not told of", missing)
			t.Logf("%d of %d names are there, %d lines", len(after.Entries), len(tree.Entries), len(told))
			if len(told) == 0 || len(after.Entries) == 0 {
				t.Error("nothing was copied, or everything")
			}
		})
	}
}

// untold returns which names are not as in src and not told of, in person or by a directory
// that they are in, and which are told of more than once.
func untold(src, before, after *copiertest.Tree, told map[string]int) []string {
	var found []string
	for name := range src.Entries {
		path := "/" + name
		if name == "." {
			path = ""
		}
		if n := told[path]; n > 1 {
			found = append(found, fmt.Sprintf("%q: %d lines", name, n))
		}
		if e, ok := after.Entries[name]; ok && asWhole(src.Entries[name], e) {
			continue
		}
		for told[path] == 0 && path != "" {
			path = path[:strings.LastIndexByte(path, '/')]
		}
		if told[path] == 0 {
			found = append(found, fmt.Sprintf("%q: no line", name))
		}
	}
	return found
}

// TestFileSizeLimit copies a file that is larger than the process may write: cp is killed
// by the signal that comes of it.
func TestFileSizeLimit(t *testing.T) {
	binary := buildBinary(t)
	dir := t.TempDir()
	makeData(t, filepath.Join(dir, "big"), 1<<20)
	makeData(t, filepath.Join(dir, "small"), 1000)
	must(t, os.Mkdir(filepath.Join(dir, "dst"), 0o755))
	e := command{args: []string{"bash", "-c", `ulimit -f 100; exec "$1" big small dst`, "bash", binary}, dir: dir}.run(t)
	if want := "zccp: error writing 'dst/big': File too large\n"; e.code != 1 || e.stderr != want {
		t.Errorf("exit code %d, signal %v, stderr %q, want %q", e.code, e.signal, e.stderr, want)
	}
	if d := differenceOf(t, filepath.Join(dir, "small"), filepath.Join(dir, "dst", "small")); d != "" {
		t.Error(d)
	}
	if _, err := os.Lstat(filepath.Join(dir, "dst", "big")); err == nil {
		t.Error("a part was left")
	}
	report(t, "left over", litter(t, dir))
}

// TestRunningProgram replaces a program that runs, which cp can't: it goes on undisturbed.
func TestRunningProgram(t *testing.T) {
	binary := buildBinary(t)
	dir := t.TempDir()
	succeed(t, dir, "bash", "-c", `cp "$(type -P sleep)" program; cp "$(type -P true)" new`)
	script := `./program 60 & trap "kill $!" EXIT; until [[ /proc/$!/exe -ef program ]]; do :; done
		"$1" new program; code=$?; kill -0 $! && cmp new program && exit $code`
	e := command{args: []string{"bash", "-c", script, "bash", binary}, dir: dir}.run(t)
	if e.code != 0 || e.stdout+e.stderr != "" {
		t.Errorf("exit code %d, %s%s", e.code, e.stdout, e.stderr)
	}
	if info, err := os.Stat(filepath.Join(dir, "program")); err != nil || info.Mode() != 0o755 {
		t.Errorf("%v %v", info, err)
	}
	report(t, "left over", litter(t, dir))
}
