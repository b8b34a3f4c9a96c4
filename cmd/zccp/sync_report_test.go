package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

func writeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// syncEvents is one event of each sort, in a fixed order.
func syncEvents() []mirror.Event {
	at := platform.Time{Sec: 1577934245}
	file := uint32(platform.ModeRegular | 0o644)
	return []mirror.Event{
		{Name: ".", Mode: platform.ModeDir | 0o755, Flags: plan.FlagTime, Mtime: at, Size: 4096},
		{Name: "new\n", Mode: file, Flags: plan.FlagTransfer | plan.FlagNew, Mtime: at, Size: 1234},
		{Name: "d", Mode: platform.ModeDir | 0o1777, Flags: plan.FlagLocalChange | plan.FlagNew, Mtime: at, Size: 4096},
		{Name: "mode", Mode: file, Flags: plan.FlagPerms, Mtime: at},
		{Name: "same", Mode: file, Mtime: at},
		{Name: "ds", Mode: platform.ModeDir | 0o755, Mtime: at},
		{Name: "l", Mode: platform.ModeSymlink | 0o777, Flags: plan.FlagLocalChange | plan.FlagNew, Link: "to", Mtime: at},
		{Name: "h", Mode: file, Flags: plan.FlagLocalChange | plan.FlagHardLink, Link: "new\n", Mtime: at},
		{Name: "gone", Mode: platform.ModeDir | 0o755, Flags: plan.FlagDeleted, Mtime: at},
	}
}

// reportOf runs the reporter over syncEvents, with notes and a problem.
func reportOf(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	e, out, errs := testEnv(map[string]string{"LANG": "C.UTF-8"}, append([]string{"zccp", "sync"}, args...)...)
	cfg, err := parseSync(e, append(args, "src/", "dst"))
	if err != nil {
		t.Fatal(err)
	}
	r := newSyncReport(e, cfg)
	r.Start()
	for _, ev := range syncEvents() {
		if ev.Flags.Significant() || cfg.Mirror.ItemizeAll || ev.Link != "" {
			r.Item(&ev)
		}
	}
	r.Note(0, "skipping non-regular file \"x\"")
	r.Note(1, "created directory dst")
	r.Note(2, "y is newer")
	r.Problem(mirror.KindPartial, errors.New("cannot open 'z': Permission denied"), "try again")
	r.Finish(mirror.Stats{Files: 1500, Regular: 1498, Dirs: 2, TotalSize: 3000000, Literal: 1000000, Transferred: 3}, r.code())
	return out.String(), errs.String()
}

func TestSyncReport(t *testing.T) {
	totals := regexp.MustCompile(`[\d,.]+ bytes/sec`)
	const skipped, nonreg = "y is newer\n", "skipping non-regular file \"x\"\n"
	const end = "\nsent 1,000,000 bytes  received 0 bytes  R\ntotal size is 3,000,000  speedup is 3.00\n"
	for _, c := range []struct{ args, want string }{
		{"-a", nonreg},
		{"-a --info=nonreg0", ""},
		{"-a -q -v -i", ""},
		{"-av", "sending incremental file list\n./\nnew\\#012\nd/\nl -> to\ndeleting gone/\n" + nonreg + "created directory dst\n" + end},
		{"-ai", ".d..t...... ./\n>f+++++++++ new\\#012\ncd+++++++++ d/\n.f...p..... mode\ncL+++++++++ l -> to\n" +
			"hf          h => new\\#012\n*deleting   gone/\n" + nonreg + "created directory dst\n"},
		{"-avv", "sending incremental file list\n./\nnew\\#012\nd/\nmode\nsame is uptodate\nl -> to\nh is uptodate\ndeleting gone/\n" +
			nonreg + "created directory dst\n" + skipped + end},
		{"-avv --copy-dest=x --info=stats0", "sending incremental file list\n./\nnew\\#012\nd/\nmode\nsame is uptodate\nl -> to\nh => new\\#012\ndeleting gone/\n" +
			nonreg + "created directory dst\n" + skipped},
		{"-av --copy-dest=x --info=stats0", "sending incremental file list\n./\nnew\\#012\nd/\nl -> to\nh => new\\#012\ndeleting gone/\n" +
			nonreg + "created directory dst\n"},
		{"-avn --delete-after", "building file list ... done\n./\nnew\\#012\nd/\nl -> to\ndeleting gone/\n" + nonreg + "created directory dst\n" +
			strings.TrimSuffix(end, "\n") + " (DRY RUN)\n"},
		{"-a --out-format=%o|%f|%l|%'l|%B|%-6L|%06l|%M|%U|%z", "send|src/.|4096|4,096|rwxr-xr-x|      |004096|T|0|%z\n" +
			"send|src/new\\#012|1234|1,234|rw-r--r--|      |001234|T|0|%z\nsend|src/d|4096|4,096|rwxrwxrwt|      |004096|T|0|%z\n" +
			"send|src/l|0|0|rwxrwxrwx| -> to|000000|T|0|%z\ndel.|gone|0|0|rwxr-xr-x|      |000000|T|0|%z\n" + nonreg + "created directory dst\n"},
		{"-a --info=del", "deleting gone/\n" + nonreg},
		{"-a --info=stats1,nonreg0 -hh", "\nsent 976.56K bytes  received 0 bytes  R\ntotal size is 2.86M  speedup is 3.00\n"},
		{"-a --stderr=client --info=nonreg0", "zccp: cannot open 'z': Permission denied\nzccp: hint: try again\n" +
			"zccp: some files/attrs were not transferred (see previous errors) (code 23)\n"},
	} {
		stdout, stderr := reportOf(t, strings.Fields(c.args)...)
		stdout = totals.ReplaceAllString(stdout, "R")
		stdout = regexp.MustCompile(`(?m)\b\d+/\d\d/\d\d-\d\d:\d\d:\d\d`).ReplaceAllString(stdout, "T")
		stdout = regexp.MustCompile(`[\d.]+[KM] bytes/sec`).ReplaceAllString(stdout, "R")
		if stdout != c.want {
			t.Errorf("%s prints\n%s\nwant\n%s", c.args, stdout, c.want)
		}
		if want := "zccp: cannot open 'z': Permission denied\nzccp: hint: try again\n" +
			"zccp: some files/attrs were not transferred (see previous errors) (code 23)\n"; !strings.Contains(c.args, "client") && stderr != want {
			t.Errorf("%s says\n%s\nwant\n%s", c.args, stderr, want)
		}
	}
}

func TestSyncReportStats(t *testing.T) {
	stdout, _ := reportOf(t, "-a", "--stats", "-q")
	if stdout != "" {
		t.Errorf("-q prints %q", stdout)
	}
	stdout, _ = reportOf(t, "-a", "--stats")
	for _, line := range []string{
		"Number of files: 1,500 (reg: 1,498, dir: 2)", "Number of created files: 0", "Number of deleted files: 0",
		"Number of regular files transferred: 3", "Total file size: 3,000,000 bytes", "Total transferred file size: 0 bytes",
		"Literal data: 1,000,000 bytes", "Matched data: 0 bytes", "Total bytes sent: 1,000,000", "Total bytes received: 0",
	} {
		if !strings.Contains(stdout, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, stdout)
		}
	}
}

func TestSyncReportJSON(t *testing.T) {
	stdout, _ := reportOf(t, "-aivv", "--json", "--stats")
	var types []string
	for line := range strings.Lines(stdout) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		types = append(types, v["type"].(string))
		switch v["type"] {
		case "item":
			if v["name"] == "new\n" && (v["op"] != "transfer" || v["itemize"] != ">f+++++++++" || v["size"] != 1234.0 || v["mtime"] != "2020-01-02T03:04:05Z") {
				t.Errorf("item %s", line)
			}
		case "summary":
			if v["exit"] != 23.0 || v["literal"] != 1e6 || v["files"].(map[string]any)["regular"] != 1498.0 {
				t.Errorf("summary %s", line)
			}
		}
	}
	want := "start item item item item item item item item item note note note error summary"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("types %s, want %s", got, want)
	}
}

// TestSyncAsRsync holds the report to what wrappers of rsync search stderr and
// the log for.
func TestSyncAsRsync(t *testing.T) {
	full := fmt.Errorf("cannot write 'd/z': No space left on device%w", &silent{syscall.ENOSPC})
	for _, c := range []struct {
		kind mirror.Kind
		err  error
		want string
	}{
		{mirror.KindPartial, full, "rsync: cannot write 'd/z': No space left on device (28)\nrsync: hint: h\n" +
			"rsync error: some files/attrs were not transferred (see previous errors) (code 23)\n"},
		{mirror.KindVanished, errors.New("file has vanished: 'z'"), "file has vanished: 'z'\nrsync: hint: h\n" +
			"rsync warning: some files vanished before they could be transferred (code 24)\n"},
	} {
		log := filepath.Join(t.TempDir(), "log")
		e, stdout, stderr := testEnv(nil, "/usr/local/bin/rsync")
		cfg, err := parseSync(e, []string{"-av", "--log-file=" + log, "src/", "dst"})
		if err != nil {
			t.Fatal(err)
		}
		r := newSyncReport(e, cfg)
		r.Start()
		r.Problem(c.kind, c.err, "h")
		r.Finish(mirror.Stats{}, r.code())
		if stderr.String() != c.want {
			t.Errorf("says\n%s\nwant\n%s", stderr, c.want)
		}
		logged, err := os.ReadFile(log)
		for line := range strings.Lines(strings.Replace(c.want, "rsync: hint: h\n", "", 1)) {
			if err != nil || !strings.Contains(string(logged), "] "+line) {
				t.Errorf("the log holds\n%s\nwithout %s%v", logged, line, err)
			}
		}
		if !strings.Contains(stdout.String(), "\ntotal size is ") {
			t.Errorf("no totals in %q", stdout)
		}
	}
	e, stdout, stderr := testEnv(nil, "rsync", "-av", t.TempDir()+"/", filepath.Join(t.TempDir(), "a", "b"))
	if code := run(e); code != exitFileIO || strings.Contains(stdout.String(), "total size") {
		t.Errorf("a destination that can't be made: %d, %s", code, stdout)
	}
	if !strings.HasSuffix(stderr.String(), ": No such file or directory\nrsync error: error in file IO (code 11)\n") {
		t.Errorf("a destination that can't be made: %s", stderr)
	}
}

// silent is a cause that a message doesn't spell.
type silent struct{ error }

func (*silent) Error() string   { return "" }
func (s *silent) Unwrap() error { return s.error }

func TestSyncLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	reportOf(t, "-a", "--log-file="+path, "--log-file-format=%o %n")
	contents, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] `).ReplaceAllString(string(contents), "")
	want := "building file list\nsend ./\nsend new\\#012\nsend d/\nsend mode\nsend l\ndel. gone/\nskipping non-regular file \"x\"\n" +
		"rsync: cannot open 'z': Permission denied\nsent 1000000 bytes  received 0 bytes  total size 3000000\n" +
		"rsync error: some files/attrs were not transferred (see previous errors) (code 23)\n"
	if text != want {
		t.Errorf("the log holds\n%s\nwant\n%s", text, want)
	}
	// Without %o and %i a deletion is told in words; an empty format tells of no entry.
	for format, want := range map[string]string{"%n": "\ndeleting gone/\nskipping", "": "building file list\nskipping"} {
		path := filepath.Join(t.TempDir(), "log")
		reportOf(t, "-a", "--log-file="+path, "--log-file-format="+format)
		contents, err := os.ReadFile(path)
		text := regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] `).ReplaceAllString(string(contents), "")
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("with format %q the log holds\n%s%v", format, text, err)
		}
	}
	path = filepath.Join(t.TempDir(), "log")
	reportOf(t, "-a", "--stats", "-h", "--log-file="+path)
	contents, err = os.ReadFile(path)
	if err != nil || regexp.MustCompile(`(?m)\] $`).Match(contents) || !strings.Contains(string(contents), "] total size is 3.00M ") {
		t.Errorf("with --stats the log holds\n%s%v", contents, err)
	}
	// One that can't be written is said, and the run goes on, as in rsync.
	_, stderr := reportOf(t, "-a", "--log-file=/nonexistent/log")
	if !strings.HasPrefix(stderr, "zccp: failed to open log-file /nonexistent/log: No such file or directory\nzccp: Ignoring") {
		t.Errorf("stderr %q", stderr)
	}
}

func TestListLine(t *testing.T) {
	local := time.Unix(1577934245, 0).Format("2006/01/02 15:04:05")
	ev := mirror.Event{Name: "l", Mode: platform.ModeSymlink | 0o777, Link: "to", Size: 1234567, Mtime: platform.Time{Sec: 1577934245}}
	for _, c := range []struct {
		o    syncOutput
		want string
	}{
		{syncOutput{Human: humanSeparated}, "lrwxrwxrwx      1,234,567 " + local + " l"},
		{syncOutput{Human: humanDigits, Targets: true}, "lrwxrwxrwx     1234567 " + local + " l -> to"},
		{syncOutput{Human: humanDecimal}, "lrwxrwxrwx          1.23M " + local + " l"},
	} {
		if got := listLine(&ev, &c.o); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	for mode, want := range map[uint32]string{
		platform.ModeRegular | 0o4755: "-rwsr-xr-x", platform.ModeRegular | 0o4644: "-rwSr--r--",
		platform.ModeDir | 0o3777: "drwxrwsrwt", platform.ModeDir | 0o1770: "drwxrwx--T",
		platform.ModeFIFO: "p---------", platform.ModeSocket | 0o600: "srw-------", platform.ModeBlock: "b---------", platform.ModeChar: "c---------",
	} {
		if got := modeString(mode); got != want {
			t.Errorf("%o: %s, want %s", mode, got, want)
		}
	}
}

// TestSyncJSONDocs: docs/json.md names every field of the lines of sync mode.
func TestSyncJSONDocs(t *testing.T) {
	contents, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(contents), "\n## `zccp sync`")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, line := range []any{jsonItem{}, jsonSyncSummary{}, jsonKinds{}} {
		for field := range reflect.TypeOf(line).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !strings.Contains(section, "`"+name+"`") {
				t.Errorf("docs/json.md lacks %s of %T", name, line)
			}
		}
	}
}

// TestSyncReportRemote holds what is said of a run between machines to rsync's
// words: where the names come from, and nothing of totals where nothing began.
func TestSyncReportRemote(t *testing.T) {
	for _, c := range []struct {
		args string
		err  error
		kind mirror.Kind
		code int
		want string
	}{
		{"-rm --info=flist --out-format=%o:%f host:src/ dst", nil, 0, exitOK, "receiving file list ... done\nrecv:new\\#012\ndel.:gone\n"},
		{"-r --info=flist --out-format=%o:%f src/ host:dst", nil, 0, exitOK, "sending incremental file list\nsend:src/new\\#012\ndel.:gone\n"},
		{"-r --stats host:src/ dst", errors.New("x"), mirror.KindPartial, exitStart, ""},
		{"-r --stats src/ host:dst", errors.New("x"), mirror.KindSelection, exitSelection, ""},
	} {
		e, stdout, _ := testEnv(map[string]string{"LANG": "C.UTF-8"}, "zccp", "sync")
		cfg, err := parseSync(e, strings.Fields(c.args))
		if err != nil {
			t.Fatal(err)
		}
		r := newSyncReport(e, cfg)
		r.Start()
		for _, ev := range syncEvents() {
			if c.err == nil && (ev.Flags&plan.FlagTransfer != 0 || ev.Flags&plan.FlagDeleted != 0) {
				r.Item(&ev)
			}
		}
		if c.err != nil {
			r.Problem(c.kind, c.err, "")
		}
		r.Finish(mirror.Stats{}, c.code)
		if stdout.String() != c.want {
			t.Errorf("%s prints\n%s\nwant\n%s", c.args, stdout, c.want)
		}
	}
}
