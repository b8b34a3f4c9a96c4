//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// ptyNames are names that a terminal would act on: titles, clearing, colour, the
// bell, a CSI of one character, a backspace, DEL, and what is no UTF-8.
var ptyNames = []string{
	"\x1b]0;title\x07", "\x1b[2J", "\x1b[31mred", "\u009b31m", "back\b\b", "cr\rover", "nl\nline", "del\x7f", "\xff\xfe", "\xc3", "bell\a",
}

// TestPTYNames: nothing of a name acts on the terminal, whichever way it is said.
func TestPTYNames(t *testing.T) {
	binary := buildBinary(t)
	for _, c := range []struct {
		name string
		args []string
		keys string
		want int // lines that say a name, at least
	}{
		{name: "verbose", args: []string{"-v", "-R", "src", "dst"}, want: 11},
		{name: "explain", args: []string{"--explain", "-R", "src", "dst"}, want: 11},
		{name: "dry run", args: []string{"--dry-run", "-R", "src", "dst"}, want: 11},
		{name: "errors", args: append([]string{}, "{missing}", "dst"), want: 11},
		{name: "question", args: []string{"-i", "src/\x1b[2J", "old/\x1b[2J"}, keys: "n\n", want: 1},
		{name: "sync", args: []string{"sync", "-ai", "src/", "dst"}, want: 11},
		{name: "sync words", args: []string{"sync", "-avv", "--stats", "--progress", "--explain", "src/", "dst"}, want: 11},
		{name: "sync deletions", args: []string{"sync", "-av", "--delete", "--allow-mass-delete", "empty/", "old"}, want: 11},
		{name: "sync errors", args: append([]string{"sync", "-a"}, "{missing}", "dst"), want: 11},
		{name: "sync list", args: []string{"sync", "-r", "src/"}, want: 11},
		{name: "verify", args: []string{"verify", "src", "empty"}, want: 11},
		{name: "options", args: []string{"--reflink=\x1b[2J", "a", "b"}, want: 1},
		{name: "unknown option", args: []string{"--\x1b[2J\u009b31m", "a", "b"}, want: 1},
		{name: "sync options", args: []string{"sync", "--info=\x1b[2J\u009b31m", "a", "b"}, want: 1},
		{name: "sync unknown option", args: []string{"sync", "--\x1b[2J\u009b31m", "a", "b"}, want: 1},
		{name: "command", args: []string{"sync", "-a", "--ssh=/nonexistent/\x1b[2J", "src", "h\x1b[2J:dst"}, want: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
			must(t, os.Mkdir(filepath.Join(dir, "dst"), 0o755))
			var missing []string
			for i, name := range ptyNames {
				for _, in := range []string{"src", "old"} {
					ptyFile(t, dir, in+"/"+name, 0)
				}
				missing = append(missing, fmt.Sprintf("no%d%s", i, name))
			}
			args := []string{binary}
			for _, a := range c.args {
				if a == "{missing}" {
					args = append(args, missing...)
				} else {
					args = append(args, a)
				}
			}
			p := onTerminal(t, 200, dir, nil, args...)
			if c.keys != "" {
				p.await(`\? $`)
				p.keys(c.keys)
			}
			e := p.end()
			if len(p.screen.strange) > 0 || !utf8.ValidString(e.stdout) {
				t.Errorf("the terminal got %s: %q", p.screen.strange, e.stdout)
			}
			if n := strings.Count(e.stdout, "\n"); n < c.want {
				t.Errorf("%d lines: %q", n, e.stdout)
			}
			// A CR of a name would go back to the beginning of a line.
			if text := strings.NewReplacer("\r\n", "", "\r\x1b[K", "").Replace(e.stdout); strings.Contains(strings.TrimLeft(text, "\r"), "\r") && !strings.Contains(c.name, "words") {
				t.Errorf("something goes back in %q", e.stdout)
			}
		})
	}
}

// TestPTYRepeats: failures that other lines have moved off the screen are said
// again at the end: twenty of them, and how many more.
func TestPTYRepeats(t *testing.T) {
	binary := buildBinary(t)
	for _, c := range []struct {
		failures, files, said int
		repeated              bool
	}{
		{failures: 2, files: 5, said: 2},
		{failures: 2, files: 60, said: 4, repeated: true},
		{failures: 23, files: 60, said: 43, repeated: true},
	} {
		t.Run(fmt.Sprintf("%d of %d", c.failures, c.files), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := []string{binary, "-v", "-j1", "-R"}
			for i := range c.failures {
				args = append(args, fmt.Sprintf("missing%02d", i))
			}
			for i := range c.files {
				ptyFile(t, dir, fmt.Sprintf("src/%02d", i), 0)
			}
			must(t, os.Mkdir(filepath.Join(dir, "dst"), 0o755))
			p := onTerminal(t, 80, dir, nil, append(args, "src", "dst")...)
			e := p.end()
			if n := strings.Count(e.stdout, "No such file"); e.code != 1 || n != c.said {
				t.Errorf("exit code %d, %d failures are said, want %d: %q", e.code, n, c.said, e.stdout)
			}
			seen := strings.Join(p.screen.visible(), "\n")
			if strings.Contains(seen, "missing00") != (c.repeated || c.files < 10) || strings.Contains(e.stdout, "zccp: and 3 more\r\n") != (c.failures == 23) {
				t.Errorf("the screen shows %q", seen)
			}
		})
	}
	t.Run("sync", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for i := range 60 {
			ptyFile(t, dir, fmt.Sprintf("src/%02d", i), 0)
		}
		p := onTerminal(t, 80, dir, nil, binary, "sync", "-av", "-j1", "missing", "src", "dst")
		e := p.end()
		seen := p.screen.visible()
		if e.code != 23 || !strings.Contains(strings.Join(seen, "\n"), "zccp: 1 failure, said above:\nzccp: cannot ") ||
			!strings.HasSuffix(seen[len(seen)-1], "(code 23)") {
			t.Errorf("exit code %d, the screen shows %q", e.code, seen)
		}
	})
}
