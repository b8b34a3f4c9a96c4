package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// Exit codes of sync mode that end a session.
const (
	CodeUsage     = 1
	CodeSelection = 3
	CodeSocket    = 10 // the network failed
	CodeFile      = 11
	CodeProtocol  = 12 // the connection was cut, or the peer broke the protocol
	CodeSignal    = 20
	CodeTimeout   = 30
	CodeSecurity  = 43 // what arrived was forged
	CodeBug       = 70
)

// Error ends a session. Its text is a whole message without the program's
// name.
type Error struct {
	Code int // an exit code of sync mode
	Text string
	Hint string // a known cure, or ""
	// Far is set if the other end said so.
	Far  bool
	lost bool // the connection broke
	// Failure is set if nothing was done because of it: what Mirror.Run would
	// have returned.
	Failure *mirror.Failure
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns the Failure, if there is one.
func (e *Error) Unwrap() error {
	if e.Failure == nil {
		return nil
	}
	return e.Failure
}

func failf(code int, format string, a ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, a...)}
}

// violated is what a peer must not do.
func violated(format string, a ...any) error {
	return failf(CodeProtocol, "protocol error: "+format, a...)
}

// codeOfFailure turns a Failure into an exit code.
func codeOfFailure(f *mirror.Failure) int {
	switch f.Kind {
	case mirror.KindUsage:
		return CodeUsage
	case mirror.KindFile:
		return CodeFile
	}
	return CodeSelection
}

// asError gives every error that ends a session its exit code.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[*mirror.Failure](err); ok {
		return &Error{Code: codeOfFailure(f), Text: f.Text, Failure: f}
	}
	if v, ok := errors.AsType[*wire.Violation](err); ok {
		if v.Name {
			return failf(CodeSecurity, "protocol error: %s", v.Text)
		}
		return failf(CodeProtocol, "protocol error: %s", v.Text)
	}
	if e := linkError(err); e != nil {
		return e
	}
	switch {
	case errors.Is(err, mirror.ErrNotOffered), errors.Is(err, mirror.ErrViolation):
		return failf(CodeProtocol, "protocol error: %v", err)
	case errors.Is(err, context.Canceled):
		return failf(CodeSignal, "interrupted")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return failf(CodeTimeout, "the connection timed out")
	case cut(err):
		e := failf(CodeProtocol, "connection unexpectedly closed")
		e.lost = true
		return e
	}
	e := failf(CodeSocket, "connection failed: %s", platform.Message(platform.Cause(err)))
	e.lost = true
	return e
}

// cut reports whether err is the end of a stream, in its many forms.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, os.ErrClosed) ||
		platform.Disconnected(err)
}
