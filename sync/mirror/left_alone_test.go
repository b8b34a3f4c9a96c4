package mirror

import (
	"slices"
	"strings"
	"testing"
)

// TestLeftAlone holds what is said of entries that are left alone to rsync's
// words, in which scripts read why something is missing.
func TestLeftAlone(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, dir+"/src", "f=1", "here=1", "d/g=1", "b/h=1", "sub/k=1")
	dst := makeTree(t, dir+"/dst", "here=22", "b=file", "sub/k=22")
	for _, c := range []struct {
		name string
		set  func(o *Options)
		want []string
	}{
		{"--existing", func(o *Options) { o.Rules.Existing = true },
			[]string{`not creating new directory "d"`, `not creating new file "b/h"`, `not creating new file "f"`}},
		{"--ignore-existing", func(o *Options) { o.Rules.IgnoreExisting = true },
			[]string{"b exists", "here exists", "sub/k exists"}},
		{"without -r", func(o *Options) { o.Recursive = false }, []string{"skipping directory ."}},
	} {
		o := archive()
		o.DryRun = true
		c.set(&o)
		r := run(t, o, dst, src+"/")
		said := append(r.left, r.notes...)
		slices.Sort(said)
		if !slices.Equal(said, c.want) {
			t.Errorf("%s says\n%s\nwant\n%s", c.name, strings.Join(said, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
