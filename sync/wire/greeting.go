package wire

import (
	"encoding/hex"
	"errors"
	"io"
)

// greeting is the beginning of the line. The 1 stays: later versions of the
// protocol are agreed on in the Hello.
const (
	greeting     = "ZCCP/1 "
	greetingSize = len(greeting) + 32 + 1
)

// ErrNoGreeting: what was read is no greeting, nor does one follow within
// MaxNoise.
var ErrNoGreeting = errors.New("no greeting of zccp")

// AppendGreeting appends the line that a server begins with, which tells the
// identifier of the session.
func AppendGreeting(b []byte, session [16]byte) []byte {
	b = append(b, greeting...)
	b = hex.AppendEncode(b, session[:])
	return append(b, '\n')
}

// ReadGreeting reads up to the end of the greeting and no further. Noise is what
// came before it, which login shells print; it is returned with an error too, as
// it often says why there is no greeting. The error is ErrNoGreeting,
// io.ErrUnexpectedEOF, or the Reader's.
func ReadGreeting(r io.Reader) (session [16]byte, noise []byte, err error) {
	var b []byte
	for {
		matched := greetingPrefix(b)
		if matched == greetingSize {
			line := b[len(b)-greetingSize:]
			_, err := hex.Decode(session[:], line[len(greeting):greetingSize-1])
			return session, b[:len(b)-greetingSize], err
		}
		if len(b)-matched > MaxNoise {
			return session, b, ErrNoGreeting
		}
		// So many bytes are missing at least: reading them takes nothing that
		// comes after the greeting.
		n := len(b)
		b = append(b, make([]byte, greetingSize-matched)...)
		read, err := io.ReadFull(r, b[n:])
		if b = b[:n+read]; err != nil {
			return session, b, cut(err)
		}
	}
}

// greetingPrefix is how many bytes at the end of b may begin a greeting.
func greetingPrefix(b []byte) int {
	for n := min(len(b), greetingSize); n > 0; n-- {
		if startsGreeting(b[len(b)-n:]) {
			return n
		}
	}
	return 0
}

// startsGreeting reports whether all of b can be the beginning of a greeting.
func startsGreeting(b []byte) bool {
	for i, c := range b {
		switch {
		case i < len(greeting):
			if c != greeting[i] {
				return false
			}
		case i < greetingSize-1:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		case c != '\n':
			return false
		}
	}
	return true
}
