package platformtest

import (
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// fakeCalls returns a table whose functions succeed with zero values, and the arguments
// that each was last called with.
func fakeCalls() (*platform.Calls, map[string][]reflect.Value) {
	made := map[string][]reflect.Value{}
	var c platform.Calls
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		t, name := v.Field(i).Type(), v.Type().Field(i).Name
		v.Field(i).Set(reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
			made[name] = args
			out := make([]reflect.Value, t.NumOut())
			for i := range out {
				out[i] = reflect.Zero(t.Out(i))
			}
			return out
		}))
	}
	return &c, made
}

// call calls one function of a table with zero values, numbers and buffers of length 10.
func call(c *platform.Calls, name string) []reflect.Value {
	fn := reflect.ValueOf(c).Elem().FieldByName(name)
	args := make([]reflect.Value, fn.Type().NumIn())
	for i := range args {
		switch t := fn.Type().In(i); t {
		case reflect.TypeFor[int]():
			args[i] = reflect.ValueOf(10)
		case reflect.TypeFor[[]byte]():
			args[i] = reflect.ValueOf(make([]byte, 10))
		default:
			args[i] = reflect.Zero(t)
		}
	}
	return fn.Call(args)
}

func names() (list []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[platform.Calls]()) {
		list = append(list, f.Name)
	}
	return list
}

func TestErrnoOfEveryCall(t *testing.T) {
	for i, name := range names() {
		fake, made := fakeCalls()
		c := Wrap(fake, func(call string, n int64) *Fault {
			if call != name || n != 1 {
				t.Errorf("the hook was told of %s, call %d", call, n)
			}
			return &Fault{Errno: syscall.EIO}
		})
		out := call(c, name)
		if err := out[len(out)-1].Interface(); err != error(syscall.EIO) {
			t.Errorf("%d %s: error %v", i, name, err)
		}
		if len(out) > 1 && out[0].CanInt() && out[0].Int() != -1 {
			t.Errorf("%s: result %v beside an error", name, out[0])
		}
		if _, did := made[name]; did != (name == "Close") {
			t.Errorf("%s: made: %v", name, did)
		}
	}
}

func TestPassesWithoutFault(t *testing.T) {
	fake, made := fakeCalls()
	var asked int64
	c := Wrap(fake, func(_ string, n int64) *Fault { asked = n; return nil })
	for i, name := range names() {
		out := call(c, name)
		if !out[len(out)-1].IsNil() || made[name] == nil || asked != int64(i+1) {
			t.Errorf("%s: %v, made with %v as call %d", name, out, made[name], asked)
		}
	}
}

func TestShort(t *testing.T) {
	for _, name := range names() {
		fake, made := fakeCalls()
		c := Wrap(fake, func(string, int64) *Fault { return &Fault{Short: true} })
		call(c, name)
		want := 10
		if CanBeShort(name) && name != "Readlinkat" {
			want = 5
		}
		got, last := 10, made[name]
		for i := len(last) - 1; i >= 0; i-- {
			if b, ok := last[i].Interface().([]byte); ok {
				got = len(b)
				break
			} else if n, ok := last[i].Interface().(int); ok {
				got = n
				break
			}
		}
		if got != want {
			t.Errorf("%s: made with length %d, want %d", name, got, want)
		}
	}
	fake, _ := fakeCalls()
	fake.Readlinkat = func(platform.FD, platform.Name, []byte) (int, error) { return 7, nil }
	c := Wrap(fake, func(string, int64) *Fault { return &Fault{Short: true} })
	if n, err := c.Readlinkat(3, nil, make([]byte, 100)); n != 3 || err != nil {
		t.Errorf("Readlinkat: %d, %v", n, err)
	}
}

func TestZero(t *testing.T) {
	for _, name := range names() {
		fake, made := fakeCalls()
		c := Wrap(fake, func(string, int64) *Fault { return &Fault{Zero: true} })
		out := call(c, name)
		if _, did := made[name]; did == CanBeZero(name) {
			t.Errorf("%s: made: %v", name, did)
		}
		if CanBeZero(name) && (out[0].Int() != 0 || !out[1].IsNil()) {
			t.Errorf("%s: %v", name, out)
		}
	}
}

// TestTimes: a fault of several times happens to calls of its name only, and the hook
// isn't asked about these.
func TestTimes(t *testing.T) {
	fake, _ := fakeCalls()
	asked := 0
	c := Wrap(fake, func(call string, n int64) *Fault {
		asked++
		if n == 1 {
			return &Fault{Errno: syscall.EINTR, Times: 3}
		}
		return nil
	})
	var got []error
	for range 4 {
		got = append(got, c.Fsync(3), c.Fchmod(3, 0))
	}
	eintr := error(syscall.EINTR)
	want := []error{eintr, nil, eintr, nil, eintr, nil, nil, nil}
	if !reflect.DeepEqual(got, want) || asked != 6 {
		t.Errorf("got %v after asking %d times", got, asked)
	}
}

func TestLog(t *testing.T) {
	fake, _ := fakeCalls()
	next := platform.FD(5)
	fake.Openat = func(platform.FD, platform.Name, int, uint32) (platform.FD, error) {
		next++
		return next, nil
	}
	fake.OpenBeneath = func(platform.FD, platform.Name, int, uint32) (platform.FD, error) {
		return platform.None, syscall.ENOENT
	}
	log := Log{Text: true}
	c := log.Wrap(fake)
	a, b := platform.MustName("a"), platform.MustName("b\n")
	c.Openat(platform.CWD, a, 1, 2)
	c.Openat(platform.CWD, b, 1, 2)
	c.OpenBeneath(6, a, 0, 0)
	c.Pread(6, make([]byte, 3), 9)
	c.Close(6)
	want := strings.Join([]string{
		`Openat(CWD, "a", 1, 2) = 6`, `Openat(CWD, "b\n", 1, 2) = 7`,
		`OpenBeneath(6, "a", 0, 0) = no such file or directory`, `Pread(6, [3], 9) = 0`, `Close(6) = 0`,
	}, "\n")
	if got := strings.Join(log.Calls(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := log.Open(); len(got) != 1 || got[0] != `Openat(CWD, "b\n", 1, 2)` {
		t.Errorf("open: %q", got)
	}
}
