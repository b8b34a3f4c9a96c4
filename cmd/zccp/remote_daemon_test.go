//go:build linux

package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemonKeys are those of daemons and of their clients, which are run by the same user.
type daemonKeys struct {
	dir    string
	server string // fingerprints
	client string
	// options of a client.
	options []string
}

// newDaemonKeys makes keys for the user who runs the test.
func newDaemonKeys(t testing.TB, binary string) *daemonKeys { return newUserKeys(t, binary, 0) }

func newUserKeys(t testing.TB, binary string, uid int) *daemonKeys {
	t.Helper()
	k := &daemonKeys{dir: farDir(t)}
	k.server, k.client = k.make(t, binary, "server", uid), k.make(t, binary, "client", uid)
	k.options = []string{"--key=" + filepath.Join(k.dir, "client")}
	return k
}

// fingerprint is that of a key as keygen prints it.
var fingerprint = regexp.MustCompile(`sha256:\S+`)

// make makes a key as a user would and returns its fingerprint.
func (k *daemonKeys) make(t testing.TB, binary, name string, uid int) string {
	t.Helper()
	path := filepath.Join(k.dir, name)
	out := succeed(t, k.dir, binary, "keygen", path).stdout
	must(t, os.Chown(path, uid, uid))
	print := fingerprint.FindString(out)
	if print == "" {
		t.Fatalf("no fingerprint in %q", out)
	}
	return print
}

// daemonOptions say what a daemon offers, under the name x.
type daemonOptions struct {
	root  string
	mode  string // rw without it
	uid   int
	umask string
	plain bool
	more  string // lines of the configuration, before the export
}

// daemon is zccp serve --listen.
type daemon struct {
	url  string // of what it offers, with a slash at its end
	pin  string
	port int
	pid  int
	stop func() // it ends with the test, too

	mu   sync.Mutex
	said bytes.Buffer // on standard error
}

// urlAt is url by way of another port.
func (d *daemon) urlAt(port int) string { return fmt.Sprintf("zccp://127.0.0.1:%d/x/", port) }

// startDaemon starts a daemon, which ends when the test does, or this process.
func startDaemon(t testing.TB, binary string, keys *daemonKeys, o daemonOptions) *daemon {
	t.Helper()
	config := filepath.Join(farDir(t), "config")
	mode, plain, umask := o.mode, "no", o.umask
	if mode == "" {
		mode = "rw"
	}
	if o.plain {
		plain = "yes"
	}
	if umask == "" {
		umask = "022"
	}
	text := fmt.Sprintf("key = %s\n%s\n[export x]\npath = %s\nmode = %s\nplain = %s\nallow = %s\n",
		filepath.Join(keys.dir, "server"), o.more, o.root, mode, plain, keys.client)
	must(t, os.WriteFile(config, []byte(text), 0o644))
	must(t, os.Chown(config, o.uid, o.uid))
	const guard = `umask $1; shift; "$@" </dev/null & pid=$!; echo $pid; read -r _; kill $pid; wait $pid`
	cmd := exec.Command("sh", "-c", guard, "sh", umask, binary, "serve", "--listen", "127.0.0.1:0", "--config", config)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC0", "PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	if o.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.uid)}}
	}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	messages, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	d := &daemon{pin: keys.server}
	line, _ := bufio.NewReader(out).ReadString('\n')
	d.pid, _ = strconv.Atoi(strings.TrimSpace(line))
	address := make(chan int, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		listening := regexp.MustCompile(`127\.0\.0\.1:(\d+)`)
		r := bufio.NewReader(messages)
		for {
			line, err := r.ReadString('\n')
			d.mu.Lock()
			d.said.WriteString(line)
			d.mu.Unlock()
			if m := listening.FindStringSubmatch(line); m != nil && len(address) == 0 {
				port, _ := strconv.Atoi(m[1])
				address <- port
			}
			if err != nil {
				return
			}
		}
	})
	d.stop = sync.OnceFunc(func() {
		in.Close()
		timer := time.AfterFunc(10*time.Second, func() {
			t.Errorf("the daemon did not end: %.2000s", d.messages())
			syscall.Kill(d.pid, syscall.SIGKILL)
		})
		reading.Wait()
		cmd.Wait() // it is ended by a signal
		timer.Stop()
	})
	t.Cleanup(d.stop)
	select {
	case d.port = <-address:
	case <-time.After(10 * time.Second):
		t.Fatalf("the daemon does not tell where it listens: %s", d.messages())
	}
	d.url = d.urlAt(d.port)
	return d
}

// messages is what the daemon said.
func (d *daemon) messages() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.String()
}

// status returns a field of the daemon's status in procfs.
func (d *daemon) status(t testing.TB, field string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "\n"+field+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// descriptors is how many the daemon has open.
func (d *daemon) descriptors() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.pid))
	return len(list)
}

// settle waits until the daemon has no more open than usual.
func (d *daemon) settle(usual int) error {
	for start := time.Now(); d.descriptors() > usual; time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			return fmt.Errorf("the daemon has %d descriptors open, %d are usual", d.descriptors(), usual)
		}
	}
	return nil
}
