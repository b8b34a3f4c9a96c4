//go:build linux

package verify

import (
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// harmless tells whether a call may fail in that way without anything being
// lost by it.
func harmless(call string, f platformtest.Fault) bool {
	switch {
	case call == "Close", call == "Lseek", call == "CacheState", call == "PreadUncached":
		return true // nothing hangs on it, or another way stands in
	case f.Short:
		return call != "Readlinkat" // the rest is read
	case f.Zero:
		return call == "Pread" // an empty file has no more
	case f.Errno == syscall.EPERM:
		return call == "Openat" // made again without O_NOATIME
	}
	return f.Errno == syscall.EINTR
}

// faultyTree makes a tree with all that a comparison makes calls for.
func faultyTree(t *testing.T, dir string, planted string) {
	write(t, dir+"/empty", "")
	write(t, dir+"/small", "small")
	write(t, dir+"/sub/deep/large", strings.Repeat("x", smallBuffer+1)+planted)
	write(t, dir+"/sub/both", strings.Repeat("x", bothAtOnce+1))
	must(t, os.Symlink("target", dir+"/symlink"))
	must(t, unix.Mkfifo(dir+"/sub/fifo", 0o600))
	must(t, os.Link(dir+"/small", dir+"/sub/link"))
	must(t, unix.Setxattr(dir+"/small", "user.x", []byte("y"), 0))
	write(t, dir+"/sparse", "x")
	must(t, os.Truncate(dir+"/sparse", 1<<20))
}

// TestFaults lets every call of a comparison fail in turn, in every way. A call
// that is lost is a problem: equal trees never become different ones, different
// ones never the same.
func TestFaults(t *testing.T) {
	platformtest.OpenDescriptors(t)
	src, same, other := t.TempDir(), t.TempDir(), t.TempDir()
	faultyTree(t, src, "a")
	faultyTree(t, same, "a")
	faultyTree(t, other, "b")
	kinds := []platformtest.Fault{
		{Errno: syscall.EIO}, {Errno: syscall.EACCES}, {Errno: syscall.ENOENT}, {Errno: syscall.EPERM},
		{Errno: syscall.EINTR, Times: 3}, {Errno: syscall.ENOMEM}, {Short: true}, {Zero: true},
	}
	opts := []Options{{Ignore: Times}, {Ignore: Times, Hash: copier.XXH3}}
	runs, told, step := 0, 0, int64(1)
	if short() {
		step = 11
	}
	for _, opt := range opts {
		for _, dst := range []string{same, other} {
			for _, fault := range kinds {
				for n := int64(1); ; n += step {
					var hit atomic.Pointer[string]
					calls := platformtest.Wrap(platform.Native(), func(call string, i int64) *platformtest.Fault {
						if i != n {
							return nil
						}
						hit.Store(&call)
						return &fault
					})
					var log platformtest.Log
					h := compare(t, log.Wrap(calls), src, dst, 1, opt, nil)
					call := hit.Load()
					if call == nil {
						break
					}
					runs++
					if len(h.problems) > 0 {
						told++
					}
					where := func(text string) {
						t.Errorf("%s: call %d, %s, %+v: found %q, problems %q", text, n, *call, fault, h.keys(), h.problems)
					}
					for _, d := range h.found {
						if d.Path != "sub/deep/large" || d.Kind != Content || dst == same {
							where("false alarm")
						}
					}
					switch {
					case len(h.problems) > 0:
					case fault.Zero && !platformtest.CanBeZero(*call), fault.Short && !platformtest.CanBeShort(*call):
					case !harmless(*call, fault):
						where("not told")
					}
					if dst == other && len(h.problems) == 0 && len(h.found) == 0 {
						where("missed")
					}
					if left := log.Open(); len(left) > 0 {
						t.Errorf("call %d, %s: left open: %q", n, *call, left)
					}
				}
			}
		}
	}
	t.Logf("%d runs, %d with problems", runs, told)
	if runs < 400 || told < 200 {
		t.Errorf("only %d runs, %d with problems", runs, told)
	}
}

// TestZeroRead: a read of nothing before the end is a problem of that file, not
// its end, on either side or on both.
func TestZeroRead(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	write(t, a+"/f", strings.Repeat("x", 100))
	write(t, b+"/f", strings.Repeat("x", 100))
	for _, hash := range []copier.Hash{copier.NoHash, copier.BLAKE3} {
		calls := platform.Native()
		calls.Pread = func(platform.FD, []byte, int64) (int, error) { return 0, nil }
		h := compare(t, calls, a, b, 1, Options{Ignore: Times, Hash: hash}, nil)
		if len(h.problems) != 1 || !strings.Contains(h.problems[0], "read 0 of 100 bytes") || len(h.found) > 0 {
			t.Errorf("found %q, problems %q", h.keys(), h.problems)
		}
	}
}

// TestChanging: what changes while it is compared is a problem, whatever was
// read of it.
func TestChanging(t *testing.T) {
	for _, c := range []struct {
		name   string
		before string // the call of which the first makes the change
		change func(dir string) error
		path   string // of the problem
		gone   bool   // it can't be opened, which is another problem
	}{
		{"append", "Pread", func(d string) error { return os.WriteFile(d+"/f", []byte("2222longer"), 0o644) }, "f", false},
		{"overwrite", "Pread", func(d string) error { return os.WriteFile(d+"/f", []byte("2222"), 0o644) }, "f", false},
		{"mode", "Pread", func(d string) error { return os.Chmod(d+"/f", 0o600) }, "f", false},
		{"new name", "Pread", func(d string) error { return os.WriteFile(d+"/new", nil, 0o644) }, "", false},
		{"removed", "Getdents", func(d string) error { return os.Remove(d + "/f") }, "f", true},
		{"symlink", "Readlinkat", func(d string) error {
			os.Remove(d + "/l")
			return os.Symlink("elsewh", d+"/l")
		}, "l", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := t.TempDir(), t.TempDir()
			for _, dir := range []string{a, b} {
				write(t, dir+"/f", "1111")
				must(t, os.Symlink("target", dir+"/l"))
			}
			changed := false
			native := platform.Native()
			change := func() {
				if !changed {
					changed = true
					must(t, c.change(b))
				}
			}
			calls := *native
			switch c.before {
			case "Pread":
				calls.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
					n, err := native.Pread(fd, buf, off)
					change()
					return n, err
				}
			case "Readlinkat":
				calls.Readlinkat = func(dir platform.FD, name platform.Name, buf []byte) (int, error) {
					n, err := native.Readlinkat(dir, name, buf)
					change()
					return n, err
				}
			case "Getdents":
				calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
					if name.String() == "f" { // both are listed by now
						change()
					}
					return native.Openat(dir, name, flags, mode)
				}
			}
			h := compare(t, &calls, a, b, 1, Options{Ignore: Times}, nil)
			if !changed || len(h.problems) == 0 || len(h.found) > 0 {
				t.Fatalf("changed %v, found %q, problems %q", changed, h.keys(), h.problems)
			}
			want := "'" + b + "/" + c.path + "' changed while being compared"
			switch {
			case c.gone:
				want = "cannot open '" + b + "/f': No such file or directory"
			case c.path == "":
				want = "'" + b + "' changed while being compared"
			}
			if !strings.Contains(strings.Join(h.problems, "\n"), want) {
				t.Errorf("problems %q, want %q", h.problems, want)
			}
		})
	}
}

// TestUnreadable: what one may not read is a problem, its attributes are
// compared all the same, and the rest goes on.
func TestUnreadable(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		write(t, dir+"/d/f", "1")
		write(t, dir+"/f", "1")
		write(t, dir+"/z", dir)
	}
	must(t, os.Chmod(b+"/f", 0o600))
	must(t, os.Chmod(b+"/d", 0o700))
	native := platform.Native()
	calls := *native
	calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
		if name.String() == "d" || name.String() == "f" {
			return platform.None, syscall.EACCES
		}
		return native.Openat(dir, name, flags, mode)
	}
	h := compare(t, &calls, a, b, 1, Options{Ignore: Times}, nil)
	found := strings.Join(h.keys(), " ")
	for _, want := range []string{key(ModeBits, "f", ""), key(ModeBits, "d", ""), "\"z\""} {
		if !strings.Contains(found, want) {
			t.Errorf("%s was not found: %q", want, h.keys())
		}
	}
	if len(h.problems) != 3 {
		t.Errorf("problems %q", h.problems)
	}
}
