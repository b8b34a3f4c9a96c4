package link

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestOpenSSH goes through a real sshd on a loopback port.
func TestOpenSSH(t *testing.T) {
	copiertest.Require(t, "sshd")
	sshd := startSSHD(t)
	opts := Options{Shell: append(strings.Fields(DefaultShell), sshd.client...), RemoteZCCP: sshd.zccp, Features: []string{"a"}}
	var stderr buffer
	opts.Stderr = &stderr
	begin := time.Now()
	l, err := DialSSH(t.Context(), opts, "127.0.0.1")
	t.Logf("connected after %v", time.Since(begin))
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	defer l.Close()
	if streams := echoStreams(t, l); len(streams) != 2 {
		t.Errorf("%d streams, notes %q", len(streams), l.Notes())
	}
	echo(t, l.Control, 4<<20)
	if notes := l.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "printed before zccp started: noise of a login") {
		t.Errorf("notes %q", notes)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}

	opts.RemoteZCCP = "/no/such zccp"
	_, err = DialSSH(t.Context(), opts, "127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), "the far end has no /no/such zccp") {
		t.Errorf("without zccp there: %v", err)
	}
	opts.Shell = append([]string{"ssh", "-p", "1"}, opts.Shell[1:]...)
	_, err = DialSSH(t.Context(), opts, "127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("without sshd there: %v", err)
	}
}

type testSSHD struct {
	client []string // words of ssh
	zccp   string   // at the far end
}

func startSSHD(t *testing.T) *testSSHD {
	t.Helper()
	const server = "/usr/sbin/sshd"
	for _, need := range []string{server, "/usr/bin/ssh", "/usr/bin/ssh-keygen"} {
		if _, err := os.Stat(need); err != nil {
			t.Skip(err)
		}
	}
	if _, err := os.Stat("/run/sshd"); os.Geteuid() == 0 && err != nil {
		t.Skip("sshd can't separate its privileges here: ", err)
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(file(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	public, err := os.ReadFile(file("user.pub"))
	if err != nil {
		t.Fatal(err)
	}
	write("authorized", string(public), 0o600)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write("zccp", "#!/bin/sh\necho noise of a login\nLINK_TEST_SSH=1 exec '"+self+"' good zccp \"$@\"\n", 0o755)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	write("config", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n",
		port, file("host"), file("authorized")), 0o600)
	cmd := exec.Command(server, "-D", "-e", "-f", file("config"))
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return &testSSHD{[]string{"-F", "none", "-p", fmt.Sprint(port), "-i", file("user"), "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-oBatchMode=yes"}, file("zccp")}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Skip("sshd does not start here: ", log.String())
	return nil
}
