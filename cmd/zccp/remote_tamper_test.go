//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	main "github.com/zccp/zccp/cmd/zccp"
	"github.com/zccp/zccp/sync/wire"
)

// tamperer stands where ssh would between a client and zccp serve --stdio, and puts what it
// likes in place of their messages: so either end meets a peer that is hostile from that moment
// on, and honest before. Nothing goes past it, as there are no streams beside the pipe.
type tamperer struct {
	t        testing.TB
	binary   string
	args     []string // of zccp, instead of serve --stdio
	dir      string   // working directory of the server
	listener net.Listener
	// edit gets each message of a session with its number in that direction and returns the
	// bytes that go on in its place: mostly the frame itself.
	edit func(direction, number int, frame tampered) []byte

	sessions sync.WaitGroup
	mu       sync.Mutex
	peak     int64 // resident memory of a server, bytes
	code     int   // exit code of the last server
	stalled  bool  // it had to be killed
	stderr   string
	options  []string // of the client
}

// tampered is a frame of the control channel.
type tampered struct {
	raw []byte
	msg any // what it decodes to, nil for a part of one
}

// startTamperer listens. options of a client lead there, with the host main.SSHHostName.
func startTamperer(t testing.TB, binary string) *tamperer {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	fake, err := main.LinkProgram(t.TempDir(), "fakessh")
	must(t, err)
	m := &tamperer{t: t, binary: binary, args: []string{"serve", "--stdio"}, dir: t.TempDir(), listener: l}
	m.options = []string{"--path=ssh", fmt.Sprintf("--ssh=%s %s", fake, l.Addr())}
	m.sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.sessions.Go(func() { m.session(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		m.sessions.Wait()
	})
	return m
}

// result waits for the last session and returns how its server ended.
func (m *tamperer) result() (code int, stderr string, peak int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.code, m.stderr, m.peak
}

func (m *tamperer) session(client *net.TCPConn) {
	defer client.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	server := exec.Command(m.binary, m.args...)
	server.Dir = m.dir
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	server.Stderr = &stderr
	in, err := server.StdinPipe()
	if err != nil {
		m.t.Error(err)
		return
	}
	out, err := server.StdoutPipe()
	if err != nil {
		m.t.Error(err)
		return
	}
	if err := server.Start(); err != nil {
		m.t.Error(err)
		return
	}
	done := make(chan struct{})
	var both, weighing sync.WaitGroup
	weighing.Go(func() { m.peak = weigh(server.Process.Pid, done) })
	// A peer that says how long a message is and sends no more of it keeps its session waiting,
	// and nobody else.
	m.stalled = false
	timer := time.AfterFunc(15*time.Second, func() {
		m.stalled = true
		syscall.Kill(-server.Process.Pid, syscall.SIGKILL)
		client.Close()
	})
	defer timer.Stop()
	both.Go(func() {
		m.relay(in, client, fromClient)
		in.Close()
	})
	both.Go(func() {
		m.relay(client, out, fromServer)
		client.CloseWrite()
		io.Copy(io.Discard, out) // so that it can end
	})
	both.Wait()
	server.Wait()
	close(done)
	weighing.Wait()
	m.code, m.stderr = server.ProcessState.ExitCode(), stderr.String()
}

// relay moves one direction.
func (m *tamperer) relay(dst io.Writer, src io.Reader, direction int) {
	r := bufio.NewReaderSize(src, 1<<20)
	var begin bytes.Buffer
	tee := io.TeeReader(r, &begin)
	var err error
	if direction == fromServer {
		_, _, err = wire.ReadGreeting(tee)
		// The client says nothing before it has this.
		if dst.Write(begin.Bytes()); err != nil {
			return
		}
		begin.Reset()
	}
	_, _, err = wire.ReadHello(tee)
	if dst.Write(begin.Bytes()); err != nil {
		return
	}
	for number := 0; ; number++ {
		raw, err := readFrame(r)
		if err != nil {
			dst.Write(raw)
			return
		}
		frame := tampered{raw: raw}
		if msg, _, err := wire.NewReader(bytes.NewReader(raw), wire.MaxBody).Next(); err == nil {
			frame.msg = msg
		}
		if m.edit != nil {
			raw = m.edit(direction, number, frame)
		}
		if _, err := dst.Write(raw); err != nil {
			return
		}
	}
}

// readFrame reads one frame of the control channel, or what there is of it.
func readFrame(r io.Reader) ([]byte, error) {
	const header = 6
	raw := make([]byte, header)
	if n, err := io.ReadFull(r, raw); err != nil {
		return raw[:n], err
	}
	body := make([]byte, binary.LittleEndian.Uint32(raw))
	n, err := io.ReadFull(r, body)
	return append(raw, body[:n]...), err
}

// encoded returns messages as they are on the wire.
func encoded(t testing.TB, messages ...any) []byte {
	t.Helper()
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = wire.Append(b, m); err != nil {
			t.Error(err)
		}
	}
	return b
}

// replaced returns a frame with one text in it replaced by another of the same length.
func (f tampered) replaced(t testing.TB, old, new string) (raw []byte, found bool) {
	t.Helper()
	if len(old) != len(new) {
		t.Fatalf("%q and %q are not of the same length", old, new)
	}
	if !bytes.Contains(f.raw, []byte(old)) {
		return f.raw, false
	}
	return bytes.ReplaceAll(f.raw, []byte(old), []byte(new)), true
}
