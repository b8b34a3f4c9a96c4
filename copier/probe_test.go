//go:build linux

package copier

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// scratchIn makes a scratch directory in dir. At the end of the test it is
// removed, and nothing may be left in dir.
func scratchIn(t *testing.T, calls *platform.Calls, dir string) *Scratch {
	t.Helper()
	parent := open(t, dir, os.O_RDONLY)
	var st platform.Stat
	if err := calls.Fstat(parent, &st); err != nil {
		t.Fatal(err)
	}
	s, err := NewScratch(calls, parent, st.Ino)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Errorf("removing: %v", err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	})
	return s
}

// abilities returns the names of what works and of what doesn't, with the
// reasons.
func abilities(t *testing.T, s *Scratch) (works, lacks []string) {
	t.Helper()
	list, err := s.Abilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Err != nil {
			lacks = append(lacks, a.Name+": "+platform.Message(a.Err))
		} else {
			works = append(works, a.Name)
		}
	}
	return works, lacks
}

// TestProbeFileSystems holds what is found to what is known of file systems of
// Linux since 6.14.
func TestProbeFileSystems(t *testing.T) {
	systems := copiertest.FileSystems(t)
	if len(systems) == 1 {
		t.Skip("one directory, of which nothing is known")
	}
	requireKernel(t, 6, 14)
	everywhere := []string{"holes", "preallocation", "hard links", "symbolic links", "O_TMPFILE", "RENAME_NOREPLACE",
		"RENAME_EXCHANGE", "flock", "user xattrs", "POSIX ACLs", "timestamps", "cachestat", "read lease"}
	known := map[string]struct{ has, lacks []string }{
		"ext4":  {has: []string{"times after 2038", "direct I/O", "RWF_DONTCACHE read", "RWF_DONTCACHE write", "RWF_NOWAIT read"}},
		"xfs":   {has: []string{"direct I/O", "RWF_DONTCACHE read", "RWF_DONTCACHE write", "RWF_NOWAIT read"}},
		"btrfs": {has: []string{"times after 2038", "direct I/O"}, lacks: []string{"RWF_DONTCACHE read", "RWF_DONTCACHE write"}},
		"tmpfs": {has: []string{"times after 2038"}, lacks: []string{"RWF_DONTCACHE read", "RWF_DONTCACHE write", "direct I/O"}},
	}
	for _, fsys := range systems {
		t.Run(fsys.Name, func(t *testing.T) {
			works, lacks := abilities(t, scratchIn(t, platform.Native(), fsys.Dir))
			k := known[fsys.Name]
			for _, name := range append(everywhere, k.has...) {
				if !slices.Contains(works, name) {
					t.Errorf("%s is not found; refused are %q", name, lacks)
				}
			}
			for _, name := range k.lacks {
				if !slices.Contains(lacks, name+": Operation not supported") && !slices.Contains(lacks, name+": unsupported operation") {
					t.Errorf("%s is found, or for another reason not: %q", name, lacks)
				}
			}
		})
	}
	for _, from := range systems {
		for _, to := range systems {
			t.Run(from.Name+" to "+to.Name, func(t *testing.T) { testProbePair(t, from, to) })
		}
	}
}

// requireKernel skips the test on an older kernel, of which other things are
// known.
func requireKernel(t *testing.T, major, minor int) {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Skip(err)
	}
	var a, b int
	if _, err := fmt.Sscanf(string(release), "%d.%d", &a, &b); err != nil || a < major || a == major && b < minor {
		t.Skipf("Linux %s, not %d.%d: %v", release, major, minor, err)
	}
}

// testProbePair: each method works or refuses with what the kernel is known to
// say, and the table chooses none that refused.
func testProbePair(t *testing.T, from, to copiertest.FileSystem) {
	src := scratchIn(t, platform.Native(), from.Dir)
	dst := src
	if from != to {
		dst = scratchIn(t, platform.Native(), to.Dir)
	}
	clones := from == to && (from.Name == "xfs" || from.Name == "btrfs")
	uncached := func(name string) bool { return name == "ext4" || name == "xfs" }
	want := map[Method]string{
		ReadWrite: "", Sendfile: "", Splice: "", Mmap: "", Reflink: "Operation not supported", CopyFileRange: "", DontCache: "Operation not supported",
	}
	switch {
	case clones:
		want[Reflink] = ""
	case from != to:
		want[Reflink], want[CopyFileRange] = "Invalid cross-device link", "Invalid cross-device link"
	}
	if uncached(from.Name) && uncached(to.Name) {
		want[DontCache] = ""
	}
	if from.Name != "tmpfs" && to.Name != "tmpfs" {
		want[Direct] = ""
	}
	trials, err := TryMethods(t.Context(), dst, src)
	if err != nil {
		t.Fatal(err)
	}
	var works []Method
	for i, trial := range trials {
		got := ""
		if trial.Err != nil {
			got = platform.Message(trial.Err)
		} else {
			works = append(works, trial.Method)
		}
		if reason, known := want[trial.Method]; known && got != reason || trial.Method != Methods()[i] {
			t.Errorf("%v: got %q, want %q", trial.Method, got, reason)
		}
	}
	choices, err := TryChoices(t.Context(), dst, src)
	if err != nil || len(choices) != 3 {
		t.Fatalf("%v, %v", choices, err)
	}
	for _, c := range choices {
		if c.Err != nil || !slices.Contains(works, c.Method) {
			t.Errorf("chosen: %+v, of %v", c, works)
		}
		if clones && c.Method != Reflink {
			t.Errorf("%v is chosen where a clone works", c.Method)
		}
		if uncached(from.Name) && uncached(to.Name) && !clones && c.Cold != (c.Method == DontCache) {
			t.Errorf("chosen: %+v", c)
		}
	}
}

// TestProbeBelievesNothing: a call that succeeds and does nothing is no ability.
func TestProbeBelievesNothing(t *testing.T) {
	c := platform.Native()
	c.Linkat = func(dir platform.FD, _ platform.Name, newdir platform.FD, name platform.Name, _ bool) error {
		return platform.Native().Mknodat(newdir, name, platform.ModeRegular|0o600, 0)
	}
	c.LinkFD = func(_ platform.FD, newdir platform.FD, name platform.Name) error {
		return platform.Native().Mknodat(newdir, name, platform.ModeRegular|0o600, 0)
	}
	c.RenameNoReplace = c.Renameat
	c.RenameExchange = c.Renameat
	c.Futimens = func(platform.FD, platform.Time, platform.Time) error { return nil }
	c.Fgetxattr = func(platform.FD, platform.Name, []byte) (int, error) { return 0, nil }
	c.Readlinkat = func(platform.FD, platform.Name, []byte) (int, error) { return 3, nil }
	c.Leased = func(platform.FD) (bool, error) { return false, nil }
	c.Lseek = func(fd platform.FD, off int64, whence int) (int64, error) {
		if whence == platform.SeekData {
			return off, nil // as where the file system has no map
		}
		return platform.Native().Lseek(fd, off, whence)
	}
	c.Pread = func(_ platform.FD, buf []byte, _ int64) (int, error) { return copy(buf, "other bytes"), nil }
	c.PreadUncached = func(platform.FD, []byte, int64) (int, error) { return 0, nil }
	c.PwriteUncached = func(platform.FD, []byte, int64) (int, error) { return 1, nil }
	works, lacks := abilities(t, scratchIn(t, c, t.TempDir()))
	for _, name := range []string{"holes", "hard links", "symbolic links", "RENAME_NOREPLACE", "RENAME_EXCHANGE",
		"user xattrs", "POSIX ACLs", "timestamps", "times after 2038", "direct I/O", "RWF_DONTCACHE read", "RWF_DONTCACHE write", "read lease"} {
		if slices.Contains(works, name) {
			t.Errorf("%s is believed; refused are %q", name, lacks)
		}
	}
}

// TestProbeMethodThatLies: a method that stores something else doesn't work.
func TestProbeMethodThatLies(t *testing.T) {
	c := platform.Native()
	c.CopyFileRange = func(dst platform.FD, off int64, _ platform.FD, _ int64, n int) (int, error) {
		return platform.Native().Pwrite(dst, make([]byte, n), off)
	}
	s := scratchIn(t, c, t.TempDir())
	trials, err := TryMethods(t.Context(), s, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		if trial.Method == CopyFileRange && !errors.Is(trial.Err, ErrVerify) || trial.Method == ReadWrite && trial.Err != nil {
			t.Errorf("%v: %v", trial.Method, trial.Err)
		}
	}
}

// TestProbeGranularity: the unit of times is found from what is kept of one.
func TestProbeGranularity(t *testing.T) {
	for _, unit := range []int64{1, 100, 1e3, 1e6, 1e7, 1e9, 2e9} {
		c := platform.Native()
		c.Futimens = func(fd platform.FD, atime, mtime platform.Time) error {
			ns := (mtime.Sec*1e9 + mtime.Nsec) / unit * unit
			mtime = platform.Time{Sec: ns / 1e9, Nsec: ns % 1e9}
			return platform.Native().Futimens(fd, mtime, mtime)
		}
		figures, err := scratchIn(t, c, t.TempDir()).tryTimes()
		if err != nil || len(figures) != 1 || figures[0].Value != unit {
			t.Errorf("%d ns: got %v, %v", unit, figures, err)
		}
	}
}

// TestProbeLeavesNothing makes each call of a probe fail in turn; whatever
// fails, nothing is left (scratchIn looks), no descriptor is open, and a
// failure is a reason.
func TestProbeLeavesNothing(t *testing.T) {
	counts := map[string]int{}
	probe := func(t *testing.T, calls *platform.Calls) {
		s := scratchIn(t, calls, t.TempDir())
		s.Abilities(t.Context())
		TryMethods(t.Context(), s, s)
		TryChoices(t.Context(), s, s)
		KernelAbilities(calls, s.fd)
	}
	probe(t, platformtest.Wrap(platform.Native(), func(call string, _ int64) *platformtest.Fault {
		counts[call]++
		return nil
	}))
	for call, n := range counts {
		switch call {
		case "Mkdirat", "Rmdirat", "Unlinkat", "Close":
			continue // without these there is nothing to leave, or it has to stay
		}
		for nth := 1; nth <= n; nth += max(1, n/2) {
			t.Run(call, func(t *testing.T) {
				if call == "Openat" && nth == 1 || call == "Fstat" && nth == 1 || call == "Flock" && nth == 1 {
					return // of scratchIn: TestScratchFails
				}
				platformtest.OpenDescriptors(t)
				probe(t, failing(platform.Native(), call, nth, platformtest.Fault{Errno: syscall.EIO}))
			})
		}
	}
}

// TestScratchFails: a scratch directory that can't be had isn't left.
func TestScratchFails(t *testing.T) {
	for _, call := range []string{"Mkdirat", "Openat", "Flock"} {
		dir := t.TempDir()
		calls := failing(platform.Native(), call, 1, platformtest.Fault{Errno: syscall.EACCES})
		if s, err := NewScratch(calls, open(t, dir, os.O_RDONLY), 1); err != syscall.EACCES || s != nil {
			t.Errorf("%s: %v, %v", call, s, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", call, left)
		}
	}
	dir := t.TempDir()
	s, err := NewScratch(failing(platform.Native(), "Flock", 1, platformtest.Fault{Errno: syscall.EOPNOTSUPP}), open(t, dir, os.O_RDONLY), 1)
	if err != nil {
		t.Fatalf("a file system without locks: %v", err)
	}
	if err := s.Remove(); err != nil {
		t.Error(err)
	}
}

// TestProbeStops: a probe that is cancelled goes no further.
func TestProbeStops(t *testing.T) {
	s := scratchIn(t, platform.Native(), t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := s.Abilities(ctx); err != context.Canceled || list != nil {
		t.Errorf("abilities: %v, %v", list, err)
	}
	if list, err := TryMethods(ctx, s, s); err != context.Canceled || list != nil {
		t.Errorf("methods: %v, %v", list, err)
	}
	if list, err := TryChoices(ctx, s, s); err != context.Canceled || list != nil {
		t.Errorf("choices: %v, %v", list, err)
	}
}

// TestKernelAbilities: a call that is filtered is not there, whatever the
// kernel is.
func TestKernelAbilities(t *testing.T) {
	dir := open(t, t.TempDir(), os.O_RDONLY)
	for _, a := range KernelAbilities(platform.Native(), dir) {
		if a.Err != nil && !errors.Is(a.Err, syscall.ENOSYS) && !errors.Is(a.Err, syscall.EPERM) {
			t.Errorf("%s: %v", a.Name, a.Err)
		}
		if a.Name == "statx" && a.Err != nil {
			t.Errorf("no statx: %v", a.Err)
		}
	}
	filtered := []string{"OpenBeneath", "Statat", "Accessat", "RenameNoReplace", "CopyFileRange", "Sendfile", "Splice", "CacheState", "SetPipeSize"}
	calls := platformtest.Wrap(platform.Native(), func(call string, _ int64) *platformtest.Fault {
		if slices.Contains(filtered, call) {
			return &platformtest.Fault{Errno: syscall.EPERM}
		}
		return nil
	})
	list := KernelAbilities(calls, dir)
	if len(list) != len(filtered) {
		t.Errorf("%d abilities, %d filtered", len(list), len(filtered))
	}
	for _, a := range list {
		if a.Err != syscall.EPERM || len(a.Figures) > 0 {
			t.Errorf("%s: %v %v", a.Name, a.Err, a.Figures)
		}
	}
}

// TestProbeContent: no page of the file that is copied is like another, and
// none of its bytes is like those of a hole.
func TestProbeContent(t *testing.T) {
	b := string(probeContent(ProbeLarge))
	if strings.ContainsRune(b, 0) {
		t.Error("there are zeros")
	}
	pages := map[string]int{}
	for i := 0; i+4096 <= len(b); i += 4096 {
		if at, twice := pages[b[i:i+4096]]; twice {
			t.Fatalf("the pages at %d and %d are alike", at, i)
		}
		pages[b[i:i+4096]] = i
	}
}
