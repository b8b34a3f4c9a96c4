package main

import (
	"context"
	"os/exec"
	"testing"
)

// SSHServer is an ssh server of a test.
type SSHServer struct{ host *sshHost }

// StartSSHD starts an ssh server that ends with the test. dir is for its files;
// programs of its sessions are also looked for in bin.
func StartSSHD(t testing.TB, dir, bin string) *SSHServer {
	t.Helper()
	// Not the test's context: it ends before what was put up for the end of
	// the test, and sessions may still be needed then.
	ctx, cancel := context.WithCancel(context.Background())
	host, err := startSSHD(ctx, dir, bin)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		host.close()
	})
	return &SSHServer{host}
}

// Words are ssh and its options, to be followed by SSHHostName.
func (s *SSHServer) Words() []string { return s.host.words }

// Port is that of the server on the loopback interface.
func (s *SSHServer) Port() int { return s.host.port() }

// SSHHostName is what the server is called.
const SSHHostName = sshHostName

// Inetd answers connections to a loopback port with processes.
type Inetd struct{ *inetd }

// StartInetd starts one that ends with the test.
func StartInetd(t testing.TB, command func() *exec.Cmd) Inetd {
	t.Helper()
	d, err := startInetd(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return Inetd{d}
}

// Port is that of the loopback interface.
func (d Inetd) Port() int { return d.port() }

// Settle waits until no session is open.
func (d Inetd) Settle() error {
	_, err := d.take()
	return err
}

// LinkProgram makes a link of that name in dir to the program, or to one that
// TestMain lets it stand for, and returns its path.
func LinkProgram(dir, name string) (string, error) { return linkProgram(dir, name) }
