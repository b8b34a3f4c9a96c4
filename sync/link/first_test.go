package link

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// TestFirst: what a client has to say first goes out before the server has said its
// Hello, and the server hears it as the beginning of Control, also one that reads it
// late.
func TestFirst(t *testing.T) {
	words := bytes.Repeat([]byte("first words, "), 100)
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	far.SetDeadline(time.Now().Add(10 * time.Second))
	id, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{First: words}
	if err := opts.prepare(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := greetServer(&channel{r: near, w: near}, &opts, id, false, "")
		done <- err
	}()
	session := [16]byte{1}
	far.Write(wire.AppendGreeting(nil, session))
	hello, _, err := wire.ReadHello(far)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(words))
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, words) {
		t.Errorf("before its Hello the server hears %q, %v", got, err)
	}
	hello.Client, hello.Session = false, session
	said, err := hello.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	far.Write(said)
	if err := <-done; err != nil {
		t.Error(err)
	}

	d := newDaemon(t, nil)
	o := d.client
	o.First = words
	l, err := DialDaemon(t.Context(), o, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Control.Write([]byte("!"))
	got = make([]byte, len(words)+1)
	if _, err := io.ReadFull(l.Control, got); err != nil || !bytes.Equal(got, append(words, '!')) {
		t.Errorf("a daemon hears %q, %v", got, err)
	}
}
