//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// syncDifference is a difference from rsync that is meant.
type syncDifference struct {
	// name is how docs/sync-differences.md calls it, where the reason stands.
	name string
	// what matches the difference as it is printed, and when tells whether this case is one
	// in which it is meant.
	what *regexp.Regexp
	when func(s *syncTrial, found string) bool
}

// syncIntended lists the differences from rsync that are meant, beside that the guards of
// deletions are off here.
var syncIntended = []syncDifference{
	{
		name: "Which names are left by --max-delete",
		what: regexp.MustCompile(`^-i of [ab] only: \*deleting|^"dst.*": (name: a nothing|name: a .*, b nothing|mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			limited := s.c.has(func(word string) bool { return strings.HasPrefix(word, "--max-delete=") })
			deleted := func(o outcome) int { return strings.Count("\n"+o.stdout, "\n*deleting ") }
			return limited && s.one.code == s.other.code && deleted(s.one) == deleted(s.other)
		},
	},
	{
		name: "A destination reached by a symbolic link of another user",
		what: regexp.MustCompile(`.`),
		when: func(s *syncTrial, _ string) bool {
			return s.one.code != s.other.code && strings.Contains(s.one.stderr, "refusing to follow a symlink owned by an untrusted user")
		},
	},
	{
		name: "Backups outside of the destination, in place",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^"bak/.*": (mode|mtime|user|group|xattr .*): a `),
		when: func(s *syncTrial, _ string) bool {
			return regexp.MustCompile(`stat "\{root\}/dst.*/\.\./bak/.*" failed: Invalid argument \(22\)`).MatchString(s.one.stderr)
		},
	},
	{
		name: "Names of one file of the destination, written in place",
		what: regexp.MustCompile(`^-i of [ab] only: >f|^"dst.*": (size|content|mtime): `),
		when: func(s *syncTrial, found string) bool {
			return s.c.has(func(word string) bool { return slices.Contains(inPlace, word) }) && s.linked(found)
		},
	},
}

// inPlace are the options with which existing files are written into.
var inPlace = []string{"--inplace", "--append", "--append-verify", "--write-devices"}

// linked tells whether the name that a difference is about had other names at the
// destination before.
func (s *syncTrial) linked(found string) bool {
	for name, e := range s.old.Entries {
		if e.Nlink > 1 && e.Mode&typeMask == typeRegular && strings.HasPrefix(name, "dst/") &&
			(strings.HasPrefix(found, strconv.Quote(name)+": ") || strings.HasSuffix(found, " "+itemName(filepath.Base(name))) || strings.HasSuffix(found, "/"+itemName(filepath.Base(name)))) {
			return true
		}
	}
	return false
}

// itemName is how -i prints a name.
func itemName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < ' ' && c != '\t' || strings.HasPrefix(name[i:], `\#`) {
			fmt.Fprintf(&b, `\#%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// has tells whether one of the words of the options is such.
func (c *syncCase) has(such func(word string) bool) bool {
	return slices.ContainsFunc(c.flags, func(flag []string) bool { return slices.ContainsFunc(flag, such) })
}

// TestSyncIntendedDocumented finds each intended difference in the document.
func TestSyncIntendedDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "sync-differences.md"))
	must(t, err)
	for _, d := range syncIntended {
		if !strings.Contains(string(text), "| "+d.name+" |") {
			t.Errorf("docs/sync-differences.md has no line for %q", d.name)
		}
	}
}
