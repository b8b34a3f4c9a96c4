package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/zccp/zccp/platform"
)

// remoteBenchReport is the result of a bench of remote copies as --json prints it;
// docs/bench.md describes it.
type remoteBenchReport struct {
	Bench   string   `json:"bench"`
	Version string   `json:"version"`
	Date    string   `json:"date"`
	Command []string `json:"command"`
	benchMachine
	Source      benchDirectory      `json:"source"`
	Destination benchDirectory      `json:"destination"`
	Cache       string              `json:"cache"`
	Rounds      int                 `json:"rounds"`
	Phases      []remotePhaseReport `json:"phases"`
}

type remotePhaseReport struct {
	Phase string          `json:"phase"` // tree, unchanged or file
	Load  string          `json:"load"`
	Bytes int64           `json:"bytes"`
	Steal *float64        `json:"steal_percent,omitempty"`
	Ways  []remoteFigures `json:"ways"`
	title string
}

// remoteFigures are those of one way in one phase. Times are seconds.
type remoteFigures struct {
	Name    string    `json:"way"`
	Command []string  `json:"command"`
	Wall    benchStat `json:"wall_seconds"`
	// Of the client, which sends, and its children, ssh among them.
	Sender benchStat `json:"sender_cpu_seconds"`
	// Of the server's processes.
	Receiver benchStat `json:"receiver_cpu_seconds"`
	// SenderPerGB is of phases that move the bytes.
	SenderPerGB float64 `json:"sender_cpu_seconds_per_gb,omitempty"`
	Peak        int64   `json:"sender_peak_memory,omitempty"`
	// To each way that is rsync's: medians of the ratios round by round, of the
	// wall time and of the processor time of both ends.
	WallRatio map[string]float64 `json:"wall_ratio"`
	CPURatio  map[string]float64 `json:"cpu_ratio"`
	Walls     []float64          `json:"walls"`
	CPUs      []float64          `json:"cpus"`
}

// newRemoteBenchReport describes the machine and the directories.
func newRemoteBenchReport(cfg *remoteBenchConfig, dir, to string, command []string) *remoteBenchReport {
	v, _ := buildVersion()
	r := &remoteBenchReport{
		Bench: benchRemote, Version: v, Date: time.Now().UTC().Format(time.DateOnly), Command: command, benchMachine: thisMachine(),
		Source: benchDirectory{dir, platform.FileSystemName(dir)}, Destination: benchDirectory{to, platform.FileSystemName(to)}, Cache: "warm", Rounds: cfg.Rounds,
	}
	if cfg.Cold {
		r.Cache = "cold"
	}
	return r
}

func (s remoteSeries) pick(figure func(remoteTiming) float64) []float64 {
	values := make([]float64, len(s.timings))
	for i, one := range s.timings {
		values[i] = figure(one)
	}
	return values
}

func remoteWall(t remoteTiming) float64 { return t.wall.Seconds() }
func remoteCPU(t remoteTiming) float64  { return (t.cpu + t.far).Seconds() }

// add fills in the figures of a phase.
func (r *remoteBenchReport) add(phase remotePhase, all []remoteSeries, steal float64) {
	p := remotePhaseReport{Phase: phase.name, Load: phase.load.String(), title: phase.title}
	if steal >= 0 {
		p.Steal = &steal
	}
	_, _, p.Bytes = phase.load.size()
	for _, s := range all {
		f := remoteFigures{
			Name: s.way.name, Command: s.way.argv, Walls: s.pick(remoteWall), CPUs: s.pick(remoteCPU),
			Sender:    statOf(s.pick(func(t remoteTiming) float64 { return t.cpu.Seconds() })),
			Receiver:  statOf(s.pick(func(t remoteTiming) float64 { return t.far.Seconds() })),
			WallRatio: map[string]float64{}, CPURatio: map[string]float64{},
		}
		f.Wall = statOf(f.Walls)
		if !phase.again {
			f.SenderPerGB = f.Sender.Median / (float64(p.Bytes) / 1e9)
		}
		for _, one := range s.timings {
			if !one.bounded {
				f.Peak = max(f.Peak, one.peak)
			}
		}
		for _, base := range all {
			if name := base.way.name; name == rsyncDaemon || name == rsyncSSH {
				f.WallRatio[name] = pairedRatio(f.Walls, base.pick(remoteWall))
				f.CPURatio[name] = pairedRatio(f.CPUs, base.pick(remoteCPU))
			}
		}
		p.Ways = append(p.Ways, f)
	}
	r.Phases = append(r.Phases, p)
}

// bases are the ways that ratios are to.
func (p *remotePhaseReport) bases() []string { return slices.Sorted(maps.Keys(p.Ways[0].WallRatio)) }

// writeText prints r as tables for people.
func (r *remoteBenchReport) writeText(w io.Writer) error {
	fmt.Fprintf(w, "from %s to %s, %s cache, %d rounds\nzccp %s, %s, %d cores, %s\n",
		cmp.Or(r.Source.FileSystem, "?"), cmp.Or(r.Destination.FileSystem, "?"), r.Cache, r.Rounds, r.Version, r.Kernel, r.Cores, r.Date)
	for _, p := range r.Phases {
		steal := ""
		if p.Steal != nil {
			steal = fmt.Sprintf(", steal %.1f %%", *p.Steal)
		}
		fmt.Fprintf(w, "\n%s: %s%s\n\n", p.title, p.Load, steal)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprint(tw, "way\twall s\t")
		for _, base := range p.bases() {
			fmt.Fprintf(tw, "x %s\t", base)
		}
		fmt.Fprint(tw, "min\tmax/min\tsender cpu s\treceiver cpu s\t")
		for _, base := range p.bases() {
			fmt.Fprintf(tw, "cpu x %s\t", base)
		}
		fmt.Fprint(tw, "sender s/GB\t\n")
		for _, f := range p.Ways {
			fmt.Fprintf(tw, "%s\t%.3f\t", f.Name, f.Wall.Median)
			for _, base := range p.bases() {
				fmt.Fprintf(tw, "%.2f\t", f.WallRatio[base])
			}
			fmt.Fprintf(tw, "%.3f\t%.2f\t%.3f\t%.3f\t", f.Wall.Min, f.Wall.Max/max(f.Wall.Min, 1e-9), f.Sender.Median, f.Receiver.Median)
			for _, base := range p.bases() {
				fmt.Fprintf(tw, "%.2f\t", f.CPURatio[base])
			}
			if f.SenderPerGB > 0 {
				fmt.Fprintf(tw, "%.3f\t\n", f.SenderPerGB)
			} else {
				fmt.Fprint(tw, "\t\n")
			}
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// page is the report as a page.
func (r *remoteBenchReport) page() *benchDocument {
	d := &benchDocument{
		Title:   "zccp bench " + r.Bench,
		Heading: fmt.Sprintf("To a server on this machine, %s cache, %d rounds after one to warm up.", r.Cache, r.Rounds),
		Facts: []benchFact{
			{"file systems", cmp.Or(r.Source.FileSystem, "unknown") + " to " + cmp.Or(r.Destination.FileSystem, "unknown")},
			{"machine", r.benchMachine.String()},
			{"program", fmt.Sprintf("zccp %s, %s", r.Version, r.Date)},
			{"command", shellLine(r.Command)},
		},
		Notes: []string{
			"In every chart shorter is better. A bar of time ends at the median, its whisker reaches from the fastest to the slowest round.",
			"x: the median of the ratios of the wall time, cpu x: of the processor time of both ends, round by round.",
		},
	}
	for i, p := range r.Phases {
		wall := barChart{Title: "Time", Unit: "seconds", Caption: "median, and from fastest to slowest"}
		cpu := barChart{Title: "Processor time", Unit: "seconds", Parts: []string{"sender", "receiver"}}
		table := figureTable{Title: p.Load, Head: []string{"way", "wall s"}}
		for _, base := range p.bases() {
			table.Head = append(table.Head, "x "+base, "cpu x "+base)
		}
		table.Head = append(table.Head, "sender s", "receiver s")
		for _, f := range p.Ways {
			wall.Bars = append(wall.Bars, chartBar{Name: f.Name, Values: []float64{f.Wall.Median}, Low: f.Wall.Min, High: f.Wall.Max})
			cpu.Bars = append(cpu.Bars, chartBar{Name: f.Name, Values: []float64{f.Sender.Median, f.Receiver.Median}})
			cells := []figureCell{cell(f.Wall.Median)}
			for _, base := range p.bases() {
				cells = append(cells, cellRatio(f.WallRatio[base]), cellRatio(f.CPURatio[base]))
			}
			table.Rows = append(table.Rows, figureRow{Name: f.Name, Cells: append(cells, cell(f.Sender.Median), cell(f.Receiver.Median))})
			if i == 0 {
				d.Facts = append(d.Facts, benchFact{f.Name, shellLine(f.Command)})
			}
		}
		d.Sections = append(d.Sections, benchSection{Title: p.title, Charts: []barChart{wall, cpu}, Tables: []figureTable{table}})
	}
	return d
}
