package main

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/zccp/zccp/sync/apply"
)

// jsonFields returns the names of a struct's fields in JSON.
func jsonFields(v any) []string {
	var names []string
	for i := range reflect.TypeOf(v).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// fakeClock is a clock that a test moves.
type fakeClock struct{ t time.Time }

func (c *fakeClock) now() time.Time          { return c.t }
func (c *fakeClock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newFakeProgress() (*progress, *apply.Counters, *fakeClock) {
	clock := &fakeClock{time.Unix(1000, 0)}
	c := new(apply.Counters)
	p := newProgress(c, clock.now)
	p.begin()
	return p, c, clock
}

func TestProgressRates(t *testing.T) {
	p, c, clock := newFakeProgress()
	if s := p.sample(); s.now != 0 || s.average != 0 || s.percent != 0 || s.etaKnown {
		t.Errorf("at the start %+v", s)
	}
	p.setTotal(100, 100<<20)
	var s sample
	for range 10 {
		clock.advance(100 * time.Millisecond)
		c.Bytes.Add(1 << 20)
		s = p.sample()
	}
	if s.percent != 10 || s.etaKnown || formatRate(s.now) != "10.0 MiB/s" || formatRate(s.average) != "10.0 MiB/s" {
		t.Errorf("after 1 s %+v", s)
	}
	for range 10 {
		clock.advance(100 * time.Millisecond)
		c.Bytes.Add(1 << 20)
		s = p.sample()
	}
	if !s.etaKnown || formatClock(s.eta) != "0:08" || s.percent != 20 {
		t.Errorf("after 2 s %+v", s)
	}
	// It stalls: the rate of late falls, the average less so.
	for range 100 {
		clock.advance(100 * time.Millisecond)
		s = p.sample()
	}
	if s.now > 2<<20 || s.now >= s.average*1.5 || s.percent != 20 {
		t.Errorf("after a stall of 10 s %+v", s)
	}
}

func TestProgressPercent(t *testing.T) {
	cases := []struct {
		name                               string
		files, bytes                       int64
		doneFiles, doneBytes               int64
		known                              bool
		want                               int
		wantText                           string
		foundFiles, foundBytes, extraFiles int64
	}{
		{name: "scanning", doneFiles: 3, doneBytes: 2048, want: 0,
			wantText: "scanning: 0 files, 0 B, copied 3 files, 2.0 KiB, now 0 B/s, avg 0 B/s, 0:00"},
		{name: "nothing to do", known: true, want: 0, wantText: "copied 0 files, 0 B, now 0 B/s, avg 0 B/s, 0:00"},
		{name: "empty files", known: true, files: 4, doneFiles: 2, want: 50,
			wantText: "50%, 0 B of 0 B, 2 of 4 files, now 0 B/s, avg 0 B/s, 0:00"},
		{name: "all done", known: true, files: 1, bytes: 10, doneFiles: 1, doneBytes: 10, want: 99,
			wantText: "99%, 10 B of 10 B, 1 of 1 files, now 0 B/s, avg 0 B/s, 0:00"},
		{name: "source grew", known: true, files: 1, bytes: 10, doneFiles: 1, doneBytes: 1000, want: 99,
			wantText: "99%, 1000 B of 10 B, 1 of 1 files, now 0 B/s, avg 0 B/s, 0:00"},
		{name: "huge", known: true, files: 1, bytes: 1 << 62, doneBytes: 1 << 61, want: 50,
			wantText: "50%, 2.0 EiB of 4.0 EiB, 0 of 1 files, now 0 B/s, avg 0 B/s, 0:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, counters, _ := newFakeProgress()
			if c.known {
				p.setTotal(c.files, c.bytes)
			}
			counters.Files.Add(c.doneFiles)
			counters.Bytes.Add(c.doneBytes)
			s := p.sample()
			if s.percent != c.want || s.text(", ") != c.wantText {
				t.Errorf("%d%%, %q\nwant %d%%, %q", s.percent, s.text(", "), c.want, c.wantText)
			}
		})
	}
}

// TestProgressNeverGoesBack: not even if the total turns out larger than said.
func TestProgressNeverGoesBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		p, c, clock := newFakeProgress()
		last := 0
		p.setTotal(10, 1000)
		for range 50 {
			clock.advance(time.Duration(rng.IntN(1000)) * time.Millisecond)
			c.Bytes.Add(rng.Int64N(60))
			if rng.IntN(20) == 0 {
				p.setTotal(10, 1000+rng.Int64N(2000))
			}
			s := p.sample()
			if s.percent < last || s.percent > 99 {
				t.Fatalf("%d%% after %d%%", s.percent, last)
			}
			last = s.percent
		}
		if last == 0 {
			t.Fatal("no progress at all")
		}
	}
}

// TestBarLineFits: at every width, with every sample, one line of printable
// characters that is not wider.
func TestBarLineFits(t *testing.T) {
	var samples []sample
	for _, bytes := range []int64{0, 1, 1023 << 20, 1 << 62} {
		for _, eta := range []bool{false, true} {
			samples = append(samples,
				sample{bytes: bytes, foundBytes: bytes, found: bytes, files: bytes, now: float64(bytes)},
				sample{totalKnown: true, percent: 99, bytes: bytes, totalBytes: bytes, files: bytes, totalFiles: bytes,
					now: float64(bytes), average: float64(bytes), eta: 99 * time.Hour, etaKnown: eta},
				sample{totalKnown: true, percent: 7, bytes: bytes, etaKnown: eta})
		}
	}
	for _, vars := range []map[string]string{{"LANG": "C"}, {"LANG": "C.UTF-8"}} {
		e, _, _ := testEnv(vars, "zccp")
		s := newScreen(e)
		for width := range 200 {
			for _, v := range samples {
				line := s.barLine(v, width)
				if n := utf8.RuneCountInString(line); n > width {
					t.Fatalf("%d cells in %d: %q", n, width, line)
				}
				if strings.ContainsFunc(line, unicode.IsControl) {
					t.Fatalf("control character in %q", line)
				}
				if vars["LANG"] == "C" && len(line) != utf8.RuneCountInString(line) {
					t.Fatalf("not ASCII: %q", line)
				}
				if v.totalKnown && width >= 3 && !strings.Contains(line, "%") {
					t.Fatalf("no percentage in %d cells: %q", width, line)
				}
			}
		}
	}
}

func TestBarLineForms(t *testing.T) {
	e, _, _ := testEnv(map[string]string{"LANG": "C"}, "zccp")
	s := newScreen(e)
	v := sample{totalKnown: true, percent: 45, bytes: 45 << 20, totalBytes: 100 << 20, files: 12, totalFiles: 30,
		now: 9 << 20, average: 8 << 20, eta: 6 * time.Second, etaKnown: true}
	scan := sample{found: 1200, foundBytes: 3 << 30, files: 800, bytes: 2 << 30, now: 1 << 30, average: 1 << 29}
	pipe := sample{endless: true, bytes: 2 << 30, now: 1 << 30, average: 1 << 29}
	for _, c := range []struct {
		v     sample
		width int
		want  string
	}{
		{v, 130, "45% [=================>......................] 45.0 MiB of 100.0 MiB, 12 of 30 files, now 9.0 MiB/s, avg 8.0 MiB/s, ETA 0:06"},
		{v, 92, "45% [========>.............] 45.0 MiB of 100.0 MiB, 12 of 30 files, now 9.0 MiB/s, ETA 0:06"},
		{v, 99, "45% [=====>........] 45.0 MiB of 100.0 MiB, 12 of 30 files, now 9.0 MiB/s, avg 8.0 MiB/s, ETA 0:06"},
		{v, 79, "45% [==========>..............] 45.0 MiB of 100.0 MiB, now 9.0 MiB/s, ETA 0:06"},
		{v, 59, "45% [========>...........] 45.0 MiB of 100.0 MiB, ETA 0:06"},
		{v, 39, "45% [====>........] 45.0 MiB, ETA 0:06"},
		{v, 20, "45% [====>.......]"},
		{v, 4, "45%"},
		{scan, 99, "scanning: 1200 files, 3.0 GiB, copied 800 files, 2.0 GiB, now 1.0 GiB/s, avg 512.0 MiB/s"},
		{scan, 59, "scanning: 1200 files, 3.0 GiB, copied 800 files, 2.0 GiB"},
		{scan, 40, "scanning: 1200 files, 3.0 GiB"},
		{scan, 10, "1200 files"},
		{pipe, 99, "copied 0 files, 2.0 GiB, now 1.0 GiB/s, avg 512.0 MiB/s"},
		{pipe, 40, "copied 0 files, 2.0 GiB, now 1.0 GiB/s"},
		{pipe, 10, "2.0 GiB"},
	} {
		if got := s.barLine(c.v, c.width); got != c.want {
			t.Errorf("%d columns:\n%q, want\n%q", c.width, got, c.want)
		}
	}
}

func TestFormatClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 400 * time.Millisecond: "0:00", 59600 * time.Millisecond: "1:00", time.Hour: "1:00:00",
		time.Hour - time.Second: "59:59", 100*time.Hour + 61*time.Second: "100:01:01",
	} {
		if got := formatClock(d); got != want {
			t.Errorf("formatClock(%v) = %s, want %s", d, got, want)
		}
	}
}

// TestProgressLeavesOut: a pause is in no rate, and what is left alone is nothing
// to wait for.
func TestProgressLeavesOut(t *testing.T) {
	p, c, clock := newFakeProgress()
	p.setTotal(10, 100<<20)
	for range 30 {
		clock.advance(100 * time.Millisecond)
		c.Bytes.Add(1 << 20)
		p.sample()
	}
	clock.advance(time.Hour)
	p.pause(time.Hour)
	s := p.sample()
	if formatRate(s.now) != "10.0 MiB/s" || formatRate(s.average) != "10.0 MiB/s" || formatClock(s.eta) != "0:07" || s.elapsed != 3*time.Second {
		t.Errorf("after a pause %+v", s)
	}
	c.SkippedFiles.Add(4)
	c.SkippedBytes.Add(40 << 20)
	if s := p.sample(); s.totalFiles != 6 || s.percent != 50 || formatClock(s.eta) != "0:03" {
		t.Errorf("with 40%% left alone %+v", s)
	}
}

// TestProgressBegins: the first moments weigh no more in the rate of late than
// those behind them.
func TestProgressBegins(t *testing.T) {
	p, c, clock := newFakeProgress()
	for i := range 10 {
		clock.advance(100 * time.Millisecond)
		if i == 0 {
			c.Bytes.Add(10 << 20)
		}
		p.sample()
	}
	if s := p.sample(); s.now > 11<<20 {
		t.Errorf("10 MiB in 1 s are %s", formatRate(s.now))
	}
}
