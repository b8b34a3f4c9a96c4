//go:build linux

package main_test

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestKill kills copies of a tree at random moments: no part of a file stands at a final
// name, what is left over has a temporary name, and the same command run again makes the
// copy equal to the source and leaves nothing over. ZCCP_TEST_KILLS is how often; 40
// without it.
func TestKill(t *testing.T) {
	kills := countFrom(t, "ZCCP_TEST_KILLS", 40)
	interrupted(t, kills, func(k *interruption, e ended) {
		if e.signal != syscall.SIGKILL {
			k.check(e.code == 0, "exit code %d, stderr %.300q", e.code, e.stderr)
		}
		k.checkWhole()
		succeed(k.t, k.work, k.command().args...)
		k.checkEqual()
		k.checkClean()
	}, syscall.SIGKILL)
}

// TestInterrupt interrupts copies of a tree at random moments: zccp ends by the signal
// within two seconds, having removed what was not whole. It does so a quarter as often as
// TestKill.
func TestInterrupt(t *testing.T) {
	kills := countFrom(t, "ZCCP_TEST_KILLS", 64) / 4
	interrupted(t, kills, func(k *interruption, e ended) {
		if e.signal == 0 {
			k.check(e.code == 0, "exit code %d, stderr %.300q", e.code, e.stderr)
			k.checkEqual()
		}
		k.check(e.signal == 0 || e.signal == k.signal, "ended by %v", e.signal)
		k.check(e.after < 2*time.Second, "ended %v after the signal", e.after)
		k.checkWhole()
		k.checkClean()
	}, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

// interruption is a copy that a signal ends.
type interruption struct {
	t      *testing.T
	binary string
	work   string // the directory that the copy is in
	src    *copiertest.Tree
	old    *copiertest.Tree // at the destination before; without entries if nothing was
	mode   killMode
	signal syscall.Signal
	moment time.Duration
}

// killMode is a way to copy.
type killMode struct {
	name string
	args []string
	over bool // there is a destination before
	// atomic: the destination is either the old tree or the new one.
	atomic bool
}

var killModes = []killMode{
	{name: "new", args: []string{"-a"}},
	{name: "over", args: []string{"-a"}, over: true},
	{name: "new with -r", args: []string{"-r"}},
	{name: "over atomically", args: []string{"-a", "--atomic=tree"}, over: true, atomic: true},
}

// spread has the file systems take turns: job runs on each of them beside the others, with a
// directory there, random numbers of its own and the turns that fall to it, counted from 0, of
// count in all, until one fails.
func spread(t *testing.T, count int, job func(t *testing.T, rng *rand.Rand, dir string, turns iter.Seq[int])) {
	seed := copiertest.Seed(t)
	on := copiertest.FileSystems(t)
	t.Run("on", func(t *testing.T) {
		for i, fsys := range on {
			t.Run(fsys.Name, func(t *testing.T) {
				t.Parallel()
				job(t, rand.New(rand.NewPCG(seed, uint64(i))), fsys.Dir, func(yield func(int) bool) {
					for n := i; n < count && !t.Failed() && yield(n/len(on)); n += len(on) {
					}
				})
			})
		}
	})
}

// interrupted copies a tree count times, on each file system in turn and in each mode, and
// sends one of the signals at a moment that is equally likely anywhere in the copy.
func interrupted(t *testing.T, count int, judge func(*interruption, ended), signals ...syscall.Signal) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	if testing.Short() {
		count = min(count, 16)
	}
	spread(t, count, func(t *testing.T, rng *rand.Rand, dir string, turns iter.Seq[int]) {
		k := interruption{t: t, binary: binary, work: filepath.Join(dir, "work")}
		must(t, os.Mkdir(k.work, 0o755))
		makeKillTree(t, rng, filepath.Join(dir, "src"))
		makeOldTree(t, rng, filepath.Join(dir, "src"), filepath.Join(dir, "old"))
		k.src, k.old = scan(t, filepath.Join(dir, "src")), scan(t, filepath.Join(dir, "old"))
		old := k.old
		takes := map[string]time.Duration{}
		runs, late := 0, 0
		for turn := range turns {
			k.mode = killModes[turn%len(killModes)]
			if k.old = old; !k.mode.over {
				k.old = &copiertest.Tree{}
			}
			if takes[k.mode.name] == 0 {
				takes[k.mode.name] = k.duration()
			}
			k.prepare()
			k.signal = signals[rng.IntN(len(signals))]
			k.moment = 1 + time.Duration(rng.Int64N(int64(takes[k.mode.name])))
			cmd := k.command()
			cmd.killAfter, cmd.signal = k.moment, k.signal
			e := cmd.run(t)
			if judge(&k, e); e.signal == 0 {
				takes[k.mode.name] = e.took
				late++
			}
			runs++
		}
		report(t, "the source changed", copiertest.Compare(k.src, scan(t, k.src.Root), copiertest.CompareOptions{}))
		if runs >= 10 && late > runs*3/4 {
			t.Errorf("%d of %d signals came too late", late, runs)
		}
		t.Logf("%d signals, %d after the end; a copy takes %v", runs, late, takes)
	})
}

func (k *interruption) command() command {
	return command{args: slices.Concat([]string{k.binary}, k.mode.args, []string{"-T", k.src.Root, "dst"}), dir: k.work}
}

func (k *interruption) prepare() {
	k.t.Helper()
	must(k.t, os.RemoveAll(filepath.Join(k.work, "dst")))
	if k.mode.over {
		succeed(k.t, k.work, "cp", "-a", k.old.Root, "dst")
	}
}

// duration returns how long a copy takes.
func (k *interruption) duration() time.Duration {
	k.t.Helper()
	k.prepare()
	e := succeed(k.t, k.work, k.command().args...)
	k.checkEqual()
	return e.took
}

func (k *interruption) check(ok bool, format string, args ...any) {
	k.t.Helper()
	if !ok {
		k.fail(fmt.Sprintf(format, args...))
	}
}

func (k *interruption) fail(found ...string) {
	k.t.Helper()
	report(k.t, fmt.Sprintf("%s, %v after %v", k.mode.name, k.signal, k.moment), found)
}

// checkWhole looks for parts.
func (k *interruption) checkWhole() {
	k.t.Helper()
	dst := filepath.Join(k.work, "dst")
	if _, err := os.Lstat(dst); os.IsNotExist(err) {
		k.check(!k.mode.over, "the destination is gone")
		return
	}
	tree := scan(k.t, dst)
	if !k.mode.atomic {
		k.fail(unfinished(k.src, k.old, tree)...)
		return
	}
	same := copiertest.CompareOptions{Ignore: copiertest.Atime | copiertest.Allocated}
	if found := copiertest.Compare(k.old, tree, same); found != nil {
		if also := copiertest.Compare(k.src, tree, same); also != nil {
			k.fail("neither the old nor the new tree", found[0], also[0])
		}
	}
}

// unfinished returns what stands at a final name in dst and is neither as in src nor as it
// was in old before, and what of old is gone.
func unfinished(src, old, dst *copiertest.Tree) []string {
	var found []string
	for name, e := range dst.Entries {
		if isTemporary(name) {
			continue
		}
		if s, ok := src.Entries[name]; ok && asWhole(s, e) {
			continue
		}
		if o, ok := old.Entries[name]; !ok || !asWhole(o, e) {
			found = append(found, fmt.Sprintf("%q is a part: %d bytes of %d, mode %o", name, e.Size, src.Entries[name].Size, e.Mode))
		}
	}
	for name := range old.Entries {
		if _, ok := dst.Entries[name]; !ok {
			found = append(found, fmt.Sprintf("%q is gone", name))
		}
	}
	return found
}

const (
	typeMask    = 0o170000
	typeRegular = 0o100000
)

// asWhole tells whether an entry has the content of a finished one. Directories and what
// is no file may get their attributes later than their name.
func asWhole(want, got copiertest.Entry) bool {
	if want.Mode&typeMask != got.Mode&typeMask || want.Target != got.Target || want.Rdev != got.Rdev {
		return false
	}
	return want.Mode&typeMask != typeRegular || want.Size == got.Size && want.Sum == got.Sum &&
		want.Mode == got.Mode && maps.Equal(want.Xattrs, got.Xattrs)
}

// checkEqual compares the copy with the source.
func (k *interruption) checkEqual() {
	k.t.Helper()
	opt := copiertest.CompareOptions{Ignore: copiertest.Atime}
	if !slices.Contains(k.mode.args, "-a") {
		opt.Ignore |= copiertest.Mtime | copiertest.Links | copiertest.Xattrs
	}
	if k.mode.over && !k.mode.atomic {
		opt.Skip = func(name string) bool { _, ok := k.src.Entries[name]; return !ok }
	}
	k.fail(copiertest.Compare(k.src, scan(k.t, filepath.Join(k.work, "dst")), opt)...)
}

// checkClean looks for temporary names.
func (k *interruption) checkClean() {
	k.t.Helper()
	if found := litter(k.t, k.work); found != nil {
		k.fail("left over: " + strings.Join(found, " "))
		for _, name := range found {
			os.RemoveAll(name)
		}
	}
}

// makeKillTree makes a tree of some 2 000 names: small files in 40 directories, on four
// levels, and some big ones of which one is copied beside the others.
func makeKillTree(t *testing.T, rng *rand.Rand, root string) {
	t.Helper()
	chacha := rand.NewChaCha8([32]byte{byte(rng.Uint32())})
	file := func(name string, size int, mode os.FileMode) {
		data := make([]byte, size)
		chacha.Read(data)
		must(t, os.WriteFile(name, data, mode))
		must(t, os.Chtimes(name, time.Time{}, time.Unix(1_600_000_000+rng.Int64N(1e6), rng.Int64N(1e9))))
	}
	dirs := []string{root}
	for i := range 40 {
		parent := dirs[rng.IntN(len(dirs))]
		if strings.Count(parent[len(root):], "/") < 4 {
			dirs = append(dirs, filepath.Join(parent, fmt.Sprintf("dir%d", i)))
		}
	}
	for _, dir := range dirs {
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.Chmod(dir, []os.FileMode{0o755, 0o700}[rng.IntN(2)]))
	}
	modes := []os.FileMode{0o644, 0o600, 0o755, 0o444}
	for i := range 1800 {
		name := filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("file%d", i))
		file(name, rng.IntN(8<<10), modes[rng.IntN(len(modes))])
		switch i % 30 {
		case 0:
			must(t, os.Link(name, filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("link%d", i))))
		case 1:
			must(t, os.Symlink(fmt.Sprintf("../file%d", i-1), name+".symlink"))
		case 2:
			must(t, syscall.Mkfifo(name+".fifo", 0o640))
		}
	}
	for i, size := range []int{17 << 20, 3 << 20, 2 << 20, 1<<20 + 1, 1 << 20, 300 << 10, 200 << 10} {
		file(filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("big%d", i)), size, 0o644)
	}
}

// makeOldTree makes a tree that a copy of src changes: some files are as there, some have
// another content, some are missing, and some are only here.
func makeOldTree(t *testing.T, rng *rand.Rand, src, root string) {
	t.Helper()
	succeed(t, ".", "cp", "-a", "--no-preserve=links", src, root)
	tree := scan(t, root)
	for _, name := range slices.Sorted(maps.Keys(tree.Entries)) {
		path := filepath.Join(root, name)
		if tree.Entries[name].Mode&typeMask != typeRegular {
			continue
		}
		switch rng.IntN(4) {
		case 0:
			must(t, os.Remove(path))
		case 1, 2:
			must(t, os.WriteFile(path, fmt.Appendf(nil, "old content of %s", name), 0o644))
			must(t, os.Chtimes(path, time.Time{}, time.Unix(1_500_000_000, 0)))
		}
		if rng.IntN(20) == 0 {
			must(t, os.WriteFile(path+".old", fmt.Appendf(nil, "only here: %s", name), 0o644))
		}
	}
}
