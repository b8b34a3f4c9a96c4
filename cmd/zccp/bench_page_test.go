package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestBenchPage: a page shows the figures of the JSON object and needs nothing
// from elsewhere.
func TestBenchPage(t *testing.T) {
	for _, kind := range []string{"methods", "send"} {
		dir := t.TempDir()
		odd := filepath.Join(dir, "<b>&odd")
		if err := os.Mkdir(odd, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "page.html")
		out, messages, code := runTransferBench(t, nil, kind, "--size=64K", "--transfers=2", "--json", "--html", path, odd)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, messages)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(text)
		if strings.Contains(page, "<b>") || !strings.Contains(page, "&lt;b&gt;&amp;odd") {
			t.Error("the name of the directory is not escaped")
		}
		if m := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|@import|https?:|url\([^#]|src=`).FindString(page); m != "" {
			t.Errorf("bench %s: the page needs %q", kind, m)
		}
		r := decodeReport(t, out)
		if want := benchValues(r); !slices.Equal(pageValues(t, page), want) {
			t.Errorf("bench %s: the page has %v, the JSON object %v", kind, pageValues(t, page), want)
		}
		for _, fact := range []string{r.Kernel, r.Source.FileSystem, "warm source", "2 transfers", "64.0 KiB", "--transfers=2"} {
			if !strings.Contains(page, fact) {
				t.Errorf("bench %s: no %q in the page", kind, fact)
			}
		}
	}
}

// benchValues are the figures of a report in the order of a page's tables.
func benchValues(r *transferReport) (values []float64) {
	targets, _ := r.targets()
	ratio := func(v float64) {
		if v != 0 {
			values = append(values, v)
		}
	}
	usage := func(u *transferUsage, cpuRatio float64) {
		values = append(values, u.User.Mean, u.System.Mean)
		ratio(cpuRatio)
		values = append(values, u.Calls, u.Voluntary, u.Involuntary)
	}
	for _, target := range targets {
		var all []*transferFigures
		for _, one := range r.Results {
			if one.Target == target && one.Figures != nil {
				all = append(all, one.Figures)
			}
		}
		for _, f := range all {
			values = append(values, f.Rate.Median, f.Wall.Median, f.Wall.Mean, f.Wall.Stddev, f.Wall.Min, f.Wall.Max)
			ratio(f.WallRatio)
		}
		for _, f := range all {
			usage(&f.transferUsage, f.CPURatio)
			for _, n := range []*int64{f.SourceCached, f.DestinationCached} {
				if n != nil {
					values = append(values, float64(*n))
				}
			}
		}
		for _, f := range all {
			if f.Receiver != nil {
				usage(&f.Receiver.transferUsage, 0)
			}
		}
	}
	return values
}

// pageValues are the figures of a page's tables.
func pageValues(t *testing.T, page string) (values []float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`<data value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

func TestBenchTreePage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "page.html")
	_, messages, err := benchCP(t, benchConfig{benchSettings: benchSettings{Dir: dir, HTML: path}, Kind: "tree", Shape: "flat"}, cpPeer)
	if err != nil {
		t.Fatalf("%v\n%s", err, messages)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1>zccp bench tree</h1>", "250 files in one directory", "<svg", "x cp"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// TestBarChart: bars are as long as their values, on one scale.
func TestBarChart(t *testing.T) {
	c := barChart{Parts: []string{"a", "b"}, Bars: []chartBar{
		{Name: "one", Values: []float64{10, 30}},
		{Name: "two", Values: []float64{20, 0}, Low: 5, High: 50},
		{Name: "three", Note: "refused"},
		{Name: strings.Repeat("n", 40), Values: []float64{0, 0}},
	}}
	d := c.draw(7)
	unit := (d.Right - d.Left) / 50 // the whisker's end is the longest
	one, two := d.Rows[0].Bars, d.Rows[1].Bars
	for i, got := range []float64{one[0].Width / 10, (one[1].X - d.Left) / 10, one[1].Width / 30, two[0].Width / 20,
		(d.Rows[1].Whisker.Low - d.Left) / 5, (d.Rows[1].Whisker.High - d.Left) / 50} {
		if math.Abs(got/unit-1) > 0.001 {
			t.Errorf("measure %d: %v for a unit, want %v", i, got, unit)
		}
	}
	if d.Rows[0].Value != "40.0" || d.Rows[2].Bars != nil || d.Rows[2].Value != "" || d.Rows[2].Note != "refused" {
		t.Errorf("rows %+v", d.Rows)
	}
	if n := len([]rune(d.Rows[3].Name)); n != longestName || d.Rows[3].Full != c.Bars[3].Name {
		t.Errorf("a name of 40 characters: %+v", d.Rows[3])
	}
	if last := d.Ticks[len(d.Ticks)-1]; last.X > d.Right || last.Text != "50" {
		t.Errorf("ticks %+v", d.Ticks)
	}
}

func TestNiceAxis(t *testing.T) {
	for _, c := range []struct{ most, step, end float64 }{
		{0, 1, 1}, {1, 0.2, 1}, {1.01, 0.5, 1.5}, {7, 2, 8}, {8192, 2000, 10000}, {11088, 5000, 15000}, {229376, 100000, 300000}, {0.0301, 0.01, 0.04},
	} {
		step, end := niceAxis(c.most)
		if math.Abs(step/c.step-1) > 1e-9 || math.Abs(end/c.end-1) > 1e-9 {
			t.Errorf("axis for %v: ticks at %v to %v, want %v to %v", c.most, step, end, c.step, c.end)
		}
	}
}

func TestFormatFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00003: "3.0e-05", 0.00012: "0.0001", 0.0123: "0.0123", 0.1234: "0.123", 0.99951: "1.00", 1.234: "1.23",
		12.34: "12.3", 99.96: "100", 1234: "1234", 9999.6: "10 000", 123456: "123 456", 1234567: "1 234 567",
	} {
		if got := formatFigure(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestStatOf(t *testing.T) {
	got := statOf([]float64{2, 4, 4, 4, 5, 5, 7, 9})
	if got.Median != 4.5 || got.Mean != 5 || math.Abs(got.Stddev-math.Sqrt(32.0/7)) > 1e-12 || got.Min != 2 || got.Max != 9 {
		t.Errorf("got %+v", got)
	}
	if one := statOf([]float64{3}); one.Stddev != 0 || one.Median != 3 {
		t.Errorf("one value: %+v", one)
	}
	if r := pairedRatio([]float64{1, 4, 8}, []float64{2, 8, 40}); r != 0.5 {
		t.Errorf("ratio: %v, want 0.5", r)
	}
	if r := pairedRatio([]float64{1, 1}, []float64{0, 1}); r != 0 {
		t.Errorf("ratio to nothing: %v, want 0", r)
	}
}

// TestCountedCalls: each call of the data path is counted once, or as often as
// it enters the kernel, and made.
func TestCountedCalls(t *testing.T) {
	twice := []string{"SetDirect", "ExtentSpace", "CowExtent"}
	// Calls by name, which no transfer makes between two open files, and the
	// metadata and directories around it.
	skipped := regexp.MustCompile(`at$|xattr|^Open|^Close$|^Getdents$|^LinkFD$|^Rename|^Flock$|^Unwritten$|^Fch|^Futimens$|^CloneAt$|^Syncfs$`)
	var made []string
	stub := *platform.Native()
	v := reflect.ValueOf(&stub).Elem()
	for i := range v.NumField() {
		name, typ := v.Type().Field(i).Name, v.Field(i).Type()
		v.Field(i).Set(reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value {
			made = append(made, name)
			out := make([]reflect.Value, typ.NumOut())
			for j := range out {
				out[j] = reflect.Zero(typ.Out(j))
			}
			return out
		}))
	}
	tally := &callTally{}
	c := reflect.ValueOf(counted(&stub, tally)).Elem()
	for i := range c.NumField() {
		name, fn := c.Type().Field(i).Name, c.Field(i)
		args := make([]reflect.Value, fn.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(fn.Type().In(j))
		}
		made = nil
		fn.Call(args)
		counts := tally.take()
		want := int64(1)
		switch {
		case skipped.MatchString(name) && name != "Fstat":
			want = 0
		case slices.Contains(twice, name):
			want = 2
		}
		if got := counts.total(); got != want || !slices.Equal(made, []string{name}) {
			t.Errorf("%s: counted %d, want %d; made %q", name, got, want, made)
		}
	}
}
