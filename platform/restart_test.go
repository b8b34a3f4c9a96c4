package platform_test

import (
	"reflect"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// notRestarted are the calls whose EINTR reaches the caller.
var notRestarted = map[string]bool{
	"Close": true, "Unwritten": true, "Cached": true, "Fadvise": true, "Fallocate": true,
	"Read": true, "Write": true, "Pread": true, "Pwrite": true, "CopyFileRange": true,
	"Sendfile": true, "Splice": true, "Clone": true, "CloneRange": true,
	"PreadUncached": true, "PwriteUncached": true, "Poll": true,
}

func TestRestarting(t *testing.T) {
	for _, times := range []int{1, 3, 1 << 20} {
		for _, f := range reflect.VisibleFields(reflect.TypeFor[platform.Calls]()) {
			made := 0
			c := platform.Restarting(platformtest.Wrap(quiet(), func(call string, _ int64) *platformtest.Fault {
				if call != f.Name {
					t.Fatalf("%s makes a call of %s", f.Name, call)
				}
				if made++; made > times {
					return nil
				}
				return &platformtest.Fault{Errno: syscall.EINTR}
			}))
			fn := reflect.ValueOf(c).Elem().FieldByName(f.Name)
			args := make([]reflect.Value, fn.Type().NumIn())
			for i := range args {
				args[i] = reflect.Zero(fn.Type().In(i))
			}
			out := fn.Call(args)
			interrupted := out[len(out)-1].Interface() == error(syscall.EINTR)
			want := notRestarted[f.Name] || times > 1000
			if interrupted != want {
				t.Errorf("%s, interrupted %d times: %v", f.Name, times, out[len(out)-1])
			}
		}
	}
}

// quiet returns a table whose functions succeed and do nothing.
func quiet() *platform.Calls {
	var c platform.Calls
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		t := v.Field(i).Type()
		out := make([]reflect.Value, t.NumOut())
		for i := range out {
			out[i] = reflect.Zero(t.Out(i))
		}
		v.Field(i).Set(reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { return out }))
	}
	return &c
}

// TestRestartingAllocates nothing: these are made for every file.
func TestRestartingAllocates(t *testing.T) {
	c := platform.Calls{
		Fstat:      func(platform.FD, *platform.Stat) error { return nil },
		Statat:     func(platform.FD, platform.Name, *platform.Stat, bool) error { return nil },
		Openat:     func(platform.FD, platform.Name, int, uint32) (platform.FD, error) { return 3, nil },
		Fchmod:     func(platform.FD, uint32) error { return nil },
		Futimens:   func(platform.FD, platform.Time, platform.Time) error { return nil },
		Flistxattr: func(platform.FD, []byte) (int, error) { return 0, nil },
	}
	r := platform.Restarting(&c)
	name, st, buf := platform.MustName("a"), new(platform.Stat), make([]byte, 10)
	if n := testing.AllocsPerRun(100, func() {
		r.Fstat(3, st)
		r.Statat(3, name, st, false)
		r.Openat(3, name, 0, 0)
		r.Fchmod(3, 0)
		r.Futimens(3, platform.Time{}, platform.Time{})
		r.Flistxattr(3, buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
