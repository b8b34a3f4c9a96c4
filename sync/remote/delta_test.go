package remote

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/delta"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// content is n bytes that follow from seed.
func content(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// edits are what became of the files of resembling.
func edits() map[string]func(old []byte) []byte {
	change := func(at ...int) func(old []byte) []byte {
		return func(old []byte) []byte {
			b := bytes.Clone(old)
			for _, i := range at {
				b[i%len(b)] ^= 1
			}
			return b
		}
	}
	return map[string]func(old []byte) []byte{
		"first":    change(0),
		"some":     change(5, 100_000, 100_001, 1_500_000),
		"inserted": func(old []byte) []byte { return append([]byte{1}, old...) },
		"appended": func(old []byte) []byte { return append(bytes.Clone(old), content(70_000, 9)...) },
		"cut":      func(old []byte) []byte { return bytes.Clone(old[:1_200_000]) },
		"zeros":    func(old []byte) []byte { return make([]byte, len(old)) },
		"other":    func(old []byte) []byte { return content(len(old), 8) },
		"halves":   func(old []byte) []byte { return slices.Concat(old[1_000_000:], old[:1_000_000]) },
	}
}

const resemblingSize = 2_100_000

// resembling makes files that resemble those of the destination.
func resembling(t *testing.T, src, dst string) {
	t.Helper()
	for _, dir := range []string{src, dst} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	seed := byte(0)
	for name, edit := range edits() {
		old := content(resemblingSize, seed)
		seed++
		for path, b := range map[string][]byte{filepath.Join(dst, name): old, filepath.Join(src, name): edit(old)} {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := os.Create(filepath.Join(src, "holes"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	old := content(resemblingSize, 100)
	if err := os.WriteFile(filepath.Join(dst, "holes"), old, 0o644); err != nil {
		t.Fatal(err)
	}
	f.WriteAt(old[:500_000], 0)
	f.WriteAt(old[1_800_000:], 1_800_000)
}

// deltas are the options of a run that sends what differs.
func deltas() mirror.Options {
	o := archive()
	o.WholeFile = false
	return o
}

// fewWays leaves out ways that differ in the control channel only.
func fewWays() (list []int) {
	for i, w := range ways {
		if w.name != "memory" && w.name != "sockets" && w.name != "one stream" {
			list = append(list, i)
		}
	}
	return list
}

// counted counts what a stream delivers.
type counted struct {
	conn
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// TestDelta: files become what they are at the source, with little on the wire.
func TestDelta(t *testing.T) {
	for _, i := range fewWays() {
		way := ways[i]
		for _, pulls := range []bool{false, true} {
			for _, inPlace := range []bool{false, true} {
				if testing.Short() && inPlace == pulls {
					continue
				}
				t.Run(fmt.Sprintf("%s %v %v", way.name, pulls, inPlace), func(t *testing.T) {
					dir := t.TempDir()
					src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
					resembling(t, src, dst)
					opts := deltas()
					opts.InPlace = inPlace
					opts.Rules.IgnoreTimes = true
					c := way.c
					if inPlace {
						c.words = append(slices.Clone(c.words), "--inplace")
					}
					var n atomic.Int64
					c.wrap = func(s conn) conn { return counted{s, &n} }
					run := runPush
					if pulls {
						run = runPull
					}
					o := run(t.Context(), t, c, opts, dst, src+"/")
					if o.client != nil || o.serv != nil || len(o.rep.problems) > 0 {
						t.Fatalf("client: %v, server: %v, %v", o.client, o.serv, o.rep.problems)
					}
					if got, want := snapshot(t, dst), snapshot(t, src); got != want {
						t.Errorf("got\n%s\nwant\n%s", got, want)
					}
					limit := int64(2*resemblingSize + 300_000) // all of two files
					if inPlace {                               // what was moved has to be sent
						limit += 2 * resemblingSize
					}
					if c.streams > 0 && c.late == 0 && n.Load() > limit {
						t.Errorf("%d bytes on the streams, at most %d expected", n.Load(), limit)
					}
				})
			}
		}
	}
}

// meddling is an engine whose destination is changed before the first piece of a
// file arrives.
type meddling struct {
	engine
	once   sync.Once
	change func()
}

func (m *meddling) Begin(id wire.FileID) (arrival, error) {
	m.once.Do(m.change)
	return m.engine.Begin(id)
}

// TestDeltaBasisChanges: a file is sent as a whole of whose basis the sums don't
// hold any more.
func TestDeltaBasisChanges(t *testing.T) {
	for _, i := range fewWays() {
		way := ways[i]
		for name, change := range map[string]func(path string) error{
			"a byte": func(path string) error {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = f.WriteAt([]byte{0x99, 0x99, 0x99}, 700_000)
				return err
			},
			"cut": func(path string) error { return os.Truncate(path, 1_000_000) },
		} {
			for _, verify := range []copier.Hash{copier.NoHash, copier.XXH3} {
				t.Run(way.name+" "+name, func(t *testing.T) {
					dir := t.TempDir()
					src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
					old := content(resemblingSize, 1)
					want := edits()["some"](old)
					for path, b := range map[string][]byte{src: want, dst: old} {
						if err := os.WriteFile(path, b, 0o644); err != nil {
							t.Fatal(err)
						}
					}
					opts := deltas()
					opts.Rules.IgnoreTimes, opts.Copier.Verify = true, verify
					job := &wire.Job{Push: true, Dest: []byte(dst)}
					if verify != copier.NoHash {
						job.Words = []string{"--verify"}
					}
					var m *meddling
					serving := func(job *wire.Job, rep mirror.Reporter) (*served, error) {
						v, err := way.c.far(opts)(job, rep)
						start := v.start
						v.start = func(ctx context.Context, root *wire.Root, dst string, peer mirror.Peer) (engine, error) {
							e, err := start(ctx, root, dst, peer)
							m = &meddling{engine: e, change: func() {
								if err := change(dst); err != nil {
									t.Error(err)
								}
							}}
							return m, err
						}
						return v, err
					}
					a, b := way.c.connect(t, true)
					done := make(chan struct{})
					var served error
					go func() {
						defer close(done)
						served = serve(context.Background(), b, testTiming(), serving)
					}()
					rep := &told{}
					mi := mirror.New(platform.Native(), opts, rep)
					_, err := push(t.Context(), met(a), testTiming(), mi, mi.Calls(), mi.Copier(), mi.Counters(), job, []string{src}, rep)
					await(t, done)
					if err != nil || served != nil || len(rep.problems) > 0 {
						t.Fatalf("client: %v, server: %v, %v", err, served, rep.problems)
					}
					if m == nil {
						t.Fatal("nothing was changed")
					}
					if got, err := os.ReadFile(dst); err != nil || !bytes.Equal(got, want) {
						t.Errorf("the file has %d bytes (%v)", len(got), err)
					}
				})
			}
		}
	}
}

// TestDeltaHostile: what a peer may not say of deltas ends the session.
func TestDeltaHostile(t *testing.T) {
	id := wire.FileID{Dir: 1, Index: 2}
	block := uint32(delta.Block(0))
	sender := func() *deltaSender {
		d := &sender{parked: map[wire.FileID]*sending{}}
		d.delta = newDeltaSender(d)
		return d.delta
	}
	expecting := func() *deltaSender {
		x := sender()
		if err := x.expect(1, wire.Run{From: 2, To: 3, Action: wire.Delta}); err != nil {
			t.Fatal(err)
		}
		return x
	}
	receiver := func() *deltaReceiver {
		x := newDeltaReceiver(nil)
		x.files[id] = &basisFile{id: id, fd: 0, size: 3 * int64(block), block: int64(block)}
		return x
	}
	for name, err := range map[string]error{
		"not asked for":    sender().message(&wire.Signature{ID: id, Block: block, Last: true}),
		"not parked":       sender().message(&wire.Signature{ID: id, Block: block, Last: true}),
		"no signature":     expecting().message(&wire.Signature{ID: id, Size: 5, Block: block, Last: true}),
		"fine at once":     expecting().message(&wire.Fine{ID: id, Sums: make([]uint64, 16), Last: true}),
		"asked for twice":  expecting().expect(1, wire.Run{From: 2, To: 3}),
		"too many":         expecting().expect(2, wire.Run{From: 0, To: maxExpected}),
		"another's basis":  receiver().refine(&wire.Refine{ID: wire.FileID{}, Block: delta.FineBlock, Last: true}),
		"another size":     receiver().refine(&wire.Refine{ID: id, Block: 512, Last: true}),
		"behind the end":   receiver().refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{3}, Last: true}),
		"far behind it":    receiver().refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{1<<32 - 1}, Last: true}),
		"blocks not there": receiver().refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{1, 1}, Last: true}),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	x := receiver()
	if err := x.refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{1}}); err != nil {
		t.Error(err)
	}
	if x.refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{0}}) == nil {
		t.Error("blocks that fall: taken")
	}
	if err := x.refine(&wire.Refine{ID: id, Block: delta.FineBlock, Blocks: []uint32{2}, Last: true}); err != nil {
		t.Error(err)
	}
	if x.refine(&wire.Refine{ID: id, Block: delta.FineBlock, Last: true}) == nil {
		t.Error("more after the last: taken")
	}
}
