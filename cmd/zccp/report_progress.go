package main

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/zccp/zccp/sync/apply"
)

// progress turns a run's counters into what people read: a percentage that
// never goes back, rates, a time to go. Safe for concurrent use.
type progress struct {
	counters *apply.Counters
	now      func() time.Time

	mu         sync.Mutex
	started    time.Time
	totalKnown bool
	endless    bool // there is no total
	totalFiles int64
	totalBytes int64
	percent    int // highest shown so far
	// The rate of late: an exponentially weighted average over rateWindow.
	rate      float64
	rateKnown bool
	lastTime  time.Time
	lastBytes int64
}

const (
	rateWindow  = 5 * time.Second
	etaDelay    = 2 * time.Second // before that the rate says little
	rateMinimum = 50 * time.Millisecond
)

func newProgress(c *apply.Counters, now func() time.Time) *progress {
	return &progress{counters: c, now: now, started: now(), lastTime: now()}
}

// begin sets the clock to zero.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = p.now()
	p.lastTime, p.lastBytes = p.started, p.counters.Bytes.Load()
}

// pause leaves a time that has just passed out of everything: the program was
// suspended.
func (p *progress) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.lastTime = p.started.Add(d), p.lastTime.Add(d)
}

// setTotal says how much there is to copy. Without any file there is no total:
// what a pipe or a device holds is seen at its end.
func (p *progress) setTotal(files, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.totalKnown, p.endless = files > 0, files == 0
	p.totalFiles, p.totalBytes = files, bytes
}

// sample is a look at a run.
type sample struct {
	elapsed      time.Duration
	found        int64 // entries met so far
	files, bytes int64 // done
	foundBytes   int64
	totalKnown   bool
	endless      bool  // and never will be
	totalFiles   int64 // to be copied
	totalBytes   int64
	percent      int     // 0 to 99; 100 is only true when the run is over
	now, average float64 // bytes a second
	eta          time.Duration
	etaKnown     bool
}

// sample looks at the counters.
func (p *progress) sample() sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counters
	t := p.now()
	s := sample{
		elapsed: t.Sub(p.started), found: c.Found.Load(), files: c.Files.Load(),
		bytes: c.Bytes.Load(), foundBytes: c.FoundBytes.Load(),
		totalKnown: p.totalKnown, endless: p.endless,
		// What is left alone is nothing to wait for.
		totalFiles: max(0, p.totalFiles-c.SkippedFiles.Load()), totalBytes: max(0, p.totalBytes-c.SkippedBytes.Load()),
	}
	if dt := t.Sub(p.lastTime); dt >= rateMinimum {
		current := float64(s.bytes-p.lastBytes) / dt.Seconds()
		if p.rateKnown {
			// As long as there is less behind it than the window, the average is
			// over what there is: the first moments are no better than the others.
			p.rate += (current - p.rate) * decay(dt) / decay(s.elapsed)
		} else {
			p.rate, p.rateKnown = current, true
		}
		p.lastTime, p.lastBytes = t, s.bytes
	}
	s.now = p.rate
	if s.elapsed > 0 {
		s.average = float64(s.bytes) / s.elapsed.Seconds()
	}
	if !p.totalKnown {
		return s
	}
	done, total := s.bytes, s.totalBytes
	if total == 0 {
		// Only empty files: their number is all there is to measure.
		done, total = s.files, s.totalFiles
	}
	if total > 0 {
		// A source that grows meanwhile must not take it past the end.
		p.percent = max(p.percent, min(99, int(float64(done)/float64(total)*100)))
	}
	s.percent = p.percent
	if left := s.totalBytes - s.bytes; left > 0 && s.now >= 1 && s.elapsed >= etaDelay {
		if seconds := float64(left) / s.now; seconds < maxETA.Seconds() {
			s.eta, s.etaKnown = time.Duration(seconds*float64(time.Second)), true
		}
	}
	return s
}

// decay is how much of the average over rateWindow is of the last d.
func decay(d time.Duration) float64 { return 1 - math.Exp(-d.Seconds()/rateWindow.Seconds()) }

// maxETA is where an estimate stops meaning anything.
const maxETA = 100 * time.Hour

// text is the sample in one line, as SIGUSR1 and --progress=plain print it.
func (s sample) text(sep string) string {
	if !s.totalKnown {
		var parts []string
		if !s.endless {
			parts = append(parts, s.foundText())
		}
		return strings.Join(append(parts, s.copiedText(), s.nowText(), s.averageText(), formatClock(s.elapsed)), sep)
	}
	parts := []string{
		fmt.Sprintf("%d%%", s.percent),
		s.bytesText(), s.filesText(), s.nowText(), s.averageText(),
		formatClock(s.elapsed),
	}
	if s.etaKnown {
		parts = append(parts, s.etaText())
	}
	return strings.Join(parts, sep)
}

func (s sample) foundText() string {
	return fmt.Sprintf("scanning: %d files, %s", s.found, formatSize(s.foundBytes))
}

func (s sample) copiedText() string {
	return fmt.Sprintf("copied %d files, %s", s.files, formatSize(s.bytes))
}

func (s sample) bytesText() string {
	return formatSize(s.bytes) + " of " + formatSize(s.totalBytes)
}

func (s sample) filesText() string {
	return fmt.Sprintf("%d of %d files", s.files, s.totalFiles)
}

func (s sample) nowText() string     { return "now " + formatRate(s.now) }
func (s sample) averageText() string { return "avg " + formatRate(s.average) }
func (s sample) etaText() string     { return "ETA " + formatClock(s.eta) }

func formatRate(bytesPerSecond float64) string {
	return formatSize(int64(bytesPerSecond)) + "/s"
}

// formatClock writes a duration as 0:07, 12:34 or 1:02:03.
func formatClock(d time.Duration) string {
	t := int64(d.Round(time.Second) / time.Second)
	if t < 3600 {
		return fmt.Sprintf("%d:%02d", t/60, t%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", t/3600, t/60%60, t%60)
}
