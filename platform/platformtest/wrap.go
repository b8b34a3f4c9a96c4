package platformtest

import (
	"reflect"
	"sync"

	"github.com/zccp/zccp/platform"
)

// Fault is what happens to a call instead of what it was to do. One of Errno, Short and
// Zero is set.
type Fault struct {
	// Errno is returned and the call isn't made. Close is made all the same: the kernel
	// lets go of a descriptor whatever close(2) returns.
	Errno platform.Errno
	// Short makes the call with half of the length asked for, or returns half of what
	// readlink(2) would. See CanBeShort.
	Short bool
	// Zero returns a count of 0 and the call isn't made. See CanBeZero.
	Zero bool
	// Times is how many calls of this name in a row it happens to; 0 means 1.
	Times int
}

// Hook says what is to happen to the n-th call of a table, counted from 1 over all its
// functions; nil lets it be made. call is the name of the field of [platform.Calls]. It
// is called by many goroutines at once.
type Hook func(call string, n int64) *Fault

// CanBeShort tells whether Fault.Short does anything to a call: it returns a count, and
// more may follow.
func CanBeShort(call string) bool { return call == "Getdents" || CanBeZero(call) }

// CanBeZero tells whether Fault.Zero does anything to a call: it returns a count of which
// 0 proves nothing. What Getdents and the lists of attributes return is different: 0 says
// that there is no more, and nobody can know better.
func CanBeZero(call string) bool {
	switch call {
	case "Read", "Write", "Pread", "Pwrite", "PreadUncached", "PwriteUncached", "CopyFileRange", "Sendfile", "Splice", "Readlinkat":
		return true
	}
	return false
}

// Wrap returns a table that asks hook before every call, which is then made through calls.
// A fault that can't happen to a call, such as a length of 1 cut in half, is ignored.
func Wrap(calls *platform.Calls, hook Hook) *platform.Calls {
	f := &faults{hook: hook, pending: map[string]*Fault{}, left: map[string]int{}}
	return each(calls, func(name string, fn reflect.Value) func([]reflect.Value) []reflect.Value {
		return func(args []reflect.Value) []reflect.Value {
			if fault := f.next(name); fault != nil {
				return fault.apply(name, fn, args)
			}
			return fn.Call(args)
		}
	})
}

// each returns a table whose functions are those that wrap returns for the ones of calls.
func each(calls *platform.Calls, wrap func(name string, fn reflect.Value) func([]reflect.Value) []reflect.Value) *platform.Calls {
	wrapped := *calls
	v := reflect.ValueOf(&wrapped).Elem()
	for i := range v.NumField() {
		field := v.Field(i)
		fn := reflect.ValueOf(field.Interface())
		field.Set(reflect.MakeFunc(field.Type(), wrap(v.Type().Field(i).Name, fn)))
	}
	return &wrapped
}

// faults counts calls and remembers which faults are to happen again.
type faults struct {
	hook Hook

	mu      sync.Mutex
	n       int64
	pending map[string]*Fault
	left    map[string]int
}

func (f *faults) next(name string) *Fault {
	f.mu.Lock()
	f.n++
	n := f.n
	if f.left[name] > 0 {
		f.left[name]--
		fault := f.pending[name]
		f.mu.Unlock()
		return fault
	}
	f.mu.Unlock()
	fault := f.hook(name, n)
	if fault != nil && fault.Times > 1 {
		f.mu.Lock()
		f.pending[name], f.left[name] = fault, fault.Times-1
		f.mu.Unlock()
	}
	return fault
}

// apply makes the fault happen to one call.
func (f *Fault) apply(name string, fn reflect.Value, args []reflect.Value) []reflect.Value {
	switch {
	case f.Errno != 0:
		if name == "Close" {
			fn.Call(args)
		}
		return failure(fn.Type(), f.Errno)
	case f.Zero && CanBeZero(name):
		return []reflect.Value{reflect.ValueOf(0), reflect.Zero(fn.Type().Out(1))}
	case f.Short && name == "Readlinkat":
		out := fn.Call(args)
		if n := out[0].Int(); n > 1 {
			out[0] = reflect.ValueOf(int(n / 2))
		}
		return out
	case f.Short && CanBeShort(name):
		return fn.Call(halved(args))
	}
	return fn.Call(args)
}

// failure returns what a function of type t returns with an error: -1, where there is a
// result, as the native calls do.
func failure(t reflect.Type, errno platform.Errno) []reflect.Value {
	out := make([]reflect.Value, t.NumOut())
	for i := range out {
		out[i] = reflect.New(t.Out(i)).Elem()
		switch t.Out(i).Kind() {
		case reflect.Int, reflect.Int64:
			out[i].SetInt(-1)
		}
	}
	out[len(out)-1].Set(reflect.ValueOf(errno))
	return out
}

// halved returns args with half of the length asked for: that of the buffer, or else the
// last number of type int.
func halved(args []reflect.Value) []reflect.Value {
	args = append([]reflect.Value(nil), args...)
	for i := len(args) - 1; i >= 0; i-- {
		switch arg := args[i].Interface().(type) {
		case []byte:
			args[i] = reflect.ValueOf(arg[:(len(arg)+1)/2])
			return args
		case int:
			args[i] = reflect.ValueOf((arg + 1) / 2)
			return args
		}
	}
	return args
}
