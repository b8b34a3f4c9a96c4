package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// escaper makes names safe to print, as rsync does: \#ooo for what is no
// character in the locale and for control characters except tabs.
type escaper struct {
	utf8     bool // the locale's characters are UTF-8
	eightBit bool // -8
	// terminal: DEL and the control characters behind 127 (C1), which rsync
	// leaves, are escaped too. Terminals act on them.
	terminal bool
}

func (e escaper) escape(s string) string {
	plain := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' && c != '\t' || c >= 0x7f || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n := e.span(s[i:])
		if n == 0 {
			fmt.Fprintf(&b, `\#%03o`, s[i])
			i++
			continue
		}
		b.WriteString(s[i : i+n])
		i += n
	}
	return b.String()
}

// span returns how many bytes at the start of s are printed as they are.
func (e escaper) span(s string) int {
	c := s[0]
	switch {
	case c == '\t':
		return 1
	case c < ' ':
		return 0
	case c == '\\' && len(s) > 4 && s[1] == '#' && isDigit(s[2]) && isDigit(s[3]) && isDigit(s[4]):
		return 0
	case c == 0x7f && e.terminal:
		return 0
	case c <= 0x7f || e.eightBit: // DEL too, as rsync has it
		return 1
	case e.utf8 && !(e.terminal && c == 0xc2 && len(s) > 1 && s[1] < 0xa0): // U+0080 to U+009F
		return characterLength(s)
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// characterLength returns the bytes of the UTF-8 character at the start of s, 0 if there is none.
func characterLength(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return 0
	}
	return n
}
