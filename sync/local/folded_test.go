package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// failures keeps what is reported as failed.
type failures struct {
	apply.Reporter
	texts []string
}

func (f *failures) Problem(err error, _ string) { f.texts = append(f.texts, err.Error()) }

// TestFoldedName has a directory in which two names are of one inode, which is
// how a file system that folds case looks from above.
func TestFoldedName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "B"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "A")); err != nil {
		t.Skip(err)
	}
	calls := platform.Native()
	fd, err := calls.Openat(platform.CWD, platform.MustName(dir), platform.ReadOnly|platform.Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close(fd)
	for _, c := range []struct {
		name         string
		folds, fresh bool
		names        string // "!" behind one that is refused
	}{
		{"one of two names is refused", true, false, "a A! b"},
		{"which one comes first doesn't matter", true, false, "A a!"},
		{"told twice", true, false, "a a"},
		{"told apart by the file system", true, false, "b B"},
		{"no such name yet", true, false, "x X"},
		{"a directory of this run", true, true, "a A"},
		{"where case tells names apart", false, false, "a A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := &failures{}
			r := apply.NewRunner(apply.Options{Jobs: 1, BigJobs: 1, Report: report, Copier: copier.New(calls, copier.Options{}, 0)})
			copies := New(calls, r, Options{})
			copies.folds = c.folds
			base := newBase(fd, &platform.Stat{}, "dst")
			n := &node{parent: base, sfd: fd, dfd: fd, src: platform.MustName("src"), dst: platform.MustName("dst"), fresh: c.fresh}
			told := 0
			for name := range strings.FieldsSeq(c.names) {
				name, want := strings.CutSuffix(name, "!")
				if got := copies.foldedName(n, platform.MustName(name)); got != want {
					t.Errorf("%s: refused: %v", name, got)
				}
				if want {
					told++
				}
			}
			if len(report.texts) != told {
				t.Errorf("reported: %q", report.texts)
			}
			for _, text := range report.texts {
				if !strings.HasPrefix(text, "will not overwrite just-created 'dst/") {
					t.Error(text)
				}
			}
		})
	}
}
