package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/mirror"
)

// applyOptions are the options of sync mode that a plan does not fix: they change
// what is said and how many workers there are, not what is done.
func applyOptions() []string {
	return []string{
		"dry-run", "verbose", "itemize-changes", "out-format", "stats", "human-readable", "quiet", "progress", "8-bit-output",
		"jobs", "explain", "fail-fast", "json", "help",
	}
}

// runApply runs "apply [OPTION]... PLAN".
func runApply(e *env, args []string) int {
	if len(args) == 1 && args[0] == "-h" {
		return e.print(e.printPlanHelp)
	}
	line, err := syncTable().normalise(args, e.getenv("POSIXLY_CORRECT") != "")
	for _, s := range line.Settings {
		if !slices.Contains(applyOptions(), s.Option) {
			return e.refuseApply(usagef("apply takes no option %s: what is done stands in the plan", spelling(s.Option)))
		}
		if s.Option == "help" {
			return e.print(e.printPlanHelp)
		}
	}
	if err == nil && len(line.Operands) != 1 {
		err = usagef("apply takes one PLAN, or - for stdin")
	}
	if err != nil {
		return e.refuseApply(err)
	}
	p, err := e.openPlan(line.Operands[0])
	if err != nil {
		return e.refuseApply(err)
	}
	cfg, err := p.config(e, line.Settings)
	if err != nil {
		return e.refuseApply(err)
	}
	rep := &applyReport{syncReport: newSyncReport(e, cfg), approver: newApprover(p, &cfg.Mirror)}
	calls, _ := kernel(e, &copyConfig{})
	if now, was := destinationInode(calls, cfg.Dest), p.header.Dest; (now == nil) != (was == nil) || now != nil && *now != *was {
		rep.Start()
		rep.Problem(mirror.KindPartial, fmt.Errorf("the destination %s is not the directory that the plan was made for; nothing was done", apply.Quote(cfg.Dest)), "")
		return rep.syncReport.Finish(mirror.Stats{}, exitPartial)
	}
	cfg.Mirror.Approve = rep.approver.ask
	return synchronise(e, cfg, rep)
}

// refuseApply prints why a plan is not carried out: nothing was done.
func (e *env) refuseApply(err error) int {
	e.errorf("%v", err)
	code := exitFailure
	var coded *syncError
	var usage *usageError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case errors.As(err, &usage):
		e.hintf("'%s apply --help' says what it takes", e.prog)
	}
	e.hintFile("apply")
	fmt.Fprintln(e.stderr, e.syncEnding(code))
	return code
}

// hintFile says how to copy a file that has the name of a command.
func (e *env) hintFile(command string) {
	if _, err := os.Lstat(command); err == nil {
		e.hintf("to copy the file of that name, write ./%s", command)
	}
}

// openPlan reads the plan of that name.
func (e *env) openPlan(name string) (*readPlan, error) {
	in := e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open plan %s: %s", apply.Quote(name), reason(err))
		}
		defer f.Close()
		in = f
	}
	p, err := parsePlan(in)
	if err != nil {
		return nil, fmt.Errorf("plan %s is refused, nothing was done: %w", apply.Quote(name), err)
	}
	return p, nil
}

// config returns the configuration of the run that the plan is of, in whose
// working directory the program is then, with own settings behind.
func (p *readPlan) config(e *env, own []setting) (*syncConfig, error) {
	line, err := syncTable().normalise(p.header.Args, e.getenv("POSIXLY_CORRECT") != "")
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(p.header.Dir); err != nil {
		return nil, fmt.Errorf("cannot enter %s, where the plan was made: %s", apply.Quote(p.header.Dir), reason(err))
	}
	f := newSyncFolder(e)
	for _, s := range slices.Concat(line.Settings, own) {
		if err := f.fold(s); err != nil {
			return nil, err
		}
	}
	if err := f.resolve(line.Operands); err != nil {
		return nil, err
	}
	cfg := &f.cfg
	if problem := planless(cfg); problem != "" {
		return nil, usagef("%s", problem)
	}
	m := &cfg.Mirror
	m.DryRun = slices.ContainsFunc(own, func(s setting) bool { return s.Option == "dry-run" })
	return cfg, nil
}

var _ syncReporter = (*applyReport)(nil)

// applyReport is the report of a run that carries out a plan: it tells, beside
// what any run does, what of the plan was not done.
type applyReport struct {
	*syncReport
	approver *approver
}

// notEmptyNote is how a run begins to say that a directory is not deleted, since
// not all in it is.
const notEmptyNote = "cannot delete non-empty directory: "

// Note implements mirror.Reporter. That a directory stays of which the plan knows
// nothing is not said.
func (r *applyReport) Note(level int, text string) {
	if name, ok := strings.CutPrefix(text, notEmptyNote); ok && r.approver.plan.entries[name] == nil {
		return
	}
	r.syncReport.Note(level, text)
}

// Finish implements syncReporter.
func (r *applyReport) Finish(s mirror.Stats, code int) int {
	a := r.approver
	names, below := a.missed()
	switch code {
	case exitInterrupted, exitTimeout, exitGuard, exitFailure, exitSelection, exitFileIO:
		if n := int64(len(names)) + below; n > 0 {
			r.Problem(mirror.KindPartial, errors.New(count(n, "planned entry was", "planned entries were")+" not reached"), "")
		}
	default:
		for _, name := range names {
			r.Problem(mirror.KindPartial, errors.New(apply.Quote(name)+": "+r.missing(name)), "")
		}
		if below > 0 {
			r.Problem(mirror.KindPartial, errors.New("in such directories: "+count(below, "planned entry", "planned entries")), "")
		}
	}
	if a.below > 0 {
		r.Problem(mirror.KindPartial, fmt.Errorf("%s left alone in the directories that were", count(a.below, "planned entry was", "planned entries were")), "")
	}
	if a.unplanned > 0 {
		r.syncReport.Note(0, count(a.unplanned, "entry is", "entries are")+" not in the plan: left alone")
	}
	if code != exitInterrupted && code != exitTimeout {
		code = r.code()
	}
	return r.syncReport.Finish(s, code)
}

// missing says why a planned entry may not have come up.
func (r *applyReport) missing(name string) string {
	if r.approver.plan.entries[name].src != nil {
		return "planned, but no longer there, or left out by now"
	}
	if _, err := os.Lstat(filepath.Join(r.cfg.Dest, name)); err != nil {
		return "planned to be deleted, but no longer there"
	}
	return "planned to be deleted, but still there"
}

func count(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

const planHelpTemplate = `{{usage}}
{{.Description}}

plan takes the options of '{{program}} sync --help'; those of the output bear on apply. A PLAN is JSON
lines, see docs/plan.md. One that was changed or cut off is refused as a whole. It is carried
out in the directory it was made in; a PLAN of - is read from stdin.

Examples:
{{examples}}

Options of apply, as those of sync:
{{range .Flags}}{{row .}}{{end}}
Exit status: those of '{{program}} sync'; 23 if something of the plan was not done. With 1 nothing was.
`

// printPlanHelp writes the help of plan and of apply.
func (e *env) printPlanHelp(w io.Writer) error {
	var flags []cli.Flag
	for _, o := range syncOptions() {
		if slices.Contains(applyOptions(), o.canonical()) {
			flags = append(flags, o.cliFlag())
		}
	}
	return e.printModeHelp(w, "plan", planHelpTemplate, flags, map[string]any{
		"program":  func() string { return e.prog },
		"usage":    func() string { return e.usageText("plan", "apply") },
		"examples": func() string { return e.examplesText("plan", "apply") },
	})
}
