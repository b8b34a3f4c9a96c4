package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/platform"
)

// benchRemote is the bench of copies to another machine, which is this one
// too, against rsync.
const benchRemote = "remote"

// remoteBenchConfig is the command line of a bench of remote copies, checked.
type remoteBenchConfig struct {
	benchSettings
	To     string // the directory of the destination
	Ways   []string
	Rounds int
	Files  int   // of the tree; 0 for no tree
	Size   int64 // of the file, bytes; 0 for none
}

// parseRemoteBench reads the command line after "bench remote".
func parseRemoteBench(args []string) (*remoteBenchConfig, error) {
	cfg := &remoteBenchConfig{benchSettings: benchSettings{Dir: "."}, Ways: remoteWays(), Rounds: 5, Files: 50000, Size: 3 << 29}
	line, err := newOptionTable(benchFlags(benchRemote)).normalise(args, false)
	if err != nil {
		return nil, err
	}
	for _, s := range line.Settings {
		if err := cfg.set(s); err != nil {
			return nil, err
		}
	}
	if len(line.Operands) > 0 {
		return nil, usagef("extra operand '%s'; the source is generated", line.Operands[0])
	}
	if cfg.To == "" {
		cfg.To = cfg.Dir
	}
	if cfg.Files == 0 && cfg.Size == 0 {
		return nil, usagef("with neither --files nor --size there is nothing to copy")
	}
	return cfg, nil
}

// set takes one option.
func (cfg *remoteBenchConfig) set(s setting) (err error) {
	switch s.Option {
	case "to":
		cfg.To = s.Value
	case "way":
		cfg.Ways = strings.Split(s.Value, ",")
		for i, way := range cfg.Ways {
			if !slices.Contains(remoteWays(), way) {
				return usagef("no way called '%s'; there are %s", way, strings.Join(remoteWays(), ", "))
			}
			if slices.Contains(cfg.Ways[:i], way) {
				return usagef("'%s' is named twice", way)
			}
		}
	case "rounds":
		cfg.Rounds, err = parseCount(s, 5)
	case "files":
		cfg.Files, err = parseCount(s, 0)
	case "size":
		if cfg.Size, err = parseSize(s.Value, 1); err != nil {
			err = usagef("--size=%s: %v", s.Value, err)
		}
	default:
		err = cfg.benchSettings.set(s)
	}
	return err
}

// remotePhase is one load in one state of the destination.
type remotePhase struct {
	name, title string
	load        benchLoad
	// keeps: the copies stay, for the phase after, which finds them: again.
	keeps, again bool
}

// remoteTiming is one run: of the client, which sends, and of the server.
type remoteTiming struct {
	timing
	far time.Duration
}

// remoteSeries is all counted runs of one way.
type remoteSeries struct {
	way     *remoteWay
	timings []remoteTiming
}

// remoteCourse is a course of which the destinations are reached by servers.
type remoteCourse struct {
	course
	ways []*remoteWay
}

// run times the ways in one phase.
func (c *remoteCourse) run(ctx context.Context, phase remotePhase) ([]remoteSeries, error) {
	c.load = phase.load
	all := make([]remoteSeries, len(c.ways))
	err := c.pair(len(all), phase.name+": all made a whole copy", func(i int, counted bool) error {
		got, err := c.turn(ctx, phase, c.ways[i], !counted)
		if all[i].way = c.ways[i]; counted {
			all[i].timings = append(all[i].timings, got)
		}
		return err
	})
	return all, err
}

// turn runs one way once.
func (c *remoteCourse) turn(ctx context.Context, phase remotePhase, way *remoteWay, check bool) (got remoteTiming, err error) {
	dst := c.place(phase, way)
	if phase.keeps {
		if err := c.clear(phase.load, dst); err != nil {
			return got, err
		}
	}
	src := phase.load.source()
	if _, isFile := phase.load.(*fileLoad); !isFile {
		src += "/"
	}
	if _, err := way.farTime(); err != nil {
		return got, err
	}
	got.timing, err = c.once(ctx, contender{name: way.name, argv: way.command(src, filepath.Base(dst))}, dst)
	if err != nil {
		return got, err
	}
	if got.far, err = way.farTime(); err != nil {
		return got, err
	}
	if check {
		if wrong := phase.load.check(dst); wrong != nil {
			return got, fmt.Errorf("%s: the copy is not whole: %w", way.name, wrong)
		}
	}
	if !phase.keeps && !phase.again {
		err = c.clear(phase.load, dst)
	}
	return got, err
}

// place is where the copy of a way stands.
func (c *remoteCourse) place(phase remotePhase, way *remoteWay) string {
	return filepath.Join(c.dir, filepath.Base(phase.load.source())+"-"+way.name)
}

// clear frees the name dst, if there is something.
func (c *remoteCourse) clear(load benchLoad, dst string) error {
	if _, err := os.Lstat(dst); err != nil {
		return nil
	}
	return load.clear(dst, c.dir)
}

// remoteBench measures what cfg says and prints the result. It leaves nothing
// behind but, with cfg.Keep, the source.
func remoteBench(ctx context.Context, e *env, cfg *remoteBenchConfig) (err error) {
	page, err := newBenchPage(cfg.HTML)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.discard()) }()
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return err
	}
	to, err := filepath.Abs(cfg.To)
	if err != nil {
		return err
	}
	place, err := openBenchPlace(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	place2 := place
	if !sameFile(dir, to) {
		if place2, err = openBenchPlace(to); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, place2.close()) }()
	}
	if cfg.Cold && platform.FileSystemName(dir) == "tmpfs" {
		return errColdMemory
	}
	say := func(format string, a ...any) { e.errorf("bench: "+format, a...) }
	phases := cfg.phases(place)
	made := map[string]bool{}
	for _, phase := range phases {
		if made[phase.load.source()] {
			continue
		}
		made[phase.load.source()] = true
		defer func() { err = errors.Join(err, place.drop(phase.load, cfg.Keep)) }()
		if err := place.ensure(ctx, phase.load, say); err != nil {
			return err
		}
		if err := phase.load.measure(); err != nil {
			return err
		}
	}
	// Keys and configurations of the servers.
	keys, err := os.MkdirTemp("", "zccp-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(keys)) }()
	ways, stop, err := startWays(ctx, cfg.Ways, keys, place2.runs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c := &remoteCourse{course: course{dir: place2.runs, rounds: cfg.Rounds, cold: cfg.Cold, say: say}, ways: ways}
	r := newRemoteBenchReport(cfg, dir, to, e.args)
	for _, phase := range phases {
		all, err := c.run(ctx, phase)
		if err != nil {
			return err
		}
		r.add(phase, all, c.steal)
		for _, way := range ways {
			if phase.again {
				if err := c.clear(phase.load, c.place(phase, way)); err != nil {
					return err
				}
			}
		}
	}
	if err := page.publish(r.page()); err != nil {
		return err
	}
	if cfg.JSON {
		return writeBenchJSON(e.stdout, r)
	}
	return r.writeText(e.stdout)
}

// phases are what is measured, in order.
func (cfg *remoteBenchConfig) phases(place *benchPlace) []remotePhase {
	var all []remotePhase
	if cfg.Files > 0 {
		tree := &treeLoad{src: filepath.Join(place.base, "tree-"+strconv.Itoa(cfg.Files)), files: cfg.Files, shape: "tree"}
		all = append(all, remotePhase{name: "tree", title: "First copy of a tree", load: tree, keeps: true},
			remotePhase{name: "unchanged", title: "Nothing of the tree changed", load: tree, again: true})
	}
	if cfg.Size > 0 {
		all = append(all, remotePhase{name: "file", title: "One file", load: place.file(cfg.Size)})
	}
	return all
}
