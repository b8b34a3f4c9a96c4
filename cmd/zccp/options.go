package main

import "github.com/urfave/cli/v2"

// Groups of options, in the order of the help text.
const (
	categorySource   = "What is copied"
	categoryExisting = "Where to, and what stands there already"
	categoryKeep     = "What is kept of a file besides its data"
	categoryData     = "How data is stored"
	categoryOutput   = "Output"
	categoryExtra    = "Options that cp does not have"
	categoryRemote   = "Between machines: SOURCE or DEST is [USER@]HOST:PATH or zccp://HOST[:PORT]/EXPORT/PATH"
)

// optionalFlag is a flag whose value may be left out: --name or --name=VALUE,
// never --name VALUE. Its short form takes no value.
type optionalFlag struct{ cli.StringFlag }

// copyFlags declares the options of copy mode: their names, the name of their
// value (between backquotes, the convention of cli) and what they do. The
// normaliser's table and the help text are made from it; foldSetting gives
// each one its meaning.
//
// Each call returns new values, since a flag of cli keeps state.
func copyFlags() []cli.Flag {
	flag := func(category, usage, name string, aliases ...string) cli.Flag {
		return &cli.BoolFlag{Name: name, Aliases: aliases, Usage: usage, Category: category}
	}
	value := func(category, usage, name string, aliases ...string) cli.Flag {
		return &cli.StringFlag{Name: name, Aliases: aliases, Usage: usage, Category: category}
	}
	optional := func(category, usage, name string, aliases ...string) cli.Flag {
		return &optionalFlag{cli.StringFlag{Name: name, Aliases: aliases, Usage: usage, Category: category}}
	}
	return append([]cli.Flag{
		flag(categorySource, "same as -dR --preserve=all --preserve-sharing=auto", "archive", "a"),
		flag(categorySource, "copy directories with all that is in them", "recursive", "R", "r"),
		flag(categorySource, "stay on the file system of each SOURCE", "one-file-system", "x"),
		flag(categorySource, "never follow symbolic links in SOURCE", "no-dereference", "P"),
		flag(categorySource, "always follow symbolic links in SOURCE", "dereference", "L"),
		flag(categorySource, "follow symbolic links given as SOURCE, not those below", "H"),
		flag(categorySource, "same as --no-dereference --preserve=links", "d"),
		flag(categorySource, "make hard links instead of copies", "link", "l"),
		flag(categorySource, "make symbolic links instead of copies", "symbolic-link", "s"),
		flag(categorySource, "don't copy data, only the attributes", "attributes-only"),
		flag(categorySource, "read devices and FIFOs as files when recursive", "copy-contents"),
		flag(categorySource, "use the whole name of SOURCE under DIRECTORY", "parents"),
		flag(categorySource, "remove trailing slashes from each SOURCE", "strip-trailing-slashes"),

		value(categoryExisting, "copy every SOURCE into `DIRECTORY`", "target-directory", "t"),
		flag(categoryExisting, "treat DEST as a file, even if it is a directory", "no-target-directory", "T"),
		flag(categoryExisting, "if DEST can't be opened for writing, remove it and try again; no effect with -n", "force", "f"),
		flag(categoryExisting, "ask before overwriting; overrides an earlier -n", "interactive", "i"),
		flag(categoryExisting, "never overwrite, and say nothing; overrides an earlier -i", "no-clobber", "n"),
		optional(categoryExisting, "which existing files to replace, `WHEN` is all, none (skip), none-fail (skip and fail) "+
			"or older (when the source is newer); -u is --update=older", "update", "u"),
		flag(categoryExisting, "remove an existing DEST before writing", "remove-destination"),
		flag(categoryExisting, "follow an existing symbolic link to a directory in DEST", "keep-directory-symlink"),
		optional(categoryExisting, "back up what is replaced, `CONTROL` is none or off, numbered or t, existing or nil, "+
			"simple or never; default: $VERSION_CONTROL, or existing", "backup"),
		flag(categoryExisting, "like --backup, but takes no argument", "b"),
		value(categoryExisting, "end names of simple backups in `SUFFIX`, and back up; default: $SIMPLE_BACKUP_SUFFIX, or ~", "suffix", "S"),

		flag(categoryKeep, "same as --preserve=mode,ownership,timestamps", "p"),
		optional(categoryKeep, "keep attributes, `LIST` is any of mode (ACLs too), ownership, timestamps, links, "+
			"context, xattr, all; default: mode,ownership,timestamps", "preserve"),
		value(categoryKeep, "don't keep the attributes in `LIST`", "no-preserve"),
		flag(categoryKeep, "give the default SELinux context of DEST", "Z"),
		optional(categoryKeep, "like -Z, or give the SELinux context `CTX`", "context"),

		optional(categoryData, "share data with the source until either is changed, `WHEN` is auto (the default), always "+
			"(or fail; the same as no WHEN) or never", "reflink"),
		value(categoryData, "holes, `WHEN` is auto (keep those of the source, the default), always (also where it "+
			"holds zeros) or never", "sparse"),

		flag(categoryOutput, "say what is done", "verbose", "v"),
		flag(categoryOutput, "say how each file is copied, in the words of cp; implies -v", "debug"),
		flag(categoryOutput, "print this help and exit", "help"),
		flag(categoryOutput, "print the version and exit", "version", "V"),

		value(categoryExtra, "use up to `N` workers; 1 copies in a fixed order", "jobs", "j"),
		optional(categoryExtra, "report progress on stderr, `WHEN` is auto (a bar if that is a terminal, the default), bar "+
			"(plain lines where no bar can be drawn; the same as no WHEN), plain (a line every 10 seconds), json (a status "+
			"line every second, implies --json) or none", "progress", "g"),
		value(categoryExtra, "print lines of progress every `SECONDS`, 0.1 at least", "stats-interval"),
		flag(categoryExtra, "say nothing but errors; overrides an earlier -v or --progress", "quiet", "q"),
		flag(categoryExtra, "stop at the first failure", "fail-fast"),
		flag(categoryExtra, "say how each file is copied and why so", "explain"),
		flag(categoryExtra, "print long totals at the end", "stats"),
		flag(categoryExtra, "report as JSON lines on stdout, see docs/json.md", "json"),
		flag(categoryExtra, "print what would be done and do nothing", "dry-run"),
		optional(categoryExtra, "read back what was stored and compare, `HASH` is xxh3 (the default) or blake3", "verify"),
		optional(categoryExtra, "make the copy durable before exit, `HOW` is none, data (the bytes), full (metadata and "+
			"names too; the same as no HOW) or batch (like full, once at the end)", "fsync"),
		flag(categoryExtra, "write into existing files instead of replacing them whole", "inplace"),
		value(categoryExtra, "publish `UNIT` as a whole; UNIT is tree: DEST appears complete or not at all", "atomic"),
		value(categoryExtra, "move bytes by `LIST` only: methods in order of preference, of readwrite, mmap, sendfile, "+
			"splice, copy_file_range, reflink, direct, dontcache; or auto (the default), see docs/methods.md", "method"),
		optional(categoryExtra, "files that share data in SOURCE share it in DEST, if another file system, `WHEN` is auto (as long as "+
			"some do), always (the same as no WHEN) or never", "preserve-sharing"),
		value(categoryExtra, "what the copy leaves in memory, `HOW` is auto (nothing of what is huge and was not there, "+
			"the default), keep or drop (nothing)", "cache"),
		value(categoryExtra, "move at most `RATE` KiB a second, or with a unit: 500K, 10M, 1.5G; KB is 1000", "bwlimit"),

		// Without a value it is cp's old name of --parents.
		optional(categoryRemote, "how data go, `WAY` is auto (direct TCP where it connects, else through ssh), direct or ssh; "+
			"without WAY the same as --parents, as in cp", "path"),
	}, remoteFlags()...)
}
