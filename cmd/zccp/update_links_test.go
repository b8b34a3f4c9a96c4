//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inode returns the number of a file's inode.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	st, err := os.Lstat(path)
	must(t, err)
	return st.Sys().(*syscall.Stat_t).Ino
}

// TestUpdateLinks: a new name of a source whose copy stands and is up to date becomes a
// name of that copy with -u, in whichever order they come. A file that is newer than the
// source stays as it is, which cp replaces by a link.
func TestUpdateLinks(t *testing.T) {
	binary := buildBinary(t)
	for _, names := range []string{"a b c", "c a b", "b c a", "c b a"} {
		for _, options := range []string{"-au", "-au -j1", "-aub", "-auf"} {
			t.Run(names+" "+options, func(t *testing.T) {
				dir := t.TempDir()
				in := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
				words := func(rest ...string) []string {
					return append(append([]string{binary}, strings.Fields(options)...), rest...)
				}
				name := strings.Fields(names)
				must(t, os.Mkdir(in("src"), 0o755))
				must(t, os.WriteFile(in("src", name[0]), []byte("content"), 0o644))
				must(t, os.Link(in("src", name[0]), in("src", name[1])))
				succeed(t, dir, words("-T", "src", "dst")...)
				before := inode(t, in("dst", name[0]))
				succeed(t, dir, words("-T", "src", "dst")...)
				if now := inode(t, in("dst", name[0])); now != before {
					t.Error("a copy that is up to date was replaced")
				}
				must(t, os.Link(in("src", name[0]), in("src", name[2])))
				said := succeed(t, dir, words("-T", "--dry-run", "-v", "src", "dst")...).stdout
				if strings.Contains(options, "-j1") && !strings.Contains(said, fmt.Sprintf("'dst/%s'", name[2])) {
					t.Errorf("a dry run says nothing of the new name: %q", said)
				}
				succeed(t, dir, words("-T", "src", "dst")...)
				for _, n := range name {
					if got := inode(t, in("dst", n)); got != inode(t, in("dst", name[0])) {
						t.Errorf("%s is not linked to %s", n, name[0])
					}
				}
				list, err := os.ReadDir(in("dst"))
				if err != nil || len(list) != len(name) {
					t.Errorf("%v, %v", list, err)
				}

				must(t, os.Remove(in("dst", name[1])))
				must(t, os.WriteFile(in("dst", name[1]), []byte("of the user"), 0o644))
				later := time.Now().Add(time.Hour)
				must(t, os.Chtimes(in("dst", name[1]), later, later))
				succeed(t, dir, words("-T", "src", "dst")...)
				if got, _ := os.ReadFile(in("dst", name[1])); string(got) != "of the user" {
					t.Errorf("a newer file was replaced: %q", got)
				}
			})
		}
	}
}
