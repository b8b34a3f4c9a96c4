package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/local"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

// runCopy carries out a copy and returns the exit code.
func runCopy(e *env, cfg *copyConfig) int {
	if cfg.Route != nil {
		return copyRemote(e, cfg)
	}
	signals, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(signals, func() { dieLate(signals, cfg) })()
	uid := platform.EffectiveUID()
	calls, notLocal := kernel(e, cfg)
	n := jobs(cfg)
	if cfg.Recursive || len(cfg.Sources) > 1 {
		// Not for a single file, of whose time stopping the world twice is a tenth.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), n+bigJobs+2)))
	}
	runner := apply.NewRunner(apply.Options{
		Jobs:    n,
		BigJobs: bigJobs,
		Copier:  copier.New(calls, copierOptions(cfg, uid), uid),
	})
	rep := newReport(e, cfg, &runner.Counters)
	ctx, fail := failFast(signals, cfg.FailFast)
	rep.failed = fail
	runner.Opts.Report = rep
	runner.Opts.Events = rep.wantsEvents()
	rep.Start()
	options := localOptions(e, cfg)
	options.NotLocal = notLocal
	c := local.New(calls, runner, options)
	work, err := c.Plan(cfg.Sources, local.Target{
		Path:    cfg.Dest,
		Into:    cfg.DestRule == destDirectory,
		Exact:   cfg.DestRule == destFile,
		Parents: cfg.Parents,
	})
	if err == nil {
		stopCount := countAhead(ctx, calls, cfg, rep)
		runner.Run(ctx, work...)
		stopCount()
	}
	c.Close()
	runner.Opts.Copier.Close()
	if text := runner.LostSummary(); text != "" {
		rep.Note("note: " + text)
	}
	if errors.Is(context.Cause(ctx), errFailFast) {
		rep.Note(errFailFast.Error())
	}
	code := rep.Finish(signals, err)
	if errors.Is(err, local.ErrParents) {
		e.printTryHelp(e.stderr)
	}
	return code
}

// errFailFast is why a run ended that --fail-fast was given for.
var errFailFast = errors.New("stopping at the first failure")

// failFast returns a context for a run, and what to call for each failure of
// it: nil if it is to go on after failures.
func failFast(ctx context.Context, wanted bool) (context.Context, func()) {
	if !wanted {
		return ctx, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, func() { cancel(errFailFast) }
}

// kernel returns the table that a run makes its calls through, and what to
// call when it meets a file system that may not answer. Trees take the way that
// is quick for many small files.
func kernel(e *env, cfg *copyConfig) (calls *platform.Calls, notLocal func()) {
	switch {
	case e.calls != nil:
		return platform.Restarting(e.calls), func() {}
	case cfg.Recursive:
		calls, notLocal = platform.Prompt()
		return platform.Restarting(calls), notLocal
	}
	return platform.Restarting(platform.Native()), func() {}
}

// A run that was stopped by a signal ends as soon as its workers have let go of
// what they hold. One that hangs in a system call (a FIFO without a writer, a
// dead network file system) never does, so it is given this long. What it
// leaves the next run removes.
const (
	graceFile = 2 * time.Second
	graceTree = time.Minute // --atomic=tree removes all that it built
)

// dieLate ends the program by the signal that stopped it if the run is still
// not over.
func dieLate(ctx context.Context, cfg *copyConfig) {
	grace := graceFile
	if cfg.AtomicTree {
		grace = graceTree
	}
	time.Sleep(grace)
	dieBySignal(exitCode(ctx, true))
}

// countAhead counts the sources beside the copy if a bar or lines are to
// show a percentage, once it is known that the copy takes long enough for one. The
// returned function ends the count and waits for it.
func countAhead(ctx context.Context, calls *platform.Calls, cfg *copyConfig, rep *report) (stop func()) {
	if rep.shown() == progressNone {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(barDelay):
		}
		n := tree.Counter{Calls: calls, Follow: cfg.Dereference == dereferenceAlways, Links: cfg.Preserve.Links}
		for _, s := range cfg.Sources {
			if !n.Add(ctx, s, cfg.Dereference != dereferenceNever) {
				return
			}
		}
		rep.SetTotal(n.Files, n.Bytes)
	})
	return func() { cancel(); wg.Wait() }
}

// bigJobs is how many big files are copied beside the small ones: two keep a
// disk and a processor busy without ruining sequential access.
const bigJobs = 2

// defaultMaxJobs bounds the default: eight workers were the best for a cold tree on
// any number of processors, more gained nothing.
const defaultMaxJobs = 8

func jobs(cfg *copyConfig) int {
	switch {
	case cfg.Interactive:
		return 1 // questions come in the order of the tree
	case cfg.Jobs > 0:
		return cfg.Jobs
	}
	return min(defaultMaxJobs, max(2, runtime.GOMAXPROCS(0)))
}

func copierOptions(cfg *copyConfig, uid uint32) copier.Options {
	o := copier.Options{
		Preserve: copier.Preserve{
			Mode: cfg.Preserve.Mode, Owner: cfg.Preserve.Ownership, Times: cfg.Preserve.Timestamps,
			Xattr: cfg.Preserve.Xattr, NoMode: cfg.NoPreserveMode,
			RequireXattr: cfg.RequireXattr, RequireOwner: uid == 0,
		},
		AttributesOnly: cfg.AttributesOnly,
		Methods:        cfg.Methods,
		Cache:          cfg.Cache,
		Reflink:        [...]copier.When{reflinkAuto: copier.Auto, reflinkAlways: copier.Always, reflinkNever: copier.Never}[cfg.Reflink],
		Sparse:         [...]copier.When{sparseAuto: copier.Auto, sparseAlways: copier.Always, sparseNever: copier.Never}[cfg.Sparse],
		Verify:         [...]copier.Hash{verifyNone: copier.NoHash, verifyXXH3: copier.XXH3, verifyBLAKE3: copier.BLAKE3}[cfg.Verify],
		Fsync:          [...]copier.Durability{fsyncNone: copier.NoSync, fsyncData: copier.SyncData, fsyncFull: copier.SyncFull, fsyncBatch: copier.SyncBatch}[cfg.Fsync],

		PreserveSharing: cfg.Sharing,
	}
	if cfg.BandwidthLimit > 0 {
		o.Limit = copier.NewLimiter(cfg.BandwidthLimit)
	}
	return o
}

func localOptions(e *env, cfg *copyConfig) local.Options {
	return local.Options{
		Rules: plan.Rules{
			Recursive:         cfg.Recursive,
			CopyContents:      cfg.CopyContents,
			HardLink:          cfg.HardLink,
			SymbolicLink:      cfg.SymbolicLink,
			AttributesOnly:    cfg.AttributesOnly,
			Force:             cfg.Force,
			RemoveDestination: cfg.RemoveDestination,
			Ask:               cfg.Interactive,
			Update:            [...]plan.Update{updateAll: plan.UpdateAll, updateNone: plan.UpdateNone, updateNoneFail: plan.UpdateNoneFail, updateOlder: plan.UpdateOlder}[cfg.Update],
			KeepDirSymlink:    cfg.KeepDirectorySymlink,
			Backup:            cfg.Backup != backupNone,
			PreserveLinks:     cfg.Preserve.Links,
			InPlace:           cfg.Inplace,
		},
		Follow:        [...]local.Follow{dereferenceNever: local.FollowNever, dereferenceCommandLine: local.FollowOperands, dereferenceAlways: local.FollowAlways}[cfg.Dereference],
		OneFileSystem: cfg.OneFileSystem,
		Backup:        [...]local.BackupMode{backupNone: local.NoBackup, backupSimple: local.SimpleBackup, backupExisting: local.ExistingBackup, backupNumbered: local.NumberedBackup}[cfg.Backup],
		Suffix:        cfg.Suffix,
		DryRun:        cfg.DryRun,
		AtomicTree:    cfg.AtomicTree,
		POSIXDangling: e.getenv("POSIXLY_CORRECT") != "",
		Umask:         platform.Umask(),
	}
}
