package apply

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// Job is a piece of work. Run is called once, on one goroutine. It never
// blocks on another job. It must return soon after ctx is done.
type Job interface {
	Run(ctx context.Context, w *Worker)
}

// Worker is what a goroutine of a run owns: scratch memory that its jobs share
// one after the other, so that nothing is allocated per file.
type Worker struct {
	Runner *Runner
	Copy   *copier.Worker

	Dirents []byte        // for Getdents
	Link    []byte        // for the target of a symbolic link
	Temp    []byte        // for a temporary name
	Compare []byte        // for the contents of two files, made by who needs it
	Src     platform.Stat // of the entry at hand
	Dst     platform.Stat // of what stands at its name
	Put     copier.Put    // the file at hand
	Names   []Name        // the portion of a listing at hand

	Tally Tally

	told int64 // bytes of the file at hand that are counted already
}

// Name is a name of a listing, with its type bits if the file system told, and
// the file if it was opened ahead of its turn, else platform.None.
type Name struct {
	Name platform.Name
	Mode uint32
	Ino  uint64 // as the listing has it
	FD   platform.FD
}

// direntBuffer is a listing's portion: some 4 000 names.
const direntBuffer = 128 << 10

// bigQueueLen bounds the big files that wait; each holds its name only.
const bigQueueLen = 1024

// Options are the choices of a run that concern its workers.
type Options struct {
	// Jobs is how many jobs run at once, at least 1. With 1 everything
	// happens on one goroutine in one order.
	Jobs int
	// BigJobs is how many big files are copied beside them; not used with
	// one job.
	BigJobs int
	// Events: the reporter wants to hear of every entry.
	Events bool
	Report Reporter
	Copier *copier.Copier
	// OnPanic, if set, hears of a job that panicked, on its goroutine; what the
	// job held is lost. Without it the process ends.
	OnPanic func(value any)
	// Counters, if set, are those that workers add to instead of the Runner's
	// own: two Runners can share one run.
	Counters *Counters
}

// Runner runs jobs until none is left. Push and PushBig are for jobs; the
// fields are safe for concurrent use.
type Runner struct {
	Counters Counters
	Opts     Options

	mu    sync.Mutex
	small queue // taken last in, first out
	big   queue // taken in the order in which they were found
	open  int   // jobs queued or running, and what holds the run
	held  int   // of those, what holds it
	bigs  int   // of those, big jobs
	quiet sync.Cond
	ask   sync.Mutex
	lost  lostMeta
}

// NewRunner returns a Runner.
func NewRunner(opts Options) *Runner {
	r := &Runner{Opts: opts}
	r.small.wake.L = &r.mu
	r.big.wake.L = &r.mu
	r.quiet.L = &r.mu
	return r
}

// queue is what one kind of worker takes from. Each has a condition of its
// own: a signal must not go to a worker that can't take the job.
type queue struct {
	jobs    []Job
	wake    sync.Cond
	waiting int // workers asleep on wake
}

// signal wakes a worker if one sleeps; a wake-up that nobody needs costs a
// system call.
func (q *queue) signal() {
	if q.waiting > 0 {
		q.wake.Signal()
	}
}

// Push queues a job, to be the next one taken.
func (r *Runner) Push(j Job) {
	r.mu.Lock()
	r.small.jobs = append(r.small.jobs, j)
	r.open++
	r.small.signal()
	r.mu.Unlock()
}

// PushBig queues a job for the workers of big files. It reports false, and
// keeps nothing, if the caller should do the job itself.
func (r *Runner) PushBig(j Job) bool {
	if r.Opts.Jobs == 1 || r.Opts.BigJobs == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.big.jobs) >= bigQueueLen {
		return false
	}
	r.big.jobs = append(r.big.jobs, j)
	r.open++
	r.bigs++
	r.big.signal()
	return true
}

// OnlyBig reports whether the run has come to where nothing but big jobs is
// queued or running.
func (r *Runner) OnlyBig() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open > 0 && r.open == r.bigs
}

// Run runs jobs and all that they push, the last one first, and returns when
// everything is done. It is called once.
func (r *Runner) Run(ctx context.Context, jobs ...Job) {
	for _, j := range jobs {
		r.Push(j)
	}
	var wg sync.WaitGroup
	for range r.Opts.Jobs - 1 {
		wg.Go(func() { r.work(ctx, &r.small) })
	}
	if r.Opts.Jobs > 1 {
		for range r.Opts.BigJobs {
			wg.Go(func() { r.work(ctx, &r.big) })
		}
	}
	r.work(ctx, &r.small)
	wg.Wait()
}

// work takes jobs from queue until nothing is queued or running anywhere.
func (r *Runner) work(ctx context.Context, q *queue) {
	var w *Worker
	r.mu.Lock()
	for {
		for len(q.jobs) == 0 && r.open > 0 {
			q.waiting++
			q.wake.Wait()
			q.waiting--
		}
		if len(q.jobs) == 0 {
			r.mu.Unlock()
			return
		}
		j := r.take(q)
		r.mu.Unlock()
		if w == nil {
			w = r.NewWorker()
		}
		r.runJob(ctx, w, j)
		r.mu.Lock()
		r.open--
		if q == &r.big {
			r.bigs--
		}
		r.end()
	}
}

func (r *Runner) runJob(ctx context.Context, w *Worker, j Job) {
	if r.Opts.OnPanic != nil {
		defer func() {
			if p := recover(); p != nil {
				r.Opts.OnPanic(p)
			}
		}()
	}
	j.Run(ctx, w)
	w.flush()
}

// end wakes who waits for the end of the run, or for that of its jobs. r.mu is
// held.
func (r *Runner) end() {
	if r.open == 0 {
		r.small.wake.Broadcast()
		r.big.wake.Broadcast()
	}
	if r.open == r.held {
		r.quiet.Broadcast()
	}
}

// Hold keeps Run from returning until Unhold, though no job is left: more will
// be pushed from outside.
func (r *Runner) Hold() {
	r.mu.Lock()
	r.open++
	r.held++
	r.mu.Unlock()
}

// Unhold ends a Hold.
func (r *Runner) Unhold() {
	r.mu.Lock()
	r.open--
	r.held--
	r.end()
	r.mu.Unlock()
}

// AwaitQuiet returns when no job is queued or running.
func (r *Runner) AwaitQuiet() {
	r.mu.Lock()
	for r.open > r.held {
		r.quiet.Wait()
	}
	r.mu.Unlock()
}

// take removes the last small job, or the first big one: big files are copied
// in the order in which they were found.
func (r *Runner) take(q *queue) Job {
	if q == &r.big {
		j := q.jobs[0]
		q.jobs[0] = nil
		q.jobs = q.jobs[1:]
		return j
	}
	last := len(q.jobs) - 1
	j := q.jobs[last]
	q.jobs[last] = nil
	q.jobs = q.jobs[:last]
	return j
}

// NewWorker returns a worker for who is no job of the run but does what its jobs
// do.
func (r *Runner) NewWorker() *Worker {
	w := &Worker{
		Runner:  r,
		Copy:    r.Opts.Copier.NewWorker(),
		Dirents: make([]byte, direntBuffer),
		Link:    make([]byte, 4096),
		Temp:    make([]byte, copier.TempSize),
	}
	w.Copy.Progress = func(n int64) {
		w.told += n
		w.Tally.bytes += n
		w.flush()
	}
	return w
}

// Begin starts counting a file; CountFile ends it and adds what Progress has
// not told. A file that was begun again because it changed has told too much,
// which stays: totals never fall.
func (w *Worker) Begin() { w.BeginAt(0) }

// BeginAt is Begin for a file of which that many bytes were added to the totals
// otherwise.
func (w *Worker) BeginAt(bytes int64) { w.told = bytes }

// CountFile adds a finished file to the totals.
func (w *Worker) CountFile(res *copier.Result) {
	t := &w.Tally
	t.files++
	if rest := res.Bytes - w.told; rest > 0 {
		t.bytes += rest
	}
	t.cloned += res.Cloned
	t.holes += res.Holes
	if res.Method == copier.ReadWrite {
		t.buffered += res.Moved
	} else {
		t.inKernel += res.Moved
	}
}

// Tally holds what a worker counted since its last flush: an atomic addition
// that two processors make by turns costs as much as a short system call, and
// there were seven of them for each small file.
type Tally struct {
	Found      int64
	FoundBytes int64

	files, bytes, cloned, inKernel, buffered, holes int64
}

// flush adds the tally to the counters that everybody sees: after each job, and
// with each chunk of a big file.
func (w *Worker) flush() {
	t, c := &w.Tally, &w.Runner.Counters
	if shared := w.Runner.Opts.Counters; shared != nil {
		c = shared
	}
	for _, v := range [...]struct {
		to *atomic.Int64
		n  int64
	}{
		{&c.Found, t.Found}, {&c.FoundBytes, t.FoundBytes}, {&c.Files, t.files}, {&c.Bytes, t.bytes},
		{&c.Cloned, t.cloned}, {&c.InKernel, t.inKernel}, {&c.Buffered, t.buffered}, {&c.Holes, t.holes},
	} {
		if v.n != 0 {
			v.to.Add(v.n)
		}
	}
	*t = Tally{}
}

// Problem reports a failure and counts it.
func (r *Runner) Problem(err error, hint string) {
	r.Counters.Failed.Add(1)
	r.Opts.Report.Problem(err, hint)
}

// Ask puts a question to the user, one at a time.
func (r *Runner) Ask(question string) bool {
	r.ask.Lock()
	defer r.ask.Unlock()
	return r.Opts.Report.Ask(question)
}
