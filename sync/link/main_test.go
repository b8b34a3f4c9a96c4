package link

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary play ssh: with this variable set it is run as
// "ssh HOST zccp serve --stdio", and HOST says what happens.
func TestMain(m *testing.M) {
	if os.Getenv("LINK_TEST_SSH") == "" {
		os.Exit(m.Run())
	}
	os.Exit(playSSH(os.Args[1], os.Args[2:]))
}

func playSSH(host string, remote []string) int {
	if strings.Join(remote, " ") != "zccp serve --stdio" {
		if cmd := remote[0]; strings.HasPrefix(cmd, "'") || strings.HasPrefix(cmd, "/") {
			c := exec.Command("sh", "-c", strings.Join(remote, " "))
			c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
			c.Run()
			return c.ProcessState.ExitCode()
		}
		fmt.Fprintf(os.Stderr, "unexpected words %q\n", remote)
		return 1
	}
	switch host {
	case "missing":
		fmt.Fprintln(os.Stderr, "sh: 1: zccp: not found")
		return 127
	case "forbidden":
		return 126
	case "csh":
		fmt.Fprintln(os.Stderr, "zccp: Command not found.")
		return 1
	case "refused":
		fmt.Fprintln(os.Stderr, "Warning: this host is watched")
		time.Sleep(400 * time.Millisecond)
		fmt.Fprintln(os.Stderr, "ssh: connect to host refused port 22: Connection refused")
		return 255
	case "silent":
		io.Copy(io.Discard, os.Stdin)
		time.Sleep(time.Hour)
	case "garbage":
		fmt.Print(strings.Repeat("x", 200<<10))
		io.Copy(io.Discard, os.Stdin)
		return 0
	case "stops": // after its first byte
		fmt.Print("Z")
		time.Sleep(time.Hour)
	case "noisy":
		fmt.Print("Welcome!\n\x1b[31mYou have mail.\n")
	}
	opts := Options{AllowPlain: host == "plain", Features: []string{"b", "server", "a"}}
	l, err := ServeStdio(context.Background(), opts, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	fmt.Println("this must not get among the messages")
	fmt.Fprintf(os.Stderr, "session %x\n", l.Session)
	if host == "dies" {
		l.Control.Write([]byte("x"))
		fmt.Fprintln(os.Stderr, "Connection to dies closed by remote host.")
		return 255
	}
	serveEcho(l)
	return 0
}

// serveEcho sends back what comes, on every stream and on the control channel,
// until that ends.
func serveEcho(l *Link) {
	defer l.Close()
	go func() {
		for {
			s, err := l.NextStream(context.Background())
			if err != nil {
				return
			}
			go func() {
				defer s.Close()
				fmt.Fprintf(s, "%d\n", s.Number)
				io.Copy(s.Conn, s.Conn)
			}()
		}
	}()
	io.Copy(l.Control, l.Control)
}
