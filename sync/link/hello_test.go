package link

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// between is somebody on the control channel who can change what each end says.
type between struct {
	client func(*wire.Hello)
	server func(*wire.Hello)
}

// meet brings a client and ServeStdio together over pipes.
func meet(t *testing.T, b between, client, server Options) (*Link, *Link, error, error) {
	t.Helper()
	t.Setenv("SSH_CONNECTION", "127.0.0.1 40000 127.0.0.1 22")
	var files [4][2]*os.File
	for i := range files {
		var err error
		if files[i][0], files[i][1], err = os.Pipe(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { files[i][0].Close(); files[i][1].Close() })
	}
	pass := func(dst, src *os.File, edit func(*wire.Hello)) {
		defer dst.Close()
		h, _, err := wire.ReadHello(src)
		if err != nil {
			return
		}
		if edit != nil {
			edit(h)
		}
		said, err := h.Append(nil)
		if err != nil {
			t.Error(err)
			return
		}
		dst.Write(said)
		io.Copy(dst, src)
	}
	go pass(files[1][1], files[0][0], b.client)
	go func() {
		session, _, err := wire.ReadGreeting(files[2][0])
		if err != nil {
			files[3][1].Close()
			return
		}
		files[3][1].Write(wire.AppendGreeting(nil, session))
		pass(files[3][1], files[2][0], b.server)
	}()
	type result struct {
		l   *Link
		err error
	}
	far := make(chan result, 1)
	go func() {
		l, err := ServeStdio(t.Context(), server, files[1][0], files[2][1])
		far <- result{l, err}
	}()
	near, err := func() (*Link, error) {
		if err := client.prepare(); err != nil {
			return nil, err
		}
		id, err := newIdentity()
		if err != nil {
			return nil, err
		}
		l := newLink(true, "host", "ssh", 0)
		l.onClose(files[0][1].Close)
		ch := &channel{r: files[3][0], w: files[0][1]}
		l.Control = ch
		terms, err := greetServer(ch, &client, id, client.Path != SSH, "")
		if err != nil {
			l.Close()
			return nil, err
		}
		l.settle(terms)
		ch.link = l
		return l.connect(t.Context(), &client, id, terms, func() []string {
			return candidates("", terms.theirs.Addrs, terms.theirs.Ports, client.DataPorts)
		})
	}()
	f := <-far
	t.Cleanup(func() {
		for _, l := range []*Link{near, f.l} {
			if l != nil {
				l.Close()
			}
		}
	})
	return near, f.l, err, f.err
}

// TestEditedHello: ends that were made to see different Hellos get no streams,
// so nothing goes a way that one of them did not choose.
func TestEditedHello(t *testing.T) {
	drop := func(h *wire.Hello) {
		h.Features = slices.DeleteFunc(h.Features, func(f string) bool { return f == "strong" })
	}
	tests := []struct {
		name string
		b    between
		open bool
	}{
		{"not", between{}, true},
		{"client's feature", between{client: drop}, false},
		{"server's feature", between{server: drop}, false},
		{"both", between{drop, drop}, false},
		{"client's seed", between{client: func(h *wire.Hello) { h.Seed++ }}, false},
		{"client's program", between{client: func(h *wire.Hello) { h.Program = "old" }}, false},
		{"server's address", between{server: func(h *wire.Hello) { h.Addrs = append(h.Addrs, "127.0.0.9") }}, false},
		{"token", between{client: func(h *wire.Hello) { h.Token[3]++ }}, false},
		{"client's pin", between{client: func(h *wire.Hello) { h.Pin[3]++ }}, false},
		{"server's pin", between{server: func(h *wire.Hello) { h.Pin[3]++ }}, false},
		{"plain", between{func(h *wire.Hello) { h.Plain = true }, func(h *wire.Hello) { h.Plain = true }}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := Options{Features: []string{"strong", "weak"}}
			server := opts
			server.AllowPlain = true
			near, far, err, ferr := meet(t, tt.b, opts, server)
			if err != nil || ferr != nil {
				t.Fatal(err, ferr)
			}
			s, err := near.NextStream(t.Context())
			if tt.open != (err == nil) {
				t.Errorf("client's stream %v, %v", s, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if s, err := far.NextStream(ctx); tt.open != (err == nil) {
				t.Errorf("server's stream %v, %v", s, err)
			}
			if notes := near.Notes(); tt.open != (len(notes) == 0) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// TestVersions: ends that have none in common say so; nothing falls back.
func TestVersions(t *testing.T) {
	newer := between{client: func(h *wire.Hello) { h.MinVersion, h.MaxVersion = 2, 3 }}
	near, _, _, err := meet(t, newer, Options{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "versions 2 to 3") {
		t.Errorf("server: %v (%v)", err, near)
	}
	newer = between{server: func(h *wire.Hello) { h.MinVersion, h.MaxVersion = 2, 3 }}
	near, _, err, _ = meet(t, newer, Options{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "versions 2 to 3") {
		t.Errorf("client: %v (%v)", err, near)
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeStart || e.Hint == "" {
		t.Errorf("client: %#v", err)
	}
}

func TestPathDirect(t *testing.T) {
	near, _, err, _ := meet(t, between{}, Options{Path: Direct}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := near.NextStream(t.Context()); err != nil || s.Number != 1 {
		t.Errorf("%v, %v", s, err)
	}
	_, _, err, _ = meet(t, between{}, Options{Path: Direct}, Options{Path: SSH})
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeSocket || !strings.Contains(e.Hint, "--data-ports") {
		t.Errorf("no port: %v", err)
	}
}

// TestDataPorts: the port is the first free one of the client's range.
func TestDataPorts(t *testing.T) {
	taken, err := listenTCP(t.Context(), "", PortRange{})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	low := uint16(taken.Addr().(*net.TCPAddr).Port)
	told := make(chan uint16, 1)
	look := between{server: func(h *wire.Hello) { told <- append(h.Ports, 0)[0] }}
	if _, _, err, _ := meet(t, look, Options{DataPorts: PortRange{low, low + 20}}, Options{}); err != nil {
		t.Fatal(err)
	}
	if port := <-told; port <= low || port > low+20 {
		t.Errorf("port %d, of %d-%d", port, low, low+20)
	}
	if _, _, err, _ := meet(t, look, Options{DataPorts: PortRange{low, low}}, Options{}); err != nil {
		t.Fatal(err)
	}
	if port := <-told; port != 0 {
		t.Errorf("port %d, of %d", port, low)
	}
}

// TestCandidates: what a far end tells makes the client knock at few doors.
func TestCandidates(t *testing.T) {
	many := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"}
	tests := []struct {
		name  string
		asked string
		told  []string
		ports []uint16
		want  PortRange
		list  []string
	}{
		{"both", "host", []string{"192.0.2.1", "2001:db8::1"}, []uint16{50000}, PortRange{}, []string{"host:50000", "192.0.2.1:50000", "[2001:db8::1]:50000"}},
		{"once", "192.0.2.1", []string{"192.0.2.1", "::ffff:192.0.2.1"}, []uint16{50000}, PortRange{}, []string{"192.0.2.1:50000"}},
		{"through another host", "", []string{"192.0.2.1"}, []uint16{50000}, PortRange{}, []string{"192.0.2.1:50000"}},
		{"no names", "", []string{"evil.example", "0.0.0.0", "224.0.0.1", "fe80::1%eth0", "192.0.2.1:25"}, []uint16{50000}, PortRange{}, nil},
		{"ports of services", "host", nil, []uint16{0, 22, 25, 1023}, PortRange{}, nil},
		{"unless asked for", "host", nil, []uint16{443}, PortRange{443, 443}, []string{"host:443"}},
		{"not asked for", "host", nil, []uint16{442, 444}, PortRange{443, 443}, nil},
		{"many addresses", "", many, []uint16{50000}, PortRange{}, []string{"192.0.2.1:50000", "192.0.2.2:50000", "192.0.2.3:50000", "192.0.2.4:50000"}},
		{"many ports", "h", nil, []uint16{2001, 2002, 2003, 2004, 2005, 2006}, PortRange{}, []string{"h:2001", "h:2002", "h:2003", "h:2004"}},
	}
	for _, tt := range tests {
		if list := candidates(tt.asked, tt.told, tt.ports, tt.want); !slices.Equal(list, tt.list) {
			t.Errorf("%s: %q, want %q", tt.name, list, tt.list)
		}
	}
}
