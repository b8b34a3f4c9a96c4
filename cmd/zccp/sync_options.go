package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// syncOption is one row of sync mode's table, from which the normaliser, the
// help text and the lists of what is accepted without effect and what is
// refused are made. syncFolder.fold gives the others their meaning.
type syncOption struct {
	group string
	names []string // the first is the canonical one; a name of one byte is a letter
	kind  argKind
	usage string   // with the value's name between backquotes
	off   []string // what turns it off, without "no-": rsync knows no others
	idle  string   // why it may be accepted and change nothing
	never string   // why it is refused
	away  string   // why it is refused if an end is on another machine
}

// Groups of options, in the order of the help text.
const (
	groupWhat     = "What is transferred"
	groupLinks    = "Symbolic links"
	groupKeep     = "What is kept of a file besides its data"
	groupUpToDate = "What counts as up to date, and what is left alone"
	groupDelete   = "What is deleted"
	groupWrite    = "How files are written"
	groupFilter   = "Filters; their order counts, the first that matches wins"
	groupOutput   = "Output"
	groupRemote   = "Between machines: SRC or DEST is [USER@]HOST:PATH or zccp://HOST[:PORT]/EXPORT/PATH"
	groupExtra    = "Options that rsync does not have"
	groupIdle     = "Accepted, since they change nothing"
	groupNever    = "Refused, exit code 4"
)

// Constructors of rows; names are separated by blanks.

func syncFlag(group, names, usage string) syncOption {
	return syncOption{group: group, names: strings.Fields(names), usage: usage}
}

func syncValue(group, names, usage string) syncOption {
	o := syncFlag(group, names, usage)
	o.kind = requiredValue
	return o
}

func syncOptional(group, names, usage string) syncOption {
	o := syncFlag(group, names, usage)
	o.kind = optionalValue
	return o
}

// negatable adds what turns the option off.
func (o syncOption) negatable(names string) syncOption {
	o.off = strings.Fields(names)
	return o
}

// notAway adds why the option is refused if an end is on another machine.
func (o syncOption) notAway(why string) syncOption {
	o.away = why
	return o
}

// canonical returns the name that settings carry.
func (o syncOption) canonical() string { return o.names[0] }

// syncOptions returns the whole table.
func syncOptions() []syncOption {
	return slices.Concat(syncSelection(), syncTreatment(), syncReporting(), syncRemote(), syncOwn(), syncIdle(), syncNever())
}

// cliFlag returns the row as the normaliser and the help text take it.
func (o syncOption) cliFlag() cli.Flag {
	name, aliases := o.names[0], o.names[1:]
	switch o.kind {
	case requiredValue:
		return &cli.StringFlag{Name: name, Aliases: aliases, Usage: o.usage, Category: o.group}
	case optionalValue:
		return &optionalFlag{cli.StringFlag{Name: name, Aliases: aliases, Usage: o.usage, Category: o.group}}
	}
	return &cli.BoolFlag{Name: name, Aliases: aliases, Usage: o.usage, Category: o.group}
}

// syncTable returns the normaliser's table: the rows, and for each name that
// turns one off an option "no-NAME", whose settings are called after the first.
func syncTable() *optionTable {
	var flags []cli.Flag
	for _, o := range syncOptions() {
		flags = append(flags, o.cliFlag())
		if len(o.off) > 0 {
			var names []string
			for _, name := range o.off {
				names = append(names, "no-"+name)
			}
			flags = append(flags, &cli.BoolFlag{Name: names[0], Aliases: names[1:]})
		}
	}
	t := newOptionTable(flags)
	t.popt = true
	return t
}

// syncSelection are the options that say which files take part.
func syncSelection() []syncOption {
	return []syncOption{
		syncFlag(groupWhat, "archive a", "same as -rlptgoD: without -A -X -H -U -N"),
		syncFlag(groupWhat, "recursive r", "transfer directories with all that is in them").negatable("recursive r"),
		syncFlag(groupWhat, "dirs d old-dirs old-d", "transfer directories without what is in them").negatable("dirs d"),
		syncFlag(groupWhat, "relative R", "use the whole name of SRC below DEST; what is left of /./ is left out").negatable("relative R"),
		syncFlag(groupWhat, "implied-dirs i-d", "with -R, give the directories on the way to SRC its attributes (the default)").negatable("implied-dirs i-d"),
		syncFlag(groupWhat, "one-file-system x", "stay on the file system of each SRC; twice: leave mount points out").negatable("one-file-system x"),
		syncFlag(groupWhat, "prune-empty-dirs m", "leave out directories in which there would be no file").negatable("prune-empty-dirs m"),
		syncValue(groupWhat, "files-from", "transfer what is named in `FILE`, - is stdin; implies -R and -d, and -a no -r"),
		syncFlag(groupWhat, "from0 0", "names and rules in files end with a zero byte, not a newline").negatable("from0"),
		syncValue(groupWhat, "max-size", "leave out files of more than `SIZE` bytes: 10M, 1.5G, KB is 1000, 1M-1"),
		syncValue(groupWhat, "min-size", "leave out files of less than `SIZE` bytes"),
		syncFlag(groupWhat, "mkpath", "make what is missing on the way to DEST").negatable("mkpath"),

		syncFlag(groupLinks, "links l", "symbolic links stay such").negatable("links l"),
		syncFlag(groupLinks, "copy-links L", "transfer what symbolic links lead to"),
		syncFlag(groupLinks, "copy-unsafe-links", "transfer what links lead to that leave the tree"),
		syncFlag(groupLinks, "safe-links", "leave out links that leave the tree"),
		syncFlag(groupLinks, "munge-links", "store links so that they lead nowhere, and read such").negatable("munge-links"),
		syncFlag(groupLinks, "copy-dirlinks k", "transfer the directories that links in SRC lead to"),
		syncFlag(groupLinks, "keep-dirlinks K", "use the directories that links in DEST lead to"),

		syncFlag(groupUpToDate, "checksum c", "compare contents (XXH3-128), not size and time").negatable("checksum c"),
		syncValue(groupUpToDate, "checksum-choice cc", "`NAME` is auto or xxh128, which is what -c uses"),
		syncFlag(groupUpToDate, "ignore-times I", "nothing counts as up to date"),
		syncFlag(groupUpToDate, "size-only", "compare sizes only"),
		syncValue(groupUpToDate, "modify-window @", "times that differ by up to `NUM` seconds are equal; -1: to the nanosecond"),
		syncFlag(groupUpToDate, "update u", "leave alone what is newer in DEST"),
		syncFlag(groupUpToDate, "existing ignore-non-existing", "make nothing new in DEST"),
		syncFlag(groupUpToDate, "ignore-existing", "change no file that exists in DEST"),
		syncValue(groupUpToDate, "compare-dest", "leave out what is the same below `DIR`, too"),
		syncValue(groupUpToDate, "copy-dest", "take what is the same below `DIR` from there"),
		syncValue(groupUpToDate, "link-dest", "make hard links to what is the same below `DIR`"),

		syncFlag(groupDelete, "delete", "delete what SRC does not have, in the directories that are transferred"),
		syncFlag(groupDelete, "delete-before", "delete before anything is transferred"),
		syncFlag(groupDelete, "delete-during del", "what --delete alone means: delete once everything is transferred, see docs/sync.md"),
		syncFlag(groupDelete, "delete-delay", "the same, and the same as --delete-after"),
		syncFlag(groupDelete, "delete-after", "delete once everything is transferred"),
		syncFlag(groupDelete, "delete-excluded", "delete what is excluded, too"),
		syncFlag(groupDelete, "delete-missing-args", "delete in DEST what SRC names and does not exist"),
		syncFlag(groupDelete, "ignore-missing-args", "a SRC that does not exist is no error"),
		syncFlag(groupDelete, "ignore-errors", "delete although something could not be read").negatable("ignore-errors"),
		syncFlag(groupDelete, "force", "a directory gives way to a file with all that is in it").negatable("force"),
		syncValue(groupDelete, "max-delete", "delete no more than `NUM` entries"),
		syncFlag(groupDelete, "remove-source-files remove-sent-files", "remove from SRC the files that were transferred"),

		syncValue(groupFilter, "filter f", "add a filter `RULE`, see zccp-filter(7) or 'zccp help filter'"),
		syncFlag(groupFilter, "F", "same as -f'dir-merge /.rsync-filter'; twice: and -f'- .rsync-filter'"),
		syncValue(groupFilter, "exclude", "leave out what matches `PATTERN`"),
		syncValue(groupFilter, "exclude-from", "leave out what matches a pattern in `FILE`, - is stdin"),
		syncValue(groupFilter, "include", "don't leave out what matches `PATTERN`"),
		syncValue(groupFilter, "include-from", "don't leave out what matches a pattern in `FILE`, - is stdin"),
		syncFlag(groupFilter, "cvs-exclude C", "leave out what CVS ignores"),
	}
}

// syncTreatment are the options that say how files arrive.
func syncTreatment() []syncOption {
	return []syncOption{
		syncFlag(groupKeep, "perms p", "keep permissions").negatable("perms p"),
		syncFlag(groupKeep, "executability E", "keep executability"),
		syncValue(groupKeep, "chmod", "change permissions as `CHANGES` say: Dg+s,ug+w,Fo-w,+X"),
		syncFlag(groupKeep, "acls A", "keep ACLs; implies -p").negatable("acls A"),
		syncFlag(groupKeep, "xattrs X", "keep extended attributes").negatable("xattrs X"),
		syncFlag(groupKeep, "owner o", "keep the owner (superuser only)").negatable("owner o"),
		syncFlag(groupKeep, "group g", "keep the group").negatable("group g"),
		syncFlag(groupKeep, "numeric-ids", "owners and groups by number; there is no other way on one machine").negatable("numeric-ids"),
		syncValue(groupKeep, "usermap", "map owners, `LIST` is FROM:TO,...; FROM is a name, a number, a range or a pattern"),
		syncValue(groupKeep, "groupmap", "map groups, `LIST` as above"),
		syncValue(groupKeep, "chown", "give all to `USER:GROUP`"),
		syncFlag(groupKeep, "hard-links H", "keep hard links").negatable("hard-links H"),
		syncFlag(groupKeep, "D", "same as --devices --specials").negatable("D"),
		syncFlag(groupKeep, "devices", "transfer device files (superuser only)").negatable("devices"),
		syncFlag(groupKeep, "specials", "transfer FIFOs and sockets").negatable("specials"),
		syncFlag(groupKeep, "drop-D", "make no device files and specials, whatever else is said").negatable("drop-D"),
		syncFlag(groupKeep, "copy-devices", "copy what a device holds into a regular file"),
		syncFlag(groupKeep, "write-devices", "write into devices as into files; implies --inplace").negatable("write-devices"),
		syncFlag(groupKeep, "times t", "keep modification times").negatable("times t"),
		syncFlag(groupKeep, "omit-dir-times O", "but not those of directories").negatable("omit-dir-times O"),
		syncFlag(groupKeep, "omit-link-times J", "but not those of symbolic links").negatable("omit-link-times J"),
		syncFlag(groupKeep, "atimes U", "keep access times").negatable("atimes U"),
		syncFlag(groupKeep, "open-noatime", "don't change access times by reading").negatable("open-noatime"),
		syncFlag(groupKeep, "super", "try what only the superuser can, as anybody").negatable("super"),
		syncFlag(groupKeep, "fake-super", "keep what only the superuser can set in extended attributes"),

		syncFlag(groupWrite, "backup b", "keep what is replaced or deleted under another name").negatable("backup"),
		syncValue(groupWrite, "backup-dir", "keep it below `DIR`"),
		syncValue(groupWrite, "suffix", "end its name in `SUFFIX`; default ~, with --backup-dir nothing"),
		syncFlag(groupWrite, "inplace", "write into existing files instead of replacing them whole").negatable("inplace"),
		syncFlag(groupWrite, "append", "add to shorter files what they lack, and trust what they have").negatable("append"),
		syncFlag(groupWrite, "append-verify", "the same, and copy the file whole if what it has differs"),
		syncFlag(groupWrite, "whole-file W", "copy files whole (the default)").negatable("whole-file W"),
		syncFlag(groupWrite, "fuzzy y", "between machines, send of a large new file only what differs from a similar one beside it").negatable("fuzzy y"),
		syncValue(groupWrite, "block-size B", "no effect with -W, and refused with --no-whole-file: blocks are those of the file system").notAway("blocks are chosen by the size of the file"),
		syncFlag(groupWrite, "sparse S", "make holes where there are zeros").negatable("sparse S"),
		syncFlag(groupWrite, "preallocate", "allocate files before writing them"),
		syncFlag(groupWrite, "partial", "keep files that were transferred in part").negatable("partial"),
		syncValue(groupWrite, "partial-dir", "keep them in `DIR`; default: $RSYNC_PARTIAL_DIR"),
		syncFlag(groupWrite, "delay-updates", "put all files in place at the end").negatable("delay-updates"),
		syncValue(groupWrite, "temp-dir T", "make temporary files in `DIR`"),
		syncFlag(groupWrite, "fsync", "flush every file before it has its name"),
		syncValue(groupWrite, "bwlimit", "move at most `RATE` KiB a second, or with a unit: 500K, 10M; 0 for no limit").negatable("bwlimit"),
		syncValue(groupWrite, "timeout", "give up when nothing was transferred for `SECONDS`").negatable("timeout"),
		syncValue(groupWrite, "stop-after time-limit", "stop after `MINUTES`"),
		syncValue(groupWrite, "stop-at", "stop at `TIME`: 2030-12-31T23:59, or a part of it, the next time it comes"),
		syncFlag(groupWrite, "dry-run n", "only say what would be done"),
	}
}

// syncReporting are the options of the output.
func syncReporting() []syncOption {
	return []syncOption{
		syncFlag(groupOutput, "verbose v", "say what is done; twice: and what is left alone").negatable("verbose v"),
		syncValue(groupOutput, "info", "choose what is said, `FLAGS` as in rsync; --info=help lists them"),
		syncValue(groupOutput, "debug", "only `FLAGS` of level 0: there is no debugging output"),
		syncFlag(groupOutput, "quiet q", "say nothing but errors"),
		syncFlag(groupOutput, "itemize-changes i", "say for each entry what changes; twice: also where nothing does").negatable("itemize-changes i"),
		syncValue(groupOutput, "out-format log-format", "say it in this `FORMAT`, see docs/sync.md"),
		syncValue(groupOutput, "log-file", "write a log to `FILE`"),
		syncValue(groupOutput, "log-file-format", "its lines in this `FORMAT`; default %i %n%L"),
		syncFlag(groupOutput, "stats", "print totals at the end"),
		syncFlag(groupOutput, "human-readable h", "numbers with units of 1000; twice: 1024").negatable("human-readable h"),
		syncFlag(groupOutput, "progress", "say how far it is, as a whole: many files are under way").negatable("progress"),
		syncFlag(groupOutput, "P", "same as --partial --progress"),
		syncFlag(groupOutput, "8-bit-output 8", "don't escape bytes above 127").negatable("8-bit-output 8"),
		syncFlag(groupOutput, "list-only", "list SRC instead; what a single SRC without DEST means"),
		syncValue(groupOutput, "outbuf", "buffer stdout, `MODE` is None, Line or Block"),
		syncValue(groupOutput, "stderr", "what goes to stderr, `MODE` is errors (the default), all or client (nothing)"),
		syncFlag(groupOutput, "msgs2stderr", "same as --stderr=all").negatable("msgs2stderr"),
		syncFlag(groupOutput, "version V", "print the version; twice: as JSON, with what is supported"),
		syncFlag(groupOutput, "help", "print this help; -h does if it stands alone"),
	}
}

// syncRemote are the options of a connection. remoteOptions.fold gives them
// their meaning.
func syncRemote() []syncOption {
	return []syncOption{
		syncValue(groupRemote, "remote", "send SRC to `DEST` on another machine; may be repeated, and each gets it in turn"),
		syncValue(groupRemote, "ssh e rsh", "run `CMD` in place of ssh; default: $RSYNC_RSH, or ssh"),
		syncValue(groupRemote, "remote-zccp rsync-path", "run `PATH` as zccp on the other machine"),
		syncValue(groupRemote, "path", "how data go, `WAY` is auto (direct TCP where it connects, else through ssh), direct or ssh"),
		syncValue(groupRemote, "data-ports", "let the other machine listen on one of the ports `A-B` for direct connections"),
		syncValue(groupRemote, "security", "of data that go directly, `HOW` is tls (the default) or plain: readable on the way, but not to be forged"),
		syncValue(groupRemote, "ktls", "TLS in the kernel, `WHEN` is auto (where it is there, the default), off or require"),
		syncValue(groupRemote, "streams", "send over `N` direct connections, up to 16; default: 2"),
		syncValue(groupRemote, "key", "the key in `FILE` for a daemon; default: ~/.config/zccp/key"),
		syncFlag(groupRemote, "compress z", "compress with zstd what gets smaller by it").negatable("compress z"),
		syncValue(groupRemote, "compress-choice zc", "`NAME` is auto or zstd, the same as -z, or none"),
		syncValue(groupRemote, "contimeout", "give up connecting after `SECONDS`").negatable("contimeout"),
	}
}

// syncOwn are the options that rsync does not have.
func syncOwn() []syncOption {
	const alone = "data do not stay on one machine"
	return []syncOption{
		syncValue(groupExtra, "jobs j", "use up to `N` workers; 1 works in a fixed order"),
		syncFlag(groupExtra, "allow-mass-delete", "delete although a guard advises against it (exit code 42)"),
		syncFlag(groupExtra, "detect-renames", "with --delete, move in DEST what was moved in SRC, instead of copying it again"),
		syncValue(groupExtra, "reflink-dest", "clone what is the same below `DIR`, as --link-dest links it"),
		syncFlag(groupExtra, "resume", "go on with huge files where a killed run was"),
		syncFlag(groupExtra, "gitignore", "leave out what git would ignore"),
		syncOptional(groupExtra, "preserve-sharing", "files that share data in SRC share it in DEST, `WHEN` is auto (as long as "+
			"some do), always (the same as no WHEN) or never"),
		syncOptional(groupExtra, "reflink", "share data with the source until either is changed, `WHEN` is auto (the default), always or never"),
		syncValue(groupExtra, "method", "move bytes by `LIST` only, see docs/methods.md").notAway(alone),
		syncValue(groupExtra, "cache", "what the copy leaves in memory, `HOW` is auto, keep or drop").notAway(alone),
		syncOptional(groupExtra, "verify", "read back what was stored and compare, `HASH` is xxh3 (the default) or blake3"),
		syncFlag(groupExtra, "fail-fast", "stop at the first failure; nothing is deleted then"),
		syncFlag(groupExtra, "explain", "say how each file was copied"),
		syncFlag(groupExtra, "json", "report as JSON lines on stdout, see docs/json.md"),
	}
}
