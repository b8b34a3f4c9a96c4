package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// TestFirst: what a client has to say first goes out before the server has said its
// Hello, and the server hears it as the beginning of Control, also one that reads it
// late. What is too long for a slow line is left to the caller.
func TestFirst(t *testing.T) {
	words := bytes.Repeat([]byte("first words, "), 100)
	for _, first := range [][]byte{words, make([]byte, maxFirst+1), nil} {
		short := len(first) == len(words)
		if terms := greeted(t, first, short); terms.begun != short {
			t.Errorf("%d bytes: begun %v", len(first), terms.begun)
		}
	}

	d := newDaemon(t, nil)
	o := d.client
	o.First = words
	l, err := DialDaemon(t.Context(), o, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.Begun {
		t.Error("the link does not tell what it has sent")
	}
	l.Control.Write([]byte("!"))
	got := make([]byte, len(words)+1)
	if _, err := io.ReadFull(l.Control, got); err != nil || !bytes.Equal(got, append(words, '!')) {
		t.Errorf("a daemon hears %q, %v", got, err)
	}
}

// greeted greets a client that has something to say first, which comes, or does not,
// before the server says its Hello.
func greeted(t *testing.T, first []byte, comes bool) *terms {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	far.SetDeadline(time.Now().Add(10 * time.Second))
	id, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{First: first}
	if err := opts.prepare(); err != nil {
		t.Fatal(err)
	}
	var client *terms
	done := make(chan error, 1)
	go func() {
		var err error
		client, err = greetServer(&channel{r: near, w: near}, &opts, id, false, "")
		done <- err
	}()
	session := [16]byte{1}
	far.Write(wire.AppendGreeting(nil, session))
	hello, _, err := wire.ReadHello(far)
	if err != nil {
		t.Fatal(err)
	}
	if comes {
		got := make([]byte, len(first))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, first) {
			t.Errorf("before its Hello the server hears %q, %v", got, err)
		}
	} else {
		far.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if n, err := far.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("before its Hello the server hears %d bytes, %v", n, err)
		}
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
	return client
}
