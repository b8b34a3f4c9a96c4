package wire

import "fmt"

// Violation is what a peer must not say. It ends the session.
type Violation struct {
	Text string
	// Name is set for names that could lead elsewhere, the mark of an attack
	// and not of a broken peer: the exit code is 43 then and else 12.
	Name bool
	// Version is set if the ends have no version of the protocol in common.
	Version bool
}

// Error returns the text.
func (v *Violation) Error() string { return v.Text }

func violation(format string, a ...any) error {
	return &Violation{Text: fmt.Sprintf(format, a...)}
}

// ValidName reports whether a peer may call an entry so: one component of a
// path, of 1 to 255 bytes without '/' and NUL, which isn't "." or "..".
func ValidName(b []byte) bool {
	if len(b) == 0 || len(b) > MaxName || b[0] == '.' && (len(b) == 1 || len(b) == 2 && b[1] == '.') {
		return false
	}
	return !special(b)
}

// special reports whether b has a '/' or NUL. Names are short, and a loop is
// quicker for those than two calls of IndexByte.
func special(b []byte) bool {
	for _, c := range b {
		if c == '/' || c == 0 {
			return true
		}
	}
	return false
}
