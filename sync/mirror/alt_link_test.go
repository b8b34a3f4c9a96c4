package mirror

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinksInAlternates holds -i to what rsync says of the names of one file that
// alternates have too: against them, not against nothing.
func TestLinksInAlternates(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, dir+"/src", "f=1", "l->f")
	if err := os.Link(src+"/f", src+"/g"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", src, dir+"/alt").CombinedOutput(); err != nil {
		t.Skipf("%s: %v", out, err)
	}
	for _, c := range []struct {
		name     string
		kind     AltKind
		all, dry bool
		want     []string
	}{
		{"-i --copy-dest", AltCopy, false, false, []string{"hf          g => f"}},
		{"-in --copy-dest", AltCopy, false, true, []string{"hf          g => f"}},
		{"-ii --copy-dest", AltCopy, true, false, []string{"cL          l -> f", "cd          ./", "cf          f", "hf          g => f"}},
		{"-i --compare-dest", AltCompare, false, false, nil},
		{"-in --compare-dest", AltCompare, false, true, nil},
		{"-i --link-dest", AltLink, false, false, nil},
		{"-in --link-dest", AltLink, false, true, nil},
		{"-ii --link-dest", AltLink, true, false, []string{"cd          ./", "hL          l -> f", "hf          f", "hf          g => f"}},
	} {
		o := archive()
		o.HardLinks, o.AltKind, o.AltDests, o.ItemizeAll, o.DryRun, o.Jobs = true, c.kind, []string{dir + "/alt"}, c.all, c.dry, 1
		r := run(t, o, t.TempDir()+"/dst", src+"/")
		if !slices.Equal(r.items, c.want) || len(r.problems) > 0 {
			t.Errorf("%s says\n%s\nwant\n%s\n%q", c.name, strings.Join(r.items, "\n"), strings.Join(c.want, "\n"), r.problems)
		}
	}
}
