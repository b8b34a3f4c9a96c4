package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/zccp/zccp/platform"
)

// screen is stderr of a report: messages, and on a terminal below them one
// line that is drawn again and again. Safe for concurrent use.
type screen struct {
	w        io.Writer
	terminal *os.File // nil if stderr is none that can be drawn on
	sep      string   // between the parts of a line
	theme    progressbar.Theme

	mu     sync.Mutex
	drawn  bool // the line stands on the terminal
	ever   bool // it has stood there
	paused bool // a question does

	problems []string // the first maxRepeated failures
	failures int
	since    int // lines that followed the first of them
}

func newScreen(e *env) *screen {
	s := &screen{w: e.stderr, sep: ", ", theme: progressbar.ThemeASCII}
	if f, ok := e.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		switch e.getenv("TERM") {
		case "", "dumb":
		default:
			s.terminal = f
		}
	}
	if e.utf8() {
		// The library's own Unicode theme is for one programmers' font.
		s.sep = " · "
		s.theme = progressbar.Theme{Saucer: "█", SaucerHead: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}
	}
	return s
}

// utf8 reports whether the locale's characters are UTF-8.
func (e *env) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := e.getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// canDraw reports whether there is a terminal to draw on.
func (s *screen) canDraw() bool { return s.terminal != nil }

// message prints whole lines above the drawn one.
func (s *screen) message(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLocked()
	s.passedLocked(text + "\n")
	io.WriteString(s.w, text+"\n")
}

// Write implements io.Writer for text of others.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLocked()
	s.passedLocked(string(b))
	return s.w.Write(b)
}

// maxRepeated is how many failures are said again at the end.
const maxRepeated = 20

// problem is message for a failure.
func (s *screen) problem(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLocked()
	s.passedLocked(text + "\n")
	if s.failures++; s.failures <= maxRepeated {
		s.problems = append(s.problems, text)
	}
	io.WriteString(s.w, text+"\n")
}

// passed takes note of text on the terminal that others wrote.
func (s *screen) passed(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passedLocked(text)
}

func (s *screen) passedLocked(text string) {
	if s.failures > 0 {
		s.since += strings.Count(text, "\n")
	}
}

// repeatProblems says the failures again that other lines have moved off the
// terminal. Into files and pipes nothing is said twice.
func (s *screen) repeatProblems(prog string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal == nil || s.failures == 0 {
		return
	}
	_, height, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil || height <= 0 {
		height = 24
	}
	// The failures of a long row of them are what is in sight, or not much else.
	if s.since < height || s.since < 2*s.failures {
		return
	}
	s.clearLocked()
	fmt.Fprintf(s.w, "%s: %s, said above:\n", prog, countNoun(int64(s.failures), "failure"))
	for _, text := range s.problems {
		io.WriteString(s.w, text+"\n")
	}
	if more := s.failures - len(s.problems); more > 0 {
		fmt.Fprintf(s.w, "%s: and %d more\n", prog, more)
	}
}

// dismiss takes the line off the terminal for good and reports whether it has
// ever stood there.
func (s *screen) dismiss() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLocked()
	return s.ever
}

// pause prints a question and keeps the line away until resume.
func (s *screen) pause(question string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLocked()
	s.paused = true
	io.WriteString(s.w, question)
}

func (s *screen) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
}

// clear takes the line off the terminal and reports whether it stood there.
func (s *screen) clear() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clearLocked()
}

func (s *screen) clearLocked() bool {
	was := s.drawn
	if was {
		io.WriteString(s.w, "\r"+eraseLine)
	}
	s.drawn = false
	return was
}

// eraseLine clears from the cursor to the end of the line (ECMA-48 EL).
const eraseLine = "\x1b[K"

// draw shows a sample on the terminal's last line, as wide as it is now. In
// the background it draws nothing: the terminal is someone else's.
func (s *screen) draw(v sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal == nil || s.paused || !platform.Foreground(platform.FD(s.terminal.Fd())) {
		return
	}
	width, _, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	// The last column stays free: writing it makes some terminals wrap.
	io.WriteString(s.w, "\r"+s.barLine(v, width-1)+eraseLine)
	s.drawn, s.ever = true, true
}

// barLine lays out a sample in at most width cells: the longest form that
// fits beside a bar.
func (s *screen) barLine(v sample, width int) string {
	if v.endless {
		return longestFit(width, s.sep,
			[]string{v.copiedText(), v.nowText(), v.averageText()},
			[]string{v.copiedText(), v.nowText()},
			[]string{v.copiedText()},
			[]string{formatSize(v.bytes)})
	}
	if !v.totalKnown {
		found, copied := v.foundText(), v.copiedText()
		return longestFit(width, s.sep,
			[]string{found, copied, v.nowText(), v.averageText()},
			[]string{found, copied, v.nowText()},
			[]string{found, copied},
			[]string{found},
			[]string{fmt.Sprintf("%d files", v.found)})
	}
	var eta []string
	if v.etaKnown {
		eta = []string{v.etaText()}
	}
	with := func(parts ...string) []string { return append(parts, eta...) }
	const minBar, maxBar = 10, 40
	frame := len(" 99% ||") + 1
	right := longestFit(width-frame-minBar, s.sep,
		with(v.bytesText(), v.filesText(), v.nowText(), v.averageText()),
		with(v.bytesText(), v.filesText(), v.nowText()),
		with(v.bytesText(), v.nowText()),
		with(v.bytesText()),
		with(formatSize(v.bytes)),
		eta,
		nil)
	bar := min(maxBar, width-frame-utf8.RuneCountInString(right))
	if bar < 1 {
		return cutCells(fmt.Sprintf("%d%%", v.percent), width)
	}
	return strings.TrimRight(s.renderBar(v.percent, bar)+" "+right, " ")
}

// renderBar lets the library draw " 45% |████      |". It is given a new bar
// each time, which draws into a string: the library's own bar writes to
// stdout by default and without a pause, wraps descriptions that are too long,
// cannot follow a terminal that changes its width, fails for a maximum of 0 and
// is over for good once the maximum is reached. Kept to a percentage below 100
// and a writer that goes nowhere, none of that can happen.
func (s *screen) renderBar(percent, cells int) string {
	bar := progressbar.NewOptions64(100,
		progressbar.OptionSetWriter(io.Discard),
		progressbar.OptionSetWidth(cells),
		progressbar.OptionSetTheme(s.theme),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetRenderBlankState(true),
	)
	if percent > 0 {
		bar.Set(percent)
	}
	return strings.Trim(bar.String(), "\r ")
}

// longestFit joins the first of the forms that has at most width cells; if
// none has, the last one cut off.
func longestFit(width int, sep string, forms ...[]string) string {
	text := ""
	for _, parts := range forms {
		text = strings.Join(parts, sep)
		if utf8.RuneCountInString(text) <= width {
			return text
		}
	}
	return cutCells(text, width)
}

// cutCells returns at most width cells of text, of which every character has one.
func cutCells(text string, width int) string {
	r := []rune(text)
	return string(r[:max(0, min(width, len(r)))])
}

// printableText makes a message safe to print on a terminal: control characters
// and what is no UTF-8 become \#ooo, as in rsync. Names in it are quoted already;
// this is for what a library or the system put into an error.
func printableText(text string) string {
	clean := func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }
	if strings.IndexFunc(text, clean) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) {
			for _, c := range []byte(text[i : i+n]) {
				fmt.Fprintf(&b, `\#%03o`, c)
			}
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}
