package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// offering tells when all that is offered has been listed.
type offering struct {
	*mirror.Mirror
	listed chan struct{}
}

func (o *offering) Offer(ctx context.Context, sources []string, sink mirror.Sink) error {
	defer close(o.listed)
	return o.Mirror.Offer(ctx, sources, sink)
}

// TestWalkAhead: the sources are listed while the connection is being made, and
// nothing is left of that if it is not. What is listed by then comes after the job.
func TestWalkAhead(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	const files = 3000 // whose names are more than queueRoom
	for i := range files {
		sub := filepath.Join(src, fmt.Sprint(i/1000))
		if err := errors.Join(os.MkdirAll(sub, 0o755), os.WriteFile(filepath.Join(sub, fmt.Sprintf("%d%0200d", i, 0)), []byte("content"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	before := runtime.NumGoroutine()
	errNobody := errors.New("nobody there")
	for _, fails := range []bool{true, false} {
		m := mirror.New(platform.Native(), archive(), &told{})
		o := &offering{m, make(chan struct{})}
		a, b := wires{streams: 2}.connect(t, true)
		meet := func(context.Context, []byte) (ends, error) {
			select {
			case <-o.listed:
			case <-time.After(10 * time.Second):
				t.Error("the walk waits for a connection")
			}
			if fails {
				return ends{}, errNobody
			}
			a.jobless = true
			return a, nil
		}
		done := make(chan error, 1)
		if !fails {
			go func() { done <- serve(context.Background(), b, testTiming(), wires{}.far(archive())) }()
		}
		job := &wire.Job{Push: true, Dest: []byte(dst)}
		_, err := push(context.Background(), meet, testTiming(), o, m.Calls(), m.Copier(), m.Counters(), job, []string{src + "/"}, &told{})
		if fails {
			if err != errNobody {
				t.Errorf("without a connection: %v", err)
			}
			noneLeft(t, before)
			continue
		}
		if far := <-done; err != nil || far != nil {
			t.Errorf("%v, %v", err, far)
		}
		if snapshot(t, src) != snapshot(t, dst) {
			t.Error("the trees differ")
		}
	}
}
