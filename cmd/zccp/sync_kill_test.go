//go:build linux

package main_test

import (
	"fmt"
	"iter"
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

// TestSyncKill kills synchronisations at random moments: every file is the old one or the
// new one, nothing is gone that was not to go, and the same command run again makes the
// destination equal to the source and leaves nothing over. ZCCP_TEST_SYNC_KILLS is how often; 40
// without it.
func TestSyncKill(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	requireSync(t, []string{binary, "sync"})
	kills := countFrom(t, "ZCCP_TEST_SYNC_KILLS", 40)
	if testing.Short() {
		kills = min(kills, 16)
	}
	spread(t, kills, func(t *testing.T, rng *rand.Rand, dir string, turns iter.Seq[int]) {
		plain, huge := newSyncKill(t, rng, binary, filepath.Join(dir, "plain")), newSyncKill(t, rng, binary, filepath.Join(dir, "huge"))
		huge.addHuge(rng)
		for _, k := range []*syncKill{plain, huge} {
			k.src, k.old = scan(t, k.path("src")), scan(t, k.path("old"))
		}
		runs, late := 0, 0
		takes := map[string]time.Duration{}
		for turn := range turns {
			k, mode := plain, syncKillModes[turn%len(syncKillModes)]
			if mode.huge {
				k = huge
			}
			k.mode = mode
			if takes[k.mode.args] == 0 {
				takes[k.mode.args] = k.duration()
			}
			if k.kill(1 + time.Duration(rng.Int64N(int64(takes[k.mode.args])))) {
				late++
			}
			runs++
		}
		for _, k := range []*syncKill{plain, huge} {
			report(t, "the source changed", copiertest.Compare(k.src, scan(t, k.src.Root), copiertest.CompareOptions{Ignore: copiertest.Atime}))
		}
		if runs >= 10 && late > runs*3/4 {
			t.Errorf("%d of %d signals came too late", late, runs)
		}
		t.Logf("%d signals, %d after the end; a run takes %v", runs, late, takes)
	})
}

// syncKillMode is a way to synchronise.
type syncKillMode struct {
	args string
	// aside are the names, beside temporary ones, under which parts may stand until the
	// command is run again.
	aside []string
	// inPlace: a file may be part old and part new.
	inPlace bool
	// keeps: what is only at the destination stays.
	keeps bool
	// huge: there is a file that is long enough to be resumed.
	huge bool
}

var syncKillModes = []syncKillMode{
	{args: "--delete"},
	{args: "--delete --partial-dir=.part", aside: []string{".part"}},
	{args: "-H --delete-delay --delay-updates", aside: []string{".~tmp~"}},
	{args: "--delete-before --inplace", inPlace: true},
	{args: "--resume", keeps: true, huge: true},
	{args: "--delete --no-whole-file --resume", huge: true},
	{args: "--delete --no-whole-file --inplace", inPlace: true},
	{args: "-H --delete --partial --fsync"},
}

// syncKill is a synchronisation that a signal ends.
type syncKill struct {
	t        *testing.T
	binary   string
	dir      string // with src, old and work
	work     string // with dst
	src, old *copiertest.Tree
	mode     syncKillMode
	moment   time.Duration
	// about, when set, tells what was done, if no signal ended it.
	about string
}

// newSyncKill makes the trees below dir.
func newSyncKill(t *testing.T, rng *rand.Rand, binary, dir string) *syncKill {
	t.Helper()
	k := &syncKill{t: t, binary: binary, dir: dir, work: filepath.Join(dir, "work")}
	must(t, os.MkdirAll(k.work, 0o755))
	makeKillTree(t, rng, k.path("src"))
	makeOldTree(t, rng, k.path("src"), k.path("old"))
	return k
}

func (k *syncKill) path(name string) string { return filepath.Join(k.dir, name) }

// addHuge adds a file that is long enough to be resumed, changed here and there.
func (k *syncKill) addHuge(rng *rand.Rand) {
	k.t.Helper()
	data := make([]byte, 80<<20)
	rand.NewChaCha8([32]byte{byte(rng.Uint32())}).Read(data)
	for i, name := range []string{k.path("src/huge"), k.path("old/huge")} {
		must(k.t, os.WriteFile(name, data, 0o644))
		at := time.Unix(1_500_000_000-int64(i), 0)
		must(k.t, os.Chtimes(name, at, at))
		for at := 0; at < len(data); at += 7 << 20 {
			data[at]++
		}
	}
}

func (k *syncKill) command() command {
	args := slices.Concat([]string{k.binary, "sync", "-a"}, strings.Fields(k.mode.args), []string{k.src.Root + "/", "dst/"})
	return command{args: args, dir: k.work}
}

func (k *syncKill) prepare() {
	k.t.Helper()
	must(k.t, os.RemoveAll(filepath.Join(k.work, "dst")))
	succeed(k.t, k.work, "cp", "-a", k.old.Root, "dst")
}

// duration returns how long a run takes.
func (k *syncKill) duration() time.Duration {
	k.t.Helper()
	k.prepare()
	k.moment = 0
	e := succeed(k.t, k.work, k.command().args...)
	k.checkEqual()
	return e.took
}

// kill ends a run at that moment and tells whether that was too late.
func (k *syncKill) kill(moment time.Duration) (late bool) {
	k.t.Helper()
	k.prepare()
	k.moment = moment
	cmd := k.command()
	cmd.killAfter, cmd.signal = moment, syscall.SIGKILL
	e := cmd.run(k.t)
	if e.signal == 0 && e.code != 0 {
		k.fail(fmt.Sprintf("exit code %d, stderr %.300q", e.code, e.stderr))
	}
	k.checkWhole()
	succeed(k.t, k.work, k.command().args...)
	k.checkEqual()
	return e.signal == 0
}

func (k *syncKill) fail(found ...string) {
	k.t.Helper()
	about := k.about
	if about == "" {
		about = fmt.Sprintf("%s, killed after %v", k.mode.args, k.moment)
	}
	report(k.t, about, found)
}

// checkWhole looks for parts, and for what is gone.
func (k *syncKill) checkWhole() {
	k.t.Helper()
	dst := scan(k.t, filepath.Join(k.work, "dst"))
	var found []string
	for name, e := range dst.Entries {
		aside := func(dir string) bool { return slices.Contains(strings.Split(name, "/"), dir) }
		s, inSrc := k.src.Entries[name]
		o, inOld := k.old.Entries[name]
		switch {
		case isTemporary(name), slices.ContainsFunc(k.mode.aside, aside):
		case inSrc && asWhole(s, e), inOld && asWhole(o, e):
		case k.mode.inPlace && inSrc:
		// The content is whole, and the attributes of a file that is not replaced are given
		// one after the other.
		case inSrc && inOld && s.Sum == e.Sum && o.Sum == e.Sum && (e.Mode == s.Mode || e.Mode == o.Mode):
		default:
			found = append(found, fmt.Sprintf("%q is a part: %d bytes of %d, mode %o", name, e.Size, s.Size, e.Mode))
		}
	}
	for name := range k.old.Entries {
		_, there := dst.Entries[name]
		if _, stays := k.src.Entries[name]; !there && (stays || k.mode.keeps) {
			found = append(found, fmt.Sprintf("%q is gone", name))
		}
	}
	k.fail(found...)
}

// checkEqual compares the destination with the source. It has no name that is not there,
// and so no temporary one, but for what stays.
func (k *syncKill) checkEqual() {
	k.t.Helper()
	opt := copiertest.CompareOptions{Ignore: copiertest.Atime | copiertest.Allocated}
	if !strings.HasPrefix(k.mode.args, "-H") {
		opt.Ignore |= copiertest.Links
	}
	if k.mode.keeps {
		opt.Skip = func(name string) bool {
			_, inSrc := k.src.Entries[name]
			_, inOld := k.old.Entries[name]
			return inOld && !inSrc
		}
	}
	k.fail(copiertest.Compare(k.src, scan(k.t, filepath.Join(k.work, "dst")), opt)...)
}
