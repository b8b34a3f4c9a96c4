package main

import (
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// TestSyncTimeout: a run in which nothing happens is given up once, and none
// before its time.
func TestSyncTimeout(t *testing.T) {
	e, _, _ := testEnv(nil, "zccp")
	cfg := &syncConfig{Timeout: 300 * time.Millisecond}
	r := newSyncReport(e, cfg)
	m := mirror.New(platform.Native(), cfg.Mirror, r)
	expired := make(chan time.Duration, 10)
	start := time.Now()
	w := r.watch(m, func() { expired <- time.Since(start) })
	select {
	case after := <-expired:
		if after < cfg.Timeout {
			t.Errorf("given up after %v", after)
		}
	case <-time.After(10 * time.Second):
		t.Error("never given up")
	}
	time.Sleep(2 * cfg.Timeout)
	w.stop()
	if len(expired) > 0 {
		t.Error("given up twice")
	}

	// As long as bytes move it goes on.
	w = r.watch(m, func() { expired <- 0 })
	for range 8 {
		m.Counters().Bytes.Add(1)
		time.Sleep(100 * time.Millisecond)
	}
	w.stop()
	if len(expired) > 0 {
		t.Error("given up while bytes move")
	}
}
