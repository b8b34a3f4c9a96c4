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

// TestBackupsTold holds the notes on backups to rsync's words.
func TestBackupsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(o *Options)
		want []string
	}{
		{"--suffix", func(o *Options) { o.Suffix = ".x" },
			[]string{"backed up gone to gone.x", "backed up old/g to old/g.x", "backed up sub/k to sub/k.x"}},
		{"--backup-dir", func(o *Options) { o.BackupDir, o.Suffix = "../bak/", "" },
			[]string{"backed up gone to ../bak/gone", "backed up old/g to ../bak/old/g", "backed up sub/k to ../bak/sub/k"}},
		{"--inplace", func(o *Options) { o.InPlace, o.Delete = true, DeleteNever }, []string{"backed up sub/k to sub/k~"}},
		{"a directory without anything in it in the place of a backup", func(o *Options) { o.BackupDir, o.Suffix = "../old", "" },
			[]string{"backed up gone to ../old/gone", "backed up old/g to ../old/old/g", "backed up sub/k to ../old/sub/k"}},
		{"--dry-run", func(o *Options) { o.DryRun = true }, []string{"backed up gone to gone~", "backed up old/g to old/g~"}},
	} {
		dir := t.TempDir()
		src := makeTree(t, dir+"/src", "new=1", "sub/k=1")
		dst := makeTree(t, dir+"/dst", "gone=1", "old/g=1", "sub/k=22")
		makeTree(t, dir+"/old", "gone/", "sub/k/")
		o := archive()
		o.Backup, o.Delete, o.AllowMassDelete = true, DeleteDuring, true
		c.set(&o)
		r := run(t, o, dst, src+"/")
		slices.Sort(r.left)
		if !slices.Equal(r.left, c.want) || len(r.problems) > 0 {
			t.Errorf("%s says\n%s\nwant\n%s\n%q", c.name, strings.Join(r.left, "\n"), strings.Join(c.want, "\n"), r.problems)
		}
	}
}
