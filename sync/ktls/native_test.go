package ktls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zccp/zccp/platform"
)

// envVM says what the kernel that this runs on has: "present", the module and
// all ciphers; "absent", nothing; "no cipher", the module alone. .ci/ktls runs
// the tests with each of them. Without it they take what they find.
const envVM = "ZCCP_KTLS_VM"

// TestKernelEncrypts sends a file by sendfile and small writes around it through
// the running kernel, and receives them equal.
func TestKernelEncrypts(t *testing.T) {
	kernel := New(platform.NativeTLS())
	expect := os.Getenv(envVM)
	if expect != "" && expect != "present" {
		t.Skip("this kernel is to refuse")
	}
	for _, s := range suites {
		for _, role := range roles {
			t.Run(tls.CipherSuiteName(s.id)+"/"+role, func(t *testing.T) {
				if err := kernel.Supports(s.id); expect == "present" && err != nil {
					t.Fatal(err)
				} else if err != nil {
					t.Skip(err)
				}
				onlySuite(t, s.id)
				near, far := newPair(t)
				sender, receiver := shake(t, role, near, far)
				before := sockets(t)
				out, err := kernel.Settle(sender, Require)
				if err != nil {
					t.Fatal(err)
				}
				if n := sockets(t) - before; n != 1 {
					t.Errorf("the kernel counts %d more sockets that it encrypts for, want 1", n)
				}
				exchange(t, out.Kernel, receiver.TLS())
			})
		}
	}
}

// exchange sends both ways over the connection and closes it.
func exchange(t *testing.T, c *Conn, peer *tls.Conn) {
	t.Helper()
	const size = 3<<20 + 1234
	file, content := randomFile(t, size)
	if _, err := peer.Write([]byte("listing")); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		failed <- func() error {
			for off := int64(0); off < size; off += 1 << 20 {
				n := min(1<<20, size-off)
				if _, err := fmt.Fprintf(c, "%08d", n); err != nil {
					return err
				}
				if err := sendfile(c, file, off, int(n)); err != nil {
					return err
				}
			}
			return c.Close()
		}()
	}()
	listing := make([]byte, 7)
	if _, err := io.ReadFull(c, listing); err != nil || string(listing) != "listing" {
		t.Errorf("read %q, %v", listing, err)
	}
	peer.SetReadDeadline(time.Now().Add(60 * time.Second))
	var got bytes.Buffer
	for {
		header := make([]byte, 8)
		if _, err := io.ReadFull(peer, header); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		var n int64
		if _, err := fmt.Sscanf(string(header), "%d", &n); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(&got, peer, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), content) {
		t.Error("what was received differs")
	}
	if used := Lifetime - c.BytesLeft(); used < size || used > size+1<<20 {
		t.Errorf("%d bytes of the key's life used by %d", used, size)
	}
}

// sendfile sends a range of the file, as a user of Sock does.
func sendfile(c *Conn, file *os.File, off int64, n int) error {
	calls := platform.Native()
	for n > 0 {
		sent, err := calls.Sendfile(c.Sock(), platform.FD(file.Fd()), off, n)
		if err == syscall.EAGAIN {
			_, err = calls.Poll(c.Sock(), true, 10000)
			sent = 0
		}
		if err != nil && err != syscall.EINTR {
			return err
		}
		if sent > 0 {
			c.Sent(int64(sent))
			off, n = off+int64(sent), n-sent
		}
	}
	return nil
}

func randomFile(t *testing.T, size int) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(content)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, content
}

// sockets returns how many sockets the kernel has encrypted for so far.
func sockets(t *testing.T) (n int) {
	t.Helper()
	stat, err := os.ReadFile("/proc/net/tls_stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(stat)) {
		if _, err := fmt.Sscanf(line, "TlsTxSw %d", &n); err == nil {
			return n
		}
	}
	t.Fatalf("no TlsTxSw in %q", stat)
	return 0
}

// TestKernelRefuses: without the module, or with a module that has no cipher,
// auto goes on with crypto/tls on the same connection and require refuses.
func TestKernelRefuses(t *testing.T) {
	kernel := New(platform.NativeTLS())
	err := kernel.Supports(tls.TLS_AES_128_GCM_SHA256)
	expect := os.Getenv(envVM)
	if expect == "present" || expect == "" && err == nil {
		t.Skip("this kernel is not to refuse")
	}
	var refusal *Refusal
	if runtime.GOOS == "linux" && !errors.As(err, &refusal) {
		t.Fatalf("Supports = %v, want a Refusal", err)
	}
	option := map[string]string{"absent": "TCP_ULP", "no cipher": "TLS_TX"}[expect]
	if expect != "" && (refusal.Option != option || refusal.Err != syscall.ENOENT) {
		t.Fatalf("refusal %+v, want ENOENT of %s", refusal, option)
	}
	t.Log(err)
	if err := kernel.Demand(Require); err == nil || !strings.Contains(err.Error(), "kernel TLS is required") {
		t.Errorf("Demand = %v", err)
	}
	onlySuite(t, tls.TLS_AES_128_GCM_SHA256)
	for _, tried := range []bool{true, false} {
		if !tried { // so that the connection itself is refused
			kernel = New(platform.NativeTLS())
			for i := range kernel.tried {
				kernel.tried[i].once.Do(func() {})
			}
		}
		near, far := newPair(t)
		sender, receiver := shake(t, roles[0], near, far)
		out, err := kernel.Settle(sender, Auto)
		if err != nil || out.Kernel != nil || out.Reason == nil {
			t.Fatalf("Settle = %+v, %v", out, err)
		}
		go func() { fmt.Fprint(out.Conn, "by crypto/tls"); out.Conn.Close() }()
		if got, err := io.ReadAll(receiver.TLS()); err != nil || string(got) != "by crypto/tls" {
			t.Errorf("received %q, %v", got, err)
		}
		near, far = newPair(t)
		sender, _ = shake(t, roles[0], near, far)
		if out, err := kernel.Settle(sender, Require); err == nil {
			t.Errorf("require: %+v", out)
		}
	}
}
