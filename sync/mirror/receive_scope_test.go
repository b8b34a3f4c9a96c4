package mirror

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// TestFarScope has a sender tell of what it was asked for, and of other things.
func TestFarScope(t *testing.T) {
	relative, listed := archive(), archive()
	relative.Relative = true
	listed.FromSet, listed.Relative, listed.Recursive = true, true, false
	missing, missingPath := archive(), relative
	missing.DeleteMissingArgs, missingPath.DeleteMissingArgs = true, true
	listed.FilesFrom = [][]byte([][]byte{[]byte("a/b/c"), []byte("d/"), []byte("x")})
	file := uint32(platform.ModeRegular | 0o644)
	dir := func(id, parent uint32, name string, lists bool) *wire.Dir {
		return &wire.Dir{ID: id, Parent: parent, Name: []byte(name), Lists: lists, Attr: wire.Attr{Mode: platform.ModeDir | 0o755, Nlink: 1}}
	}
	entry := func(dir uint32, name string) *wire.Entries {
		return &wire.Entries{Dir: dir, Items: []wire.Entry{{Name: []byte(name), Attr: wire.Attr{Mode: file, Nlink: 1}}}}
	}
	gone := func(dir uint32, name string) *wire.DirEnd {
		return &wire.DirEnd{Dir: dir, Missing: [][]byte{[]byte(name)}}
	}
	for _, c := range []struct {
		name    string
		opts    Options
		sources []string
		root    wire.Root
		said    []any
		ok      bool
	}{
		{"a file", archive(), []string{"dir/f"}, wire.Root{}, []any{entry(0, "f")}, true},
		{"another file", archive(), []string{"dir/f"}, wire.Root{}, []any{entry(0, ".bashrc")}, false},
		{"a directory", archive(), []string{"/x/d", "f"}, wire.Root{}, []any{dir(1, 0, "d", true), entry(1, "any"), dir(2, 1, "any", true), entry(0, "f")}, true},
		{"another directory", archive(), []string{"/x/d"}, wire.Root{}, []any{dir(1, 0, ".ssh", true)}, false},
		{"contents", archive(), []string{"d/"}, wire.Root{Content: true, Lists: true, Seals: true}, []any{entry(0, "any"), dir(1, 0, "any", true)}, true},
		{"contents and a file", archive(), []string{"f", "d/."}, wire.Root{Lists: true, Seals: true}, []any{entry(0, "any")}, true},
		{"attributes of the destination", archive(), []string{"f"}, wire.Root{Seals: true}, nil, false},
		{"all of the destination", archive(), []string{"f"}, wire.Root{Lists: true}, nil, false},
		{"a path", relative, []string{"/a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", false), dir(2, 1, "b", false), dir(3, 2, "c", true), entry(3, "any")}, true},
		{"beside a path", relative, []string{"/a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", false), entry(1, "f")}, false},
		{"directory beside a path", relative, []string{"/a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", false), dir(2, 1, "x", false)}, false},
		{"all of a path", relative, []string{"/a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", true)}, false},
		{"a list", listed, []string{"src"}, wire.Root{}, []any{dir(1, 0, "a", false), dir(2, 1, "b", false), entry(2, "c"), dir(3, 0, "d", true), entry(0, "x")}, true},
		{"not on the list", listed, []string{"src"}, wire.Root{}, []any{entry(0, "y")}, false},
		{"a missing file", missing, []string{"dir/f"}, wire.Root{}, []any{gone(0, "f")}, true},
		{"missing, which nobody asked for", archive(), []string{"dir/f"}, wire.Root{}, []any{gone(0, "f")}, false},
		{"another missing file", missing, []string{"dir/f"}, wire.Root{}, []any{gone(0, ".bashrc")}, false},
		{"missing beside contents", missing, []string{"d/", "f"}, wire.Root{Lists: true, Seals: true}, []any{gone(0, "f")}, true},
		{"missing of contents", missing, []string{"d/", "f"}, wire.Root{Lists: true, Seals: true}, []any{gone(0, "g")}, false},
		{"missing of a directory", missing, []string{"d"}, wire.Root{}, []any{dir(1, 0, "d", true), gone(1, "f")}, false},
		{"a missing path", missingPath, []string{"a", "a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", true), dir(2, 1, "b", true), gone(2, "c")}, true},
		{"a missing part of a path", missingPath, []string{"a/b/c"}, wire.Root{}, []any{dir(1, 0, "a", false), gone(1, "b")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(platform.Native(), c.opts, &told{})
			if err := m.Expect(c.sources); err != nil {
				t.Fatal(err)
			}
			c.root.IsDir = true
			c.root.Attr = wire.Attr{Mode: platform.ModeDir | 0o755, Nlink: 1}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			r, err := m.Receive(ctx, &c.root, t.TempDir(), noPeer{})
			for _, msg := range c.said {
				if err != nil {
					break
				}
				switch msg := msg.(type) {
				case *wire.Dir:
					err = r.Dir(msg, func() {})
				case *wire.Entries:
					err = r.Entries(msg, func() {})
				case *wire.DirEnd:
					err = r.DirEnd(msg, func() {})
				}
			}
			cancel()
			if r != nil {
				r.Wait()
			}
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrViolation) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestFarBackup: a link in place of the directory of backups, which the other
// machine may have sent before, is not followed.
func TestFarBackup(t *testing.T) {
	top := t.TempDir()
	for _, dir := range []string{"src", "dst", "out"} {
		os.Mkdir(top+"/"+dir, 0o755)
	}
	os.WriteFile(top+"/src/f", []byte("new"), 0o644)
	opts := archive()
	opts.Backup, opts.Suffix = true, ""
	for _, c := range []struct {
		dir, at string
		ok      bool
	}{{"b", "/out/f", false}, {"b/c", "/out/c/f", false}, {"x", "/dst/x/f", true}, {"x/y", "/dst/x/y/f", true}, {"../beside", "/beside/f", true}, {top + "/out", "/out/f", true}} {
		os.Remove(top + "/dst/b")
		os.Symlink("../out", top+"/dst/b")
		os.WriteFile(top+"/dst/f", []byte("old and evil"), 0o644)
		opts.BackupDir = c.dir
		runFar(t, opts, &told{}, top+"/dst", []string{top + "/src/"})
		if b, err := os.ReadFile(top + c.at); (err == nil) != c.ok {
			t.Errorf("--backup-dir=%s: %q %v at %s", c.dir, b, err, c.at)
		}
	}
}
