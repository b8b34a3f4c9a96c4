package main

import "fmt"

// printBenchHelp writes the help of bench.
func (e *env) printBenchHelp() int {
	fmt.Fprintf(e.stdout, `Usage: %[1]s bench tree [OPTION]...
  or:  %[1]s bench file [OPTION]...
  or:  %[1]s bench sync [OPTION]...
  or:  %[1]s bench remote [OPTION]...
  or:  %[1]s bench methods [OPTION]... [DIR [DIR2]]
  or:  %[1]s bench send [OPTION]... [DIR [DIR2]]
tree, file, sync and remote time zccp side by side with other programs on the same
source, methods and send the ways of zccp to move the bytes of one file.

Every round runs each of them once, a different one first each time, after a
sync(2). One round warms up and is checked, not counted. A ratio is the median
of the ratios to the first peer or method, round by round.

  --cold           drop the kernel's caches before each run; needs root
  --html=FILE      write the report to FILE too, one page with charts
  --json           print one JSON object; sizes in bytes, times in seconds
  --keep           keep the source; the next bench there reuses it
  --help           print this help

bench tree, bench file, bench sync:
  --against=LIST   peers, separated by commas: cp (-a, not for sync), rsync
                     (-aHAX), or NAME=COMMAND, which stands alone (repeat the
                     option), is split at spaces and names {src} and {dst};
                     {zccp} is this program (default cp, for sync rsync)
  --dir=DIR        work in DIR/zccp-bench, so on DIR's file system (default .)
  --rounds=N       time N rounds, 5 or more (default 5)
  -j, --jobs=N     run zccp with -j N

bench tree: zccp -a of many small files. The old destination is moved aside,
not removed, until the end (but on tmpfs): ext4 slows down what follows a
removal, for some minutes. So every run takes its room on the disk.
  --files=N        number of files (default 50000, about 361 MB)
  --shape=SHAPE    tree: 100 files in a directory; flat: one directory of all;
                     links: a tree, and a hard link to each file (default tree)

bench sync: zccp sync -aHAX against rsync: a first copy, a run in which nothing
changed, and with --delete one in which one file in 100 was edited, renamed or
deleted. Each program keeps its own copy. A peer's {delete} is --delete where
that is done, and nothing elsewhere.
  --files=N        number of files (default 50000; there are two versions)

bench file: zccp of one big file.
  --size=SIZE      its size in bytes, or with K, M, G, T (default 4G)

bench remote: zccp and rsync to servers on this machine, which it starts and
which end with it: a first copy of a tree, one in which nothing changed, and one
of a big file. The ways are zccp-plain, zccp-tls (zccp serve), zccp-ssh,
rsync-daemon and rsync-ssh.
  --dir=DIR        make the source in DIR/zccp-bench (default .)
  --files=N        number of files of the tree, 0 for none (default 50000)
  --rounds=N       time N rounds, 5 or more (default 5)
  --size=SIZE      size of the big file, 0 for none (default 1.5G)
  --to=DIR         copy to DIR/zccp-bench (default that of --dir)
  --way=LIST       only these ways

bench methods: each method copies a file from DIR to DIR2.
bench send: each method that can sends a file from DIR through a TCP connection
of the loopback interface, to a receiver that throws it away and to one that
stores it in DIR2.
DIR is the working directory and DIR2 is DIR unless given; both get a folder
zccp-bench, which is removed. A method that refuses is listed with its reason.
  --fsync          the time and the calls include an fsync(2) of the copy
  --method=LIST    only these methods, separated by commas
  --size=SIZE      size of the file (default 1G)
  --to=LIST        send: only to null, or only to file (default null,file)
  --transfers=N    N transfers of each, 2 or more (default 10), also --rounds
`, e.prog)
	return exitOK
}
