//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
