package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// errChanged says that something wrote to what was being compared.
var errChanged = errors.New("changed while being compared")

// sideError is an error of one side.
type sideError struct {
	side int
	err  error
}

func (e *sideError) Error() string { return e.err.Error() }
func (e *sideError) Unwrap() error { return e.err }

// message is a whole message about one path; it wraps the error it tells of.
type message struct {
	text string
	err  error
}

func (m *message) Error() string { return m.text }
func (m *message) Unwrap() error { return m.err }

const changedHint = "something writes to it; compare while that is stopped, or from a snapshot"

// problem reports "cannot ACTION 'path': Reason" for a path below a root. If err
// is of one side, that side is meant.
func (v *Verify) problem(action string, side int, path string, err error) {
	var of *sideError
	if errors.As(err, &of) {
		side, err = of.side, of.err
	}
	switch {
	case errors.Is(err, context.Canceled):
	case errors.Is(err, errChanged):
		v.r.Problem(&message{v.quoted(side, path) + " " + errChanged.Error(), err}, changedHint)
	default:
		v.r.Problem(&message{fmt.Sprintf("cannot %s %s: %s", action, v.quoted(side, path), platform.Message(err)), err}, "")
	}
}

// quoted returns a path below a root as the user would write it.
func (v *Verify) quoted(side int, path string) string {
	root := v.roots[side]
	switch {
	case path == ".":
		path = root
	case root != "" && root[len(root)-1] == '/':
		path = root + path
	default:
		path = root + "/" + path
	}
	return apply.Quote(path)
}
