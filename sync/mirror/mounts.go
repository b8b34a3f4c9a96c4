package mirror

import (
	"github.com/zccp/zccp/platform"
)

// Memory remembers from run to run which sources were mount points.
type Memory interface {
	WasMountPoint(source string) bool
	NoteMountPoint(source string, is bool)
}

// lostMount returns a source that was a mount point in the last run and is
// none now.
func (m *Mirror) lostMount() string {
	if m.far != nil {
		return m.far.lostMount
	}
	for i := range m.root.origins {
		o := &m.root.origins[i]
		if m.opts.Memory != nil && o.want == nil && !m.isMountPoint(o) && m.opts.Memory.WasMountPoint(absolute(o.path)) {
			return o.path
		}
	}
	return ""
}

// noteMounts remembers which sources are mount points, when deletions hang on
// it. A far end may have refused the run before the sources were looked at.
func (m *Mirror) noteMounts() {
	if m.root == nil || m.opts.Memory == nil || m.far != nil || !m.deletes() || m.opts.DryRun || m.guarded {
		return
	}
	for i := range m.root.origins {
		if o := &m.root.origins[i]; o.want == nil {
			m.opts.Memory.NoteMountPoint(absolute(o.path), m.isMountPoint(o))
		}
	}
}

func absolute(path string) string {
	if abs, err := platform.AbsPath(path); err == nil {
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
