//go:build linux

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/sync/link"
	"github.com/zccp/zccp/sync/wire"
)

// daemonCase is a daemon that offers root, beside a directory that it does not offer.
type daemonCase struct {
	*daemon
	binary  string
	keys    *daemonKeys
	dir     string // with root, outside and local
	outside *copiertest.Tree
	usual   int // descriptors
}

func newDaemonCase(t *testing.T, o daemonOptions) *daemonCase {
	t.Helper()
	c := &daemonCase{binary: buildBinary(t), dir: farDir(t)}
	c.keys = newDaemonKeys(t, c.binary)
	for _, dir := range []string{"root/src/sub", "root/dst", "outside/sub", "local"} {
		must(t, os.MkdirAll(c.path(dir), 0o755))
	}
	for name, text := range map[string]string{
		"root/src/one": "one", "root/src/sub/two": "two", "local/new": "new",
		"outside/FILE": "outside", "outside/sub/secret": "SECRET-CANARY",
	} {
		must(t, os.WriteFile(c.path(name), []byte(text), 0o644))
	}
	must(t, os.Symlink("../outside", c.path("root/escape")))
	must(t, os.Symlink(c.path("outside"), c.path("root/absolute")))
	c.outside = scan(t, c.path("outside"))
	o.root = c.path("root")
	c.daemon = startDaemon(t, c.binary, c.keys, o)
	c.usual = c.descriptors()
	return c
}

func (c *daemonCase) path(name string) string { return filepath.Join(c.dir, name) }

// at is the operand of a path that the daemon offers.
func (c *daemonCase) at(name string) string { return c.url + name + "?pin=" + c.pin }

// sync runs a client.
func (c *daemonCase) sync(t *testing.T, args ...string) ended {
	t.Helper()
	return command{args: slices.Concat([]string{c.binary, "sync", "-a"}, c.keys.options, args), dir: c.dir}.run(t)
}

// check looks at the daemon and at what it does not offer, and has it serve somebody.
func (c *daemonCase) check(t *testing.T) {
	t.Helper()
	if err := c.settle(c.usual); err != nil {
		t.Error(err)
	}
	report(t, "outside", copiertest.Compare(c.outside, scan(t, c.path("outside")), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	for _, bad := range []string{"panic", "goroutine ", "defect", "SECRET-CANARY"} {
		if strings.Contains(c.messages(), bad) {
			t.Errorf("the daemon said %s", c.messages())
		}
	}
	peak, _ := strconv.ParseInt(strings.Fields(c.status(t, "VmHWM"))[0], 10, 64)
	if peak<<10 > mostHostileMemory {
		t.Errorf("the daemon took %d MiB", peak>>10)
	}
	must(t, os.RemoveAll(c.path("local/fetched")))
	if e := c.sync(t, c.at("src/"), "local/fetched/"); e.code != 0 {
		t.Errorf("it does not serve any more: exit code %d: %s", e.code, e.stderr)
	}
}

// dial is a client that may then say what it likes.
func (c *daemonCase) dial(t *testing.T) *hostileClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	l, err := link.DialDaemon(ctx, link.Options{KeyFile: filepath.Join(c.keys.dir, "client"), Idle: 10 * time.Second}, c.at(""))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return &hostileClient{t, l, wire.NewReader(l.Control, 0)}
}

type hostileClient struct {
	t *testing.T
	*link.Link
	r *wire.Reader
}

func (h *hostileClient) say(messages ...any) {
	h.Control.Write(encoded(h.t, messages...)) // it may have closed
}

// hear returns the next message that is no sign of life, or why there is none.
func (h *hostileClient) hear() (any, error) {
	for {
		msg, _, err := h.r.Next()
		switch msg.(type) {
		case *wire.Ping, *wire.Credit, *wire.Totals, *wire.Note:
			continue
		}
		return msg, err
	}
}

// TestHostileI05 asks for options that a peer must not have: those that name files of the other
// machine, run something there, or loosen its limits. I07 and I09 are among them: a peer that
// chooses workers and times.
func TestHostileI05(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{})
	for _, words := range [][]string{
		{"--log-file=" + c.path("outside/log")}, {"--log-file=/log"}, {"--files-from=/etc/passwd"}, {"--exclude-from=/etc/passwd"}, {"--include-from=/etc/passwd"},
		{"--filter=merge /etc/passwd"}, {"--filter=. ../outside/FILE"}, {"--password-file=/etc/passwd"}, {"--config=/etc/passwd"},
		{"--ssh=touch " + c.path("pwned")}, {"--rsync-path=touch " + c.path("pwned")}, {"--remote-zccp=touch pwned"}, {"--remote=x:y"}, {"-e", "touch"},
		{"--jobs=65535"}, {"--timeout=0"}, {"--max-alloc=100G"}, {"--streams=65535"}, {"--stop-after=1"}, {"--memory=1T"}, {"--security=plain"}, {"--no-such-option"},
		{"--write-devices"}, {"--copy-devices"}, {"--daemon"}, {"--server"}, {"--root=/"}, {"--listen=:1"}, {"--key=/etc/shadow"}, {""}, {"--"}, {"-n"}, {"\x00"}, {"dst"},
		{"--backup-dir=../../outside"}, {"--backup-dir=" + c.path("outside")}, {"--temp-dir=../../outside"}, {"--partial-dir=../../outside"},
		{"--link-dest=../../outside"}, {"--copy-dest=" + c.path("outside")}, {"--compare-dest=../../outside"}, {"--backup", "--backup-dir=escape"}, {"--temp-dir=escape"},
		{strings.Repeat("x", 1<<20)}, slices.Repeat([]string{"--recursive"}, 100_000),
	} {
		for _, push := range []bool{true, false} {
			h := c.dial(t)
			job := &wire.Job{Push: push, Words: append(slices.Clone(words), "--recursive"), Dest: []byte("dst")}
			if !push {
				job.Dest, job.Sources = nil, [][]byte{[]byte("src/")}
			}
			h.say(job)
			if push {
				// As far as an honest client would go on without hearing anything.
				h.say(&wire.Root{IsDir: true, Content: true, Attr: wire.Attr{Mode: 0o40755, Nlink: 2}}, &wire.Dir{Attr: wire.Attr{Mode: 0o40755, Nlink: 2}, Lists: true},
					&wire.DirEnd{}, &wire.WalkEnd{Dirs: 1}, &wire.Done{})
			}
			msg, err := h.hear()
			about := fmt.Sprintf("%.100q push %v", words, push)
			switch m := msg.(type) {
			case *wire.Fatal:
				text := strings.ReplaceAll(m.Text, strings.Join(words, " "), "") // what is said back
				if strings.Contains(text, "root:x:0") || strings.Contains(text, c.dir) {
					t.Errorf("%s: it tells what is elsewhere: %s", about, m.Text)
				}
			case nil:
				if err != io.EOF {
					t.Logf("%s: %v", about, err)
				}
			default:
				t.Logf("%s: taken", about)
			}
			h.Close()
		}
	}
	if _, err := os.Lstat(c.path("pwned")); err == nil {
		t.Error("something was run")
	}
	if entries, _ := os.ReadDir("/proc/" + strconv.Itoa(c.pid) + "/task"); len(entries) > 64 {
		t.Errorf("%d threads", len(entries))
	}
	c.check(t)
}

// TestHostileI08 has a thousand connections that say nothing, little, or something slowly: a
// client is served beside them.
func TestHostileI08(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{})
	address := fmt.Sprintf("127.0.0.1:%d", c.port)
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for i := range 1000 {
		// A few from where the client comes from, too.
		from := &net.TCPAddr{IP: net.IPv4(127, 0, byte(i%50), 1)}
		conn, err := (&net.Dialer{LocalAddr: from, Timeout: 5 * time.Second}).Dial("tcp4", address)
		if err != nil {
			t.Errorf("connection %d: %v", i, err)
			break
		}
		conns = append(conns, conn)
		switch i % 4 {
		case 1:
			conn.Write([]byte{22})
		case 2:
			conn.Write([]byte("ZCCPDATA"))
		case 3:
			conn.Write([]byte{22, 3, 1, 0xff, 0xff, 1})
		}
	}
	for range 5 {
		start := time.Now()
		must(t, os.RemoveAll(c.path("local/fetched")))
		if e := c.sync(t, c.at("src/"), "local/fetched/"); e.code != 0 {
			t.Errorf("beside %d connections: exit code %d after %v: %s", len(conns), e.code, time.Since(start), e.stderr)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	for _, conn := range conns {
		conn.Close()
	}
	conns = nil
	c.check(t)
}

// TestHostileI08Keys has clients that showed a key and then stand still: they end, and others
// are served meanwhile.
func TestHostileI08Keys(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{more: "max-sessions = 8"})
	for range 6 {
		c.dial(t)
	}
	half := c.dial(t)
	half.Control.Write([]byte{9, 0, 0})
	if e := c.sync(t, c.at("src/"), "local/beside/"); e.code != 0 {
		t.Errorf("exit code %d: %s", e.code, e.stderr)
	}
}

// TestHostileI16 starts daemons with configurations that are not right: none starts. I18, a daemon
// that would serve everybody, is among them.
func TestHostileI16(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{})
	key, allow := "key = "+filepath.Join(c.keys.dir, "server")+"\n", "allow = "+c.keys.client+"\n"
	export := "[export x]\npath = " + c.path("root") + "\nmode = ro\n"
	for name, text := range map[string]string{
		"nothing":            "",
		"no export":          key,
		"no key (I18)":       export + allow,
		"nobody (I18)":       key + export,
		"unknown word":       key + export + allow + "host-allow = *\n",
		"unknown mode":       key + strings.Replace(export, "ro", "r0", 1) + allow,
		"no mode":            key + strings.Replace(export, "mode = ro\n", "", 1) + allow,
		"no path":            key + "[export x]\nmode = ro\n" + allow,
		"relative path":      key + "[export x]\npath = root\nmode = ro\n" + allow,
		"twice":              key + export + allow + "mode = rw\n",
		"half a fingerprint": key + export + "allow = " + c.keys.client[:20] + "\n",
		"everybody":          key + export + "allow = *\n",
		"two of one name":    key + export + allow + export + allow,
		"missing key file":   "key = /nonexistent\n" + export + allow,
		"missing export":     key + "[export x]\npath = /nonexistent\nmode = ro\n" + allow,
		"zero byte":          key + export + allow + "\x00",
		"binary":             "\x7fELF\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "config")
			must(t, os.WriteFile(config, []byte(text), 0o600))
			e := command{args: []string{"timeout", "5", c.binary, "serve", "--listen", "127.0.0.1:0", "--config", config}, dir: c.dir}.run(t)
			if e.code == 0 || e.code == 124 || e.code == 70 || e.stderr == "" {
				t.Errorf("exit code %d: %s", e.code, e.stderr)
			}
		})
	}
	for name, args := range map[string][]string{
		"no configuration (I18)": {"--listen", "127.0.0.1:0"},
		"that of others":         {"--listen", "127.0.0.1:0", "--config", "/nonexistent"},
	} {
		t.Run(name, func(t *testing.T) {
			e := command{args: slices.Concat([]string{"timeout", "5", c.binary, "serve"}, args), dir: c.dir}.run(t)
			if e.code == 0 || e.code == 124 || e.code == 70 || e.stderr == "" {
				t.Errorf("exit code %d: %s", e.code, e.stderr)
			}
		})
	}
	t.Run("a key that others read", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "key")
		b, err := os.ReadFile(filepath.Join(c.keys.dir, "server"))
		must(t, err)
		must(t, os.WriteFile(key, b, 0o644))
		config := filepath.Join(t.TempDir(), "config")
		must(t, os.WriteFile(config, []byte("key = "+key+"\n"+export+allow), 0o600))
		e := command{args: []string{"timeout", "5", c.binary, "serve", "--listen", "127.0.0.1:0", "--config", config}, dir: c.dir}.run(t)
		if e.code == 0 || e.code == 124 {
			t.Errorf("exit code %d: %s", e.code, e.stderr)
		}
	})
}

// TestHostileI17 has a daemon with another key than the one that is known, and clients with a
// key that is not: nothing is sent either way.
func TestHostileI17(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{})
	stranger := newDaemonKeys(t, c.binary)
	for name, args := range map[string][]string{
		"another daemon":    {"local/", c.url + "dst/?pin=" + stranger.server},
		"a daemon unknown":  {"local/", c.url + "dst/"},
		"another client":    {"--key=" + filepath.Join(stranger.dir, "client"), "local/", c.at("dst/")},
		"the daemon's own":  {"--key=" + filepath.Join(c.keys.dir, "server"), "local/", c.at("dst/")},
		"no key":            {"--key=/nonexistent", "local/", c.at("dst/")},
		"another's export":  {"local/", c.url[:len(c.url)-2] + "y/dst/?pin=" + c.pin},
		"plain not allowed": {"--security=plain", "local/", c.at("dst/")},
	} {
		t.Run(name, func(t *testing.T) {
			e := c.sync(t, args...)
			if e.code == 0 || e.code == 70 || e.stderr == "" {
				t.Errorf("exit code %d: %s", e.code, e.stderr)
			}
			t.Logf("exit code %d: %s", e.code, e.stderr)
			if _, err := os.Lstat(c.path("root/dst/new")); err == nil {
				t.Error("it was sent")
			}
		})
	}
	c.check(t)
}

// TestHostileI19 asks for what is not offered, by all names: the answer tells nothing of it.
func TestHostileI19(t *testing.T) {
	for _, mode := range []string{"ro", "rw"} {
		t.Run(mode, func(t *testing.T) {
			c := newDaemonCase(t, daemonOptions{mode: mode})
			paths := []string{
				"../outside/FILE", "src/../../outside/FILE", "/../outside/FILE", c.path("outside/FILE"), "/etc/passwd", "../../../../../../etc/passwd",
				"escape/FILE", "absolute/FILE", "escape/", "absolute/sub/", "escape/sub/secret", "absolute/.", "escape/../outside/FILE", "./escape/./FILE",
				".../../../outside/", "/proc/self/root/etc/passwd", "/proc/self/environ", "/dev/zero",
			}
			for _, p := range paths {
				h := c.dial(t)
				h.say(&wire.Job{Words: []string{"--recursive", "--times"}, Sources: [][]byte{[]byte(p)}})
				told := ""
				for {
					msg, err := h.hear()
					if err != nil {
						break
					}
					told += fmt.Sprintf("%T%+v\n", msg, msg)
					switch m := msg.(type) {
					case *wire.Entries:
						t.Errorf("%q: %d entries are told", p, len(m.Items))
						told += fmt.Sprintf("%s %s", m.Items[0].Name, m.Items[0].Link)
					case *wire.Root:
						told += string(m.Path)
					case *wire.Dir:
						told += string(m.Path)
					case *wire.Fatal:
						told += m.Text + m.Hint
						h.Close() // the daemon would wait for it
					case *wire.Problem:
						told += m.Text + m.Hint
					case *wire.WalkEnd:
						h.Close()
					}
				}
				h.Close()
				for _, secret := range []string{c.dir, "root:x:0", "SECRET", "secret", "FILE\n"} {
					if strings.Contains(strings.ReplaceAll(told, p, ""), secret) {
						t.Errorf("%q: %q is told: %s", p, secret, told)
					}
				}
			}
			// What is offered is told of by its name there, and not where it is here.
			h := c.dial(t)
			h.say(&wire.Job{Words: []string{"--recursive"}, Sources: [][]byte{[]byte("src/")}})
			for {
				msg, err := h.hear()
				if err != nil {
					break
				}
				path := ""
				switch m := msg.(type) {
				case *wire.Root:
					path = string(m.Path)
				case *wire.Dir:
					path = string(m.Path)
				case *wire.WalkEnd:
					h.Close()
				}
				if strings.Contains(path, c.dir) {
					t.Errorf("it tells that it is in %s", path)
				}
			}
			// And where something is to be written.
			for _, p := range paths {
				h := c.dial(t)
				h.say(&wire.Job{Push: true, Words: []string{"--recursive", "--perms", "--delete"}, Dest: []byte(p)},
					&wire.Root{IsDir: true, Content: true, Lists: true, Attr: wire.Attr{Mode: 0o40700, Nlink: 2}}, &wire.Dir{Attr: wire.Attr{Mode: 0o40700, Nlink: 2}, Lists: true},
					&wire.DirEnd{Dir: 0}, &wire.WalkEnd{Dirs: 1})
				for {
					msg, err := h.hear()
					if err != nil {
						break
					}
					if _, ok := msg.(*wire.Finished); ok {
						h.Close()
					}
					if m, ok := msg.(*wire.Fatal); ok {
						if strings.Contains(strings.ReplaceAll(m.Text, p, ""), c.dir) {
							t.Errorf("%q: %s", p, m.Text)
						}
						h.Close()
					}
				}
				h.Close()
			}
			c.check(t)
		})
	}
}

// TestHostileI20 says again what opened the data streams of an honest client, while its session
// lasts and after: nobody is let in by it.
func TestHostileI20(t *testing.T) {
	c := newDaemonCase(t, daemonOptions{plain: true})
	makeData(t, c.path("local/big"), 30<<20)
	var mu sync.Mutex
	var opening []byte
	taken := 0
	replay := func(say []byte) {
		conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", c.port))
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(15 * time.Second))
		conn.Write(say)
		conn.(*net.TCPConn).CloseWrite() // it need not wait for more
		// The answer of the daemon is a nonce of 32 bytes, and then nothing but the end: a
		// stream that is let in gets 32 more.
		b, _ := io.ReadAll(conn)
		mu.Lock()
		defer mu.Unlock()
		if len(b) > 32 {
			taken++
		}
	}
	var replays sync.WaitGroup
	p := startProxy(t, &proxy{to: c.port, meddle: func(direction int, _ int64, b []byte) (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if i := bytes.Index(b, []byte("ZCCPDATA")); direction == fromClient && i >= 0 {
			opening = slices.Clone(b[i:])
			say := opening
			replays.Go(func() { replay(say) })
		} else if direction == fromClient && opening != nil && len(b) == 32 {
			// The proof, with what went before.
			opening = append(opening, b...)
			say := slices.Clone(opening)
			replays.Go(func() { replay(say) })
		}
		return len(b), true
	}})
	args := slices.Concat([]string{"--security=plain"}, []string{"local/", c.urlAt(p.port()) + "dst/?pin=" + c.pin})
	if e := c.sync(t, args...); e.code != 0 {
		t.Errorf("exit code %d: %s", e.code, e.stderr)
	}
	mu.Lock()
	said := slices.Clone(opening)
	mu.Unlock()
	if said == nil {
		t.Fatal("no stream was opened")
	}
	replay(said)
	replays.Wait()
	if taken > 0 {
		t.Errorf("%d were let in", taken)
	}
	report(t, "dst", copiertest.Diff(c.path("local"), c.path("root/dst"), copiertest.CompareOptions{Ignore: copiertest.Atime, Skip: func(name string) bool { return name == "." }}))
	c.check(t)
}

// TestHostileI23 looks at the rights that a daemon has left.
func TestHostileI23(t *testing.T) {
	copiertest.Require(t, "root")
	c := newDaemonCase(t, daemonOptions{more: "user = nobody\nconfine = require"})
	for field, want := range map[string]string{"NoNewPrivs": "1", "CapEff": "0000000000000000", "CapBnd": "", "Uid": "65534\t65534\t65534\t65534"} {
		if got := c.status(t, field); want != "" && got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	c.stop()
	c = newDaemonCase(t, daemonOptions{more: "confine = require", mode: "ro"})
	if got := c.status(t, "NoNewPrivs"); got != "1" {
		t.Errorf("NoNewPrivs is %q", got)
	}
	c.check(t)
}

// TestHostileH03 exchanges directories on the way to the destination with symbolic links to
// outside, all the time, while clients write, remove and set attributes there. H02 is the same
// with what is read.
func TestHostileH03(t *testing.T) {
	flips := countFrom(t, "ZCCP_TEST_FLIPPED", 12)
	c := newDaemonCase(t, daemonOptions{})
	for i := range 200 {
		dir := c.path(fmt.Sprintf("local/tree/a/b%d", i%10))
		must(t, os.MkdirAll(dir, 0o755))
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file%d", i)), []byte("x"), 0o600))
	}
	must(t, os.Symlink(c.path("outside"), c.path("link")))
	stop, swaps := make(chan struct{}), 0
	var flipping sync.WaitGroup
	victims := []string{"root/dst/a", "root/dst/a/b1", "root/src/sub", "root/dst"}
	flipping.Go(func() {
		for ; ; swaps++ {
			select {
			case <-stop:
				return
			default:
			}
			// There and back.
			victim := c.path(victims[swaps%len(victims)])
			if exchange(c.path("link"), victim) == nil {
				time.Sleep(time.Duration(swaps%7) * 20 * time.Microsecond)
				exchange(c.path("link"), victim)
			}
		}
	})
	codes := map[int]int{}
	for i := range flips {
		options := [][]string{{"--delete"}, {"--delete", "--inplace"}, {"--backup", "--backup-dir=bak"}, {"--delete-before", "--force"}}[i%4]
		if i%3 == 2 {
			os.RemoveAll(c.path("root/dst/a"))
		}
		for _, args := range [][]string{{"local/tree/", c.at("dst/")}, {c.at("src/"), "local/fetched/"}, {"local/tree/a/", c.at("dst/a/")}} {
			codes[c.sync(t, append(slices.Clone(options), args...)...).code]++
		}
		if found := copiertest.Compare(c.outside, scan(t, c.path("outside")), copiertest.CompareOptions{Ignore: copiertest.Atime}); found != nil {
			report(t, fmt.Sprintf("run %d, %q", i, options), found)
			break
		}
	}
	close(stop)
	flipping.Wait()
	t.Logf("%d swaps; exit codes and how often: %v", 2*swaps, codes)
	if out, _ := exec.Command("grep", "-rl", "SECRET-CANARY", c.path("local")).Output(); len(out) > 0 {
		t.Errorf("what is outside was read: %s", out)
	}
	c.check(t)
}

// exchange swaps two names at once.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}
