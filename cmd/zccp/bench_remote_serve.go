package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/sync/link"
)

// ownServer is zccp serve with a directory that may be written to. It runs until
// close, or the end of this process.
type ownServer struct {
	cmd     *exec.Cmd
	hold    io.Closer
	pid     int
	used    time.Duration
	url     string   // of the directory, with a slash at its end
	query   string   // behind a path
	options []string // of clients
}

// startOwn makes keys in dir and starts a server.
func startOwn(ctx context.Context, self, dir, root string) (s *ownServer, err error) {
	name := func(base string) string { return filepath.Join(dir, base) }
	var pins [2]link.Pin
	for i, base := range []string{"zccp-server", "zccp-client"} {
		if pins[i], err = link.GenerateKey(name(base)); err != nil {
			return nil, err
		}
	}
	config := fmt.Sprintf("key = %s\n[export %s]\npath = %s\nmode = rw\nplain = yes\nallow = %s\n", name("zccp-server"), exportName, root, pins[1])
	if err := os.WriteFile(name("zccp-config"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	messages, err := os.Create(name("zccp-messages"))
	if err != nil {
		return nil, err
	}
	defer messages.Close()
	// The shell ends the server when this process is gone: then the shell's
	// standard input ends.
	const guard = `"$@" </dev/null & echo $!; read -r _; kill $!; wait`
	s = &ownServer{cmd: exec.CommandContext(ctx, "sh", "-c", guard, "sh", self, "serve", "--listen", "127.0.0.1:0", "--config", name("zccp-config"))}
	s.cmd.Stderr = messages
	if s.hold, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := fmt.Fscanln(out, &s.pid); err != nil {
		return nil, errors.Join(err, s.close())
	}
	port, err := listening(messages.Name())
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.url = fmt.Sprintf("zccp://127.0.0.1:%d/%s/", port, exportName)
	s.query = "?pin=" + pins[0].String()
	s.options = []string{"--key=" + name("zccp-client")}
	_, err = s.take()
	return s, err
}

// listening waits until a server has written to a file where it listens.
func listening(messages string) (port int, err error) {
	address := regexp.MustCompile(`127\.0\.0\.1:(\d+)`)
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(messages)
		if err != nil {
			return 0, err
		}
		if m := address.FindSubmatch(text); m != nil {
			return strconv.Atoi(string(m[1]))
		}
		if time.Since(start) > 10*time.Second {
			return 0, fmt.Errorf("zccp serve does not listen: %s", bytes.TrimSpace(text))
		}
	}
}

func (s *ownServer) close() error {
	err := s.hold.Close()
	var exit *exec.ExitError
	if failed := s.cmd.Wait(); failed != nil && !errors.As(failed, &exit) {
		err = errors.Join(err, failed)
	}
	return err
}

// take returns the processor time of the server since the last call: 0 where
// there is no procfs.
func (s *ownServer) take() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	// proc_pid_stat(5): fields 14 to 17, the second one being the name in
	// parentheses; a tick is 10 ms on every architecture of Go's.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, fmt.Errorf("unexpected text in procfs: %s", text)
	}
	ticks := 0
	for _, f := range fields[11:15] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	total := time.Duration(ticks) * 10 * time.Millisecond
	used := total - s.used
	s.used = total
	return used, nil
}
