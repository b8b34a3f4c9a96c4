package main

import (
	"fmt"
	"io"
	"os"
)

// runPlan runs "plan [OPTION]... SRC... DEST".
func runPlan(e *env, args []string) int {
	in := &readMark{Reader: e.stdin}
	parsing := *e
	parsing.stdin = in
	cfg, err := parseSync(&parsing, args)
	switch {
	case err != nil:
	case cfg.Help:
		return e.print(e.printPlanHelp)
	case in.read:
		err = refusef("put it into a file", "what is read from stdin can't be read again when the plan is carried out")
	default:
		if problem := planless(cfg); problem != "" {
			err = usagef("%s", problem)
		}
	}
	var dir string
	if err == nil {
		if dir, err = os.Getwd(); err != nil {
			err = fmt.Errorf("the working directory has no name: %s", reason(err))
		}
	}
	if err != nil {
		e.hintFile("plan")
		return e.refuseSync(err)
	}
	calls, _ := kernel(e, &copyConfig{})
	return synchronise(e, cfg, newPlanReport(e, cfg, args, dir, destinationInode(calls, cfg.Dest)))
}

// planless says why there is no plan of what a command line asks for, or "".
func planless(cfg *syncConfig) string {
	switch {
	case cfg.Version > 0 || cfg.Listing != "":
		return "a plan needs SRC and DEST"
	case cfg.Route != nil:
		return "a plan is of paths of one machine; run zccp plan on the other one, or sync -n"
	case cfg.Dest == "" || cfg.Mirror.ListOnly:
		return "there is nothing to plan in a listing: a plan needs SRC and DEST"
	}
	return ""
}

// readMark notes that something is read.
type readMark struct {
	io.Reader
	read bool
}

func (r *readMark) Read(b []byte) (int, error) {
	r.read = true
	return r.Reader.Read(b)
}
