package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// approver allows a run what a plan has and what is still as it was then. ask is
// called from many goroutines at once.
type approver struct {
	plan  *readPlan
	rules *plan.SyncRules
	alt   mirror.AltKind
	// backups stay in the directories that they are made in, whatever a dry run
	// says of these.
	backups bool

	mu        sync.Mutex
	others    map[string]bool    // directories that are not those of the plan, or are not made
	touched   map[planInode]bool // destination files of several names that the run changes
	unplanned int64
	below     int64 // planned entries in others
}

func newApprover(p *readPlan, m *mirror.Options) *approver {
	return &approver{plan: p, rules: &m.Rules, alt: m.AltKind, backups: m.Backup && m.BackupDir == "", others: map[string]bool{}, touched: map[planInode]bool{}}
}

// ask is the run's Approve.
func (a *approver) ask(name string, src, old *platform.Stat) (ok bool, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.plan.entries[name]
	if p == nil {
		if !a.settled(src, old) {
			a.unplanned++
		}
		return false, ""
	}
	p.met = true
	if a.isBelow(name) {
		a.below++
		return false, ""
	}
	now, was := newPlanState(src), newPlanState(old)
	reason, other := a.against(p, now, was)
	if reason != "" && (other || was == nil) && (p.src.isDir() || p.dst.isDir()) {
		a.others[name] = true
	}
	if reason != "" {
		return false, reason
	}
	p.approved = true
	if was != nil && was.Nlink > 1 {
		a.touched[was.planInode] = true
	}
	return true, ""
}

// settled reports an entry that nothing would be done to: most of those that
// are not in a plan.
func (a *approver) settled(src, old *platform.Stat) bool {
	switch {
	case src == nil:
		return false
	case old == nil:
		return a.alt == mirror.AltCompare
	case src.Type() != old.Type():
		return false
	}
	return !src.IsRegular() || a.rules.QuickCheck(src, old) != plan.Differs
}

// isBelow reports an entry below a directory that is not the plan's.
func (a *approver) isBelow(name string) bool {
	if len(a.others) == 0 {
		return false
	}
	for name != "." {
		name = path.Dir(name)
		if a.others[name] {
			return true
		}
	}
	return false
}

// against says what is against doing what was planned, or "". other tells that a
// directory is not the one that the plan is about.
func (a *approver) against(p *plannedEntry, src, dst *planState) (reason string, other bool) {
	switch {
	case src == nil && p.src != nil:
		return "it is gone from the source, and was to be kept; not deleted", false
	case src != nil && p.src == nil:
		return "it was to be deleted, and is in the source now; left alone", false
	case dst != nil && p.dst == nil:
		return "something stands at the destination that was not there; left alone", true
	case dst == nil && p.dst != nil:
		return "nothing stands at the destination any more; left alone", true
	}
	if what, replaced := p.src.changes(src, nil); what != "" {
		return fmt.Sprintf("the source has changed (%s); left alone", what), replaced
	}
	skip := a.touched
	if p.approved && dst != nil {
		// Asked for again, after the run gave it another name (backups).
		skip = map[planInode]bool{dst.planInode: true}
	}
	what, replaced := p.dst.changes(dst, skip)
	if what != "" {
		return fmt.Sprintf("what stands at the destination has changed (%s); left alone", what), replaced
	}
	return "", false
}

// changes says in what now differs from s; of a directory only what does not
// change as work goes on in it. The time of the inode's change is that of a new
// name, too, so it counts only for what had one. ours are inodes of the
// destination that the run itself changes; nil for a source, whose mode and owner
// count, too.
func (s *planState) changes(now *planState, ours map[planInode]bool) (what string, replaced bool) {
	if s == nil {
		return "", false
	}
	if s.Mode&platform.ModeType != now.Mode&platform.ModeType {
		return "type", true
	}
	if s.planInode != now.planInode {
		return "replaced by another one", true
	}
	var list []string
	differ := func(is bool, name string) {
		if is {
			list = append(list, name)
		}
	}
	dir := s.isDir()
	if ours == nil {
		differ(s.Mode != now.Mode, "mode")
		differ(s.UID != now.UID || s.GID != now.GID, "owner")
	}
	if !dir && !ours[s.planInode] {
		differ(s.Size != now.Size, "size")
		differ(s.Mtime != now.Mtime, "modification time")
		differ(s.Nlink == 1 && s.Ctime != now.Ctime && len(list) == 0, "inode change time")
	}
	return strings.Join(list, ", "), false
}

// missed returns the planned entries that the run did not ask for, without those
// to which nothing was to be done. Of a directory and what is in it only the
// directory is named; below counts the rest.
func (a *approver) missed() (names []string, below int64) {
	gone := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(a.plan.entries)) {
		p := a.plan.entries[name]
		if p.met || p.op == "none" || a.backups && p.src == nil && p.dst.isDir() {
			continue
		}
		if a.isBelow(name) {
			a.below++
			continue
		}
		if p.src != nil && hasAncestor(gone, name) {
			below++
			continue
		}
		if p.src.isDir() {
			gone[name] = true
		}
		names = append(names, name)
	}
	return names, below
}

func hasAncestor(dirs map[string]bool, name string) bool {
	for name != "." {
		if name = path.Dir(name); dirs[name] {
			return true
		}
	}
	return false
}
