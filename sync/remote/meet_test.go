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
	"github.com/zccp/zccp/sync/link"
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

// TestJobless: a job that the link has not sent with its Hello is the session's to
// send.
func TestJobless(t *testing.T) {
	for _, begun := range []bool{false, true} {
		meet := Meet(func(context.Context, []byte) (*link.Link, error) { return &link.Link{Begun: begun}, nil })
		if e, err := meet.by(new(Work))(t.Context(), nil); err != nil || e.jobless == begun {
			t.Errorf("begun %v: jobless %v, %v", begun, e.jobless, err)
		}
	}
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

// TestEarly: what a client says before the server is ready is bounded, but for one
// message that is long by itself.
func TestEarly(t *testing.T) {
	v := &server{}
	for _, size := range []int{100, 9 << 20} {
		if err := v.message(&wire.DirEnd{}, size); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if err := v.message(&wire.DirEnd{}, 100); err == nil {
		t.Error("there is no bound")
	}
}

// TestLongJob: a job may take longer than an end may be silent, if it moves; one that
// lives and says nothing does not keep its place.
func TestLongJob(t *testing.T) {
	times := timing{ping: 10 * time.Millisecond, idle: 200 * time.Millisecond, linger: 50 * time.Millisecond, totals: time.Second}
	refused := errors.New("not this one")
	open := func(*wire.Job, mirror.Reporter) (*served, error) { return nil, refused }
	long := say(t, &wire.Job{Words: []string{string(make([]byte, 200<<10))}})
	for _, said := range [][]byte{long, say(t, &wire.Ping{})} {
		a, b := pipePair(t)
		done := make(chan error, 1)
		begun := time.Now()
		go func() { done <- serve(context.Background(), ends{control: b}, times, open) }()
		go func() {
			for i := range 25 {
				n := len(said) / 25
				if len(said) == len(long) {
					a.Write(said[i*n:][:n])
				} else {
					a.Write(said)
				}
				time.Sleep(20 * time.Millisecond)
			}
			if len(said) == len(long) {
				a.Write(said[len(said)/25*25:])
			}
		}()
		err := <-done
		if text := refused.Error(); len(said) == len(long) && (err == nil || err.Error() != text || time.Since(begun) < 2*times.idle) {
			t.Errorf("the long job ended with %v after %v", err, time.Since(begun))
		} else if e, ok := err.(*Error); len(said) < len(long) && (!ok || e.Code != CodeTimeout) {
			t.Errorf("without a job: %v", err)
		}
		a.Close()
	}
}
