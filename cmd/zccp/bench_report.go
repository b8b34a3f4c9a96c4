package main

import (
	"cmp"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zccp/zccp/platform"
)

// benchReport is the result of a bench as --json prints it. Times are seconds,
// sizes and memory bytes.
type benchReport struct {
	Bench      string      `json:"bench"`
	Version    string      `json:"version"`
	Date       string      `json:"date"`
	Load       string      `json:"load"`
	Files      int         `json:"files"`
	Dirs       int         `json:"directories"`
	Bytes      int64       `json:"bytes"`
	FileSystem string      `json:"file_system"` // "" if unknown
	Cache      string      `json:"cache"`       // warm or cold
	Kernel     string      `json:"kernel"`
	Cores      int         `json:"cores"`
	Rounds     int         `json:"rounds"`
	Steal      *float64    `json:"steal_percent,omitempty"`
	Base       string      `json:"base"` // the tool that ratios are to
	Tools      []benchTool `json:"tools"`
}

// benchTool is one contender's line.
type benchTool struct {
	Name        string    `json:"name"`
	Command     []string  `json:"command"`
	Wall        float64   `json:"wall_median"`
	WallMin     float64   `json:"wall_min"`
	Spread      float64   `json:"wall_spread"` // slowest round / fastest
	WallRatio   float64   `json:"wall_ratio"`  // median of the ratios of each round
	CPU         float64   `json:"cpu_median"`
	CPURatio    float64   `json:"cpu_ratio"`
	Peak        int64     `json:"peak_memory,omitempty"`
	PeakBounded bool      `json:"peak_memory_is_upper_bound,omitempty"`
	Walls       []float64 `json:"walls"`
	CPUs        []float64 `json:"cpus"`
}

// newBenchReport describes the machine and the load in dir.
func newBenchReport(cfg *benchConfig, load benchLoad, dir string) *benchReport {
	v, _ := buildVersion()
	r := &benchReport{
		Bench: cfg.Kind, Version: v, Date: time.Now().UTC().Format(time.DateOnly), Load: load.String(),
		FileSystem: platform.FileSystemName(dir), Cache: "warm", Kernel: kernelName(),
		Cores: runtime.NumCPU(), Rounds: cfg.Rounds, Base: cfg.Against[1].name,
	}
	if cfg.Cold {
		r.Cache = "cold"
	}
	r.Files, r.Dirs, r.Bytes = load.size()
	return r
}

// kernelName returns what uname(1) calls the running kernel.
func kernelName() string {
	out, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		return runtime.GOOS
	}
	return strings.TrimSpace(string(out))
}

// add fills in the figures. The second series is the base of the ratios: the
// first peer.
func (r *benchReport) add(all []series, steal float64) {
	if steal >= 0 {
		r.Steal = &steal
	}
	base := all[1]
	for _, s := range all {
		walls := s.pick(wallSeconds)
		t := benchTool{
			Name: s.name, Command: s.argv, Walls: walls, CPUs: s.pick(cpuSeconds),
			Wall: median(walls), WallMin: slices.Min(walls), Spread: slices.Max(walls) / max(slices.Min(walls), 1e-9),
			WallRatio: s.ratio(base, wallSeconds), CPU: median(s.pick(cpuSeconds)), CPURatio: s.ratio(base, cpuSeconds),
		}
		t.PeakBounded = true
		for _, one := range s.timings {
			t.Peak = max(t.Peak, one.peak)
			t.PeakBounded = t.PeakBounded && one.bounded
		}
		r.Tools = append(r.Tools, t)
	}
}

// writeText prints r as a table for people.
func (r *benchReport) writeText(w io.Writer) error {
	fs := r.FileSystem
	if fs == "" {
		fs = "a file system of unknown kind"
	}
	steal := ""
	if r.Steal != nil {
		steal = fmt.Sprintf(", steal %.1f %%", *r.Steal)
	}
	fmt.Fprintf(w, "%s on %s, %s cache, %d rounds\nzccp %s, %s, %d cores%s, %s\n\n",
		r.Load, fs, r.Cache, r.Rounds, r.Version, r.Kernel, r.Cores, steal, r.Date)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "tool\twall s\tx %[1]s\tmin\tmax/min\tcpu s\tx %[1]s\tpeak MiB\t\n", r.Base)
	for _, t := range r.Tools {
		peak := "?"
		if t.Peak > 0 {
			peak = fmt.Sprintf("%.1f", float64(t.Peak)/(1<<20))
		}
		if t.PeakBounded && t.Peak > 0 {
			peak = "< " + peak
		}
		fmt.Fprintf(tw, "%s\t%.3f\t%.2f\t%.3f\t%.2f\t%.3f\t%.2f\t%s\t\n",
			t.Name, t.Wall, t.WallRatio, t.WallMin, t.Spread, t.CPU, t.CPURatio, peak)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, t := range r.Tools {
		if t.Spread > 2 {
			fmt.Fprint(w, "\nA slowest round of more than twice the fastest: the machine was busy, or, on ext4,\n"+
				"many files had been removed minutes before. Run it again before using the figures.\n")
			break
		}
	}
	return nil
}

// page is the report as a page.
func (r *benchReport) page(command []string) *benchDocument {
	d := &benchDocument{
		Title:   "zccp bench " + r.Bench,
		Heading: fmt.Sprintf("%s, %s cache, %d rounds after one to warm up.", r.Load, r.Cache, r.Rounds),
		Facts: []benchFact{
			{"file system", cmp.Or(r.FileSystem, "of unknown kind")},
			{"machine", thisMachine().String()},
			{"program", fmt.Sprintf("zccp %s, %s", r.Version, r.Date)},
			{"command", shellLine(command)},
		},
		Notes: []string{
			"In every chart shorter is better. A bar of time ends at the median, its whisker reaches from the fastest to the slowest round.",
			fmt.Sprintf("x %[1]s: the median of the ratios to %[1]s, round by round.", r.Base),
		},
	}
	wall := barChart{Title: "Time", Unit: "seconds", Caption: "median, and from fastest to slowest"}
	cpu := barChart{Title: "Processor time", Unit: "seconds", Caption: "user and system, median and range"}
	ratio := "x " + r.Base
	table := figureTable{Title: "Figures", Head: []string{"tool", "wall s", ratio, "min s", "max/min", "cpu s", ratio}}
	for _, t := range r.Tools {
		wall.Bars = append(wall.Bars, chartBar{Name: t.Name, Values: []float64{t.Wall}, Low: t.WallMin, High: slices.Max(t.Walls)})
		cpu.Bars = append(cpu.Bars, chartBar{Name: t.Name, Values: []float64{t.CPU}, Low: slices.Min(t.CPUs), High: slices.Max(t.CPUs)})
		table.Rows = append(table.Rows, figureRow{Name: t.Name, Cells: []figureCell{
			cell(t.Wall), cellRatio(t.WallRatio), cell(t.WallMin), cellRatio(t.Spread), cell(t.CPU), cellRatio(t.CPURatio)}})
		d.Facts = append(d.Facts, benchFact{t.Name, shellLine(t.Command)})
	}
	d.Sections = []benchSection{{Title: "Copiers side by side", Charts: []barChart{wall, cpu}, Tables: []figureTable{table}}}
	return d
}
