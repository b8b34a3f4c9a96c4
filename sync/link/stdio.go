package link

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// ServeStdio is the far end of DialSSH: it greets on in and out. If these are
// the process's own standard input and output, the Link takes them away from
// the process: what is printed on standard output from then on goes to standard
// error and can't get among the messages. Closing the Link closes both.
//
// If the client asks for it there will be a TCP listener, which lets in nobody
// but this client and closes after 30 s or when all streams are there.
func ServeStdio(ctx context.Context, opts Options, in io.ReadCloser, out io.WriteCloser) (*Link, error) {
	if in == io.ReadCloser(os.Stdin) && out == io.WriteCloser(os.Stdout) {
		r, w, err := platform.TakeStdio()
		if err != nil {
			return nil, fail(CodeStart, err, "cannot take over standard input and output")
		}
		in, out = r, w
	}
	opts.Security = TLS // what a client asks for; here AllowPlain counts
	if err := opts.prepare(); err != nil {
		return nil, err
	}
	id, err := newIdentity()
	if err != nil {
		return nil, fail(CodeStart, err, "cannot make a key")
	}
	l := newLink(false, "the client", opts.idle())
	l.route = "ssh"
	ch := &channel{r: in, w: out}
	l.Control = ch
	l.onClose(in.Close)
	l.onClose(out.Close)

	var ln *net.TCPListener
	var streams int
	unwatch := watch(ctx, func() { in.Close(); out.Close() })
	t, err := greetClient(ch, &opts, id, func(ours, theirs *wire.Hello, n int, ports PortRange) error {
		if n == 0 || opts.Path == SSH {
			return nil
		}
		// Without a listener everything goes through ssh, which the client says.
		if ln, err = listenTCP(ctx, "", ports); err == nil {
			streams = n
			ours.Features = append(ours.Features, askDirect)
			ours.Ports = []uint16{uint16(ln.Addr().(*net.TCPAddr).Port)}
			ours.Addrs = ownAddresses(os.Getenv("SSH_CONNECTION"))
		}
		return nil
	})
	if unwatch() || err != nil {
		if ln != nil {
			ln.Close()
		}
		l.Close()
		return nil, fail(CodeProtocol, err, "no session with the client")
	}
	l.settle(t)
	ch.link = l
	if ln == nil {
		l.end(nil)
		return l, nil
	}
	l.admit(ln, &opts, id, newDoor(l, t.cred, t.theirs.Pin, streams))
	return l, nil
}

// admit lets the streams of one session in at a listener of its own.
func (l *Link) admit(ln *net.TCPListener, opts *Options, id *identity, d *door) {
	var closing sync.Once
	shut := func() error {
		closing.Do(func() {
			ln.Close()
			d.close()
		})
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.onClose(func() error { cancel(); return shut() })
	timer := time.AfterFunc(doorTime, func() { shut() })
	d.onClose = func() { timer.Stop(); shut() }
	e := &entrance{
		opts: opts, id: id, gate: &gate{limit: maxOpening, perAddress: maxOpening},
		known: d.client.equal, protocols: []string{protoData},
		find: func(session [16]byte) *door {
			if !sameSession(session, d.cred.session) {
				return nil
			}
			return d
		},
	}
	go accept(ln, func(c *net.TCPConn) { e.receive(ctx, c) })
}

// ownAddresses returns the address at which the client has reached this host
// (SSH_CONNECTION, ssh(1): client, its port, server, its port).
func ownAddresses(connection string) []string {
	f := strings.Fields(connection)
	if len(f) != 4 {
		return nil
	}
	a, err := netip.ParseAddr(f[2])
	if err != nil || a.Zone() != "" {
		return nil
	}
	return []string{a.Unmap().String()}
}
