package main

import (
	"context"
	"errors"
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
