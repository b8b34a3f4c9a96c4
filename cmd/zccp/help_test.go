package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/zccp/zccp/platform"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// golden compares got with a file below testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(moduleRoot, "testdata", "golden", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s; if that is meant: go test ./cmd/zccp -run %s -rewrite\n-want +got:\n%s",
			path, t.Name(), diff)
	}
}

func helpText(t *testing.T, args ...string) string {
	t.Helper()
	e, stdout, stderr := testEnv(nil, args...)
	if code := run(e); code != 0 || stderr.Len() > 0 {
		t.Fatalf("%q: exit code %d, stderr %s", args, code, stderr)
	}
	return stdout.String()
}

func TestHelp(t *testing.T) {
	text := helpText(t, "zccp", "--help")
	golden(t, "help.txt", text)
	if other := helpText(t, "zccp", "help"); other != text {
		t.Error("'zccp help' is not 'zccp --help'")
	}
	fits(t, text)
	for _, o := range newOptionTable(copyFlags()).options {
		name := "--" + o.name
		if len(o.name) == 1 {
			name = "-" + o.name
		}
		row := regexp.MustCompile(`(?m)^  (-.(, -.)*, |    )?` + regexp.QuoteMeta(name) + `[ =\[\n]`)
		if !row.MatchString(text) {
			t.Errorf("%s is not in the help text", name)
		}
	}
	for _, status := range exitStatus() {
		if !strings.Contains(text, status.Meaning) {
			t.Errorf("exit status %s is not in the help text", status.Code)
		}
	}
}

// fits fails for lines that are too long or end in blanks.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > helpWidth {
			t.Errorf("%d columns: %s", n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("blanks at the end: %q", line)
		}
	}
}

// TestModeHelp: what --help of the modes says that have no test of their own.
func TestModeHelp(t *testing.T) {
	for _, mode := range []string{"bench", "keygen", "plan", "probe", "serve"} {
		text := helpText(t, "zccp", mode, "--help")
		golden(t, "help-"+mode+".txt", text)
		fits(t, text)
	}
	if helpText(t, "zccp", "apply", "--help") != helpText(t, "zccp", "plan", "--help") {
		t.Error("apply has another help than plan")
	}
}

// TestHelpAsCp: a program called cp does not speak of commands it hasn't got.
func TestHelpAsCp(t *testing.T) {
	text := helpText(t, "/bin/cp", "--help")
	for _, word := range []string{"bench", "zccp -", "zccp ["} {
		if strings.Contains(text, word) {
			t.Errorf("cp --help has %q", word)
		}
	}
	if !strings.HasPrefix(text, "Usage: cp [OPTION]... [-T] SOURCE DEST\n") {
		t.Errorf("begins with %.40q", text)
	}
}

func TestVersion(t *testing.T) {
	first, rest, _ := strings.Cut(helpText(t, "zccp", "--version"), "\n")
	if !regexp.MustCompile(`^zccp \S+$`).MatchString(first) {
		t.Errorf("first line %q", first)
	}
	for _, what := range []string{"commit:", "go:       go1.", "platform: ", "has: "} {
		if !strings.Contains(rest, what) {
			t.Errorf("no %q in\n%s", what, rest)
		}
	}
	if helpText(t, "zccp", "version") != first+"\n"+rest {
		t.Error("'zccp version' is not 'zccp --version'")
	}
}

// TestVersionAbilities: what is refused by the kernel, or by a filter of its calls, is
// said with the reason.
func TestVersionAbilities(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what there is elsewhere differs")
	}
	calls := *platform.Native()
	calls.CopyFileRange = func(platform.FD, int64, platform.FD, int64, int) (int, error) { return 0, syscall.ENOSYS }
	for _, refused := range []bool{false, true} {
		e, stdout, _ := testEnv(nil, "zccp", "version")
		if refused {
			e.calls = &calls
		}
		if code := run(e); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		fits(t, stdout.String())
		has, lacks, _ := strings.Cut(stdout.String(), "\nlacks: ")
		if where := map[bool]string{false: has, true: lacks}[refused]; !strings.Contains(where, "copy_file_range") {
			t.Errorf("refused %v:\n%s", refused, stdout)
		}
		if refused && !strings.Contains(lacks, "copy_file_range (Function not implemented)") {
			t.Errorf("no reason in\n%s", stdout)
		}
	}
}

// failingWriter is a full disk.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestHelpWriteError(t *testing.T) {
	var stderr bytes.Buffer
	for _, arg := range []string{"--help", "--version"} {
		stderr.Reset()
		full := failingWriter{&os.PathError{Op: "write", Path: "stdout", Err: syscall.ENOSPC}}
		e := newEnv([]string{"zccp", arg}, strings.NewReader(""), full, &stderr, func(string) string { return "" })
		if code := run(e); code != 1 {
			t.Errorf("%s: exit code %d", arg, code)
		}
		if got, want := stderr.String(), "zccp: write error: No space left on device\n"; got != want {
			t.Errorf("%s: stderr %q, want %q", arg, got, want)
		}
	}
}
