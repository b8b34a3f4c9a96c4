package link

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeSSH returns options whose ssh is the test binary.
func fakeSSH(t *testing.T) Options {
	t.Helper()
	t.Setenv("LINK_TEST_SSH", t.Name()) // which also tells its processes from others
	t.Setenv("SSH_CONNECTION", "127.0.0.1 40000 127.0.0.1 22")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Shell: []string{self}, Features: []string{"a", "client", "b"}}
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// echo checks that what is written to rw comes back.
func echo(t *testing.T, rw io.ReadWriter, size int) {
	t.Helper()
	sent := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	failed := make(chan error, 1)
	go func() {
		_, err := rw.Write(sent)
		failed <- err
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(rw, got); err != nil {
		t.Fatalf("read: %v", err)
	}
	if err := <-failed; err != nil {
		t.Fatalf("write: %v", err)
	}
	if !bytes.Equal(got, sent) {
		t.Fatal("other bytes came back")
	}
}

// echoStreams takes all streams and checks each; it returns them by number.
func echoStreams(t *testing.T, l *Link) map[uint32]*Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	streams := make(map[uint32]*Stream)
	for {
		s, err := l.NextStream(ctx)
		if err == io.EOF {
			return streams
		}
		if err != nil {
			t.Fatalf("next stream: %v", err)
		}
		r := bufio.NewReader(s)
		line, err := r.ReadString('\n')
		if err != nil || line != fmt.Sprintf("%d\n", s.Number) {
			t.Fatalf("stream %d is %q at the far end (%v)", s.Number, line, err)
		}
		echo(t, struct {
			io.Reader
			io.Writer
		}{r, s}, 1<<20)
		streams[s.Number] = s
	}
}

func TestSSH(t *testing.T) {
	for _, security := range []Security{TLS, Plain} {
		t.Run(security.String(), func(t *testing.T) {
			opts := fakeSSH(t)
			var stderr buffer
			opts.Stderr, opts.Security, opts.Streams = &stderr, security, 3
			l, err := DialSSH(t.Context(), opts, "plain")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			streams := echoStreams(t, l)
			if len(streams) != 3 || streams[1] == nil || streams[2] == nil || streams[3] == nil {
				t.Errorf("streams %v, notes %q", streams, l.Notes())
			}
			for _, s := range streams {
				if (s.Security == Plain) != (security == Plain) || s.Protected() == (security == Plain) {
					t.Errorf("stream is %v", s.Security)
				}
				if _, can := s.Sock(); can != (s.Security != TLS) {
					t.Errorf("%v stream says %v of its socket", s.Security, can)
				}
			}
			echo(t, l.Control, 1<<20)
			if want := []string{"a", "b"}; !slices.Equal(l.Features, want) {
				t.Errorf("features %q, want %q", l.Features, want)
			}
			if !strings.Contains(l.Route(), "3 "+security.String()+" streams to ") && !strings.Contains(l.Route(), "ktls") {
				t.Errorf("route %q", l.Route())
			}
			if n := l.Notes(); len(n) > 0 {
				t.Errorf("notes %q", n)
			}
			if err := l.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if !strings.Contains(stderr.String(), fmt.Sprintf("session %x\n", l.Session)) || !strings.Contains(stderr.String(), "this must not") {
				t.Errorf("the far end's standard error: %q", stderr.String())
			}
		})
	}
}

func TestPathSSH(t *testing.T) {
	opts := fakeSSH(t)
	opts.Path = SSH
	l, err := DialSSH(t.Context(), opts, "noisy")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s, err := l.NextStream(t.Context()); err != io.EOF {
		t.Errorf("stream %v, %v", s, err)
	}
	echo(t, l.Control, 4<<20)
	if l.Route() != "ssh" {
		t.Errorf("route %q", l.Route())
	}
	if n := l.Notes(); len(n) != 1 || !strings.Contains(n[0], `Welcome! \u001b[31mYou have mail.`) {
		t.Errorf("notes %q", n)
	}
}

func TestSSHFailures(t *testing.T) {
	tests := []struct {
		host       string
		code       int
		text, hint string
		stderr     string
		within     time.Duration
	}{
		{"missing", CodeStart, "the far end has no zccp (sh: 1: zccp: not found)", "--remote-zccp", "", 2 * time.Second},
		{"forbidden", CodeStart, "the far end has no zccp", "--remote-zccp", "", 2 * time.Second},
		{"csh", CodeStart, "the far end has no zccp (zccp: Command not found.)", "--remote-zccp", "", 2 * time.Second},
		{"refused", CodeSocket, "ssh failed (ssh: connect to host refused port 22: Connection refused)", "", "Warning: this host is watched\n", 2 * time.Second},
		{"garbage", CodeProtocol, "the far end is no zccp that serves (xxx", "", "", 5 * time.Second},
		{"stops", CodeTimeout, "did not greet within 10s", "", "", 14 * time.Second},
		{"-oProxyCommand=x", CodeUsage, "can't begin with -", "", "", time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			opts := fakeSSH(t)
			if testing.Short() && tt.within > 10*time.Second {
				t.Skip("takes long")
			}
			var stderr buffer
			opts.Stderr = &stderr
			begin := time.Now()
			l, err := DialSSH(t.Context(), opts, tt.host)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("link %v, error %v", l, err)
			}
			if e.Code != tt.code || !strings.Contains(e.Text, tt.text) || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("code %d, text %q, hint %q", e.Code, e.Text, e.Hint)
			}
			if stderr.String() != tt.stderr {
				t.Errorf("standard error %q, want %q", stderr.String(), tt.stderr)
			}
			if d := time.Since(begin); d > tt.within {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestSSHWaits: there is no deadline while ssh may be asking for a password,
// and the caller's ends it.
func TestSSHWaits(t *testing.T) {
	opts := fakeSSH(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	l, err := DialSSH(ctx, opts, "silent")
	if err == nil {
		t.Fatal(l)
	}
	if d := time.Since(begin); d < 300*time.Millisecond || d > 3*time.Second {
		t.Errorf("gave up after %v: %v", d, err)
	}
}

func TestPlainIsRefused(t *testing.T) {
	opts := fakeSSH(t)
	opts.Security = Plain
	l, err := DialSSH(t.Context(), opts, "tlsonly")
	if err == nil {
		t.Fatal(l.Security)
	}
	if e := err.(*Error); e.Code != CodeRefused {
		t.Error(e.Code, e)
	}
}

// TestConnectionLost: what ssh said is part of the error of a read.
func TestConnectionLost(t *testing.T) {
	l, err := DialSSH(t.Context(), fakeSSH(t), "dies")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = io.ReadAll(l.Control)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Text, "closed by remote host") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

func TestIdle(t *testing.T) {
	opts := fakeSSH(t)
	opts.Idle = 200 * time.Millisecond
	l, err := DialSSH(t.Context(), opts, "good")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = l.Control.Read(make([]byte, 1))
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeTimeout {
		t.Errorf("%v", err)
	}
	l.SetIdle(0)
	time.AfterFunc(400*time.Millisecond, func() { l.Control.Write([]byte("x")) })
	if _, err := l.Control.Read(make([]byte, 1)); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestRemoteZCCP(t *testing.T) {
	opts := fakeSSH(t)
	dir := filepath.Join(t.TempDir(), "it's a dir; touch x")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	opts.RemoteZCCP = filepath.Join(dir, "zccp $HOME")
	script := "#!/bin/sh\nexec '" + opts.Shell[0] + "' good zccp \"$@\"\n"
	if err := os.WriteFile(opts.RemoteZCCP, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := DialSSH(t.Context(), opts, "good")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	echo(t, l.Control, 1<<16)
}
