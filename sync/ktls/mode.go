package ktls

import (
	"fmt"
	"net"
)

// Mode says whether the kernel is to encrypt.
type Mode uint8

// The modes. Auto is the zero value.
const (
	Auto    Mode = iota // the kernel where it can, crypto/tls where not
	Off                 // crypto/tls
	Require             // the kernel, or an error
)

// ParseMode reads "auto", "off" or "require".
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{Auto, Off, Require} {
		if m.String() == s {
			return m, nil
		}
	}
	return Auto, fmt.Errorf("%q is none of auto, off and require", s)
}

// String returns what ParseMode reads.
func (m Mode) String() string {
	switch m {
	case Auto:
		return "auto"
	case Off:
		return "off"
	case Require:
		return "require"
	}
	return fmt.Sprintf("Mode(%d)", m)
}

// Demand returns an error if mode is Require and the kernel takes none of the
// ciphers, so that a command can refuse before it connects to anything.
func (k *Kernel) Demand(mode Mode) error {
	if mode != Require {
		return nil
	}
	var first error
	for _, s := range suites {
		err := k.Supports(s.id)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return required(first)
}

// Outcome is how a connection goes on after the handshake.
type Outcome struct {
	Conn   net.Conn // to read, write and close
	Kernel *Conn    // the same, if the kernel encrypts; else nil
	Reason error    // why the kernel doesn't; nil if it does, or with Off
}

// Settle decides as mode says who encrypts what this end writes, and upgrades
// h if it is the kernel. It is called once, after the handshake and before
// anything is written; h is not to be used any more. The secret of h is gone in
// every case.
//
// An error comes with Require only: h's connection is then closed.
func (k *Kernel) Settle(h *Handshake, mode Mode) (Outcome, error) {
	if mode == Off {
		h.Forget()
		return Outcome{Conn: h.tls}, nil
	}
	c, err := k.Upgrade(h)
	switch {
	case err == nil:
		return Outcome{Conn: c, Kernel: c}, nil
	case mode == Require:
		h.tls.Close()
		return Outcome{}, required(err)
	}
	return Outcome{Conn: h.tls, Reason: err}, nil
}

func required(err error) error {
	return fmt.Errorf("kernel TLS is required, but %w", err)
}
