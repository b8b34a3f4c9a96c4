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
		what: regexp.MustCompile(`^exit code: a 25, b (0|23)$|^-i of [ab] only: \*deleting|^"(dst|bak)([^"\\]|\\.)*": (name: a nothing|name: a .*, b nothing|mtime: |mode: a 0[67].., b 0[0145])`),
		when: func(s *syncTrial, _ string) bool {
			limited := s.c.has(func(word string) bool { return strings.HasPrefix(word, "--max-delete=") })
			deleted := func(o outcome) int { return strings.Count("\n"+o.stdout, "\n*deleting ") }
			// A directory that keeps a backup is no deletion, if it comes before the last one.
			full := s.one.code == 25 && s.other.code == 0 && strings.Contains(s.other.stdout+s.other.stderr, "cannot delete non-empty directory")
			full = full || s.other.code == 23 && strings.Contains(s.other.stdout+s.other.stderr, "skipping file deletion")
			return limited && (full || s.one.code == s.other.code) && deleted(s.one) == deleted(s.other)
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
		name: "Alternates that are reached through a symbolic link",
		what: regexp.MustCompile(`^-i of b only: >f|^"(dst|outside).*": `),
		when: func(s *syncTrial, _ string) bool {
			named := s.c.has(func(word string) bool { return word == "-R" || word == "--files-from=list" })
			return named && s.c.has(func(word string) bool { return regexp.MustCompile(`^--(copy|link|compare)-dest=`).MatchString(word) }) &&
				s.holds(func(name string, e copiertest.Entry) bool { return strings.HasPrefix(name, "alt") && e.Target != "" })
		},
	},
	{
		name: "Times of the directory of --temp-dir",
		what: regexp.MustCompile(`^"outside": mtime: `),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return word == "--temp-dir={root}/outside" })
		},
	},
	{
		name: "Rules in files on the way to what -R names",
		what: regexp.MustCompile(`^-i of a only: |^"dst.*": (name|mtime): `),
		when: func(s *syncTrial, _ string) bool {
			late := s.c.has(func(word string) bool { return word == "--delete-before" || word == "--delete-after" })
			files := s.c.has(func(word string) bool {
				return regexp.MustCompile(`^(-F+|-C|--filter=(:|dir-merge))`).MatchString(word)
			})
			return late && files && s.c.has(func(word string) bool { return word == "-R" })
		},
	},
	{
		name: "Backups of what -D would copy",
		what: regexp.MustCompile(`: name: a nothing, b (socket|fifo|named pipe|block special file|character special file)$`),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return word == "-b" || word == "--backup" })
		},
	},
	{
		name: "Removing what a link still leads to",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^"src.*": (name: a .*, b nothing$|mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			return s.c.has(func(word string) bool { return word == "--remove-source-files" }) && strings.Contains(s.one.stdout+s.one.stderr, "Skipping sender remove")
		},
	},
	{
		name: "Default ACLs of what is no directory",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of [ab] only: |: mode: `),
		when: func(s *syncTrial, _ string) bool {
			return regexp.MustCompile(`get_acl: sys_acl_get_file\(.*ACL_TYPE_DEFAULT\): Permission denied`).MatchString(s.one.stderr)
		},
	},
	{
		name: "Empty directories that are named twice, with -m",
		what: regexp.MustCompile(`^-i of a only: cd|^"dst.*": (name: a directory, b nothing$|mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			twice := false
			for i, src := range s.c.sources {
				twice = twice || slices.Contains(s.c.sources[:i], src)
			}
			return twice && s.c.has(func(word string) bool { return word == "-m" })
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
		what: regexp.MustCompile(`^-i of [ab] only: >f|^"dst.*": (size|content|mtime): |^"bak.*": (name: a |content: |size: )`),
		when: func(s *syncTrial, found string) bool {
			return s.c.has(func(word string) bool { return slices.Contains(inPlace, word) }) && (s.linked(found) || strings.HasPrefix(found, `"bak`))
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
			silent := s.c.has(func(word string) bool { return word == "-q" })
			backed := regexp.MustCompile(`(\.old|~|\.bak|\.x)": `).ReplaceAllString(found, `": `)
			return (silent || strings.Contains(s.one.stdout+s.other.stdout, " => ")) && (s.linkedAnywhere(found) || s.linkedAnywhere(backed) || strings.HasPrefix(found, `"bak`))
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
		what: regexp.MustCompile(`^-i of [ab] only: (\.[fdLDS]|c[dfLDS])|": (mode: |xattr "system\.posix_acl)`),
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
			one, other, ok := strings.Cut(regexp.MustCompile(`\\x04\\x00(\\x0[0-7]|\\a)\\x00`).ReplaceAllString(found, ""), ", b ")
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
			return fsOf(s.dir) == "xfs" && s.c.has(func(word string) bool { return strings.HasPrefix(word, "--append") || word == "--inplace" })
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
		what: regexp.MustCompile(`^-i of a only: \*deleting|^"dst.*": (name: a nothing, b |mtime: )|^"dst.*(~|\.bak|\.old)": name: a .*, b nothing$`),
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
		name: "What is below a file in the place of a directory",
		what: regexp.MustCompile(`^-i of a only: (>f|c[dLDS])`),
		when: func(s *syncTrial, _ string) bool {
			leaves := s.c.has(func(word string) bool { return word == "--ignore-existing" })
			return leaves && s.one.code == 23 && s.other.code == 23 && strings.Contains(s.one.stderr, "Not a directory (20)") &&
				regexp.MustCompile(`zccp: cannot access .*: Not a directory`).MatchString(s.other.stderr)
		},
	},
	{
		name: "Attributes of names of one file, in -i with -H",
		what: regexp.MustCompile(`^-i of a only: h[fLDS][. ]{8}x`),
		when: func(s *syncTrial, found string) bool { return s.linkedAnywhere(found) },
	},
	{
		name: "The destination within the source",
		what: regexp.MustCompile(`^exit code: a 0, b 23$|^-i of a only: (>f|c[dLDS]).*dst/|^"dst/([^"]*/)?dst(/[^"]*)?": (name: a .*, b nothing|mtime: )|^"dst(/[^"]*)?": mtime: `),
		when: func(s *syncTrial, found string) bool {
			refused := regexp.MustCompile(`zccp: not copying .*/dst'? into itself: it is the destination`).MatchString(s.other.stderr)
			// Without -r it is an empty directory, the attributes of which change with each file.
			return refused || strings.Contains(s.other.stdout, "/dst/\n") && strings.Contains(found, `/dst": mtime: `)
		},
	},
	{
		name: "Names of the source reached by a symbolic link of another user",
		what: regexp.MustCompile(`^-i of b only: (>f|c[dLDS])|^-i of b only: \.d|^exit code: a 23, b 0$|^"dst.*": (name: a nothing, b |type: |mtime: |size: |target: )`),
		when: func(s *syncTrial, _ string) bool {
			return regexp.MustCompile(`link_stat "\{root\}/src/.*" failed: Too many levels of symbolic links`).MatchString(s.one.stderr) &&
				strings.Contains(s.one.stderr, "refusing to follow a symlink owned by an untrusted user")
		},
	},
	{
		name: "Rules in files of one operand",
		what: regexp.MustCompile(`^-i of b only: (>f|c[dLDS])|^"dst.*": (name: a nothing, b |mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			files := regexp.MustCompile(`^(-F+|-C|--filter=(:|dir-merge))`)
			return s.c.has(files.MatchString) && (len(s.c.sources) > 1 || s.c.has(func(word string) bool { return word == "--files-from=list" }))
		},
	},
	{
		name: "Dry runs with -X and alternates",
		what: regexp.MustCompile(`^exit code: a 23, b 0$`),
		when: func(s *syncTrial, _ string) bool {
			dry := s.c.has(func(word string) bool { return word == "-n" })
			return dry && regexp.MustCompile(`gen_entry_copy_xattrs: openat\(.*\) failed: No such file`).MatchString(s.one.stderr)
		},
	},
	{
		name: "Modes of directories that their owner can't use",
		what: regexp.MustCompile(`^"dst/.*": mode: a `),
		when: func(s *syncTrial, found string) bool {
			var one, other uint32
			_, modes, _ := strings.Cut(found, ": mode: ")
			_, err := fmt.Sscanf(modes, "a %o, b %o", &one, &other)
			return err == nil && s.c.uid != 0 && one == other|0o700 && s.about(found, func(e copiertest.Entry) bool {
				return e.Mode&typeMask == platform.ModeDir && e.Mode&0o777 == other&0o777
			})
		},
	},
	{
		name: "Modes of files in the place of others, from alternates",
		what: regexp.MustCompile(`^"dst/.*": mode: a `),
		when: func(s *syncTrial, found string) bool {
			copies := s.c.has(func(word string) bool { return regexp.MustCompile(`^--(copy|link|compare)-dest=`).MatchString(word) })
			return copies && s.about(found, func(e copiertest.Entry) bool {
				return e.Mode&typeMask != platform.ModeDir && e.Mode&typeMask != typeRegular
			})
		},
	},
	{
		name: "Alternates that can't be entered",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of b only: cd`),
		when: func(s *syncTrial, found string) bool {
			none := regexp.MustCompile(`readlink_stat\("\{root\}/alt\d/.*"\) failed: Permission denied`).MatchString(s.one.stderr)
			return none || s.c.uid != 0 && strings.HasPrefix(found, "-i of b only: cd") &&
				s.c.has(func(word string) bool { return strings.HasPrefix(word, "--compare-dest=") })
		},
	},
	{
		name: "Directories that take no new names, with -X",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^"dst.*": (name: a nothing, b |mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			attrs := s.c.has(func(word string) bool { return regexp.MustCompile(`^-[a-zA-Z]*X`).MatchString(word) })
			return attrs && s.c.uid != 0 && s.one.code == 23 && regexp.MustCompile(`(mkstemp|link) ".*" .*failed: Permission denied`).MatchString(s.one.stderr)
		},
	},
	{
		name: "Deleting directories that can't be listed",
		what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of [ab] only: \*deleting|^"dst.*": (name: a |mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			return s.c.uid != 0 && s.one.code == 23 && regexp.MustCompile(`\[generator\] opendir "\{root\}/dst/.*" failed: Permission denied`).MatchString(s.one.stderr) &&
				s.c.has(func(word string) bool { return strings.HasPrefix(word, "--del") })
		},
	},
	{
		name: "Backups that have the name of another file",
		what: regexp.MustCompile(`^-i of [ab] only: ([.>]f|c[LDS])|^"dst/.*": `),
		when: func(s *syncTrial, found string) bool {
			backs := s.c.has(func(word string) bool { return word == "-b" || word == "--backup" })
			clash := false
			for name := range s.old.Entries {
				for _, suffix := range []string{"~", ".bak", ".old"} {
					base, is := strings.CutSuffix(name, suffix)
					_, both := s.old.Entries[base]
					clash = clash || is && both && (isAbout(found, name) || isAbout(found, name+suffix))
				}
			}
			return backs && clash
		},
	},
	{
		name: "Directories in the place of backups",
		what: regexp.MustCompile(`^exit code: a 0, b 23$|^-i of a only: (\*deleting|>f|c[dLDS])|^"(dst|bak).*": `),
		when: func(s *syncTrial, found string) bool {
			about := found[0] == 'e' || regexp.MustCompile(`^"[^/]*(/src)?": mtime: `).MatchString(found)
			for name, e := range s.old.Entries {
				for _, suffix := range []string{"~", ".bak", ".old"} {
					if base, is := strings.CutSuffix(name, suffix); is && e.Mode&typeMask == platform.ModeDir {
						about = about || isAbout(found, base) || strings.Contains(found, path.Base(name)+"/") || strings.Contains(found, path.Base(name)+`"`)
					}
				}
			}
			return about && s.other.code == 23 && regexp.MustCompile(`zccp: cannot (delete|copy) .*: Is a directory`).MatchString(s.other.stderr)
		},
	},
	{
		name: "Files that can't be read, with -c",
		what: regexp.MustCompile(`^exit code: a 0, b 23$|^-i of a only: [.h]f|^"dst.*": (name: a .*, b nothing|mtime: )`),
		when: func(s *syncTrial, _ string) bool {
			sums := s.c.has(func(word string) bool { return word == "-c" })
			return sums && s.c.uid != 0 && regexp.MustCompile(`zccp: cannot open .*: Permission denied`).MatchString(s.other.stderr)
		},
	},
	{
		name: "Times of directories of others",
		what: regexp.MustCompile(`^exit code: a 0, b 23$`),
		when: func(s *syncTrial, _ string) bool {
			set := regexp.MustCompile(`(?m)^zccp: (.*)$`).FindAllStringSubmatch(s.other.stderr, -1)
			own := regexp.MustCompile(`^cannot set attributes of .*: Operation not permitted$|\(code 23\)$`)
			return s.c.uid != 0 && len(set) > 1 && !slices.ContainsFunc(set, func(line []string) bool { return !own.MatchString(line[1]) })
		},
	},
	{
		name: "Times of what --copy-devices copies",
		what: regexp.MustCompile(`^"dst.*": mtime: a (\d+)\.`),
		when: func(s *syncTrial, found string) bool {
			var one, other int64
			_, times, _ := strings.Cut(found, ": mtime: ")
			_, err := fmt.Sscanf(regexp.MustCompile(`\.\d+`).ReplaceAllString(times, ""), "a %d, b %d", &one, &other)
			return err == nil && s.c.has(func(word string) bool { return word == "--copy-devices" }) && max(one, other)-min(one, other) <= 1
		},
	},
	{
		name: "What links with several names hold, in -ii",
		what: regexp.MustCompile(`^-i of [ab] only: hL {9} `),
		when: func(s *syncTrial, _ string) bool {
			bare := func(o outcome) []string {
				var names []string
				for _, line := range regexp.MustCompile(`(?m)^hL {10}.*$`).FindAllString(o.stdout, -1) {
					line, _, _ = strings.Cut(line, " -> ")
					names = append(names, line)
				}
				slices.Sort(names)
				return names
			}
			return slices.Equal(bare(s.one), bare(s.other))
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
