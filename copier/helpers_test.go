//go:build linux

package copier

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// short tells that fewer cases are enough: -short says so, and the race detector makes each
// take long.
func short() bool {
	info, _ := debug.ReadBuildInfo()
	race := info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
	return race || testing.Short()
}

// noise returns size bytes, the same each time, none of them zero. They come again after
// a number of them that nothing else is a multiple of.
func noise(size int) []byte {
	const period = 1<<18 - 5
	rng := rand.New(rand.NewPCG(uint64(size), 1))
	b := make([]byte, size)
	for i := range min(size, period) {
		b[i] = 1 + byte(rng.UintN(255))
	}
	for done := period; done < size; done *= 2 {
		copy(b[done:], b[:done])
	}
	return b
}

// pair is a source and an empty destination, both open.
type pair struct {
	dst, src platform.FD
	dstPath  string
	st       platform.Stat
}

func newPair(t testing.TB, content []byte) *pair {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "src")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return openPair(t, path, filepath.Join(dir, "dst"))
}

func openPair(t testing.TB, src, dst string) *pair {
	t.Helper()
	p := &pair{dstPath: dst}
	p.src = open(t, src, os.O_RDONLY)
	p.dst = open(t, dst, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err := platform.Native().Fstat(p.src, &p.st); err != nil {
		t.Fatal(err)
	}
	return p
}

// open opens a file that is closed at the end of the test.
func open(t testing.TB, path string, flags int) platform.FD {
	t.Helper()
	fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		t.Fatal(&os.PathError{Op: "open", Path: path, Err: err})
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return platform.FD(fd)
}

// data runs Worker.Data on the pair.
func (p *pair) data(calls *platform.Calls, opts Options) (Result, error) {
	var res Result
	w := New(calls, opts, 0).NewWorker()
	err := w.Data(context.Background(), p.dst, p.src, &platform.Stat{Dev: p.st.Dev, Mode: platform.ModeRegular}, &p.st, &res)
	return res, err
}

// holds fails the test if the destination isn't want.
func (p *pair) holds(t testing.TB, want []byte) {
	t.Helper()
	got, err := os.ReadFile(p.dstPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("the destination has %d bytes, want %d; first difference at %d", len(got), len(want), at)
	}
}

// only makes all methods but one refuse.
func only(m Method) *platform.Calls {
	c := platform.Native()
	if m != Reflink {
		c.Clone = func(platform.FD, platform.FD) error { return syscall.EOPNOTSUPP }
	}
	if m != CopyFileRange {
		c.CopyFileRange = func(platform.FD, int64, platform.FD, int64, int) (int, error) { return -1, syscall.EXDEV }
	}
	if m != Sendfile {
		c.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) { return -1, syscall.EINVAL }
	}
	return c
}

// failing makes the n-th call of a name fail.
func failing(calls *platform.Calls, name string, nth int, fault platformtest.Fault) *platform.Calls {
	seen := 0
	return platformtest.Wrap(calls, func(call string, _ int64) *platformtest.Fault {
		if call != name {
			return nil
		}
		if seen++; seen != nth {
			return nil
		}
		return &fault
	})
}

// sipping makes the calls that move data move at most n bytes.
func sipping(c *platform.Calls, max int) *platform.Calls {
	limited := *c
	limited.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
		return c.Pread(fd, buf[:min(max, len(buf))], off)
	}
	limited.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
		return c.CopyFileRange(dst, dstOff, src, srcOff, min(max, n))
	}
	limited.Sendfile = func(dst, src platform.FD, off int64, n int) (int, error) {
		return c.Sendfile(dst, src, off, min(max, n))
	}
	return &limited
}
