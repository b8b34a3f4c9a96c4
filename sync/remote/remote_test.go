package remote

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/mirror"
)

var ways = []struct {
	name string
	c    wires
}{
	{"pipe", wires{}},
	{"memory", wires{control: memoryPair}},
	{"sockets", wires{control: socketPair}},
	{"one stream", wires{streams: 1}},
	{"three streams", wires{streams: 3}},
	{"kernel", wires{streams: 2, kernel: true}},
	{"plain", wires{streams: 2, plain: true}},
	{"plain kernel", wires{streams: 2, plain: true, kernel: true}},
	{"compressed pipe", wires{words: []string{"--compress"}}},
	{"compressed plain", wires{streams: 2, plain: true, kernel: true, words: []string{"--compress"}}},
	{"late", wires{streams: 2, kernel: true, late: 5 * time.Millisecond}},
}

// TestEqualsLocal compares both directions with a run on one machine: a fresh
// copy, nothing to do, and changes with deletions.
func TestEqualsLocal(t *testing.T) {
	for i, way := range ways {
		if testing.Short() && !slices.Contains(fewWays(), i) {
			continue
		}
		for _, pulls := range []bool{false, true} {
			name := way.name + " push"
			run := runPush
			if pulls {
				name, run = way.name+" pull", runPull
			}
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				src := makeTree(t, filepath.Join(dir, "src"), 1)
				opts := archive()
				opts.HardLinks = true
				both := func(what string) {
					t.Helper()
					r, want := localRun(t, opts, filepath.Join(dir, "local"), src+"/")
					before := runtime.NumGoroutine()
					o := run(context.Background(), t, way.c, opts, filepath.Join(dir, "far"), src+"/")
					if o.client != nil || o.serv != nil {
						t.Fatalf("%s: client: %v, server: %v", what, o.client, o.serv)
					}
					if got, want := o.rep.sorted(), r.sorted(); got != want {
						t.Errorf("%s: told %s", what, difference(got, want))
					}
					if len(o.rep.problems) > 0 {
						t.Error(what, o.rep.problems)
					}
					if o.stats.Files != want.Files || o.stats.Transferred != want.Transferred || o.stats.TotalSize != want.TotalSize ||
						o.stats.Created != want.Created || o.stats.Deleted != want.Deleted {
						t.Errorf("%s: totals\n%+v, want\n%+v", what, o.stats, want)
					}
					if got, want := snapshot(t, filepath.Join(dir, "far")), snapshot(t, filepath.Join(dir, "local")); got != want {
						t.Errorf("%s: at the destination %s", what, difference(got, want))
					}
					noneLeft(t, before)
				}
				both("fresh")
				both("no change")
				change(t, src)
				opts.Delete = mirror.DeleteDuring
				both("changes")
			})
		}
	}
}

// noneLeft fails if goroutines were started that do not end.
func noneLeft(t *testing.T, before int) {
	t.Helper()
	var now int
	for range 200 {
		if now = runtime.NumGoroutine(); now <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", now, before, buf[:runtime.Stack(buf, true)])
}

// change alters, adds and removes some of a tree of makeTree.
func change(t *testing.T, src string) {
	t.Helper()
	for _, err := range []error{
		os.WriteFile(filepath.Join(src, "d1/x/f3"), []byte("other"), 0o644),
		os.WriteFile(filepath.Join(src, "s8"), bytes.Repeat([]byte("text that shrinks "), 200_000), 0o644),
		os.Remove(filepath.Join(src, "s1")),
		os.RemoveAll(filepath.Join(src, "d3")),
		os.Mkdir(filepath.Join(src, "new"), 0o700),
		os.WriteFile(filepath.Join(src, "new/a"), nil, 0o644),
		os.Chmod(filepath.Join(src, "d2/xx/f1"), 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// cutter lets so many bytes pass in all.
type cutter struct {
	left atomic.Int64
	cut  atomic.Bool // somebody wanted more
}

// read reads into b what may pass, and closes c where that is nothing. What one
// may still read is taken from what the others may.
func (k *cutter) read(c io.ReadCloser, b []byte) (int, error) {
	for {
		left := k.left.Load()
		if left <= 0 {
			k.cut.Store(true)
			c.Close()
			return 0, io.EOF
		}
		if want := min(int64(len(b)), left); k.left.CompareAndSwap(left, left-want) {
			n, err := c.Read(b[:want])
			k.left.Add(want - int64(n))
			return n, err
		}
	}
}

// cutConn is a connection that is cut.
type cutConn struct {
	conn
	by *cutter
}

func (c cutConn) Read(b []byte) (int, error) { return c.by.read(c.conn, b) }

// cutControl is a control channel that is cut.
type cutControl struct {
	io.ReadWriteCloser
	by *cutter
}

func (c cutControl) Read(b []byte) (int, error) { return c.by.read(c.ReadWriteCloser, b) }

// TestCut cuts the control channel, in both directions, and the streams at
// sampled bytes. Whatever is at the destination then is whole.
func TestCut(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	small := makeTree(t, src, 2)
	want := lines(snapshot(t, small))
	positions := 12
	if testing.Short() {
		positions = 3
	}
	const (
		fromServer = iota
		fromClient
		data
	)
	cases := []struct {
		name  string
		c     wires
		what  int
		bytes int64
	}{
		{"pipe, from the client", wires{}, fromClient, 8 << 20},
		{"pipe, from the server", wires{}, fromServer, 800},
		{"streams, from the client", wires{streams: 2}, fromClient, 20 << 10},
		{"streams, from the server", wires{streams: 2, kernel: true}, fromServer, 800},
		{"streams", wires{streams: 2}, data, 8 << 20},
		{"plain kernel streams", wires{streams: 2, plain: true, kernel: true}, data, 8 << 20},
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for i := range positions {
				at := rng.Int64N(c.bytes)
				if i < 3 {
					at = int64(i * 30)
				}
				by := &cutter{}
				by.left.Store(at)
				w := c.c
				switch c.what {
				case data:
					w.wrap = func(s conn) conn { return cutConn{s, by} }
				default:
					w.control = func(t *testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) {
						a, b := pipePair(t)
						if c.what == fromServer {
							return cutControl{a, by}, b
						}
						return a, cutControl{b, by}
					}
				}
				before := runtime.NumGoroutine()
				begun := time.Now()
				dst := filepath.Join(dir, "dst")
				o := runPush(context.Background(), t, w, archive(), dst, src+"/")
				if took := time.Since(begun); took > 10*time.Second {
					t.Errorf("cut at %d: took %v", at, took)
				}
				if by.cut.Load() && o.client == nil && o.serv == nil {
					t.Errorf("cut at %d: client: %v, server: %v", at, o.client, o.serv)
				}
				if e, ok := o.client.(*Error); o.client != nil && (!ok || e.Code != CodeProtocol && e.Code != CodeSocket) {
					t.Errorf("cut at %d: client: %v", at, o.client)
				}
				if _, err := os.Stat(dst); err == nil {
					whole(t, snapshot(t, dst), want)
				}
				noneLeft(t, before)
				os.RemoveAll(dst)
			}
		})
	}
}

func lines(s string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(s) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[name] = rest
	}
	return m
}

// whole fails if a file is not what it is at the source. Directories that are
// not sealed yet have other attributes.
func whole(t *testing.T, got string, want map[string]string) {
	t.Helper()
	for name, rest := range lines(got) {
		w, ok := want[name]
		if !ok || !strings.HasPrefix(rest, "d") && strings.TrimSuffix(rest, w) != "" && cutLinks(rest) != cutLinks(w) {
			t.Errorf("%s is %s, want %s", name, rest, w)
		}
	}
}

// cutLinks leaves out which other names a file has.
func cutLinks(s string) string {
	s, _, _ = strings.Cut(s, " = ")
	return s
}
