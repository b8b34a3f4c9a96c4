package mirror

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
)

// TestMissingArgs has what was given and isn't there deleted at the destination,
// and nothing else.
func TestMissingArgs(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      func(*Options)
		operands string
		left     string
	}{
		{"kept", func(o *Options) { o.DeleteMissingArgs = false }, "sub/gone a", "a b gone sub sub/b sub/gone"},
		{"alone", func(*Options) {}, "sub/gone", "a b sub sub/b sub/gone"},
		{"beside others", func(*Options) {}, "sub/gone a b", "a sub sub/b sub/gone"},
		{"a path", func(o *Options) { o.Relative = true }, "sub/gone", "a b gone sub sub/b"},
		{"below what is listed", func(o *Options) { o.Relative = true }, "sub sub/gone", "a b gone sub sub/b"},
		{"of a list", func(o *Options) {
			o.FromSet, o.Relative, o.FilesFrom = true, true, [][]byte{[]byte("sub/gone"), []byte("sub/way/gone"), []byte("b")}
		}, ".", "a gone sub sub/b"},
		{"in a dry run", func(o *Options) { o.DryRun = true }, "sub/gone", "a b gone sub sub/b sub/gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			makeTree(t, dir+"/src", "a=1", "sub/")
			makeTree(t, dir+"/dst", "a=1", "b=2", "gone=3", "sub/b=4", "sub/gone=5")
			t.Chdir(dir + "/src")
			opts := archive()
			opts.DeleteMissingArgs = true
			c.set(&opts)
			r := run(t, opts, dir+"/dst", strings.Fields(c.operands)...)
			if got := below(dir + "/dst"); got != c.left || len(r.problems) > 0 && c.name != "kept" {
				t.Errorf("left %q, want %q; %q", got, c.left, r.problems)
			}
		})
	}
}

// TestDotInPath: "./" behind the point from which -R keeps names is an entry of its
// own, like "./" in front of an operand.
func TestDotInPath(t *testing.T) {
	for source, told := range map[string]bool{
		"./a": true, "././a": false, "b/./a": false, "b/././a": true,
	} {
		dir := t.TempDir()
		makeTree(t, dir, "a/", "b/a/", "dst/")
		t.Chdir(dir)
		old := time.Unix(1e9, 0)
		if err := os.Chtimes("dst", old, old); err != nil {
			t.Fatal(err)
		}
		opts := archive()
		opts.Relative = true
		r := run(t, opts, "dst", source)
		if got := strings.Join(r.items, "\n"); strings.HasPrefix(got, ".d") != told || !strings.Contains(got, " a/") {
			t.Errorf("%s: %q, %q", source, got, r.problems)
		}
	}
}

// TestWriteDevices writes into a device and gives it the attributes.
func TestWriteDevices(t *testing.T) {
	if platform.EffectiveUID() != 0 {
		t.Skip("needs root, to make a device")
	}
	const null = 1<<8 | 3
	dir := t.TempDir()
	makeTree(t, dir, "src/f=content", "dst/")
	name := platform.MustName(dir + "/dst/f")
	if err := platform.Native().Mknodat(platform.CWD, name, platform.ModeChar|0o600, null); err != nil {
		t.Skip(err)
	}
	opts := archive()
	opts.InPlace, opts.WriteDevices = true, true
	for _, keep := range []bool{false, true} {
		opts.Rules.Times = keep
		r := run(t, opts, dir+"/dst", dir+"/src/")
		src, err := os.Stat(dir + "/src/f")
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(dir + "/dst/f")
		if err != nil || st.Mode()&os.ModeCharDevice == 0 || st.Mode().Perm() != 0o644 || keep != st.ModTime().Equal(src.ModTime()) {
			t.Errorf("%v %v, source %v; %q", st.Mode(), st.ModTime(), src.ModTime(), r.problems)
		}
	}
}

// TestPruneNamedLink: a link to a directory that is named with a slash is pruned, or
// not, as that directory is.
func TestPruneNamedLink(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir+"/src", "full/f=1", "empty/", "a->full", "b->empty")
	for _, recursive := range []bool{false, true} {
		opts := archive()
		opts.Recursive, opts.Dirs, opts.PruneEmpty = recursive, true, true
		opts.FromSet, opts.Relative, opts.FilesFrom = true, true, [][]byte{[]byte("a/"), []byte("b/")}
		r := run(t, opts, t.TempDir(), dir+"/src")
		if got := strings.Join(r.items, ", "); !strings.Contains(got, "a/f") || strings.Contains(got, "b/") || len(r.problems) > 0 {
			t.Errorf("-r %v: %q; %q", recursive, got, r.problems)
		}
	}
}

// TestFollowedNames: with -L a file has more names than links, and with -H all are
// names of one file.
func TestFollowedNames(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir+"/src", "b=1", "d/e->../b", "z->b", "a->b")
	if err := os.Link(dir+"/src/b", dir+"/src/c"); err != nil {
		t.Fatal(err)
	}
	opts := archive()
	opts.HardLinks, opts.Links = true, LinksFollow
	r := run(t, opts, dir+"/dst", dir+"/src/")
	first, err := os.Stat(dir + "/dst/b")
	if err != nil {
		t.Fatal(err, r.problems)
	}
	for _, name := range []string{"a", "c", "z", "d/e"} {
		if st, err := os.Stat(dir + "/dst/" + name); err != nil || !os.SameFile(first, st) {
			t.Errorf("%s is another file: %v; %q", name, err, r.items)
		}
	}
}

// TestNamedBelowHidden: what is named below something that is named and hidden is
// transferred, and that is only on the way.
func TestNamedBelowHidden(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir+"/src", "x.bak/bar=1", "x.bak/s/u=2", "y=3")
	t.Chdir(dir + "/src")
	for _, set := range []func(*Options) []string{
		func(o *Options) []string { return []string{"x.bak", "x.bak/bar"} },
		func(o *Options) []string {
			o.FromSet, o.FilesFrom = true, [][]byte{[]byte("x.bak/"), []byte("x.bak/bar")}
			return []string{"."}
		},
	} {
		opts := archive()
		opts.Filter = filter.New(nil)
		if err := opts.Filter.Add("- *.bak"); err != nil {
			t.Fatal(err)
		}
		opts.Relative = true
		sources := set(&opts)
		dst := t.TempDir()
		r := run(t, opts, dst, sources...)
		bar, _ := os.ReadFile(dst + "/x.bak/bar")
		if _, err := os.Stat(dst + "/x.bak/s"); string(bar) != "1" || err == nil || len(r.problems) > 0 {
			t.Errorf("%q: %q; %q", sources, r.items, r.problems)
		}
	}
}

// TestSkippedOnTheWay: without -r what is named once is told of once, and directories
// that lead to nothing are not made.
func TestSkippedOnTheWay(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir+"/src", "a/b/f=1", "a/c=2")
	t.Chdir(dir + "/src")
	for _, c := range []struct{ sources, notes, made string }{
		{"a/b", "skipping directory a/b", ""},
		{"a/b/gone a/c", "", "a a/c"},
		{"a a/b/f", "skipping directory a", "a a/b a/b/f"},
		{"a/ a/b", "skipping directory a, skipping directory a/b", ""},
	} {
		opts := archive()
		opts.Relative, opts.Recursive = true, false
		dst := t.TempDir()
		r := run(t, opts, dst, strings.Fields(c.sources)...)
		made := below(dst)
		slices.Sort(r.notes)
		if strings.Join(r.notes, ", ") != c.notes || made != c.made || len(r.problems) != strings.Count(c.sources, "gone") {
			t.Errorf("%s: notes %q, made %q; %q", c.sources, r.notes, made, r.problems)
		}
	}
}

// TestSaidOnce: with --delete-before the source is walked twice, and its problems are
// told of once.
func TestSaidOnce(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, "src/f=1", "dst/src/g=2")
	opts := archive()
	opts.Delete = DeleteBefore
	r := run(t, opts, dir+"/dst", dir+"/src", dir+"/gone")
	if _, err := os.Stat(dir + "/dst/src/g"); len(r.problems) != 1 || err != nil {
		t.Errorf("%q; %v", r.problems, err)
	}
}

// TestNamedBelowOthers: what is named below a link to a directory has that in its path,
// and below a file nothing is found, whether rules hide that file or not.
func TestNamedBelowOthers(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir+"/src", "d/f=1", "link->d", "s=2")
	for _, c := range []struct {
		names, rule, made string
		problems          int
	}{
		{"link link/f", "", "link link/f", 0},
		{"link link/f", "- /link", "link link/f", 0},
		{"s s/x", "", "s", 1},
		{"s s/x", "- s", "", 1},
		{"d d/f", "- d", "d d/f", 0},
	} {
		opts := archive()
		opts.FromSet, opts.Relative = true, true
		for name := range strings.FieldsSeq(c.names) {
			opts.FilesFrom = append(opts.FilesFrom, []byte(name))
		}
		opts.Filter = filter.New(nil)
		if c.rule != "" {
			if err := opts.Filter.Add(c.rule); err != nil {
				t.Fatal(err)
			}
		}
		dst := t.TempDir()
		r := run(t, opts, dst, dir+"/src")
		if made := below(dst); made != c.made || len(r.problems) != c.problems {
			t.Errorf("%s, %q: made %q; %q", c.names, c.rule, made, r.problems)
		}
	}
}

// TestMissingLink: a link that is followed and leads nowhere is there, and has nothing
// deleted; nor has a source that would have got another name.
func TestMissingLink(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, "src/f->/nonexistent/x", "dst/f=1", "dst/g=2")
	opts := archive()
	opts.DeleteMissingArgs, opts.Links = true, LinksCopyUnsafe
	r := run(t, opts, dir+"/dst/g", dir+"/src/f")
	if left := below(dir + "/dst"); left != "f g" || len(r.problems) != 1 {
		t.Errorf("left %q; %q", left, r.problems)
	}
}

// below returns the names below a directory.
func below(dir string) string {
	var names []string
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			names = append(names, rel)
		}
		return nil
	})
	return strings.Join(names, " ")
}
