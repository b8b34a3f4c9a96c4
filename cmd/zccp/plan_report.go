package main

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

var _ syncReporter = (*planReport)(nil)

// planReport writes the plan of a dry run on stdout: what the run asks for is
// what an entry is known by later, what it tells is what becomes of the entry.
type planReport struct {
	*syncReport
	args []string
	dir  string
	dest *planInode

	mu      sync.Mutex
	asked   map[string]asked      // not told of yet
	idle    map[string]*planEntry // directories in which nothing is planned
	written map[string]bool       // directories that the plan has
	wanted  map[string]bool       // directories that it will have when they are told of
	entries int64
	sum     hash.Hash
}

// asked is what a run asked for.
type asked struct {
	src, old *platform.Stat
}

// newPlanReport returns the reporter of a run of cfg, which it makes a dry one
// that asks it.
func newPlanReport(e *env, cfg *syncConfig, args []string, dir string, dest *planInode) *planReport {
	cfg.Output = syncOutput{Human: cfg.Output.Human, EightBit: cfg.Output.EightBit}
	p := &planReport{
		syncReport: newSyncReport(e, cfg), args: args, dir: dir, dest: dest,
		asked: map[string]asked{}, idle: map[string]*planEntry{}, written: map[string]bool{}, wanted: map[string]bool{},
		sum: sha256.New(),
	}
	m := &cfg.Mirror
	m.DryRun, m.Itemize, m.ItemizeAll, m.Approve = true, true, true, p.ask
	return p
}

// Start implements syncReporter: it writes the header.
func (p *planReport) Start() {
	p.syncReport.Start()
	v, _ := buildVersion()
	h := planHeader{Type: "plan", Format: planFormat, Version: v, Time: time.Now().Format(time.RFC3339Nano), Dest: p.dest}
	h.Args, h.ArgsB64 = jsonArgs(p.args)
	h.Dir, h.DirB64 = jsonName(p.dir)
	p.emit(h)
}

// emit writes a line.
func (p *planReport) emit(v any) {
	line := encodeLine(v)
	p.sum.Write(line)
	p.out.line(string(line[:len(line)-1]))
}

// ask is the run's Approve; it allows everything.
func (p *planReport) ask(name string, src, old *platform.Stat) (ok bool, reason string) {
	a := asked{}
	if src != nil {
		st := *src
		a.src = &st
	}
	if old != nil {
		st := *old
		a.old = &st
	}
	p.mu.Lock()
	p.asked[name] = a
	p.mu.Unlock()
	return true, ""
}

// Item implements mirror.Reporter.
func (p *planReport) Item(ev *mirror.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.asked[ev.Name]
	if !ok {
		// Something would be done that a plan can't hold back.
		p.Problem(mirror.KindPartial, fmt.Errorf("%s cannot be planned: nobody was asked", apply.Quote(ev.Name)), "")
		return
	}
	delete(p.asked, ev.Name)
	op := p.op(ev, a)
	line := newPlanEntry(op, ev.Flags.Itemize(ev.Mode, p.cfg.Mirror.Rules.Times), ev.Name, a)
	line.Target, line.TargetB64 = jsonName(ev.Link)
	switch {
	case op != "none" || p.wanted[ev.Name] || p.joins(a):
		p.add(line, ev.Name)
	case a.src != nil && a.src.IsDir():
		p.idle[ev.Name] = line
	}
}

func newPlanEntry(op, itemize, name string, a asked) *planEntry {
	line := &planEntry{Type: "entry", Op: op, Itemize: itemize, Src: newPlanState(a.src), Dst: newPlanState(a.old)}
	line.Path, line.PathB64 = jsonName(name)
	return line
}

// joins reports an entry that must be met again although nothing is done to it:
// others may become links to it.
func (p *planReport) joins(a asked) bool {
	return p.cfg.Mirror.HardLinks && a.src != nil && !a.src.IsDir() && a.src.Nlink > 1
}

// op says in a word what becomes of an entry.
func (p *planReport) op(ev *mirror.Event, a asked) string {
	f := ev.Flags
	link := f&plan.FlagHardLink != 0 && (ev.Link != "" || ev.Old == nil)
	switch {
	case f&plan.FlagDeleted != 0:
		return "delete"
	case link:
		return "link"
	case f&plan.FlagTransfer != 0:
		return "transfer"
	case f&plan.FlagNew != 0 || f&plan.FlagLocalChange != 0 && f&plan.FlagHardLink == 0:
		return "create"
	case f.Significant() || p.adjusts(ev, a):
		return "change"
	case a.old != nil && ev.Old == nil:
		return "remove"
	case p.cfg.Mirror.RemoveSource && a.src != nil && !a.src.IsDir():
		return "remove_source"
	}
	return "none"
}

// adjusts reports times that are set although they count as the same: with -c
// those of modification, those of access, and that of the destination itself, are
// set to the nanosecond.
func (p *planReport) adjusts(ev *mirror.Event, a asked) bool {
	r := &p.cfg.Mirror.Rules
	if a.old == nil || ev.Old == nil || a.src == nil || a.src.IsDir() && ev.Name != "." {
		return false
	}
	mtime := (r.Checksum || a.src.IsDir()) && r.KeepsTime(a.src.Mode) && a.src.Mtime != a.old.Mtime
	return mtime || r.Atimes && !a.src.IsDir() && a.src.Atime != a.old.Atime
}

// add writes an entry behind the directories that it stands in. Their times are
// kept while work goes on in them, and who carries the plan out wants to know
// that they are the same still.
func (p *planReport) add(line *planEntry, name string) {
	p.ancestors(name)
	p.entries++
	if line.Src.isDir() {
		p.written[name] = true
	}
	delete(p.wanted, name)
	p.emit(line)
}

func (p *planReport) ancestors(name string) {
	if name == "." {
		return
	}
	up := path.Dir(name)
	if p.written[up] || p.wanted[up] {
		return
	}
	p.ancestors(up)
	line, ok := p.idle[up]
	if !ok {
		p.wanted[up] = true
		return
	}
	delete(p.idle, up)
	p.written[up] = true
	p.entries++
	p.emit(line)
}

// Note implements mirror.Reporter: stdout is the plan.
func (p *planReport) Note(level int, text string) {
	if level == 0 {
		p.message(p.escape.escape(text))
	}
}

// Finish implements syncReporter. Without its last line a plan is not carried
// out, and it gets none if the run did not see everything.
func (p *planReport) Finish(s mirror.Stats, code int) int {
	switch code {
	case exitOK, exitPartial, exitVanished, exitMaxDelete, exitChanged, exitGuard:
		p.untold()
		end := planTotals(s)
		end.Exit, end.Entries = code, p.entries
		end.seal(p.sum)
		p.emit(end)
	}
	return p.syncReport.Finish(s, code)
}

// untold adds what was asked for and not told of: directories on the way to what
// was named (--no-implied-dirs), files that others may become links to, and what
// a directory is emptied for without becoming free.
func (p *planReport) untold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.asked)) {
		a := p.asked[name]
		op, flags := "none", plan.Flags(0)
		switch {
		case a.src == nil:
			continue
		case a.src.IsDir() && (a.old == nil || !a.old.IsDir()):
			op, flags = "create", plan.FlagLocalChange|plan.FlagNew
		case a.src.IsRegular() && p.wanted[name]:
			op, flags = "transfer", plan.FlagTransfer|plan.FlagNew
		case !a.src.IsDir() && p.wanted[name]:
			op, flags = "create", plan.FlagLocalChange|plan.FlagNew
		case !p.wanted[name] && !p.joins(a):
			continue
		}
		p.add(newPlanEntry(op, flags.Itemize(a.src.Mode, true), name, a), name)
	}
}

// destinationInode tells which directory a run of dest works in: dest itself, or
// where it is no directory the one that it stands in, or is to stand in. nil if
// that is not there.
func destinationInode(calls *platform.Calls, dest string) *planInode {
	for _, dir := range []string{dest, path.Dir(path.Clean(dest))} {
		name, err := platform.MakeName(dir)
		var st platform.Stat
		if err == nil && calls.Statat(platform.CWD, name, &st, true) == nil && st.IsDir() {
			return &planInode{st.Dev, st.Ino}
		}
	}
	return nil
}
