package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/mirror"
)

// asRsync reports whether the program was called by the name rsync. It then
// stands in for it in scripts, as sync mode.
func (e *env) asRsync() bool { return e.prog == "rsync" }

// runSync is the personality of rsync. args are those behind the word sync.
func runSync(e *env, args []string) int {
	cfg, err := parseSync(e, args)
	if err != nil {
		return e.refuseSync(err)
	}
	switch {
	case cfg.Help:
		return e.print(e.printSyncHelp)
	case cfg.Version == 1:
		return e.print(printSyncVersion)
	case cfg.Version == 2:
		return e.print(printSyncVersionJSON)
	case cfg.Listing == "info":
		return e.print(printInfoHelp)
	case cfg.Listing == "debug":
		return e.print(printDebugHelp)
	}
	if cfg.Route != nil {
		return synchroniseRemote(e, cfg)
	}
	return synchronise(e, cfg, newSyncReport(e, cfg))
}

// refuseSync prints why a command line is not carried out, and returns the code.
func (e *env) refuseSync(err error) int {
	e.errorf("%v", err)
	code, hint := exitFailure, ""
	var usage *usageError
	var coded *syncError
	switch {
	case errors.As(err, &coded):
		code, hint = coded.code, coded.hint
	case errors.As(err, &usage):
		hint = usage.hint
	}
	if hint != "" {
		e.hintf("%s", hint)
	}
	if code == exitFailure {
		e.hintf("%s prints what options there are", e.syncCommand()+" --help")
	}
	fmt.Fprintln(e.stderr, e.syncEnding(code))
	return code
}

// syncCommand is how this mode was called.
func (e *env) syncCommand() string {
	if e.asRsync() {
		return e.prog
	}
	return e.prog + " sync"
}

// errTimeout is why a run ended that --timeout gave up.
var errTimeout = errors.New("timeout")

// syncReporter is what a run reports to: syncReport, or one that tells something
// else of a run.
type syncReporter interface {
	mirror.Reporter
	Start()
	watch(m *mirror.Mirror, expire func()) *syncWatch
	onFailure(f func())
	message(text string)
	code() int
	Finish(s mirror.Stats, code int) int
}

// synchronise carries out a run, tells rep of it and returns the exit code. As
// in rsync it ends with 20 after a signal, not by the signal.
func synchronise(e *env, cfg *syncConfig, rep syncReporter) int {
	signals, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(signals, func() { dieLate(signals, &copyConfig{}) })()
	ctx, cancel := context.WithCancelCause(signals)
	defer cancel(nil)
	if cfg.Bandwidth > 0 {
		cfg.Mirror.Copier.Limit = copier.NewLimiter(cfg.Bandwidth)
	}
	cfg.Mirror.Memory = newMountMemory(e)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), cfg.Mirror.Jobs+bigJobs+2)))
	calls, notLocal := kernel(e, &copyConfig{Recursive: cfg.Mirror.Recursive})
	cfg.Mirror.NotLocal = notLocal
	if cfg.FailFast {
		rep.onFailure(func() { cancel(errFailFast) })
	}
	m := mirror.New(calls, cfg.Mirror, rep)
	rep.Start()
	watch := rep.watch(m, func() { cancel(errTimeout) })
	err := m.Run(ctx, cfg.Sources, cfg.Dest)
	watch.stop()
	code := exitOK
	var failure *mirror.Failure
	switch {
	case errors.As(context.Cause(signals), new(signalError)):
		code = exitInterrupted
	case errors.Is(context.Cause(ctx), errTimeout):
		code = exitTimeout
		rep.message("timeout: nothing was transferred for " + cfg.Timeout.String())
	case errors.Is(context.Cause(ctx), errFailFast):
		code = rep.code()
		rep.message(errFailFast.Error())
	case errors.As(err, &failure):
		rep.Problem(failure.Kind, failure, "")
		code = rep.code()
	case err != nil:
		rep.Problem(mirror.KindPartial, err, "")
		code = rep.code()
	default:
		code = rep.code()
	}
	return rep.Finish(m.Stats(), code)
}
