package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/remote"
	"github.com/zccp/zccp/sync/wire"
)

// remoteRun is one session with one other machine, of either mode.
type remoteRun struct {
	e     *env
	cfg   *syncConfig // of this session alone
	place *remotePlace
	copy  *copyEnds // of copy mode
}

// sessionReport is what a session tells of itself, beside what its Mirror tells.
type sessionReport interface {
	mirror.Reporter
	// onFailure is called before begin: f is to be called for each failure.
	onFailure(f func())
	// begin is called before anything is connected; the returned function ends
	// what looks after the run, and is told its totals.
	begin(m *mirror.Mirror) (over func(s mirror.Stats))
	// connected is called when there is a connection. Before that nothing is drawn: ssh
	// may be asking for a password on the terminal.
	connected()
	// stderr is where ssh and the far end print.
	stderr() io.Writer
	// said prints what the link has to say.
	said(text string)
	// end prints the totals and returns the exit code. code is what ended the
	// session, exitOK if nothing did; route says how contents went, "" if they
	// did not.
	end(ctx context.Context, s mirror.Stats, code int, route string) int
}

// errConnectTimeout is why connecting was given up.
var errConnectTimeout = errors.New("no connection within the time of --contimeout")

// run carries the session out and returns its exit code. ctx is the one made by
// withSignals.
func (r *remoteRun) run(ctx context.Context, rep sessionReport) int {
	cfg := r.cfg
	bounded, fail := failFast(ctx, cfg.FailFast)
	rep.onFailure(fail)
	if cfg.Bandwidth > 0 && cfg.Route.Push { // the sender keeps to the limit
		cfg.Mirror.Copier.Limit = copier.NewLimiter(cfg.Bandwidth)
	}
	if cfg.Route.Push {
		cfg.Mirror.Memory = newMountMemory(r.e)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), cfg.Mirror.Jobs+bigJobs+2)))
	calls, notLocal := kernel(r.e, &copyConfig{Recursive: cfg.Mirror.Recursive})
	cfg.Mirror.NotLocal = notLocal
	work := new(remote.Work)
	held := &heldReport{sessionReport: rep, met: make(chan struct{})}
	m := mirror.New(work.Counted(calls), cfg.Mirror, held)
	over := rep.begin(m)
	stats, route, err := r.session(bounded, m, work, held)
	over(stats)
	code := exitOK
	if errors.As(context.Cause(ctx), new(signalError)) {
		code = exitInterrupted
	} else if errors.Is(context.Cause(bounded), errFailFast) {
		rep.said(errFailFast.Error())
	} else if err != nil {
		var hint string
		var kind mirror.Kind
		code, hint, kind = sessionFailure(err)
		if _, found := os.Lstat(r.place.Text); found == nil && errors.As(err, new(*link.Error)) {
			hint = "a file here is called " + apply.Quote(r.place.Text) + "; if that is meant, write ./" + r.place.Text
		}
		rep.Problem(kind, err, hint)
	}
	return rep.end(ctx, stats, code, route)
}

// session connects and runs. An error is what ended it.
func (r *remoteRun) session(ctx context.Context, m *mirror.Mirror, work *remote.Work, rep *heldReport) (s mirror.Stats, route string, err error) {
	if r.cfg.Mirror.InPlace && r.cfg.Remote.Security == link.Plain && r.cfg.Remote.Path != link.SSH {
		// What arrives on plain streams counts once its sum is right. Here it would
		// stand in the file by then.
		r.cfg.Remote.Path = link.SSH
		rep.said("contents go encrypted, because --inplace leaves no time to check them")
	}
	var l *link.Link
	quiet := func() {}
	meet := func(ctx context.Context, job []byte) (*link.Link, error) {
		defer close(rep.met)
		var err error
		if l, err = r.dial(ctx, job, rep.stderr()); err == nil {
			rep.connected()
			quiet = relay(l, rep)
		}
		return l, err
	}
	if job := r.job(); job.Push {
		s, err = remote.Push(ctx, meet, m, work, job, r.cfg.Sources, rep)
	} else {
		s, err = remote.Pull(ctx, meet, m, work, job, r.cfg.Dest, rep)
	}
	if l == nil {
		return s, "", err
	}
	defer l.Close()
	quiet()
	return s, l.Route(), err
}

// heldReport holds back what a walk has to tell until it is known whether there is a
// connection: it would stand in the middle of a question of ssh's.
type heldReport struct {
	sessionReport
	met chan struct{}
}

// Problem implements mirror.Reporter.
func (h *heldReport) Problem(kind mirror.Kind, err error, hint string) {
	<-h.met
	h.sessionReport.Problem(kind, err, hint)
}

// Note implements mirror.Reporter.
func (h *heldReport) Note(level int, text string) {
	<-h.met
	h.sessionReport.Note(level, text)
}

// relay tells what the link has to say, while it turns up, until the returned
// function is called.
func relay(l *link.Link, rep sessionReport) (stop func()) {
	said := 0
	tell := func() {
		notes := l.Notes()
		for _, text := range notes[said:] {
			rep.said(text)
		}
		said = len(notes)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(tickInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				tell()
				return
			case <-ticker.C:
				tell()
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// dial connects to the place; the job goes along.
func (r *remoteRun) dial(ctx context.Context, job []byte, stderr io.Writer) (*link.Link, error) {
	o := &r.cfg.Remote
	opts, err := o.linkOptions(r.e)
	if err != nil {
		return nil, err
	}
	opts.First, opts.Stderr = job, stderr
	if o.Connect > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, o.Connect, errConnectTimeout)
		defer cancel()
		ctx = limited
	}
	var l *link.Link
	if r.place.Daemon {
		l, err = link.DialDaemon(ctx, opts, r.place.address())
	} else {
		l, err = link.DialSSH(ctx, opts, r.place.Host)
	}
	if err != nil && errors.Is(context.Cause(ctx), errConnectTimeout) {
		return nil, &link.Error{Code: link.CodeConnect, Text: "cannot connect to " + r.place.Host + ": " + errConnectTimeout.Error(), Err: err}
	}
	return l, err
}

// address is the URL of a daemon's export.
func (p *remotePlace) address() string {
	text := p.label("")
	if p.Pin != "" {
		text += "?pin=" + p.Pin
	}
	return text
}

// minTimeout is the shortest --timeout: an end that has nothing to say says so
// every five seconds, and one of these may be late.
const minTimeout = 12 * time.Second

// linkOptions returns the choices of this end of a connection.
func (o *remoteOptions) linkOptions(e *env) (link.Options, error) {
	version, _ := buildVersion()
	opts := link.Options{
		RemoteZCCP: o.Zccp, Path: o.Path, Security: o.Security, KTLS: o.KTLS, DataPorts: o.Ports, Streams: o.Streams,
		Program: version, KeyFile: o.Key,
	}
	if o.Timeout > 0 {
		opts.Idle = max(o.Timeout, minTimeout)
	}
	command := o.SSH
	if command == "" {
		command = e.getenv("RSYNC_RSH")
	}
	if command != "" {
		words, err := splitCommand(command)
		if err != nil {
			return opts, &syncError{exitFailure, "--ssh: " + err.Error(), ""}
		}
		opts.Shell = words
	}
	return opts, nil
}

// splitCommand parts a command at blanks. As for rsync -e, quotes keep blanks
// together, a doubled quote within quotes is one, and nothing else is special.
func splitCommand(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, in := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote && i+1 < len(s) && s[i+1] == quote:
			word.WriteByte(c)
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				words, in = append(words, word.String()), false
				word.Reset()
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	switch {
	case quote != 0:
		return nil, errors.New("a quote is missing")
	case in:
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("the command is empty")
	}
	return words, nil
}

// job is what the other end is told.
func (r *remoteRun) job() *wire.Job {
	job := &wire.Job{Push: r.cfg.Route.Push, Words: r.cfg.Words, CopyRules: r.cfg.Mirror.NameDirs}
	if job.Push {
		job.Dest = []byte(r.cfg.Dest)
		if r.copy != nil && r.copy.ToFile {
			job.Sources = [][]byte{nil}
		}
		return job
	}
	for _, s := range r.cfg.Sources {
		job.Sources = append(job.Sources, []byte(s))
	}
	return job
}

// sessionFailure turns what ended a session into an exit code, a cure, and what
// kind of failure it is.
func sessionFailure(err error) (code int, hint string, kind mirror.Kind) {
	var ours *syncError
	var far *remote.Error
	var failure *mirror.Failure
	var connection *link.Error
	switch {
	case errors.As(err, &ours):
		return ours.code, ours.hint, mirror.KindPartial
	case errors.As(err, &far):
		return far.Code, far.Hint, mirror.KindPartial
	case errors.As(err, &failure):
		return failureCode(failure.Kind), "", failure.Kind
	case errors.As(err, &connection):
		return connection.Code, connection.Hint, mirror.KindPartial
	}
	return exitSocket, "", mirror.KindPartial
}

// synchroniseRemote is synchronise with an end on another machine: each place in
// turn. What it returns is the first code that is not 0.
func synchroniseRemote(e *env, cfg *syncConfig) int {
	ctx, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() { dieLate(ctx, &copyConfig{}) })()
	cfg.Remote.Timeout = cfg.Timeout
	cfg.Timeout = 0 // the link's to mind
	places := cfg.Route.Places
	if !cfg.Route.Push {
		places = places[:1]
	}
	worst := exitOK
	for _, place := range places {
		each := *cfg
		if cfg.Route.Push {
			each.Dest = place.Path
		}
		if len(places) > 1 {
			e.printPlace(cfg.Output.Quiet || cfg.Output.JSON, place)
		}
		r := &remoteRun{e: e, cfg: &each, place: place}
		code := r.run(ctx, &syncSession{syncReport: newSyncReport(e, &each)})
		if worst == exitOK {
			worst = code
		}
		if ctx.Err() != nil {
			break
		}
	}
	return worst
}

// printPlace says on stderr which of several places is next.
func (e *env) printPlace(quiet bool, place *remotePlace) {
	if !quiet {
		e.errorf("to %s", printableText(place.Text))
	}
}

// copyRemote is runCopy with an end on another machine.
func copyRemote(e *env, c *copyConfig) int {
	ctx, stop := withSignals(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() { dieLate(ctx, c) })()
	places := c.Route.Places
	if !c.Route.Push {
		places = places[:1]
	}
	worst := exitOK
	for _, place := range places {
		cfg, err := copyJob(e, c)
		var ends copyEnds
		if err == nil {
			ends, err = copyRoute(c, place)
		}
		if err != nil {
			return e.refuse(err)
		}
		cfg.Sources, cfg.Dest, cfg.Mirror.NameDirs = ends.Sources, ends.Dest, ends.NameDirs
		cfg.Remote.Timeout = c.Remote.Timeout
		if len(places) > 1 {
			e.printPlace(c.JSON, place)
		}
		r := &remoteRun{e: e, cfg: cfg, place: place, copy: &ends}
		code := r.run(ctx, newCopySession(e, c, r))
		if worst == exitOK {
			worst = code
		}
		if ctx.Err() != nil {
			break
		}
	}
	return worst
}

// syncSession is the report of sync mode in a session.
type syncSession struct {
	*syncReport
	watching *syncWatch
}

func (r *syncSession) begin(m *mirror.Mirror) (over func(s mirror.Stats)) {
	r.Start()
	r.out.flush()
	w := r.watch(m, func() {})
	w.away.Store(true)
	w.sends.Store(r.cfg.Route.Push)
	r.watching = w
	return func(s mirror.Stats) {
		w.final.Store(&s)
		w.stop()
	}
}

func (r *syncSession) connected() { r.watching.away.Store(false) }

func (r *syncSession) stderr() io.Writer { return r.screen }

func (r *syncSession) said(text string) {
	if !r.cfg.Output.Quiet {
		r.message(text)
	}
}

func (r *syncSession) end(_ context.Context, s mirror.Stats, code int, route string) int {
	if r.json != nil {
		r.json.route = route
	}
	if route != "" && (r.cfg.Output.Explain || r.cfg.Output.Info[infoStats] > 1) {
		r.say("data went through: " + printableText(route))
	}
	if own := r.code(); code == exitOK {
		code = own
	}
	return r.Finish(s, code)
}

// failureCode is the exit code of a failure because of which nothing was done.
func failureCode(kind mirror.Kind) int {
	switch kind {
	case mirror.KindUsage:
		return exitFailure
	case mirror.KindFile:
		return exitFileIO
	case mirror.KindSelection:
		return exitSelection
	}
	return exitPartial
}
