package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseBenchSync(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // names of the contenders, or the error
	}{
		{"sync", "zccp rsync"},
		{"sync --against rsync,rsync", "'rsync' is named twice"},
		{"sync --against cp", "no peer called 'cp'; known: rsync, or write NAME=COMMAND"},
		{"sync --shape flat", "unrecognized option '--shape'"},
		{"sync --rounds 4", "--rounds takes a number of 5 or more, not '4'"},
	} {
		cfg, err := parseBench(strings.Fields(c.args))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for _, one := range cfg.Against {
				got += " " + one.name
			}
			got = got[1:]
		}
		if got != c.want {
			t.Errorf("bench %s: got %q, want %q", c.args, got, c.want)
		}
	}
}

// rsyncs are contenders that are one and the same program.
func rsyncs(flaw string) []contender {
	return []contender{
		{"zccp", []string{"rsync", "-a", deletePlace, srcPlace + "/", dstPlace + "/"}},
		{"rsync", append([]string{"rsync", "-a", deletePlace, srcPlace + "/", dstPlace + "/"}, strings.Fields(flaw)...)},
	}
}

// benchRsync is a bench of rsync against rsync.
func benchRsync(t *testing.T, cfg benchConfig, contenders []contender) (out, messages string, err error) {
	t.Helper()
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Skip(err)
	}
	cfg.Kind, cfg.Rounds, cfg.Files, cfg.Against = benchSync, 2, 1250, contenders
	var stdout, stderr bytes.Buffer
	e := newEnv([]string{"zccp", "bench", "sync"}, nil, &stdout, &stderr, os.Getenv)
	err = benchSyncs(t.Context(), e, &cfg)
	return stdout.String(), stderr.String(), err
}

func TestBenchSync(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	out, messages, err := benchRsync(t, benchConfig{benchSettings: benchSettings{Dir: dir, JSON: true, HTML: page}}, rsyncs(""))
	if err != nil {
		t.Fatalf("%v\n%s", err, messages)
	}
	var r struct {
		Bench  string
		Files  int
		Bytes  int64
		Base   string
		Phases []struct {
			Phase string
			Tools []benchTool
		}
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if r.Bench != "sync" || r.Files != 1250 || r.Bytes == 0 || r.Base != "rsync" || len(r.Phases) != 3 {
		t.Fatalf("got %+v", r)
	}
	for i, want := range []string{"first", "unchanged", "changed"} {
		p := r.Phases[i]
		if p.Phase != want || len(p.Tools) != 2 || len(p.Tools[1].Walls) != 2 || p.Tools[1].WallRatio != 1 || p.Tools[0].Wall <= 0 || p.Tools[0].Peak <= 0 {
			t.Errorf("phase %s: %+v", want, p)
		}
	}
	if text, err := os.ReadFile(page); err != nil || bytes.Count(text, []byte("<h2")) < 3 {
		t.Errorf("page: %v, %d bytes", err, len(text))
	}
	if got := left(t, dir); !slices.Equal(got, []string{page}) {
		t.Errorf("left %q", got)
	}
}

// TestBenchSyncTable prints the table, and keeps the source.
func TestBenchSyncTable(t *testing.T) {
	dir := t.TempDir()
	out, messages, err := benchRsync(t, benchConfig{benchSettings: benchSettings{Dir: dir, Keep: true}}, rsyncs(""))
	if err != nil {
		t.Fatalf("%v\n%s", err, messages)
	}
	for _, want := range []string{"First copy: 1250 files", "Nothing changed: 1250 files", "One file in 100 edited, renamed or deleted: 1250 files"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	tree := func(version string) treeCount {
		n, err := countTree(filepath.Join(dir, "zccp-bench", "sync-1250", version))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// Of 13 files that change 4 are removed and 5 are 14 bytes longer.
	if a, b := tree("a"), tree("b"); a.files != 1250 || b.files != 1246 || a.bytes == b.bytes || a.dirs != b.dirs {
		t.Errorf("a has %+v, b %+v", a, b)
	}
}

// TestBenchSyncChecks times no program that leaves something out.
func TestBenchSyncChecks(t *testing.T) {
	for _, c := range []struct{ flaw, want string }{
		{"--exclude=file-7", "rsync: the copy is not whole: 1249 files"},
		{"--no-r --dirs", "rsync: the copy is not whole: 0 files"},
		{"--existing --max-delete=0", "rsync: the copy is not whole"},
		{"--nonsense", "rsync: exit status 1"},
	} {
		_, _, err := benchRsync(t, benchConfig{benchSettings: benchSettings{Dir: t.TempDir()}}, rsyncs(c.flaw))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.flaw, err, c.want)
		}
	}
}
