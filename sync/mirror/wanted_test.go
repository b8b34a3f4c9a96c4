package mirror

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
			var left []string
			filepath.WalkDir(dir+"/dst", func(path string, _ os.DirEntry, _ error) error {
				if rel, _ := filepath.Rel(dir+"/dst", path); rel != "." {
					left = append(left, rel)
				}
				return nil
			})
			if got := strings.Join(left, " "); got != c.left || len(r.problems) > 0 && c.name != "kept" {
				t.Errorf("left %q, want %q; %q", got, c.left, r.problems)
			}
		})
	}
}
