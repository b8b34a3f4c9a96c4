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
	l := newLink(false, "the client", "ssh", opts.idle())
	ch := &channel{r: in, w: out}
	l.Control = ch
	l.onClose(in.Close)
	l.onClose(out.Close)

	var ln *net.TCPListener
	unwatch := watch(ctx, func() { in.Close(); out.Close() })
	_, err = greetClient(ch, &opts, id, hosting{
		offer: func(ours, _ *wire.Hello, streams int, ports PortRange) (int, error) {
			if streams == 0 || opts.Path == SSH {
				return 0, nil
			}
			// Without a listener everything goes through ssh, which the client says.
			var err error
			if ln, err = listenTCP(ctx, "", ports); err != nil {
				return 0, nil
			}
			ours.Ports = []uint16{uint16(ln.Addr().(*net.TCPAddr).Port)}
			ours.Addrs = ownAddresses(os.Getenv("SSH_CONNECTION"))
			return streams, nil
		},
		agreed: func(t *terms) {
			l.settle(t)
			if ln != nil {
				door := newDoor(l, t.cred, t.theirs.Pin, t.streams)
				port := uint16(ln.Addr().(*net.TCPAddr).Port)
				l.renewBy(door, func() error {
					// The port that the client's firewall knows. If somebody else has taken it
					// meanwhile, there is none.
					ln, err := listenTCP(context.Background(), "", PortRange{port, port})
					if err == nil {
						l.admit(ln, &opts, id, door)
					}
					return err
				})
				l.admit(ln, &opts, id, door)
			} else {
				l.end()
			}
		},
	})
	if unwatch() || err != nil {
		if ln != nil {
			ln.Close()
		}
		l.Close()
		return nil, fail(CodeProtocol, err, "no session with the client")
	}
	ch.link = l
	return l, nil
}

// admit lets the streams of one session in at a listener of its own.
func (l *Link) admit(ln *net.TCPListener, opts *Options, id *identity, d *door) {
	ctx := l.guard(d, func() { ln.Close() })
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
	go e.serve(ctx, ln)
}

// renewBy has open make a door that was shut good again when one more stream is
// to come in.
func (l *Link) renewBy(d *door, open func() error) {
	var mu sync.Mutex // one at a time
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reopen = func() error {
		mu.Lock()
		defer mu.Unlock()
		if !d.more() {
			return nil
		}
		err := open()
		if err != nil {
			d.close()
		}
		return err
	}
}

// guard closes a door, and calls closed once, when all streams are there, when
// doorTime is over, or with the Link, whichever comes first. The context ends
// with the Link.
func (l *Link) guard(d *door, closed func()) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	shut := sync.OnceFunc(func() {
		d.mu.Lock()
		d.closing = true
		d.mu.Unlock()
		closed()
		d.close()
	})
	timer := time.AfterFunc(l.doorTime, shut)
	early := func() { timer.Stop(); shut() }
	d.mu.Lock()
	d.onClose = early
	d.mu.Unlock()
	l.onClose(func() error { cancel(); early(); return nil })
	return ctx
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
