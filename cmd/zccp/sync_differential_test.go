//go:build linux

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestSyncDifferential runs rsync and zccp sync with the same generated options on two
// equal generated pairs of trees, and compares what stands there afterwards, the lines of
// -i as a set, and the exit codes. ZCCP_TEST_SYNCS is how many cases are run; 60 without it.
func TestSyncDifferential(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "rsync")
	// rsync has no guards; TestSyncGuard is about them.
	d := syncDifferential{reference: []string{"rsync"}, subject: []string{buildBinary(t), "sync", "--allow-mass-delete"}, seed: copiertest.Seed(t)}
	requireSync(t, d.subject)
	cases := countFrom(t, "ZCCP_TEST_SYNCS", 60)
	d.run(t, cases, copiertest.FileSystems(t))
	t.Logf("%d cases, %d with differences; intended ones: %v", cases, d.differing, d.intended)
}

// requireSync skips the test, loudly, where zccp has no sync.
func requireSync(t testing.TB, subject []string) {
	t.Helper()
	if out, err := exec.Command(subject[0], append(subject[1:], "--version")...).CombinedOutput(); err != nil {
		t.Skipf("zccp sync: %v: %s", err, out)
	}
}

// syncDifferential compares two commands that do the same thing.
type syncDifferential struct {
	reference, subject []string
	seed               uint64
	// report, when set, gets what is found, instead of the test.
	report func(number int, found []string)
	// words, when set, returns what the subject is called with, instead of the words of the
	// case.
	words func(s *syncTrial, root string) []string
	// means are the differences that are meant; those from rsync if it is nil.
	means []syncDifference

	mu        sync.Mutex
	differing int
	shrunk    int
	intended  map[string]int
}

// shrinksMost is how many failing cases are made smaller; that takes seconds each.
const shrinksMost = 5

// run runs the cases, each on the next file system.
func (d *syncDifferential) run(t *testing.T, cases int, on []copiertest.FileSystem) {
	d.intended = map[string]int{}
	t.Run("cases", func(t *testing.T) {
		for number := range cases {
			fsys := on[number%len(on)]
			t.Run(fmt.Sprintf("%d %s", number, fsys.Name), func(t *testing.T) {
				t.Parallel()
				c := newSyncCase(rand.New(rand.NewPCG(d.seed, uint64(number))))
				trial := syncTrial{syncDifferential: d, t: t, dir: filepath.Join(fsys.Dir, strconv.Itoa(number)), number: number}
				found := trial.run(c)
				if d.report != nil {
					d.report(number, found)
					return
				}
				if len(found) > 0 {
					d.failed(&trial, c, found)
				}
			})
		}
	})
}

// failed tells of a case, and of a smaller one that fails alike.
func (d *syncDifferential) failed(trial *syncTrial, c *syncCase, found []string) {
	t := trial.t
	t.Errorf("%s: %d differences", strings.Join(c.words("{root}"), " "), len(found))
	for _, f := range found[:min(12, len(found))] {
		t.Error(f)
	}
	d.mu.Lock()
	d.differing++
	d.shrunk++
	shrink := d.shrunk <= countFrom(t, "ZCCP_TEST_SHRINKS", shrinksMost)
	d.mu.Unlock()
	if shrink {
		c, found = trial.shrink(c, found)
		t.Logf("the least that fails: %s\n%s\n%s\n%s", strings.Join(c.words("{root}"), " "), strings.Join(found, "\n"), trial.transcript, c.script(d))
	}
}

// syncTrial runs cases in one directory, one after the other.
type syncTrial struct {
	*syncDifferential
	t   *testing.T
	dir string
	// number is that of the case.
	number int

	// Of the case that ran last: its two results, what was there before, and what was said.
	c          *syncCase
	old, a, b  *copiertest.Tree
	one, other outcome
	transcript string
	// hung: a command did not end. lost: it was rsync, by a defect of its own, and there is
	// nothing to compare with.
	hung, lost bool
}

// run runs both commands on a case and returns the differences that are not intended.
func (s *syncTrial) run(c *syncCase) []string {
	s.c = c
	one, other := filepath.Join(s.dir, "1"), filepath.Join(s.dir, "2")
	defer func() {
		for _, root := range []string{one, other} {
			if err := unmount(root, c.nodes); err != nil {
				s.t.Error(err)
			}
		}
		if err := os.RemoveAll(s.dir); err != nil {
			s.t.Error(err)
		}
	}()
	for _, root := range []string{one, other} {
		must(s.t, os.MkdirAll(root, 0o755))
		must(s.t, os.Chown(root, c.uid, c.uid))
		must(s.t, os.Mkdir(filepath.Join(root, "home"), 0o755))
		if err := build(root, c.nodes); err != nil {
			s.t.Fatalf("%v\n%s", err, shell(c.nodes))
		}
		old := time.Unix(1_400_000_000, 0)
		must(s.t, os.Chtimes(filepath.Join(root, "home"), old, old))
		must(s.t, os.Chtimes(root, old, old))
	}
	s.old = s.scan("2")
	if found := copiertest.Compare(s.scan("1"), s.old, copiertest.CompareOptions{}); found != nil {
		s.t.Fatalf("the two trees are not equal before: %s", found)
	}
	// The kernel's clock for times runs a tick behind.
	from := time.Now().Add(-20 * time.Millisecond)
	words := c.words(other)
	if s.words != nil {
		words = s.words(s, other)
	}
	if s.one = s.execute(s.reference, one, c.words(one)); s.lost {
		return nil
	}
	s.other = s.execute(s.subject, other, words)
	opt := copiertest.CompareOptions{From: from, To: time.Now(), Ignore: copiertest.Atime}
	if c.compares.atime {
		opt.Ignore = 0
		// A source is read, and rsync opens it without O_NOATIME.
		opt.Skip = func(name string) bool { return name != "dst" && !strings.HasPrefix(name, "dst/") }
	}
	s.a, s.b = s.scan("1"), s.scan("2")
	var found []string
	if s.one.code != s.other.code {
		found = append(found, fmt.Sprintf("exit code: a %d, b %d", s.one.code, s.other.code))
	}
	said := itemized(s.other.stdout)
	if s.words != nil {
		// What is sent to another machine, rsync(1); here it is the same.
		said = regexp.MustCompile(`(?m)^<`).ReplaceAllString(said, ">")
	}
	found = append(found, lines("-i", itemized(s.one.stdout), said)...)
	found = append(found, copiertest.Compare(s.a, s.b, opt)...)
	if opt.Skip != nil {
		found = append(found, copiertest.Compare(s.a, s.b, copiertest.CompareOptions{From: from, To: opt.To, Ignore: copiertest.Atime, Skip: func(name string) bool { return !opt.Skip(name) }})...)
	}
	s.transcript = fmt.Sprintf("a: exit code %d\n%s%sb: exit code %d\n%s%s",
		s.one.code, s.one.stdout, s.one.stderr, s.other.code, s.other.stdout, s.other.stderr)
	return s.unintended(found)
}

// scan reads a tree; what its symbolic links hold is the same in both.
func (s *syncTrial) scan(name string) *copiertest.Tree {
	s.t.Helper()
	tree := scan(s.t, filepath.Join(s.dir, name))
	for path, e := range tree.Entries {
		e.Target = strings.ReplaceAll(e.Target, tree.Root, "{root}")
		tree.Entries[path] = e
	}
	return tree
}

// itemLine is a line of -i: rsync(1), "--itemize-changes".
var itemLine = regexp.MustCompile(`^([<>ch.*][fdLDS]([.+? ]{9}|[cstTpogaxubn.]{9}) |\*deleting   )`)

// itemized returns the lines of -i. There are others on stdout.
func itemized(stdout string) string {
	all := strings.Split(stdout, "\n")
	all = slices.DeleteFunc(all, func(line string) bool { return !itemLine.MatchString(line) })
	return strings.Join(append(all, ""), "\n")
}

// execute runs a command in root with these options and operands.
func (s *syncTrial) execute(command []string, root string, words []string) outcome {
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	argv := slices.Concat(command, []string{"-i"}, words)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = root
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "TZ=UTC0", "HOME=" + filepath.Join(root, "home")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.c.uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.c.uid), Gid: uint32(s.c.uid)}
	}
	// rsync is several processes, each of which may be the one that hangs.
	cmd.WaitDelay = 5 * time.Second
	// Then a program in Go says where it hangs.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGQUIT) }
	err := cmd.Run()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // fails, rightly, where none is left
	var exit *exec.ExitError
	if ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) {
		s.hung = true
	}
	// rsync waits for ever if one of its processes has given up.
	s.lost = command[0] == "rsync" && (s.hung || bytes.Contains(stderr.Bytes(), []byte("protocol incompatibility (code 2)")))
	if s.lost {
		s.t.Logf("%q did not end: %s", argv, stderr.Bytes())
	} else if s.hung {
		s.t.Errorf("%q did not end: %s", argv, stderr.Bytes())
	} else if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	clean := func(b bytes.Buffer) string { return strings.ReplaceAll(b.String(), root, "{root}") }
	return outcome{cmd.ProcessState.ExitCode(), clean(stdout), clean(stderr)}
}

// unintended drops the differences that zccp means to have, and counts them.
func (s *syncTrial) unintended(found []string) []string {
	var left []string
	means := s.means
	if means == nil {
		means = syncIntended
	}
	for _, f := range found {
		i := slices.IndexFunc(means, func(d syncDifference) bool { return d.what.MatchString(f) && d.when(s, f) })
		if i < 0 {
			left = append(left, f)
			continue
		}
		s.mu.Lock()
		s.intended[means[i].name]++
		s.mu.Unlock()
	}
	return left
}
