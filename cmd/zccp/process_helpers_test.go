//go:build linux

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// command is a program to be run by a test.
type command struct {
	args  []string
	dir   string
	stdin string
	// uid, when not 0, is the user and group that runs it.
	uid uint32
	// killAfter, when not 0, is when signal is sent.
	killAfter time.Duration
	signal    syscall.Signal
	// weigh asks for ended.peak.
	weigh bool
}

// ended is how a command ended.
type ended struct {
	code   int            // -1 when a signal ended it
	signal syscall.Signal // 0 when none did
	stdout string
	stderr string
	took   time.Duration // from its start
	// after is the time from the signal that was sent to its end; 0 when it had ended
	// before.
	after time.Duration
	peak  int64 // resident memory in bytes, as it was seen every 10 ms
}

// run runs a command to its end. One that takes longer than a minute fails the test.
func (c command) run(t testing.TB) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir = c.dir
	cmd.Stdin = strings.NewReader(c.stdin)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC0", "PATH=" + os.Getenv("PATH")}
	if c.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var sent time.Time
	var e ended
	done := make(chan struct{})
	var helpers sync.WaitGroup
	if c.weigh {
		helpers.Go(func() { e.peak = weigh(cmd.Process.Pid, done) })
	}
	helpers.Go(func() {
		if c.killAfter == 0 {
			return
		}
		select {
		case <-time.After(c.killAfter - time.Since(start)):
			if cmd.Process.Signal(c.signal) == nil {
				sent = time.Now()
			}
		case <-done:
		}
	})
	err := cmd.Wait()
	end := time.Now()
	close(done)
	helpers.Wait()
	var exit *exec.ExitError
	if ctx.Err() != nil {
		t.Fatalf("%s did not end in a minute: %s", short(c.args), stderr.Bytes())
	} else if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	e.code, e.stdout, e.stderr, e.took = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), end.Sub(start)
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
	if !sent.IsZero() {
		e.after = end.Sub(sent)
	}
	return e
}

// weigh returns the peak of the resident memory of a process. What getrusage(2) tells
// counts the memory of this process, too, in which its life began.
func weigh(pid int, done <-chan struct{}) (peak int64) {
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if _, rest, ok := strings.Cut(string(status), "\nVmHWM:"); ok {
				kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				peak = max(peak, kib<<10)
			}
		}
		select {
		case <-done:
			return peak
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// short is a command line that fits into a message.
func short(args []string) string {
	s := strings.Join(args, " ")
	return s[:min(len(s), 300)]
}

// succeed runs a command in dir that must exit with 0 and say nothing on stderr.
func succeed(t testing.TB, dir string, args ...string) ended {
	t.Helper()
	e := command{args: args, dir: dir}.run(t)
	if e.code != 0 || e.stderr != "" {
		t.Fatalf("%s: exit code %d, stderr %.2000q", short(args), e.code, e.stderr)
	}
	return e
}

// scan is copiertest.Scan without an error.
func scan(t testing.TB, root string) *copiertest.Tree {
	t.Helper()
	tree, err := copiertest.Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// litter returns the temporary names below dir.
func litter(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if isTemporary(d.Name()) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return found
}

// temporary is what the names start with that a killed run may leave.
const temporary = ".zccp-"

// isTemporary tells whether one of the components of path is a temporary name.
func isTemporary(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(name string) bool { return strings.HasPrefix(name, temporary) })
}

// countFrom returns the number in the environment variable, or usual without it.
func countFrom(t testing.TB, variable string, usual int) int {
	t.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// withRaceDetector tells whether the tests are built with it, which makes them slow.
func withRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// must fails the test for an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// report fails the test with what was found, of much only the beginning.
func report(t testing.TB, what string, found []string) {
	t.Helper()
	const shown = 10
	for _, f := range found[:min(shown, len(found))] {
		t.Errorf("%s: %.500s", what, f)
	}
	if len(found) > shown {
		t.Errorf("%s: and %d more", what, len(found)-shown)
	}
}
