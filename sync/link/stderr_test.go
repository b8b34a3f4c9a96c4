package link

import (
	"strings"
	"testing"
	"time"
)

func TestHolder(t *testing.T) {
	var out buffer
	h := &holder{w: &out}
	h.write([]byte("first\n"))
	if out.String() != "" {
		t.Errorf("passed on at once: %q", out.String())
	}
	time.Sleep(holdTime + 200*time.Millisecond)
	h.write([]byte("last\n"))
	h.drop()
	h.release()
	if out.String() != "first\n" {
		t.Errorf("passed on %q", out.String())
	}
	if h.lastLine() != "last" {
		t.Errorf("last line %q", h.lastLine())
	}
	h.write([]byte("after\x1b\n"))
	if out.String() != "first\nafter\\u001b\n" {
		t.Errorf("passed on %q", out.String())
	}
	h.write([]byte(strings.Repeat("x", 3*tailSize)))
	if n := len(h.text()); n != tailSize {
		t.Errorf("%d bytes are kept", n)
	}
}

// TestTerminal: nothing that comes from the far end reaches a terminal as a
// command.
func TestTerminal(t *testing.T) {
	tests := []struct{ in, lines, line string }{
		{"a b \n", "a b \n", "a b"},
		{"é\tü\r\n", "é\tü\r\n", "é ü"},
		{"\x1b]0;x\x07", `\u001b]0;x\u0007`, `\u001b]0;x\u0007`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`},
		{"\u202egpj", `\u202egpj`, `\u202egpj`},
		{"a\xffb", `a\xffb`, `a\ufffdb`},
		{"\x00\x7f", `\u0000\u007f`, `\u0000\u007f`},
	}
	for _, tt := range tests {
		if got := string(lines([]byte(tt.in))); got != tt.lines {
			t.Errorf("lines of %q: %q", tt.in, got)
		}
		if got := printable(tt.in, 100); got != tt.line {
			t.Errorf("line of %q: %q", tt.in, got)
		}
	}
	if got := printable("abcdef", 3); got != "abc..." {
		t.Errorf("cut: %q", got)
	}
}
