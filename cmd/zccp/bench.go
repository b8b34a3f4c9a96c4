package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// benchSettings are what every bench is told.
type benchSettings struct {
	Dir  string // of the source
	Cold bool
	JSON bool
	HTML string // file for the report as a page, or ""
	Keep bool
}

// set takes one option.
func (cfg *benchSettings) set(s setting) error {
	switch s.Option {
	case "dir":
		cfg.Dir = s.Value
	case "cold":
		cfg.Cold = true
	case "json":
		cfg.JSON = true
	case "html":
		if cfg.HTML = s.Value; s.Value == "" {
			return usagef("--html takes the name of a file")
		}
	case "keep":
		cfg.Keep = true
	case "help":
		return errBenchHelp
	}
	return nil
}

// benchConfig is a bench command line, checked.
type benchConfig struct {
	benchSettings
	Kind    string // tree, file or sync
	Against []contender
	Rounds  int
	Jobs    string // -j of zccp, "" for its default
	Files   int    // tree, sync
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
	if kind == benchSync {
		return map[string][]string{"rsync": {"rsync", "-aHAX", deletePlace, srcPlace + "/", dstPlace + "/"}}
	}
	return map[string][]string{
		"cp":    {"cp", "-a", srcPlace, dstPlace},
		"rsync": {"rsync", "-aHAX", srcPlace + "/", dstPlace + "/"},
	}
}

// runBench runs "bench KIND [OPTION]...". args begins with KIND.
func runBench(e *env, args []string) int {
	run, err := chooseBench(e, args)
	if err == errBenchHelp {
		return e.print(e.printBenchHelp)
	}
	if err != nil {
		e.errorf("bench: %v", err)
		e.hintf("'%s bench --help' says what it takes", e.prog)
		return exitFailure
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	err = run(ctx)
	if err != nil && context.Cause(ctx) == nil {
		e.errorf("bench: %v", err)
	}
	return exitCode(ctx, err != nil)
}

// chooseBench reads the command line and returns what it asks for.
func chooseBench(e *env, args []string) (run func(context.Context) error, err error) {
	if len(args) > 0 && (args[0] == benchMethods || args[0] == benchSend) {
		cfg, err := parseTransferBench(args)
		return func(ctx context.Context) error { return transferBench(ctx, e, cfg) }, err
	}
	if len(args) > 0 && args[0] == benchRemote {
		cfg, err := parseRemoteBench(args[1:])
		return func(ctx context.Context) error { return remoteBench(ctx, e, cfg) }, err
	}
	cfg, err := parseBench(args)
	if err == nil && cfg.Kind == benchSync {
		return func(ctx context.Context) error { return benchSyncs(ctx, e, cfg) }, nil
	}
	return func(ctx context.Context) error { return bench(ctx, e, cfg) }, err
}

// errBenchHelp: the command line asks for help.
var errBenchHelp = &usageError{text: "help"}

// parseBench reads the command line after "bench".
func parseBench(args []string) (*benchConfig, error) {
	if len(args) == 0 {
		return nil, usagef("say what to measure: tree, file, sync, remote, methods or send")
	}
	cfg := &benchConfig{benchSettings: benchSettings{Dir: "."}, Kind: args[0], Rounds: 5, Files: 50000, Shape: "tree", Size: 4 << 30}
	switch cfg.Kind {
	case "tree", "file", benchSync:
	case "--help":
		return nil, errBenchHelp
	default:
		return nil, usagef("no bench called '%s'; there are tree, file, sync, remote, methods and send", cfg.Kind)
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
		peer := "cp"
		if cfg.Kind == benchSync {
			peer = "rsync"
		}
		cfg.Against = []contender{{peer, knownContenders(cfg.Kind)[peer]}}
	}
	own := contender{name: "zccp", argv: []string{self}}
	switch cfg.Kind {
	case "tree":
		own.argv = append(own.argv, "-a")
	case benchSync:
		own.argv = append(own.argv, "sync", "-aHAX", deletePlace)
	}
	if cfg.Jobs != "" {
		own.argv = append(own.argv, "-j"+cfg.Jobs)
	}
	if cfg.Kind == benchSync {
		own.argv = append(own.argv, srcPlace+"/", dstPlace+"/")
	} else {
		own.argv = append(own.argv, srcPlace, dstPlace)
	}
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
	case "rounds":
		// Below five a median says little on a machine that does other work too.
		cfg.Rounds, err = parseCount(s, 5)
	case "jobs":
		_, err = parseCount(s, 1)
		cfg.Jobs = s.Value
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
	default:
		err = cfg.benchSettings.set(s)
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
			known := strings.Join(slices.Sorted(maps.Keys(knownContenders(cfg.Kind))), " and ")
			return usagef("no peer called '%s'; known: %s, or write NAME=COMMAND", name, known)
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
	page, err := newBenchPage(cfg.HTML)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.discard()) }()
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	place, err := openBenchPlace(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	say := func(format string, a ...any) { e.errorf("bench: "+format, a...) }
	var load benchLoad
	if cfg.Kind == "file" {
		load = place.file(cfg.Size)
	} else {
		load = &treeLoad{src: filepath.Join(place.base, fmt.Sprintf("%s-%d", cfg.Shape, cfg.Files)), files: cfg.Files, shape: cfg.Shape}
	}
	defer func() { err = errors.Join(err, place.drop(load, cfg.Keep)) }()
	if err := place.ensure(ctx, load, say); err != nil {
		return err
	}
	if err := load.measure(); err != nil {
		return err
	}
	c := &course{load: load, dir: place.runs, rounds: cfg.Rounds, cold: cfg.Cold, say: say}
	r := newBenchReport(cfg, load, dir)
	if cfg.Cold && r.FileSystem == "tmpfs" {
		return errColdMemory
	}
	series, err := c.run(ctx, cfg.Against)
	if err != nil {
		return err
	}
	r.add(series, c.steal)
	if err := page.publish(r.page(e.args)); err != nil {
		return err
	}
	if cfg.JSON {
		return writeBenchJSON(e.stdout, r)
	}
	return r.writeText(e.stdout)
}
