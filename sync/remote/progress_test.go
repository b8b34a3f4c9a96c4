package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

func TestStall(t *testing.T) {
	start := time.Unix(1000, 0)
	const patience = time.Minute
	for _, c := range []struct {
		name          string
		patience      time.Duration
		seen, claimed func(minute int) uint64
		over          int // minute at which it is first
	}{
		{"nothing", patience, func(int) uint64 { return 7 }, func(int) uint64 { return 8 }, 2},
		{"for ever", 0, func(int) uint64 { return 7 }, func(int) uint64 { return 8 }, -1},
		{"progress", patience, func(n int) uint64 { return uint64(n) }, func(int) uint64 { return 8 }, -1},
		{"progress until the tenth", patience, func(n int) uint64 { return uint64(min(n, 10)) }, func(int) uint64 { return 8 }, 12},
		{"claims", patience, func(int) uint64 { return 7 }, func(n int) uint64 { return uint64(n) }, maxClaims + 1},
		{"claims until the tenth", patience, func(int) uint64 { return 7 }, func(n int) uint64 { return uint64(min(n, 10)) }, 12},
		{"claims that go back", patience, func(int) uint64 { return 7 }, func(n int) uint64 { return uint64(100 - n) }, maxClaims + 1},
	} {
		l := stall{patience: c.patience}
		over := -1
		for n := range 100 {
			if l.over(start.Add(time.Duration(n)*time.Minute), c.seen(n), c.claimed(n)) {
				over = n
				break
			}
		}
		if over != c.over {
			t.Errorf("%s: over at minute %d, want %d", c.name, over, c.over)
		}
	}
}

// TestNoProgress: a client that says that it lives, and nothing else, does not keep its session;
// nor does one that claims to be at work, for ever.
func TestNoProgress(t *testing.T) {
	src := t.TempDir()
	for _, c := range []struct {
		name     string
		patience time.Duration
		work     uint64 // that each sign of life claims more
	}{
		{"signs of life", 200 * time.Millisecond, 0},
		{"claims of work", 20 * time.Millisecond, 1}, // how long these help, TestStall tells
	} {
		for _, job := range []*wire.Job{{Push: true, Dest: []byte(filepath.Join(t.TempDir(), "dst"))}, {Sources: [][]byte{[]byte(src + "/")}}} {
			a, b := pipePair(t)
			go io.Copy(io.Discard, a)
			times := testTiming()
			times.ping, times.linger = 10*time.Millisecond, 20*time.Millisecond
			done := make(chan error, 1)
			start := time.Now()
			go func() {
				e := ends{control: b, seed: 1, patience: c.patience, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
				done <- serve(context.Background(), e, times, wires{}.far(archive()))
			}()
			a.Write(say(t, job))
			if job.Push {
				a.Write(say(t, &wire.Root{IsDir: true, Lists: true, Content: true, Path: []byte("x")}))
			}
			var err error
			for n := uint64(0); err == nil; n += c.work {
				a.Write(say(t, &wire.Ping{Work: n}))
				select {
				case err = <-done:
				case <-time.After(5 * time.Millisecond):
				}
				if time.Since(start) > 10*time.Second {
					t.Fatalf("%s, push %v: the session goes on", c.name, job.Push)
				}
			}
			took := time.Since(start)
			if e, ok := err.(*Error); !ok || e.Code != CodeTimeout || !strings.Contains(e.Text, "no progress") || took < c.patience {
				t.Errorf("%s, push %v: ended after %v by %v", c.name, job.Push, took, err)
			}
			a.Close()
		}
	}
}

// TestSlowWork: neither end is taken for one that has stopped while it reads a large file for its
// sum, or flushes for longer than a session may be without progress.
func TestSlowWork(t *testing.T) {
	for _, c := range []struct{ pulls, slowClient bool }{{false, true}, {true, true}, {false, false}} {
		t.Run(fmt.Sprintf("pull %v, slow client %v", c.pulls, c.slowClient), func(t *testing.T) {
			t.Parallel()
			slowWork(t, c.pulls, c.slowClient)
		})
	}
}

func slowWork(t *testing.T, pulls, slowClient bool) {
	const patience = 300 * time.Millisecond
	slow := *platform.Native()
	slow.Pread = func(fd platform.FD, b []byte, off int64) (int, error) {
		time.Sleep(patience / 3)
		return platform.Native().Pread(fd, b, off)
	}
	slow.Fsync = func(fd platform.FD) error {
		time.Sleep(2 * patience)
		return platform.Native().Fsync(fd)
	}
	opts := archive()
	opts.Rules.Checksum = true
	opts.Copier.Fsync = copier.SyncData
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	os.Mkdir(src, 0o755)
	if err := os.WriteFile(filepath.Join(src, "big"), make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	calls, farCalls := platform.Native(), &slow
	if slowClient {
		calls, farCalls = farCalls, calls
	}
	var near, far Work
	c := wires{farCalls: far.Counted(farCalls)}
	a, b := c.connect(t, !pulls)
	a.own, b.own, b.patience = &near, &far, patience
	times := testTiming()
	times.ping = 10 * time.Millisecond
	served := make(chan error, 1)
	go func() { served <- serve(context.Background(), b, times, c.far(opts)) }()
	m := mirror.New(near.Counted(calls), opts, &told{})
	start := time.Now()
	var err error
	if pulls {
		job := &wire.Job{Sources: [][]byte{[]byte(src + "/")}}
		_, err = pull(context.Background(), met(a), times, startMirror(m), m.Stats, job, dst, &told{})
	} else {
		job := &wire.Job{Push: true, Dest: []byte(dst)}
		_, err = push(context.Background(), met(a), times, m, m.Calls(), m.Copier(), m.Counters(), job, []string{src + "/"}, &told{})
	}
	if err2 := <-served; err != nil || err2 != nil {
		t.Errorf("client %v, server %v", err, err2)
	}
	if took := time.Since(start); took < patience {
		t.Errorf("%v is too short for this test", took)
	}
}

// TestNamesHeld: a receiver that is never done with a directory does not make the sender keep all
// names there are.
func TestNamesHeld(t *testing.T) {
	src := t.TempDir()
	for i := range 50 {
		dir := filepath.Join(src, string(rune('a'+i%26))+strings.Repeat("x", i/26))
		os.Mkdir(dir, 0o755)
		for j := range 20 {
			os.WriteFile(filepath.Join(dir, strings.Repeat("f", j+1)), nil, 0o644)
		}
	}
	for _, c := range []struct {
		names int
		held  bool
	}{{0, false}, {10_000, false}, {1000, true}} {
		a, b := pipePair(t)
		e := ends{control: b, seed: 1, maxNames: c.names, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
		done := make(chan error, 1)
		go func() { done <- serve(context.Background(), e, testTiming(), wires{}.far(archive())) }()
		a.Write(say(t, &wire.Job{Sources: [][]byte{[]byte(src + "/")}}))
		r := wire.NewReader(a, 0)
		entries, fatal := 0, ""
		for fatal == "" {
			msg, _, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			switch m := msg.(type) {
			case *wire.Entries:
				entries += len(m.Items)
			case *wire.WalkEnd:
				fatal = "none"
			case *wire.Fatal:
				fatal = m.Text
			}
		}
		a.Close()
		<-done
		if (fatal != "none") != c.held || c.held && !strings.Contains(fatal, "more than 1000 names") {
			t.Errorf("bound %d: %d names were told, then %s", c.names, entries, fatal)
		}
	}
}
