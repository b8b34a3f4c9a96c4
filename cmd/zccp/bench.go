package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// benchConfig is a bench command line, checked.
type benchConfig struct {
	Kind    string // tree or file
	Against []contender
	Dir     string
	Rounds  int
	Jobs    string // -j of zccp, "" for its default
	Cold    bool
	JSON    bool
	Keep    bool
	Files   int    // tree
	Shape   string // tree
	Size    int64  // file, bytes
}

// The places of {src} and {dst} in a contender's command; {zccp} is this very
// program, for comparing it with itself under other options.
const (
	srcPlace  = "{src}"
	dstPlace  = "{dst}"
	selfPlace = "{zccp}"
)

// knownContenders are the peers that --against knows by name: for each kind of
// bench the command that does what zccp does there.
func knownContenders(kind string) map[string][]string {
	if kind == "file" {
		return map[string][]string{
			"cp":    {"cp", srcPlace, dstPlace},
			"rsync": {"rsync", "-W", srcPlace, dstPlace},
		}
	}
	return map[string][]string{
		"cp":    {"cp", "-a", srcPlace, dstPlace},
		"rsync": {"rsync", "-aHAX", srcPlace + "/", dstPlace + "/"},
	}
}

// benchFlags declares the options of one kind of bench.
func benchFlags(kind string) []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "against", Usage: "peers to time beside zccp: cp, rsync, or NAME=COMMAND with {src} and {dst}"},
		&cli.StringFlag{Name: "dir", Usage: "work below DIR, on the file system to be measured"},
		&cli.StringFlag{Name: "rounds", Usage: "time N rounds after one to warm up, 5 or more"},
		&cli.StringFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "-j of zccp"},
		&cli.BoolFlag{Name: "cold", Usage: "drop the kernel's caches before each run (root)"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object instead of a table"},
		&cli.BoolFlag{Name: "keep", Usage: "keep the source for the next bench"},
		&cli.BoolFlag{Name: "help", Usage: "print this help"},
	}
	if kind == "file" {
		return append(flags, &cli.StringFlag{Name: "size", Usage: "size of the file"})
	}
	return append(flags,
		&cli.StringFlag{Name: "files", Usage: "number of files"},
		&cli.StringFlag{Name: "shape", Usage: "tree, flat or links"})
}

// printBenchHelp writes the help of bench.
func (e *env) printBenchHelp() int {
	fmt.Fprintf(e.stdout, `Usage: %[1]s bench tree [OPTION]...
  or:  %[1]s bench file [OPTION]...
Time zccp side by side with other copiers on the same source.

Every round runs each tool once, a different one first each time, after a
sync(1). One round warms up and is checked, not counted. The ratio of a tool is
the median of its ratios to the first peer, round by round.

  --against=LIST   peers, separated by commas: cp (-a), rsync (-aHAX), or
                     NAME=COMMAND, which stands alone (repeat the option), is
                     split at spaces and names {src} and {dst}; {zccp} is this
                     program (default cp)
  --dir=DIR        work in DIR/zccp-bench, so on DIR's file system (default .)
  --rounds=N       time N rounds, 5 or more (default 5)
  -j, --jobs=N     run zccp with -j N
  --cold           drop the kernel's caches before each run; needs root
  --json           print one JSON object, times in seconds, memory in bytes
  --keep           keep the source; the next bench of its kind there reuses it
  --help           print this help

bench tree: zccp -a of many small files. The old destination is moved aside,
not removed, until the end (but on tmpfs): ext4 slows down what follows a
removal, for some minutes. So every run takes its room on the disk.
  --files=N        number of files (default 50000, about 361 MB)
  --shape=SHAPE    tree: 100 files in a directory; flat: one directory of all;
                     links: a tree, and a hard link to each file (default tree)

bench file: zccp of one big file.
  --size=SIZE      its size in bytes, or with K, M, G, T (default 4G)
`, e.prog)
	return exitOK
}

// runBench runs "bench KIND [OPTION]...". args begins with KIND.
func runBench(e *env, args []string) int {
	cfg, err := parseBench(args)
	if err == errBenchHelp {
		return e.printBenchHelp()
	}
	if err != nil {
		e.errorf("bench: %v", err)
		e.hintf("'%s bench --help' says what it takes", e.prog)
		return exitFailure
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	err = bench(ctx, e, cfg)
	if err != nil && context.Cause(ctx) == nil {
		e.errorf("bench: %v", err)
	}
	return exitCode(ctx, err != nil)
}

// errBenchHelp: the command line asks for help.
var errBenchHelp = &usageError{text: "help"}

// parseBench reads the command line after "bench".
func parseBench(args []string) (*benchConfig, error) {
	if len(args) == 0 {
		return nil, usagef("say what to measure: tree or file")
	}
	cfg := &benchConfig{Kind: args[0], Dir: ".", Rounds: 5, Files: 50000, Shape: "tree", Size: 4 << 30}
	switch cfg.Kind {
	case "tree", "file":
	case "--help":
		return nil, errBenchHelp
	default:
		return nil, usagef("no bench called '%s'; there are tree and file", cfg.Kind)
	}
	line, err := newOptionTable(benchFlags(cfg.Kind)).normalise(args[1:], false)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, s := range line.Settings {
		if err := cfg.set(s, self); err != nil {
			return nil, err
		}
	}
	if len(line.Operands) > 0 {
		return nil, usagef("extra operand '%s'; the source is generated", line.Operands[0])
	}
	if len(cfg.Against) == 0 {
		cfg.Against = []contender{{"cp", knownContenders(cfg.Kind)["cp"]}}
	}
	own := contender{name: "zccp", argv: []string{self}}
	if cfg.Kind == "tree" {
		own.argv = append(own.argv, "-a")
	}
	if cfg.Jobs != "" {
		own.argv = append(own.argv, "-j"+cfg.Jobs)
	}
	own.argv = append(own.argv, srcPlace, dstPlace)
	cfg.Against = append([]contender{own}, cfg.Against...)
	seen := make(map[string]bool)
	for _, c := range cfg.Against {
		if seen[c.name] {
			return nil, usagef("'%s' is named twice", c.name)
		}
		seen[c.name] = true
	}
	return cfg, nil
}

// set takes one option. self is the path of this program.
func (cfg *benchConfig) set(s setting, self string) (err error) {
	switch s.Option {
	case "against":
		return cfg.addPeers(s.Value, self)
	case "dir":
		cfg.Dir = s.Value
	case "rounds":
		// Below five a median says little on a machine that does other work too.
		cfg.Rounds, err = parseCount(s, 5)
	case "jobs":
		_, err = parseCount(s, 1)
		cfg.Jobs = s.Value
	case "cold":
		cfg.Cold = true
	case "json":
		cfg.JSON = true
	case "keep":
		cfg.Keep = true
	case "help":
		return errBenchHelp
	case "files":
		cfg.Files, err = parseCount(s, 1)
	case "shape":
		cfg.Shape, err = findKeyword("--shape", s.Value, []keyword[string]{{"tree", "tree"}, {"flat", "flat"}, {"links", "links"}})
	case "size":
		cfg.Size, err = parseSize(s.Value, 1)
		if err == nil && cfg.Size < 1 {
			err = errors.New("nothing to copy")
		}
		if err != nil {
			err = usagef("--size=%s: %v", s.Value, err)
		}
	}
	return err
}

// addPeers takes one value of --against.
func (cfg *benchConfig) addPeers(value, self string) error {
	if name, command, ok := strings.Cut(value, "="); ok {
		argv := strings.Fields(strings.ReplaceAll(command, selfPlace, self))
		if name == "" || !strings.Contains(command, srcPlace) || !strings.Contains(command, dstPlace) {
			return usagef("a peer is NAME=COMMAND with %s and %s, not '%s'", srcPlace, dstPlace, value)
		}
		cfg.Against = append(cfg.Against, contender{name, argv})
		return nil
	}
	for name := range strings.SplitSeq(value, ",") {
		argv, ok := knownContenders(cfg.Kind)[name]
		if !ok {
			return usagef("no peer called '%s'; there are cp and rsync, or write NAME=COMMAND", name)
		}
		cfg.Against = append(cfg.Against, contender{name, argv})
	}
	return nil
}

// parseCount reads a whole number of least or more.
func parseCount(s setting, least int) (int, error) {
	n, err := strconv.Atoi(s.Value)
	if err != nil || n < least {
		return 0, usagef("--%s takes a number of %d or more, not '%s'", s.Option, least, s.Value)
	}
	return n, nil
}

// bench measures what cfg says below cfg.Dir and prints the result. It leaves
// nothing behind but, with cfg.Keep, the source.
func bench(ctx context.Context, e *env, cfg *benchConfig) (err error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, "zccp-bench")
	runs := filepath.Join(base, "runs")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return err
	}
	// Being the lock too, it keeps a second bench from measuring beside this one.
	if err := os.Mkdir(runs, 0o755); err != nil {
		if os.IsExist(err) {
			return fmt.Errorf("'%s' is in use by another bench, or left by one that was killed: remove it then", runs)
		}
		return err
	}
	say := func(format string, a ...any) { e.errorf("bench: "+format, a...) }
	var load benchLoad
	if cfg.Kind == "file" {
		load = &fileLoad{src: filepath.Join(base, fmt.Sprintf("file-%d", cfg.Size)), length: cfg.Size}
	} else {
		load = &treeLoad{src: filepath.Join(base, fmt.Sprintf("%s-%d", cfg.Shape, cfg.Files)), files: cfg.Files, shape: cfg.Shape}
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(runs))
		if !cfg.Keep {
			err = errors.Join(err, os.RemoveAll(load.source()))
		}
		os.Remove(base) // fails, rightly, if another source is kept there
	}()
	if _, err := os.Lstat(load.source()); err != nil {
		say("making %s", load)
		// Made aside, so that a source that is there is whole.
		made := filepath.Join(runs, "src")
		if err := load.make(ctx, made); err != nil {
			return err
		}
		if err := os.Rename(made, load.source()); err != nil {
			return err
		}
	}
	if err := load.measure(); err != nil {
		return err
	}
	c := &course{load: load, dir: runs, rounds: cfg.Rounds, cold: cfg.Cold, say: say}
	r := newBenchReport(cfg, load, dir)
	if cfg.Cold && r.FileSystem == "tmpfs" {
		return errors.New("--cold says nothing of tmpfs, which has no other place than memory")
	}
	series, err := c.run(ctx, cfg.Against)
	if err != nil {
		return err
	}
	r.add(series, c.steal)
	if cfg.JSON {
		return r.writeJSON(e.stdout)
	}
	return r.writeText(e.stdout)
}
