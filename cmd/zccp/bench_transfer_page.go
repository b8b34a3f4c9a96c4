package main

import (
	"fmt"
	"strings"
)

// page is the report as a page. In all its charts less is better.
func (r *transferReport) page() *benchDocument {
	d := &benchDocument{
		Title: "zccp bench " + r.Bench, Facts: r.facts(),
		Heading: strings.TrimPrefix(r.heading(), "bench "+r.Bench+": ") + ".",
	}
	d.Heading = strings.ToUpper(d.Heading[:1]) + d.Heading[1:]
	targets, names := r.targets()
	for _, target := range targets {
		name := names[target]
		d.Sections = append(d.Sections, benchSection{
			Title:  strings.ToUpper(name[:1]) + name[1:],
			Charts: r.charts(target),
			Tables: r.tables(target),
		})
	}
	d.Notes = append([]string{"In every chart shorter is better. A bar of time ends at the median, its whisker reaches from the fastest to the slowest transfer; all other bars are means."}, r.notes()...)
	return d
}

// charts draws the figures of one target.
func (r *transferReport) charts(target string) []barChart {
	var results []transferResult
	slowest, busiest := 0.0, 0.0
	gb := float64(r.Bytes) / 1e9
	for _, one := range r.Results {
		if one.Target != target {
			continue
		}
		results = append(results, one)
		if f := one.Figures; f != nil {
			slowest = max(slowest, f.Wall.Max/gb)
			busiest = max(busiest, f.CPU.Mean)
			if f.Receiver != nil {
				busiest = max(busiest, f.Receiver.CPU.Mean)
			}
		}
	}
	chart := func(title, unit string, parts []string, bar func(*transferFigures) chartBar) barChart {
		c := barChart{Title: title, Unit: unit, Parts: parts}
		if len(parts) == 1 {
			c.Parts, c.Caption = nil, parts[0]
		}
		for _, one := range results {
			b := chartBar{Note: "refused"}
			if one.Figures != nil {
				b = bar(one.Figures)
			}
			b.Name = one.Method
			c.Bars = append(c.Bars, b)
		}
		return c
	}
	wall, wallUnit := milli(slowest)
	cpu, cpuUnit := milli(busiest)
	end := ""
	if r.Bench == benchSend {
		end = " of the sender"
	}
	charts := []barChart{
		chart("Time for a gigabyte", wallUnit+" per GB", []string{"median, and from fastest to slowest"}, func(f *transferFigures) chartBar {
			return chartBar{Values: []float64{f.Wall.Median / gb * wall}, Low: f.Wall.Min / gb * wall, High: f.Wall.Max / gb * wall}
		}),
		chart("Processor time"+end, cpuUnit+" per GB", []string{"user", "system"}, func(f *transferFigures) chartBar {
			return chartBar{Values: []float64{f.User.Mean * cpu, f.System.Mean * cpu}}
		}),
	}
	if r.Bench == benchSend {
		charts = append(charts, chart("Processor time of the receiver", cpuUnit+" per GB", []string{"user", "system"}, func(f *transferFigures) chartBar {
			return chartBar{Values: []float64{f.Receiver.User.Mean * cpu, f.Receiver.System.Mean * cpu}}
		}))
	}
	charts = append(charts,
		chart("System calls"+end, "calls per GiB", []string{"on the data path"}, func(f *transferFigures) chartBar {
			return chartBar{Values: []float64{f.Calls}}
		}),
		chart("Context switches"+end, "switches per GiB", []string{"voluntary", "involuntary"}, func(f *transferFigures) chartBar {
			return chartBar{Values: []float64{f.Voluntary, f.Involuntary}}
		}))
	return append(charts, r.cacheChart(target, chart))
}

// cacheChart draws what the page cache holds afterwards.
func (r *transferReport) cacheChart(target string, chart func(string, string, []string, func(*transferFigures) chartBar) barChart) barChart {
	const mib = 1 << 20
	parts := []string{"source"}
	if target == toFile {
		parts = append(parts, "destination")
	}
	return chart("Page cache left behind", fmt.Sprintf("MiB (the file: %s)", formatFigure(float64(r.Bytes)/mib)), parts, func(f *transferFigures) chartBar {
		b := chartBar{}
		for _, n := range []*int64{f.SourceCached, f.DestinationCached}[:len(parts)] {
			if n == nil {
				return chartBar{Note: "not known"}
			}
			b.Values = append(b.Values, float64(*n)/mib)
		}
		return b
	})
}

// milli returns the factor and the name of the unit of seconds that suits
// figures of at most most.
func milli(most float64) (factor float64, unit string) {
	if most < 0.1 {
		return 1000, "milliseconds"
	}
	return 1, "seconds"
}
