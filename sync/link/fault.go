package link

import (
	"errors"
	"fmt"
	"os"
)

// Exit codes of sync mode that an Error has.
const (
	CodeUsage     = 1  // what was asked for can't be
	CodeStart     = 5  // the two ends could not agree, or the far end could not be started
	CodeSocket    = 10 // a connection failed
	CodeProtocol  = 12 // what came is no zccp, or the connection was cut
	CodeSignal    = 20 // the user ended it
	CodeTimeout   = 30 // silence
	CodeConnect   = 35 // a daemon did not answer in time
	CodeRefused   = 43 // a key, a pin or a token is not the right one
	maxPeerText   = 1024
	maxNoiseShown = 200
)

// Error is why there is no link, or no longer one.
type Error struct {
	Code int    // exit code of sync mode
	Text string // one line
	Hint string // what can be done about it, or ""
	Err  error  // cause, or nil
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Err }

// fail wraps a cause; an Error stays as it is.
func fail(code int, err error, format string, args ...any) *Error {
	var already *Error
	if errors.As(err, &already) {
		return already
	}
	text := fmt.Sprintf(format, args...)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{Code: CodeTimeout, Text: text + ": timed out", Err: err}
	}
	if err != nil {
		text += ": " + printable(err.Error(), maxPeerText)
	}
	return &Error{Code: code, Text: text, Err: err}
}

// printable makes one line of text that somebody else wrote: what is not
// printable ASCII or UTF-8 text is escaped, so that it can't command a terminal.
func printable(s string, limit int) string {
	cut := ""
	if len(s) > limit {
		s, cut = s[:limit], "..."
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			if len(b) > 0 && b[len(b)-1] != ' ' {
				b = append(b, ' ')
			}
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return string(b) + cut
}
