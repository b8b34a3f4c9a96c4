package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

// Reporter hears what a synchronisation does. Its methods are called from many
// goroutines at once.
type Reporter interface {
	// Item is called for each line of -i: what is transferred, made, changed
	// or deleted; with ItemizeAll for everything.
	Item(ev *Event)
	// Problem is called for each failure; the run goes on. kind decides the
	// exit code. err's text is a whole message without the program's name.
	Problem(kind Kind, err error, hint string)
	// Note is called for what is said but is no failure: a level of 0 is said
	// always unless -q, 1 with -v, 2 with -vv.
	Note(level int, text string)
}

// Kind is what a failure means to the exit code.
type Kind uint8

// The kinds, and rsync's code for each.
const (
	KindPartial   Kind = iota // 23: something was not transferred
	KindVanished              // 24: a source went away
	KindDelete                // 25: --max-delete stopped deletions
	KindChanged               // 40: a source changed while it was read
	KindGuard                 // 42: a guard stopped deletions
	KindSelection             // 3: sources or destination can't be used
	KindFile                  // 11: the destination could not be made
	KindUsage                 // 1: the operands contradict the options
	KindStopped               // 30: --stop-at or --stop-after
)

// Failure is an error of Run: nothing was done.
type Failure struct {
	Kind Kind
	Text string
}

func (f *Failure) Error() string { return f.Text }

// maxOpen bounds the directories held open: a few for each worker, and what a
// walk back up a deep tree finds at hand.
const maxOpen = 256

// Mirror is one run.
type Mirror struct {
	native *platform.Calls // what New was given
	calls  *platform.Calls
	opts   Options
	rules  *plan.SyncRules
	report Reporter
	cp     *copier.Copier
	r      *apply.Runner
	pool   *tree.Pool
	groups map[uint32]bool // that a caller who is not root may give

	stats counters
	links linkMap
	later deferred

	tempDir    *tree.Dir // of --temp-dir, or nil
	root       *pair
	roots      []*tree.Dir
	unreadRoot string // a source whose listing can't be had
	fromBase   string // the source of --files-from
	dstPrefix  string // the destination as the user wrote it
	overlap    bool   // a name of the source may be met more than once

	ioError atomic.Bool // something of the source could not be read: no deletions
	walked  atomic.Bool // the walk is over
	cut     atomic.Bool // the run was cancelled
	stopped atomic.Bool // --stop-at came
	aborted atomic.Bool // the rules of the filter can't be read

	guarded    bool // a guard stopped the deletions
	deleteOnly bool // the walk before that of DeleteBefore
	saidMu     sync.Mutex
	said       map[string]bool // problems of that walk: the other one meets them again

	out   *offering // of a run that only has sources
	far   *Receiver // of a run whose sources are elsewhere
	scope *scope    // of what is taken from there; nil: everything
}

// New returns a Mirror for one Run, which makes its calls through calls.
func New(calls *platform.Calls, opts Options, report Reporter) *Mirror {
	m := &Mirror{native: calls, opts: opts, report: report}
	m.rules = &m.opts.Rules
	if opts.FakeSuper {
		calls = m.fakeSuper(calls)
	}
	m.calls = calls
	m.rules.Append = opts.Append || opts.AppendVerify
	m.rules.Devices = opts.Rules.Devices && opts.Rules.Root // nobody else can make them
	if dir := m.partialDir(); dir != "" && dir[0] != '/' {
		// As rsync does: the directory of incomplete files is no part of the
		// transfer.
		if m.opts.Filter == nil {
			m.opts.Filter = filter.New(nil)
		}
		m.opts.Filter.Add("-p " + dir + "/")
	}
	m.opts.Copier.Preserve = copier.Preserve{}
	m.cp = copier.New(calls, m.opts.Copier, opts.UID)
	m.pool = tree.NewPool(calls, maxOpen)
	m.pool.NoAtime = m.opts.OpenNoatime
	m.links.groups = map[inode]*linkGroup{}
	m.groups = groupsOf(opts.Rules.Root)
	m.r = apply.NewRunner(apply.Options{Jobs: max(1, opts.Jobs), BigJobs: min(2, max(0, opts.Jobs-1)), Copier: m.cp, OnPanic: opts.OnPanic})
	return m
}

// Run makes what the sources name stand below dst, and returns when all is
// done or ctx is cancelled. An error is a *Failure: nothing was done.
func (m *Mirror) Run(ctx context.Context, sources []string, dst string) error {
	defer m.close()
	root, err := m.operands(sources, dst)
	if err != nil {
		return err
	}
	m.root = root
	if m.opts.Delete == DeleteBefore && !m.opts.ListOnly {
		if err := m.deleteFirst(ctx, sources, dst); err != nil {
			return err
		}
		m.root.delete = false
	}
	m.r.Run(ctx, &rootJob{m})
	m.walked.Store(true)
	if m.stopped.Load() {
		m.failf(KindStopped, "stopping at the requested time")
	}
	if ctx.Err() == nil {
		m.finish(ctx)
		m.endWaiting(ctx)
		m.noteMounts()
	}
	return nil
}

// Counters returns the running totals, for progress.
func (m *Mirror) Counters() *apply.Counters { return &m.r.Counters }

// Walked reports whether all that is to be done was found: from then on what
// Counters calls found and wanted does not grow but by what was put off until
// then (renames). Small files are copied as they are found, so it comes late
// where there are no others. It is safe for concurrent use.
func (m *Mirror) Walked() bool {
	if !m.walked.Load() && m.r.OnlyBig() {
		m.walked.Store(true)
	}
	return m.walked.Load()
}

func (m *Mirror) close() {
	m.cp.Close()
	m.pool.Close() // a run that was cut short drops jobs that would have
	for _, d := range m.roots {
		d.Close()
	}
}

// message is a whole message about one path; it wraps the error it tells of.
type message struct {
	text string
	err  error
}

func (e *message) Error() string { return e.text }
func (e *message) Unwrap() error { return e.err }

// problem reports "cannot ACTION 'path': Reason".
func (m *Mirror) problem(action, path string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	m.fail(KindPartial, err, fmt.Sprintf("cannot %s %s: %s", action, apply.Quote(path), platform.Message(platform.Cause(err))))
}

// sourceProblem is problem for what can't be read: it keeps deletions from
// being made, since what could not be seen may be there. What vanished is
// known not to be.
func (m *Mirror) sourceProblem(action, path string, err error) {
	if platform.NotExist(platform.Cause(err)) {
		m.fail(KindVanished, err, "file has vanished: "+apply.Quote(path))
		return
	}
	m.ioError.Store(true)
	m.problem(action, path, err)
}

func (m *Mirror) fail(kind Kind, err error, text string) {
	m.r.Counters.Failed.Add(1)
	if m.deleteOnly {
		m.saidMu.Lock()
		m.said[text] = true
		m.saidMu.Unlock()
	} else if m.said[text] {
		return
	}
	m.report.Problem(kind, &message{text, err}, "")
}

func (m *Mirror) failf(kind Kind, format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	m.fail(kind, errors.New(text), text)
}

func (m *Mirror) note(level int, format string, a ...any) {
	m.report.Note(level, fmt.Sprintf(format, a...))
}

func retry(call func() error) error {
	err := call()
	for i := 0; platform.Interrupted(err) && i < 1000; i++ {
		err = call()
	}
	return err
}

type inode struct{ dev, ino uint64 }

func inodeOf(st *platform.Stat) inode { return inode{st.Dev, st.Ino} }
