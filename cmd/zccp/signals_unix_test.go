//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program starts a link of the test binary; the caller waits for it.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := linkProgram(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// diedBy returns the signal that ended a program, 0 if none did.
func diedBy(cmd *exec.Cmd) syscall.Signal {
	cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() {
		return 0
	}
	return status.Signal()
}

// TestDiesBySignal: a shell stops its loop only if it sees that the program
// died by the signal; an exit code of 128+N is not the same to it.
func TestDiesBySignal(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		// A program that inherits a signal as ignored leaves it so (nohup(1)).
		// What is caught here is what it was by default there.
		if signal.Ignored(sig) {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, sig)
			defer signal.Stop(caught)
		}
		cmd := program(t, "zccp", "-g", "--json", "--bwlimit=1M", "big", "copy")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := os.WriteFile(filepath.Join(cmd.Dir, "big"), make([]byte, 64<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.Contains(lines.Text(), `"type":"start"`) {
			t.Fatalf("printed %q", lines.Text())
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		last := ""
		for lines.Scan() {
			last = lines.Text()
		}
		if want := fmt.Sprintf(`{"type":"summary","exit":%d,"signal":"%v",`, exitSignal+int(sig), sig); !strings.HasPrefix(last, want) {
			t.Errorf("%v: last line %s", sig, last)
		}
		if got := diedBy(cmd); got != sig {
			t.Errorf("%v: died by %v, exit code %d", sig, got, cmd.ProcessState.ExitCode())
		}
		if want := "zccp: stopped by signal (" + sig.String() + ") after 0 files, "; !strings.Contains(stderr.String(), want) {
			t.Errorf("%v: stderr %q", sig, stderr.String())
		}
		left, err := os.ReadDir(cmd.Dir)
		if err != nil || len(left) != 1 {
			t.Errorf("%v: left behind %v, %v", sig, left, err)
		}
	}
}

// TestSecondSignal ends a program that is still busy with the first one.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	cmd := program(t, "stubborn")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"ready", "first"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("printed %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	started := time.Now()
	if got := diedBy(cmd); got != syscall.SIGINT || time.Since(started) > 10*time.Second {
		t.Errorf("died by %v after %v", got, time.Since(started))
	}
}
