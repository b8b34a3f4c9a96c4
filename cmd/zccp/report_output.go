package main

import (
	"bufio"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// output is stdout of a report: whole lines in the order of the calls, from
// any goroutine, buffered. The first write error stops it for good, like cp,
// which says so at the end and fails.
type output struct {
	screen   *screen
	interval time.Duration // between flushes
	shared   bool          // stdout is a terminal, where a progress bar may stand

	mu  sync.Mutex
	w   *bufio.Writer
	err error
}

func newOutput(w io.Writer, s *screen) *output {
	o := &output{screen: s, interval: time.Second, w: bufio.NewWriterSize(io.Discard, 64<<10)}
	o.w.Reset(w)
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.interval, o.shared = tickInterval, true
	}
	return o
}

// line prints text and a newline.
func (o *output) line(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	// The buffer is written out between lines only, so that no reader sees a
	// part of one for longer than a write takes.
	if o.w.Available() < len(text)+1 && o.w.Buffered() > 0 {
		o.flushLocked()
	}
	if len(text)+1 > o.w.Available() {
		o.clearScreen()
	}
	o.tell(text + "\n")
	o.w.WriteString(text)
	if err := o.w.WriteByte('\n'); err != nil && o.err == nil {
		o.err = err
	}
}

// flush writes out what is buffered.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && o.w.Buffered() > 0 {
		o.flushLocked()
	}
}

func (o *output) flushLocked() {
	o.clearScreen()
	o.err = o.w.Flush()
}

func (o *output) clearScreen() {
	if o.shared {
		o.screen.clear()
	}
}

// tell lets the screen know of a line that is going to be on it.
func (o *output) tell(text string) {
	if o.shared {
		o.screen.passed(text)
	}
}

// close flushes and returns the first error of all writes.
func (o *output) close() error {
	o.flush()
	return o.err
}
