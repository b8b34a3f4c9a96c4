package ktls

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
)

// TestLife: what is sent by whatever way uses the key up, and a connection that
// nobody replaced ends.
func TestLife(t *testing.T) {
	near, far := newPair(t)
	go io.Copy(io.Discard, far)
	c := newConn(new(fakeKernel).calls(), near, nil, platform.None)
	if got := c.BytesLeft(); got != 64<<30 {
		t.Fatalf("BytesLeft %d at first", got)
	}
	if _, err := c.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if got := c.BytesLeft(); got != 64<<30-10-recordCost {
		t.Errorf("BytesLeft %d after 10 bytes", 64<<30-got)
	}
	c.Sent(64 << 30)
	if got := c.BytesLeft(); got > 0 {
		t.Errorf("BytesLeft %d after all", got)
	}
	if _, err := c.Write(make([]byte, 10)); err != nil {
		t.Errorf("no grace: %v", err)
	}
	c.Sent(4 * 64 << 30)
	if n, err := c.Write(make([]byte, 10)); n != 0 || err != ErrWorn {
		t.Errorf("Write = %d, %v, want ErrWorn", n, err)
	}
}

// TestCloseWaits: close_notify goes out behind what is in the socket already,
// unless the peer doesn't read at all.
func TestCloseWaits(t *testing.T) {
	for _, reads := range []bool{true, false} {
		near, far := newPair(t)
		calls := new(fakeKernel).calls()
		calls.SendRecord = func(fd platform.FD, _ byte, data []byte) error {
			_, err := platform.Native().Write(fd, data)
			return err
		}
		filled := fill(t, near)
		received := make(chan []byte, 1)
		if reads {
			go func() {
				time.Sleep(closeWait / 2)
				b, _ := io.ReadAll(far)
				received <- b
			}()
		}
		start := time.Now()
		if err := newConn(calls, near, nil, platform.None).Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 10*closeWait || !reads && took < closeWait {
			t.Errorf("Close took %s", took)
		}
		if !reads {
			continue
		}
		if got := <-received; len(got) != filled+2 || !bytes.Equal(got[filled:], []byte{1, 0}) {
			t.Errorf("received %d bytes, want %d and close_notify", len(got), filled)
		}
	}
}

// fill writes until the socket has no room for a byte, and returns how many it took.
func fill(t *testing.T, c *net.TCPConn) (n int) {
	t.Helper()
	fd, err := descriptor(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{64 << 10, 512, 1} {
		for {
			done, err := platform.Native().Write(fd, make([]byte, size))
			if err != nil {
				break
			}
			n += done
		}
	}
	return n
}
