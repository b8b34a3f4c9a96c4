package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// drawInterval is between two progress lines, as in rsync.
const drawInterval = time.Second

// syncWatch looks after a run from beside: it flushes stdout, draws progress,
// answers SIGUSR1 and minds --timeout.
type syncWatch struct {
	rep     *syncReport
	m       *mirror.Mirror
	expire  func()
	status  chan os.Signal
	done    chan struct{}
	wg      sync.WaitGroup
	recent  []progressPoint // the last five seconds
	percent int             // the highest so far

	// Of a run with another machine, whose totals m does not have.
	sends atomic.Bool
	final atomic.Pointer[mirror.Stats] // once it is over
	away  atomic.Bool                  // there is no connection: nothing is drawn
}

type progressPoint struct {
	at    time.Time
	bytes int64
}

// watch begins to look after m; expire is called once if --timeout has passed
// without progress. stop ends it.
func (r *syncReport) watch(m *mirror.Mirror, expire func()) *syncWatch {
	w := &syncWatch{rep: r, m: m, expire: expire, status: make(chan os.Signal, 1), done: make(chan struct{})}
	if signals := platform.StatusSignals(); len(signals) > 0 {
		signal.Notify(w.status, signals...)
	}
	w.recent = []progressPoint{{r.started, 0}}
	w.wg.Go(w.run)
	return w
}

func (w *syncWatch) run() {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	r, o := w.rep, &w.rep.cfg.Output
	lastFlush, lastDraw, lastLife := time.Now(), time.Now(), time.Now()
	life, expired := w.life(), false
	pause := watchPauses()
	defer pause.end()
	for {
		select {
		case <-w.done:
			return
		case <-w.status:
			r.screen.message(r.e.prog + ": " + w.text(false))
		case now := <-ticker.C:
			if away := pause.away(); away > 0 {
				now = time.Now() // the tick may be one from before
				lastDraw, lastLife = lastDraw.Add(away), lastLife.Add(away)
				w.pause(away)
			}
			if o.Buffer != bufferBlock && now.Sub(lastFlush) >= r.out.interval {
				r.out.flush()
				if r.log != nil {
					r.log.flush()
				}
				lastFlush = now
			}
			if o.Info[infoProgress] > 0 && now.Sub(lastDraw) >= drawInterval {
				if r.json != nil {
					r.json.status(w.sample(now))
					r.out.flush()
				} else {
					w.draw(false)
				}
				lastDraw = now
			}
			if n := w.life(); n != life {
				life, lastLife = n, now
			}
			if limit := r.cfg.Timeout; limit > 0 && !expired && now.Sub(lastLife) >= limit {
				expired = true
				w.expire()
			}
		}
	}
}

// life is a number that changes as long as something happens.
func (w *syncWatch) life() int64 {
	c, s := w.m.Counters(), w.m.Stats()
	return c.Found.Load() + c.Bytes.Load() + s.Files + s.Created + s.Deleted + s.Transferred + s.Literal + s.Matched
}

// stop ends the watch and the progress line.
func (w *syncWatch) stop() {
	close(w.done)
	w.wg.Wait()
	signal.Stop(w.status)
	if w.rep.cfg.Output.Info[infoProgress] > 0 {
		w.draw(true)
	}
}

// pause leaves a time that has just passed out of everything: the program was
// suspended.
func (w *syncWatch) pause(d time.Duration) {
	w.rep.started = w.rep.started.Add(d)
	for i := range w.recent {
		w.recent[i].at = w.recent[i].at.Add(d)
	}
}

// draw prints the progress line over the one before, in rsync's format, which
// programs parse, so to pipes too. In the background of a terminal it prints
// nothing, and on one it is no wider than that.
func (w *syncWatch) draw(last bool) {
	r := w.rep
	if r.json != nil || r.cfg.Output.Quiet || r.cfg.Mirror.DryRun || w.away.Load() {
		return
	}
	text := w.text(last)
	if f, ok := r.e.stdout.(*os.File); ok && r.out.shared {
		if !platform.Foreground(platform.FD(f.Fd())) {
			return
		}
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && !last {
			text = cutCells(text, width-1)
		}
		text += eraseLine
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = !last
	if last {
		text += "\n"
	}
	r.out.raw("\r" + text)
}

// sample looks at the run and takes note of what it sees for the next one.
func (w *syncWatch) sample(now time.Time) sample {
	c := w.m.Counters()
	s := sample{
		elapsed: now.Sub(w.rep.started), found: c.Found.Load(), foundBytes: c.FoundBytes.Load(),
		files: c.Files.Load(), bytes: c.Bytes.Load(),
		totalFiles: c.WantedFiles.Load(), totalBytes: c.WantedBytes.Load(), totalKnown: w.m.Walked(),
	}
	if w.sends.Load() {
		// The other end says it, and has it when it has worked off the list.
		s.totalKnown = s.totalBytes > 0
	}
	from := w.recent[0]
	w.recent = append(w.recent, progressPoint{now, s.bytes})
	if len(w.recent) > 5 {
		w.recent = w.recent[1:]
	}
	s.now = float64(s.bytes-from.bytes) / max(0.001, now.Sub(from.at).Seconds())
	s.average = float64(s.bytes) / max(0.001, s.elapsed.Seconds())
	if !s.totalKnown {
		return s
	}
	if s.totalBytes > 0 {
		w.percent = max(w.percent, min(99, int(float64(s.bytes)/float64(s.totalBytes)*100)))
	}
	s.percent = w.percent
	if s.now > 0 {
		s.eta = time.Duration(float64(max(0, s.totalBytes-s.bytes)) / s.now * float64(time.Second))
		s.etaKnown = true
	}
	return s
}

// text is "783,448  63%  110.64kB/s    0:00:04" of the whole run, and at its
// end how many files were transferred. What is not known yet is ??.
func (w *syncWatch) text(last bool) string {
	now := time.Now()
	if !last {
		s := w.sample(now)
		percent, remain := " ??", -time.Second
		if s.totalKnown {
			percent = fmt.Sprintf("%3d", s.percent)
		}
		if s.etaKnown {
			remain = s.eta
		}
		return fmt.Sprintf("%15s %s%% %s %s  ", humanNumber(s.bytes, w.rep.cfg.Output.Human), percent,
			transferRate(s.now), clockTime(remain))
	}
	bytes, s := w.m.Counters().Bytes.Load(), w.m.Stats()
	if final := w.final.Load(); final != nil {
		bytes, s = final.TransferredSize, *final
	}
	elapsed := now.Sub(w.rep.started)
	percent := int64(100)
	if s.TransferredSize > 0 {
		percent = min(100, int64(float64(bytes)/float64(s.TransferredSize)*100))
	}
	return fmt.Sprintf("%15s %3d%% %s %s (xfr#%d, to-chk=0/%d)", humanNumber(bytes, w.rep.cfg.Output.Human), percent,
		transferRate(float64(bytes)/max(0.001, elapsed.Seconds())), clockTime(elapsed), s.Transferred, s.Files)
}

// transferRate writes bytes a second in units of 1024, with the names that rsync gives them.
func transferRate(perSecond float64) string {
	rate, unit := perSecond/1024, "kB/s"
	for _, larger := range []string{"MB/s", "GB/s"} {
		if rate > 1024 {
			rate, unit = rate/1024, larger
		}
	}
	return fmt.Sprintf("%7.2f%s", rate, unit)
}

func clockTime(d time.Duration) string {
	s := int64(d / time.Second)
	if s < 0 || s > 9999*3600 {
		return "  ??:??:??"
	}
	return fmt.Sprintf("%4d:%02d:%02d", s/3600, s/60%60, s%60)
}

// raw prints text that is no line, at once.
func (o *output) raw(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	if _, err := o.w.WriteString(text); err != nil {
		o.err = err
		return
	}
	o.flushLocked()
}
