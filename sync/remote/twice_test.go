package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// TestSameIndexTwice: two names that a sender gives one number leave nothing
// open behind the session.
func TestSameIndexTwice(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("descriptors can't be counted")
		}
		return len(fds)
	}
	before := count()
	for round := range 5 {
		dst := t.TempDir()
		a, b := memoryPair(t)
		e := ends{control: b, seed: 1, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
		ended := make(chan error, 1)
		go func() { ended <- serve(context.Background(), e, testTiming(), wires{}.far(archive())) }()
		asked := make(chan struct{}, 100)
		go func() {
			r := wire.NewReader(a, wire.MaxBody)
			for {
				msg, _, err := r.Next()
				if err != nil {
					return
				}
				switch msg.(type) {
				case *wire.Need, *wire.Problem, *wire.Fatal:
					asked <- struct{}{}
				}
			}
		}()
		entry := func(i int) *wire.Entries {
			return &wire.Entries{Items: []wire.Entry{{
				Name: fmt.Appendf(nil, "%d", i), Attr: wire.Attr{Mode: platform.ModeRegular | 0o644, Nlink: 1, Size: 1 << 20},
			}}}
		}
		a.Write(say(t, &wire.Job{Push: true, Dest: []byte(dst)}, &wire.Root{IsDir: true, Lists: true, Content: true}, entry(0)))
		<-asked
		a.Write(say(t, chunk(frame(wire.FrameHeader{Type: wire.FrameRange, Raw: 1}, []byte("x")))))
		time.Sleep(50 * time.Millisecond)
		a.Write(say(t, entry(1)))
		<-asked
		a.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the session does not end")
		}
		if left, _ := os.ReadDir(dst); len(left) > 0 {
			t.Errorf("round %d: %v stays", round, left)
		}
	}
	if left := count() - before; left > 1 {
		t.Errorf("%d descriptors stay open", left)
	}
}
