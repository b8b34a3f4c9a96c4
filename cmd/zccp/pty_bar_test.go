//go:build linux

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestPTYBar: at any width the bar is one line that nothing wraps or scrolls, it
// moves within one file, never goes back, and gives way to one line.
func TestPTYBar(t *testing.T) {
	binary := buildBinary(t)
	for _, cols := range []int{40, 80, 200} {
		t.Run(strconv.Itoa(cols), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ptyFile(t, dir, "src/big", 12)
			ptyFile(t, dir, "src/small", 0)
			p := onTerminal(t, cols, dir, nil, binary, "-R", slowly, "src", "dst")
			p.await("%")
			p.mu.Lock()
			wraps, rows := p.screen.wraps, p.screen.row
			p.mu.Unlock()
			if e := p.end(); e.code != 0 {
				t.Fatalf("exit code %d: %q", e.code, e.stdout)
			}
			if wraps > 0 || rows > 0 {
				t.Errorf("%d characters wrapped and %d lines scrolled below the bar", wraps, rows)
			}
			p.checkFrames(p.screen.frames, cols, 5)
			if n := len(percents(p.screen.frames)); n < 4 {
				t.Errorf("%d percentages within one file", n)
			}
			last := p.screen.frames[len(p.screen.frames)-1]
			for part, from := range map[string]int{"█": 40, "of 2.3 MiB": 40, "of 2 files": 80, "now ": 80, "avg ": 200} {
				if strings.Contains(last, part) != (cols >= from) {
					t.Errorf("%q is %sin %q", part, map[bool]string{true: "not "}[cols >= from], last)
				}
			}
			p.isSummary("zccp: copied 2 files, 2.3 MiB in ")
		})
	}
}

// TestPTYSyncProgress: so is the line of sync mode, which is rsync's.
func TestPTYSyncProgress(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src/big", 50)
	p := onTerminal(t, 40, dir, nil, binary, "sync", "-r", "--info=progress2", "--bwlimit=4000K", "src/", "dst")
	p.await("%")
	p.mu.Lock()
	wraps, rows := p.screen.wraps, p.screen.row
	p.mu.Unlock()
	if e := p.end(); e.code != 0 || wraps > 0 || rows > 0 {
		t.Errorf("exit code %d, %d characters wrapped, %d lines scrolled: %q", e.code, wraps, rows, e.stdout)
	}
	p.checkFrames(p.screen.frames, 40, 2)
	if n := len(percents(p.screen.frames)); n < 2 {
		t.Errorf("%d percentages: %q", n, p.screen.frames)
	}
	if seen := strings.Join(p.screen.visible(), ""); !strings.Contains(seen, "100%") || strings.Count(seen, "%") != 1 || len(p.screen.strange) > 0 {
		t.Errorf("the screen shows %q, strange: %s", p.screen.visible(), p.screen.strange)
	}
}

// TestPTYResize: the bar is as wide as the terminal is now.
func TestPTYResize(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	dir := t.TempDir()
	ptyFile(t, dir, "src", 16)
	p := onTerminal(t, 120, dir, nil, binary, slowly, "src", "dst")
	p.await("%.*\r.*%")
	p.mu.Lock()
	before := p.screen.frames
	p.screen.resize(40)
	p.mu.Unlock()
	must(t, pty.Setsize(p.ptmx, &pty.Winsize{Rows: 24, Cols: 40}))
	time.Sleep(200 * time.Millisecond) // one line may have been under way
	p.mu.Lock()
	skip := len(p.screen.frames) + 1
	p.mu.Unlock()
	if e := p.end(); e.code != 0 {
		t.Fatalf("exit code %d: %q", e.code, e.stdout)
	}
	if len([]rune(before[len(before)-1])) <= 40 {
		t.Errorf("on 120 columns: %q", before)
	}
	p.checkFrames(p.screen.frames[skip:], 40, 3)
	p.isSummary("zccp: copied 1 file, 3.1 MiB in ")
}

// TestPTYPlaces: what the environment says of the terminal. There is no colour
// anywhere, so nothing turns it on or off.
func TestPTYPlaces(t *testing.T) {
	binary := buildBinary(t)
	for _, c := range []struct {
		name string
		vars []string
		args []string
		want string // what the bar has, or the first line; "" for nothing on the terminal
	}{
		{name: "no colour", vars: []string{"NO_COLOR=1"}, want: "█"},
		{name: "colour", vars: []string{"CLICOLOR_FORCE=1", "FORCE_COLOR=1"}, want: "█"},
		{name: "ASCII", vars: []string{"LC_ALL=C"}, want: "[="},
		{name: "dumb", vars: []string{"TERM=dumb"}},
		{name: "dumb, asked for", vars: []string{"TERM=dumb"}, args: []string{"-g", "--stats-interval=0.3"}, want: "zccp: scanning: "},
		{name: "none", args: []string{"--progress=none"}},
		{name: "quiet", args: []string{"-q"}},
		{name: "plain", args: []string{"--progress=plain", "--stats-interval=0.3"}, want: "zccp: scanning: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ptyFile(t, dir, "src", 8)
			p := onTerminal(t, 100, dir, c.vars, append(append([]string{binary, slowly}, c.args...), "src", "dst")...)
			e := p.end()
			lines := strings.HasPrefix(c.want, "zccp:")
			if !strings.Contains(e.stdout, c.want) || c.want == "" && e.stdout != "" || strings.Contains(e.stdout, "\x1b[K") != (c.want != "" && !lines) {
				t.Errorf("the terminal got %q", e.stdout)
			}
			if lines && strings.Count(strings.ReplaceAll(e.stdout, "\r\n", "\n"), "\r") > 0 {
				t.Errorf("lines that go back: %q", e.stdout)
			}
			if len(p.screen.strange) > 0 || strings.Contains(e.stdout, "[0m") {
				t.Errorf("the terminal got %s in %q", p.screen.strange, e.stdout)
			}
			if c.name == "ASCII" && strings.ContainsFunc(e.stdout, func(r rune) bool { return r > 0x7e }) {
				t.Errorf("not ASCII: %q", e.stdout)
			}
		})
	}
	t.Run("no terminal", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		ptyFile(t, dir, "src", 8)
		if e := (command{args: []string{binary, slowly, "src", "dst"}, dir: dir}).run(t); e.stdout != "" || e.stderr != "" {
			t.Errorf("stdout %q, stderr %q", e.stdout, e.stderr)
		}
	})
}

// TestPTYBetweenMachines: the bar moves within one file that goes to another
// machine, and one that comes from there.
func TestPTYBetweenMachines(t *testing.T) {
	binary := buildBinary(t)
	// What an end tells the other it tells once a second.
	for _, args := range [][]string{{"src", "host:dst"}, {"host:src", "dst"}, {"sync", "--info=progress2", "src", "host:dst"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ptyFile(t, dir, "src", 26)
			shell := writeScript(t, filepath.Join(dir, "shell"), `case $1 in -G) echo hostname 127.0.0.1; exit;; esac
while [ "$1" != host ]; do shift; done; shift; exec sh -c "$*"`)
			p := onTerminal(t, 80, dir, nil, append(append([]string{binary}, args...), "--ssh="+shell, "--remote-zccp="+binary, "--path=ssh", slowly)...)
			if e := p.end(); e.code != 0 {
				t.Fatalf("exit code %d: %q", e.code, e.stdout)
			}
			p.checkFrames(p.screen.frames, 80, 2)
			between := map[int]bool{}
			for _, n := range percents(p.screen.frames) {
				if n > 0 && n < 99 {
					between[n] = true
				}
			}
			if len(between) < 2 {
				t.Errorf("the bar stood still: %q", p.screen.frames)
			}
			if args[0] != "sync" {
				p.isSummary("zccp: copied 1 file, 5.1 MiB in ")
			}
		})
	}
}

// requireShell gives the shell that runs scripts with job control.
func requireShell(t *testing.T) string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	return shell
}

// left fails the test for anything in dir but these names.
func left(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	if strings.Join(found, " ") != strings.Join(names, " ") {
		t.Errorf("there is %q, want %q", found, names)
	}
}
