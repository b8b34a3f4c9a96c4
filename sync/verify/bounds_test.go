//go:build linux

package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/platform"
)

// deepTree makes a chain of directories with one more directory and a file on
// each level.
func deepTree(t *testing.T, root string, levels int, bottom string) {
	t.Helper()
	fd, err := unix.Open(root, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	for range levels {
		must(t, unix.Mkdirat(fd, "d", 0o755))
		must(t, unix.Mkdirat(fd, "e", 0o755))
		must(t, unix.Mknodat(fd, "f", unix.S_IFREG|0o644, 0))
		next, err := unix.Openat(fd, "d", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		unix.Close(fd)
		fd = next
	}
	must(t, unix.Mknodat(fd, bottom, unix.S_IFREG|0o644, 0))
	unix.Close(fd)
	// os.RemoveAll holds a descriptor for each level.
	t.Cleanup(func() {
		if out, err := exec.Command("rm", "-rf", filepath.Join(root, "d")).CombinedOutput(); err != nil {
			t.Errorf("rm: %v: %.300s", err, out)
		}
	})
}

// TestDeep: descriptors are bounded in a tree of 10 000 levels that has to be
// come back to on each of them, and so is the work: the calls are counted.
func TestDeep(t *testing.T) {
	const most = 20
	levels := 10_000
	if short() {
		levels = 1000
	}
	a, b := t.TempDir(), t.TempDir()
	deepTree(t, a, levels, "bottom")
	deepTree(t, b, levels, "other")
	for _, jobs := range []int{1, 4} {
		var open, peak, opens atomic.Int64
		native := platform.Native()
		calls := *native
		calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
			fd, err := native.Openat(dir, name, flags, mode)
			if err == nil {
				opens.Add(1)
				n := open.Add(1)
				for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
				}
			}
			return fd, err
		}
		calls.Close = func(fd platform.FD) error { open.Add(-1); return native.Close(fd) }
		began := time.Now()
		h := compare(t, &calls, a, b, jobs, Options{Ignore: Times}, func(v *Verify) { v.pool.max = most })
		took := time.Since(began)
		if len(h.found) != 2 || h.found[0].Kind != OnlySrc || len(h.problems) > 0 {
			t.Errorf("%d jobs: %d found, problems %.300q", jobs, len(h.found), h.problems)
		}
		if h.counters.Found.Load() != int64(3*levels+3) {
			t.Errorf("%d jobs: %d names", jobs, h.counters.Found.Load())
		}
		// Each job and big job may use a pair beyond the bound, and two files.
		if limit := int64(2*most + 4*(jobs+2) + 2); peak.Load() > limit {
			t.Errorf("%d jobs: %d descriptors, at most %d are allowed", jobs, peak.Load(), limit)
		}
		if open.Load() != 0 {
			t.Errorf("%d jobs: %d descriptors left open", jobs, open.Load())
		}
		// For each level and side: d, e, f, and coming back to it. Several
		// jobs do that by turns.
		if limit := int64(2 * levels * 4 * (1 + 2*min(1, jobs-1))); opens.Load() > limit {
			t.Errorf("%d jobs: %d opens, at most %d are allowed", jobs, opens.Load(), limit)
		}
		t.Logf("%d jobs: %d descriptors at most, %d opens, %v", jobs, peak.Load(), opens.Load(), took)
	}
}

// TestMoved: a directory that was given up and is another one when it is needed
// again is a problem; nothing in its place is compared.
func TestMoved(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		for i := range 3 {
			for j := range 3 {
				write(t, fmt.Sprintf("%s/%d/%d/f", dir, i, j), "x")
			}
		}
	}
	native := platform.Native()
	calls := *native
	moved := false
	calls.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
		if !moved {
			moved = true
			must(t, os.Rename(b+"/0", b+"/away"))
			write(t, b+"/0/1/f", "planted")
		}
		return native.Pread(fd, buf, off)
	}
	h := compare(t, &calls, a, b, 1, Options{Ignore: Times}, func(v *Verify) { v.pool.max = 0 })
	if len(h.problems) == 0 {
		t.Error("no problem")
	}
	for _, d := range h.found {
		if d.Kind == Content || d.Kind == Size {
			t.Errorf("found %q", h.keys())
		}
	}
}

// TestMemory: what a comparison remembers of hard links is forgotten with the
// last name, and a tree of many names takes no more memory than its largest
// directories.
func TestMemory(t *testing.T) {
	if short() {
		t.Skip("it makes 60 000 names")
	}
	const dirs, files = 300, 100
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		for i := range dirs {
			sub := fmt.Sprintf("%s/%d", dir, i)
			must(t, os.Mkdir(sub, 0o755))
			for j := 0; j < files; j += 2 {
				name := fmt.Sprintf("%s/a name that is not short at all %d", sub, j)
				must(t, os.WriteFile(name, nil, 0o644))
				must(t, os.Link(name, name+"+"))
			}
		}
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		for {
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(2 * time.Millisecond):
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
	}()
	h := compare(t, platform.Native(), a, b, 2, Options{Ignore: Times}, nil)
	close(done)
	if n := len(h.verify.links.names); n > 0 {
		t.Errorf("%d pairs of inodes are remembered", n)
	}
	most := int64(<-peak) - int64(before.HeapAlloc)
	t.Logf("%d KiB of heap at most", most>>10)
	// Buffers of two workers, and what the collector has not seen yet: 4 to 5 MiB.
	if most > 8<<20 {
		t.Errorf("%d bytes of heap", most)
	}
	if len(h.found) > 0 || len(h.problems) > 0 || h.counters.Found.Load() != dirs*(files+1)+1 {
		t.Errorf("%d names, found %q, problems %q", h.counters.Found.Load(), h.keys(), h.problems)
	}
}

// TestLinksKept: links that lead out of the trees are remembered and are no
// difference.
func TestLinksKept(t *testing.T) {
	a, b, out := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		write(t, dir+"/x", "1")
		must(t, os.Link(dir+"/x", dir+"/y"))
	}
	must(t, os.Link(a+"/x", out+"/x"))
	h := compare(t, platform.Native(), a, b, 1, Options{Ignore: Times}, nil)
	if len(h.found) > 0 || len(h.problems) > 0 || len(h.verify.links.names) != 1 {
		t.Errorf("found %q, problems %q, %d remembered", h.keys(), h.problems, len(h.verify.links.names))
	}
}
