//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

func TestParseProbe(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // operands, or the error
	}{
		{"a", "a"},
		{"a b --json", "a b json"},
		{"--js -- --b", "--b json"},
		{"", "say what to probe"},
		{"a b c", "extra operand 'c'"},
		{"--size a", "unrecognized option '--size'"},
		{"--json=x a", "option '--json' doesn't allow an argument"},
		{"a --help", "help"},
	} {
		cfg, err := parseProbe(strings.Fields(c.args))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join(cfg.Paths, " ")
			if cfg.JSON {
				got += " json"
			}
		}
		if err == nil && got != c.want || !strings.HasPrefix(got, c.want) {
			t.Errorf("probe %s: got %q, want %q", c.args, got, c.want)
		}
	}
}

// runProbeIn runs probe in this process.
func runProbeIn(calls *platform.Calls, args ...string) (code int, stdout, stderr string) {
	var out, messages bytes.Buffer
	e := newEnv([]string{"zccp"}, nil, &out, &messages, os.Getenv)
	e.calls = calls
	code = runProbe(e, args)
	return code, out.String(), messages.String()
}

// empty fails the test if there is anything in dir.
func empty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

// decodeProbe reads what --json printed, which may hold no other field.
func decodeProbe(t *testing.T, text string) *probeReport {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	r := new(probeReport)
	if err := dec.Decode(r); err != nil || dec.More() {
		t.Fatalf("%v in %s", err, text)
	}
	return r
}

// checkTable holds a table to its width, and returns it as lines.
func checkTable(t *testing.T, text string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, l := range lines {
		if utf8.RuneCountInString(l) > 80 || strings.TrimRight(l, " ") != l {
			t.Errorf("bad line %q", l)
		}
	}
	return lines
}

// line returns the line of a table that begins with a label, less that.
func line(t *testing.T, lines []string, label string) string {
	t.Helper()
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, label+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Errorf("no line %q in:\n%s", label, strings.Join(lines, "\n"))
	return ""
}

// TestProbeTableAndJSON: on each file system and between each two the table says
// what is known of them, and nothing but what JSON has.
func TestProbeTableAndJSON(t *testing.T) {
	systems := copiertest.FileSystems(t)
	for _, from := range systems {
		for _, to := range systems {
			t.Run(from.Name+" to "+to.Name, func(t *testing.T) {
				paths := []string{from.Dir}
				if from != to {
					paths = append(paths, to.Dir)
				}
				r, err := probe(t.Context(), platform.Native(), paths)
				if err != nil {
					t.Fatal(err)
				}
				empty(t, from.Dir)
				empty(t, to.Dir)
				var table, object, again bytes.Buffer
				if err := errors.Join(r.writeText(&table), r.writeJSON(&object)); err != nil {
					t.Fatal(err)
				}
				if err := decodeProbe(t, object.String()).writeText(&again); err != nil {
					t.Fatal(err)
				}
				if again.String() != table.String() {
					t.Errorf("the table of JSON is another:\n%s\nnot\n%s", again.String(), table.String())
				}
				lines := checkTable(t, table.String())
				if len(systems) == 1 {
					return // a directory of which nothing is known
				}
				names := from.Name
				if from != to {
					names = strings.Join(strings.Fields(from.Name+" "+to.Name), " ")
				}
				if got := strings.Join(strings.Fields(line(t, lines, "file system")), " "); got != names {
					t.Errorf("file system %s, want %s", got, names)
				}
				reflink, chosen := "no: Invalid cross-device link", ""
				switch {
				case from == to && (from.Name == "xfs" || from.Name == "btrfs"):
					reflink, chosen = "yes", "reflink"
				case from == to:
					reflink, chosen = "no: Operation not supported", "copy_file_range"
				}
				if got := line(t, lines, "reflink"); got != reflink {
					t.Errorf("reflink: %q, want %q", got, reflink)
				}
				if got := line(t, lines, "auto, 1.0 MiB"); chosen != "" && got != chosen {
					t.Errorf("auto: %q, want %q", got, chosen)
				}
			})
		}
	}
}

// TestProbeReadOnly: of a file system that can't be written what needs no
// writing is said, and the rest why not.
func TestProbeReadOnly(t *testing.T) {
	copiertest.Require(t, "root")
	src, dst := t.TempDir(), t.TempDir()
	// In a mount namespace of its own, so that nothing stays mounted whatever
	// happens.
	program, err := linkProgram(t.TempDir(), "zccp")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", `mount -t tmpfs -o ro none "$1" || exit 99; shift; exec "$@"`, "sh", src, program, "probe"}, args...)...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if errors.Is(err, exec.ErrNotFound) || errors.As(err, &exit) && exit.ExitCode() == 99 {
			t.Skipf("no mount: %s", out)
		}
		return string(out), err
	}
	for _, paths := range [][]string{{src}, {src, dst}, {dst, src}} {
		out, err := run(paths...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := checkTable(t, out)
		if !strings.Contains(line(t, lines, "read-only"), "yes") || !strings.Contains(line(t, lines, "file system"), "tmpfs") ||
			strings.Count(out, "not tried: ") != 2 || strings.Count(out, "Read-only file") != 2 {
			t.Errorf("%q:\n%s", paths, out)
		}
		if len(paths) == 2 && !strings.Contains(line(t, lines, "holes"), "yes") {
			t.Errorf("nothing is said of the side that can be written:\n%s", out)
		}
		out, err = run(append(paths, "--json")...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		r := decodeProbe(t, out)
		side := []string{"", "source: ", "destination: "}[map[bool]int{true: len(paths) - 1, false: 2}[paths[0] == src]]
		if r.NotTried != side+"Read-only file system" || len(r.Methods)+len(r.Auto) != 0 || r.Kernel == "" || len(r.KernelCalls) == 0 {
			t.Errorf("%+v", r)
		}
		if strings.Contains(out, "null") {
			t.Errorf("null in %s", out)
		}
	}
	empty(t, dst)
}

// TestProbeUnwritable is the same for another user's directory.
func TestProbeUnwritable(t *testing.T) {
	copiertest.Require(t, "root")
	dir, err := os.MkdirTemp("", "zccp-probe-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	// Not even listed, only entered.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	program := buildProgram(t)
	cmd := exec.Command(program, "probe", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "not tried: Permission denied") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	if got := line(t, checkTable(t, string(out)), "file system"); got == "" || got == "unknown" {
		t.Errorf("the file system is not told:\n%s", out)
	}
	empty(t, dir)
	// One that can be written but not read.
	if err := errors.Join(os.Chown(dir, 65534, 65534), os.Chmod(dir, 0o300)); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program, "probe", dir)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || line(t, checkTable(t, string(out)), "readwrite") != "yes" {
		t.Errorf("%v\n%s", err, out)
	}
	empty(t, dir)
}

// buildProgram links the test binary as zccp where any user can run it.
func buildProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "zccp-binary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "zccp")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(program, text, 0o755)); err != nil {
		t.Fatal(err)
	}
	return program
}

// TestProbeSignal: a signal in the middle ends the probe, without a report and
// with nothing left behind.
func TestProbeSignal(t *testing.T) {
	for _, call := range []string{"Fsetxattr", "Clone", "PwriteUncached"} {
		src, dst := t.TempDir(), t.TempDir()
		var sent atomic.Bool
		calls := platformtest.Wrap(platform.Native(), func(name string, _ int64) *platformtest.Fault {
			if name == call && sent.CompareAndSwap(false, true) {
				if len(temporaries(src)) != 1 {
					t.Errorf("%s: no scratch directory in the middle: %v", call, temporaries(src))
				}
				syscall.Kill(os.Getpid(), syscall.SIGINT)
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		code, out, messages := runProbeIn(calls, src, dst)
		if code != exitSignal+int(syscall.SIGINT) || out != "" || messages != "" || !sent.Load() {
			t.Errorf("%s: code %d, %q, %q", call, code, out, messages)
		}
		empty(t, src)
		empty(t, dst)
	}
}

func temporaries(dir string) (found []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".zccp-") {
			found = append(found, e.Name())
		}
	}
	return found
}

// TestProbeCannot: what keeps a probe from being made is one line.
func TestProbeCannot(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	code, out, messages := runProbeIn(nil, dir, missing)
	if want := "zccp: probe: cannot access '" + missing + "': No such file or directory\n"; code != exitFailure || out != "" || messages != want {
		t.Errorf("code %d, %q, %q", code, out, messages)
	}
	empty(t, dir)
	code, out, messages = runProbeIn(platformtest.Wrap(platform.Native(), func(name string, _ int64) *platformtest.Fault {
		if name == "Rmdirat" {
			return &platformtest.Fault{Errno: syscall.EACCES}
		}
		return nil
	}), dir)
	if want := "zccp: probe: cannot remove the scratch files in '" + dir + "': Permission denied\n"; code != exitFailure || out != "" || messages != want {
		t.Errorf("code %d, %q, %q", code, out, messages)
	}
	code, out, messages = runProbeIn(platformtest.Wrap(platform.Native(), func(name string, _ int64) *platformtest.Fault {
		if name == "Pwrite" {
			return &platformtest.Fault{Errno: syscall.ENOSPC, Times: 1000}
		}
		return nil
	}), dir)
	if code != exitOK || messages != "" || strings.Count(out, "not tried: No space left on device") != 1 ||
		line(t, checkTable(t, out), "holes") != "no: No space left on device" || line(t, checkTable(t, out), "hard links") != "yes" {
		t.Errorf("a full disk: code %d, %q:\n%s", code, messages, out)
	}
}

// TestProbeFile: of a file it is the directory that is probed, also through a
// link; a name that is no UTF-8 is exact in JSON and harmless in the table.
func TestProbeFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a\xff\x1b[31m"+strings.Repeat("long ", 10)+strings.Repeat("longer", 12))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, link := filepath.Join(dir, "file"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.WriteFile(file, []byte("x"), 0o644), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link} {
		code, out, messages := runProbeIn(nil, "--json", path)
		if code != exitOK || messages != "" {
			t.Fatalf("code %d, %q", code, messages)
		}
		if got := decodeProbe(t, out).Source.exactPath(); got != dir {
			t.Errorf("probed %q, not %q", got, dir)
		}
		code, out, _ = runProbeIn(nil, path)
		if code != exitOK || strings.Contains(out, "\x1b") || strings.Contains(out, "\xff") || !strings.Contains(out, `$'\377\033'`) {
			t.Errorf("code %d, %q", code, out)
		}
		checkTable(t, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestProbeMountNames: who may mount gives the names that are printed.
func TestProbeMountNames(t *testing.T) {
	r := newProbeReport()
	r.Source = probePlace{Path: "/", Mounted: "x\x1b]0;", MountPoint: "/a\nb", Options: "rw,name=\x1b[2J", FileSystem: "fuse.\r"}
	var b bytes.Buffer
	if err := r.writeText(&b); err != nil {
		t.Fatal(err)
	}
	lines := checkTable(t, b.String())
	if strings.ContainsAny(b.String(), "\x1b\r") || line(t, lines, "mounted on") != `'/a'$'\n''b'` {
		t.Errorf("%q", b.String())
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"one two", []string{"one", "two"}},
		{"abcdefghi jk", []string{"abcd", "efgh", "i", "jk"}},
		{"äöüßé", []string{"äöüß", "é"}},
	} {
		if got := fold(c.text, 4); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}
