package main

import (
	"errors"
	"runtime/debug"
)

// run does what the command line says and returns the exit code. A panic ends
// in one line and exitBug; it is caught on this goroutine only, the others'
// panics end the program the way Go does it.
func run(e *env) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e.errorf("internal error: %v", r)
			if e.getenv("ZCCP_TRACEBACK") != "" {
				e.stderr.Write(debug.Stack())
			} else {
				e.hintf("this is a bug in zccp; run again with ZCCP_TRACEBACK=1 and report what it prints")
			}
			code = exitBug
		}
	}()
	var args []string
	if len(e.args) > 1 {
		args = e.args[1:]
	}
	if e.asRsync() {
		return runSync(e, args)
	}
	if len(args) > 0 && !e.asCp() {
		if code, ok := runCommand(e, args); ok {
			return code
		}
	}
	return runCopyMode(e, args)
}

// runCommand runs the subcommand that args[0] names. Only the first argument
// can be one: "zccp -a version dst" copies a file called version. A file of a
// command's name is copied as ./version, or as "zccp -- version dst".
func runCommand(e *env, args []string) (code int, ok bool) {
	switch args[0] {
	case "bench":
		return runBench(e, args[1:]), true
	case "plan":
		return runPlan(e, args[1:]), true
	case "apply":
		return runApply(e, args[1:]), true
	case "probe":
		return runProbe(e, args[1:]), true
	case "verify":
		return runVerify(e, args[1:]), true
	case "sync":
		return runSync(e, args[1:]), true
	case "version":
		if len(args) == 2 && args[1] == "--help" {
			return runHelp(e, args[:1]), true
		}
		if len(args) > 1 {
			e.errorf("'%s' takes no arguments", args[0])
			e.hintf("to copy a file of that name, write ./%s", args[0])
			return exitFailure, true
		}
		return e.print(e.printVersion), true
	case "help":
		return runHelp(e, args[1:]), true
	case "serve":
		return runServe(e, args[1:]), true
	case "keygen":
		return runKeygen(e, args[1:]), true
	case "completion":
		return runCompletion(e, args[1:]), true
	}
	return 0, false
}

// runCopyMode is the personality of cp.
func runCopyMode(e *env, args []string) int {
	cfg, err := parseCopy(e, args)
	if err != nil {
		return e.refuse(err)
	}
	switch {
	case cfg.Help:
		return e.print(e.printHelp)
	case cfg.Version:
		return e.print(e.printVersion)
	}
	for _, w := range cfg.Warnings {
		e.errorf("warning: %s", w)
	}
	return runCopy(e, cfg)
}

// refuse prints why a command line is not carried out.
func (e *env) refuse(err error) int {
	e.errorf("%v", err)
	var u *usageError
	var coded *syncError
	switch {
	case errors.As(err, &coded):
		if coded.hint != "" {
			e.hintf("%s", coded.hint)
		}
	case errors.As(err, &u):
		switch {
		case u.hint != "":
			e.hintf("%s", u.hint)
		case u.example:
			e.printExample(e.stderr)
		case u.tryHelp:
			e.printTryHelp(e.stderr)
		}
	}
	return exitFailure
}
