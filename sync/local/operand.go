package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// Target is how the destination operand was given.
type Target struct {
	Path string // as typed
	// Into: it is to be a directory to copy into (-t, several sources,
	// --parents); never with Exact.
	Into bool
	// Exact: it is the name itself even if it is a directory (-T).
	Exact bool
	// Parents appends the whole source path, not its last component.
	Parents bool
}

// Plan resolves the operands by the rules of cp and returns the jobs of a run.
// What is wrong with one source is reported and the others go on; an error
// says that nothing can be done at all.
func (c *Copy) Plan(sources []string, t Target) ([]apply.Job, error) {
	into, err := c.intoDirectory(sources, t)
	if err != nil {
		return nil, err
	}
	c.several = len(sources) > 1
	// Of operands one may be below the other.
	c.links.open = c.links.open || c.several
	var seen operandsSeen
	var above ancestors
	names := map[string]bool{}
	var ops []*operandJob
	var base *node
	if into {
		if base, err = c.base(t.Path, t.Path); err != nil {
			return nil, err
		}
	}
	for _, src := range sources {
		op := &operandJob{c: c, src: src, base: base}
		if into {
			op.dst = lastComponent(src)
			if t.Parents {
				op.parents = src
			}
		} else if op.base, op.dst, err = c.exactTarget(src, t.Path); err != nil {
			return nil, err
		} else if src == t.Path {
			op.dst = c.ontoItself(op.base, op.dst)
		}
		// Two sources that go to one name keep the order in which they were
		// given; so do all when one of them is merged into the target itself,
		// or has it in it: its walk would meet what the others have begun.
		c.inOrder = c.inOrder || names[op.dst] || c.several && op.dst == "."
		var st platform.Stat
		if c.several && c.lookAtOperand(op, &st) {
			op.again = c.repeated(op, &st, &seen)
			c.inOrder = c.inOrder || st.IsDir() && c.opts.Rules.Recursive && above.has(c, base.dfd, &st)
		}
		names[op.dst] = true
		ops = append(ops, op)
	}
	jobs := make([]apply.Job, 0, len(ops))
	if c.inOrder || t.Parents {
		if len(ops) > 0 {
			for i := range ops[:len(ops)-1] {
				ops[i].next = ops[i+1]
			}
			jobs = append(jobs, ops[0])
		}
		return jobs, nil
	}
	for i := len(ops) - 1; i >= 0; i-- {
		jobs = append(jobs, ops[i])
	}
	return jobs, nil
}

// ErrParents is of a call that cp shows its help for.
var ErrParents = errors.New("with --parents, the destination must be a directory")

// usage is an error in the words of cp.
func usage(format string, a ...any) error { return fmt.Errorf(format, a...) }

// intoDirectory decides whether the target is a directory to copy into.
func (c *Copy) intoDirectory(sources []string, t Target) (bool, error) {
	if t.Exact {
		return false, nil
	}
	name, err := platform.MakeName(t.Path)
	if err != nil {
		return false, usage("cannot access %s: %s", apply.Quote(t.Path), platform.Message(err))
	}
	var st platform.Stat
	err = c.calls.Statat(platform.CWD, name, &st, true)
	must := t.Into || len(sources) > 1
	switch {
	case err == nil && st.IsDir():
		return true, nil
	case t.Into && err != nil:
		return false, usage("target directory %s: %s", apply.Quote(t.Path), platform.Message(err))
	case t.Into:
		return false, usage("target directory %s: %s", apply.Quote(t.Path), platform.Message(platform.ErrNotDir))
	case must && err != nil:
		return false, usage("target %s: %s", apply.Quote(t.Path), platform.Message(err))
	case must:
		return false, usage("target %s: %s", apply.Quote(t.Path), platform.Message(platform.ErrNotDir))
	case t.Parents:
		return false, ErrParents
	case platform.Loop(err) && !strings.HasSuffix(t.Path, "/"):
		// Links in a circle are an entry, which may be replaced.
	case err != nil && !platform.NotExist(err):
		return false, usage("cannot stat %s: %s", apply.Quote(t.Path), platform.Message(err))
	}
	return false, nil
}

// exactTarget splits a target that is a name into the directory it stands in
// and the name.
func (c *Copy) exactTarget(src, dst string) (*node, string, error) {
	trimmed := strings.TrimRight(dst, "/")
	if trimmed == "" {
		if dst == "" {
			return nil, "", usage("cannot create regular file %s: %s", apply.Quote(dst), platform.Message(platform.ErrNotExist))
		}
		b, err := c.base("/", "/")
		return b, ".", err
	}
	parent, last := splitPath(trimmed)
	if last == "." || last == ".." {
		prefix := trimmed
		if last == "." {
			prefix = strings.TrimSuffix(parent, "/") // the name is shown as typed
		}
		b, err := c.base(trimmed, prefix)
		return b, ".", err
	}
	if trimmed != dst && !c.isDirectory(src) {
		return nil, "", usage("cannot create regular file %s: %s", apply.Quote(dst), platform.Message(platform.ErrNotDir))
	}
	b, err := c.base(parent, strings.TrimSuffix(parent, "/"))
	if err == nil && strings.HasPrefix(dst, "/") && b.prefix[1] == "" {
		b.prefix[1] = "/"
	}
	if err == nil {
		b.slash = trimmed != dst
	}
	if err != nil {
		return nil, "", c.unreachable(src, dst, err)
	}
	return b, last, nil
}

// unreachable words that the directory of a target can't be opened, in terms of
// what was to be made there; cp looks at the source first.
func (c *Copy) unreachable(src, dst string, err error) error {
	name, nameErr := platform.MakeName(src)
	var st platform.Stat
	if nameErr == nil {
		nameErr = c.calls.Statat(platform.CWD, name, &st, c.opts.Follow != FollowNever)
	}
	rules, to := &c.opts.Rules, ""
	what := "stat"
	switch {
	case nameErr != nil:
		return usage("cannot stat %s: %s", apply.Quote(src), platform.Message(nameErr))
	case st.IsDir() && !rules.Recursive:
		return usage("-r not specified; omitting directory %s", apply.Quote(src))
	case !platform.NotExist(err):
	case st.IsDir():
		what = "create directory"
	case rules.SymbolicLink:
		what, to = "create symbolic link", " to "+apply.Quote(src)
	case rules.HardLink:
		what, to = "create hard link", " to "+apply.Quote(src)
	case rules.AsFile(st.Mode):
		what = "create regular file"
	default:
		what = "create " + noun(&st)
	}
	return usage("cannot %s %s%s: %s", what, apply.Quote(dst), to, platform.Message(err))
}

func (c *Copy) isDirectory(path string) bool {
	name, err := platform.MakeName(path)
	var st platform.Stat
	return err == nil && c.calls.Statat(platform.CWD, name, &st, true) == nil && st.IsDir()
}

// base opens a directory that destinations stand in. prefix is what stands
// before their names in messages.
func (c *Copy) base(path, prefix string) (*node, error) {
	if path == "" {
		path = "."
	}
	name, err := platform.MakeName(path)
	if err != nil {
		return nil, err
	}
	fd, err := c.open(platform.CWD, name, openDirFlags)
	if platform.Denied(err) {
		// Names can be created in a directory that can't be listed.
		fd, err = c.open(platform.CWD, name, platform.PathOnly|platform.Directory)
	}
	if err != nil {
		return nil, err
	}
	var st platform.Stat
	if err := c.calls.Fstat(fd, &st); err != nil {
		c.calls.Close(fd)
		return nil, err
	}
	b := newBase(fd, &st, prefix)
	c.meet(fd)
	b.noACL = !c.r.Opts.Copier.NewWorker().HasDefaultACL(fd)
	c.bases = append(c.bases, b)
	if !c.opts.DryRun {
		c.sweep(fd, st.Ino, c.opts.Rules.Recursive)
	}
	return b, nil
}

// splitPath cuts a path at its last slash; the first part keeps the slash.
func splitPath(path string) (dir, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:i+1], path[i+1:]
}

// lastComponent returns the name that a source gets in a directory. Of "..",
// as of "/" and ".", it is the directory itself.
func lastComponent(src string) string {
	_, last := splitPath(strings.TrimRight(src, "/"))
	if last == "" || last == ".." {
		return "."
	}
	return last
}

// operandJob copies one operand.
type operandJob struct {
	c       *Copy
	base    *node
	src     string
	dst     string // in base; "." for base itself
	parents string // --parents: the path to be made below base
	again   string // what is said instead of copying what was given before
	next    *operandJob
}

// Run looks at the operand and copies it, or starts the walk if it is a
// directory.
func (j *operandJob) Run(ctx context.Context, w *apply.Worker) {
	c := j.c
	if ctx.Err() != nil {
		return
	}
	if j.again != "" {
		c.r.Opts.Report.Note(j.again)
		j.proceed(w)
		return
	}
	src, err := platform.MakeName(j.src)
	if err == nil && j.src == "" {
		err = platform.ErrNotExist
	}
	parent, dst, last := j.base, j.dst, (*node)(nil)
	if err == nil && j.parents != "" {
		// Before the operand is looked at: so the first part that can't be
		// reached is named.
		if parent, dst, last = j.makeParents(w); parent == nil {
			j.proceed(w)
			return
		}
	}
	var st platform.Stat
	follow := c.opts.Follow != FollowNever
	if err == nil {
		err = c.calls.Statat(platform.CWD, src, &st, follow)
	}
	if err == nil && c.opts.Rules.AsFile(st.Mode) && strings.HasSuffix(j.src, "/") && !st.IsDir() {
		err = platform.ErrNotDir
	}
	if err != nil {
		c.problem("stat", j.src, err)
		if last != nil {
			c.endList(w, last)
		}
		j.proceed(w)
		return
	}
	name, err := platform.MakeName(dst)
	if err != nil {
		c.problem("create regular file", dst, err)
		j.proceed(w)
		return
	}
	p := &place{n: parent, src: src, dst: name, operand: true}
	if last != nil {
		p.src = name
		if err := c.use(parent); err != nil {
			c.problem("access", parent.dstPath(nil), err)
			c.endList(w, last)
			j.proceed(w)
			return
		}
	}
	var root *node
	if st.IsDir() {
		root = j.enterRoot(w, p, &st, follow)
	} else if c.meetEntry(p); c.entry(ctx, w, p, st.Type()) == wasDirectory {
		c.problem("copy", j.src, errReplaced)
	}
	if last != nil {
		c.release(parent)
	}
	if root == nil {
		if last != nil {
			c.endList(w, last)
		}
		j.proceed(w)
		return
	}
	root.onDone = func() { j.proceed(w) }
	if last != nil {
		c.endList(w, last)
	}
	(&listJob{c: c, n: root}).Run(ctx, w)
}

// proceed queues the operand that was to wait for this one.
func (j *operandJob) proceed(w *apply.Worker) {
	if j.next != nil {
		w.Runner.Push(j.next)
	}
}

// enterRoot makes the root pair of a directory operand.
func (j *operandJob) enterRoot(w *apply.Worker, p *place, st *platform.Stat, follow bool) *node {
	c := j.c
	w.Tally.Found++
	if !c.opts.Rules.Recursive {
		c.fail(errRefused, "-r not specified; omitting directory "+apply.Quote(j.src))
		return nil
	}
	// A copy into the source itself is refused where the listing meets its
	// destination, which must have one name all the while.
	var above ancestors
	p.noStage = above.has(c, p.n.dfd, st) && !c.staysStaged()
	n := c.enter(w, p, follow)
	if n == nil {
		return nil
	}
	if n.dfd != platform.None {
		c.addRoot(inode{n.dstDev, n.dstIno}, inode{p.n.dstDev, p.n.dstIno}, p.dstPath())
	}
	return n
}

// makeParents enters every directory of the operand's path below the target,
// creating what is missing with the attributes of its source. It returns the
// last one, with one count held that endList gives back.
func (j *operandJob) makeParents(w *apply.Worker) (*node, string, *node) {
	c := j.c
	parts := strings.FieldsFunc(j.parents, func(r rune) bool { return r == '/' })
	if len(parts) == 0 {
		return j.base, ".", nil
	}
	prefix := ""
	if strings.HasPrefix(j.parents, "/") {
		prefix = "/"
	}
	parent, held := j.base, (*node)(nil)
	for _, part := range parts[:len(parts)-1] {
		srcName, err := platform.MakeName(prefix + part)
		dstName, err2 := platform.MakeName(part)
		if err != nil || err2 != nil {
			return nil, "", nil
		}
		if held != nil {
			// Source paths are the operand's own, relative to where it was
			// given; below the first part they are relative to the parent.
			srcName = dstName
			if err := c.use(held); err != nil {
				c.problem("access", held.dstPath(nil), err)
				return nil, "", nil
			}
		}
		n := c.enter(w, &place{n: parent, src: srcName, dst: dstName, noStage: true, onPath: true}, true)
		if held != nil {
			c.release(held)
			c.endList(w, held)
		}
		if n == nil {
			return nil, "", nil
		}
		parent, held = n, n
		prefix = ""
	}
	if held != nil && !held.passed {
		// Where a part is missing cp gives all of them their attributes.
		for n := held; !n.isBase(); n = n.parent {
			n.passed = false
		}
	}
	return parent, parts[len(parts)-1], held
}

// publishTree gives a tree that was built aside its name, in exchange for what
// stood there (--atomic=tree), and removes that.
func (c *Copy) publishTree(n *node) {
	if n.temp == nil || !n.atomic {
		return
	}
	if !c.opts.AtomicTree {
		c.rename(n)
		return
	}
	if err := c.use(n.parent); err != nil {
		c.problem("create directory", n.dstPath(nil), err)
		return
	}
	defer c.release(n.parent)
	dir := n.parent.dfd
	if c.cut.Load() || c.r.Counters.Failed.Load() > 0 {
		c.fail(errIncomplete, fmt.Sprintf("not publishing %s: some of it could not be copied", apply.Quote(n.dstPath(nil))))
		c.remove(dir, n.temp)
		return
	}
	err := copier.RenameNew(c.calls, dir, n.temp, dir, n.dst)
	if platform.Exists(err) {
		if err = c.retry(func() error { return c.calls.RenameExchange(dir, n.temp, dir, n.dst) }); err == nil {
			err = c.remove(dir, n.temp)
		}
	}
	if err != nil {
		c.problem("publish", n.dstPath(nil), err)
		c.remove(dir, n.temp)
		return
	}
	n.temp = nil
}

var errIncomplete = errors.New("incomplete")
