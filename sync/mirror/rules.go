package mirror

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// maxRules bounds a file of filter rules: it is read as a whole.
const maxRules = 16 << 20

// filterOf returns the rules in force in a root directory. inside tells that
// the names in it are those of the transfer, later that it isn't the first
// operand.
func (m *Mirror) filterOf(side filter.Side, path string, d *tree.Dir, inside, later bool) (*filter.Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	rules := m.opts.Filter.Root(side, []byte(abs))
	if later {
		rules = rules.Later() // rsync looks above the first operand only
	}
	if inside {
		return rules.Enter([]byte("."), m.reader(d))
	}
	return rules, nil
}

// badRules reports rules that can't be read. Without them nobody knows what to
// leave alone, so that everything ends, as in rsync.
func (m *Mirror) badRules(path string, err error) {
	m.ioError.Store(true)
	if m.aborted.CompareAndSwap(false, true) {
		m.failf(KindUsage, "cannot read filter rules in %s: %s", apply.Quote(path), platform.Message(err))
	}
}

// reader returns what reads files of rules that stand in a directory in use.
func (m *Mirror) reader(d *tree.Dir) func(file string) ([]byte, error) {
	return func(file string) ([]byte, error) {
		dir := platform.FD(platform.CWD)
		if !filepath.IsAbs(file) {
			dir = d.FD()
		}
		name, err := platform.MakeName(file)
		if err != nil {
			return nil, err
		}
		fd, err := m.calls.Openat(dir, name, platform.ReadOnly|platform.NonBlock|platform.NoCTTY, 0)
		if platform.NotExist(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer m.calls.Close(fd)
		var st platform.Stat
		if err := m.calls.Fstat(fd, &st); err != nil {
			return nil, err
		}
		if !st.IsRegular() || st.Size > maxRules {
			return nil, nil
		}
		buf := make([]byte, st.Size)
		n, err := m.readFull(fd, buf, 0)
		return buf[:n], err
	}
}

// meet looks at the file system of an open directory that is the first of its
// device on its side.
func (m *Mirror) meet(fd platform.FD) {
	if m.opts.NotLocal != nil && !platform.IsLocal(fd) {
		m.opts.NotLocal()
	}
}

// noFile reads rules where there can be none.
func noFile(string) ([]byte, error) { return nil, nil }

// deleteFirst is the walk of DeleteBefore: it lists both sides, and deletes.
func (m *Mirror) deleteFirst(ctx context.Context, sources []string, dst string) error {
	first := New(m.native, m.opts, m.report)
	first.deleteOnly = true
	first.opts.Delete = DeleteDuring
	defer first.close()
	root, err := first.operands(sources, dst)
	if err != nil {
		return err
	}
	first.root = root
	first.r.Run(ctx, &rootJob{first})
	if ctx.Err() == nil {
		first.finish(ctx)
	}
	m.ioError.Store(first.ioError.Load())
	m.later.deleted.Store(first.later.deleted.Load())
	m.stats.addDeleted(&first.stats)
	return nil
}

// Memory remembers from run to run which sources were mount points.
type Memory interface {
	WasMountPoint(source string) bool
	NoteMountPoint(source string, is bool)
}

// lostMount returns a source that was a mount point in the last run and is
// none now.
func (m *Mirror) lostMount() string {
	for i := range m.root.origins {
		o := &m.root.origins[i]
		if m.opts.Memory != nil && o.want == nil && !m.isMountPoint(o) && m.opts.Memory.WasMountPoint(absolute(o.path)) {
			return o.path
		}
	}
	return ""
}

// noteMounts remembers which sources are mount points, when deletions hang on
// it.
func (m *Mirror) noteMounts() {
	if m.opts.Memory == nil || !m.deletes() || m.opts.DryRun || m.guarded {
		return
	}
	for i := range m.root.origins {
		if o := &m.root.origins[i]; o.want == nil {
			m.opts.Memory.NoteMountPoint(absolute(o.path), m.isMountPoint(o))
		}
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// isMountPoint reports whether a root is of another file system than the
// directory above it.
func (m *Mirror) isMountPoint(o *origin) bool {
	var up platform.Stat
	return o.dir != nil && m.calls.Statat(o.dir.FD(), dotdot, &up, false) == nil && up.Dev != o.st.Dev
}

var dotdot = platform.MustName("..")

// openTempDir opens the directory of --temp-dir, relative to the destination.
func (m *Mirror) openTempDir(dst string) error {
	path := m.opts.TempDir
	if path == "" || m.opts.DryRun {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dst, path)
	}
	name, err := platform.MakeName(path)
	var fd platform.FD
	var st platform.Stat
	if err == nil {
		fd, err = m.openRoot(name)
	}
	if err == nil {
		err = m.calls.Fstat(fd, &st)
	}
	if err != nil {
		return &Failure{KindFile, fmt.Sprintf("cannot use %s for temporary files: %s", apply.Quote(path), platform.Message(errno(err)))}
	}
	m.tempDir = m.pool.Root(fd, &st)
	m.roots = append(m.roots, m.tempDir)
	return nil
}

// removeStaged removes a directory that could not get its name.
func (m *Mirror) removeStaged(p *pair) {
	r := &removal{m: m, w: m.scratch()}
	if p.parent.dst.Use() == nil {
		r.remove(context.Background(), p.parent.dst, p.path(nil), p.temp, nil)
		p.parent.dst.Release()
	}
}
