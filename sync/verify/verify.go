package verify

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// Verify is one comparison of two trees. Its jobs run on the runner given; the
// runner's counters count what was found (Found: names, those of both sides
// once), directories, files and bytes that were compared (of one side), and
// problems (Failed).
type Verify struct {
	calls *platform.Calls
	r     *apply.Runner
	opts  Options
	roots [2]string

	pool        pool
	links       links
	scratch     sync.Pool
	differences atomic.Int64
}

// New returns a comparison of the trees, or files, at two paths. calls restart
// interrupted calls (platform.Restarting).
func New(calls *platform.Calls, r *apply.Runner, src, dst string, opts Options) *Verify {
	spare := max(16, platform.DescriptorLimit()-48)
	v := &Verify{
		calls: calls, r: r, opts: opts, roots: [2]string{src, dst},
		// A quarter of the descriptors for pairs of directories, but no more
		// than a walk needs to be quick; the rest for files.
		pool: pool{calls: calls, max: min(128, spare/8)},
	}
	v.links.names = map[linkPair][]linkName{}
	v.scratch.New = func() any { return newScratch() }
	return v
}

// Differences returns how many were found so far.
func (v *Verify) Differences() int64 { return v.differences.Load() }

// Run compares. It is called once, and returns when everything was compared or
// ctx is done. Whatever could not be compared is a problem, also the roots.
func (v *Verify) Run(ctx context.Context) {
	paths, st, ok := v.openRoots()
	defer v.pool.close(paths)
	if !ok {
		return
	}
	switch {
	case st[0].Type() != st[1].Type():
		v.report(Difference{Kind: Type, Path: ".", Src: TypeName(st[0].Mode), Dst: TypeName(st[1].Mode)})
	case st[0].IsDir():
		root := &dir{}
		if root.fd, ok = v.openDirs(paths); !ok {
			return
		}
		defer v.pool.close(root.fd)
		v.pool.pin(root)
		v.run(ctx, &rootJob{v, root})
	case st[0].IsRegular():
		v.meet(paths)
		v.run(ctx, &fileJob{v, st})
	default:
		v.problem("compare", 0, ".", errors.New("neither a directory nor a regular file"))
	}
}

func (v *Verify) run(ctx context.Context, job apply.Job) {
	v.r.Run(ctx, job)
	if ctx.Err() == nil {
		v.compareLinks()
	}
}

// report reports differences that aren't of a directory's portion.
func (v *Verify) report(list ...Difference) {
	if len(list) > 0 {
		v.opts.Report.Differences(v.count(list))
	}
}

// count counts differences that are going to be reported.
func (v *Verify) count(list []Difference) []Difference {
	v.differences.Add(int64(len(list)))
	return list
}

// meet looks whether file systems answer by themselves.
func (v *Verify) meet(fd [2]platform.FD) {
	for _, fd := range fd {
		if !platform.IsLocal(fd) {
			v.opts.NotLocal()
		}
	}
}

// openRoots resolves both paths, following links: the operator named them. The
// descriptors are for the paths alone; what they lead to is opened once it is
// known what it is, so that no device is.
func (v *Verify) openRoots() (fd [2]platform.FD, st [2]platform.Stat, ok bool) {
	fd, ok = closed, true
	for side, path := range v.roots {
		name, err := platform.MakeName(path)
		if err == nil {
			fd[side], err = v.calls.Openat(platform.CWD, name, platform.PathOnly, 0)
		}
		if err != nil {
			fd[side] = platform.None
		} else {
			err = v.calls.Fstat(fd[side], &st[side])
		}
		if err != nil {
			v.problem("access", side, ".", err)
			ok = false
		}
	}
	return fd, st, ok
}

// openDirs opens for reading what two descriptors for paths lead to.
func (v *Verify) openDirs(paths [2]platform.FD) (fd [2]platform.FD, ok bool) {
	fd = closed
	for side := range fd {
		var err error
		if fd[side], err = open(v.calls, paths[side], dot, openDirFlags); err != nil {
			v.problem("open directory", side, ".", err)
			fd[side] = platform.None
			v.pool.close(fd)
			return closed, false
		}
	}
	v.meet(fd)
	return fd, true
}

// rootJob compares two directories.
type rootJob struct {
	v    *Verify
	root *dir
}

func (j *rootJob) Run(ctx context.Context, w *apply.Worker) { j.v.directory(ctx, w, j.root) }

// fileJob compares two regular files that are the roots. They are opened by
// their paths again, and must be the same inodes.
type fileJob struct {
	v  *Verify
	st [2]platform.Stat
}

func (j *fileJob) Run(ctx context.Context, w *apply.Worker) {
	v := j.v
	s := v.borrow(w)
	s.found++
	e := &s.e
	*e = entry{d: &dir{fd: [2]platform.FD{platform.CWD, platform.CWD}}, path: ".", inPlace: true, want: &j.st}
	for side := range e.name {
		e.name[side], _ = platform.MakeName(v.roots[side]) // was one before
	}
	v.file(ctx, s, e)
	v.report(s.out...)
	v.giveBack(s)
}
