package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// benchGroup is a part of bench's table: options, and the benches that take them.
type benchGroup struct {
	title string
	about string   // what is said of the benches before their options, or ""
	kinds []string // nil: all
	flags []cli.Flag
}

// benchGroups is the table of bench's options, from which the normaliser's table of
// each bench and the help text are made. The set methods give them their meaning.
func benchGroups() []benchGroup {
	flag := func(usage, name string) cli.Flag { return &cli.BoolFlag{Name: name, Usage: usage} }
	value := func(usage, name string, aliases ...string) cli.Flag {
		return &cli.StringFlag{Name: name, Aliases: aliases, Usage: usage}
	}
	groups := []benchGroup{
		{title: "All benches", flags: []cli.Flag{
			flag("drop the kernel's caches before each run; needs root", "cold"),
			value("write the report to `FILE` too, one page with charts", "html"),
			flag("print one JSON object; sizes in bytes, times in seconds", "json"),
			flag("keep the source; the next bench there reuses it", "keep"),
			flag("print this help and exit", "help"),
		}},
		{title: "bench tree, bench file and bench sync", kinds: []string{"tree", "file", benchSync}, flags: []cli.Flag{
			value("peers, `LIST` is any of cp (-a, not for sync) and rsync (-aHAX), separated by commas, or NAME=COMMAND, "+
				"which stands alone (repeat the option), is split at spaces and names {src} and {dst}; {zccp} is "+
				"this program (default cp, for sync rsync)", "against"),
			value("work in DIR/zccp-bench, so on the file system of `DIR` (default .)", "dir"),
			value("time `N` rounds, 5 or more (default 5)", "rounds"),
			value("run zccp with -j `N`", "jobs", "j"),
		}},
		{title: "bench tree", kinds: []string{"tree"},
			about: "zccp -a of many small files. The old destination is moved aside, not removed, until the end (but on tmpfs): " +
				"ext4 slows down what follows a removal, for some minutes. So every run takes its room on the disk.",
			flags: []cli.Flag{
				value("number of files is `N` (default 50000, about 361 MB)", "files"),
				value("`SHAPE` is tree (100 files in a directory, the default), flat (one directory of all) or "+
					"links (a tree, and a hard link to each file)", "shape"),
			}},
		{title: "bench sync", kinds: []string{benchSync},
			about: "zccp sync -aHAX against rsync: a first copy, a run in which nothing changed, and with --delete one in which one " +
				"file in 100 was edited, renamed or deleted. Each program keeps its own copy. A peer's {delete} is --delete " +
				"where that is done, and nothing elsewhere.",
			flags: []cli.Flag{value("number of files is `N` (default 50000; there are two versions)", "files")}},
		{title: "bench file", kinds: []string{"file"},
			about: "zccp of one big file.",
			flags: []cli.Flag{value("its `SIZE` in bytes, or with K, M, G, T (default 4G)", "size")}},
		{title: "bench remote", kinds: []string{benchRemote},
			about: "zccp and rsync to servers on this machine, which it starts and which end with it: a first copy of a tree, one " +
				"in which nothing changed, and one of a big file. The ways are zccp-plain, zccp-tls (zccp serve), zccp-ssh, " +
				"rsync-daemon and rsync-ssh.",
			flags: []cli.Flag{
				value("make the source in zccp-bench below `DIR` (default .)", "dir"),
				value("number of files of the tree is `N`, 0 for none (default 50000)", "files"),
				value("time `N` rounds, 5 or more (default 5)", "rounds"),
				value("`SIZE` of the big file, 0 for none (default 1.5G)", "size"),
				value("copy to zccp-bench below `DIR` (default that of --dir)", "to"),
				value("only the ways in `LIST`", "way"),
			}},
		{title: "bench methods and bench send", kinds: []string{benchMethods, benchSend},
			about: "bench methods: each method copies a file from DIR to DIR2. bench send: each method that can sends a file from DIR " +
				"through a TCP connection of the loopback interface, to a receiver that throws it away and to one that stores " +
				"it in DIR2. DIR is the working directory and DIR2 is DIR unless given; both get a folder zccp-bench, which is " +
				"removed. A method that refuses is listed with its reason.",
			flags: []cli.Flag{
				flag("the time and the calls include an fsync(2) of the copy", "fsync"),
				value("only the methods in `LIST`, separated by commas", "method"),
				value("`SIZE` of the file (default 1G)", "size"),
				value("time `N` transfers of each, 2 or more (default 10)", "transfers", "rounds"),
			}},
		{title: "bench send", kinds: []string{benchSend}, flags: []cli.Flag{
			value("`LIST` is only null, or only file (default null,file)", "to"),
		}},
	}
	for _, g := range groups {
		for _, f := range g.flags {
			switch f := f.(type) {
			case *cli.BoolFlag:
				f.Category = g.title
			case *cli.StringFlag:
				f.Category = g.title
			}
		}
	}
	return groups
}

// benchFlags returns the options of one bench.
func benchFlags(kind string) []cli.Flag {
	var flags []cli.Flag
	for _, g := range benchGroups() {
		if g.kinds == nil || slices.Contains(g.kinds, kind) {
			flags = append(flags, g.flags...)
		}
	}
	return flags
}
