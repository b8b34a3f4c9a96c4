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

// TestOpenFiles: a sender that begins more files than it ends makes the receiver
// open a bounded number of them.
func TestOpenFiles(t *testing.T) {
	const files = 3 * maxBegun
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("descriptors can't be counted")
		}
		return len(fds)
	}
	before := count()
	a, b := memoryPair(t)
	e := ends{control: b, seed: 1, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
	ended := make(chan error, 1)
	go func() { ended <- serve(context.Background(), e, usualTiming(), wires{}.far(archive())) }()
	msg := &wire.Entries{}
	for i := range files {
		msg.Items = append(msg.Items, wire.Entry{
			Name: fmt.Appendf(nil, "%04d", i), Attr: wire.Attr{Mode: platform.ModeRegular | 0o644, Nlink: 1, Size: 1 << 20},
		})
	}
	said := say(t, &wire.Job{Push: true, Dest: []byte(t.TempDir())}, &wire.Root{IsDir: true, Lists: true, Content: true}, msg)
	asked := make(chan struct{})
	go func() {
		r := wire.NewReader(a, wire.MaxBody)
		for n := uint32(0); ; {
			msg, _, err := r.Next()
			if err != nil {
				return
			}
			if m, ok := msg.(*wire.Need); ok {
				for _, run := range m.Runs {
					if n += run.To - run.From; n == files {
						close(asked)
					}
				}
			}
		}
	}()
	a.Write(said)
	<-asked
	for i := range uint32(files) {
		h := wire.FrameHeader{Type: wire.FrameRange, ID: wire.FileID{Index: i}, Raw: 1}
		a.Write(say(t, chunk(frame(h, []byte("x")))))
	}
	time.Sleep(time.Second)
	most := count() - before
	if most > maxBegun+100 || most < maxBegun/2 {
		t.Errorf("%d descriptors are open", most)
	}
	a.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the session does not end")
	}
	if left := count() - before; left > 10 {
		t.Errorf("%d descriptors stay open", left)
	}
}

// TestNoJob: a client that only shows that it is there does not stay.
func TestNoJob(t *testing.T) {
	a, b := memoryPair(t)
	times := testTiming()
	times.idle = 300 * time.Millisecond
	e := ends{control: b, next: func(context.Context) (*stream, error) { return nil, io.EOF }}
	ended := make(chan error, 1)
	go func() { ended <- serve(context.Background(), e, times, wires{}.far(archive())) }()
	go io.Copy(io.Discard, a)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for until := time.After(5 * time.Second); ; {
		select {
		case <-tick.C:
			a.Write(say(t, &wire.Ping{}))
		case err := <-ended:
			if e, ok := err.(*Error); !ok || e.Code != CodeTimeout {
				t.Errorf("ended by %v", err)
			}
			return
		case <-until:
			t.Fatal("the session goes on")
		}
	}
}
