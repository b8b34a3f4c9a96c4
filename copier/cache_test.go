//go:build linux

package copier

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// TestNeutral: which copies leave the page cache alone.
func TestNeutral(t *testing.T) {
	const memory = 1 << 30
	p := newPair(t, noise(1))
	cases := []struct {
		name   string
		cache  CachePolicy
		size   int64
		hot    int64 // bytes of the source in memory
		before int64 // cold bytes that the run copied already
		memory int64
		err    error // of cachestat
		want   bool
	}{
		{name: "huge and cold", size: memory, memory: memory, want: true},
		{name: "just more than its share", size: memory/memoryShare + 1, memory: memory, want: true},
		{name: "just its share", size: memory / memoryShare, memory: memory},
		{name: "its share, and others before it", size: memory / memoryShare, before: 1, memory: memory, want: true},
		{name: "small, after many", size: neutralMin - 1, before: memory, memory: memory},
		{name: "a little of it in memory", size: memory, hot: memory / coldResident, memory: memory, want: true},
		{name: "in memory", size: memory, hot: memory/coldResident + 1, memory: memory},
		{name: "no telling what is in memory", size: memory, memory: memory, err: platform.ErrNotExist},
		{name: "no telling how much memory", size: memory},
		{name: "keep", cache: CacheKeep, size: memory, memory: memory},
		{name: "drop", cache: CacheDrop, size: 1, hot: 1, want: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			calls := platform.Native()
			calls.CacheState = func(_ platform.FD, off, n int64, st *platform.CacheState) error {
				if off != 0 || n != c.size {
					t.Errorf("asked for %d bytes at %d", n, off)
				}
				st.Resident = c.hot
				return c.err
			}
			co := New(calls, Options{Cache: c.cache}, 0)
			co.memory = func() int64 { return c.memory }
			co.cold.Store(c.before)
			st := p.st
			st.Size = c.size
			// What is asked of the file system is asked of the one at hand.
			if !platform.IsLocal(p.src) {
				t.Skip("needs a file system of this machine")
			}
			if got := co.NewWorker().neutral(p.dst, p.src, &st); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestCacheLeft: what is in memory of both files after copies under each
// policy, on file systems that have a method for it.
func TestCacheLeft(t *testing.T) {
	calls := platform.Native()
	const size = 24<<20 + 100
	for _, fsys := range copiertest.FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			dir := fsys.Dir
			src := filepath.Join(dir, "src")
			if err := os.WriteFile(src, noise(size), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name        string
				opts        Options
				memory      int64
				hot         bool
				leavesPages bool
			}{
				{name: "auto, little memory", opts: Options{}, memory: 64 << 20},
				{name: "auto, much memory", opts: Options{}, memory: 1 << 40, leavesPages: true},
				{name: "auto, in memory", opts: Options{}, memory: 64 << 20, hot: true, leavesPages: true},
				{name: "keep", opts: Options{Cache: CacheKeep}, memory: 64 << 20, leavesPages: true},
				{name: "drop", opts: Options{Cache: CacheDrop}, memory: 1 << 40},
			} {
				// A clone moves nothing, so it leaves nothing.
				c.opts.Reflink = Never
				for try := 0; ; try++ {
					p := openPair(t, src, filepath.Join(dir, "dst"))
					if err := calls.Fsync(p.src); err != nil {
						t.Fatal(err)
					}
					calls.Fadvise(p.src, 0, 0, platform.AdviseDontNeed)
					if c.hot {
						if _, err := os.ReadFile(src); err != nil {
							t.Fatal(err)
						}
					}
					var before, after, stored platform.CacheState
					if err := calls.CacheState(p.src, 0, 0, &before); err != nil {
						t.Skipf("cachestat: %v", err)
					}
					if before.Resident > 0 && !c.hot {
						t.Skipf("%s keeps its files in memory", fsys.Name) // tmpfs
					}
					co := New(calls, c.opts, 0)
					co.memory = func() int64 { return c.memory }
					var res Result
					if err := co.NewWorker().Data(context.Background(), p.dst, p.src, &platform.Stat{Dev: p.st.Dev, Mode: platform.ModeRegular}, &p.st, &res); err != nil {
						t.Errorf("%s: %v", c.name, err)
						break
					}
					if err := errors.Join(calls.Fsync(p.dst), calls.CacheState(p.src, 0, 0, &after), calls.CacheState(p.dst, 0, 0, &stored)); err != nil {
						t.Fatal(err)
					}
					got := after.Resident - before.Resident + stored.Resident
					t.Logf("%s: %s leaves %d KiB of the source, %d of the copy", c.name, res.Method, after.Resident>>10, stored.Resident>>10)
					// The kernel may take a few back meanwhile.
					if c.leavesPages && got < size-4<<20 {
						t.Errorf("%s: only %d bytes in memory", c.name, got)
					}
					if !c.leavesPages && got > 1<<20 && try < 2 {
						// btrfs reads some files, once in some twenty runs, through the
						// page cache though O_DIRECT is set: every time, or never.
						if err := errors.Join(os.Remove(src), os.WriteFile(src, noise(size), 0o644)); err != nil {
							t.Fatal(err)
						}
						continue
					}
					if !c.leavesPages && got > 1<<20 {
						t.Errorf("%s: %d bytes in memory", c.name, got)
					}
					p.holds(t, noise(size))
					break
				}
			}
		})
	}
}
