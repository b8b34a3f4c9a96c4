package ktls

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/platform"
)

// Lifetime is how many bytes one key is used for. AES-GCM is good for 2^24.5
// full records, about 360 GiB (RFC 8446, 5.5); the kernel counts nothing,
// crypto/tls never changes keys, and kernels before 6.14 can't.
const Lifetime = 64 << 30

// grace is what may be written beyond Lifetime, so that there is time to open
// another connection, more than once if need be, and to end this one at a boundary
// of the caller's framing. Together they stay below what the key is good for.
const grace = 4 * Lifetime

// recordCost is what a record costs in the terms of Lifetime beside its
// content: a tag, and the filling of the last block.
const recordCost = 32

// fullRecord is the content of the records that the kernel makes of what is
// longer, in bytes.
const fullRecord = 16 << 10

// ErrWorn is the error of a Write with a key that has been used for so long
// that the connection had to be replaced.
var ErrWorn = errors.New("the key of this connection is used up")

// Conn is a connection on which the kernel encrypts what is written and
// crypto/tls decrypts what is read. It is a net.Conn, with one difference: a
// write that a deadline cut short may have sent part of its bytes, and writing
// can then go on.
type Conn struct {
	calls *platform.TLSCalls
	tcp   *net.TCPConn
	tls   *tls.Conn
	fd    platform.FD
	left  atomic.Int64
	close sync.Once
	err   error // of Close
}

func newConn(calls *platform.TLSCalls, tcp *net.TCPConn, tls *tls.Conn, fd platform.FD) *Conn {
	c := &Conn{calls: calls, tcp: tcp, tls: tls, fd: fd}
	c.left.Store(Lifetime)
	return c
}

// Read reads what the peer sent. It returns io.EOF after the peer's
// close_notify, and io.ErrUnexpectedEOF if the connection ended without.
func (c *Conn) Read(b []byte) (int, error) { return c.tls.Read(b) }

// Write hands b to the kernel, which sends it in records of at most 16 KiB.
// It waits until the kernel has taken all of it.
func (c *Conn) Write(b []byte) (int, error) {
	if c.left.Load() < -grace {
		return 0, ErrWorn
	}
	n, err := c.tcp.Write(b)
	c.Sent(int64(n))
	return n, err
}

// Sock returns the socket, for sendfile(2) and the like: it takes plain bytes
// and doesn't block. It is the Conn's; the caller is to be done with it
// before Close. It is not read from.
func (c *Conn) Sock() platform.FD { return c.fd }

// Sent takes n bytes off what is left of the key's life. Whoever sends through
// Sock says so, call by call; Write does so by itself.
func (c *Conn) Sent(n int64) {
	c.left.Add(-n - (1+n/fullRecord)*recordCost)
}

// BytesLeft returns how much is to be written before the connection should be
// replaced by a fresh one, a little less than Lifetime at first. It is negative
// once that is overdue; 256 GiB later Write refuses.
func (c *Conn) BytesLeft() int64 { return c.left.Load() }

// Close sends close_notify and closes the TCP connection. It waits for the
// socket to take the alert, at most a tenth of a second; a peer that is further
// behind gets what was written, but sees the connection end without an alert.
// Writes that are under way fail after that time. Only the first call does something;
// all return its error.
func (c *Conn) Close() error {
	c.close.Do(func() {
		c.notify()
		c.err = c.tcp.Close()
	})
	return c.err
}

// closeWait is short because Close is also what ends a transfer that hangs, one
// connection after the other.
const closeWait = 100 * time.Millisecond

// notify sends close_notify if that goes within closeWait. Nobody is told if it
// doesn't: then the connection is cut short, and the peer sees that it is.
func (c *Conn) notify() {
	raw, err := c.tcp.SyscallConn()
	if err != nil || c.tcp.SetWriteDeadline(time.Now().Add(closeWait)) != nil {
		return
	}
	_ = raw.Write(func(fd uintptr) bool {
		err := c.calls.SendRecord(platform.FD(fd), alertRecord, closeNotify())
		return err == nil || platform.Judge(platform.CallSend, err, false) != platform.Wait
	})
}

// alertRecord is the content type of an alert (RFC 8446, 5.1).
const alertRecord = 21

// closeNotify is the content of the alert that ends a connection: level
// warning, description 0 (RFC 8446, 6.1).
func closeNotify() []byte { return []byte{1, 0} }

// LocalAddr and RemoteAddr return the addresses of the TCP connection.
func (c *Conn) LocalAddr() net.Addr  { return c.tcp.LocalAddr() }
func (c *Conn) RemoteAddr() net.Addr { return c.tcp.RemoteAddr() }

// SetDeadline, SetReadDeadline and SetWriteDeadline are those of net.Conn. They
// don't bind the user of Sock.
func (c *Conn) SetDeadline(t time.Time) error      { return c.tcp.SetDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.tcp.SetReadDeadline(t) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.tcp.SetWriteDeadline(t) }
