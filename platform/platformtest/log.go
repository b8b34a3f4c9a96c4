package platformtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/zccp/zccp/platform"
)

// Log is what was called through a table. The zero value is ready; it is safe for
// concurrent use.
type Log struct {
	// Text makes Wrap keep every call as text, for messages; without it only descriptors
	// are watched.
	Text bool

	mu    sync.Mutex
	calls []string
	open  map[platform.FD]string
}

// Wrap returns a table that makes its calls through calls and logs them.
func (l *Log) Wrap(calls *platform.Calls) *platform.Calls {
	return each(calls, func(name string, fn reflect.Value) func([]reflect.Value) []reflect.Value {
		results, closes := fn.Type().NumOut(), name == "Close"
		opens := fn.Type().Out(0) == reflect.TypeFor[platform.FD]()
		if !l.Text && !opens && !closes {
			return fn.Call
		}
		return func(args []reflect.Value) []reflect.Value {
			text := describe(name, args)
			if closes {
				// Before the call: afterwards the number can be another file's already.
				l.closed(args[0].Interface().(platform.FD))
			}
			out := fn.Call(args)
			if l.Text {
				l.called(text + " = " + describeResults(out))
			}
			if opens && out[results-1].IsNil() {
				for _, fd := range out[:results-1] { // two of a pipe
					l.opened(fd.Interface().(platform.FD), text)
				}
			}
			return out
		}
	})
}

func (l *Log) called(text string) {
	l.mu.Lock()
	l.calls = append(l.calls, text)
	l.mu.Unlock()
}

func (l *Log) opened(fd platform.FD, text string) {
	l.mu.Lock()
	if l.open == nil {
		l.open = map[platform.FD]string{}
	}
	l.open[fd] = text
	l.mu.Unlock()
}

func (l *Log) closed(fd platform.FD) {
	l.mu.Lock()
	delete(l.open, fd)
	l.mu.Unlock()
}

// Calls returns the calls made so far, in the order in which they returned.
func (l *Log) Calls() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// Open returns the calls that opened the descriptors that are open now, sorted.
func (l *Log) Open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Values(l.open))
}

// describe writes a call as strace(1) would, about.
func describe(name string, args []reflect.Value) string {
	b := append(make([]byte, 0, 80), name...)
	for i, arg := range args {
		b = append(b, [...]string{"(", ", "}[min(i, 1)]...)
		switch v := arg.Interface().(type) {
		case platform.Name:
			b = strconv.AppendQuote(b, v.String())
		case platform.FD:
			if v == platform.CWD {
				b = append(b, "CWD"...)
			} else {
				b = strconv.AppendInt(b, int64(v), 10)
			}
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case []byte:
			b = append(strconv.AppendInt(append(b, '['), int64(len(v)), 10), ']')
		case *platform.Stat:
			b = append(b, "&stat"...)
		case *platform.ExtentMap:
			b = append(b, "&map"...)
		default:
			b = fmt.Append(b, v)
		}
	}
	return string(append(b, ')'))
}

func describeResults(out []reflect.Value) string {
	last := out[len(out)-1]
	if !last.IsNil() {
		return fmt.Sprint(last)
	}
	if len(out) == 1 {
		return "0"
	}
	if out[0].CanInt() {
		return strconv.FormatInt(out[0].Int(), 10)
	}
	return fmt.Sprint(out[0])
}
