package remote

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// TestDeltaCut cuts the channels while files are compared: each file is the old
// one or the new one, nothing stays open, and a second run finishes.
func TestDeltaCut(t *testing.T) {
	dir := t.TempDir()
	src, old := filepath.Join(dir, "src"), filepath.Join(dir, "old")
	resembling(t, src, old)
	positions := 12
	if testing.Short() {
		positions = 2
	}
	opts := deltas()
	opts.Rules.IgnoreTimes = true
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name        string
		c           wires
		server, wrp bool
		bytes       int64
	}{
		{"from the client", wires{streams: 2}, false, false, 10 << 10},
		{"from the server", wires{streams: 2, kernel: true}, true, false, 20 << 10},
		{"pipe, from the client", wires{}, false, false, 5 << 20},
		{"streams", wires{streams: 2, kernel: true}, false, true, 5 << 20},
		{"plain streams", wires{streams: 2, plain: true}, false, true, 5 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			finished := 0
			for i := range positions {
				at := rng.Int64N(c.bytes)
				if i%2 == 0 {
					at = rng.Int64N(c.bytes / 10)
				}
				by := &cutter{}
				by.left.Store(at)
				w := c.c
				if c.wrp {
					w.wrap = func(s conn) conn { return cutConn{s, by} }
				} else {
					w.control = func(t *testing.T) (io.ReadWriteCloser, io.ReadWriteCloser) {
						a, b := pipePair(t)
						if c.server {
							return cutControl{a, by}, b
						}
						return a, cutControl{b, by}
					}
				}
				dst := filepath.Join(dir, "dst")
				if err := os.CopyFS(dst, os.DirFS(old)); err != nil {
					t.Fatal(err)
				}
				before := runtime.NumGoroutine()
				var log, far platformtest.Log
				w.calls, w.farCalls = log.Wrap(platform.Native()), far.Wrap(platform.Native())
				o := runPush(context.Background(), t, w, opts, dst, src+"/")
				if o.client == nil && o.serv == nil {
					if finished++; by.cut.Load() {
						t.Errorf("cut at %d and nobody noticed", at)
					}
				}
				if open := append(log.Open(), far.Open()...); len(open) > 0 {
					t.Errorf("cut at %d: left open %q", at, open)
				}
				noneLeft(t, before)
				entries, err := os.ReadDir(dst)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range entries {
					got, err1 := os.ReadFile(filepath.Join(dst, e.Name()))
					was, err2 := os.ReadFile(filepath.Join(old, e.Name()))
					now, err3 := os.ReadFile(filepath.Join(src, e.Name()))
					if err1 != nil || err2 != nil || err3 != nil || !bytes.Equal(got, was) && !bytes.Equal(got, now) {
						t.Errorf("cut at %d: %s has %d bytes, neither the old nor the new ones; %v", at, e.Name(), len(got), err2)
					}
				}
				if i == 0 {
					if o := runPush(context.Background(), t, c.c, opts, dst, src+"/"); o.client != nil || o.serv != nil {
						t.Fatal(o.client, o.serv)
					}
					if got, want := snapshot(t, dst), snapshot(t, src); got != want {
						t.Errorf("got\n%s\nwant\n%s", got, want)
					}
				}
				os.RemoveAll(dst)
			}
			if finished == positions {
				t.Error("nothing was ever cut")
			}
		})
	}
}
