package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/mirror"
)

// mountMemory remembers which sources were mount points, in a file of the
// user's state, one quoted path on each line: a source that is none any more
// was probably not mounted, and what it holds is no reason to delete anything.
type mountMemory struct {
	path string
	was  map[string]bool
}

// newMountMemory reads the file, $XDG_STATE_HOME/zccp/mount-points or the same
// below $HOME/.local/state. Without a home nothing is remembered: nil.
func newMountMemory(e *env) mirror.Memory {
	dir := e.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home := e.getenv("HOME")
		if !filepath.IsAbs(home) {
			return nil
		}
		dir = filepath.Join(home, ".local", "state")
	}
	m := &mountMemory{path: filepath.Join(dir, "zccp", "mount-points")}
	m.load()
	return m
}

// load reads what is remembered. A file that can't be read is one that
// remembers nothing: the guard is a help, not a condition.
func (m *mountMemory) load() {
	m.was = make(map[string]bool)
	contents, err := os.ReadFile(m.path)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(contents)) {
		if path, err := strconv.Unquote(strings.TrimSuffix(line, "\n")); err == nil {
			m.was[path] = true
		}
	}
}

// WasMountPoint implements mirror.Memory.
func (m *mountMemory) WasMountPoint(source string) bool { return m.was[source] }

// NoteMountPoint implements mirror.Memory. The file is written whole under
// another name first; another run's note of the same moment may be lost, which
// its next run makes up for.
func (m *mountMemory) NoteMountPoint(source string, is bool) {
	m.load()
	if m.was[source] == is {
		return
	}
	if m.was[source] = is; !is {
		delete(m.was, source)
	}
	var b strings.Builder
	for path := range m.was {
		b.WriteString(strconv.Quote(path) + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	temp := m.path + "." + strconv.Itoa(os.Getpid())
	if os.WriteFile(temp, []byte(b.String()), 0o600) != nil || os.Rename(temp, m.path) != nil {
		os.Remove(temp)
	}
}
