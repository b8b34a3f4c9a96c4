package copier

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zccp/zccp/platform"
)

// ErrChanged says that the source was altered while it was being copied, each
// time it was tried; nothing was published.
var ErrChanged = errors.New("file changed while being copied")

// ErrVerify says that what was stored differs from the source.
var ErrVerify = errors.New("stored data differ from the source")

// errMethod is wrapped when the methods asked for can't copy a pair.
var errMethod = errors.New("no permitted method can copy this pair")

// MethodError says why each of the methods that were asked for can't copy a
// pair.
type MethodError struct{ Refused []Refusal }

func (e *MethodError) Error() string {
	if len(e.Refused) == 0 {
		return errMethod.Error()
	}
	var text strings.Builder
	for i, r := range e.Refused {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s: %s", r.Method, platform.Message(r.Err))
	}
	return text.String()
}

func (e *MethodError) Unwrap() error { return errMethod }

// StepError says which step of a copy failed. Its text is the errno's alone;
// the step and the side choose the words of the message around it.
type StepError struct {
	Step   Step
	Method Method // of StepMove, else None
	Err    error
}

// Step is a step in the life of a file.
type Step uint8

// The steps, in order.
const (
	StepCreate Step = iota
	StepRead
	StepWrite
	StepMove
	StepClone
	StepSize
	StepOwner
	StepMode
	StepACL
	StepXattr
	StepTimes
	StepStat
	StepVerify
	StepSync
	StepPublish
	StepClose
)

func (e *StepError) Error() string { return e.Err.Error() }
func (e *StepError) Unwrap() error { return e.Err }

func step(s Step, err error) error {
	if err == nil {
		return nil
	}
	return &StepError{Step: s, Err: err}
}

// errCount is a count that no correct kernel returns.
func errCount(call string, n int, asked int64) error {
	return fmt.Errorf("%s returned %d of %d bytes", call, n, asked)
}
