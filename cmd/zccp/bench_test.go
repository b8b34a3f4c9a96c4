package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseBench(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // names of the contenders, or the error
	}{
		{"tree", "zccp cp"},
		{"tree --against cp,rsync", "zccp cp rsync"},
		{"tree --against rsync --against=cp", "zccp rsync cp"},
		{"tree --against", "option '--against' requires an argument"},
		{"tree --against cpz", "no peer called 'cpz'"},
		{"tree --against cp,cp", "'cp' is named twice"},
		{"tree --rounds 4", "--rounds takes a number of 5 or more, not '4'"},
		{"tree -j0", "--jobs takes a number of 1 or more, not '0'"},
		{"tree --shape round", "invalid argument 'round' for '--shape'"},
		{"tree --size 1G", "unrecognized option '--size'"},
		{"tree src dst", "extra operand 'src'"},
		{"file --files 3", "unrecognized option '--files'"},
		{"file --size 0", "--size=0: nothing to copy"},
		{"file --size 1X", "--size=1X: unknown unit 'X'"},
		{"file --size 1M", "zccp cp"},
		{"disk", "no bench called 'disk'"},
		{"", "say what to measure"},
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
		if err == nil && got != c.want || !strings.HasPrefix(got, c.want) {
			t.Errorf("bench %s: got %q, want %q", c.args, got, c.want)
		}
	}
}

func TestParseBenchCommands(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := parseBench([]string{"tree", "-j3", "--against=one={zccp} -a -j1 --sparse=a,b {src}/. {dst}"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{
		{self, "-a", "-j3", "s", "d"},
		{self, "-a", "-j1", "--sparse=a,b", "s/.", "d"},
	} {
		if got := cfg.Against[i].command("s", "d"); !slices.Equal(got, want) {
			t.Errorf("contender %d: got %q, want %q", i, got, want)
		}
	}
	if _, err := parseBench([]string{"tree", "--against=x=cp {src}"}); err == nil {
		t.Error("a command without {dst} is taken")
	}
}

func TestBenchStatistics(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Errorf("median of 9 1 5: %v", m)
	}
	if m := median([]float64{9, 1, 5, 2}); m != 3.5 {
		t.Errorf("median of 9 1 5 2: %v", m)
	}
	walls := func(seconds ...int) series {
		var s series
		for _, n := range seconds {
			s.timings = append(s.timings, timing{wall: time.Duration(n) * time.Second})
		}
		return s
	}
	// The machine slows down from round to round: the ratio of the medians
	// would be 4/10, that of each round is 1/2, 1/2, 1/5.
	if r := walls(1, 4, 8).ratio(walls(2, 8, 40), wallSeconds); r != 0.5 {
		t.Errorf("ratio: %v, want 0.5", r)
	}
}

// benchCP is a bench of cp against contenders that copies little.
func benchCP(t *testing.T, cfg benchConfig, contenders ...contender) (out, messages string, err error) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no cp here")
	}
	cfg.Rounds, cfg.Files, cfg.Size = 1, 250, 300_000
	cfg.Against = append([]contender{{"zccp", []string{"cp", "-a", srcPlace, dstPlace}}}, contenders...)
	var stdout, stderr bytes.Buffer
	e := newEnv([]string{"zccp"}, nil, &stdout, &stderr, os.Getenv)
	err = bench(t.Context(), e, &cfg)
	return stdout.String(), stderr.String(), err
}

// left returns what a bench left in dir.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*", "*/*", "*/*/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	return names
}

var cpPeer = contender{"cp", []string{"cp", "-a", srcPlace, dstPlace}}

func TestBenchMeasures(t *testing.T) {
	for _, c := range []struct {
		name        string
		cfg         benchConfig
		files, dirs int
		bytes       int64 // 0: any
	}{
		{"tree", benchConfig{Kind: "tree", Shape: "tree"}, 250, 5, 0},
		{"flat", benchConfig{Kind: "tree", Shape: "flat"}, 250, 1, 0},
		{"links", benchConfig{Kind: "tree", Shape: "links"}, 500, 11, 0},
		{"file", benchConfig{Kind: "file"}, 1, 0, 300_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Dir, c.cfg.JSON = t.TempDir(), true
			out, messages, err := benchCP(t, c.cfg, cpPeer)
			if err != nil {
				t.Fatalf("%v\n%s", err, messages)
			}
			var r benchReport
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			if r.Files != c.files || r.Dirs != c.dirs || c.bytes != 0 && r.Bytes != c.bytes || r.Bytes == 0 {
				t.Errorf("%d files, %d directories, %d bytes; want %d, %d, %d", r.Files, r.Dirs, r.Bytes, c.files, c.dirs, c.bytes)
			}
			if len(r.Tools) != 2 || r.Base != "cp" || r.Tools[1].WallRatio != 1 || r.Tools[0].Wall <= 0 || len(r.Tools[0].Walls) != 1 {
				t.Errorf("tools: %+v", r.Tools)
			}
			if l := left(t, c.cfg.Dir); len(l) > 0 {
				t.Errorf("left behind: %q", l)
			}
		})
	}
}

func TestBenchText(t *testing.T) {
	out, messages, err := benchCP(t, benchConfig{benchSettings: benchSettings{Dir: t.TempDir()}, Kind: "tree", Shape: "flat"}, cpPeer)
	if err != nil {
		t.Fatalf("%v\n%s", err, messages)
	}
	for _, want := range []string{"250 files in one directory", "warm cache, 1 rounds", "x cp", "peak MiB"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// TestBenchRefusesBadCopies: a tool that fails, or leaves something out, has no
// figure.
func TestBenchRefusesBadCopies(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  benchConfig
		argv []string
		want string
	}{
		{"fails", benchConfig{Kind: "tree", Shape: "tree"}, []string{"cp", "-a", srcPlace + "/nothing", dstPlace}, "No such file or directory"},
		{"incomplete", benchConfig{Kind: "tree", Shape: "tree"}, []string{"cp", "-a", srcPlace + "/0", dstPlace}, "the copy is not whole: 250 files, 4 directories"},
		{"differs", benchConfig{Kind: "file"}, []string{"cp", "/dev/null", dstPlace}, "the copy is not whole: it differs from the source after byte 0"},
		{"missing", benchConfig{Kind: "tree", Shape: "tree"}, []string{"no-such-program"}, "no-such-program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Dir = t.TempDir()
			out, _, err := benchCP(t, c.cfg, contender{"bad", c.argv})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			if out != "" {
				t.Errorf("printed %q", out)
			}
			if l := left(t, c.cfg.Dir); len(l) > 0 {
				t.Errorf("left behind: %q", l)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	long := strings.Repeat("x", 256<<10) // one chunk
	for _, c := range []struct {
		name, a, b, want string
	}{
		{"empty", "", "", ""},
		{"same", long + "tail", long + "tail", ""},
		{"first byte", "ab", "bb", "after byte 0"},
		{"second chunk", long + "tail", long + "tall", "after byte 262144"},
		{"shorter by a chunk", long + "t", long, "after byte 262144"},
		{"longer", long, long + "t", "after byte 262144"},
	} {
		err := sameBytes(strings.NewReader(c.a), strings.NewReader(c.b))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBenchKeepsSource(t *testing.T) {
	dir := t.TempDir()
	cfg := benchConfig{benchSettings: benchSettings{Dir: dir, Keep: true}, Kind: "tree", Shape: "tree"}
	_, messages, err := benchCP(t, cfg, cpPeer)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "zccp-bench", "tree-250")
	if l := left(t, dir); !slices.Contains(l, kept) || slices.Contains(l, filepath.Join(dir, "zccp-bench", "runs")) {
		t.Errorf("kept: %q", l)
	}
	if !strings.Contains(messages, "making 250 files") {
		t.Errorf("no word of making the source: %s", messages)
	}
	cfg.Keep = false
	_, messages, err = benchCP(t, cfg, cpPeer)
	if err != nil || strings.Contains(messages, "making") {
		t.Errorf("not reused: %v %s", err, messages)
	}
	if l := left(t, dir); len(l) > 0 {
		t.Errorf("left behind: %q", l)
	}
}

// TestBenchRunsAlone: two at once would measure each other.
func TestBenchRunsAlone(t *testing.T) {
	dir := t.TempDir()
	runs := filepath.Join(dir, "zccp-bench", "runs")
	if err := os.MkdirAll(runs, 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := benchCP(t, benchConfig{benchSettings: benchSettings{Dir: dir}, Kind: "tree", Shape: "tree"}, cpPeer)
	if err == nil || !strings.Contains(err.Error(), "in use by another bench") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(runs); err != nil {
		t.Errorf("the other's files are gone: %v", err)
	}
}
