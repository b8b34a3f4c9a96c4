package main

import (
	"context"
	"io"
	"runtime"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/verify"
)

// Exit codes of verify beside those of all modes: those of diff(1) and cmp(1).
const (
	exitDifferent = 1
	exitTrouble   = 2
)

// verifyStatus is the table of verify's exit codes; its help prints it.
func verifyStatus() []exitRow {
	return []exitRow{
		{"0", "everything was compared and is the same"},
		{"1", "everything was compared, and something differs"},
		{"2", "something could not be compared, whatever else differs, or the command line was wrong"},
		{"70", "a bug in zccp; nothing is known of the trees"},
		{"128+N", "ended by signal N before everything was compared"},
	}
}

const verifyHelpTemplate = `{{usage}}
{{.Description}}

Examples:
{{examples}}
{{range groups .Flags}}
{{.Name}}:
{{range .Flags}}{{row .}}{{end}}{{end}}
Every difference is a line on stdout, see docs/verify.md.

Exit status:
{{range status}}{{printf "  %-7s %s" .Code .Meaning}}
{{end}}`

// printVerifyHelp writes the help of verify.
func (e *env) printVerifyHelp(w io.Writer) error {
	return e.printModeHelp(w, "verify", verifyHelpTemplate, verifyFlags(), map[string]any{"status": verifyStatus})
}

// runVerify runs "verify [OPTION]... SRC DST".
func runVerify(e *env, args []string) int {
	cfg, err := parseVerify(e, args)
	switch {
	case err != nil:
		e.errorf("verify: %v", err)
		e.hintf("'%s verify --help' says what it takes", e.prog)
		return exitTrouble
	case cfg.Help:
		if e.print(e.printVerifyHelp) != exitOK {
			return exitTrouble
		}
		return exitOK
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() { dieLate(ctx, &copyConfig{}) })()
	// The calls that are quick for many small files.
	calls, notLocal := kernel(e, &copyConfig{Recursive: true})
	n := jobs(&copyConfig{Jobs: cfg.Jobs})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), n+bigJobs+2)))
	runner := apply.NewRunner(apply.Options{
		Jobs:    n,
		BigJobs: bigJobs,
		Copier:  copier.New(calls, copier.Options{}, platform.EffectiveUID()),
	})
	rep := newVerifyReport(e, cfg)
	runner.Opts.Report = rep
	v := verify.New(calls, runner, cfg.Src, cfg.Dst, verify.Options{
		Ignore: cfg.Ignore, Hash: cfg.Hash, Quick: cfg.Quick, Window: cfg.Window, Allocation: cfg.Allocation,
		Report: rep, NotLocal: notLocal,
	})
	rep.start()
	answered := onStatus(func() { rep.status(v, &runner.Counters) })
	v.Run(ctx)
	answered()
	return rep.finish(ctx, v, &runner.Counters)
}

// verifyCode turns the outcome of a comparison into an exit code.
func verifyCode(ctx context.Context, differences, problems int64) int {
	switch code := exitCode(ctx, problems > 0); {
	case code == exitFailure:
		return exitTrouble
	case code == exitOK && differences > 0:
		return exitDifferent
	default:
		return code
	}
}
