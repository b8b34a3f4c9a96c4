//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// planned is a source and a destination with a plan of each kind of deed.
type planned struct {
	t      *testing.T
	dir    string
	binary string
	plan   string
}

const plannedOptions = "-aiH --delete"

func newPlanned(t *testing.T, binary string) *planned {
	t.Helper()
	p := &planned{t: t, dir: t.TempDir(), binary: binary}
	for _, name := range []string{"src/d", "src/e", "src/f", "src/clash", "dst/e", "dst/f", "dst/olddir"} {
		must(t, os.MkdirAll(p.path(name), 0o755))
	}
	for _, name := range []string{
		"src/new", "src/changed", "src/mode", "src/d/x", "src/e/y", "src/hl1", "src/same", "src/clash/x",
		"dst/changed", "dst/mode", "dst/old", "dst/olddir/z", "dst/same", "dst/f/extra", "dst/clash",
	} {
		p.write(name, "content of "+name[4:])
	}
	p.write("dst/changed", "before")
	must(t, os.Link(p.path("src/hl1"), p.path("src/hl2")))
	must(t, os.Symlink("nowhere", p.path("src/symlink")))
	must(t, os.Chmod(p.path("src/mode"), 0o600))
	for _, name := range []string{"src/e", "dst/e", "src/f", "dst/f"} {
		p.touch(name)
	}
	e := p.zccp(append([]string{"plan"}, p.words()...)...)
	if e.code != 0 {
		t.Fatalf("plan: exit code %d: %s", e.code, e.stderr)
	}
	p.plan = p.path("plan.jsonl")
	must(t, os.WriteFile(p.plan, []byte(e.stdout), 0o644))
	return p
}

func (p *planned) words() []string { return append(strings.Fields(plannedOptions), "src/", "dst/") }

func (p *planned) path(name string) string { return filepath.Join(p.dir, name) }

var plannedTime = time.Unix(1_500_000_000, 5)

func (p *planned) write(name, text string) {
	p.t.Helper()
	must(p.t, os.WriteFile(p.path(name), []byte(text), 0o644))
	p.touch(name)
}

func (p *planned) touch(name string) {
	p.t.Helper()
	must(p.t, os.Chtimes(p.path(name), plannedTime, plannedTime))
}

func (p *planned) zccp(args ...string) ended {
	p.t.Helper()
	return command{args: append([]string{p.binary}, args...), dir: p.dir}.run(p.t)
}

// remaining returns the names that a synchronisation would deal with.
func (p *planned) remaining() []string {
	p.t.Helper()
	var names []string
	for line := range strings.Lines(p.zccp(append([]string{"sync", "-n"}, p.words()...)...).stdout) {
		if name := strings.TrimSpace(line[min(12, len(line)):]); name != "./" {
			name, _, _ = strings.Cut(name, " ")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestPlanPreconditions breaks each kind of precondition between plan and apply:
// the entry is named with what is against it and left as it is, all others are
// done.
func TestPlanPreconditions(t *testing.T) {
	binary := buildBinary(t)
	replace := func(p *planned, name string) {
		must(t, os.Rename(p.path(name), p.path("aside")))
		text, err := os.ReadFile(p.path("aside"))
		must(t, err)
		p.write(name, string(text))
	}
	makeDir := func(p *planned, name string) {
		must(t, os.Remove(p.path(name)))
		must(t, os.Mkdir(p.path(name), 0o755))
	}
	now := func(p *planned, name string) { must(t, os.Chtimes(p.path(name), time.Time{}, time.Now())) }
	for _, c := range []struct {
		name   string
		do     func(p *planned)
		stderr string // "" for nothing, and exit code 0
		left   string // names that remain
	}{
		{"nothing", func(p *planned) {}, "", ""},
		{"source: content", func(p *planned) { p.write("src/new", "CONTENT of new") }, "'new': the source has changed (inode change time); left alone", "new"},
		{"source: size", func(p *planned) { p.write("src/new", "content of newer") }, "'new': the source has changed (size)", "new"},
		{"source: mtime", func(p *planned) { now(p, "src/new") }, "'new': the source has changed (modification time)", "new"},
		{"source: mode", func(p *planned) { must(t, os.Chmod(p.path("src/mode"), 0o640)) }, "'mode': the source has changed (mode)", "mode"},
		{"source: type", func(p *planned) { makeDir(p, "src/new") }, "'new': the source has changed (type)", "new/"},
		{"source: inode", func(p *planned) { replace(p, "src/new") }, "'new': the source has changed (replaced by another one)", "new"},
		{"source: removed", func(p *planned) { must(t, os.Remove(p.path("src/new"))) }, "'new': planned, but no longer there", ""},
		{"source: removed, to be deleted now", func(p *planned) { must(t, os.Remove(p.path("src/changed"))) }, "'changed': it is gone from the source", "changed"},
		{"source: of two names", func(p *planned) { now(p, "src/hl1") }, "'hl2': the source has changed (modification time)", "hl1 hl2"},
		{"source: symbolic link", func(p *planned) {
			must(t, os.Remove(p.path("src/symlink")))
			must(t, os.Symlink("elsewhere", p.path("src/symlink")))
		}, "'symlink': the source has changed (", "symlink"},
		{"source: new directory", func(p *planned) { must(t, os.Chmod(p.path("src/d"), 0o700)) }, "'d': the source has changed (mode)", "d/ d/x"},
		{"source: directory removed", func(p *planned) { must(t, os.RemoveAll(p.path("src/d"))) }, "'d': planned, but no longer there", ""},
		{"destination: in the way", func(p *planned) { p.write("dst/new", "mine") }, "'new': something stands at the destination that was not there", "new"},
		{"destination: directory in the way", func(p *planned) { must(t, os.Mkdir(p.path("dst/d"), 0o700)) }, "'d': something stands at the destination", "d/ d/x"},
		{"destination: content", func(p *planned) { p.write("dst/changed", "BEFORE") }, "'changed': what stands at the destination has changed (inode change time)", "changed"},
		{"destination: size", func(p *planned) { p.write("dst/changed", "mine") }, "'changed': what stands at the destination has changed (size)", "changed"},
		{"destination: mtime", func(p *planned) { now(p, "dst/changed") }, "'changed': what stands at the destination has changed (modification time)", "changed"},
		{"destination: type", func(p *planned) { makeDir(p, "dst/changed") }, "'changed': what stands at the destination has changed (type)", "changed"},
		{"destination: inode", func(p *planned) { replace(p, "dst/changed") }, "'changed': what stands at the destination has changed (replaced by another one)", "changed"},
		{"destination: removed", func(p *planned) { must(t, os.Remove(p.path("dst/changed"))) }, "'changed': nothing stands at the destination any more", "changed"},
		{"destination: directory replaced", func(p *planned) {
			must(t, os.Rename(p.path("dst/e"), p.path("aside")))
			must(t, os.Mkdir(p.path("dst/e"), 0o755))
		}, "'e': what stands at the destination has changed (replaced by another one)", "e/ e/y"},
		{"destination: file in the way of a directory", func(p *planned) { p.write("dst/d", "mine") }, "'d': something stands at the destination", "d/ d/x"},
		{"destination: file for a directory", func(p *planned) { p.write("dst/clash", "mine") }, "'clash': what stands at the destination has changed (size)", "clash/ clash/x"},
		{"deletion: changed", func(p *planned) { p.write("dst/old", "mine") }, "'old': what stands at the destination has changed (size)", "old"},
		{"deletion: replaced", func(p *planned) { replace(p, "dst/old") }, "'old': what stands at the destination has changed (replaced", "old"},
		{"deletion: gone", func(p *planned) { must(t, os.Remove(p.path("dst/old"))) }, "'old': planned to be deleted, but no longer there", ""},
		{"deletion: something new in it", func(p *planned) { p.write("dst/olddir/more", "mine") }, "'olddir': planned to be deleted, but still there", "olddir/ olddir/more"},
		{"deletion: wanted again", func(p *planned) { p.write("src/old", "more") }, "'old': it was to be deleted, and is in the source now", "old"},
		{"others", func(p *planned) { p.write("src/e/other", "x"); p.write("dst/f/other", "x") }, "", "e/other f/other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlanned(t, binary)
			time.Sleep(10 * time.Millisecond) // a tick of the clock for times of inodes
			c.do(p)
			e := p.zccp("apply", p.plan)
			wanted := 0
			if c.stderr != "" {
				wanted = 23
			}
			if e.code != wanted || !strings.Contains(e.stderr, c.stderr) || c.stderr == "" && e.stderr != "" {
				t.Errorf("exit code %d, %q; want %d, %q", e.code, e.stderr, wanted, c.stderr)
			}
			if left := strings.Join(p.remaining(), " "); left != c.left {
				t.Errorf("left are %q, want %q; %s%s", left, c.left, e.stdout, e.stderr)
			}
			if c.name == "others" && !strings.Contains(e.stdout, "2 entries are not in the plan: left alone\n") {
				t.Errorf("stdout %q", e.stdout)
			}
		})
	}
}

// TestPlanOtherRoots: where one of the two roots is another directory than that of
// the plan, nothing is done.
func TestPlanOtherRoots(t *testing.T) {
	binary := buildBinary(t)
	for _, c := range []struct{ name, root, stderr string }{
		{"source", "src", "'.': the source has changed (replaced by another one)"},
		{"destination", "dst", "the destination 'dst/' is not the directory that the plan was made for; nothing was done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlanned(t, binary)
			must(t, os.Rename(p.path(c.root), p.path("aside")))
			if out := (command{args: []string{"cp", "-a", "aside", c.root}, dir: p.dir}).run(t); out.code != 0 {
				t.Fatal(out.stderr)
			}
			before := scan(t, p.dir)
			e := p.zccp("apply", p.plan)
			if e.code != 23 || !strings.Contains(e.stderr, c.stderr) {
				t.Errorf("exit code %d, %q; want 23, %q", e.code, e.stderr, c.stderr)
			}
			report(t, "apply changed something", copiertest.Compare(before, scan(t, p.dir), copiertest.CompareOptions{Ignore: copiertest.Atime}))
		})
	}
}

// TestPlanTwice: what was done once is not done again, and a dry run of apply does
// nothing.
func TestPlanTwice(t *testing.T) {
	p := newPlanned(t, buildBinary(t))
	before := p.remaining()
	if e := p.zccp("apply", "-n", p.plan); e.code != 0 || len(p.remaining()) != len(before) || !strings.Contains(e.stdout, "*deleting   old\n") {
		t.Errorf("a dry run: exit code %d, %s%s, left %v", e.code, e.stdout, e.stderr, p.remaining())
	}
	if e := p.zccp("apply", p.plan); e.code != 0 || len(p.remaining()) != 0 {
		t.Errorf("exit code %d, %s, left %v", e.code, e.stderr, p.remaining())
	}
	after := scan(t, p.dir)
	if e := p.zccp("apply", p.plan); e.code != 23 {
		t.Errorf("once more: exit code %d, %s", e.code, e.stderr)
	}
	report(t, "apply changed something", copiertest.Compare(after, scan(t, p.dir), copiertest.CompareOptions{Ignore: copiertest.Atime}))
}

// TestPlanGuard: the guards of deletions watch over apply, too.
func TestPlanGuard(t *testing.T) {
	p := newPlanned(t, buildBinary(t))
	must(t, os.RemoveAll(p.path("src")))
	must(t, os.Mkdir(p.path("src"), 0o755))
	e := p.zccp(append([]string{"plan"}, p.words()...)...)
	if e.code != 42 || strings.Contains(e.stdout, `"delete"`) || !strings.Contains(e.stdout, `"exit":42`) {
		t.Errorf("plan: exit code %d, %s%s", e.code, e.stdout, e.stderr)
	}
	words := append([]string{"plan", "--max-delete=1", "--allow-mass-delete"}, p.words()...)
	e = p.zccp(words...)
	must(t, os.WriteFile(p.plan, []byte(e.stdout), 0o644))
	if n := strings.Count(e.stdout, `"op":"delete"`); e.code != 25 || n != 1 {
		t.Errorf("a limit: exit code %d, %d deletions planned", e.code, n)
	}
	if e := p.zccp("apply", p.plan); e.code != 25 || strings.Count(e.stdout, "*deleting ") != 1 {
		t.Errorf("a limit: exit code %d, %s%s", e.code, e.stdout, e.stderr)
	}
}
