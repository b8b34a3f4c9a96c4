package mirror

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/plan"
)

// told is a Reporter that keeps what it hears.
type told struct {
	mu       sync.Mutex
	items    []string
	problems []string
	notes    []string
	left     []string // notes of what is left alone
	kinds    []Kind
	times    bool
}

func (r *told) Item(ev *Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := ev.Name
	if ev.Mode&platform.ModeType == platform.ModeDir {
		name += "/"
	}
	switch {
	case ev.Flags&plan.FlagHardLink != 0 && ev.Flags&plan.FlagAlternate == 0 && ev.Link != "":
		name += " => " + ev.Link
	case ev.Mode&platform.ModeType == platform.ModeSymlink && ev.Flags&plan.FlagDeleted == 0:
		name += " -> " + ev.Link
	}
	r.items = append(r.items, ev.Flags.Itemize(ev.Mode, r.times)+" "+name)
}

func (r *told) Problem(kind Kind, err error, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err.Error())
	r.kinds = append(r.kinds, kind)
}

func (r *told) Note(level int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch level {
	case 0:
		r.notes = append(r.notes, text)
	case 2:
		r.left = append(r.left, text)
	}
}

// archive are the options of -a, itemized.
func archive() Options {
	return Options{
		Rules: plan.SyncRules{
			Links: true, Devices: true, Specials: true, Perms: true, Owner: true, Group: true, Times: true,
			MaxSize: -1, Root: platform.EffectiveUID() == 0,
		},
		Recursive: true, Links: LinksKeep, MaxDelete: -1, WholeFile: true, Suffix: "~",
		Umask: 0o022, Jobs: 2, Itemize: true, UID: platform.EffectiveUID(),
	}
}

// run synchronises and returns what was told, sorted.
func run(t *testing.T, opts Options, dst string, sources ...string) *told {
	t.Helper()
	r := &told{times: opts.Rules.Times}
	if farRuns {
		runFar(t, opts, r, dst, sources)
		slices.Sort(r.items)
		return r
	}
	m := New(platform.Native(), opts, r)
	if err := m.Run(context.Background(), sources, dst); err != nil {
		r.problems = append(r.problems, err.Error())
	}
	slices.Sort(r.items)
	return r
}

// tree makes files, given as "name" or "name=content", directories "name/" and
// links "name->target" below a new directory.
func makeTree(t *testing.T, dir string, entries ...string) string {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	for _, e := range entries {
		name, content, _ := strings.Cut(e, "=")
		link, target, isLink := strings.Cut(e, "->")
		if isLink {
			name = link
		}
		path := filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case strings.HasSuffix(name, "/"):
			must(os.MkdirAll(path, 0o755))
		case isLink:
			must(os.Symlink(target, path))
		default:
			must(os.WriteFile(path, []byte(content), 0o644))
		}
	}
	return dir
}

// TestAgainstRsync gives the same pair of trees to both.
func TestAgainstRsync(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Skip("needs rsync")
	}
	type world struct{ src, dst []string }
	worlds := []world{
		{[]string{"a=1", "sub/b=22", "sub/deep/c=333", "l->a", "empty/"}, nil},
		{[]string{"a=1", "sub/b=22", "l->a"}, []string{"a=9", "sub/x=1", "l->b", "old/y=1", "old/z/w=2"}},
		{[]string{"a=1", "d/f=1"}, []string{"a/b/c=1", "d=file", "e->nowhere"}},
	}
	sets := []struct {
		flags []string
		set   func(*Options)
	}{
		{[]string{"-ai"}, func(o *Options) {}},
		{[]string{"-ai", "--delete"}, func(o *Options) { o.Delete = DeleteDuring }},
		{[]string{"-ain", "--delete"}, func(o *Options) { o.Delete, o.DryRun = DeleteDuring, true }},
		{[]string{"-ai", "--delete-before"}, func(o *Options) { o.Delete = DeleteBefore }},
		{[]string{"-ri"}, func(o *Options) {
			o.Rules = plan.SyncRules{MaxSize: -1, Root: o.Rules.Root}
			o.Links = LinksSkip
		}},
		{[]string{"-aib"}, func(o *Options) { o.Backup = true; o.Rules.OmitDirTimes = true }},
		{[]string{"-aci"}, func(o *Options) { o.Rules.Checksum = true }},
		{[]string{"-aui"}, func(o *Options) { o.Rules.Update = true }},
	}
	for wi, wd := range worlds {
		for _, s := range sets {
			for _, operand := range []string{"src/", "src"} {
				t.Run(fmt.Sprintf("%d/%s/%s", wi, strings.Join(s.flags, ""), operand), func(t *testing.T) {
					dir := t.TempDir()
					makeTree(t, dir+"/src", wd.src...)
					for _, d := range []string{"/ours", "/theirs"} {
						if wd.dst != nil {
							base := dir + d
							if operand == "src" {
								base += "/src"
							}
							makeTree(t, base, wd.dst...)
						}
					}
					sync := exec.Command("sh", "-c", "find ours theirs -depth -exec touch -h -d 2020-01-01 {} + 2>/dev/null; find src -depth -exec touch -h -d 2021-01-01 {} +")
					sync.Dir = dir
					sync.Run()
					cmd := exec.Command("rsync", append(slices.Clone(s.flags), operand, "theirs")...)
					cmd.Dir = dir
					out, _ := cmd.CombinedOutput()
					var want []string
					for _, line := range strings.Split(string(out), "\n") {
						if len(line) > 12 && (line[11] == ' ') {
							want = append(want, line)
						}
					}
					slices.Sort(want)
					o := archive()
					s.set(&o)
					o.AllowMassDelete = true
					t.Chdir(dir)
					got := run(t, o, "ours", operand)
					if !slices.Equal(got.items, want) {
						t.Errorf("told:\n%s\nrsync:\n%s\nproblems %q", strings.Join(got.items, "\n"), out, got.problems)
					}
					compare := "-nrlpgoDicHAX"
					if o.Rules.Times {
						compare = "-naiHAXO"
					}
					diff := exec.Command("rsync", compare, "--delete", "theirs/", "ours/")
					diff.Dir = dir
					if out, err := diff.CombinedOutput(); err != nil && wd.dst != nil || len(out) > 0 && !o.DryRun {
						t.Errorf("trees differ: %s (%v)", out, err)
					}
				})
			}
		}
	}
}
