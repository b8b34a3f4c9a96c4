package link

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// ssh and the far end say on standard error what the user has to know, such as
// that a security key wants to be touched, so it is passed on while it comes.
// The last lines before a failure are held back for the error instead, which
// would otherwise say everything twice.

const (
	holdTime = 250 * time.Millisecond
	tailSize = 4096
)

// holder passes lines on when they are holdTime old.
type holder struct {
	w     io.Writer // nil for none
	mu    sync.Mutex
	held  []byte
	tail  []byte // the last of all
	timer *time.Timer
	done  bool
}

func (h *holder) write(b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail = append(h.tail, b...)
	if n := len(h.tail) - tailSize; n > 0 {
		h.tail = append(h.tail[:0], h.tail[n:]...)
	}
	if h.w == nil {
		return
	}
	if h.held = append(h.held, b...); h.done {
		h.flush()
		return
	}
	if len(h.held) >= tailSize {
		h.flush()
	} else if h.timer == nil {
		h.timer = time.AfterFunc(holdTime, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.flush()
		})
	} else {
		h.timer.Reset(holdTime)
	}
}

// flush passes on what is held. h.mu is held.
func (h *holder) flush() {
	if len(h.held) > 0 {
		h.w.Write(lines(h.held))
		h.held = nil
	}
}

// lines returns text with its lines as they are, and everything else that could
// command a terminal escaped: the far end's zccp, or its shell, can write what it
// likes.
func lines(text []byte) []byte {
	var b []byte
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r == '\t' || r == '\r' || n > 1 && r == utf8.RuneError:
			b = append(b, text[:n]...)
		case r == utf8.RuneError:
			b = fmt.Appendf(b, `\x%02x`, text[0])
		default:
			b = append(b, printable(string(text[:n]), n)...)
			if r == ' ' {
				b = append(b, ' ') // which printable takes off at the end
			}
		}
		text = text[n:]
	}
	return b
}

// drop forgets what is held, since the error says it.
func (h *holder) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = nil
}

// release passes everything on from now on, at once.
func (h *holder) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = true
	if h.w != nil {
		h.flush()
	}
}

// copy reads until the end.
func (h *holder) copy(r *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			h.write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// text returns all that was said last, and lastLine the last line that is not
// empty.
func (h *holder) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.tail)
}

func (h *holder) lastLine() string {
	all := strings.FieldsFunc(h.text(), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(all) - 1; i >= 0; i-- {
		if s := strings.TrimSpace(all[i]); s != "" {
			return printable(s, maxPeerText)
		}
	}
	return ""
}
