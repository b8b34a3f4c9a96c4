package ktls

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// relayed runs a handshake of two ends whose bytes go through a relay that does
// the kernel's part: what the sender's socket carries after the handshake is
// encrypted with the key that k was given, and so is its alert at the end.
func relayed(t *testing.T, role string, k *fakeKernel) (sender, receiver *Handshake) {
	t.Helper()
	sendTCP, relayNear := newPair(t)
	relayFar, recvTCP := newPair(t)
	go io.Copy(relayNear, relayFar)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer relayFar.CloseWrite()
		buf := make([]byte, 16<<10)
		var r *records
		for {
			n, err := relayNear.Read(buf)
			k.mu.Lock()
			if r == nil && len(k.infos) > 0 {
				r = newRecords(t, k.infos[len(k.infos)-1])
			}
			alert := k.alerts
			k.mu.Unlock()
			switch {
			case r == nil:
				relayFar.Write(buf[:n])
			case n > 0:
				relayFar.Write(r.seal(23, buf[:n]))
			}
			if err != nil {
				if r != nil && len(alert) > 0 {
					relayFar.Write(r.seal(alert[0], alert[1:]))
				}
				return
			}
		}
	}()
	t.Cleanup(func() { sendTCP.Close(); <-finished })
	// The receiver's handshake ends with the sender's last byte of it, so all
	// that the relay reads later is what the kernel would encrypt.
	return shake(t, role, sendTCP, recvTCP)
}

// TestUpgrade: a peer in crypto/tls reads what was written plainly to a socket
// whose bytes are encrypted as the kernel was told to, up to the end.
func TestUpgrade(t *testing.T) {
	for _, id := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384} {
		for _, role := range roles {
			t.Run(tls.CipherSuiteName(id)+"/"+role, func(t *testing.T) {
				onlySuite(t, id)
				fake := new(fakeKernel)
				sender, receiver := relayed(t, role, fake)
				kernel := New(fake.calls())
				if err := kernel.Supports(id); err != nil { // the trial uses a key of its own
					t.Fatal(err)
				}
				conn, err := kernel.Upgrade(sender)
				if err != nil {
					t.Fatal(err)
				}
				sent := bytes.Repeat([]byte("0123456789abcdef"), 10000)
				go func() {
					conn.Write(sent)
					conn.Close()
					conn.Close()
				}()
				got, err := io.ReadAll(receiver.TLS())
				fake.mu.Lock()
				defer fake.mu.Unlock()
				if err != nil || !bytes.Equal(got, sent) {
					t.Errorf("received %d bytes, %v, want %d and no error", len(got), err, len(sent))
				}
				if fake.ulps != 2 || len(fake.infos) != 2 {
					t.Errorf("%d times TCP_ULP, %d times TLS_TX, want 2 of each", fake.ulps, len(fake.infos))
				}
				if !bytes.Equal(fake.alerts, []byte{21, 1, 0}) {
					t.Errorf("alerts %v, want one close_notify", fake.alerts)
				}
			})
		}
	}
}

// TestUpgradedReads: the direction that comes in is read as before, also what
// came right behind the handshake.
func TestUpgradedReads(t *testing.T) {
	sender, receiver := relayed(t, roles[0], new(fakeKernel))
	if _, err := receiver.TLS().Write([]byte("early ")); err != nil {
		t.Fatal(err)
	}
	out, err := New(new(fakeKernel).calls()).Settle(sender, Auto)
	if err != nil || out.Kernel == nil {
		t.Fatal(out, err)
	}
	if _, err := receiver.TLS().Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	receiver.TLS().Close()
	got, err := io.ReadAll(out.Conn)
	if err != nil || string(got) != "early late" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestUpgradeTooEarlyOrLate: the kernel starts at record 0, so nothing but the
// moment after the handshake will do.
func TestUpgradeTooEarlyOrLate(t *testing.T) {
	fake := new(fakeKernel)
	kernel := New(fake.calls())
	near, far := newPair(t)
	if _, err := kernel.Upgrade(Client(near, newConfig(t))); text(err) != "the handshake is not over" {
		t.Errorf("before the handshake: %v", err)
	}
	sender, receiver := shake(t, roles[0], near, far)
	if _, err := sender.TLS().Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := kernel.Upgrade(sender); err == nil {
		t.Error("upgraded after a record")
	}
	if _, err := kernel.Upgrade(receiver); err != nil {
		t.Error(err)
	}
	if _, err := kernel.Upgrade(receiver); err == nil {
		t.Error("upgraded twice")
	}
}

// TestNoSecret: a configuration that takes the key log away leaves crypto/tls to it.
func TestNoSecret(t *testing.T) {
	near, far := newPair(t)
	config := newConfig(t)
	other := config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return other, nil }
	client, server := Client(near, config), Server(far, config)
	go client.HandshakeContext(context.Background())
	if err := server.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	out, err := New(new(fakeKernel).calls()).Settle(server, Auto)
	if err != nil || out.Kernel != nil || out.Reason == nil {
		t.Errorf("Settle = %+v, %v", out, err)
	}
}

// TestFailedHandshake: nothing is kept of a handshake that did not end.
func TestFailedHandshake(t *testing.T) {
	near, far := newPair(t)
	h := Client(near, newConfig(t))
	h.sink.Write([]byte(clientLabel + " aa 0203\n"))
	secret := h.sink.secret
	far.Close()
	if err := h.HandshakeContext(context.Background()); err == nil {
		t.Fatal("no error")
	}
	if secret[0] != 0 || h.sink.secret != nil {
		t.Error("the secret is still there")
	}
}

// TestKeyUpdateRequest: crypto/tls must not answer on a socket that the kernel
// encrypts, where the peer would read the answer as data. The connection ends.
func TestKeyUpdateRequest(t *testing.T) {
	onlySuite(t, tls.TLS_AES_128_GCM_SHA256)
	near, far := newPair(t)
	sender, receiver := shake(t, roles[0], near, far)
	conn, err := New(new(fakeKernel).calls()).Upgrade(sender)
	if err != nil {
		t.Fatal(err)
	}
	secret := receiver.sink.take()
	updated, err := suites[0].expandLabel(secret, "traffic upd", len(secret))
	if err != nil {
		t.Fatal(err)
	}
	const handshake, keyUpdate, updateRequested = 22, 24, 1
	sendSealed(t, far, secret, handshake, []byte{keyUpdate, 0, 0, 1, updateRequested})
	sendSealed(t, far, updated, 23, []byte("after"))

	near.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(make([]byte, 5)); n != 0 || err == nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	if _, err := conn.Write([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if got, err := io.ReadAll(far); err != nil || string(got) != "mine" {
		t.Errorf("the peer read %q, %v", got, err)
	}
}

// sendSealed writes one record, the first of its secret.
func sendSealed(t *testing.T, wire net.Conn, secret []byte, recordType byte, content []byte) {
	t.Helper()
	info, err := suites[0].keyInfo(secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Write(newRecords(t, info).seal(recordType, content)); err != nil {
		t.Fatal(err)
	}
}

// TestKernelIsTriedOnce: however many ask.
func TestKernelIsTriedOnce(t *testing.T) {
	fake := &fakeKernel{ulpErr: syscall.ENOENT}
	kernel := New(fake.calls())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var r *Refusal
			if err := kernel.Supports(tls.TLS_AES_128_GCM_SHA256); !errors.As(err, &r) || !errors.Is(err, syscall.ENOENT) || r.Option != "TCP_ULP" {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if fake.ulps != 1 {
		t.Errorf("tried %d times", fake.ulps)
	}
	if err := kernel.Supports(tls.TLS_RSA_WITH_AES_128_CBC_SHA); err == nil {
		t.Error("supports a suite that it can't know")
	}
}

// TestFIPS: in that mode no cipher but the Go module's is used.
func TestFIPS(t *testing.T) {
	if os.Getenv("ZCCP_TEST_FIPS") != "" {
		err := New(new(fakeKernel).calls()).Supports(tls.TLS_AES_128_GCM_SHA256)
		if err == nil || !strings.Contains(err.Error(), "FIPS") {
			t.Errorf("Supports = %v", err)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=on", "ZCCP_TEST_FIPS=1")
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestFIPS")) {
		t.Errorf("%v\n%s", err, out)
	}
}
