package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// errReplaced says that a name no longer leads to the directory it did.
var errReplaced = errors.New("directory was replaced while being copied")

// message is a whole message about one path; it wraps the error it tells of.
type message struct {
	text string
	err  error
}

func (m *message) Error() string { return m.text }
func (m *message) Unwrap() error { return m.err }

// attributes is the action that cp only fails to do.
const attributes = "get attributes of"

// problem reports "cannot ACTION 'path': Reason".
func (c *Copy) problem(action, path string, err error) {
	var whole *message
	switch {
	case stopped(err):
		return
	case errors.As(err, &whole):
		c.fail(whole.err, whole.text)
		return
	case action == attributes:
		c.fail(err, fmt.Sprintf("failed to %s %s: %s", action, apply.Quote(path), platform.Message(err)))
		return
	}
	c.fail(err, fmt.Sprintf("cannot %s %s: %s", action, apply.Quote(path), platform.Message(err)))
}

// fail reports a failure in words of its own.
func (c *Copy) fail(err error, text string) {
	c.r.Problem(&message{text, err}, hint(err))
}

// stopped tells a cancelled run, which is nobody's failure.
func stopped(err error) bool { return errors.Is(err, context.Canceled) }

func hint(err error) string {
	switch {
	case errors.Is(err, copier.ErrChanged):
		return "something writes to it; copy it while that is stopped, or from a snapshot"
	case platform.NoSpace(platform.Cause(err)):
		return ""
	}
	return ""
}

// putProblem words what a step of a file's copy said, as cp would.
func (c *Copy) putProblem(src, dst string, err error) {
	var s *copier.StepError
	var whole *message
	switch {
	case stopped(err):
	case errors.As(err, &whole):
		c.fail(whole.err, whole.text)
	case errors.Is(err, copier.ErrChanged):
		c.fail(err, fmt.Sprintf("%s changed while being copied; not copied", apply.Quote(src)))
	case errors.Is(err, copier.ErrVerify):
		c.fail(err, fmt.Sprintf("verification of %s failed: what was stored differs from %s", apply.Quote(dst), apply.Quote(src)))
	case !errors.As(err, &s):
		c.problem("copy", src, err)
	default:
		c.fail(err, stepText(s, src, dst))
	}
}

func stepText(s *copier.StepError, src, dst string) string {
	why := platform.Message(s.Err)
	q := apply.Quote
	var none *copier.MethodError
	if errors.As(s.Err, &none) {
		return fmt.Sprintf("cannot copy %s to %s as --method wants it: %s", q(src), q(dst), none)
	}
	switch s.Step {
	case copier.StepCreate, copier.StepPublish:
		return fmt.Sprintf("cannot create regular file %s: %s", q(dst), why)
	case copier.StepRead:
		return fmt.Sprintf("error reading %s: %s", q(src), why)
	case copier.StepWrite, copier.StepSize:
		return fmt.Sprintf("error writing %s: %s", q(dst), why)
	case copier.StepMove:
		return fmt.Sprintf("error copying %s to %s with %s: %s", q(src), q(dst), s.Method, why)
	case copier.StepClone:
		return fmt.Sprintf("failed to clone %s from %s: %s", q(dst), q(src), why)
	case copier.StepStat:
		return fmt.Sprintf("cannot stat %s: %s", q(src), why)
	case copier.StepSync:
		return fmt.Sprintf("cannot flush %s to the device: %s", q(dst), why)
	case copier.StepClose:
		return fmt.Sprintf("error closing %s: %s", q(dst), why)
	case copier.StepVerify:
		return fmt.Sprintf("cannot verify %s: %s", q(dst), why)
	}
	return fmt.Sprintf("%s for %s: %s", attrWords(s.Step), q(dst), why)
}

func attrWords(s copier.Step) string {
	switch s {
	case copier.StepOwner:
		return "failed to preserve ownership"
	case copier.StepMode, copier.StepACL:
		return "preserving permissions"
	case copier.StepTimes:
		return "preserving times"
	}
	return "setting attributes"
}

// lost reports metadata that an entry could not keep.
func (c *Copy) lost(dst func() string, l *copier.Lost) {
	if l.Attrs == 0 {
		return
	}
	c.r.Counters.LostMeta.Add(1)
	var s *copier.StepError
	if l.Failed {
		text := platform.Message(l.Err)
		if errors.As(l.Err, &s) {
			text = stepText(s, "", dst())
		}
		c.fail(l.Err, text)
		return
	}
	c.r.Lost(l.Attrs, dst)
}
