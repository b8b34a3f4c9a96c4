//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestVerifyStopped: a signal ends a comparison at once, of few huge files and
// of many, with a summary that doesn't say that anything is the same.
func TestVerifyStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the program")
	}
	binary := buildBinary(t)
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		// Holes, which take long to be digested and no space.
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		for _, file := range []string{"f", "g", "h", "i"} {
			path := filepath.Join(dir, name, file)
			must(t, os.WriteFile(path, nil, 0o644))
			must(t, os.Truncate(path, 1<<40))
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, args := range [][]string{{"-j1"}, {"--json"}} {
			args = append(append([]string{binary, "verify", "--hash=blake3", "--ignore=times"}, args...), "a", "b")
			e := command{args: args, dir: dir, killAfter: 300 * time.Millisecond, signal: sig}.run(t)
			if e.signal != sig || e.after > time.Second || e.stderr != "" {
				t.Errorf("%q: signal %v, exit code %d, %v after it, stderr %q", args, e.signal, e.code, e.after, e.stderr)
			}
			last := e.stdout[strings.LastIndexByte(strings.TrimSuffix(e.stdout, "\n"), '\n')+1:]
			if !strings.Contains(last, "stopped by signal ("+sig.String()+")") && !strings.Contains(last, `"signal":"`+sig.String()+`"`) {
				t.Errorf("%q: %q", args, last)
			}
			if strings.Contains(e.stdout, "digest") || strings.Contains(last, "same") {
				t.Errorf("%q: %q", args, e.stdout)
			}
		}
	}
}
