package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

func TestParseTransferBench(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // an error, or "" for none
	}{
		{"methods", ""},
		{"methods --size 1M --transfers 2 --cold --fsync --json --keep a b", ""},
		{"methods --rounds 100 --method=reflink,direct", ""},
		{"send --to=file --fsync --method sendfile", ""},
		{"methods a b c", "extra operand 'c'"},
		{"methods --transfers 1", "--transfers takes a number of 2 or more, not '1'"},
		{"methods --size 0", "--size=0: nothing to copy"},
		{"methods --size", "option '--size' requires an argument"},
		{"methods --to null", "unrecognized option '--to'"},
		{"methods --method magic", "bench methods has no method 'magic'; there are readwrite, mmap,"},
		{"methods --method mmap,mmap", "'mmap' is named twice"},
		{"methods --html=", "--html takes the name of a file"},
		{"send --method reflink", "bench send has no method 'reflink'; there are readwrite, mmap, sendfile, splice"},
		{"send --to null,null", "--to takes null, file or null,file, not 'null,null'"},
		{"send --to moon", "--to takes null, file or null,file, not 'moon'"},
		{"send --to null --fsync", "--fsync is of a file"},
		{"send --against cp", "unrecognized option '--against'"},
	} {
		got := ""
		if _, err := parseTransferBench(strings.Fields(c.args)); err != nil {
			got = err.Error()
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("bench %s: got %q, want %q", c.args, got, c.want)
		}
	}
	cfg, err := parseTransferBench([]string{"send", "--to=file,null", "--method=splice,readwrite", "--size=3K", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Targets, []string{toFile, toNull}) || !slices.Equal(cfg.Methods, []copier.Method{copier.Splice, copier.ReadWrite}) ||
		cfg.Size != 3072 || cfg.Dir != "x" || cfg.Dir2 != "x" || cfg.Transfers != 10 {
		t.Errorf("got %+v", cfg)
	}
}

// TestTransferBenchMistake: a mistake is one line, and one that says where help
// is.
func TestTransferBenchMistake(t *testing.T) {
	for _, args := range [][]string{{"methods", "--sise", "1G"}, {"send", "--transfers=many"}, {"methods", filepath.Join(t.TempDir(), "none")}} {
		var out, messages bytes.Buffer
		e := newEnv(append([]string{"zccp", "bench"}, args...), nil, &out, &messages, os.Getenv)
		code := run(e)
		lines := strings.Split(strings.TrimSuffix(messages.String(), "\n"), "\n")
		if code != exitFailure || out.Len() > 0 || !strings.HasPrefix(lines[0], "zccp: bench: ") {
			t.Errorf("%q: exit %d, %q, %q", args, code, out.String(), lines)
		}
		if hinted := len(lines) == 2 && lines[1] == "zccp: hint: 'zccp bench --help' says what it takes"; len(lines) > 1 && !hinted {
			t.Errorf("%q: %q", args, lines)
		}
	}
}

// onLinux skips where the methods are not.
func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the methods are those of Linux")
	}
}

// runTransferBench runs a bench of little, through calls unless they are nil.
func runTransferBench(t *testing.T, calls *platform.Calls, args ...string) (out, messages string, code int) {
	t.Helper()
	onLinux(t)
	var stdout, stderr bytes.Buffer
	e := newEnv(append([]string{"zccp", "bench"}, args...), nil, &stdout, &stderr, os.Getenv)
	e.calls = calls
	code = run(e)
	return stdout.String(), stderr.String(), code
}

// decodeReport reads a report strictly.
func decodeReport(t *testing.T, text string) *transferReport {
	t.Helper()
	var r transferReport
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return &r
}

func TestBenchMethodsJSON(t *testing.T) {
	dir := t.TempDir()
	out, messages, code := runTransferBench(t, nil, "methods", "--size=64K", "--transfers=3", "--fsync", "--json", dir)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, messages)
	}
	r := decodeReport(t, out)
	var again strings.Builder
	if err := writeBenchJSON(&again, r); err != nil {
		t.Fatal(err)
	}
	if again.String() != out {
		t.Errorf("what was read is not what was written:\n%s\n%s", out, again.String())
	}
	if r.Bench != "methods" || r.Bytes != 65536 || r.Transfers != 3 || !r.Fsync || r.Cache != "warm" || r.Source.Directory != dir ||
		r.Destination == nil || r.Base != "readwrite" || r.Kernel == "" || r.Processor == "" || r.Cores == 0 || len(r.Command) != 8 {
		t.Errorf("head: %+v", r)
	}
	var names []string
	for _, one := range r.Results {
		names = append(names, one.Method)
		if (one.Refused == "") == (one.Figures == nil) {
			t.Errorf("%s: one of a reason and figures is due: %+v", one.Method, one)
		}
		if f := one.Figures; f != nil {
			checkFigures(t, one.Method, f, r)
			if f.CallsByName["fsync"] != 1<<30/65536 {
				t.Errorf("%s: %v fsync for a GiB, want one a transfer", one.Method, f.CallsByName["fsync"])
			}
		}
	}
	var want []string
	for _, m := range copier.Methods() {
		want = append(want, m.String())
	}
	if !slices.Equal(names, want) {
		t.Errorf("methods %q, want %q", names, want)
	}
	if f := r.Results[0].Figures; f.CallsByName["pread"] != 16384 || f.CallsByName["pwrite"] != 16384 {
		t.Errorf("readwrite of one buffer: %v", f.CallsByName)
	}
	if l := left(t, dir); len(l) > 0 {
		t.Errorf("left behind: %q", l)
	}
}

// checkFigures holds figures to what must be true of them on any machine.
func checkFigures(t *testing.T, name string, f *transferFigures, r *transferReport) {
	t.Helper()
	if len(f.Walls) != r.Transfers || len(f.CPUs) != r.Transfers {
		t.Errorf("%s: %d and %d values of %d transfers", name, len(f.Walls), len(f.CPUs), r.Transfers)
	}
	if f.Wall != statOf(f.Walls) || f.Wall.Min <= 0 || f.Wall.Min > f.Wall.Median || f.Wall.Median > f.Wall.Max {
		t.Errorf("%s: %+v of %v", name, f.Wall, f.Walls)
	}
	if fastest := float64(r.Bytes) / 1e9 / f.Wall.Min; math.Abs(f.Rate.Max/fastest-1) > 1e-9 {
		t.Errorf("%s: %v GB/s at most, %v by the shortest time", name, f.Rate.Max, fastest)
	}
	if d := f.User.Mean + f.System.Mean - f.CPU.Mean; math.Abs(d) > 1e-9 {
		t.Errorf("%s: user and system time are %v off the whole", name, d)
	}
	calls := 0.0
	for _, n := range f.CallsByName {
		calls += n
	}
	if f.Calls <= 0 || math.Abs(calls/f.Calls-1) > 1e-9 {
		t.Errorf("%s: %v calls, by name %v", name, f.Calls, f.CallsByName)
	}
}

func TestBenchSendJSON(t *testing.T) {
	dir, dir2 := t.TempDir(), t.TempDir()
	out, messages, code := runTransferBench(t, nil, "send", "--size=300000", "--transfers=2", "--json", dir, dir2)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, messages)
	}
	r := decodeReport(t, out)
	if len(r.Results) != 8 {
		t.Fatalf("%d results, want 4 methods to 2 targets", len(r.Results))
	}
	for i, one := range r.Results {
		f := one.Figures
		if f == nil {
			t.Errorf("%s to %s: refused: %s", one.Method, one.Target, one.Refused)
			continue
		}
		checkFigures(t, one.Method, f, r)
		if want := []string{toNull, toFile}[i/4]; one.Target != want {
			t.Errorf("result %d is to %s, want %s", i, one.Target, want)
		}
		if (f.DestinationCached == nil) != (one.Target == toNull) {
			t.Errorf("%s to %s: destination in memory: %v", one.Method, one.Target, f.DestinationCached)
		}
		if f.Receiver == nil || f.Receiver.Calls <= 0 || (f.Receiver.Method == "discard") != (one.Target == toNull) {
			t.Errorf("%s to %s: receiver %+v", one.Method, one.Target, f.Receiver)
		}
		if one.Method == "sendfile" && f.CallsByName["sendfile"] == 0 {
			t.Errorf("sendfile without sendfile: %v", f.CallsByName)
		}
	}
	for _, d := range []string{dir, dir2} {
		if l := left(t, d); len(l) > 0 {
			t.Errorf("left behind: %q", l)
		}
	}
}

// TestBenchListsRefusals: a method that refuses stands in every report, with its
// reason.
func TestBenchListsRefusals(t *testing.T) {
	onLinux(t)
	calls := platform.Native()
	calls.CopyFileRange = func(platform.FD, int64, platform.FD, int64, int) (int, error) { return -1, syscall.EXDEV }
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	out, messages, code := runTransferBench(t, calls, "methods", "--size=64K", "--transfers=2", "--html", page, "--method=readwrite,copy_file_range", dir)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, messages)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "copy_file_range  refused ") || !strings.Contains(out, "\n  copy_file_range, file to file: Invalid cross-device link\n") {
		t.Errorf("text:\n%s", out)
	}
	if !strings.Contains(string(html), "refused: Invalid cross-device link") {
		t.Errorf("page:\n%s", html)
	}
	for line := range strings.Lines(out) {
		if n := len(strings.TrimSuffix(line, "\n")); n > textWidth && !strings.Contains(line, dir) {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestBenchTransferFails: what no other method would do better ends the bench,
// and the copies with it.
func TestBenchTransferFails(t *testing.T) {
	onLinux(t)
	for _, kind := range []string{"methods", "send"} {
		calls := platform.Native()
		var n atomic.Int64
		pread := calls.Pread
		calls.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
			if n.Add(1) > 3 {
				return -1, syscall.EIO
			}
			return pread(fd, buf, off)
		}
		dir := t.TempDir()
		page := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(page, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, messages, code := runTransferBench(t, calls, kind, "--size=64K", "--transfers=5", "--html", page, "--method=readwrite", dir)
		if code != exitFailure || out != "" || !strings.Contains(messages, "readwrite to ") || !strings.Contains(messages, "nput/output error") {
			t.Errorf("%s: exit %d, %q, %q", kind, code, out, messages)
		}
		if l := left(t, dir); len(l) > 0 {
			t.Errorf("%s: left behind: %q", kind, l)
		}
		names, err := filepath.Glob(filepath.Join(filepath.Dir(page), "*"))
		hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(page), ".*"))
		if old, _ := os.ReadFile(page); err != nil || len(names)+len(hidden) != 1 || string(old) != "old" {
			t.Errorf("%s: beside the page: %q %q; it holds %q", kind, names, hidden, old)
		}
	}
}

// TestBenchChecksCopies: what arrives is compared before anything is timed.
func TestBenchChecksCopies(t *testing.T) {
	onLinux(t)
	spoil := func(buf []byte, bits byte) []byte {
		wrong := slices.Clone(buf)
		wrong[len(wrong)-1] ^= bits
		return wrong
	}
	calls := platform.Native()
	pwrite, write := calls.Pwrite, calls.Write
	calls.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
		return pwrite(fd, spoil(buf, 1), off)
	}
	calls.Write = func(fd platform.FD, buf []byte) (int, error) {
		return write(fd, spoil(buf, 2))
	}
	for _, args := range [][]string{{"methods"}, {"send", "--to=null"}, {"send", "--to=file"}} {
		args = append(args, "--size=64K", "--transfers=2", "--method=readwrite", t.TempDir())
		out, messages, code := runTransferBench(t, calls, args...)
		if code != exitFailure || out != "" || !strings.Contains(messages, "is not whole: it differs from the source after byte 0") {
			t.Errorf("%q: exit %d, %q, %q", args, code, out, messages)
		}
	}
}

// TestBenchInterrupted: a bench that is told to stop leaves nothing, wherever
// it is. The receiver of a socket waits for bytes then that never come.
func TestBenchInterrupted(t *testing.T) {
	onLinux(t)
	for _, kind := range []string{"methods", "send"} {
		for _, at := range []int64{1, 5, 20} {
			ctx, cancel := context.WithCancelCause(t.Context())
			calls := platform.Native()
			var n atomic.Int64
			pread := calls.Pread
			calls.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
				if n.Add(1) == at {
					cancel(signalError{syscall.SIGINT})
					<-ctx.Done()
				}
				return pread(fd, buf, off)
			}
			dir := t.TempDir()
			page := filepath.Join(dir, "page.html")
			cfg, err := parseTransferBench([]string{kind, "--size=1M", "--transfers=20", "--method=readwrite", "--html", page, dir})
			if err != nil {
				t.Fatal(err)
			}
			e := newEnv([]string{"zccp"}, nil, &bytes.Buffer{}, &bytes.Buffer{}, os.Getenv)
			e.calls = calls
			if err := transferBench(ctx, e, cfg); err == nil || context.Cause(ctx) == nil {
				t.Errorf("%s, call %d: it ran to its end: %v", kind, at, err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) > 0 {
				t.Errorf("%s, call %d: left behind: %v, %v", kind, at, entries, err)
			}
		}
	}
}
