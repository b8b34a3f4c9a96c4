package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

var _ apply.Reporter = (*report)(nil)

// report tells a user, or a program, what a copy does. What was asked for
// goes to stdout (-v, --explain, --dry-run, --stats, --json), messages and
// progress to stderr; without a terminal and without such an option nothing is
// printed but errors.
//
// Its life is newReport, Start, any calls of apply.Reporter's methods and of
// SetTotal from any goroutine, Finish.
type report struct {
	e        *env
	cfg      *copyConfig
	counters *apply.Counters
	events   []func(*apply.Event) // what prints an event, in order
	stdin    *bufio.Reader

	out      *output
	screen   *screen
	progress *progress
	json     *jsonReport // nil without --json

	status chan os.Signal // SIGUSR1 and its like
	failed func()         // called for each failure, if set
	done   chan struct{}
	wg     sync.WaitGroup
}

// newReport returns a report of the run that counters count. From here on
// SIGUSR1 no longer kills the program and is answered once Start was called.
func newReport(e *env, cfg *copyConfig, counters *apply.Counters) *report {
	r := &report{
		e: e, cfg: cfg, counters: counters,
		stdin:    bufio.NewReader(e.stdin),
		screen:   newScreen(e),
		progress: newProgress(counters, time.Now),
		status:   make(chan os.Signal, 1),
		done:     make(chan struct{}),
	}
	if signals := platform.StatusSignals(); len(signals) > 0 {
		signal.Notify(r.status, signals...)
	}
	r.out = newOutput(e.stdout, r.screen)
	switch {
	case cfg.JSON:
		// JSON replaces the other forms: it says all that they say.
		r.json = &jsonReport{out: r.out, dryRun: cfg.DryRun}
		r.events = append(r.events, r.json.event)
	case cfg.DryRun:
		r.events = append(r.events, r.printPlanned)
	default:
		if cfg.Verbose {
			r.events = append(r.events, r.printVerbose)
		}
		if cfg.Debug {
			r.events = append(r.events, r.printDebug)
		}
		if cfg.Explain {
			r.events = append(r.events, r.printExplained)
		}
	}
	return r
}

// wantsEvents reports whether Done prints anything, so that a run need not
// make up events for nobody.
func (r *report) wantsEvents() bool { return len(r.events) > 0 }

// SetTotal says how much there is to copy: regular files and the sum of their
// sizes. It is called once, when the count is complete; until then progress is
// shown without a percentage.
func (r *report) SetTotal(files, bytes int64) { r.progress.setTotal(files, bytes) }

// Start begins to report: the JSON start line, progress, answers to SIGUSR1.
// A closed stdout then no longer ends the program: losing the report of a copy
// is not to cost the copy.
func (r *report) Start() {
	signal.Ignore(syscall.SIGPIPE)
	r.progress.begin()
	if r.json != nil {
		r.json.start(r.e)
		r.out.flush() // who reads it may wait for it
	}
	r.wg.Go(r.tick)
}

// tick draws, flushes and answers signals until Finish.
func (r *report) tick() {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	shown := r.shown()
	pause := watchPauses()
	defer pause.end()
	interval := r.lineInterval(shown)
	lastFlush, lastLine := time.Now(), time.Now()
	for {
		select {
		case <-r.done:
			return
		case <-r.status:
			r.out.flush()
			r.screen.message(r.e.prog + ": " + r.progress.sample().text(r.screen.sep))
		case now := <-ticker.C:
			if away := pause.away(); away > 0 {
				r.progress.pause(away)
				now = time.Now() // the tick may be one from before
				lastLine = lastLine.Add(away)
			}
			s := r.progress.sample()
			if now.Sub(lastFlush) >= r.out.interval {
				r.out.flush()
				lastFlush = now
			}
			due := now.Sub(lastLine) >= interval
			switch {
			case shown == progressBar && s.elapsed >= barDelay:
				r.screen.draw(s)
			case shown == progressPlain && due:
				r.screen.message(r.e.prog + ": " + s.text(r.screen.sep))
				lastLine = now
			case shown == progressJSON && due:
				r.json.status(s)
				r.out.flush() // it is worth something now
				lastLine = now
			}
		}
	}
}

const (
	tickInterval = 100 * time.Millisecond
	barDelay     = 500 * time.Millisecond // shorter copies stay silent
)

// shown returns the form in which progress is shown: progressBar,
// progressPlain, progressJSON or progressNone. A program that stands in for cp
// shows none by itself.
func (r *report) shown() progressMode {
	switch r.cfg.Progress {
	case progressAuto:
		if r.screen.canDraw() && !r.e.asCp() {
			return progressBar
		}
		return progressNone
	case progressBar:
		if !r.screen.canDraw() {
			return progressPlain
		}
	}
	return r.cfg.Progress
}

// lineInterval is the time between two lines of progress.
func (r *report) lineInterval(shown progressMode) time.Duration {
	switch {
	case r.cfg.StatsInterval > 0:
		return r.cfg.StatsInterval
	case shown == progressJSON:
		return statusInterval
	}
	return plainInterval
}

// Done implements apply.Reporter.
func (r *report) Done(ev *apply.Event) {
	for _, print := range r.events {
		print(ev)
	}
}

// Problem implements apply.Reporter.
func (r *report) Problem(err error, hint string) {
	text := r.e.prog + ": " + printableText(err.Error())
	if hint != "" {
		text += "\n" + r.e.prog + ": hint: " + printableText(hint)
	}
	r.screen.problem(text)
	if r.json != nil {
		r.json.problem(err, hint)
	}
	if r.failed != nil {
		r.failed()
	}
}

// Note implements apply.Reporter.
func (r *report) Note(text string) {
	if !r.cfg.Quiet {
		r.screen.message(r.e.prog + ": " + printableText(text))
	}
	if r.json != nil {
		r.json.note(text)
	}
}

// Ask implements apply.Reporter. As in cp the answer is a line of stdin, and
// whatever does not begin with y means no.
func (r *report) Ask(question string) bool {
	r.out.flush()
	r.screen.pause(r.e.prog + ": " + printableText(strings.TrimRight(question, " ")) + " ")
	defer r.screen.resume()
	line, err := r.stdin.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return strings.HasPrefix(line, "y") || strings.HasPrefix(line, "Y")
}

// Finish ends the report: totals where they were asked for, and the rest of
// stdout. ctx is the one made by withSignals, not stopped yet; err is what
// ended the run early, or nil. It is printed here, unless a signal is what
// ended it. Finish returns the exit code: a run that counted failures, or whose
// report could not be written, did not succeed.
func (r *report) Finish(ctx context.Context, err error) int {
	close(r.done)
	r.wg.Wait()
	signal.Stop(r.status)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.As(err, new(signalError)) {
		r.Problem(err, "")
	}
	failed := err != nil || r.counters.Failed.Load() > 0
	s := r.progress.sample()
	code := exitCode(ctx, failed)
	shown := r.shown()
	explicit := r.cfg.Progress == progressBar || shown == progressPlain
	if r.json == nil {
		r.out.flush()
		r.screen.repeatProblems(r.e.prog)
	}
	if drawn := r.screen.dismiss(); shown == progressBar && drawn || explicit {
		r.screen.message(r.e.prog + ": " + r.summary(s, ctx))
	}
	switch {
	case r.json != nil:
		r.json.summary(s, r.counters, code, ctx)
	case r.cfg.DryRun:
		r.out.line(r.plannedTotals())
	}
	if r.cfg.Stats && r.json == nil {
		r.out.line(r.stats(s))
	}
	if err := r.out.close(); err != nil {
		r.screen.message(r.e.prog + ": write error: " + reason(err))
		code = max(code, exitFailure)
	}
	return code
}
