package mirror

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// countingPeer counts what is asked for and sends nothing.
type countingPeer struct{ needs atomic.Int64 }

func (p *countingPeer) Need(wire.FileID, int64)              { p.needs.Add(1) }
func (p *countingPeer) NeedDelta(wire.FileID, int64, *Basis) { p.needs.Add(1) }
func (p *countingPeer) Flush()                               {}
func (p *countingPeer) DirDone(uint32)                       {}
func (p *countingPeer) Remove(wire.FileID)                   {}

// TestOutstanding: no more is asked for than the bound and the portions at hand,
// though all listings are there before anything arrives.
func TestOutstanding(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := New(platform.Native(), archive(), &told{})
	peer := &countingPeer{}
	root := &wire.Root{IsDir: true, Content: true, Lists: true, Path: []byte("src")}
	r, err := m.Receive(ctx, root, filepath.Join(t.TempDir(), "dst"), peer)
	if err != nil {
		t.Fatal(err)
	}
	const portion, portions = 500, 120
	var done atomic.Int64
	for i := range portions {
		msg := &wire.Entries{First: uint32(i * portion)}
		for k := range portion {
			msg.Items = append(msg.Items, wire.Entry{
				Name: fmt.Appendf(nil, "f%06d", i*portion+k), Attr: wire.Attr{Mode: platform.ModeRegular | 0o644, Nlink: 1, Size: 5},
			})
		}
		if err := r.Entries(msg, func() { done.Add(1) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DirEnd(&wire.DirEnd{Count: portion * portions}, func() {}); err != nil {
		t.Fatal(err)
	}
	if err := r.WalkEnd(&wire.WalkEnd{Dirs: 1}); err != nil {
		t.Fatal(err)
	}
	most := int64(maxOutstanding + 4*portion)
	for peer.needs.Load() <= maxOutstanding {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	if n := peer.needs.Load(); n > most {
		t.Errorf("%d files are asked for, at most %d expected", n, most)
	}
	if done.Load() == portions {
		t.Error("all listings are worked off")
	}
	cancel()
	r.Wait()
	if done.Load() != portions {
		t.Errorf("%d portions of %d were given back", done.Load(), portions)
	}
}
