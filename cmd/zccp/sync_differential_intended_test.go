//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
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
		what: regexp.MustCompile(`^-i of [ab] only: \*deleting|^"(dst|bak)([^"\\]|\\.)*": (name: a nothing|name: a .*, b nothing|mtime: )`),
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
		name: "Backups of what is written in place",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^"(bak/.*|.*(~|\.bak|\.old))": (mode|mtime|user|group|xattr .*): a `),
		when: func(s *syncTrial, found string) bool {
			outside := regexp.MustCompile(`stat "\{root\}/dst.*/\.\./bak/.*" failed: Invalid argument \(22\)`).MatchString(s.one.stderr)
			written := s.c.has(func(word string) bool { return slices.Contains(inPlace, word) })
			return written && s.c.has(func(word string) bool { return word == "-b" || word == "--backup" }) && (outside || found[0] == '"')
		},
	},
	{
		name: "Names of one file of the destination, in -i without -H",
		what: regexp.MustCompile(`^-i of [ab] only: \.[fLDS]`),
		when: func(s *syncTrial, found string) bool {
			return s.about(found, func(e copiertest.Entry) bool { return e.Nlink > 1 }) && !strings.Contains(s.one.stdout, " => ")
		},
	},
	{
		name: "A backup directory inside of the destination",
		what: regexp.MustCompile(`^-i of [ab] only: \*deleting   ([^/]*/)?bak/|^"dst/([^/]*/)?bak(/.*)?": `),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return word == "--backup-dir=bak" }) && s.c.has(func(word string) bool { return strings.HasPrefix(word, "--del") })
		},
	},
	{
		name: "Extended attributes of what its owner can't open",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of b only: \.|": xattr `),
		when: func(s *syncTrial, _ string) bool {
			return regexp.MustCompile(`lgetxattr\(.*failed: Permission denied`).MatchString(s.one.stderr)
		},
	},
	{
		name: "Names of one file of the destination, written in place",
		what: regexp.MustCompile(`^-i of [ab] only: >f|^"dst.*": (size|content|mtime): `),
		when: func(s *syncTrial, found string) bool {
			return s.c.has(func(word string) bool { return slices.Contains(inPlace, word) }) && s.linked(found)
		},
	},
	{
		name: "Owners and modes of files with set-ID bits in -i",
		what: regexp.MustCompile(`^-i of [ab] only: \.[fSD]`),
		when: func(s *syncTrial, found string) bool {
			return s.about(found, func(e copiertest.Entry) bool { return e.Mode&(syscall.S_ISUID|syscall.S_ISGID) != 0 }) &&
				settled(s.one.stdout) == settled(s.other.stdout)
		},
	},
	{
		name: "Which name of a file is copied and which are linked to it",
		what: regexp.MustCompile(`^-i of [ab] only: [.>ch][fLSD]|": (mtime|hard link to): |^"bak|^"dst/.*(\.old|~|\.bak)": name: `),
		when: func(s *syncTrial, found string) bool {
			return strings.Contains(s.one.stdout+s.other.stdout, " => ") && (s.linkedAnywhere(found) || strings.HasPrefix(found, `"bak`))
		},
	},
	{
		name: "Lines of files that fail",
		what: regexp.MustCompile(`^-i of a only: (>f|c[dLDS])`),
		when: func(s *syncTrial, found string) bool {
			_, name, _ := strings.Cut(found, "-i of a only: ")
			base := filepath.Base(name[12:])
			return s.one.code == 23 && s.other.code == 23 && strings.Contains(s.one.stderr, base) &&
				regexp.MustCompile(`: cannot \w+.*[/']`+regexp.QuoteMeta(base)+`'`).MatchString(s.other.stderr)
		},
	},
	{
		name: "ACLs of xfs by their inner names",
		what: regexp.MustCompile(`^-i of [ab] only: \.[fdLDS]|": (mode: |xattr "system\.posix_acl)`),
		when: func(s *syncTrial, _ string) bool {
			return fsOf(s.dir) == "xfs" && s.c.has(func(word string) bool { return regexp.MustCompile(`^-[a-zA-Z]*X`).MatchString(word) })
		},
	},
	{
		name: "ACLs with --no-perms",
		what: regexp.MustCompile(`^-i of [ab] only: \.[fdLDS]|": (mode: |mtime: |xattr "system\.posix_acl)`),
		when: func(s *syncTrial, _ string) bool {
			acls := s.c.has(func(word string) bool { return regexp.MustCompile(`^-[a-zA-Z]*A`).MatchString(word) })
			return acls && s.c.has(func(word string) bool { return word == "--no-p" || word == "--no-perms" })
		},
	},
	{
		name: "Modes of directories with -X and without -p",
		what: regexp.MustCompile(`^"dst.*": mode: `),
		when: func(s *syncTrial, _ string) bool {
			attrs := s.c.has(func(word string) bool { return regexp.MustCompile(`^-[a-zA-Z]*X`).MatchString(word) })
			return attrs && !strings.Contains(s.transcript, " -a") || attrs && s.c.has(func(word string) bool { return word == "--no-p" || word == "--no-perms" })
		},
	},
	{
		name: "The owning group in ACLs",
		what: regexp.MustCompile(`": xattr "system\.posix_acl_access"`),
		when: func(s *syncTrial, found string) bool {
			one, other, ok := strings.Cut(regexp.MustCompile(`\\x04\\x00\\x0[0-7]\\x00`).ReplaceAllString(found, ""), ", b ")
			_, one, _ = strings.Cut(one, ": a ")
			return ok && one == other
		},
	},
	{
		name: "The destination itself with --mkpath",
		what: regexp.MustCompile(`^-i of [ab] only: \S{11} \./$|^"dst(/a|/a/b)?": mtime: `),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return word == "--mkpath" })
		},
	},
	{
		name: "Space beyond what was appended",
		what: regexp.MustCompile(`": allocated: `),
		when: func(s *syncTrial, _ string) bool {
			return fsOf(s.dir) == "xfs" && s.c.has(func(word string) bool { return strings.HasPrefix(word, "--append") })
		},
	},
	{
		name: "Deletions through a symbolic link",
		what: regexp.MustCompile(`.`),
		when: func(s *syncTrial, _ string) bool {
			leaves := s.c.has(func(word string) bool { return word == "--ignore-existing" })
			return leaves && s.c.has(func(word string) bool { return strings.HasPrefix(word, "--del") }) &&
				strings.Contains(s.one.stdout, "*deleting") && !strings.Contains(s.other.stdout, "*deleting")
		},
	},
	{
		name: "Attributes of directories of backups",
		what: regexp.MustCompile(`^"(dst/)?bak(/.*)?": (mode|user|group|mtime|xattr .*): |^"(dst|\.)": mtime: `),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return strings.HasPrefix(word, "--backup-dir=") })
		},
	},
	{
		name: "Deletions where a file can't be read",
		what: regexp.MustCompile(`^-i of a only: \*deleting|^"dst.*": (name: a nothing, b |mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			return s.one.code == 23 && s.other.code == 23 && strings.Contains(s.other.stdout+s.other.stderr, "IO error encountered -- skipping file deletion")
		},
	},
	{
		name: "Directories that can't be read or entered",
		what: regexp.MustCompile(`^-i of a only: \.d|^"dst.*": (mtime|xattr .*): `),
		when: func(s *syncTrial, _ string) bool {
			return s.one.code == 23 && s.other.code == 23 && regexp.MustCompile(`zccp: cannot (access|open directory) .*: Permission denied`).MatchString(s.other.stderr)
		},
	},
	{
		name: "Modes of new files with --fuzzy",
		what: regexp.MustCompile(`": mode: a `),
		when: func(s *syncTrial, found string) bool {
			return s.c.has(func(word string) bool { return word == "--fuzzy" }) && !s.about(found, func(copiertest.Entry) bool { return true })
		},
	},
	{
		name: "Deletions before an error is met",
		what: regexp.MustCompile(`^-i of a only: \*deleting|^"dst.*": (name: a nothing, b |mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			const skipping = "IO error encountered -- skipping file deletion"
			return strings.Contains(s.one.stdout+s.one.stderr, skipping) && !strings.Contains(s.other.stdout, "*deleting")
		},
	},
	{
		name: "Appending where the basis is another file",
		what: regexp.MustCompile(`^-i of [ab] only: [.>h]f|^"dst/.*": (name|content|size|mtime|hard link to)`),
		when: func(s *syncTrial, _ string) bool {
			elsewhere := regexp.MustCompile(`^--(fuzzy$|(copy|link|compare)-dest=)`)
			return s.c.has(elsewhere.MatchString) && s.c.has(func(word string) bool { return strings.HasPrefix(word, "--append") })
		},
	},
	{
		name: "Times of modification with -U and without -t",
		what: regexp.MustCompile(`": mtime: a -\d\.`),
		when: func(s *syncTrial, _ string) bool { return s.c.compares.atime },
	},
}

// settled returns the lines of -i without what they say of owners and modes of what was
// there, and of which name of a file came first, and without those that then say nothing.
func settled(stdout string) string {
	var list []string
	for line := range strings.SplitSeq(itemized(stdout), "\n") {
		switch {
		case len(line) <= 11:
		case line[0] == '.':
			if line = line[:5] + "..." + line[8:]; strings.Trim(line[2:11], ".") == "" {
				continue
			}
		case strings.ContainsRune(">ch", rune(line[0])):
			line, _, _ = strings.Cut("="+line[1:], " => ")
			line, _, _ = strings.Cut(line, " -> ")
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// fsOf returns the type of the file system that a directory is on.
func fsOf(dir string) string { return platform.FileSystemName(dir) }

// inPlace are the options with which existing files are written into.
var inPlace = []string{"--inplace", "--append", "--append-verify", "--write-devices"}

// linked tells whether the name that a difference is about had other names at the
// destination before.
func (s *syncTrial) linked(found string) bool {
	return s.about(found, func(e copiertest.Entry) bool { return e.Nlink > 1 && e.Mode&typeMask == typeRegular })
}

// linkedAnywhere tells whether a difference is about a name of a file that has several, at
// the source or at the destination.
func (s *syncTrial) linkedAnywhere(found string) bool {
	for name, e := range s.old.Entries {
		if e.Nlink > 1 && e.Mode&typeMask != platform.ModeDir && (isAbout(found, name) ||
			// A name that comes or goes shows in the time of its directory.
			strings.HasPrefix(found, strconv.Quote(path.Dir(name))+": mtime: ")) {
			return true
		}
	}
	return false
}

// isAbout tells whether a difference is about an entry of the last name that name has: a
// line of -i, or one of the trees.
func isAbout(found, name string) bool {
	base := path.Base(name)
	if found[0] == '"' {
		quoted := strconv.Quote(base)
		return strings.HasPrefix(found, quoted+": ") || strings.Contains(found, "/"+quoted[1:]+": ")
	}
	base = itemName(base)
	found, _, _ = strings.Cut(found, " => ")
	for {
		if strings.HasSuffix(found, " "+base) || strings.HasSuffix(found, "/"+base) {
			return true
		}
		// What a symbolic link holds stands behind its name, and a name may have the arrow in it.
		at := strings.LastIndex(found, " -> ")
		if at < 0 {
			return false
		}
		found = found[:at]
	}
}

// about tells whether a difference is about a name that was at the destination before, and
// was such.
func (s *syncTrial) about(found string, such func(copiertest.Entry) bool) bool {
	for name, e := range s.old.Entries {
		if strings.HasPrefix(name, "dst/") && such(e) &&
			(strings.HasPrefix(found, strconv.Quote(name)+": ") || found[0] != '"' && isAbout(found, name)) {
			return true
		}
	}
	return false
}

// itemName is how -i prints a name.
func itemName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < ' ' && c != '\t' || c >= 0x80 || strings.HasPrefix(name[i:], `\#`) {
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
