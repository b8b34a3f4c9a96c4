package main

import (
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"github.com/zccp/zccp/platform"
)

// transferReport is the result of a bench of methods as --json prints it;
// docs/bench.md describes it. A GB is 10^9 bytes, a GiB is 2^30.
type transferReport struct {
	Bench   string   `json:"bench"` // methods or send
	Version string   `json:"version"`
	Date    string   `json:"date"`
	Command []string `json:"command"`
	benchMachine
	Source      benchDirectory   `json:"source"`
	Destination *benchDirectory  `json:"destination,omitempty"`
	Cache       string           `json:"cache"` // of the source: warm or cold
	Fsync       bool             `json:"fsync"` // of the copy, in the time
	Bytes       int64            `json:"bytes"`
	Transfers   int              `json:"transfers"`
	Steal       *float64         `json:"steal_percent,omitempty"`
	Base        string           `json:"base"` // the method that ratios are to, "" if all refused
	Results     []transferResult `json:"results"`
}

// benchDirectory is where a file lies.
type benchDirectory struct {
	Directory  string `json:"directory"`
	FileSystem string `json:"file_system"` // "" if unknown
}

// transferResult is what one method did to one target: one of Refused and
// Figures is set.
type transferResult struct {
	Method  string           `json:"method"`
	Target  string           `json:"target"` // file or null
	Refused string           `json:"refused,omitempty"`
	Figures *transferFigures `json:"figures,omitempty"`
}

// transferFigures are those of the counted transfers of one method to one
// target.
type transferFigures struct {
	Rate      benchStat `json:"gb_per_second"`
	Wall      benchStat `json:"wall_seconds"`
	WallRatio float64   `json:"wall_ratio,omitempty"` // to Base, median of the rounds
	CPURatio  float64   `json:"cpu_ratio,omitempty"`
	transferUsage
	// Bytes of the files in the page cache after a transfer, medians.
	SourceCached      *int64         `json:"source_cached_bytes,omitempty"`
	DestinationCached *int64         `json:"destination_cached_bytes,omitempty"`
	Receiver          *receiverUsage `json:"receiver,omitempty"`
	Walls             []float64      `json:"walls"`
	CPUs              []float64      `json:"cpus"`
}

// transferUsage is what it took to move the bytes: of files in the process, of
// sockets at one end.
type transferUsage struct {
	User        benchStat          `json:"user_seconds_per_gb"`
	System      benchStat          `json:"system_seconds_per_gb"`
	CPU         benchStat          `json:"cpu_seconds_per_gb"`
	Calls       float64            `json:"system_calls_per_gib"` // means from here on
	CallsByName map[string]float64 `json:"system_calls_per_gib_by_name"`
	Voluntary   float64            `json:"voluntary_switches_per_gib"`
	Involuntary float64            `json:"involuntary_switches_per_gib"`
}

// receiverUsage is that of the other end of a socket.
type receiverUsage struct {
	Method string `json:"method"`
	transferUsage
}

// newTransferReport describes the machine and the directories.
func newTransferReport(cfg *transferConfig, command []string) (*transferReport, error) {
	v, _ := buildVersion()
	r := &transferReport{
		Bench: cfg.Kind, Version: v, Date: time.Now().UTC().Format(time.DateOnly), Command: command, benchMachine: thisMachine(),
		Cache: "warm", Fsync: cfg.Fsync, Bytes: cfg.Size, Transfers: cfg.Transfers,
	}
	if cfg.Cold {
		r.Cache = "cold"
	}
	describe := func(dir string) (benchDirectory, error) {
		path, err := filepath.Abs(dir)
		return benchDirectory{path, platform.FileSystemName(path)}, err
	}
	var err error
	if r.Source, err = describe(cfg.Dir); err != nil {
		return nil, err
	}
	dst, err := describe(cfg.Dir2)
	if err != nil {
		return nil, err
	}
	for _, target := range cfg.Targets {
		if target == toFile {
			r.Destination = &dst
		}
	}
	return r, nil
}

// add fills in the figures. Ratios are to the first method of the same target
// that did not refuse.
func (r *transferReport) add(cases []*transferCase, steal float64) {
	if steal >= 0 {
		r.Steal = &steal
	}
	base := make(map[string]*transferCase)
	for _, c := range cases {
		if base[c.target] == nil && c.refused == "" {
			base[c.target] = c
			if r.Base == "" {
				r.Base = c.method.String()
			}
		}
		r.Results = append(r.Results, transferResult{
			Method: c.method.String(), Target: c.target, Refused: c.refused, Figures: c.figures(base[c.target], r.Bytes),
		})
	}
}

// figures sums up the samples of c, nil if there are none.
func (c *transferCase) figures(base *transferCase, size int64) *transferFigures {
	if len(c.samples) == 0 {
		return nil
	}
	gb := float64(size) / 1e9
	f := &transferFigures{Walls: c.pick(sampleWall), CPUs: c.pick(sampleCPU)}
	f.Wall = statOf(f.Walls)
	f.Rate = statOf(c.pick(func(s *transferSample) float64 { return gb / max(sampleWall(s), 1e-9) }))
	f.WallRatio = pairedRatio(f.Walls, base.pick(sampleWall))
	f.CPURatio = pairedRatio(f.CPUs, base.pick(sampleCPU))
	f.transferUsage = c.used(size, func(s *transferSample) (platform.Usage, *callCounts) { return s.usage, &s.calls })
	f.SourceCached = c.left(func(s *transferSample) int64 { return s.srcCached })
	f.DestinationCached = c.left(func(s *transferSample) int64 { return s.dstCached })
	if last := c.samples[len(c.samples)-1].receiver; last != nil {
		f.Receiver = &receiverUsage{last.method, c.used(size, func(s *transferSample) (platform.Usage, *callCounts) {
			return s.receiver.usage, &s.receiver.calls
		})}
	}
	return f
}

// used sums up what one end used.
func (c *transferCase) used(size int64, end func(*transferSample) (platform.Usage, *callCounts)) (u transferUsage) {
	gb, gib := float64(size)/1e9, float64(size)/(1<<30)
	stat := func(figure func(platform.Usage) int64) benchStat {
		return statOf(c.pick(func(s *transferSample) float64 {
			used, _ := end(s)
			return float64(figure(used)) / 1e9 / gb
		}))
	}
	u.User = stat(func(v platform.Usage) int64 { return v.User })
	u.System = stat(func(v platform.Usage) int64 { return v.System })
	u.CPU = stat(func(v platform.Usage) int64 { return v.User + v.System })
	perGiB := func(figure func(platform.Usage, *callCounts) int64) float64 {
		return mean(c.pick(func(s *transferSample) float64 { return float64(figure(end(s))) })) / gib
	}
	u.Calls = perGiB(func(_ platform.Usage, n *callCounts) int64 { return n.total() })
	u.Voluntary = perGiB(func(v platform.Usage, _ *callCounts) int64 { return v.Voluntary })
	u.Involuntary = perGiB(func(v platform.Usage, _ *callCounts) int64 { return v.Involuntary })
	u.CallsByName = make(map[string]float64)
	for i, name := range tallied {
		if n := perGiB(func(_ platform.Usage, n *callCounts) int64 { return n[i] }); n > 0 {
			u.CallsByName[name] = n
		}
	}
	return u
}

// left returns the median of a number of bytes, nil if it can't be told.
func (c *transferCase) left(figure func(*transferSample) int64) *int64 {
	n := int64(median(c.pick(func(s *transferSample) float64 { return float64(figure(s)) })))
	if n < 0 {
		return nil
	}
	return &n
}

// pick returns one figure of every sample.
func (c *transferCase) pick(figure func(*transferSample) float64) []float64 {
	values := make([]float64, len(c.samples))
	for i := range c.samples {
		values[i] = figure(&c.samples[i])
	}
	return values
}

func sampleWall(s *transferSample) float64 { return s.wall.Seconds() }
func sampleCPU(s *transferSample) float64  { return float64(s.usage.User+s.usage.System) / 1e9 }

// writeBenchJSON prints a report as one JSON object.
func writeBenchJSON(w io.Writer, report any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
