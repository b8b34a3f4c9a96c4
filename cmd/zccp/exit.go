package main

import (
	"context"
	"errors"
	"strconv"
	"syscall"
)

// Exit codes. exitSignal + N says that signal N ended the run; main then dies
// by that signal, so that a shell sees what happened and stops its loop.
const (
	exitOK      = 0
	exitFailure = 1 // as in cp, wrong usage too
	exitBug     = 70
	exitSignal  = 128
)

// Exit codes of sync mode, beside 0, 1 and 70: rsync's, and from 40 on its own.
const (
	exitSelection   = 3
	exitUnsupported = 4
	exitStart       = 5
	exitSocket      = 10
	exitFileIO      = 11
	exitProtocol    = 12
	exitInterrupted = 20
	exitPartial     = 23
	exitVanished    = 24
	exitMaxDelete   = 25
	exitTimeout     = 30
	exitConnect     = 35
	exitChanged     = 40
	exitGuard       = 42
	exitRefused     = 43
)

// syncExitStatus is the one table of sync mode's exit codes: the words that end
// a run, and help, are taken from it.
func syncExitStatus() []exitRow {
	return []exitRow{
		{"0", "every file stands at its final name, whole, with what was asked to be kept"},
		{"1", "syntax or usage error"},
		{"3", "errors selecting input/output files, dirs"},
		{"4", "requested action not supported"},
		{"5", "error starting client-server protocol"},
		{"10", "error in socket IO"},
		{"11", "error in file IO"},
		{"12", "error in protocol data stream"},
		{"20", "received SIGINT, SIGTERM, or SIGHUP"},
		{"23", "some files/attrs were not transferred (see previous errors)"},
		{"24", "some files vanished before they could be transferred"},
		{"25", "the --max-delete limit stopped deletions"},
		{"30", "timeout, or the time of --stop-at and --stop-after has come"},
		{"35", "timeout waiting for daemon connection"},
		{"40", "some files changed while they were read"},
		{"42", "a guard stopped deletions; nothing was deleted"},
		{"43", "a key, or what was asked for, is not accepted by the other end; or data were forged"},
		{"70", "a bug in zccp; nothing is known of the result"},
	}
}

// syncExitText returns what the table says of a code.
func syncExitText(code int) string {
	for _, row := range syncExitStatus() {
		if row.Code == strconv.Itoa(code) {
			return row.Meaning
		}
	}
	return "unexplained error"
}

// exitStatus is the one table of exit codes; help prints it.
func exitStatus() []exitRow {
	return []exitRow{
		{"0", "every file stands at its final name, whole, with what was asked to be kept"},
		{"1", "something could not be copied or kept, or the command line was wrong"},
		{"70", "a bug in zccp; nothing is known of the result"},
		{"128+N", "ended by signal N, after removing what was half done"},
	}
}

type exitRow struct{ Code, Meaning string }

// exitCode turns the outcome of a run into an exit code. ctx is the one made
// by withSignals; a signal wins over failures, which it usually causes.
func exitCode(ctx context.Context, failed bool) int {
	var sig signalError
	switch {
	case errors.As(context.Cause(ctx), &sig):
		return exitSignal + int(sig.signal)
	case failed:
		return exitFailure
	}
	return exitOK
}

// endingSignal returns the signal that an exit code stands for.
func endingSignal(code int) (sig syscall.Signal, ok bool) {
	if code <= exitSignal || code >= exitSignal+64 {
		return 0, false
	}
	return syscall.Signal(code - exitSignal), true
}
