package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zccp/zccp/platform"
)

// contender is one command that is timed.
type contender struct {
	name string
	argv []string // with srcPlace and dstPlace
}

// command returns c's argument vector for one run.
func (c contender) command(src, dst string) []string {
	argv := slices.Clone(c.argv)
	for i, a := range argv {
		argv[i] = strings.NewReplacer(srcPlace, src, dstPlace, dst).Replace(a)
	}
	return argv
}

// timing is one timed run.
type timing struct {
	wall, cpu time.Duration // cpu is user and system time of the process and its children
	peak      int64         // bytes resident at most, see platform.PeakMemory
	bounded   bool          // peak only bounds it from above
}

// series is all counted runs of one contender, one a round.
type series struct {
	contender
	timings []timing
}

// benchLoad is what is copied.
type benchLoad interface {
	fmt.Stringer
	// source is the path of the source.
	source() string
	// make makes the source at path, where nothing is.
	make(ctx context.Context, path string) error
	// measure looks at the source, for check and the report.
	measure() error
	// size says what the source holds, for the report.
	size() (files, dirs int, bytes int64)
	// check tells whether dst is a whole copy.
	check(dst string) error
	// clear frees the name dst for the next run. What it moves goes below
	// dir, on the same file system.
	clear(dst, dir string) error
}

// course is the rounds of one bench.
type course struct {
	load   benchLoad
	dir    string // for destinations and litter; nothing else is in it
	rounds int
	cold   bool
	say    func(format string, a ...any)

	steal float64 // percent of the machine's time that its host took during the rounds, -1 if unknown
}

// pair takes turns in paired rounds: each of n contenders once a round. The first
// round warms up and is checked, not counted; then checked is said.
//
// The pairing is what makes ratios hold on a machine that does other work: the
// runs of one round are neighbours in time, and each contender leads as often
// as another.
func (c *course) pair(n int, checked string, turn func(i int, counted bool) error) error {
	total, stolen, known := processorTime()
	for round := range c.rounds + 1 {
		for i := range n {
			if err := turn((round+i)%n, round > 0); err != nil {
				return err
			}
		}
		if round == 0 {
			c.say("%s; timing %d rounds", checked, c.rounds)
		}
	}
	c.steal = -1
	if after, stolenAfter, ok := processorTime(); ok && known && after > total {
		c.steal = 100 * (stolenAfter - stolen) / (after - total)
	}
	return nil
}

// run times contenders on the load and returns their series in the same order.
func (c *course) run(ctx context.Context, contenders []contender) ([]series, error) {
	dst := filepath.Join(c.dir, "dst")
	return c.series(contenders, "all contenders made a whole copy", func(who contender, check bool) (timing, error) {
		got, err := c.once(ctx, who, dst)
		if err != nil {
			return got, err
		}
		if check {
			if err := c.load.check(dst); err != nil {
				return got, fmt.Errorf("%s: the copy is not whole: %w", who.name, err)
			}
		}
		return got, c.load.clear(dst, c.dir)
	})
}

// series takes the turns of contenders and keeps the times that count.
func (c *course) series(contenders []contender, checked string, turn func(who contender, check bool) (timing, error)) ([]series, error) {
	all := make([]series, len(contenders))
	err := c.pair(len(all), checked, func(i int, counted bool) error {
		got, err := turn(contenders[i], !counted)
		if all[i].contender = contenders[i]; counted {
			all[i].timings = append(all[i].timings, got)
		}
		return err
	})
	return all, err
}

// once runs one contender once.
func (c *course) once(ctx context.Context, who contender, dst string) (timing, error) {
	// What an earlier run left to be written must not be written on this one's
	// time.
	if err := exec.CommandContext(ctx, "sync").Run(); err != nil {
		return timing{}, fmt.Errorf("sync: %w", err)
	}
	if c.cold {
		if err := dropCaches(); err != nil {
			return timing{}, err
		}
	}
	warmMemory(c.room())
	argv := who.command(c.load.source(), dst)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // let it clean up
	cmd.WaitDelay = 10 * time.Second
	// A file, since a pipe would have to be read here during the run.
	messages, err := os.Create(filepath.Join(c.dir, "messages"))
	if err != nil {
		return timing{}, err
	}
	defer messages.Close()
	cmd.Stderr = messages
	floor, _ := platform.OwnPeakMemory()
	start := time.Now()
	err = cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return timing{}, errors.Join(fmt.Errorf("%s: %w: %s", who.name, err, strings.Join(argv, " ")), lastLines(messages.Name()))
	}
	s := timing{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	peak, known := platform.PeakMemory(cmd.ProcessState)
	if known {
		s.peak, s.bounded = peak, peak <= floor
	}
	return s, nil
}

// room is the memory, in bytes, that a copy of the load takes: pages of data
// and, for each file, an inode and the rest of its last page.
func (c *course) room() int64 {
	files, dirs, bytes := c.load.size()
	return bytes + bytes/8 + int64(files+dirs)*4096
}

// warmMemory takes n bytes of memory from the kernel and gives them back, but
// no more than half of what is available. A virtual machine may return free
// pages to its host (free page reporting) and then wait for them when they are
// used again: without this one tool waited and the next did not, and cp -a of
// one tree on tmpfs took from 0.25 to 0.94 s. The pages go through a file in
// memory, since ones mapped here would count for the child, see
// platform.PeakMemory. Where there is no such place nothing is done.
func warmMemory(n int64) {
	f, err := os.CreateTemp("/dev/shm", "zccp-bench-")
	if err != nil {
		return
	}
	defer f.Close()
	if os.Remove(f.Name()) != nil {
		return
	}
	chunk := make([]byte, 1<<20)
	for left := min(n, availableMemory()/2); left > 0; left -= int64(len(chunk)) {
		if _, err := f.Write(chunk); err != nil {
			return
		}
	}
}

// availableMemory returns what can be taken without swapping, in bytes, 0 if
// that is unknown; proc_meminfo(5).
func availableMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// lastLines returns the end of what a failed command said as an error, or nil.
func lastLines(path string) error {
	text, err := os.ReadFile(path)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if err != nil || len(lines[0]) == 0 {
		return err
	}
	return errors.New(string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n"))))
}

// processorTime returns the machine's time since boot, and how much of it the
// host of a virtual machine took, in ticks; proc_stat(5).
func processorTime() (total, stolen float64, known bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	var user, nice, system, idle, iowait, irq, softirq float64
	if _, err := fmt.Sscanf(string(text), "cpu %f %f %f %f %f %f %f %f", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &stolen); err != nil {
		return 0, 0, false
	}
	return user + nice + system + idle + iowait + irq + softirq + stolen, stolen, true
}

// median returns the middle of values, of which there is at least one; of an
// even number the mean of the two in the middle.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// pick returns one figure of every timing.
func (s series) pick(figure func(timing) float64) []float64 {
	values := make([]float64, len(s.timings))
	for i, one := range s.timings {
		values[i] = figure(one)
	}
	return values
}

// ratio returns the median of the ratios of s to base, round by round.
func (s series) ratio(base series, figure func(timing) float64) float64 {
	values := s.pick(figure)
	for i, b := range base.pick(figure) {
		values[i] /= max(b, 1e-9)
	}
	return median(values)
}

func wallSeconds(t timing) float64 { return t.wall.Seconds() }
func cpuSeconds(t timing) float64  { return t.cpu.Seconds() }
