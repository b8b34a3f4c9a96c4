//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestDifferentialOfTheSame runs the harness with cp on both sides: what it calls a
// difference isn't chance.
func TestDifferentialOfTheSame(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	d := differential{reference: []string{"cp"}, subject: []string{"cp"}, seed: copiertest.Seed(t)}
	d.run(t, 24, copiertest.FileSystems(t))
}

// TestDifferentialFinds runs the harness on copies with a planted flaw: it finds each of
// them, in every tree.
func TestDifferentialFinds(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	on := copiertest.FileSystems(t)
	for _, c := range []struct{ name, both, other, want string }{
		{"exit code", "", "code=7", "exit code: a "},
		{"message", "", "echo cp: oops >&2", "stderr of b only: cp: oops"},
		{"output", "", "echo oops", "stdout of b only: oops"},
		{"litter", "", "mkdir 2/dst.tmp", `"dst.tmp": name: a nothing, b directory`},
		{"touched root", "", "touch -hd @5 2/dst", `"dst": mtime: `},
		{"nothing there", "", "mv 2/dst 2/other", `"dst": name: a `},
		{"source touched", "", "chmod u-r,u+s src", `the source changed: ".": mode: `},
		// Both copies are alike, and unlike the source.
		{"both lose", "chown -h 77 $dst; touch -hd @5 $dst", "", "source (a) and copy (b): "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			command := func(name, flaw string) []string {
				path := filepath.Join(dir, name)
				text := "cp \"$@\"; code=$?; for dst; do :; done\n" + c.both + "\n" + flaw + "\nexit $code\n"
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return []string{"sh", path}
			}
			found := map[int][]string{}
			d := differential{reference: command("one", ""), subject: command("other", c.other), seed: 1}
			// By root and to a new place: a user can't plant all of these.
			d.variants = plain[:1]
			d.report = func(number int, list []string) {
				d.mu.Lock()
				defer d.mu.Unlock()
				found[number] = list
			}
			d.run(t, 8, on)
			for number := range 8 {
				if !slices.ContainsFunc(found[number], func(f string) bool { return strings.HasPrefix(f, c.want) }) {
					t.Errorf("tree %d: found %q, want %q", number, found[number], c.want)
				}
			}
		})
	}
}
