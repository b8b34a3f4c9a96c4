package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/ktls"
)

// Stream is a connection for file contents beside the control channel. Who
// sends on it is the session's business.
type Stream struct {
	net.Conn          // read, write and set deadlines here; one reader, one writer
	Number   uint32   // from 1 on, the same at both ends
	Security Security // of what this end sends
	raw      *net.TCPConn
	kernel   *ktls.Conn // of KTLS
	once     sync.Once
	err      error
}

// Protected reports whether what arrives is what was sent. If not, it has to be
// checked against sums from the control channel.
func (s *Stream) Protected() bool { return s.Security != Plain }

// Sock returns the socket, if bytes may be written to it directly (write(2),
// sendfile(2)): on plain streams and where the kernel encrypts. It does not
// block, so EAGAIN is to be expected, and is valid until Close. Nobody may use
// Write at the same time.
func (s *Stream) Sock() (platform.FD, bool) {
	raw, err := s.SyscallConn()
	if err != nil {
		return platform.None, false
	}
	fd := platform.None
	if raw.Control(func(f uintptr) { fd = platform.FD(f) }) != nil {
		return platform.None, false
	}
	return fd, true
}

// SyscallConn is Sock for who waits by the runtime's poller: its Write calls
// back whenever the socket takes bytes. The error is errors.ErrUnsupported
// where Sock says false.
func (s *Stream) SyscallConn() (syscall.RawConn, error) {
	if s.Security == TLS {
		return nil, errors.ErrUnsupported
	}
	return s.raw.SyscallConn()
}

// Sent tells of n bytes that were written to Sock, which use the key up like
// those of Write.
func (s *Stream) Sent(n int64) {
	if s.kernel != nil {
		s.kernel.Sent(n)
	}
}

// KeyLife is how many bytes, sent and received together, a protected stream is
// good for: then both ends call Renew. Beyond it they have time for several
// attempts, up to KeyEnd, where AES-GCM is still good (see ktls.Lifetime).
const (
	KeyLife = ktls.Lifetime
	KeyEnd  = 5 * KeyLife
)

// Close closes the connection without waiting for what was sent to arrive; a
// frame says that all was sent.
func (s *Stream) Close() error {
	s.once.Do(func() {
		if s.kernel != nil {
			s.err = s.kernel.Close()
		} else {
			s.err = s.raw.Close()
		}
	})
	return s.err
}

func (s *Stream) address() string { return s.raw.RemoteAddr().String() }

// secured is a connection after its TLS handshake.
type secured struct {
	conn     net.Conn
	state    tls.ConnectionState
	security Security
	kernel   *ktls.Conn
}

// exporter is what a proof is bound to (RFC 8446 7.5). Nothing of a plain
// connection can be bound to, which 32 zero bytes say.
func (s *secured) exporter() ([]byte, error) {
	if s.security == Plain {
		return make([]byte, 32), nil
	}
	return s.state.ExportKeyingMaterial("EXPORTER-zccp-data-stream", nil, 32)
}

// secure makes the TLS handshake on a connection whose deadline is set. Sending
// on a data stream goes to the kernel at once, before anything was sent, if it
// is wanted and can be had.
func (o *Options) secure(ctx context.Context, raw *net.TCPConn, cfg *tls.Config, client bool) (*secured, error) {
	h := ktls.Server(raw, cfg)
	if client {
		h = ktls.Client(raw, cfg)
	}
	if err := h.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	s := &secured{conn: h.TLS(), state: h.TLS().ConnectionState()}
	if s.state.NegotiatedProtocol != protoData || o.kernel == nil {
		h.Forget()
		return s, nil
	}
	out, err := o.kernel.Settle(h, o.KTLS)
	if err != nil {
		return nil, err
	}
	s.conn = out.Conn
	if out.Kernel != nil {
		s.security, s.kernel = KTLS, out.Kernel
	}
	return s, nil
}
