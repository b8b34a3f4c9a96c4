//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPTYInterrupt: ^C ends the program by SIGINT, with what it was about to make
// gone and one line on the screen.
func TestPTYInterrupt(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src", 100)
	p := onTerminal(t, 100, dir, nil, binary, slowly, "src", "dst")
	p.await("%")
	p.keys("\x03")
	if e := p.end(); e.signal != syscall.SIGINT {
		t.Errorf("signal %v, exit code %d", e.signal, e.code)
	}
	p.isSummary("zccp: stopped by signal (interrupt) after 0 files, ")
	left(t, dir, "src")
}

// TestPTYInterruptTwice: a second ^C ends at once what hangs: nobody writes into
// the FIFO that it reads.
func TestPTYInterruptTwice(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	p := onTerminal(t, 80, dir, nil, binary, "fifo", "dst")
	p.await("copied 0 files")
	p.keys("\x03")
	time.Sleep(300 * time.Millisecond)
	if err := p.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("it did not wait for what hangs: %v", err)
	}
	before := time.Now()
	p.keys("\x03")
	// By itself it ends after two seconds.
	if e := p.end(); e.signal != syscall.SIGINT || time.Since(before) > time.Second {
		t.Errorf("signal %v, exit code %d after %v", e.signal, e.code, time.Since(before))
	}
	left(t, dir, "fifo")
}

// TestPTYSuspend: after ^Z nothing is drawn any more, fg draws the bar again, and
// the time between counts nowhere.
func TestPTYSuspend(t *testing.T) {
	t.Parallel()
	binary, shell := buildBinary(t), requireShell(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src", 12)
	const away = 1500 * time.Millisecond
	p := onTerminal(t, 80, dir, nil, shell, "-c", `set -m
`+binary+` `+slowly+` src dst
echo; echo STOPPED; sleep 1.5; echo GOES ON; fg >/dev/null; echo ENDED $?`)
	p.await("%")
	p.keys("\x1a")
	at := p.await("STOPPED")
	again := p.await("GOES ON")
	if quiet := p.text()[at:again]; strings.Contains(quiet, "%") {
		t.Errorf("drawn while suspended: %q", quiet)
	}
	e := p.end()
	after := e.stdout[again:]
	if !strings.Contains(after, "%") || !strings.Contains(after, "ENDED 0") {
		t.Errorf("after fg the terminal got %q, in all %q", after, e.stdout)
	}
	checkTook(t, after, away)
}

// checkTook fails the test if a summary counts a pause: what is copied takes 1.2 s.
func checkTook(t *testing.T, text string, away time.Duration) {
	t.Helper()
	m := ptyTook.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no summary in %q", text)
	}
	took, err := strconv.ParseFloat(m[1], 64)
	must(t, err)
	// The limiter of the rate does not stand still meanwhile, so it may be less.
	if took >= 1.2+away.Seconds()/2 {
		t.Errorf("it says that it took %v s, with a pause of %v in it", took, away)
	}
}

// TestPTYStopped: so it is for what nobody announces (SIGSTOP).
func TestPTYStopped(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src", 12)
	const away = 1500 * time.Millisecond
	p := onTerminal(t, 80, dir, nil, binary, slowly, "src", "dst")
	p.await("%")
	must(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(away)
	must(t, p.cmd.Process.Signal(syscall.SIGCONT))
	e := p.end()
	if e.code != 0 {
		t.Errorf("exit code %d: %q", e.code, e.stdout)
	}
	checkTook(t, e.stdout, away)
}

// TestPTYBackground: a program behind another one's back draws no bar, and does
// when it comes to the front.
func TestPTYBackground(t *testing.T) {
	t.Parallel()
	binary, shell := buildBinary(t), requireShell(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src", 16)
	p := onTerminal(t, 80, dir, nil, shell, "-c", `set -m
`+binary+` `+slowly+` src dst &
sleep 1; echo FRONT; fg >/dev/null; echo ENDED $?`)
	at := p.await("FRONT")
	if text := p.text()[:at]; strings.Contains(text, "zccp") || strings.Contains(text, "%") || strings.Contains(text, "scanning") {
		t.Errorf("from the background came %q", text)
	}
	e := p.end()
	if after := e.stdout[at:]; !strings.Contains(after, "%") || !strings.Contains(after, "zccp: copied 1 file") || !strings.Contains(after, "ENDED 0") {
		t.Errorf("in the foreground came %q", after)
	}
}

// TestPTYStatus: who asks is answered, in every mode that runs for long.
func TestPTYStatus(t *testing.T) {
	binary := buildBinary(t)
	for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGVTALRM} {
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"-q", slowly, "src", "dst"}, "zccp: scanning: 1 files, "},
			{[]string{"sync", "-r", slowly, "src", "dst"}, "% "},
			{[]string{"verify", "--hash=blake3", "huge", "huge2"}, "zccp: compared 0 files, "},
		} {
			t.Run(sig.String()+" "+c.args[0], func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				ptyFile(t, dir, "src", 6)
				for _, name := range []string{"huge", "huge2"} {
					must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
					must(t, os.Truncate(filepath.Join(dir, name), 1<<40)) // never read to its end
				}
				p := onTerminal(t, 100, dir, nil, append([]string{binary}, c.args...)...)
				time.Sleep(200 * time.Millisecond)
				must(t, p.cmd.Process.Signal(sig))
				p.await(c.want)
				if c.args[0] == "verify" {
					p.keys("\x03")
				}
				if e := p.end(); e.signal == sig || e.code > 0 {
					t.Errorf("signal %v, exit code %d: %q", e.signal, e.code, e.stdout)
				}
			})
		}
	}
}
