package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// drawInterval is between two progress lines, as in rsync.
const drawInterval = time.Second

// syncWatch looks after a run from beside: it flushes stdout, draws progress,
// answers SIGUSR1 and minds --timeout.
type syncWatch struct {
	rep    *syncReport
	m      *mirror.Mirror
	expire func()
	status chan os.Signal
	done   chan struct{}
	wg     sync.WaitGroup
	recent []progressPoint // the last five seconds

	// Of a run with another machine, whose totals m does not have.
	sends atomic.Bool
	final atomic.Pointer[mirror.Stats] // once it is over
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
	for {
		select {
		case <-w.done:
			return
		case <-w.status:
			r.screen.message(r.e.prog + ": " + w.text(false))
		case now := <-ticker.C:
			if o.Buffer != bufferBlock && now.Sub(lastFlush) >= r.out.interval {
				r.out.flush()
				if r.log != nil {
					r.log.flush()
				}
				lastFlush = now
			}
			if o.Info[infoProgress] > 0 && now.Sub(lastDraw) >= drawInterval {
				w.draw(false)
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

// draw prints the progress line over the one before, in rsync's format, which
// programs parse, so to pipes too. In the background of a terminal it prints
// nothing.
func (w *syncWatch) draw(last bool) {
	r := w.rep
	if r.json != nil || r.cfg.Output.Quiet || r.cfg.Mirror.DryRun {
		return
	}
	if f, ok := r.e.stdout.(*os.File); ok && r.out.shared && !platform.Foreground(platform.FD(f.Fd())) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = !last
	text := "\r" + w.text(last)
	if last {
		text += "\n"
	}
	r.out.raw(text)
}

// text is "783,448  63%  110.64kB/s    0:00:04" of the whole run, and at its
// end how many files were transferred.
func (w *syncWatch) text(last bool) string {
	now := time.Now()
	bytes, s := w.m.Counters().Bytes.Load(), w.m.Stats()
	switch final := w.final.Load(); {
	case final != nil:
		bytes, s = final.TransferredSize, *final
	case w.sends.Load():
		s.TotalSize = w.m.Counters().FoundBytes.Load()
	}
	from := w.recent[0]
	w.recent = append(w.recent, progressPoint{now, bytes})
	if len(w.recent) > 5 {
		w.recent = w.recent[1:]
	}
	if last {
		from = progressPoint{w.rep.started, 0}
	}
	perSecond := float64(bytes-from.bytes) / max(0.001, now.Sub(from.at).Seconds())
	remain := now.Sub(w.rep.started)
	if !last {
		remain = 0
		if perSecond > 0 {
			remain = time.Duration(float64(max(0, s.TotalSize-bytes)) / perSecond * float64(time.Second))
		}
	}
	percent := int64(100)
	if s.TotalSize > 0 {
		percent = min(100, int64(float64(bytes)/float64(s.TotalSize)*100))
	}
	end := "  "
	if last {
		end = fmt.Sprintf(" (xfr#%d, to-chk=0/%d)", s.Transferred, s.Files)
	}
	return fmt.Sprintf("%15s %3d%% %s %s%s", humanNumber(bytes, w.rep.cfg.Output.Human), percent,
		transferRate(perSecond), clockTime(remain), end)
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
