package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/mirror"
)

func TestHumanNumber(t *testing.T) {
	for _, c := range []struct {
		n     int64
		level int
		want  string
	}{
		{0, humanSeparated, "0"},
		{999, humanSeparated, "999"},
		{1234567, humanDigits, "1234567"},
		{1234567, humanSeparated, "1,234,567"},
		{-1234567, humanSeparated, "-1,234,567"},
		{1234567, humanDecimal, "1.23M"}, // the example of rsync(1)
		{1234567, humanBinary, "1.18M"},
		{999, humanDecimal, "999"},
		{1000, humanDecimal, "1.00K"},
		{1023, humanBinary, "1,023"},
		{5e18, humanDecimal, "5000.00P"},
	} {
		if got := humanNumber(c.n, c.level); got != c.want {
			t.Errorf("%d at level %d: %s, want %s", c.n, c.level, got, c.want)
		}
	}
	for _, c := range []struct {
		f     float64
		level int
		want  string
	}{
		{0, humanSeparated, "0.00"},
		{12.345, humanSeparated, "12.35"},
		{1234.5, humanDigits, "1234.50"},
		{1234.5, humanSeparated, "1,234.50"},
		{1234567.8, humanDecimal, "1.23M"},
	} {
		if got := humanFraction(c.f, c.level); got != c.want {
			t.Errorf("%v at level %d: %s, want %s", c.f, c.level, got, c.want)
		}
	}
}

func TestParseSyncSize(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "10": 10, "10b": 10, "1k": 1024, "1KB": 1000, "1kib": 1024, "1.5m": 1572864,
		"1g-1": 1<<30 - 1, "1g+1": 1<<30 + 1, "1": 1, "2T": 2 << 40,
	} {
		if got, err := parseSyncSize("max-size", s, 1); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", s, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "-1", "1kx", "1-2", "0-1", "1e3"} {
		if n, err := parseSyncSize("max-size", bad, 1); err == nil {
			t.Errorf("%q is %d", bad, n)
		}
	}
}

// TestParseStopAt: the examples of rsync(1) first.
func TestParseStopAt(t *testing.T) {
	now := time.Date(2026, 11, 22, 15, 30, 20, 0, time.UTC)
	for s, want := range map[string]string{
		"1-30": "2027-01-30T00:00", "14:00": "2026-11-23T14:00", "1": "2026-12-01T00:00",
		"31": "2026-12-31T00:00", ":59": "2026-11-22T15:59", ":10": "2026-11-22T16:10",
		"2030-12-31T23:59": "2030-12-31T23:59", "2030/12/31t23:59": "2030-12-31T23:59",
		"27-1-2": "2027-01-02T00:00", "12-1T3:04": "2026-12-01T03:04", "16:00": "2026-11-22T16:00",
		"2-29": "2028-02-29T00:00", "22T15:31": "2026-11-22T15:31", "22T15:30": "2026-12-22T15:30",
		"T23:00": "2026-11-22T23:00",
	} {
		at, ok := parseStopAt(s, now)
		if got := at.Format("2006-01-02T15:04"); !ok || got != want {
			t.Errorf("%s: %s %v, want %s", s, got, ok, want)
		}
	}
	for _, bad := range []string{"", "T", "x", "2001-01-01", "13-1", "32", "24:00", "12:60", ":60", "1-2-3-4", "2-30", "1:2:3", "-1", "1-", "0"} {
		if at, ok := parseStopAt(bad, now); ok {
			t.Errorf("%q is %v", bad, at)
		}
	}
}

func TestIDMap(t *testing.T) {
	names := nameLookup{"user",
		func(name string) (string, error) {
			if id := map[string]string{"root": "0", "anna": "1001", "bob": "1002"}[name]; id != "" {
				return id, nil
			}
			return "", errors.New("unknown")
		},
		func(id string) (string, error) {
			if name := map[string]string{"0": "root", "1001": "anna", "1002": "bob"}[id]; name != "" {
				return name, nil
			}
			return "", errors.New("unknown")
		}}
	for _, c := range []struct {
		list    string
		numeric bool
		pairs   map[uint32]uint32
	}{
		{"0-99:bob,anna:7", false, map[uint32]uint32{0: 1002, 99: 1002, 100: 100, 1001: 7, 1002: 1002}},
		{"a*:1,*:2", false, map[uint32]uint32{1001: 1, 1002: 2, 5000: 2}},
		{":9", false, map[uint32]uint32{1001: 1001, 5000: 9}},
		{"anna:7,*:8", true, map[uint32]uint32{1001: 8}},
		{"5:root", false, map[uint32]uint32{5: 0, 6: 6}},
	} {
		m, err := parseIDMap("usermap", c.list, names, c.numeric)
		if err != nil {
			t.Errorf("%s: %v", c.list, err)
			continue
		}
		for from, want := range c.pairs {
			if got := m(from); got != want {
				t.Errorf("%s (numeric %v): %d becomes %d, want %d", c.list, c.numeric, from, got, want)
			}
		}
	}
	// A name that nobody has must never become number 0.
	for _, bad := range []string{"anna", "1-:2", "2-1:3", "*:carl", "*:", "1:4294967295", "[:1"} {
		if _, err := parseIDMap("usermap", bad, names, false); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestParseFilesFrom(t *testing.T) {
	names, err := parseFilesFrom([]byte("a\n\n;c\nb\x00"), false)
	if err == nil {
		t.Errorf("a zero byte is taken: %q", names)
	}
	names, err = parseFilesFrom([]byte("a\nb\x00/c//d/\x00#x\x00../..\x00x/./../y"), true)
	var got []string
	for _, n := range names {
		got = append(got, string(n))
	}
	if want := "a\nb|c/d/|.|y"; err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
}

func TestMountMemory(t *testing.T) {
	e, _, _ := testEnv(map[string]string{"XDG_STATE_HOME": t.TempDir()}, "zccp")
	m := newMountMemory(e)
	odd := "/mnt/new\nline"
	m.NoteMountPoint(odd, true)
	m.NoteMountPoint("/mnt/b", true)
	m.NoteMountPoint("/mnt/b", false)
	m = newMountMemory(e)
	if !m.WasMountPoint(odd) || m.WasMountPoint("/mnt/b") || m.WasMountPoint("/mnt") {
		t.Errorf("remembered %v", m.(*mountMemory).was)
	}
	none, _, _ := testEnv(nil, "zccp")
	if m := newMountMemory(none); m != nil {
		t.Errorf("without a home something is remembered: %v", m)
	}
}

// TestEscapeMatchesRsync lets both print names of all bytes, in two locales.
func TestEscapeMatchesRsync(t *testing.T) {
	requireRsync(t)
	if testing.Short() {
		t.Skip("runs rsync")
	}
	dir := t.TempDir()
	want := make(map[string]bool)
	var names []string
	for c := 1; c < 256; c++ {
		if c != '/' && c != '\n' {
			names = append(names, "n"+string([]byte{byte(c)})+"x")
		}
	}
	names = append(names, "é漢", "\xc3", "\xe6\xbc", `a\#012`, `a\#01x`, `a\#12`, `a\#0123`, "nl\nx", "\u202e", "\u0085", "\xed\xa0\x80")
	for _, name := range names {
		writeFile(t, dir, name)
	}
	for _, c := range []struct {
		locale string
		args   []string
		escape escaper
	}{
		{"C.UTF-8", nil, escaper{utf8: true}},
		{"C.UTF-8", []string{"-8"}, escaper{utf8: true, eightBit: true}},
		{"C", nil, escaper{}},
		{"C", []string{"-8"}, escaper{eightBit: true}},
	} {
		cmd := exec.Command("rsync", append(c.args, "-r", "--out-format=%n", "-n", dir+"/", dir+"/out")...)
		cmd.Env = []string{"LC_ALL=" + c.locale, "PATH=/usr/bin:/bin"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		clear(want)
		for line := range strings.Lines(string(out)) {
			want[strings.TrimSuffix(line, "\n")] = true
		}
		for _, name := range names {
			if got := c.escape.escape(name); !want[got] {
				t.Errorf("%s %v: %q is written %q, which rsync does not print", c.locale, c.args, name, got)
			}
		}
	}
}

func TestTransferRate(t *testing.T) {
	for perSecond, want := range map[float64]string{0: "   0.00kB/s", 113295: " 110.64kB/s", 3 << 20: "   3.00MB/s", 5 << 30: "   5.00GB/s"} {
		if got := transferRate(perSecond); got != want {
			t.Errorf("%v: %q, want %q", perSecond, got, want)
		}
	}
	for d, want := range map[time.Duration]string{4 * time.Second: "   0:00:04", 3661 * time.Second: "   1:01:01", -1e9: "  ??:??:??"} {
		if got := clockTime(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestSyncExitCode(t *testing.T) {
	e, _, _ := testEnv(nil, "zccp")
	for _, c := range []struct {
		kinds []mirror.Kind
		code  int
	}{
		{nil, 0},
		{[]mirror.Kind{mirror.KindDelete}, 25},
		{[]mirror.Kind{mirror.KindDelete, mirror.KindVanished}, 24},
		{[]mirror.Kind{mirror.KindVanished, mirror.KindPartial}, 23},
		{[]mirror.Kind{mirror.KindChanged, mirror.KindVanished}, 40},
		{[]mirror.Kind{mirror.KindPartial, mirror.KindGuard}, 42},
		{[]mirror.Kind{mirror.KindSelection}, 3},
		{[]mirror.Kind{mirror.KindFile}, 11},
		{[]mirror.Kind{mirror.KindUsage}, 1},
		{[]mirror.Kind{mirror.KindStopped, mirror.KindPartial}, 30},
	} {
		r := newSyncReport(e, &syncConfig{})
		for _, k := range c.kinds {
			r.Problem(k, errors.New("x"), "")
		}
		if got := r.code(); got != c.code {
			t.Errorf("%v: %d, want %d", c.kinds, got, c.code)
		}
		if text := syncExitText(c.code); text == "unexplained error" {
			t.Errorf("code %d has no meaning", c.code)
		}
	}
}
