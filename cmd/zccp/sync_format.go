package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// directive is one % escape of --out-format: a width, as many apostrophes as the
// number is to be human, and the letter.
type directive struct {
	literal string // what stands before it
	width   int    // negative: set to the left
	zero    bool   // filled with zeros
	human   int
	letter  byte // 0: only literal
	text    string
}

// parseFormat parts a format. What is no escape stays as it is, as in rsync.
func parseFormat(format string) []directive {
	var all []directive
	literal := strings.Builder{}
	for i := 0; i < len(format); {
		if format[i] != '%' {
			literal.WriteByte(format[i])
			i++
			continue
		}
		d := directive{}
		j := i + 1
		for j < len(format) && format[j] == '\'' {
			d.human, j = d.human+1, j+1
		}
		digits := j
		if j < len(format) && format[j] == '-' {
			j++
		}
		for j < len(format) && format[j] >= '0' && format[j] <= '9' {
			j++
		}
		d.zero = strings.HasPrefix(format[digits:j], "0")
		d.width, _ = strconv.Atoi(format[digits:j])
		for j < len(format) && format[j] == '\'' {
			d.human, j = d.human+1, j+1
		}
		if j == len(format) || strings.IndexByte("bBcCfGilLmMnoptU%", format[j]) < 0 {
			literal.WriteByte('%')
			i++
			continue
		}
		if format[j] == '%' {
			literal.WriteByte('%')
			i = j + 1
			continue
		}
		d.letter, d.literal, d.text = format[j], literal.String(), format[i:j+1]
		literal.Reset()
		all = append(all, d)
		i = j + 1
	}
	return append(all, directive{literal: literal.String()})
}

// hasEscape reports whether a format has an escape.
func hasEscape(format string, letter byte) bool {
	for _, d := range parseFormat(format) {
		if d.letter == letter {
			return true
		}
	}
	return false
}

// itemFormat writes the lines of entries by a format. It is safe for concurrent use.
type itemFormat struct {
	parts   []directive
	cfg     *syncConfig
	now     func() time.Time
	sources string // what %f puts before names
}

func newItemFormat(cfg *syncConfig, format string) *itemFormat {
	f := &itemFormat{parts: parseFormat(format), cfg: cfg, now: time.Now}
	// With several sources an event does not tell which one it came from, and what
	// another machine sends has only its name in rsync.
	if len(cfg.Sources) == 1 && !cfg.Mirror.Relative && !cfg.Route.pulls() {
		src := cfg.Sources[0]
		if i := strings.LastIndexByte(src, '/'); i >= 0 {
			f.sources = src[:i+1]
		}
		if last := src[len(f.sources):]; last == "." || last == ".." {
			f.sources = src + "/"
		}
	}
	return f
}

// line returns the line of an event, not yet escaped.
func (f *itemFormat) line(ev *mirror.Event) string {
	var b strings.Builder
	for _, d := range f.parts {
		b.WriteString(d.literal)
		if d.letter == 0 {
			continue
		}
		text := f.value(ev, d)
		if pad := max(d.width, -d.width) - len(text); pad > 0 {
			switch {
			case d.width < 0:
				text += strings.Repeat(" ", pad)
			case d.zero:
				text = strings.Repeat("0", pad) + text
			default:
				text = strings.Repeat(" ", pad) + text
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

// value returns what an escape stands for. Those of a daemon stay as they are.
func (f *itemFormat) value(ev *mirror.Event, d directive) string {
	number := func(n int64) string { return humanNumber(n, d.human) }
	switch d.letter {
	case 'i':
		return itemLetters(ev, f.cfg)
	case 'n':
		return nameOf(ev)
	case 'f':
		if ev.Flags&plan.FlagDeleted != 0 {
			return ev.Name // no name of the source
		}
		return strings.TrimPrefix(f.sources+ev.Name, "/")
	case 'L':
		switch {
		case ev.Link == "":
			return ""
		case ev.Flags&plan.FlagHardLink != 0 && ev.Flags&plan.FlagAlternate == 0:
			return " => " + ev.Link
		}
		return " -> " + ev.Link
	case 'l':
		return number(ev.Size)
	case 'b':
		if ev.Result != nil {
			return number(ev.Result.Moved)
		}
		return number(0)
	case 'c':
		return number(0)
	case 'C':
		// A copy within the kernel computes no checksum.
		return strings.Repeat(" ", 32)
	case 'o':
		if ev.Flags&plan.FlagDeleted != 0 {
			return "del."
		}
		if f.cfg.Route.pulls() {
			return "recv"
		}
		return "send"
	case 't':
		return f.now().Format("2006/01/02 15:04:05")
	case 'M':
		return clock(ev.Mtime).Format("2006/01/02-15:04:05")
	case 'U':
		return number(int64(ev.UID))
	case 'G':
		return number(int64(ev.GID))
	case 'B':
		return modeString(ev.Mode)[1:]
	case 'p':
		return strconv.Itoa(os.Getpid())
	case 'm':
		return ""
	}
	return d.text
}

// itemLetters are the letters of -i. What goes to another machine begins with <.
func itemLetters(ev *mirror.Event, cfg *syncConfig) string {
	letters := ev.Flags.Itemize(ev.Mode, cfg.Mirror.Rules.Times)
	if rest, found := strings.CutPrefix(letters, ">"); found && cfg.Route.pushes() {
		return "<" + rest
	}
	return letters
}

// nameOf returns the name of an entry, a directory's with a slash.
func nameOf(ev *mirror.Event) string {
	name := ev.Name
	if ev.Mode&platform.ModeType == platform.ModeDir {
		name += "/"
	}
	return name
}

func clock(t platform.Time) time.Time { return time.Unix(t.Sec, int64(t.Nsec)) }

// modeString writes a mode as ls does.
func modeString(mode uint32) string {
	kinds := map[uint32]byte{
		platform.ModeDir: 'd', platform.ModeSymlink: 'l', platform.ModeChar: 'c',
		platform.ModeBlock: 'b', platform.ModeFIFO: 'p', platform.ModeSocket: 's',
	}
	b := []byte("-rwxrwxrwx")
	if c := kinds[mode&platform.ModeType]; c != 0 {
		b[0] = c
	}
	for i := range 9 {
		if mode&(0o400>>i) == 0 {
			b[i+1] = '-'
		}
	}
	for _, special := range []struct {
		bit uint32
		at  int
		c   byte
	}{{0o4000, 3, 's'}, {0o2000, 6, 's'}, {0o1000, 9, 't'}} {
		if mode&special.bit == 0 {
			continue
		}
		if b[special.at] == '-' {
			special.c -= 'a' - 'A'
		}
		b[special.at] = special.c
	}
	return string(b)
}

// listLine writes an entry as --list-only does.
func listLine(ev *mirror.Event, o *syncOutput) string {
	width := 14
	level := o.Human
	if level == humanDigits {
		width = 11
	}
	link := ""
	if o.Targets && ev.Link != "" && ev.Mode&platform.ModeType == platform.ModeSymlink {
		link = " -> " + ev.Link
	}
	return fmt.Sprintf("%s %*s %s %s%s", modeString(ev.Mode), width, humanNumber(ev.Size, level),
		clock(ev.Mtime).Format("2006/01/02 15:04:05"), ev.Name, link)
}
