package mirror

import (
	"path"

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
	abs, err := platform.AbsPath(path)
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
		if !path.IsAbs(file) {
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
