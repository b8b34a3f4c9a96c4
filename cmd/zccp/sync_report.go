package main

import (
	"errors"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

var _ mirror.Reporter = (*syncReport)(nil)

// syncReport tells what a synchronisation does, in rsync's words where programs
// read them: entries, progress and totals on stdout, errors on stderr.
//
// Its life is newSyncReport, Start, calls of mirror.Reporter's methods from any
// goroutine, Finish.
type syncReport struct {
	e       *env
	cfg     *syncConfig
	out     *output
	screen  *screen
	escape  escaper
	format  *itemFormat
	log     *syncLog    // nil without --log-file
	undone  atomic.Bool // the run was refused: there are no totals
	json    *jsonReport
	started time.Time
	kinds   [256]atomic.Int64 // failures of each mirror.Kind
	failed  func()            // called for each failure, if set

	mu       sync.Mutex
	progress bool // a progress line stands on stdout, not ended yet
}

func newSyncReport(e *env, cfg *syncConfig) *syncReport {
	r := &syncReport{e: e, cfg: cfg, screen: newScreen(e), started: time.Now()}
	r.out = newOutput(e.stdout, r.screen)
	r.escape = escaper{utf8: e.utf8(), eightBit: cfg.Output.EightBit, terminal: r.out.shared}
	r.format = newItemFormat(cfg, cfg.Output.Format)
	if cfg.Output.JSON {
		r.json = &jsonReport{out: r.out, dryRun: cfg.Mirror.DryRun}
	}
	return r
}

// onFailure is called before Start: f is to be called for each failure.
func (r *syncReport) onFailure(f func()) { r.failed = f }

// Start prints what stands in front of the entries. A log that can't be written
// is said and done without, as in rsync.
func (r *syncReport) Start() {
	signal.Ignore(syscall.SIGPIPE) // losing the report is not to cost the copy
	o := &r.cfg.Output
	if r.json != nil {
		r.json.start(r.e)
		r.out.flush()
	}
	if o.LogFile != "" {
		log, err := openSyncLog(o.LogFile, r.cfg, r.escape)
		if err != nil {
			r.message("failed to open log-file " + r.escape.escape(o.LogFile) + ": " + reason(err) + "\nIgnoring \"log file\" setting.")
		} else {
			r.log = log
			r.log.line("building file list")
		}
	}
	if o.Info[infoFlist] > 0 {
		// rsync does these two differently, and programs wait for the first line.
		m := &r.cfg.Mirror
		whole := m.Delete == mirror.DeleteBefore || m.Delete == mirror.DeleteAfter || m.DelayUpdates || m.PruneEmpty
		switch {
		case m.Recursive && (!whole || m.ListOnly):
			if r.cfg.Route.pulls() {
				r.say("receiving incremental file list")
				break
			}
			r.say("sending incremental file list")
		case (m.Recursive || m.Dirs) && r.cfg.Route.pulls():
			r.say("receiving file list ... done")
		case m.Recursive || m.Dirs:
			r.say("building file list ... done")
		}
	}
}

// say prints a line of information.
func (r *syncReport) say(text string) {
	switch o := &r.cfg.Output; {
	case r.json != nil || o.Quiet:
	case o.Stderr == stderrAll:
		r.screen.message(text)
	default:
		r.line(text)
	}
}

// line prints a line on stdout, below a progress line that stands there.
func (r *syncReport) line(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.progress {
		text = "\n" + text
		r.progress = false
	}
	r.out.line(text)
	if r.cfg.Output.Buffer == bufferLine {
		r.out.flush()
	}
}

// message prints what is no information.
func (r *syncReport) message(text string) { r.tell(r.prefixed(text), r.screen.message) }

func (r *syncReport) prefixed(text string) string {
	return r.e.prog + ": " + strings.ReplaceAll(text, "\n", "\n"+r.e.prog+": ")
}

func (r *syncReport) tell(text string, print func(string)) {
	if r.cfg.Output.Stderr == stderrClient && r.json == nil {
		r.line(text)
		return
	}
	print(text)
}

// Item implements mirror.Reporter.
func (r *syncReport) Item(ev *mirror.Event) {
	if r.json != nil {
		r.json.syncItem(ev, r.cfg)
	}
	o := &r.cfg.Output
	deleted := ev.Flags&plan.FlagDeleted != 0
	switch {
	case r.json != nil:
	case r.cfg.Mirror.ListOnly:
		r.say(r.escape.escape(listLine(ev, o)))
	case deleted && o.Info[infoDel] == 0 && o.Format == "":
	case deleted && !o.HasOp:
		r.say("deleting " + r.escape.escape(nameOf(ev)))
	case !r.wanted(ev):
	case o.Items == 0 && !ev.Flags.Significant() && o.Info[infoName] > 1 && !r.linksAnew(ev):
		// Of directories those that are made like an alternate's have a line.
		if ev.Mode&platform.ModeType != platform.ModeDir || ev.Flags&plan.FlagLocalChange != 0 {
			r.say(r.escape.escape(nameOf(ev)) + " is uptodate")
		}
	case o.Format != "":
		r.say(r.escape.escape(r.format.line(ev)))
	}
	if o.Explain && r.json == nil && ev.Result != nil {
		r.say(explainItem(r.escape.escape(nameOf(ev)), ev.Result))
	}
	if r.log != nil && (ev.Flags.Significant() || o.Items > 1) {
		r.log.item(ev)
	}
}

// linksAnew reports whether an entry is a new name of another one of the
// transfer although it is as an alternate has it, and not a link to that.
func (r *syncReport) linksAnew(ev *mirror.Event) bool {
	m := &r.cfg.Mirror
	return ev.Flags&plan.FlagHardLink != 0 && ev.Link != "" && len(m.AltDests) > 0 && m.AltKind != mirror.AltLink
}

// wanted reports whether an entry has a line, by rsync's rules: without %i not
// where only attributes of a file change, and with --info=name0 not where data
// are transferred.
func (r *syncReport) wanted(ev *mirror.Event) bool {
	o := &r.cfg.Output
	significant := ev.Flags.Significant()
	dir := ev.Mode&platform.ModeType == platform.ModeDir
	switch {
	case ev.Flags&plan.FlagDeleted != 0:
		return true
	case ev.Flags&plan.FlagTransfer != 0:
		return o.Info[infoName] > 0
	case o.Items > 0:
		return significant || o.Items > 1 || o.Info[infoName] > 1 || ev.Link != "" && ev.Flags&plan.FlagHardLink != 0
	case o.Info[infoName] > 1:
		return true
	}
	return r.linksAnew(ev) || significant && (ev.Flags&plan.FlagLocalChange != 0 || dir)
}

// Problem implements mirror.Reporter.
func (r *syncReport) Problem(kind mirror.Kind, err error, hint string) {
	r.kinds[kind].Add(1)
	if errors.As(err, new(*mirror.Failure)) {
		r.undone.Store(true)
	}
	text := printableText(err.Error())
	line := r.prefixed(text)
	words := rsyncProblem(kind, text, err)
	if r.log != nil {
		r.log.line(words)
	}
	if r.e.asRsync() {
		line = words
	}
	if hint != "" {
		line += "\n" + r.prefixed("hint: "+printableText(hint))
	}
	r.tell(line, r.screen.problem)
	if r.json != nil {
		r.json.problem(err, hint)
	}
	if r.failed != nil {
		r.failed()
	}
}

// Note implements mirror.Reporter. What rsync would put under one of several
// flags of --info comes by its level here.
func (r *syncReport) Note(level int, text string) {
	i := &r.cfg.Output.Info
	var shown bool
	switch level {
	case 0:
		shown = i[infoNonreg] > 0 || !strings.HasPrefix(text, "skipping non-regular file")
	case 1:
		shown = i[infoName] > 0 || i[infoCopy] > 0 || i[infoMisc] > 0 || i[infoSymsafe] > 0
	default:
		shown = i[infoBackup] > 0 || i[infoMisc] > 1 || i[infoMount] > 0 || i[infoRemove] > 0 || i[infoSkip] > 0
	}
	if !shown {
		return
	}
	if r.json != nil {
		r.json.note(text)
		return
	}
	text = r.escape.escape(text)
	if r.log != nil {
		r.log.line(text)
	}
	r.say(text)
}

// Finish prints the totals, and what the exit code means if it is not 0, and
// returns the code.
func (r *syncReport) Finish(s mirror.Stats, code int) int {
	elapsed := time.Since(r.started)
	if r.json != nil {
		r.json.syncSummary(s, code, elapsed)
	}
	switch code {
	case exitSelection, exitFileIO, exitStart, exitConnect:
		r.undone.Store(true) // at the other end, if not here
	}
	if !r.undone.Load() {
		for _, line := range syncTotals(s, r.cfg, elapsed) {
			r.say(line)
		}
	}
	if r.log != nil && !r.undone.Load() {
		for _, line := range logTotals(s, r.cfg, elapsed) {
			r.log.line(line)
		}
	}
	r.mu.Lock()
	r.progress = false
	r.mu.Unlock()
	if err := r.out.close(); err != nil {
		r.screen.message(r.e.prog + ": write error: " + reason(err))
		if code == exitOK {
			code = exitFileIO
		}
	}
	if r.json == nil {
		r.screen.repeatProblems(r.e.prog)
	}
	if code != exitOK {
		r.tell(r.e.syncEnding(code), r.screen.message)
	}
	if r.log != nil {
		if code != exitOK {
			r.log.line(rsyncEnding(code))
		}
		if err := r.log.close(); err != nil {
			r.message("cannot write log-file: " + reason(err))
		}
	}
	if r.cfg.Output.Stderr == stderrClient {
		r.out.flush()
	}
	return code
}

// code returns the exit code of the failures that were reported. A run that a
// guard stopped needs its user more than one that could not read a file; the
// others stand in rsync's order.
func (r *syncReport) code() int {
	for _, k := range []struct {
		kind mirror.Kind
		code int
	}{
		{mirror.KindUsage, exitFailure},
		{mirror.KindSelection, exitSelection},
		{mirror.KindFile, exitFileIO},
		{mirror.KindGuard, exitGuard},
		{mirror.KindStopped, exitTimeout},
		{mirror.KindPartial, exitPartial},
		{mirror.KindChanged, exitChanged},
		{mirror.KindVanished, exitVanished},
		{mirror.KindDelete, exitMaxDelete},
	} {
		if r.kinds[k.kind].Load() > 0 {
			return k.code
		}
	}
	return exitOK
}
