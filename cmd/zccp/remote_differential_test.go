//go:build linux

package main_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
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

// holds tells whether there was such an entry before.
func (s *syncTrial) holds(such func(name string, e copiertest.Entry) bool) bool {
	for name, e := range s.old.Entries {
		if such(name, e) {
			return true
		}
	}
	return false
}

// daemon tells whether a case is one in which a daemon receives, or with pull sends.
func (s *syncTrial) daemon(pulls bool) bool {
	way, pull := remoteTurn(s.number)
	return way != "ssh" && pull == pulls
}

// untimed returns the lines of -i without what they say of times of directories that were
// there, and without those that then say nothing.
func untimed(stdout string) string {
	var list []string
	for line := range strings.SplitSeq(itemized(stdout), "\n") {
		switch {
		case strings.HasPrefix(line, "<"):
			line = ">" + line[1:]
		case strings.HasPrefix(line, ".d"):
			letters := strings.NewReplacer("t", ".", " ", ".").Replace(line[2:11])
			if strings.Trim(letters, ".") == "" {
				continue
			}
			line = line[:2] + letters + line[11:]
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// refusal matches every difference of a run that the far end, or the command line, refused.
func refusal(name string, code int, text string) syncDifference {
	return syncDifference{name: name, what: regexp.MustCompile(`.`), when: func(s *syncTrial, _ string) bool {
		return s.other.code == code && strings.Contains(s.other.stderr, text)
	}}
}

// remoteIntended returns the differences from a run on one machine that are meant.
func remoteIntended() []syncDifference {
	list := []syncDifference{
		{
			// Only on one machine can it be known.
			name: "A destination that is part of a source",
			what: regexp.MustCompile(`.`),
			when: func(s *syncTrial, _ string) bool {
				return strings.Contains(s.one.stderr, "into itself: it is the destination")
			},
		},
		refusal("Listing what is here", 1, "--list-only lists sources, and those are on this machine"),
		refusal("Devices that are opened, at a daemon", 43, "opens devices, which is not allowed here"),
		{
			name: "Paths of options that lead out of what a daemon offers",
			what: regexp.MustCompile(`.`),
			when: func(s *syncTrial, _ string) bool {
				return s.daemon(false) && s.other.code == 43 && strings.Contains(s.other.stderr, "leads out of the root") &&
					s.c.has(func(word string) bool { return strings.HasPrefix(word, "--") && strings.Contains(word, "=../../") })
			},
		},
		{
			// A run on one machine is that of a sender.
			name: "Links that a receiver munges",
			what: regexp.MustCompile(`: target: | -> |": (size|mtime|user|group|hard link to): `),
			when: func(s *syncTrial, found string) bool {
				_, pull := remoteTurn(s.number)
				stored := func(name string, e copiertest.Entry) bool {
					return e.Target != "" && strings.HasPrefix(name, "dst/") && (isAbout(found, name) ||
						strings.HasPrefix(found, strconv.Quote(path.Dir(name))+": mtime: "))
				}
				other := !regexp.MustCompile(`": (mtime|user|group|hard link to): `).MatchString(found)
				return pull && (other || s.holds(stored) || s.linkedAnywhere(found)) &&
					s.c.has(func(word string) bool { return word == "--munge-links" })
			},
		},
		{
			name: "Devices at a daemon",
			what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of [ab] only: ([ch]D|\.[dD]|\*del)|: name: a ((block|character) special file, b nothing|nothing, b (block|character) special file)|": (type|mtime|mode|user|group|rdev|xattr .*): `),
			when: func(s *syncTrial, found string) bool {
				stood := found[0] != 'e' || strings.Contains(s.one.stderr+s.one.stdout, "could not make way for new device file")
				quiet := s.c.has(func(word string) bool { return word == "-q" })
				return s.daemon(false) && stood && (quiet || strings.Contains(s.other.stdout, "skipping non-regular file"))
			},
		},
		{
			// On one machine it is not looked at.
			name: "What can't be read below what --existing does not make",
			what: regexp.MustCompile(`^exit code: a 0, b 23$`),
			when: func(s *syncTrial, _ string) bool {
				existing := s.c.has(func(word string) bool { return word == "--existing" || word == "--ignore-non-existing" })
				return existing && regexp.MustCompile(`zccp: cannot open directory .*: Permission denied`).MatchString(s.other.stderr)
			},
		},
		{
			// They are made when everything was transferred, and compared before.
			name: "Times of directories that --delete-before changes",
			what: regexp.MustCompile(`^-i of [ab] only: \.d`),
			when: func(s *syncTrial, _ string) bool {
				before := s.c.has(func(word string) bool { return word == "--delete-before" })
				return before && strings.Contains(s.other.stdout, "*deleting") && untimed(s.one.stdout) == untimed(s.other.stdout)
			},
		},
		{
			// The far end has workers of its own. A dry run tells of the first only; what is
			// not preserved is that of the old file of its name.
			name: "Which name of a file comes first",
			what: regexp.MustCompile(`^-i of [ab] only: [.>c][fLSD]|": (mode|user|group|xattr .*): `),
			when: func(s *syncTrial, found string) bool {
				first := strings.Contains(s.one.stdout+s.other.stdout, " => ") || s.c.has(func(word string) bool { return word == "-n" })
				return first && s.linkedAnywhere(found)
			},
		},
		{
			// They lead out of what it offers.
			name: "Absolute links that names go through, at a daemon",
			what: regexp.MustCompile(`^-i of a only: |^"dst/.*": (name|type): a |": mtime: `),
			when: func(s *syncTrial, _ string) bool {
				_, pull := remoteTurn(s.number)
				return pull && s.daemon(true) && s.c.has(func(word string) bool { return word == "--files-from=list" }) &&
					s.holds(func(name string, e copiertest.Entry) bool {
						return strings.HasPrefix(name, "src/") && strings.HasPrefix(e.Target, "{root}")
					})
			},
		},
		{
			// What can't be read is noticed when it is sent, which may be after the deletions.
			name: "Deletions beside files that can't be read",
			what: regexp.MustCompile(`^-i of [ab] only: (\*deleting|\.d)|: name: |": mtime: `),
			when: func(s *syncTrial, _ string) bool {
				return s.one.code == 23 && s.other.code == 23 && strings.Contains(s.other.stderr, "cannot open")
			},
		},
	}
	for _, d := range syncIntended {
		switch d.name {
		case "Which names are left by --max-delete", "Names of one file of the destination, in -i without -H", "Which name of a file is copied and which are linked to it",
			"Names of one file of the destination, written in place", "Backups that have the name of another file",
			"Times of what --copy-devices copies":
			list = append(list, d)
		}
	}
	return list
}

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
