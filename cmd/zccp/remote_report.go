package main

import (
	"context"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// copySession is the report of copy mode in a session: what a Mirror tells, in
// the words of cp.
type copySession struct {
	*report
	c   *copyConfig
	run *remoteRun
	on  func() // called for each failure, if set

	failures atomic.Int64 // of both ends
	into     atomic.Bool  // the destination is a directory that was there before
}

// noteInto is the level of the note by which the far end says that the
// destination is such a directory. It has no text.
const noteInto = 100

func newCopySession(e *env, c *copyConfig, run *remoteRun) *copySession {
	return &copySession{report: &report{e: e}, c: c, run: run}
}

func (s *copySession) onFailure(f func()) { s.on = f }

func (s *copySession) begin(m *mirror.Mirror) (over func(mirror.Stats)) {
	if !s.c.Route.Push {
		s.into.Store(isDirectory(s.run.cfg.Dest))
	}
	s.report = newReport(s.e, s.c, m.Counters())
	s.failed = s.on
	s.screen.pause("")
	s.Start()
	if !s.c.Route.Push {
		stop := awaitWalk(m, s.report)
		return func(mirror.Stats) { stop() }
	}
	stop := countAhead(context.Background(), platform.Restarting(platform.Native()), s.c, s.report)
	return func(mirror.Stats) { stop() }
}

// awaitWalk tells rep the total as soon as m knows it, until the returned
// function is called.
func awaitWalk(m *mirror.Mirror, rep *report) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(tickInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if c := m.Counters(); m.Walked() {
				rep.SetTotal(c.WantedFiles.Load(), c.WantedBytes.Load())
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

func (s *copySession) connected() { s.screen.resume() }

func (s *copySession) stderr() io.Writer { return s.screen }

func (s *copySession) said(text string) { s.report.Note(text) }

// Problem implements mirror.Reporter.
func (s *copySession) Problem(_ mirror.Kind, err error, hint string) {
	s.report.Problem(err, hint)
	s.failures.Add(1)
}

// Note implements mirror.Reporter. What rsync leaves out with a note, cp fails
// to copy.
func (s *copySession) Note(level int, text string) {
	switch name, found := strings.CutPrefix(text, "skipping directory "); {
	case level == noteInto:
		s.into.Store(true)
	case level > 0:
	case found:
		s.Problem(mirror.KindPartial, refusef("", "-r not specified; omitting directory %s", apply.Quote(name)), "")
	case strings.HasPrefix(text, "skipping non-regular file "):
		s.Problem(mirror.KindPartial, refusef("", "%s", text), "")
	default:
		s.report.Note(text)
	}
}

// Item implements mirror.Reporter.
func (s *copySession) Item(ev *mirror.Event) {
	op, ok := copyOp(ev)
	if !ok || !s.wantsEvents() {
		return
	}
	out := &apply.Event{Op: op, Size: ev.Size, Reason: "new"}
	if ev.Flags&plan.FlagNew == 0 {
		out.Reason = ""
	}
	ends := s.run.copy
	out.Src, out.Dst = ends.sourceOf(ev.Name, s.c.Parents), s.destOf(ev.Name)
	if ev.Link != "" {
		out.Target = ev.Link
		if op == apply.OpLink {
			out.Target = s.destOf(ev.Link)
		}
	}
	if s.c.Route.Push {
		out.Dst = s.run.place.label(out.Dst)
	} else {
		out.Src = s.run.place.label(out.Src)
	}
	if res := ev.Result; res != nil && res.Method != copier.None {
		out.Result = res
	}
	s.Done(out)
}

// destOf returns where an entry stands that is reported by its name.
func (s *copySession) destOf(name string) string {
	dest := strings.TrimSuffix(s.run.cfg.Dest, "/.")
	if dest == "" {
		dest = "/"
	}
	ends := s.run.copy
	if ends.NameDirs && !s.into.Load() && len(ends.Sources) == 1 && !endsInDirectory(ends.Sources[0]) && !s.c.Parents {
		// SOURCE has got the name DEST.
		_, name, _ = strings.Cut(name, "/")
	}
	return path.Join(dest, name)
}

// isDirectory reports whether a path leads to a directory.
func isDirectory(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// copyOp is what cp would say was done to an entry; ok is false for what it
// says nothing of.
func copyOp(ev *mirror.Event) (op apply.Op, ok bool) {
	created := ev.Flags&plan.FlagNew != 0
	switch kind := ev.Mode & platform.ModeType; {
	case ev.Flags&plan.FlagDeleted != 0:
		return apply.OpRemove, true
	case ev.Flags&plan.FlagHardLink != 0:
		return apply.OpLink, true
	case ev.Flags&plan.FlagTransfer != 0:
		return apply.OpCopy, true
	case kind == platform.ModeDir:
		return apply.OpMkdir, created
	case kind == platform.ModeSymlink:
		return apply.OpSymlink, created || ev.Flags&plan.FlagLocalChange != 0
	case kind == platform.ModeRegular:
		return apply.OpCopy, false
	}
	return apply.OpSpecial, created
}

func (s *copySession) end(ctx context.Context, stats mirror.Stats, code int, route string) int {
	// The Mirror counts for its own half of the run; the totals are of both.
	c := s.counters
	c.Files.Store(stats.Transferred)
	c.Bytes.Store(stats.TransferredSize)
	c.Dirs.Store(stats.CreatedDirs)
	c.Symlinks.Store(stats.CreatedLinks)
	c.Specials.Store(stats.CreatedDev + stats.CreatedSpec)
	c.Found.Store(stats.Files)
	c.FoundBytes.Store(stats.TotalSize)
	if s.json != nil {
		s.json.route = route
	}
	c.Failed.Store(s.failures.Load())
	if code != exitOK && c.Failed.Load() == 0 {
		c.Failed.Add(1)
	}
	if route != "" && s.json == nil && (s.c.Explain || s.c.Stats || s.c.Verbose) {
		s.out.line("data went through: " + printableText(route))
	}
	return s.Finish(ctx, nil)
}
