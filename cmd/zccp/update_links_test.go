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

// TestUpdateLinksDry: a dry run tells of each such name once, and of none as a copy.
func TestUpdateLinksDry(t *testing.T) {
	binary := buildBinary(t)
	dir := t.TempDir()
	name := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	then := time.Unix(1_600_000_000, 0)
	for _, d := range []string{"src", "dst"} {
		must(t, os.Mkdir(name(d), 0o755))
	}
	must(t, os.WriteFile(name("src", "a"), []byte("content"), 0o644))
	must(t, os.Chtimes(name("src", "a"), then, then))
	for _, n := range []string{"b", "c"} {
		must(t, os.Link(name("src", "a"), name("src", n)))
	}
	for _, n := range []string{"a", "b", "c"} {
		must(t, os.WriteFile(name("dst", n), []byte("content"), 0o644))
		must(t, os.Chtimes(name("dst", n), then, then))
	}
	for _, dry := range []string{"--dry-run", "--stats"} {
		said := succeed(t, dir, binary, "-auT", "-j1", "--json", dry, "src", "dst").stdout
		for op, want := range map[string]int{"skip": 1, "link": 2, "copy": 0} {
			if got := strings.Count(said, fmt.Sprintf("\"op\":%q", op)); got != want {
				t.Errorf("%s: %d times %s, want %d:\n%s", dry, got, op, want, said)
			}
		}
	}
}
