package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// inetd answers each connection to a loopback port with a process of its own,
// which has the connection as standard input and output, as inetd(8) does it.
// So no server outlives the bench, nobody else's port is met, and what a
// session used is known to the microsecond once it ended.
type inetd struct {
	listener *net.TCPListener
	command  func() *exec.Cmd

	sessions sync.WaitGroup
	mu       sync.Mutex
	open     int
	used     time.Duration // by sessions that ended
}

// startInetd listens. command makes the process of one session, without its
// standard input and output.
func startInetd(command func() *exec.Cmd) (*inetd, error) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	d := &inetd{listener: l, command: command}
	d.sessions.Go(d.accept)
	return d, nil
}

func (d *inetd) port() int { return d.listener.Addr().(*net.TCPAddr).Port }

func (d *inetd) accept() {
	for {
		conn, err := d.listener.AcceptTCP()
		if err != nil {
			return
		}
		d.mu.Lock()
		d.open++
		d.mu.Unlock()
		d.sessions.Go(func() {
			used := d.session(conn)
			d.mu.Lock()
			defer d.mu.Unlock()
			d.open--
			d.used += used
		})
	}
}

// session serves one connection and returns the processor time that it took.
func (d *inetd) session(conn *net.TCPConn) time.Duration {
	socket, err := conn.File()
	conn.Close()
	if err != nil {
		return 0 // the client sees its connection closed
	}
	cmd := d.command()
	cmd.Stdin, cmd.Stdout = socket, socket
	err = cmd.Start()
	socket.Close()
	if err != nil {
		return 0
	}
	cmd.Wait() // the client judges whether the session did what it was to do
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// take waits for the sessions that are open and returns the processor time of
// all since the last call.
func (d *inetd) take() (time.Duration, error) {
	const most = 10 * time.Second
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		open, used := d.open, d.used
		if open == 0 {
			d.used = 0
		}
		d.mu.Unlock()
		switch {
		case open == 0:
			return used, nil
		case time.Since(start) > most:
			return 0, fmt.Errorf("a server's session goes on for %v after its client ended", most)
		}
	}
}

// close ends the listening and waits for the sessions.
func (d *inetd) close() {
	d.listener.Close()
	d.sessions.Wait()
}

// sshHost is an ssh server on a loopback port into which the user logs in with
// a key made for it.
type sshHost struct {
	*inetd
	words []string // ssh, and what makes it know the server as the host sshHostName
}

const sshHostName = "far"

// startSSHD makes keys and configurations in dir and starts a server for the
// sessions of which programs are also looked for in bin.
func startSSHD(ctx context.Context, dir, bin string) (*sshHost, error) {
	sshd, err := lookServer("sshd")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	if me.Uid == "0" {
		// sshd(8) of root wants its empty directory, which is not there
		// where the service never ran.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	name := func(base string) string { return filepath.Join(dir, base) }
	for _, key := range []string{"host", "user"} {
		if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name(key)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	public, err := os.ReadFile(name("host.pub"))
	if err != nil {
		return nil, err
	}
	h := &sshHost{words: []string{"ssh", "-F", name("ssh_config")}}
	h.inetd, err = startInetd(func() *exec.Cmd { return exec.CommandContext(ctx, sshd, "-i", "-e", "-f", name("sshd_config")) })
	if err != nil {
		return nil, err
	}
	for base, text := range map[string]string{
		"known_hosts": sshHostName + " " + string(public),
		"sshd_config": "HostKey " + name("host") + `
AuthorizedKeysFile ` + name("user.pub") + `
SetEnv PATH=` + bin + string(filepath.ListSeparator) + os.Getenv("PATH") + `
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PidFile none
LogLevel ERROR
`,
		"ssh_config": `Host *
HostName 127.0.0.1
HostKeyAlias ` + sshHostName + `
Port ` + fmt.Sprint(h.port()) + `
User ` + me.Username + `
IdentityFile ` + name("user") + `
IdentitiesOnly yes
UserKnownHostsFile ` + name("known_hosts") + `
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
LogLevel ERROR
`,
	} {
		if err := os.WriteFile(name(base), []byte(text), 0o644); err != nil {
			h.close()
			return nil, err
		}
	}
	// One login, so that what is wrong is told here.
	out, err := exec.CommandContext(ctx, h.words[0], append(h.words[1:], sshHostName, "exit 0")...).CombinedOutput()
	if err != nil {
		h.close()
		return nil, fmt.Errorf("logging in to sshd of this machine: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return h, nil
}

// lookServer is exec.LookPath that also looks where the programs of root are.
func lookServer(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

// startRsyncd starts an rsync daemon whose module is the directory root.
func startRsyncd(ctx context.Context, dir, root string) (*inetd, error) {
	config := filepath.Join(dir, "rsyncd.conf")
	text := "use chroot = no\nuid = " + fmt.Sprint(os.Getuid()) + "\ngid = " + fmt.Sprint(os.Getgid()) + "\nlog file = /dev/null\n" +
		"[" + exportName + "]\npath = " + root + "\nread only = no\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("rsync"); err != nil {
		return nil, err
	}
	return startInetd(func() *exec.Cmd { return exec.CommandContext(ctx, "rsync", "--daemon", "--config="+config) })
}

// exportName is what daemons call the directory that they offer.
const exportName = "bench"
