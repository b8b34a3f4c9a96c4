package ktls

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"

	"github.com/zccp/zccp/platform"
)

// Kernel is what the running kernel can do. Each cipher is tried out once, when
// it is first asked for, on a connection of the process to itself. It is safe
// for concurrent use.
type Kernel struct {
	calls *platform.TLSCalls
	tried [len(suites)]struct {
		once sync.Once
		err  error
	}
}

// New returns a Kernel that makes its calls through calls. Nothing is tried yet.
func New(calls *platform.TLSCalls) *Kernel { return &Kernel{calls: calls} }

// Supports returns nil if the kernel encrypts records of the TLS 1.3 cipher
// suite, and otherwise why not: a *Refusal, or what kept it from being tried.
func (k *Kernel) Supports(suiteID uint16) error {
	if fips140.Enabled() {
		return errors.New("in FIPS 140 mode only the Go module's own ciphers may be used")
	}
	for i := range suites {
		if suites[i].id != suiteID {
			continue
		}
		t := &k.tried[i]
		t.once.Do(func() { t.err = k.try(&suites[i]) })
		return t.err
	}
	return fmt.Errorf("the kernel has no %s", tls.CipherSuiteName(suiteID))
}

// try installs a key that encrypts nothing on a fresh connection. TCP_ULP wants
// a connected socket, and only TLS_TX tells whether the cipher is there.
func (k *Kernel) try(s *suite) error {
	near, far, err := pair()
	if err != nil {
		return fmt.Errorf("kernel TLS can't be tried out: %w", err)
	}
	defer near.Close()
	defer far.Close()
	fd, err := descriptor(near)
	if err != nil {
		return err
	}
	info, err := s.keyInfo(make([]byte, s.hash().Size()))
	if err != nil {
		return err
	}
	return k.install(fd, info)
}

// install makes the socket encrypt with the key. After a *Refusal the socket
// is as it was: a socket that has the protocol but no key sends what it is
// given (tls_main.c, TLS_BASE).
func (k *Kernel) install(fd platform.FD, info []byte) error {
	if err := k.calls.SetULP(fd); err != nil {
		return &Refusal{Option: "TCP_ULP", Reason: platform.TLSReason(err, false), Err: err}
	}
	if err := k.calls.SetTransmitKey(fd, info); err != nil {
		return &Refusal{Option: "TLS_TX", Reason: platform.TLSReason(err, true), Err: err}
	}
	return nil
}

// Refusal is the error of a kernel that doesn't encrypt.
type Refusal struct {
	Option string // the socket option that was refused: TCP_ULP or TLS_TX
	Reason string // in words, with what would help where that is known
	Err    error  // of the call
}

func (r *Refusal) Error() string {
	return r.Reason + " (" + r.Option + ": " + platform.Message(r.Err) + ")"
}

// Unwrap returns the error of the call.
func (r *Refusal) Unwrap() error { return r.Err }

// Upgrade has the kernel encrypt what this end writes from now on. It is called
// after the handshake and before anything is written; nobody else uses h
// meanwhile, and after success nobody uses it at all: the Conn owns the
// connection. The secret of h is gone in every case.
//
// After an error crypto/tls can go on with the connection as if nothing had
// been asked.
func (k *Kernel) Upgrade(h *Handshake) (*Conn, error) {
	secret := h.sink.take()
	defer clear(secret)
	switch {
	case h.done == 0:
		return nil, errors.New("the handshake is not over")
	case h.socket.written.Load() != h.done:
		return nil, errors.New("the kernel can't take over after the first record")
	case secret == nil:
		return nil, errors.New("crypto/tls told no traffic secret")
	}
	id := h.tls.ConnectionState().CipherSuite
	if err := k.Supports(id); err != nil {
		return nil, err
	}
	info, err := keyInfo(id, secret)
	if err != nil {
		return nil, err
	}
	defer clear(info)
	fd, err := descriptor(h.tcp)
	if err != nil {
		return nil, err
	}
	h.socket.sealed.Store(true) // before, so that no alert can slip in between
	if err := k.install(fd, info); err != nil {
		h.socket.sealed.Store(false)
		return nil, err
	}
	return newConn(k.calls, h.tcp, h.tls, fd), nil
}

func keyInfo(suiteID uint16, secret []byte) ([]byte, error) {
	for i := range suites {
		if suites[i].id == suiteID {
			return suites[i].keyInfo(secret)
		}
	}
	return nil, fmt.Errorf("no key schedule for %s", tls.CipherSuiteName(suiteID))
}
