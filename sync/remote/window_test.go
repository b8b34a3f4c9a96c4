package remote

import (
	"bytes"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// TestWindowOfLargeMessages: a message that is larger than the window does not
// wait for what a receiver keeps back, nor does the receiver take it for too
// much.
func TestWindowOfLargeMessages(t *testing.T) {
	a, _ := memoryPair(t)
	s := sessionAt(a)
	r := newReceiver(s, nil, jobWords{}, false)
	w := newWindow(listingWindow)
	defer w.kill()
	for _, size := range []int{100, listingWindow/64 - 1, 3 * listingWindow, 1, 2 * listingWindow} {
		sent := make(chan bool, 1)
		go func() { sent <- w.take(int64(size)) }()
		select {
		case <-sent:
		case <-time.After(5 * time.Second):
			t.Fatalf("%d bytes wait for ever", size)
		}
		if err := r.message(&wire.WalkEnd{}, size); err != nil {
			t.Fatal(err)
		}
		s.ctl.queue = nil
		r.giveBack(size)
		if msg, _, err := wire.NewReader(bytes.NewReader(s.ctl.queue), wire.MaxBody).Next(); err == nil {
			w.give(msg.(*wire.Credit).Bytes)
		}
	}
}
