package ktls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestSettle is I24, with TestKernelEncrypts where the kernel can encrypt: it is asked only if it is
// wanted, and where it can't the connection goes on without it. TestSettle: what each mode does where
// the kernel refuses and where it doesn't.
func TestSettle(t *testing.T) {
	const loaded = "the kernel's tls module is not loaded (as root: modprobe tls) (TCP_ULP: No such file or directory)"
	for _, tt := range []struct {
		name           string
		mode           Mode
		ulpErr, keyErr error
		kernel         bool
		reason, err    string
	}{
		{name: "auto", mode: Auto, kernel: true},
		{name: "auto without module", mode: Auto, ulpErr: syscall.ENOENT, reason: loaded},
		{name: "auto without cipher", mode: Auto, keyErr: syscall.ENOENT,
			reason: "the kernel lacks the cipher (TLS_TX: No such file or directory)"},
		{name: "require", mode: Require, kernel: true},
		{name: "require without module", mode: Require, ulpErr: syscall.ENOENT, err: "kernel TLS is required, but " + loaded},
		{name: "off", mode: Off},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onlySuite(t, tls.TLS_AES_128_GCM_SHA256)
			fake := &fakeKernel{ulpErr: tt.ulpErr, keyErr: tt.keyErr}
			sender, receiver := relayed(t, roles[0], fake)
			secret := sender.sink.secret
			kernel := New(fake.calls())
			if tt.keyErr != nil { // not in the trial but on the connection itself
				fake.keyErr = nil
				if err := kernel.Supports(tls.TLS_AES_128_GCM_SHA256); err != nil {
					t.Fatal(err)
				}
				fake.forget()
				fake.keyErr = tt.keyErr
			}
			out, err := kernel.Settle(sender, tt.mode)
			if !bytes.Equal(secret, make([]byte, 32)) || sender.sink.secret != nil {
				t.Error("the secret is still there")
			}
			if n := len(fake.given); n > 0 && !bytes.Equal(fake.given[n-1], make([]byte, len(fake.given[n-1]))) {
				t.Error("the key is still there")
			}
			if text(err) != tt.err || text(out.Reason) != tt.reason || (out.Kernel != nil) != tt.kernel {
				t.Fatalf("Settle = %+v, %v", out, err)
			}
			if tt.mode == Off && fake.ulps != 0 {
				t.Error("the kernel was asked")
			}
			if tt.err != "" {
				if _, err := sender.tcp.Write([]byte{0}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the connection is open: %v", err)
				}
				return
			}
			if !tt.kernel {
				fake.forget() // so that the relay encrypts nothing
			}
			go func() { out.Conn.Write([]byte("hello")); out.Conn.Close() }()
			if got, err := io.ReadAll(receiver.TLS()); err != nil || string(got) != "hello" {
				t.Errorf("received %q, %v", got, err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDemand: only Require refuses, and only where no cipher is there.
func TestDemand(t *testing.T) {
	without := New((&fakeKernel{ulpErr: syscall.ENOENT}).calls())
	for _, mode := range []Mode{Auto, Off} {
		if err := without.Demand(mode); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if err := without.Demand(Require); err == nil || !strings.Contains(err.Error(), "modprobe tls") {
		t.Errorf("require: %v", err)
	}
	if err := New(new(fakeKernel).calls()).Demand(Require); err != nil {
		t.Errorf("require with the module: %v", err)
	}
	gone := &fakeKernel{}
	calls := gone.calls()
	calls.SetULP = func(platform.FD) error { return errors.ErrUnsupported }
	if err := New(calls).Demand(Require); err == nil || !strings.Contains(err.Error(), "this system has no kernel TLS") {
		t.Errorf("another system: %v", err)
	}
}

// TestMode: what is written is what is read.
func TestMode(t *testing.T) {
	for _, m := range []Mode{Auto, Off, Require} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("ParseMode(%q) = %v, %v", m.String(), got, err)
		}
	}
	if _, err := ParseMode("on"); err == nil {
		t.Error("took a mode that is none")
	}
}
