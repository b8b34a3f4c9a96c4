package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/sync/wire"
)

// testDaemon is a daemon on a loopback port with two exports, of which the
// second allows plain streams.
type testDaemon struct {
	*Daemon
	client  Options // of who may use both
	pin     Pin     // the daemon's
	dir     string
	mu      sync.Mutex
	logged  []string
	stopped chan error
}

func newDaemon(t *testing.T, change func(*Config)) *testDaemon {
	t.Helper()
	dir := t.TempDir()
	d := &testDaemon{dir: dir, stopped: make(chan error, 1)}
	key := filepath.Join(dir, "key")
	var err error
	if d.pin, err = GenerateKey(key); err != nil {
		t.Fatal(err)
	}
	clientKey := filepath.Join(dir, "client")
	client, err := GenerateKey(clientKey)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Config{Listen: "127.0.0.1:0", Key: key, Confine: ConfineOff, MaxSessions: 8, Exports: []*Export{
		{Name: "closed", Path: dir, MaxStreams: 2, Allow: []Pin{client}},
		{Name: "open", Path: dir, Plain: true, MaxStreams: 16, Allow: []Pin{client}},
	}}
	if change != nil {
		change(cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if d.Daemon, err = Listen(ctx, Options{Features: []string{"b", "server", "a"}}, cfg); err != nil {
		t.Fatal(err)
	}
	d.Log = func(s string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.logged = append(d.logged, s)
	}
	go func() {
		d.stopped <- d.Serve(ctx, func(ctx context.Context, l *Link, e *Export) {
			if l.Features != nil && l.Features[0] == "panic" {
				panic("planted")
			}
			serveEcho(l)
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-d.stopped:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("the daemon does not end")
		}
	})
	d.client = Options{KeyFile: clientKey, KnownHosts: filepath.Join(dir, "none"), Features: []string{"a", "client", "b"}}
	return d
}

func (d *testDaemon) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.logged, "\n")
}

func (d *testDaemon) url(export string) string {
	return fmt.Sprintf("zccp://%s/%s/dir?pin=%s", d.Addr(), export, d.pin)
}

func TestDaemon(t *testing.T) {
	for _, security := range []Security{TLS, Plain} {
		t.Run(security.String(), func(t *testing.T) {
			d := newDaemon(t, nil)
			opts := d.client
			opts.Security, opts.Streams = security, 3
			l, err := DialDaemon(t.Context(), opts, d.url("open"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			streams := echoStreams(t, l)
			if len(streams) != 3 || streams[1] == nil || streams[2] == nil || streams[3] == nil {
				t.Errorf("streams %v, notes %q", streams, l.Notes())
			}
			for _, s := range streams {
				if (s.Security == Plain) != (security == Plain) {
					t.Errorf("stream is %v", s.Security)
				}
			}
			echo(t, l.Control, 1<<20)
			if want := []string{"a", "b"}; !slices.Equal(l.Features, want) {
				t.Errorf("features %q, want %q", l.Features, want)
			}
			d.Daemon.mu.Lock()
			defer d.Daemon.mu.Unlock()
			if len(d.doors) != 0 {
				t.Error("the session can still be joined")
			}
		})
	}
}

// TestDaemonLimits: an export's limits are the daemon's.
func TestDaemonLimits(t *testing.T) {
	d := newDaemon(t, nil)
	opts := d.client
	opts.Streams = 5
	l, err := DialDaemon(t.Context(), opts, d.url("closed"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if streams := echoStreams(t, l); len(streams) != 2 || len(l.Notes()) != 0 {
		t.Errorf("%d streams, notes %q", len(streams), l.Notes())
	}
	opts.Security = Plain
	if l, err := DialDaemon(t.Context(), opts, d.url("closed")); err == nil {
		t.Errorf("plain streams to an export without: %v", l.Security)
	}
	opts.Security, opts.Path = TLS, SSH
	l2, err := DialDaemon(t.Context(), opts, d.url("closed"))
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Close()
	if s, err := l2.NextStream(t.Context()); err != io.EOF {
		t.Errorf("stream %v, %v", s, err)
	}
	echo(t, l2.Control, 1<<16)
}

func TestDaemonRefuses(t *testing.T) {
	d := newDaemon(t, nil)
	stranger := filepath.Join(d.dir, "stranger")
	if _, err := GenerateKey(stranger); err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(d.dir, "known")
	other := "sha256:" + strings.Repeat("0", 64)
	address := d.Addr().String()
	write := func(name, text string) string {
		name = filepath.Join(d.dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("known", "# hosts\n"+d.pin.String()+" "+address+"\n")
	tests := []struct {
		name, url, key, known string
		text                  string // "" if it is let in
	}{
		{"known host", "zccp://" + address + "/open", d.client.KeyFile, known, ""},
		{"unknown host", "zccp://" + address + "/open", d.client.KeyFile, write("k1", ""), "is not known: " + d.pin.String()},
		{"no file of known hosts", "zccp://" + address + "/open", d.client.KeyFile, filepath.Join(d.dir, "no"), "is not known: " + d.pin.String()},
		{"another key known", "zccp://" + address + "/open", d.client.KeyFile, write("k2", other+" "+address+"\n"), "is not the one that is known"},
		{"wrong pin", "zccp://" + address + "/open?pin=" + other, d.client.KeyFile, known, "is not the one that is known"},
		{"bad known hosts", "zccp://" + address + "/open", d.client.KeyFile, write("k3", "sha256:12 h\n"), "k3:1: not a fingerprint"},
		{"stranger", d.url("open"), stranger, known, "does not let this key in"},
		{"no key", d.url("open"), filepath.Join(d.dir, "no"), known, "cannot use the key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := DialDaemon(t.Context(), Options{KeyFile: tt.key, KnownHosts: tt.known}, tt.url)
			if err == nil {
				defer l.Close()
			}
			var e *Error
			switch {
			case tt.text == "" && err != nil:
				t.Error(err)
			case tt.text != "" && (!errors.As(err, &e) || !strings.Contains(e.Text, tt.text)):
				t.Errorf("%v, want %s", err, tt.text)
			}
		})
	}
	opts := d.client
	opts.First = make([]byte, maxFirst)
	l, err := DialDaemon(t.Context(), opts, d.url("nosuch"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Control.Write([]byte("a job"))
	msg, _, err := wire.NewReader(l.Control, 0).Next()
	if m, ok := msg.(*wire.Fatal); !ok || !strings.Contains(m.Text, "no such export") {
		t.Errorf("answer %v, %v", msg, err)
	}
	if s, err := l.NextStream(t.Context()); err != io.EOF || len(l.Notes()) > 0 {
		t.Errorf("a stream %v, %v, and notes %q", s, err, l.Notes())
	}
}

// TestDaemonSurvives: a defect that a client reaches, and too many clients, end
// or refuse theirs only.
func TestDaemonSurvives(t *testing.T) {
	d := newDaemon(t, func(c *Config) { c.MaxSessions = 2 })
	opts := d.client
	d.opts.Features = append([]string{"panic"}, d.opts.Features...)
	opts.Features = []string{"panic"}
	l, err := DialDaemon(t.Context(), opts, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(l.Control); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Logf("after a panic: %v", err)
	}
	l.Close()
	for range 100 {
		if strings.Contains(d.log(), "planted") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !strings.Contains(d.log(), "planted") {
		t.Errorf("log %q", d.log())
	}
	opts.Features = nil
	for range 2 {
		l, err := DialDaemon(t.Context(), opts, d.url("open"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		echo(t, l.Control, 1<<16)
	}
	l, err = DialDaemon(t.Context(), opts, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	msg, _, err := wire.NewReader(l.Control, 0).Next()
	if m, ok := msg.(*wire.Fatal); !ok || !strings.Contains(m.Text, "as many sessions") {
		t.Errorf("answer %v, %v", msg, err)
	}
}

// TestSessionsPerKey: one key's sessions end at its own bound, beside which others
// are served, and one that has ended makes room.
func TestSessionsPerKey(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	pin, err := GenerateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(t, func(c *Config) {
		c.PerKey = 2
		c.Exports[1].Allow = append(c.Exports[1].Allow, pin)
	})
	dial := func(opts Options) *Link {
		t.Helper()
		l, err := DialDaemon(t.Context(), opts, d.url("open"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	first := dial(d.client)
	for _, l := range []*Link{first, dial(d.client)} {
		echo(t, l.Control, 1<<10)
	}
	refused := func(l *Link) bool {
		msg, _, _ := wire.NewReader(l.Control, 0).Next()
		m, ok := msg.(*wire.Fatal)
		return ok && m.Code == CodeConnect && strings.Contains(m.Text, "with this key")
	}
	if !refused(dial(d.client)) {
		t.Error("a third session of the key is served")
	}
	theirs := d.client
	theirs.KeyFile = other
	echo(t, dial(theirs).Control, 1<<10)
	first.Close()
	mine, err := Fingerprint(d.client.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		d.Daemon.mu.Lock()
		n := d.perKey[mine]
		d.Daemon.mu.Unlock()
		if n < 2 {
			break
		}
		if i == 200 {
			t.Fatal("a session that ended is counted")
		}
		time.Sleep(10 * time.Millisecond)
	}
	echo(t, dial(d.client).Control, 1<<10)
}

// TestCrowd: a thousand connections that say nothing, or too little, keep
// neither a client that is there nor one that comes from being served.
func TestCrowd(t *testing.T) {
	d := newDaemon(t, nil)
	before, err := DialDaemon(t.Context(), d.client, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	echoStreams(t, before)
	hello := []byte{22, 3, 1, 0, 200, 1, 0, 0, 196} // the beginning of a TLS handshake
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for i := range 1000 {
		c, err := dialer.Dial("tcp", d.Addr().String())
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer c.Close()
		switch i % 3 {
		case 1:
			c.Write(hello)
		case 2:
			c.Write([]byte("ZCCPDATA"))
		}
		if i%250 == 0 {
			echo(t, before.Control, 1<<14)
		}
	}
	after, err := DialDaemon(t.Context(), d.client, d.url("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if streams := echoStreams(t, after); len(streams) != 2 {
		t.Errorf("%d streams, notes %q", len(streams), after.Notes())
	}
	echo(t, before.Control, 1<<16)
	echo(t, after.Control, 1<<16)
	g := d.in.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.waiting.Len(); n > maxStrangersPerAddress {
		t.Errorf("%d connections of one address wait", n)
	}
}
