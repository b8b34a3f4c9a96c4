package main

import (
	"fmt"
	"io"
	"strings"
)

// textWidth is what the report keeps to on a terminal, in columns.
const textWidth = 100

// heading says what was measured, in one sentence.
func (r *transferReport) heading() string {
	s := fmt.Sprintf("bench %s: one file of %s, %s source, %d transfers of each after one to warm up", r.Bench, formatSize(r.Bytes), r.Cache, r.Transfers)
	if r.Fsync {
		s += ", fsync(2) of the copy included"
	}
	return s
}

// benchFact is a line of a report's head.
type benchFact struct{ Name, Value string }

// facts are the circumstances of the figures.
func (r *transferReport) facts() []benchFact {
	place := func(d *benchDirectory) string {
		fs := d.FileSystem
		if fs == "" {
			fs = "file system of unknown kind"
		}
		return fmt.Sprintf("%s (%s)", d.Directory, fs)
	}
	facts := []benchFact{{"source", place(&r.Source)}}
	if r.Destination != nil {
		facts = append(facts, benchFact{"destination", place(r.Destination)})
	}
	if r.Bench == benchSend {
		facts = append(facts, benchFact{"through", "a TCP connection over loopback (" + sendCongestion + "), a new one for each transfer"})
	}
	machine := r.benchMachine.String()
	if r.Steal != nil {
		machine += fmt.Sprintf(", %.1f %% of its time taken by its host", *r.Steal)
	}
	return append(facts,
		benchFact{"machine", machine},
		benchFact{"program", fmt.Sprintf("zccp %s, %s", r.Version, r.Date)},
		benchFact{"command", shellLine(r.Command)})
}

// targets returns the targets that there are results of, in order, with what
// they are called.
func (r *transferReport) targets() (targets []string, names map[string]string) {
	names = map[string]string{toFile: "file to file"}
	if r.Bench == benchSend {
		names = map[string]string{toFile: "file to socket to file", toNull: "file to socket to null"}
	}
	for _, one := range r.Results {
		if len(targets) == 0 || targets[len(targets)-1] != one.Target {
			targets = append(targets, one.Target)
		}
	}
	return targets, names
}

// tables are the figures of one target: of time, of what it took and, of
// sockets, of what the receiver took.
func (r *transferReport) tables(target string) []figureTable {
	ratio := "x " + r.Base
	factor, unit := r.wallUnit(target)
	seconds := func(v float64) figureCell { return figureCell{&v, formatFigure(v * factor)} }
	time := figureTable{Title: "Time", Head: []string{"method", "GB/s", "median " + unit, "mean " + unit, "std dev " + unit, "min " + unit, "max " + unit, ratio}}
	cost := figureTable{Title: "Cost", Head: []string{"method", "user s/GB", "sys s/GB", ratio, "calls/GiB", "vol/GiB", "invol/GiB", "src MiB"}}
	receiver := figureTable{Title: "Cost at the receiver", Head: []string{"method", "by", "user s/GB", "sys s/GB", "calls/GiB", "vol/GiB", "invol/GiB"}}
	if r.Bench == benchSend {
		cost.Title = "Cost at the sender"
	}
	if target == toFile {
		cost.Head = append(cost.Head, "dst MiB")
	}
	for _, one := range r.Results {
		if one.Target != target {
			continue
		}
		row := figureRow{Name: one.Method, Note: one.Refused}
		f := one.Figures
		if f == nil {
			for _, t := range []*figureTable{&time, &cost, &receiver} {
				t.Rows = append(t.Rows, row)
			}
			continue
		}
		row.Cells = []figureCell{cell(f.Rate.Median), seconds(f.Wall.Median), seconds(f.Wall.Mean), seconds(f.Wall.Stddev), seconds(f.Wall.Min), seconds(f.Wall.Max), cellRatio(f.WallRatio)}
		time.Rows = append(time.Rows, row)
		row.Cells = []figureCell{cell(f.User.Mean), cell(f.System.Mean), cellRatio(f.CPURatio), cell(f.Calls), cell(f.Voluntary), cell(f.Involuntary), cellMiB(f.SourceCached)}
		if target == toFile {
			row.Cells = append(row.Cells, cellMiB(f.DestinationCached))
		}
		cost.Rows = append(cost.Rows, row)
		if u := f.Receiver; u != nil {
			row.Cells = []figureCell{{Text: u.Method}, cell(u.User.Mean), cell(u.System.Mean), cell(u.Calls), cell(u.Voluntary), cell(u.Involuntary)}
			receiver.Rows = append(receiver.Rows, row)
		}
	}
	if r.Bench == benchSend {
		return []figureTable{time, cost, receiver}
	}
	return []figureTable{time, cost}
}

// wallUnit returns the factor and the name of the unit that suits the wall
// times of one target.
func (r *transferReport) wallUnit(target string) (factor float64, unit string) {
	for _, one := range r.Results {
		if one.Target == target && one.Figures != nil && one.Figures.Wall.Max >= 0.1 {
			return 1, "s"
		}
	}
	return 1000, "ms"
}

// notes explain the columns.
func (r *transferReport) notes() []string {
	who := "the process"
	if r.Bench == benchSend {
		who = "the thread at that end of the socket"
	}
	notes := []string{
		fmt.Sprintf("GB/s: 10^9 bytes a second, the median. x %[1]s: the median of the ratios to %[1]s, round by round, of the wall time and of user and system time.", r.Base),
		fmt.Sprintf("user, sys: seconds of processor time of %s for 10^9 bytes, means. calls, vol, invol: system calls on the data path, voluntary and involuntary context switches, for 2^30 bytes.", who),
		"src MiB, dst MiB: what the page cache holds of the two files after a transfer (cachestat(2)), in MiB.",
	}
	for _, one := range r.Results {
		if f := one.Figures; f != nil && f.Wall.Max > 2*f.Wall.Min && f.Wall.Max > 0.01 {
			return append(notes, "A slowest transfer of more than twice the fastest: the machine did other work. Run it again before using the figures.")
		}
	}
	return notes
}

// writeText prints r as tables for people.
func (r *transferReport) writeText(w io.Writer) error {
	fmt.Fprint(w, wrapText("", r.heading(), textWidth))
	for _, f := range r.facts() {
		fmt.Fprint(w, wrapText(fmt.Sprintf("%-13s", f.Name), f.Value, textWidth))
	}
	targets, names := r.targets()
	for _, target := range targets {
		for _, t := range r.tables(target) {
			t.Title = strings.ToUpper(names[target][:1]) + names[target][1:] + ": " + strings.ToLower(t.Title[:1]) + t.Title[1:]
			fmt.Fprintln(w)
			if err := t.writeText(w); err != nil {
				return err
			}
		}
	}
	refused := false
	for _, one := range r.Results {
		if one.Refused != "" {
			if !refused {
				fmt.Fprint(w, "\nRefused\n")
			}
			refused = true
			fmt.Fprint(w, wrapText(fmt.Sprintf("  %s, %s: ", one.Method, names[one.Target]), one.Refused, textWidth))
		}
	}
	fmt.Fprintln(w)
	for _, n := range r.notes() {
		fmt.Fprint(w, wrapText("", n, textWidth))
	}
	return nil
}
