package main

import (
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// arrow is how cp names a pair: 'a' -> 'b'.
func arrow(ev *apply.Event) string {
	text := apply.Quote(ev.Src) + " -> " + apply.Quote(ev.Dst)
	if ev.Backup != "" {
		text += " (backup: " + apply.Quote(ev.Backup) + ")"
	}
	return text
}

// printVerbose prints what cp -v prints. An entry left alone is nothing done;
// a backup is told with the copy that takes its name's place.
func (r *report) printVerbose(ev *apply.Event) {
	switch ev.Op {
	case apply.OpSkip:
		if r.cfg.Debug {
			r.out.line("skipped " + apply.Quote(ev.Dst))
		}
	case apply.OpBackup:
	case apply.OpRemove:
		r.out.line("removed " + apply.Quote(ev.Dst))
	default:
		r.out.line(arrow(ev))
	}
}

// printDebug prints what cp --debug (coreutils 9.2) says of a regular file.
// cp knows two ways in the kernel, copy_file_range ("copy offload") and a
// clone; unknown is what it had no need to try.
func (r *report) printDebug(ev *apply.Event) {
	res := ev.Result
	if res == nil {
		return
	}
	refused := func(m copier.Method) bool {
		for _, x := range res.Refusals() {
			if x.Method == m {
				return true
			}
		}
		return false
	}
	offload, reflink, sparse := "unknown", "unknown", "no"
	switch {
	case res.Method == copier.Reflink:
		reflink = "yes"
	case refused(copier.Reflink):
		reflink = "unsupported"
	case res.Method != copier.None:
		reflink = "no"
	}
	switch {
	case res.Method == copier.CopyFileRange:
		offload = "yes"
	case refused(copier.CopyFileRange):
		offload = "unsupported"
	case res.Method != copier.None && res.Method != copier.Reflink:
		offload = "avoided"
	}
	switch {
	case res.Method == copier.None && res.Holes == 0, res.Method == copier.Reflink:
		sparse = "unknown"
	case r.cfg.Sparse == sparseAlways:
		sparse = "SEEK_HOLE + zeros"
	case res.Holes > 0:
		sparse = "SEEK_HOLE"
	}
	r.out.line("copy offload: " + offload + ", reflink: " + reflink + ", sparse detection: " + sparse)
}

// printExplained prints for each entry what was done and why, and for a file
// the method, how it was staged, what was tried in vain, holes and sharing.
func (r *report) printExplained(ev *apply.Event) {
	var facts []string
	if res := ev.Result; res != nil {
		method := res.Method.String()
		if res.Method == copier.None {
			method = "no data"
		}
		first := []string{method}
		if ev.How != "" {
			first = append(first, ev.How)
		}
		facts = append(facts, strings.Join(first, ", "))
		var tried []string
		for _, x := range res.Refusals() {
			tried = append(tried, x.Method.String()+" ("+reason(x.Err)+")")
		}
		if len(tried) > 0 {
			facts = append(facts, "refused: "+strings.Join(tried, ", "))
		}
		if res.Holes > 0 {
			facts = append(facts, "holes "+formatSize(res.Holes))
		}
		if res.Cloned > 0 {
			facts = append(facts, "shared "+formatSize(res.Cloned))
		}
		if res.Attempts > 1 {
			facts = append(facts, "source changed, "+countNoun(int64(res.Attempts), "attempt"))
		}
		if res.Verified {
			facts = append(facts, "verified")
		}
	} else {
		facts = append(facts, operation(ev))
	}
	if ev.Reason != "" {
		facts = append(facts, ev.Reason)
	}
	r.out.line(arrow(ev) + ": " + strings.Join(facts, "; "))
}

// operation names what is done with an entry that is no copy of data.
func operation(ev *apply.Event) string {
	text := string(ev.Op)
	if ev.Target != "" {
		text += " to " + apply.Quote(ev.Target)
	}
	return text
}

// printPlanned prints an action of a dry run: as -v does, and why.
func (r *report) printPlanned(ev *apply.Event) {
	var text string
	switch ev.Op {
	case apply.OpSkip:
		text = "skip " + apply.Quote(ev.Dst)
	case apply.OpRemove:
		text = "remove " + apply.Quote(ev.Dst)
	case apply.OpCopy:
		text = arrow(ev)
	default:
		text = arrow(ev) + ": " + operation(ev)
	}
	if ev.Reason != "" {
		text += " (" + ev.Reason + ")"
	}
	r.out.line(text)
}
