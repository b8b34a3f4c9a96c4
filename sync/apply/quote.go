package apply

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zccp/zccp/platform"
)

// Quote returns s quoted for messages exactly as GNU cp and ls quote names in a
// UTF-8 locale (shell-escape-always of gnulib's quotearg.c): a shell that reads
// the result gets s back, and nothing in it can act on a terminal. Control
// characters, invalid UTF-8 and characters that change how text is displayed
// (bidirectional overrides and the like) stand as $'...' escapes.
//
// Where GNU's own output is wrong (gnulib's second scan of a name that holds a
// single quote and ends in an escape begins as if still inside $'...'), it is
// right here.
//
//	a     -> 'a'
//	a'b   -> "a'b"
//	a\nb  -> 'a'$'\n''b'
func Quote(s string) string {
	s = platform.ShownPath(s)
	if strings.IndexByte(s, '\'') >= 0 && plainInDoubleQuotes(s) {
		return `"` + s + `"`
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	escaping := false // between $' and '
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case !printable(r, n):
			if !escaping {
				b.WriteString(`'$'`)
				escaping = true
			}
			writeEscaped(&b, s[i:i+n])
		case r == '\'':
			// gnulib leaves $'...' here without the empty string that it puts
			// before other characters.
			escaping = false
			b.WriteString(`'\''`)
		default:
			if escaping {
				b.WriteString(`''`)
				escaping = false
			}
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	b.WriteByte('\'')
	return b.String()
}

// QuoteIfNeeded is Quote, but leaves a name alone that a shell reads as it is:
// what cp begins a message with (shell-escape of gnulib, for names before a
// colon).
func QuoteIfNeeded(s string) string {
	quoted := Quote(s)
	if s == "" || len(quoted) != len(s)+2 || strings.ContainsAny(s, "\t\n !\"$&'()*:;<=>?[\\^`|") || strings.ContainsAny(s[:1], "#~") || s == "{" || s == "}" {
		return quoted
	}
	return s
}

// printable reports whether the n bytes that decoded to r are shown as they are.
func printable(r rune, n int) bool {
	return !(r == utf8.RuneError && n == 1) && unicode.IsPrint(r)
}

// plainInDoubleQuotes reports whether s means itself between double quotes and
// is, by quotearg's reckoning, free of characters that are special anywhere.
func plainInDoubleQuotes(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case strings.ContainsRune(" '%+,-./:@]_", r):
		case i == 0 && (r == '#' || r == '~'):
		case r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsPrint(r):
		default:
			return false
		}
	}
	return true
}

// writeEscaped writes bytes in the notation of $'...'.
func writeEscaped(b *strings.Builder, s string) {
	const letters = "abtnvfr" // \a is 7
	for i := 0; i < len(s); i++ {
		c := s[i]
		b.WriteByte('\\')
		if c >= 7 && c <= 13 {
			b.WriteByte(letters[c-7])
			continue
		}
		b.WriteByte('0' + c>>6)
		b.WriteByte('0' + c>>3&7)
		b.WriteByte('0' + c&7)
	}
}
