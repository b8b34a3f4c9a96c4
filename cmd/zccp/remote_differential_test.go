//go:build linux

package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteDifferential runs zccp sync with the generated trees and options of
// TestSyncDifferential on this machine, and to or from a far end, and compares what stands
// there afterwards, the lines of -i as a set, and the exit codes. ZCCP_TEST_REMOTES is how many
// cases are run; 36 without it.
func TestRemoteDifferential(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "sshd")
	d := newRemoteDifferential(t, buildBinary(t))
	d.seed = copiertest.Seed(t)
	cases := countFrom(t, "ZCCP_TEST_REMOTES", 36)
	d.run(t, cases, copiertest.FileSystems(t))
	t.Logf("%d cases, %d with differences; intended ones: %v", cases, d.differing, d.intended)
}

// remoteTurn is the way and the direction of a case.
func remoteTurn(number int) (way string, pull bool) {
	return farWays[number%len(farWays)], number/len(farWays)%2 == 1
}

func newRemoteDifferential(t *testing.T, binary string) *syncDifferential {
	h := newFarHost(t, binary)
	// With one worker it is no chance which name of several becomes the first.
	command := []string{binary, "sync", "--allow-mass-delete", "--jobs=1"}
	return &syncDifferential{
		reference: command, subject: command, means: remoteIntended(),
		words: func(s *syncTrial, root string) []string {
			way, pull := remoteTurn(s.number)
			f := h.end(s.t, way, s.dir, root, s.c.uid, "022")
			return remoteWords(s.c, f, root, pull)
		},
	}
}

// remoteWords returns the words of a case with the operands of one side at the far end.
func remoteWords(c *syncCase, f *farEnd, root string, pull bool) []string {
	words := slices.Clone(f.options)
	for _, flag := range c.flags {
		for _, w := range flag {
			// Directories that options name are at the receiver. Those of a daemon begin at
			// what it offers.
			if f.suffix != "" && !pull && farDirectory.MatchString(w) {
				w = strings.ReplaceAll(w, "{root}", "")
			}
			words = append(words, strings.ReplaceAll(w, "{root}", root))
		}
	}
	place := func(word string, far bool) string {
		if word = strings.ReplaceAll(word, "{root}", root); far {
			word = f.place(word)
		}
		return word
	}
	for _, src := range c.sources {
		words = append(words, place(src, pull))
	}
	return append(words, place(c.dst, !pull))
}

var farDirectory = regexp.MustCompile(`^--(backup-dir|temp-dir|link-dest|copy-dest|compare-dest|partial-dir)=`)

// TestRemoteCopyDifferential copies the trees of TestDifferential to new places on this machine,
// and to or from a far end, and compares the results and the exit codes. What is there already
// is treated as docs/remote.md says, which TestRemoteDifferential is about.
func TestRemoteCopyDifferential(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "sshd")
	binary := buildBinary(t)
	h := newFarHost(t, binary)
	command := []string{binary, "-j1"}
	d := differential{reference: command, subject: command, seed: copiertest.Seed(t), ignore: copiertest.Atime}
	for _, v := range slices.Concat(plain, variants) {
		switch v.name {
		case "-a", "-r", "-rp", "-dR", "-rL", "-ax changed", "-r umask 077":
			d.variants = append(d.variants, v)
		}
	}
	d.words = func(c *trial, dst string) []string {
		way, pull := remoteTurn(c.number)
		umask, uid := "022", 0
		if c.umask != "" {
			umask = c.umask
		}
		if c.user {
			uid = nobody
		}
		f := h.end(c.t, way, c.dir, c.dir, uid, umask)
		words := append(slices.Clone(f.options), c.args...)
		for _, operand := range c.operands {
			isDst := strings.Contains(operand, "{dst}")
			operand = strings.ReplaceAll(operand, "{dst}", dst)
			if isDst != pull && !strings.HasPrefix(operand, "-") {
				operand = f.place(operand)
			}
			words = append(words, operand)
		}
		return words
	}
	d.report = func(number int, found []string) {
		way, pull := remoteTurn(number)
		toDaemon := way != "ssh" && !pull
		devices := toDaemon && slices.ContainsFunc(found, deviceMissing.MatchString)
		found = slices.DeleteFunc(found, func(f string) bool {
			// A daemon takes no devices, and nobody else's set-id bits come over a network
			// unasked.
			return devices && (deviceMissing.MatchString(f) || f == "exit code: a 0, b 1") || specialBits(f)
		})
		report(t, fmt.Sprintf("tree %d by %s, pull %v", number, way, pull), found)
	}
	cases := countFrom(t, "ZCCP_TEST_REMOTES", 36)
	d.run(t, cases, copiertest.FileSystems(t))
}

var deviceMissing = regexp.MustCompile(`: name: a (block|character) special file, b nothing|^"dst[^"]*": mtime: `)

// specialBits tells whether modes differ by bits that copy mode keeps with -p only.
func specialBits(found string) bool {
	m := regexp.MustCompile(`": mode: a (\d+), b (\d+)$`).FindStringSubmatch(found)
	return m != nil && m[1][1:] == m[2][1:] && m[2][0] == '0'
}

// TestRemoteDifferentialFinds runs the harness on far ends with a planted flaw: it finds each
// of them, in every case.
func TestRemoteDifferentialFinds(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "sshd")
	binary := buildBinary(t)
	on := copiertest.FileSystems(t)
	for _, c := range []struct{ name, flaw, want string }{
		{"exit code", "code=$((code ^ 1))", "exit code: a "},
		{"line", "echo '>f+++++++++ oops'", "-i of b only: >f+++++++++ oops"},
		{"litter", "mkdir dst/.oops.XXXXXX", `"dst/.oops.XXXXXX": name: a nothing, b directory`},
		{"outside", "touch outside/oops", `"outside/oops": name: a nothing, b regular file`},
		{"source", "rm -rf src; mkdir src", `"src`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newRemoteDifferential(t, binary)
			d.seed = 1
			d.subject = append(shellCommand(t, d.subject[0]+" \"$@\"; code=$?\n"+c.flaw+"\nexit $code\n"), d.subject[1:]...)
			found := map[int][]string{}
			d.report = func(number int, list []string) {
				d.mu.Lock()
				defer d.mu.Unlock()
				found[number] = list
			}
			const cases = 6
			d.run(t, cases, on)
			for number := range cases {
				if !slices.ContainsFunc(found[number], func(f string) bool { return strings.HasPrefix(f, c.want) }) {
					t.Errorf("case %d: found %q, want %q", number, found[number], c.want)
				}
			}
		})
	}
}
