package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// benchSync is the bench of zccp sync against rsync.
const benchSync = "sync"

// deletePlace is a word of a contender's command that is --delete where the
// phase deletes, and nothing where it does not.
const deletePlace = "{delete}"

// syncLoad is two versions of a tree of small files, a and b. One file in
// changedShare of a is another in b: edited, renamed or gone, in turn.
type syncLoad struct {
	src   string
	files int

	found [2]treeCount // of a and b
}

const changedShare = 100

func (l *syncLoad) source() string { return l.src }

// version is the path of a, for an even number, or b.
func (l *syncLoad) version(n int) string {
	return filepath.Join(l.src, [...]string{"a", "b"}[n%2])
}

func (l *syncLoad) size() (files, dirs int, bytes int64) {
	return l.found[0].files, l.found[0].dirs, l.found[0].bytes
}

func (l *syncLoad) String() string {
	s := fmt.Sprintf("%d files", l.files)
	if l.found[0].bytes > 0 {
		s += fmt.Sprintf(", %.1f MB in %d directories", float64(l.found[0].bytes)/1e6, l.found[0].dirs)
	}
	return s
}

// make makes both versions.
func (l *syncLoad) make(ctx context.Context, path string) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	at := syncLoad{src: path}
	for n := range 2 {
		tree := treeLoad{files: l.files, shape: "tree"}
		if err := tree.make(ctx, at.version(n)); err != nil {
			return err
		}
	}
	if err := change(at.version(1)); err != nil {
		return err
	}
	for n := range 2 {
		if err := settle(at.version(n)); err != nil {
			return err
		}
	}
	return nil
}

// change makes of a tree what another day left of it.
func change(path string) error {
	var names []string
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := 0; i < len(names); i += changedShare {
		switch name := names[i]; i / changedShare % 3 {
		case 0:
			err = edit(name)
		case 1:
			err = os.Rename(name, name+".renamed")
		default:
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// edit appends a line, a day after the file was made.
func edit(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("one more line\n")
	later := info.ModTime().Add(24 * time.Hour)
	return errors.Join(err, f.Close(), os.Chtimes(name, later, later))
}

// settle gives all directories one time: that they were made at different times
// in the two versions is no change.
func settle(path string) error {
	old := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chtimes(name, old, old)
	})
}

func (l *syncLoad) measure() (err error) {
	for n := range l.found {
		if l.found[n], err = countTree(l.version(n)); err != nil {
			return err
		}
	}
	return nil
}

// check compares dst with a; the phases compare with the version they copied.
func (l *syncLoad) check(dst string) error { return l.checkVersion(dst, 0) }

func (l *syncLoad) checkVersion(dst string, n int) error {
	tree := treeLoad{found: l.found[n%2]}
	return tree.check(dst)
}

func (l *syncLoad) clear(dst, dir string) error { return (&treeLoad{}).clear(dst, dir) }

// benchPhase is one kind of run of a synchronisation.
type benchPhase struct {
	name, title string
	deletes     bool
	fresh       bool // there is no destination before
	other       bool // the destination holds the other version
}

func benchPhases() []benchPhase {
	return []benchPhase{
		{name: "first", title: "First copy", fresh: true},
		{name: "unchanged", title: "Nothing changed"},
		{name: "changed", title: fmt.Sprintf("One file in %d edited, renamed or deleted", changedShare), deletes: true, other: true},
	}
}

// benchSyncReport is the result of a bench of sync as --json prints it: what is the
// same for all phases, and the phases.
type benchSyncReport struct {
	*benchReport
	Tools  []benchTool        `json:"tools,omitempty"` // those of the phases stand there
	Phases []benchPhaseReport `json:"phases"`
}

type benchPhaseReport struct {
	Phase string      `json:"phase"` // first, unchanged or changed
	Steal *float64    `json:"steal_percent,omitempty"`
	Tools []benchTool `json:"tools"`
	title string
}

// syncCourse is a course in which every contender keeps its own destination
// from phase to phase.
type syncCourse struct {
	course
	tree  *syncLoad
	holds map[string]int // version at the destination, by contender
}

// run times the contenders in one phase.
func (c *syncCourse) run(ctx context.Context, phase benchPhase, contenders []contender) ([]series, error) {
	return c.series(contenders, phase.name+": all contenders made a whole copy", func(who contender, check bool) (timing, error) {
		return c.turn(ctx, phase, who, check)
	})
}

func (c *syncCourse) turn(ctx context.Context, phase benchPhase, who contender, check bool) (timing, error) {
	dst := filepath.Join(c.dir, "dst-"+who.name)
	if phase.fresh {
		if _, err := os.Lstat(dst); err == nil {
			if err := c.tree.clear(dst, c.dir); err != nil {
				return timing{}, err
			}
		}
		c.holds[who.name] = 0
	}
	if phase.other {
		c.holds[who.name]++
	}
	version := c.holds[who.name]
	argv := slices.DeleteFunc(slices.Clone(who.argv), func(word string) bool { return word == deletePlace && !phase.deletes })
	for i, word := range argv {
		if word == deletePlace {
			argv[i] = "--delete"
		}
	}
	run := contender{name: who.name, argv: contender{argv: argv}.command(c.tree.version(version), dst)}
	got, err := c.once(ctx, run, dst)
	if err == nil && check {
		if wrong := c.tree.checkVersion(dst, version); wrong != nil {
			err = fmt.Errorf("%s: the copy is not whole: %w", who.name, wrong)
		}
	}
	return got, err
}

// benchSyncs measures what cfg says below cfg.Dir and prints the result. It
// leaves nothing behind but, with cfg.Keep, the source.
func benchSyncs(ctx context.Context, e *env, cfg *benchConfig) (err error) {
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
	load := &syncLoad{src: filepath.Join(place.base, "sync-"+strconv.Itoa(cfg.Files)), files: cfg.Files}
	defer func() { err = errors.Join(err, place.drop(load, cfg.Keep)) }()
	if err := place.ensure(ctx, load, say); err != nil {
		return err
	}
	if err := load.measure(); err != nil {
		return err
	}
	c := syncCourse{course: course{load: load, dir: place.runs, rounds: cfg.Rounds, cold: cfg.Cold, say: say}, tree: load, holds: map[string]int{}}
	r := benchSyncReport{benchReport: newBenchReport(cfg, load, dir)}
	if cfg.Cold && r.FileSystem == "tmpfs" {
		return errColdMemory
	}
	for _, phase := range benchPhases() {
		all, err := c.run(ctx, phase, cfg.Against)
		if err != nil {
			return err
		}
		one := *r.benchReport
		one.add(all, c.steal)
		r.Phases = append(r.Phases, benchPhaseReport{phase.name, one.Steal, one.Tools, phase.title})
	}
	if err := page.publish(r.page(e.args)); err != nil {
		return err
	}
	if cfg.JSON {
		return writeBenchJSON(e.stdout, r)
	}
	return r.writeText(e.stdout)
}

// phase returns the report of one phase as one of a bench of programs.
func (r benchSyncReport) phase(p benchPhaseReport) *benchReport {
	one := *r.benchReport
	one.Steal, one.Tools = p.Steal, p.Tools
	one.Load = p.title + ": " + r.Load
	return &one
}

func (r benchSyncReport) writeText(w io.Writer) error {
	for i, p := range r.Phases {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := r.phase(p).writeText(w); err != nil {
			return err
		}
	}
	return nil
}

func (r benchSyncReport) page(command []string) *benchDocument {
	d := r.phase(r.Phases[0]).page(command)
	d.Heading = fmt.Sprintf("%s, %s cache, %d rounds after one to warm up.", r.Load, r.Cache, r.Rounds)
	d.Sections = nil
	for _, p := range r.Phases {
		section := r.phase(p).page(command).Sections[0]
		section.Title = p.title
		d.Sections = append(d.Sections, section)
	}
	return d
}
