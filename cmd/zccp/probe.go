package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// probeConfig is a probe command line, checked.
type probeConfig struct {
	Paths []string // one, or source and destination
	JSON  bool
}

func probeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object instead of a table, see docs/probe.md"},
		&cli.BoolFlag{Name: "help", Usage: "print this help and exit"},
	}
}

const probeHelpTemplate = `{{usage}}
{{.Description}}

Examples:
{{examples}}

{{range .Flags}}{{row .}}{{end}}
Exit status: 0 if the probe was made, whatever it found; else 1.
`

// printProbeHelp writes the help of probe.
func (e *env) printProbeHelp(w io.Writer) error {
	return e.printModeHelp(w, "probe", probeHelpTemplate, probeFlags(), nil)
}

// runProbe runs "probe [OPTION]... PATH [PATH]".
func runProbe(e *env, args []string) int {
	cfg, err := parseProbe(args)
	if err == errProbeHelp {
		return e.print(e.printProbeHelp)
	}
	if err != nil {
		e.errorf("probe: %v", err)
		e.hintf("'%s probe --help' says what it takes", e.prog)
		return exitFailure
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	calls := e.calls
	if calls == nil {
		calls = platform.Native()
	}
	r, err := probe(ctx, platform.Restarting(calls), cfg.Paths)
	if err != nil && (context.Cause(ctx) == nil || !errors.Is(err, ctx.Err())) {
		e.errorf("probe: %v", err)
	}
	if err != nil || ctx.Err() != nil {
		return exitCode(ctx, err != nil)
	}
	if cfg.JSON {
		return e.print(r.writeJSON)
	}
	return e.print(r.writeText)
}

// errProbeHelp: the command line asks for help.
var errProbeHelp = &usageError{text: "help"}

// parseProbe reads the command line after "probe".
func parseProbe(args []string) (*probeConfig, error) {
	line, err := newOptionTable(probeFlags()).normalise(args, false)
	if err != nil {
		return nil, err
	}
	cfg := &probeConfig{Paths: line.Operands}
	for _, s := range line.Settings {
		switch s.Option {
		case "json":
			cfg.JSON = true
		case "help":
			return nil, errProbeHelp
		}
	}
	switch {
	case len(cfg.Paths) == 0:
		return nil, usagef("say what to probe: a path, or a source and a destination")
	case len(cfg.Paths) > 2:
		return nil, usagef("extra operand %s", apply.Quote(cfg.Paths[2]))
	}
	return cfg, nil
}

// probeSite is a directory that is probed.
type probeSite struct {
	place   probePlace
	fd      platform.FD
	scratch *copier.Scratch // nil if there can be none, for the reason in err
	err     error
}

// probe finds out what can be done at a path or from the first to the second.
// Nothing is left behind; where that fails the error says so.
func probe(ctx context.Context, calls *platform.Calls, paths []string) (r *probeReport, err error) {
	var sites []*probeSite
	for _, path := range paths {
		s, err := openSite(calls, path)
		if err != nil {
			return nil, err
		}
		defer calls.Close(s.fd)
		sites = append(sites, s)
	}
	r = newProbeReport()
	for _, a := range copier.KernelAbilities(calls, sites[0].fd) {
		r.KernelCalls = append(r.KernelCalls, abilityItem(a))
	}
	defer func() {
		for _, s := range sites {
			if s.scratch == nil {
				continue
			}
			if e := s.scratch.Remove(); e != nil {
				err = fmt.Errorf("cannot remove the scratch files in %s: %s", apply.Quote(s.place.exactPath()), reason(e))
			}
		}
	}()
	for _, s := range sites {
		if err := s.probe(ctx, calls); err != nil {
			return nil, err
		}
	}
	src, dst := sites[0], sites[len(sites)-1]
	r.Source = src.place
	if dst != src {
		r.Destination = &dst.place
	}
	return r, r.between(ctx, dst, src)
}

// openSite opens the directory that path is, or that it is a file of.
func openSite(calls *platform.Calls, path string) (*probeSite, error) {
	failed := func(err error) (*probeSite, error) {
		return nil, fmt.Errorf("cannot access %s: %s", apply.Quote(path), reason(err))
	}
	info, err := os.Stat(path)
	if err != nil {
		return failed(err)
	}
	dir := path
	if !info.IsDir() {
		file, err := filepath.EvalSymlinks(path)
		if err != nil {
			return failed(err)
		}
		dir = filepath.Dir(file)
	}
	fs, err := platform.FileSystemOf(dir)
	if err != nil {
		return failed(err)
	}
	name, err := platform.MakeName(dir)
	if err != nil {
		return failed(err)
	}
	// By its path alone: it need not be readable to be written into.
	fd, err := calls.Openat(platform.CWD, name, platform.PathOnly|platform.Directory, 0)
	if err != nil {
		return failed(err)
	}
	return &probeSite{fd: fd, place: newProbePlace(dir, &fs)}, nil
}

// probe tries the abilities of the site, or says why they were not tried.
func (s *probeSite) probe(ctx context.Context, calls *platform.Calls) error {
	var st platform.Stat
	s.err = calls.Fstat(s.fd, &st)
	if s.err == nil {
		s.scratch, s.err = copier.NewScratch(calls, s.fd, st.Ino)
	}
	if s.err != nil {
		s.place.NotTried = reason(s.err)
		return nil
	}
	list, err := s.scratch.Abilities(ctx)
	for _, a := range list {
		s.place.Abilities = append(s.place.Abilities, abilityItem(a))
	}
	return err
}

// between tries to copy from one site to the other, or to itself.
func (r *probeReport) between(ctx context.Context, dst, src *probeSite) error {
	switch {
	case src.err != nil && dst != src:
		r.NotTried = "source: " + reason(src.err)
		return nil
	case dst.err != nil && dst != src:
		r.NotTried = "destination: " + reason(dst.err)
		return nil
	case src.err != nil:
		r.NotTried = reason(src.err)
		return nil
	}
	trials, err := copier.TryMethods(ctx, dst.scratch, src.scratch)
	if err == nil {
		var choices []copier.Choice
		choices, err = copier.TryChoices(ctx, dst.scratch, src.scratch)
		r.addTrials(trials, choices)
	}
	if err != nil && ctx.Err() == nil {
		// The source could not be made: the disk is full, or a quota is.
		r.Methods, r.Auto, r.NotTried = nil, nil, reason(err)
		return nil
	}
	return err
}
