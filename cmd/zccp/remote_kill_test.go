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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	main "github.com/zccp/zccp/cmd/zccp"
	"github.com/zccp/zccp/copier/copiertest"
)

// TestRemoteKill ends one end of remote synchronisations at random moments, by SIGKILL and by
// signals that ask: the other end notices and ends, every file is the old one or the new one,
// an end that was asked leaves nothing half done, and the same run again makes the destination
// equal to the source. ZCCP_TEST_REMOTE_KILLS is how often; 24 without it.
func TestRemoteKill(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	kills := countFrom(t, "ZCCP_TEST_REMOTE_KILLS", 24)
	spread(t, kills, func(t *testing.T, rng *rand.Rand, dir string, turns iter.Seq[int]) {
		k := newSmallKill(t, rng, binary, filepath.Join(dir, "trees"))
		k.addHuge(rng)
		k.src, k.old = scan(t, k.path("src")), scan(t, k.path("old"))
		victims := newKillWays(t, binary)
		takes := map[string]time.Duration{}
		for turn := range turns {
			c := remoteKill{remoteCut: remoteCut{syncKill: k, rng: rng, way: victims[turn%len(victims)].cutWay, pull: turn/len(victims)%2 == 1}}
			c.pidFile = victims[turn%len(victims)].pidFile
			c.mode = syncKillMode{args: "--delete"}
			if turn/(2*len(victims))%2 == 1 {
				c.mode.args += " --resume"
			}
			key := fmt.Sprint(c.way.name, c.pull)
			if takes[key] == 0 {
				start := time.Now()
				c.measure()
				takes[key] = time.Since(start)
			}
			c.kill(time.Duration(rng.Int64N(int64(takes[key]))))
		}
		report(t, "the source changed", copiertest.Compare(k.src, scan(t, k.src.Root), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	})
}

// TestRemoteKillResume kills a receiver: what has arrived of a large file is there to go on
// with, and what is left of another that lives is not.
func TestRemoteKillResume(t *testing.T) {
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	must(t, os.Mkdir(src, 0o755))
	makeData(t, filepath.Join(src, "large"), 80<<20)
	way := newKillWays(t, binary)[0]
	pull := func(more ...string) command {
		return command{args: slices.Concat([]string{binary, "sync", "-a", "--resume", "--stats"}, way.options, more, []string{way.prefix + src + "/", dst})}
	}
	slow := pull("--bwlimit=20m")
	cmd := exec.Command(slow.args[0], slow.args[1:]...)
	must(t, cmd.Start())
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dst, ".zccp-*")); len(found) == 1 {
			if info, err := os.Stat(found[0]); err == nil && info.Size() >= 16<<20 {
				break
			}
		}
		if _, err := os.Stat(filepath.Join(dst, "large")); err == nil || time.Since(begun) > time.Minute {
			cmd.Process.Kill()
			t.Fatal("it ended before it was killed, or never began")
		}
	}
	must(t, cmd.Process.Kill())
	cmd.Wait()
	must(t, way.settle())
	matched := func(e ended) int64 {
		t.Helper()
		if e.code != 0 {
			t.Fatalf("exit code %d, stderr %q", e.code, e.stderr)
		}
		_, rest, _ := strings.Cut(e.stdout, "Matched data: ")
		number, _, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64)
		must(t, err)
		return n
	}
	left := litter(t, dst)
	if len(left) != 1 {
		t.Fatalf("left over: %q", left)
	}
	alive, err := os.Open(left[0])
	must(t, err)
	must(t, syscall.Flock(int(alive.Fd()), syscall.LOCK_EX))
	if n := matched(pull().run(t)); n != 0 {
		t.Errorf("%d bytes were taken from a file that another run writes", n)
	}
	must(t, alive.Close())
	must(t, os.Remove(filepath.Join(dst, "large")))
	if n := matched(pull().run(t)); n < 10<<20 {
		t.Errorf("%d bytes were taken from what was left", n)
	}
	if d := differenceOf(t, filepath.Join(src, "large"), filepath.Join(dst, "large")); d != "" {
		t.Error(d)
	}
	report(t, "left over", litter(t, dst))
}

// killWay is a way to the far end of which a server writes its process number to a file.
type killWay struct {
	cutWay
	pidFile string
}

func newKillWays(t *testing.T, binary string) []killWay {
	t.Helper()
	fake, err := main.LinkProgram(t.TempDir(), "fakessh")
	must(t, err)
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "pid")
	script := writeScript(t, filepath.Join(dir, "serve"), "echo $$ > "+pidFile+"\nexec "+binary+" serve --stdio")
	server := main.StartInetd(t, func() *exec.Cmd {
		cmd := exec.Command(script)
		cmd.Env = append(os.Environ(), "SSH_CONNECTION=127.0.0.1 1 127.0.0.1 22")
		return cmd
	})
	p := startProxy(t, &proxy{to: server.Port()})
	way := cutWay{
		name: "ssh", prefix: main.SSHHostName + ":", proxy: p, settle: server.Settle,
		options: []string{"--path=ssh", fmt.Sprintf("--ssh=%s 127.0.0.1:%d", fake, p.port())},
	}
	direct := way
	direct.name, direct.options = "direct", way.options[1:]
	return []killWay{{way, pidFile}, {direct, pidFile}}
}

type remoteKill struct {
	remoteCut
	pidFile string
}

// kill ends one end after a time.
func (c *remoteKill) kill(moment time.Duration) {
	c.t.Helper()
	client := c.rng.IntN(2) == 0
	sig := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM}[c.rng.IntN(4)]
	who := map[bool]string{true: "client", false: "server"}[client]
	c.happened(fmt.Sprintf("%v to the %s after %v", sig, who, moment))
	c.prepare()
	c.way.proxy.renew(nil)
	os.Remove(c.pidFile)
	src, dst := c.operands()
	cmd := command{args: slices.Concat([]string{c.binary, "sync", "-a"}, strings.Fields(c.mode.args), c.way.options, []string{src, dst}), dir: c.work}
	var hit time.Time
	done := make(chan struct{})
	go func() {
		defer close(done)
		if client {
			return
		}
		time.Sleep(moment)
		for range 1000 {
			b, _ := os.ReadFile(c.pidFile)
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
				hit = time.Now()
				syscall.Kill(pid, sig)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if client {
		cmd.killAfter, cmd.signal = max(1, moment), sig
	}
	e := cmd.run(c.t)
	<-done
	after := e.after
	if !client {
		after = time.Since(hit)
	}
	settled := time.Now()
	c.settle()
	switch {
	case after > 5*time.Second || time.Since(settled) > 5*time.Second:
		c.fail(fmt.Sprintf("it went on for %v, and the far end for %v more", after, time.Since(settled)))
	case client && sig == syscall.SIGKILL && e.signal == sig:
	case client && e.signal == sig: // before it had begun
		c.fail(copiertest.Compare(c.old, scan(c.t, filepath.Join(c.work, "dst")), copiertest.CompareOptions{Ignore: copiertest.Atime | copiertest.Allocated})...)
	case e.code == 0:
		c.checkEqual()
	case client && e.code != 20, !client && !slices.Contains([]int{10, 12, 20}, e.code):
		c.fail(fmt.Sprintf("exit code %d, stderr %.2000q", e.code, e.stderr))
	}
	c.checkWhole()
	if sig != syscall.SIGKILL && !strings.Contains(c.mode.args, "--resume") {
		if found := litter(c.t, filepath.Join(c.work, "dst")); found != nil {
			c.fail("left over: " + strings.Join(found, " "))
		}
	}
	if e := c.run(); e.code != 0 {
		c.fail(fmt.Sprintf("the next run: exit code %d, stderr %.2000q", e.code, e.stderr))
	}
	c.settle()
	c.checkEqual()
}
