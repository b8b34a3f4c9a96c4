//go:build linux

package main_test

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// screenModel is a terminal of one screen: what is written to it, and what can be
// seen then. It knows what zccp may send: printable characters, CR, LF, BS and
// "erase to the end of the line"; anything else is noted as strange. It doesn't
// move what stands there when its width changes, like xterm.
type screenModel struct {
	cols, rows int
	lines      [][]rune // from the first that was ever written
	row, col   int
	wraps      int      // characters that did not fit into their line
	strange    []string // what zccp has no business to send
	frames     []string // lines as they were when a CR went back to their beginning to stay there
	drawn      []rune   // of the line at hand, since the last CR
	returned   bool     // a CR was the last that came
	pending    []byte
}

func newScreenModel(cols, rows int) *screenModel {
	return &screenModel{cols: cols, rows: rows, lines: make([][]rune, 1)}
}

// Write takes what comes, in any pieces.
func (s *screenModel) Write(b []byte) (int, error) {
	s.pending = append(s.pending, b...)
	for len(s.pending) > 0 {
		n := s.one(s.pending)
		if n == 0 {
			break
		}
		s.pending = s.pending[n:]
	}
	return len(b), nil
}

// one takes one character or sequence and returns its length, 0 for a part of one.
func (s *screenModel) one(b []byte) int {
	returned := s.returned
	s.returned = b[0] == '\r'
	if returned && b[0] != '\n' && len(s.drawn) > 0 {
		s.frames = append(s.frames, string(s.drawn))
		s.drawn = nil
	}
	switch c := b[0]; {
	case c == '\r':
		s.col = 0
		return 1
	case c == '\n':
		s.drawn = nil
		s.row++
		for len(s.lines) <= s.row {
			s.lines = append(s.lines, nil)
		}
		return 1
	case c == '\b':
		s.col = max(0, s.col-1)
		return 1
	case c == 0x1b:
		const erase = "\x1b[K"
		if len(b) < len(erase) && strings.HasPrefix(erase, string(b)) {
			return 0
		}
		if strings.HasPrefix(string(b), erase) {
			if line := s.lines[s.row]; len(line) > s.col {
				s.lines[s.row] = line[:s.col]
			}
			return len(erase)
		}
		s.note(b[:min(len(b), 8)])
		return 1
	case c < ' ' || c == 0x7f:
		s.note(b[:1])
		return 1
	}
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 || r >= 0x80 && r < 0xa0 {
		s.note(b[:n])
		return n
	}
	s.print(r)
	return n
}

func (s *screenModel) note(b []byte) { s.strange = append(s.strange, fmt.Sprintf("%q", b)) }

func (s *screenModel) print(r rune) {
	if s.col == s.cols {
		s.wraps++
		s.row, s.col = s.row+1, 0
		for len(s.lines) <= s.row {
			s.lines = append(s.lines, nil)
		}
	}
	line := s.lines[s.row]
	for len(line) <= s.col {
		line = append(line, ' ')
	}
	line[s.col] = r
	s.lines[s.row] = line
	s.drawn = append(s.drawn, r)
	s.col++
}

// visible returns the lines that are on the screen, without the blank ones below.
func (s *screenModel) visible() []string {
	var out []string
	for _, line := range s.lines[max(0, s.row+1-s.rows):] {
		out = append(out, strings.TrimRight(string(line), " "))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// resize changes the width.
func (s *screenModel) resize(cols int) {
	s.cols = cols
	s.col = min(s.col, cols)
}
