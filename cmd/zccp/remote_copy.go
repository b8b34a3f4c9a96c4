package main

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// copyMapping is one row of the table by which copy mode's options become those
// of sync mode, which is what goes over a network.
type copyMapping struct {
	options string // of cp or of zccp, in the form of the table of options; several are separated by blanks
	given   func(c *copyConfig) bool
	words   string // of sync mode, separated by blanks; a %s stands for value
	value   func(c *copyConfig) string
	refused string // why it can't be had
	differs string // where the result is not that of a copy on one machine
}

// copyMappings returns the table. What cp does without being asked has rows
// without options.
func copyMappings() []copyMapping {
	is := func(f func(c *copyConfig) bool) func(c *copyConfig) bool { return f }
	always := is(func(*copyConfig) bool { return true })
	return []copyMapping{
		{given: is(func(c *copyConfig) bool { return c.Update != updateOlder }), words: "--ignore-times"},
		{given: always, words: "--whole-file",
			differs: "what stands at the destination is replaced by a new file; a symbolic link that stands there is replaced, not followed"},
		{options: "archive", given: func(*copyConfig) bool { return false }}, // -dR --preserve=all
		{options: "recursive", given: is(func(c *copyConfig) bool { return c.Recursive }), words: "--recursive --devices --specials"},
		{options: "one-file-system", given: is(func(c *copyConfig) bool { return c.OneFileSystem }), words: "--one-file-system"},
		{options: "no-dereference d", given: is(func(c *copyConfig) bool { return c.Dereference == dereferenceNever }), words: "--links"},
		{options: "dereference", given: is(func(c *copyConfig) bool { return c.Dereference == dereferenceAlways }), words: "--copy-links"},
		{options: "H", given: is(func(c *copyConfig) bool { return c.Dereference == dereferenceCommandLine }),
			refused: "links are followed everywhere (-L) or nowhere (-P)"},
		{options: "link", given: is(func(c *copyConfig) bool { return c.HardLink }), refused: "a link does not lead to another machine"},
		{options: "symbolic-link", given: is(func(c *copyConfig) bool { return c.SymbolicLink }), refused: "a link does not lead to another machine"},
		{options: "attributes-only", given: is(func(c *copyConfig) bool { return c.AttributesOnly }), refused: "data and attributes travel together"},
		{options: "copy-contents", given: is(func(c *copyConfig) bool { return c.Recursive && c.CopyContents }),
			refused: "devices and FIFOs are not read for another machine"},
		{options: "parents path", given: is(func(c *copyConfig) bool { return c.Parents }), words: "--relative"},
		{options: "strip-trailing-slashes", given: always,
			differs: "slashes at the end of SOURCE are always taken off, so that a symbolic link to a directory stays one with -P"},
		{options: "target-directory no-target-directory", given: always}, // copyRoute
		{options: "force remove-destination", given: always},             // every file is a new one
		{options: "interactive", given: is(func(c *copyConfig) bool { return c.Interactive }), refused: "the other machine can't ask"},
		{options: "no-clobber", given: is(func(c *copyConfig) bool { return c.Update == updateNone }), words: "--ignore-existing"},
		{options: "update", given: is(func(c *copyConfig) bool { return c.Update == updateOlder }), words: "--update",
			differs: "a file of the same age is replaced if its size differs"},
		{options: "update", given: is(func(c *copyConfig) bool { return c.Update == updateNoneFail }), refused: "--update=none-fail is for one machine"},
		{options: "keep-directory-symlink", given: is(func(c *copyConfig) bool { return c.KeepDirectorySymlink }), words: "--keep-dirlinks"},
		{options: "backup b", given: is(func(c *copyConfig) bool { return c.Backup == backupSimple || c.Backup == backupExisting }),
			words: "--backup --suffix=%s", value: func(c *copyConfig) string { return c.Suffix },
			differs: "backups are simple ones, also where numbered ones stand already; times of directories are not kept with them"},
		{options: "backup", given: is(func(c *copyConfig) bool { return c.Backup == backupNumbered }), refused: "backups on another machine are not numbered"},
		{options: "suffix", given: always}, // the row of backup

		{options: "preserve p no-preserve", given: is(func(c *copyConfig) bool { return c.Preserve.Mode }), words: "--perms --acls"},
		{options: "no-preserve", given: is(func(c *copyConfig) bool { return c.NoPreserveMode }), words: "--chmod=D0777,F0666"},
		{options: "preserve", given: is(func(c *copyConfig) bool { return c.Preserve.Ownership }), words: "--owner --group",
			differs: "owners and groups are those of the same name on the other machine, or of the same number where there is none; without privileges the owner is the user"},
		{options: "preserve", given: is(func(c *copyConfig) bool { return c.Preserve.Timestamps }), words: "--times --atimes --open-noatime"},
		{options: "preserve", given: is(func(c *copyConfig) bool { return c.Preserve.Links }), words: "--hard-links"},
		{options: "preserve", given: is(func(c *copyConfig) bool { return c.Preserve.Xattr }), words: "--xattrs",
			differs: "attributes that can't be kept are a failure with -a, too"},
		{options: "context Z", given: is(func(c *copyConfig) bool { return c.RequireContext }), refused: "SELinux contexts are not carried to another machine"},

		{options: "reflink", given: is(func(c *copyConfig) bool { return c.Reflink == reflinkAlways }), refused: "data are shared within one file system only"},
		{options: "preserve-sharing", given: is(func(c *copyConfig) bool { return c.Sharing == copier.AlwaysSharing }),
			refused: "which files share data is not carried to another machine"},
		{options: "sparse", given: is(func(c *copyConfig) bool { return c.Sparse == sparseAlways }), words: "--sparse"},
		{options: "sparse", given: is(func(c *copyConfig) bool { return c.Sparse == sparseNever }), refused: "holes stay holes between machines"},
		{options: "jobs", given: is(func(c *copyConfig) bool { return c.Jobs > 0 }), words: "--jobs=%s",
			value: func(c *copyConfig) string { return strconv.Itoa(c.Jobs) }, differs: "the other machine has a bound of its own"},
		{options: "dry-run", given: is(func(c *copyConfig) bool { return c.DryRun }), words: "--dry-run"},
		{options: "verify", given: is(func(c *copyConfig) bool { return c.Verify == verifyXXH3 }), words: "--verify=xxh3"},
		{options: "verify", given: is(func(c *copyConfig) bool { return c.Verify == verifyBLAKE3 }), words: "--verify=blake3"},
		{options: "fsync", given: is(func(c *copyConfig) bool { return c.Fsync != fsyncNone }), words: "--fsync",
			differs: "every HOW is the same: each file is flushed with its attributes before it has its name"},
		{options: "inplace", given: is(func(c *copyConfig) bool { return c.Inplace }), words: "--inplace"},
		{options: "atomic", given: is(func(c *copyConfig) bool { return c.AtomicTree }), refused: "files appear one by one"},
		{options: "method", given: is(func(c *copyConfig) bool { return c.Methods != nil }), refused: "data do not stay on one machine"},
		{options: "cache", given: is(func(c *copyConfig) bool { return c.Cache != copier.CacheAuto }), refused: "data do not stay on one machine"},
		{options: "bwlimit", given: is(func(c *copyConfig) bool { return c.BandwidthLimit > 0 }), words: "--bwlimit=%s",
			value: func(c *copyConfig) string { return strconv.FormatInt(c.BandwidthLimit, 10) + "b" }},
		{options: "compress", given: is(func(c *copyConfig) bool { return c.Remote.Compress }), words: "--compress"},
		{options: "debug", given: is(func(c *copyConfig) bool { return c.Debug }), refused: "cp's words are for calls of one machine; --explain says how data went"},
		{options: "verbose explain stats json progress stats-interval quiet fail-fast help version", given: always}, // of the report
		{options: "remote ssh remote-zccp data-ports security ktls streams key contimeout timeout", given: always},
	}
}

// copySettings turns a command line of copy mode into settings of sync mode, and
// refuses what can't be had.
func copySettings(c *copyConfig) ([]setting, error) {
	table := syncTable()
	var settings []setting
	for _, m := range copyMappings() {
		switch {
		case !m.given(c):
			continue
		case m.refused != "":
			name, _, _ := strings.Cut(m.options, " ")
			return nil, usagef("%s is not supported between machines: %s", spelling(name), m.refused)
		}
		for word := range strings.FieldsSeq(m.words) {
			if before, ok := strings.CutSuffix(word, "%s"); ok {
				word = before + m.value(c)
			}
			s, ok := parseWord(table, word)
			if !ok {
				panic("the mapping of " + m.options + " has the unknown word " + word)
			}
			settings = append(settings, s)
		}
	}
	return settings, nil
}

// copyJob returns the configuration of sync mode that carries out a copy.
func copyJob(e *env, c *copyConfig) (*syncConfig, error) {
	settings, err := copySettings(c)
	if err != nil {
		return nil, err
	}
	f := newSyncFolder(e)
	f.remote, f.receives = true, !c.Route.Push
	for _, s := range settings {
		if err := f.fold(s); err != nil {
			return nil, err
		}
	}
	f.cfg.Route, f.cfg.Remote = c.Route, c.Remote
	m := &f.cfg.Mirror
	if err := f.resolveJob(); err != nil {
		return nil, err
	}
	if c.Jobs > 0 {
		m.Jobs = c.Jobs
	}
	f.cfg.Bandwidth, f.cfg.FailFast = c.BandwidthLimit, c.FailFast
	m.Itemize = c.Verbose || c.Explain || c.JSON || c.DryRun
	f.cfg.Words = f.jobWords(c.Route.Push)
	return &f.cfg, nil
}

// copyEnds is where a copy goes from and to, in the words of sync mode.
type copyEnds struct {
	Sources  []string
	Dest     string
	NameDirs bool
	ToFile   bool // the destination must not be a directory
}

// copyRoute applies cp's rule for DEST to what stands on this machine. What
// stands on the other one is that one's to look at.
func copyRoute(c *copyConfig, place *remotePlace) (ends copyEnds, err error) {
	names := c.Sources
	if !c.Route.Push {
		names = nil
		for _, p := range c.Route.Places {
			names = append(names, p.Path)
		}
	}
	for _, name := range names {
		name = strippedSlashes(name)
		if c.Parents {
			// To rsync /./ means what it does not to cp.
			for strings.Contains(name, "/./") {
				name = strings.ReplaceAll(name, "/./", "/")
			}
		}
		ends.Sources = append(ends.Sources, name)
	}
	ends.Dest = c.Dest
	if c.Route.Push {
		ends.Dest = place.Path
	}
	many := len(ends.Sources) > 1 || c.DestRule == destDirectory || c.Parents
	switch {
	case many && c.Route.Push:
		ends.NameDirs = true
		ends.Dest = strings.TrimRight(ends.Dest, "/") + "/."
	case many:
		if st, err := os.Stat(ends.Dest); err != nil || !st.IsDir() {
			if err == nil {
				return ends, refusef("", "target %s: Not a directory", apply.Quote(ends.Dest))
			}
			return ends, refusef("", "target %s: %s", apply.Quote(ends.Dest), reason(err))
		}
	case c.DestRule == destFile:
		err = ends.exact(c)
	case c.Route.Push && strings.HasSuffix(ends.Dest, "/") && !isDirectory(ends.Sources[0]):
		// Only a directory can be what a name with a slash is to become.
		ends.NameDirs = true
		ends.Dest = strings.TrimRight(ends.Dest, "/") + "/."
	default:
		// A slash would make the directory first, and copy into it.
		ends.NameDirs, ends.Dest = true, strippedSlashes(ends.Dest)
	}
	return ends, err
}

// exact is -T: DEST is what SOURCE is to be called.
func (ends *copyEnds) exact(c *copyConfig) error {
	ends.Dest = strippedSlashes(ends.Dest)
	if c.Route.Push {
		st, err := os.Lstat(ends.Sources[0])
		if err == nil && c.Dereference != dereferenceNever {
			st, err = os.Stat(ends.Sources[0])
		}
		if err == nil && st.IsDir() {
			ends.Sources[0] += "/"
			return nil
		}
		ends.NameDirs, ends.ToFile = true, true
		return nil
	}
	// Whether the source is a directory is not known here: it has to be one if
	// the destination is.
	if st, err := os.Stat(ends.Dest); err == nil && st.IsDir() {
		ends.Sources[0] += "/."
		return nil
	}
	ends.NameDirs = true
	return nil
}

// strippedSlashes takes the slashes off the end of a path.
func strippedSlashes(name string) string {
	if t := strings.TrimRight(name, "/"); t != "" || name == "" {
		return t
	}
	return "/"
}

// sourceOf returns the source of an entry that a copy reports by its name below
// the destination, and what it is called there.
func (ends *copyEnds) sourceOf(name string, relative bool) (src string) {
	if relative {
		return name
	}
	if len(ends.Sources) == 1 && endsInDirectory(ends.Sources[0]) {
		return path.Join(ends.Sources[0], name)
	}
	first, rest, below := strings.Cut(name, "/")
	for _, s := range ends.Sources {
		if path.Base(s) == first || len(ends.Sources) == 1 {
			if below {
				return s + "/" + rest
			}
			return s
		}
	}
	return name
}

// endsInDirectory reports whether a source names what is in a directory.
func endsInDirectory(s string) bool {
	return strings.HasSuffix(s, "/") || s == "." || s == ".." || strings.HasSuffix(s, "/.") || strings.HasSuffix(s, "/..")
}
