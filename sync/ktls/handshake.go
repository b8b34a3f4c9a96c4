package ktls

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
)

var errSealed = errors.New("the kernel encrypts what is written to this connection, crypto/tls can't write any more")

// Handshake is one end of a TLS connection from the handshake until it is
// settled who encrypts. It is for one goroutine.
type Handshake struct {
	tcp    *net.TCPConn
	socket *socket
	tls    *tls.Conn
	sink   *secretSink
	done   int64 // bytes written when the handshake was over, 0 before
}

// Client returns the client's end of a connection that is to be a TLS one.
// Nothing is sent yet. base is copied and not changed; of it,
// SessionTicketsDisabled and KeyLogWriter are overridden (see the package
// comment). If it allows less than TLS 1.3, or its GetConfigForClient returns
// another configuration, there may be no secret; then crypto/tls encrypts.
//
// The Handshake owns tcp, which has to be connected.
func Client(tcp *net.TCPConn, base *tls.Config) *Handshake {
	h, config := newHandshake(tcp, base, clientLabel)
	h.tls = tls.Client(h.socket, config)
	return h
}

// Server is Client for the server's end.
func Server(tcp *net.TCPConn, base *tls.Config) *Handshake {
	h, config := newHandshake(tcp, base, serverLabel)
	h.tls = tls.Server(h.socket, config)
	return h
}

func newHandshake(tcp *net.TCPConn, base *tls.Config, label string) (*Handshake, *tls.Config) {
	h := &Handshake{tcp: tcp, socket: &socket{Conn: tcp}, sink: &secretSink{label: label}}
	config := base.Clone()
	config.SessionTicketsDisabled = true
	config.KeyLogWriter = h.sink
	return h, config
}

// HandshakeContext runs the handshake as tls.Conn does. After an error the
// secret is gone, and the connection is to be closed.
func (h *Handshake) HandshakeContext(ctx context.Context) error {
	if err := h.tls.HandshakeContext(ctx); err != nil {
		h.Forget()
		return err
	}
	h.done = h.socket.written.Load()
	return nil
}

// TLS returns the connection as crypto/tls has it: what to use where nothing is
// upgraded, and what knows the peer's certificate.
func (h *Handshake) TLS() *tls.Conn { return h.tls }

// Forget zeroes the traffic secret. An end that doesn't call Settle or Upgrade
// calls it.
func (h *Handshake) Forget() { clear(h.sink.take()) }

// socket is what crypto/tls writes to. Reads go straight through: crypto/tls
// may read ahead past the handshake, since it is the one that goes on reading.
type socket struct {
	net.Conn
	written atomic.Int64
	sealed  atomic.Bool // the kernel encrypts: alerts and answers to a KeyUpdate can't be sent
}

// Write refuses once the socket is sealed: what crypto/tls encrypted would be
// encrypted again and reach the peer as application data.
func (s *socket) Write(b []byte) (int, error) {
	if s.sealed.Load() {
		return 0, errSealed
	}
	n, err := s.Conn.Write(b)
	s.written.Add(int64(n))
	return n, err
}
