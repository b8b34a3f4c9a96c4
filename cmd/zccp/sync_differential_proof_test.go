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

// TestSyncDifferentialOfTheSame runs the harness with rsync on both sides: what it calls a
// difference isn't chance.
func TestSyncDifferentialOfTheSame(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "rsync")
	d := syncDifferential{reference: []string{"rsync"}, subject: []string{"rsync"}, seed: copiertest.Seed(t)}
	d.run(t, 60, copiertest.FileSystems(t))
}

// TestSyncDifferentialFinds runs the harness on rsync with a planted flaw: it finds each of
// them, in every case in which the flaw can show.
func TestSyncDifferentialFinds(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "rsync")
	on := copiertest.FileSystems(t)
	for _, c := range []struct{ name, flaw, want string }{
		{"exit code", "code=$((code ^ 1))", "exit code: a "},
		{"line", "echo '>f+++++++++ oops'", "-i of b only: >f+++++++++ oops"},
		{"deletion", "echo '*deleting   oops'", "-i of b only: *deleting   oops"},
		{"litter", "mkdir dst/.oops.XXXXXX", `"dst/.oops.XXXXXX": name: a nothing, b directory`},
		{"outside", "touch outside/oops", `"outside/oops": name: a nothing, b regular file`},
		{"time", "touch -hd @5 dst", `"dst": mtime: `},
		{"mode", "chmod u+s,g+s,o+t,u-r dst", `"dst": mode: `},
		{"owner", "chown -h 77 dst", `"dst": user: `},
		{"attribute", "setfattr -n user.oops -v x dst", `"dst": xattr "user.oops": `},
		{"ACL", "setfacl -m u:77:r dst", `"dst": xattr "system.posix_acl_access": `},
		{"content", "echo oops >> list; echo oops >> outside/foo", `"outside/foo": size: `},
		{"links", "ln outside/foo dst/oops.link", `"dst/oops.link": name: a nothing`},
		{"source", "rm -rf src; mkdir src", `"src`},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "flawed")
			text := "rsync \"$@\"; code=$?\n" + c.flaw + "\nexit $code\n"
			must(t, os.WriteFile(script, []byte(text), 0o644))
			must(t, os.Chmod(filepath.Dir(script), 0o755))
			found := map[int][]string{}
			d := syncDifferential{reference: []string{"rsync"}, subject: []string{"sh", script}, seed: 1}
			d.report = func(number int, list []string) {
				d.mu.Lock()
				defer d.mu.Unlock()
				found[number] = list
			}
			const cases = 8
			d.run(t, cases, on)
			for number := range cases {
				if !slices.ContainsFunc(found[number], func(f string) bool { return strings.HasPrefix(f, c.want) }) {
					t.Errorf("case %d: found %q, want %q", number, found[number], c.want)
				}
			}
		})
	}
}
