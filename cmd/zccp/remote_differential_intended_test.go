//go:build linux

package main_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zccp/zccp/copier/copiertest"
)

// holds tells whether there was such an entry before.
func (s *syncTrial) holds(such func(name string, e copiertest.Entry) bool) bool {
	for name, e := range s.old.Entries {
		if such(name, e) {
			return true
		}
	}
	return false
}

// daemon tells whether a case is one in which a daemon receives, or with pull sends.
func (s *syncTrial) daemon(pulls bool) bool {
	way, pull := remoteTurn(s.number)
	return way != "ssh" && pull == pulls
}

// untimed returns the lines of -i without what they say of times of directories that were
// there, and without those that then say nothing.
func untimed(stdout string) string {
	var list []string
	for line := range strings.SplitSeq(itemized(stdout), "\n") {
		switch {
		case strings.HasPrefix(line, "<"):
			line = ">" + line[1:]
		case strings.HasPrefix(line, ".d"):
			letters := strings.NewReplacer("t", ".", " ", ".").Replace(line[2:11])
			if strings.Trim(letters, ".") == "" {
				continue
			}
			line = line[:2] + letters + line[11:]
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// stood tells whether what only the far run has was there before, or is a backup:
// nothing else is meant to come.
func (s *syncTrial) stood(found string) bool {
	quoted, _, more := strings.Cut(found, ": name: a nothing, b ")
	return !more || regexp.MustCompile(`(\.old|~|\.bak|\.x)"$`).MatchString(quoted) ||
		s.holds(func(name string, _ copiertest.Entry) bool { return strconv.Quote(name) == quoted })
}

// refusal matches every difference of a run that the far end, or the command line, refused.
func refusal(name string, code int, text string) syncDifference {
	return syncDifference{name: name, what: regexp.MustCompile(`.`), when: func(s *syncTrial, _ string) bool {
		return s.other.code == code && strings.Contains(s.other.stderr, text)
	}}
}

// remoteIntended returns the differences from a run on one machine that are meant.
func remoteIntended() []syncDifference {
	list := []syncDifference{
		{
			// Only on one machine can it be known.
			name: "A destination that is part of a source",
			what: regexp.MustCompile(`.`),
			when: func(s *syncTrial, _ string) bool {
				return strings.Contains(s.one.stderr, "into itself: it is the destination")
			},
		},
		refusal("Listing what is here", 1, "--list-only lists sources, and those are on this machine"),
		refusal("Devices that are opened, at a daemon", 43, "opens devices, which is not allowed here"),
		{
			name: "Paths that lead out of what a daemon offers",
			what: regexp.MustCompile(`.`),
			when: func(s *syncTrial, _ string) bool {
				_, pull := remoteTurn(s.number)
				link := s.holds(func(name string, e copiertest.Entry) bool { return e.Target != "" })
				above := s.c.has(func(word string) bool { return strings.HasPrefix(word, "--") && strings.Contains(word, "=../../") })
				return s.daemon(pull) && s.other.code == 43 && strings.Contains(s.other.stderr, "leads out of the root") && (link || above)
			},
		},
		{
			// A run on one machine is that of a sender. What is stored is another link than the
			// one that stood there, or in an alternate, even if both came from the same.
			name: "Links that a receiver munges",
			what: regexp.MustCompile(`^exit code: a 23, b 0$|: target: | -> |": (size|mtime|user|group|hard link to): |: name: a nothing, b symbolic link$|^"bak.*: name: a nothing, b directory$`),
			when: func(s *syncTrial, _ string) bool {
				_, pull := remoteTurn(s.number)
				return pull && s.c.has(func(word string) bool { return word == "--munge-links" }) &&
					s.holds(func(name string, e copiertest.Entry) bool { return e.Target != "" && strings.HasPrefix(name, "src") })
			},
		},
		{
			name: "Devices at a daemon",
			what: regexp.MustCompile(`^exit code: a 23, b 0$|^-i of [ab] only: ([ch]D|\.[dD]|\*del)|: name: (a (block|character) special file, b nothing|a nothing, b )|": (type|mtime|mode|user|group|rdev|xattr .*): `),
			when: func(s *syncTrial, found string) bool {
				stood := found[0] != 'e' || strings.Contains(s.one.stderr+s.one.stdout, "could not make way for new device file")
				quiet := s.c.has(func(word string) bool { return word == "-q" })
				return s.daemon(false) && stood && (quiet || strings.Contains(s.other.stdout, "skipping non-regular file"))
			},
		},
		{
			// On one machine it is not looked at.
			name: "What can't be read below what --existing does not make",
			what: regexp.MustCompile(`^exit code: a 0, b 23$`),
			when: func(s *syncTrial, _ string) bool {
				existing := s.c.has(func(word string) bool { return word == "--existing" || word == "--ignore-non-existing" })
				return existing && regexp.MustCompile(`zccp: (cannot open directory .*: Permission denied|symlink has no referent)`).MatchString(s.other.stderr)
			},
		},
		{
			// They are made when everything was transferred, and compared before.
			name: "Times of directories that --delete-before changes",
			what: regexp.MustCompile(`^-i of [ab] only: \.d`),
			when: func(s *syncTrial, _ string) bool {
				before := s.c.has(func(word string) bool { return word == "--delete-before" })
				return before && strings.Contains(s.other.stdout, "*deleting") && untimed(s.one.stdout) == untimed(s.other.stdout)
			},
		},
		{
			// The far end has workers of its own. A dry run tells of the first only; what is
			// not preserved is that of the old file of its name.
			name: "Which name of a file comes first",
			what: regexp.MustCompile(`^-i of [ab] only: [.>c][fLSD]|": (mode|user|group|size|content|xattr .*): |^"dst/.*(\.old|~|\.bak)": name: `),
			when: func(s *syncTrial, found string) bool {
				first := strings.Contains(s.one.stdout+s.other.stdout, " => ") || s.c.has(func(word string) bool { return word == "-n" })
				backup := regexp.MustCompile(`(\.old|~|\.bak)": `).ReplaceAllString(found, `": `)
				return first && (s.linkedAnywhere(found) || s.linkedAnywhere(backup))
			},
		},
		{
			// They lead out of what it offers.
			name: "Links that names go through, at a daemon",
			what: regexp.MustCompile(`^exit code: a 0, b 23$|^-i of [ab] only: |^"dst.*": (name|type): a |": mtime: `),
			when: func(s *syncTrial, _ string) bool {
				_, pull := remoteTurn(s.number)
				paths := s.c.has(func(word string) bool { return word == "--files-from=list" || word == "-R" })
				return pull && s.daemon(true) && paths && s.holds(func(name string, e copiertest.Entry) bool {
					return strings.HasPrefix(name, "src/") && (strings.HasPrefix(e.Target, "{root}") || strings.Contains(e.Target, ".."))
				})
			},
		},
		{
			// It is not entered twice; what is told of it is from before or after it changed.
			name: "The destination, seen through a link of the source",
			what: regexp.MustCompile(`^"dst/([^"]*/)?dst": mtime: `),
			when: func(s *syncTrial, _ string) bool {
				return s.holds(func(name string, e copiertest.Entry) bool {
					return strings.HasPrefix(name, "src/") && strings.Contains(e.Target, "..")
				})
			},
		},
		{
			// See docs/remote.md: they are looked for from the top of the transfer on.
			name: "Files of rules above what is transferred, at a daemon",
			what: regexp.MustCompile(`^-i of [ab] only: |^"dst.*": (name|mtime): `),
			when: func(s *syncTrial, _ string) bool {
				_, pull := remoteTurn(s.number)
				return s.daemon(pull) && s.c.has(func(word string) bool { return strings.HasPrefix(word, "-F") || strings.Contains(word, "=:") })
			},
		},
		{
			// What is written through it is, or is not yet, there when it is read.
			name: "The source, reached through a link of the destination",
			what: regexp.MustCompile(`^-i of [ab] only: |^"dst.*": (name|mode|mtime): `),
			when: func(s *syncTrial, _ string) bool {
				return s.c.has(func(word string) bool { return word == "-K" }) && s.holds(func(name string, e copiertest.Entry) bool {
					return strings.HasPrefix(name, "dst/") && e.Target != ""
				})
			},
		},
		{
			name: "Removing what another operand still needs",
			what: regexp.MustCompile(`^-i of [ab] only: >f|": (name|mtime): `),
			when: func(s *syncTrial, _ string) bool {
				return len(s.c.sources) > 1 && s.c.has(func(word string) bool { return word == "--remove-source-files" })
			},
		},
		{
			// Between two machines the whole file is written, in place.
			name: "What stands in a file that is appended to",
			what: regexp.MustCompile(`^"dst.*": content: `),
			when: func(s *syncTrial, _ string) bool {
				return s.c.has(func(word string) bool { return word == "--append" })
			},
		},
		{
			// At a daemon .. is taken away by its text alone.
			name: "Alternates from a destination that a dry run does not make",
			what: regexp.MustCompile(`^-i of [ab] only: `),
			when: func(s *syncTrial, _ string) bool {
				return strings.Contains(s.one.stdout, "-dest arg does not exist") && s.daemon(false) && s.c.has(func(word string) bool { return word == "-n" })
			},
		},
		{
			// What can't be read is noticed when it is sent, which may be after the deletions.
			name: "Deletions beside files that can't be read",
			what: regexp.MustCompile(`^-i of [ab] only: (\*deleting|\.d)|: name: |": mtime: `),
			when: func(s *syncTrial, _ string) bool {
				early := s.c.has(func(word string) bool { return word == "--delete-before" }) && strings.Contains(s.other.stdout+s.other.stderr, "skipping file deletion")
				return s.one.code == 23 && s.other.code == 23 && (early || strings.Contains(s.other.stderr, "cannot open"))
			},
		},
	}
	for i, d := range list {
		if d.what.String() != "." && d.name != "Links that a receiver munges" {
			list[i].when = func(s *syncTrial, found string) bool { return s.stood(found) && d.when(s, found) }
		}
	}
	for _, d := range syncIntended {
		switch d.name {
		case "Which names are left by --max-delete", "Names of one file of the destination, in -i without -H", "Which name of a file is copied and which are linked to it",
			"Names of one file of the destination, written in place", "Backups that have the name of another file",
			"Times of what --copy-devices copies", "Attributes of directories of backups":
			list = append(list, d)
		}
	}
	return list
}
