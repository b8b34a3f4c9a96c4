package link

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

// renewBoth opens a stream at both ends of a link at once.
func renewBoth(t *testing.T, near, far *Link) {
	t.Helper()
	type result struct {
		s   *Stream
		err error
	}
	got := make(chan result, 1)
	go func() {
		s, err := far.Renew(t.Context())
		got <- result{s, err}
	}()
	ours, err := near.Renew(t.Context())
	theirs := <-got
	if err != nil || theirs.err != nil {
		t.Fatalf("client: %v, server: %v", err, theirs.err)
	}
	if ours.Number != theirs.s.Number || ours.Number <= 2 {
		t.Errorf("streams %d and %d", ours.Number, theirs.s.Number)
	}
	go ours.Write([]byte("renewed"))
	b := make([]byte, 7)
	if _, err := io.ReadFull(theirs.s, b); err != nil || string(b) != "renewed" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestRenew opens streams in place of others when the listener of the session is closed, and lets
// in nobody in between.
func TestRenew(t *testing.T) {
	near, far, err, ferr := meet(t, between{}, Options{}, Options{})
	if err != nil || ferr != nil {
		t.Fatal(err, ferr)
	}
	for _, l := range []*Link{near, far} {
		for range 2 {
			if _, err := l.NextStream(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.NextStream(t.Context()); err != io.EOF {
			t.Fatal(err)
		}
	}
	address := near.streams[0].address()
	shut := func() {
		t.Helper()
		for i := 0; ; i++ {
			c, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			c.Close()
			if i == 100 {
				t.Fatal("the listener is open")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	shut()
	for range 3 {
		renewBoth(t, near, far)
		shut()
	}
	if got := near.Route(); got != "2 tls streams to "+address {
		t.Errorf("route %s", got)
	}
	// An end that is alone in it gives up, and both can later.
	for _, l := range []*Link{near, far} {
		l.doorTime = 100 * time.Millisecond
		start := time.Now()
		if s, err := l.Renew(t.Context()); err == nil || time.Since(start) > 2*time.Second {
			t.Errorf("stream %v after %v", s, time.Since(start))
		}
		l.doorTime = doorTime
	}
	shut()
	renewBoth(t, near, far)
	renewBoth(t, near, far)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, l := range []*Link{near, far} {
		if s, err := l.Renew(ctx); err == nil {
			t.Errorf("stream %v", s)
		}
	}
	far.Close()
	if s, err := far.Renew(t.Context()); err == nil {
		t.Errorf("stream %v of what is closed", s)
	}
}

// TestRenewNothing: a link without streams has none to be replaced.
func TestRenewNothing(t *testing.T) {
	near, far, err, ferr := meet(t, between{}, Options{Path: SSH}, Options{})
	if err != nil || ferr != nil {
		t.Fatal(err, ferr)
	}
	for _, l := range []*Link{near, far} {
		if s, err := l.Renew(t.Context()); err != errNoRenewal {
			t.Errorf("stream %v, %v", s, err)
		}
	}
}
