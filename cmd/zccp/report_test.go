package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// runReport lets use drive the report of "zccp LINE" and returns what it
// printed and the exit code.
func runReport(t *testing.T, line string, use func(r *report, c *apply.Counters)) (stdout, stderr string, code int) {
	t.Helper()
	e, out, errs := testEnv(nil, append([]string{"zccp"}, words(line)...)...)
	cfg, err := parseCopy(e, e.args[1:])
	if err != nil {
		t.Fatal(err)
	}
	c := new(apply.Counters)
	r := newReport(e, cfg, c)
	r.Start()
	use(r, c)
	code = r.Finish(context.Background(), nil)
	return out.String(), errs.String(), code
}

// someEvents is one of each.
func someEvents(r *report, c *apply.Counters) {
	if !r.wantsEvents() {
		return
	}
	done := func(ev apply.Event) { r.Done(&ev) }
	done(apply.Event{Op: apply.OpMkdir, Src: "a", Dst: "b", Reason: "new"})
	done(apply.Event{Op: apply.OpCopy, Src: "a/x\ny", Dst: "b/x\ny", Size: 10, Reason: "new", How: "unnamed file",
		Result: &copier.Result{Method: copier.CopyFileRange, Bytes: 10, Moved: 10, Attempts: 1}})
	done(apply.Event{Op: apply.OpCopy, Src: "a/c", Dst: "b/c", Backup: "b/c~", Size: 3 << 20, Reason: "newer", How: "temporary name",
		Result: &copier.Result{Method: copier.Reflink, Bytes: 3 << 20, Cloned: 2 << 20, Holes: 1 << 20, Attempts: 2, Verified: true}})
	done(apply.Event{Op: apply.OpCopy, Src: "a/e", Dst: "b/e", Reason: "new", How: "staged directory",
		Result: &copier.Result{Attempts: 1}})
	done(apply.Event{Op: apply.OpSymlink, Src: "a/s", Dst: "b/s", Target: "x", Reason: "new"})
	done(apply.Event{Op: apply.OpLink, Src: "a/l", Dst: "b/l", Target: "b/c", Reason: "new"})
	done(apply.Event{Op: apply.OpSkip, Src: "a/o", Dst: "b/o", Reason: "exists"})
	done(apply.Event{Op: apply.OpRemove, Src: "a/r", Dst: "b/r", Reason: "removed"})
}

func TestReportForms(t *testing.T) {
	cases := []struct {
		line string
		want []string
	}{
		{"a b", nil},
		{"-v a b", []string{
			`'a' -> 'b'`,
			`'a/x'$'\n''y' -> 'b/x'$'\n''y'`,
			`'a/c' -> 'b/c' (backup: 'b/c~')`,
			`'a/e' -> 'b/e'`,
			`'a/s' -> 'b/s'`,
			`'a/l' -> 'b/l'`,
			`removed 'b/r'`,
		}},
		{"--debug a b", []string{
			`'a' -> 'b'`,
			`'a/x'$'\n''y' -> 'b/x'$'\n''y'`,
			`copy offload: yes, reflink: no, sparse detection: no`,
			`'a/c' -> 'b/c' (backup: 'b/c~')`,
			`copy offload: unknown, reflink: yes, sparse detection: unknown`,
			`'a/e' -> 'b/e'`,
			`copy offload: unknown, reflink: unknown, sparse detection: unknown`,
			`'a/s' -> 'b/s'`,
			`'a/l' -> 'b/l'`,
			`skipped 'b/o'`,
			`removed 'b/r'`,
		}},
		{"--explain a b", []string{
			`'a' -> 'b': mkdir; new`,
			`'a/x'$'\n''y' -> 'b/x'$'\n''y': copy_file_range, unnamed file; new`,
			`'a/c' -> 'b/c' (backup: 'b/c~'): reflink, temporary name; holes 1.0 MiB; shared 2.0 MiB; source changed, 2 attempts; verified; newer`,
			`'a/e' -> 'b/e': no data, staged directory; new`,
			`'a/s' -> 'b/s': symlink to 'x'; new`,
			`'a/l' -> 'b/l': link to 'b/c'; new`,
			`'a/o' -> 'b/o': skip; exists`,
			`'a/r' -> 'b/r': remove; removed`,
		}},
		{"--dry-run a b", []string{
			`'a' -> 'b': mkdir (new)`,
			`'a/x'$'\n''y' -> 'b/x'$'\n''y' (new)`,
			`'a/c' -> 'b/c' (backup: 'b/c~') (newer)`,
			`'a/e' -> 'b/e' (new)`,
			`'a/s' -> 'b/s': symlink to 'x' (new)`,
			`'a/l' -> 'b/l': link to 'b/c' (new)`,
			`skip 'b/o' (exists)`,
			`remove 'b/r' (removed)`,
			`0 files, 0 directories, 0 symlinks, 0 hard links, 0 special files; 0 B; 0 skipped (dry run)`,
		}},
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			stdout, stderr, code := runReport(t, c.line, someEvents)
			want := strings.Join(c.want, "\n")
			if len(c.want) > 0 {
				want += "\n"
			}
			if diff := cmp.Diff(want, stdout); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if stderr != "" || code != 0 {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}

func TestReportProblem(t *testing.T) {
	stdout, stderr, code := runReport(t, "a b", func(r *report, c *apply.Counters) {
		c.Failed.Add(1)
		r.Problem(fmt.Errorf("cannot open %s: %w", apply.Quote("a\x1b[2J"), syscall.EACCES), "")
		r.Problem(errors.New("cannot stat 'b\x1b[2J\n\xff': x"), "look again")
		r.Note("warning: ignored")
	})
	want := "zccp: cannot open 'a'$'\\033''[2J': permission denied\n" +
		"zccp: cannot stat 'b\\#033[2J\\#012\\#377': x\n" +
		"zccp: hint: look again\n" +
		"zccp: warning: ignored\n"
	if stdout != "" || stderr != want || code != exitFailure {
		t.Errorf("exit code %d, stdout %q, stderr\n%q\nwant\n%q", code, stdout, stderr, want)
	}
}

// TestReportEndedEarly: what ended a run is told, unless a signal did.
func TestReportEndedEarly(t *testing.T) {
	for _, c := range []struct {
		err    error
		stderr string
	}{
		{errors.New("cannot create 'b': x"), "zccp: cannot create 'b': x\n"},
		{context.Canceled, ""},
		{fmt.Errorf("copy: %w", signalError{syscall.SIGTERM}), ""},
	} {
		e, _, stderr := testEnv(nil, "zccp", "a", "b")
		r := newReport(e, plain(nil), new(apply.Counters))
		r.Start()
		if code := r.Finish(context.Background(), c.err); code != exitFailure || stderr.String() != c.stderr {
			t.Errorf("%v: exit code %d, stderr %q", c.err, code, stderr)
		}
	}
}

func TestReportAsk(t *testing.T) {
	e, _, stderr := testEnv(nil, "cp", "-i", "a", "b")
	e.stdin = strings.NewReader("yes\nno\n\nY\n y\ny")
	r := newReport(e, plain(nil), new(apply.Counters))
	r.Start()
	var got []bool
	for range 8 {
		got = append(got, r.Ask("overwrite 'b'? "))
	}
	r.Finish(context.Background(), nil)
	want := []bool{true, false, false, true, false, true, false, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := strings.Repeat("cp: overwrite 'b'? ", 8); stderr.String() != want {
		t.Errorf("stderr %q", stderr)
	}
}

// TestReportClosedStdout: the run goes on, its report is lost, the exit code
// says so once.
func TestReportClosedStdout(t *testing.T) {
	var stderr bytes.Buffer
	w := failingWriter{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}}
	e := newEnv([]string{"zccp", "-v", "a", "b"}, strings.NewReader(""), w, &stderr, func(string) string { return "" })
	cfg, err := parseCopy(e, e.args[1:])
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(e, cfg, new(apply.Counters))
	r.Start()
	for range 5000 {
		someEvents(r, nil)
	}
	if code := r.Finish(context.Background(), nil); code != exitFailure {
		t.Errorf("exit code %d", code)
	}
	if got, want := stderr.String(), "zccp: write error: Broken pipe\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}

// TestReportWholeLines writes from many goroutines to a writer that keeps what
// each call wrote, more than its buffer holds.
func TestReportWholeLines(t *testing.T) {
	e, stdout, _ := testEnv(nil, "zccp", "-v", "a", "b")
	pieces := new(pieceWriter)
	e.stdout = pieces
	cfg, err := parseCopy(e, e.args[1:])
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(e, cfg, new(apply.Counters))
	r.Start()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				name := fmt.Sprintf("%d-%d-%s", g, i, strings.Repeat("x", i%300))
				r.Done(&apply.Event{Op: apply.OpMkdir, Src: name, Dst: name})
			}
		})
	}
	wg.Wait()
	r.Finish(context.Background(), nil)
	for _, p := range pieces.all {
		if !bytes.HasSuffix(p, []byte("\n")) {
			t.Errorf("a write ends inside a line: %q", p[max(0, len(p)-20):])
		}
		stdout.Write(p)
	}
	if len(pieces.all) < 2 {
		t.Errorf("%d writes: the buffer was never full", len(pieces.all))
	}
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	if len(lines) != 8000 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		src, dst, ok := strings.Cut(l, " -> ")
		if !ok || src != dst {
			t.Fatalf("torn line %q", l)
		}
	}
}

type pieceWriter struct{ all [][]byte }

func (w *pieceWriter) Write(p []byte) (int, error) {
	w.all = append(w.all, bytes.Clone(p))
	return len(p), nil
}

func TestReportJSON(t *testing.T) {
	stdout, stderr, code := runReport(t, "--json --stats -v a \xff", func(r *report, c *apply.Counters) {
		someEvents(r, c)
		r.Done(&apply.Event{Op: apply.OpCopy, Src: "\xff<&>", Dst: "é", Result: &copier.Result{}})
		c.Failed.Add(1)
		c.Files.Add(4)
		r.Problem(fmt.Errorf("cannot open 'q': %w", syscall.EACCES), "try sudo")
		r.Note("warning: x")
	})
	if code != exitFailure || !strings.HasPrefix(stderr, "zccp: cannot open 'q'") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	var lines []map[string]any
	for l := range strings.Lines(stdout) {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		lines = append(lines, m)
	}
	var types []string
	for _, l := range lines {
		types = append(types, l["type"].(string))
	}
	want := "start file file file file file file file file file error note summary"
	if got := strings.Join(types, " "); got != want {
		t.Fatalf("types %s\nwant  %s", got, want)
	}
	start, odd, problem, sum := lines[0], lines[9], lines[10], lines[12]
	if start["schema"] != 1.0 || start["program"] != "zccp" || len(start["argv"].([]any)) != 6 {
		t.Errorf("start %v", start)
	}
	for what, text := range map[string]any{"\xff": start["argv_b64"].([]any)[5], "\xff<&>": odd["src_b64"]} {
		if got, err := base64.StdEncoding.DecodeString(text.(string)); err != nil || string(got) != what {
			t.Errorf("%q is %q in base64, %v", what, got, err)
		}
	}
	if odd["dst"] != "é" || odd["dst_b64"] != nil || odd["moved"] != 0.0 || odd["method"] != "none" {
		t.Errorf("file %v", odd)
	}
	if problem["message"] != "cannot open 'q': permission denied" || problem["errno"] != 13.0 || problem["hint"] != "try sudo" {
		t.Errorf("error %v", problem)
	}
	if sum["exit"] != 1.0 || sum["failed"] != 1.0 || sum["files"] != 4.0 {
		t.Errorf("summary %v", sum)
	}
	for l := range strings.Lines(stdout) {
		if strings.Contains(l, `\u003c`) {
			t.Errorf("HTML escapes: %s", l)
		}
	}
}

// TestReportSchema holds docs/json.md to the fields there are.
func TestReportSchema(t *testing.T) {
	text, err := os.ReadFile(moduleRoot + "/docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{jsonStart{}, jsonFile{}, jsonRefusal{}, jsonError{}, jsonSummary{}, jsonStatus{}} {
		for _, name := range jsonFields(v) {
			if !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("%T: field %s is not described", v, name)
			}
		}
	}
}

func TestReportStats(t *testing.T) {
	stdout, _, _ := runReport(t, "--stats a b", func(r *report, c *apply.Counters) {
		c.Files.Add(3)
		c.Bytes.Add(5 << 20)
		c.Cloned.Add(4 << 20)
		c.InKernel.Add(1 << 20)
	})
	for _, want := range []string{
		"Files copied:              3\n",
		"Bytes of files copied:     5242880 (5.0 MiB)\n",
		"  shared by reflink:       4194304 (4.0 MiB)\n",
		"  moved in the kernel:     1048576 (1.0 MiB)\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

// TestReportSilence: off a terminal nothing is printed that nobody asked for,
// however long the copy takes; --progress ends in one line.
func TestReportSilence(t *testing.T) {
	fill := func(r *report, c *apply.Counters) {
		c.Files.Add(1)
		c.Bytes.Add(2048)
		c.InKernel.Add(2048)
		c.LostMeta.Add(1)
	}
	if stdout, stderr, code := runReport(t, "a b", fill); stdout != "" || stderr != "" || code != 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for _, line := range []string{"-g a b", "--progress=bar a b", "--progress=plain a b"} {
		_, stderr, _ := runReport(t, line, fill)
		if !strings.HasPrefix(stderr, "zccp: copied 1 file, 2.0 KiB in 0.0 s, ") ||
			!strings.HasSuffix(stderr, ", in-kernel 2.0 KiB, not all kept of 1\n") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: stderr %q", line, stderr)
		}
	}
	if _, stderr, _ := runReport(t, "--progress=none a b", fill); stderr != "" {
		t.Errorf("--progress=none: stderr %q", stderr)
	}
}
