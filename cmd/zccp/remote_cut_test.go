//go:build linux

package main_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	main "github.com/zccp/zccp/cmd/zccp"
	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteCut cuts the connections of remote synchronisations at random bytes of either
// direction: every file is the old one or the new one, the command fails as rsync's does, and
// the same with --resume makes the destination equal to the source and leaves nothing over.
// ZCCP_TEST_CUTS is how often; 24 without it.
func TestRemoteCut(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	cuts := countFrom(t, "ZCCP_TEST_CUTS", 24)
	spread(t, cuts, func(t *testing.T, rng *rand.Rand, dir string, turns iter.Seq[int]) {
		plain, huge := newSmallKill(t, rng, binary, filepath.Join(dir, "plain")), newSmallKill(t, rng, binary, filepath.Join(dir, "huge"))
		huge.addHuge(rng)
		for _, k := range []*syncKill{plain, huge} {
			k.src, k.old = scan(t, k.path("src")), scan(t, k.path("old"))
		}
		ways := cutWays(t, binary)
		totals := map[string][2]int64{}
		codes := map[int]int{}
		for turn := range turns {
			c := remoteCut{syncKill: plain, rng: rng, way: ways[turn%len(ways)], pull: turn/len(ways)%2 == 1}
			mode := cutModes[turn/(2*len(ways))%len(cutModes)]
			if mode.huge {
				c.syncKill = huge
			}
			c.mode = mode
			key := fmt.Sprint(c.way.name, c.pull, mode.args)
			if _, ok := totals[key]; !ok {
				totals[key] = c.measure()
			}
			codes[c.cut(totals[key])]++
		}
		for _, k := range []*syncKill{plain, huge} {
			report(t, "the source changed", copiertest.Compare(k.src, scan(t, k.src.Root), copiertest.CompareOptions{Ignore: copiertest.Atime}))
		}
		t.Logf("exit codes and how often: %v", codes)
	})
}

var cutModes = []syncKillMode{
	{args: "--delete"},
	{args: "-H --delete-delay --delay-updates", aside: []string{".~tmp~"}},
	{args: "--delete --no-whole-file --resume", huge: true},
	{args: "--delete --partial-dir=.part", aside: []string{".part"}},
	{args: "--delete-before -z"},
	{args: "--resume", keeps: true, huge: true},
}

// cutWay is a way to the far end that leads through a proxy.
type cutWay struct {
	name    string
	options []string
	prefix  string // of a path there
	suffix  string
	proxy   *proxy
	// settle waits until the far end is done with a session.
	settle func() error
}

// remoteCut is a synchronisation of which the connections are cut.
type remoteCut struct {
	*syncKill
	rng  *rand.Rand
	way  cutWay
	pull bool
}

// newSmallKill makes trees below dir that take a moment to copy.
func newSmallKill(t *testing.T, rng *rand.Rand, binary, dir string) *syncKill {
	t.Helper()
	k := &syncKill{t: t, binary: binary, dir: dir, work: filepath.Join(dir, "work")}
	must(t, os.MkdirAll(k.work, 0o755))
	makeSmallTree(t, rng, k.path("src"))
	makeOldTree(t, rng, k.path("src"), k.path("old"))
	return k
}

// makeSmallTree makes a tree of some 200 names with files of all sizes that are sent in another
// way.
func makeSmallTree(t *testing.T, rng *rand.Rand, root string) {
	t.Helper()
	chacha := rand.NewChaCha8([32]byte{byte(rng.Uint32())})
	dirs := []string{root}
	for i := range 12 {
		dirs = append(dirs, filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("dir%d", i)))
	}
	for _, dir := range dirs {
		must(t, os.Mkdir(dir, 0o755))
	}
	for i := range 170 {
		size := rng.IntN(8 << 10)
		switch i {
		case 0, 1, 2, 3:
			size = []int{64 << 10, 64<<10 + 1, 700 << 10, 3 << 20}[i]
		}
		data := make([]byte, size)
		chacha.Read(data)
		if i%2 == 0 {
			copy(data[len(data)/2:], data) // so that it can be compressed
		}
		name := filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("file%d", i))
		must(t, os.WriteFile(name, data, 0o644))
		must(t, os.Chtimes(name, time.Time{}, time.Unix(1_600_000_000+rng.Int64N(1e6), rng.Int64N(1e9))))
		switch i % 20 {
		case 0:
			must(t, os.Link(name, filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("link%d", i))))
		case 1:
			must(t, os.Symlink(fmt.Sprintf("../file%d", i-1), name+".symlink"))
		}
	}
	// A time that differs in the fraction of a second only is left as it is, as by rsync.
	for i, dir := range dirs {
		must(t, os.Chtimes(dir, time.Time{}, time.Unix(1_400_000_000+int64(i), 5e8)))
	}
}

// operands are the trees, one of them at the far end.
func (c *remoteCut) operands() (src, dst string) {
	src, dst = c.src.Root+"/", filepath.Join(c.work, "dst")+"/"
	if c.pull {
		return c.way.prefix + src + c.way.suffix, dst
	}
	return src, c.way.prefix + dst + c.way.suffix
}

func (c *remoteCut) run(more ...string) ended {
	c.t.Helper()
	src, dst := c.operands()
	args := slices.Concat([]string{c.binary, "sync", "-a"}, strings.Fields(c.mode.args), more, c.way.options, []string{src, dst})
	return command{args: args, dir: c.work}.run(c.t)
}

func (c *remoteCut) settle() {
	c.t.Helper()
	if err := c.way.settle(); err != nil {
		c.fail(err.Error())
	}
}

// happened notes what is done to the run, for messages.
func (c *remoteCut) happened(what string) {
	direction := "push"
	if c.pull {
		direction = "pull"
	}
	c.about = fmt.Sprintf("%s, %s %s, %s", c.way.name, direction, c.mode.args, what)
}

// measure runs once without a cut and returns how many bytes there are in each direction.
func (c *remoteCut) measure() [2]int64 {
	c.t.Helper()
	c.happened("not cut")
	c.prepare()
	c.way.proxy.renew(nil)
	if e := c.run(); e.code != 0 {
		c.fail(fmt.Sprintf("exit code %d, stderr %.2000q", e.code, e.stderr))
	}
	c.settle()
	c.checkEqual()
	return c.way.proxy.total()
}

// position chooses a byte; as often as not one near the beginning or the end, where much is
// said in few of them.
func (c *remoteCut) position(total int64) int64 {
	near := min(total, 6000)
	switch c.rng.IntN(4) {
	case 0:
		return c.rng.Int64N(near + 1)
	case 1:
		return total - c.rng.Int64N(near+1)
	}
	return c.rng.Int64N(total + 1)
}

// cut cuts one run and returns its exit code.
func (c *remoteCut) cut(totals [2]int64) int {
	c.t.Helper()
	direction := c.rng.IntN(2)
	at := c.position(totals[direction])
	c.way.proxy.reset = c.rng.IntN(2) == 0
	c.happened(fmt.Sprintf("cut at byte %d of %d of direction %d, reset %v", at, totals[direction], direction, c.way.proxy.reset))
	c.prepare()
	c.way.proxy.renew(func(d int, offset int64, b []byte) (int, bool) {
		if d == direction && offset+int64(len(b)) >= at {
			return int(at - offset), false
		}
		return len(b), true
	})
	e := c.run()
	c.settle()
	switch {
	case e.code == 10, e.code == 12:
	case e.code == 0: // it was done
		c.checkEqual()
	default:
		c.fail(fmt.Sprintf("exit code %d, stderr %.2000q", e.code, e.stderr))
	}
	if e.code != 0 && e.stderr == "" {
		c.fail("nothing is said on stderr")
	}
	c.checkWhole()
	c.way.proxy.renew(nil)
	more := []string{}
	if !strings.Contains(c.mode.args, "--resume") {
		more = append(more, "--resume")
	}
	if e := c.run(more...); e.code != 0 {
		c.fail(fmt.Sprintf("the next run: exit code %d, stderr %.2000q", e.code, e.stderr))
	}
	c.settle()
	c.checkEqual()
	return e.code
}

// cutWays are ways to the far end with a proxy each.
func cutWays(t *testing.T, binary string) []cutWay {
	t.Helper()
	fake, err := main.LinkProgram(t.TempDir(), "fakessh")
	must(t, err)
	server := main.StartInetd(t, func() *exec.Cmd { return exec.Command(binary, "serve", "--stdio") })
	piped := startProxy(t, &proxy{to: server.Port()})
	ways := []cutWay{{
		name: "ssh", prefix: main.SSHHostName + ":", proxy: piped, settle: server.Settle,
		options: []string{"--path=ssh", fmt.Sprintf("--ssh=%s 127.0.0.1:%d", fake, piped.port())},
	}}
	keys := newDaemonKeys(t, binary)
	for _, security := range []string{"tls", "plain"} {
		d := startDaemon(t, binary, keys, daemonOptions{root: "/", plain: true})
		p := startProxy(t, &proxy{to: d.port})
		usual := d.descriptors()
		ways = append(ways, cutWay{
			name: security, prefix: strings.TrimSuffix(d.urlAt(p.port()), "/"), suffix: "?pin=" + d.pin, proxy: p,
			settle:  func() error { return d.settle(usual) },
			options: append(slices.Clone(keys.options), "--security="+security),
		})
	}
	return ways
}
