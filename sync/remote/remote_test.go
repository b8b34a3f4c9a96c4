package remote

import (
	"context"
	"path/filepath"
	"testing"
	"time"
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
	{"late", wires{streams: 2, kernel: true, late: 5 * time.Millisecond}},
}

// TestEqualsLocal compares both directions with a run on one machine: a fresh
// copy, nothing to do, and changes with deletions.
func TestEqualsLocal(t *testing.T) {
	for _, way := range ways {
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
				want := local(t, opts, filepath.Join(dir, "local"), src+"/")
				o := run(context.Background(), t, way.c, opts, filepath.Join(dir, "far"), src+"/")
				if o.client != nil || o.serv != nil {
					t.Fatalf("client: %v, server: %v", o.client, o.serv)
				}
				if got := o.rep.sorted(); got != want.sorted() {
					t.Errorf("told\n%s\nwant\n%s", got, want.sorted())
				}
				if len(o.rep.problems) > 0 {
					t.Error(o.rep.problems)
				}
				if got, want := snapshot(t, filepath.Join(dir, "far")), snapshot(t, filepath.Join(dir, "local")); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
