package link

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// call is what a client needs to open the data streams of a session.
type call struct {
	opts       *Options
	id         *identity
	server     Pin
	cred       credential
	plain      bool
	candidates []string // host:port, none twice
	streams    int
}

// reached is a connection that can be made a stream.
type reached struct {
	raw     *net.TCPConn
	secured *secured
	address string
}

// reach connects to an address and makes the TLS handshake.
func (c *call) reach(ctx context.Context, address string) (*reached, error) {
	raw, err := dialTCP(ctx, address, connectTime)
	if err != nil {
		return nil, err
	}
	raw.SetDeadline(time.Now().Add(handshakeTime))
	if c.plain {
		return &reached{raw, &secured{conn: raw, security: Plain}, address}, nil
	}
	s, err := c.opts.secure(ctx, raw, c.id.config(c.server.equal, protoData), true)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return &reached{raw, s, address}, nil
}

// stream makes the connection the stream number, or closes it.
func (c *call) stream(r *reached, number uint32) (*Stream, error) {
	if err := c.cred.open(r.secured, number); err != nil {
		r.raw.Close()
		return nil, err
	}
	r.raw.SetDeadline(time.Time{})
	limitUnsent(r.raw, streamTimeout)
	return &Stream{Conn: r.secured.conn, Number: number, Security: r.secured.security, raw: r.raw, kernel: r.secured.kernel}, nil
}

// first opens stream 1 at whichever candidate answers as the far end, trying
// all at once. The error tells of each.
func (c *call) first(ctx context.Context) (*Stream, string, error) {
	type outcome struct {
		address string
		r       *reached
		err     error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, len(c.candidates))
	for _, address := range c.candidates {
		go func() {
			r, err := c.reach(ctx, address)
			outcomes <- outcome{address, r, err}
		}()
	}
	var failures []string
	for i := range c.candidates {
		o := <-outcomes
		var s *Stream
		if o.err == nil {
			// One after the other, since a number can be used once only.
			s, o.err = c.stream(o.r, 1)
		}
		if o.err == nil {
			late := len(c.candidates) - i - 1
			go func() {
				for range late {
					if o := <-outcomes; o.err == nil {
						o.r.raw.Close()
					}
				}
			}()
			return s, o.address, nil
		}
		failures = append(failures, describe(o.address, o.err))
	}
	if len(failures) == 0 {
		failures = append(failures, "the far end has no port for direct TCP")
	}
	return nil, "", errors.New(strings.Join(failures, "; "))
}

// describe says in words why there is no stream to an address.
func describe(address string, err error) string {
	var stranger *errStranger
	switch {
	case errors.As(err, &stranger):
		return "direct TCP to " + address + " reached another host"
	case isTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		return "direct TCP to " + address + " timed out"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return "direct TCP to " + address + " failed: " + printable(strings.TrimPrefix(err.Error(), "connect: "), 200)
}

// run opens all streams and gives them to l, in the order in which they open.
// It calls up after the first attempt, with nil or why there is none.
func (c *call) run(ctx context.Context, l *Link, up func(error)) {
	s, address, err := c.first(ctx)
	if err != nil {
		up(err)
		l.end()
		return
	}
	l.mu.Lock()
	l.dial = func(ctx context.Context, number uint32) (*Stream, error) {
		r, err := c.reach(ctx, address)
		if err != nil {
			return nil, err
		}
		return c.stream(r, number)
	}
	l.mu.Unlock()
	l.add(s)
	up(nil)
	var all sync.WaitGroup
	for number := 2; number <= c.streams; number++ {
		all.Go(func() {
			var s *Stream
			r, err := c.reach(ctx, address)
			if err == nil {
				s, err = c.stream(r, uint32(number))
			}
			if err != nil {
				if ctx.Err() == nil {
					l.note("stream %d of %d is missing: %s", number, c.streams, describe(address, err))
				}
				return
			}
			l.add(s)
		})
	}
	all.Wait()
	l.end()
}

// candidates returns the addresses to try: the name by which the host was
// asked for, then those that the far end told. What it tells can make the
// client connect to a port of its choice on a host of its choice, so only
// addresses are taken, few, and no port that services of the system have unless
// the user asked for it.
func candidates(asked string, told []string, ports []uint16, wanted PortRange) []string {
	var list []string
	seen := make(map[string]bool)
	add := func(host string, port uint16) {
		a := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if !seen[a] {
			seen[a] = true
			list = append(list, a)
		}
	}
	for i, port := range ports {
		if i >= maxAddresses || wanted == (PortRange{}) && port < 1024 || wanted != (PortRange{}) && (port < wanted.Low || port > wanted.High) {
			continue
		}
		if asked != "" {
			add(asked, port)
		}
		for i, host := range told {
			a, err := netip.ParseAddr(host)
			if i >= maxAddresses || err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
				continue
			}
			add(a.Unmap().String(), port)
		}
	}
	return list
}

// connect opens the data streams of a client, at the addresses that find
// returns, while the caller goes on; with Direct it waits for the first one, until
// wait ends, and closes the link if there is none.
func (l *Link) connect(wait context.Context, opts *Options, id *identity, t *terms, find func() []string) (*Link, error) {
	if opts.Path == SSH {
		l.end()
		return l, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.onClose(func() error { cancel(); return nil })
	up := make(chan error, 1)
	go func() {
		c := &call{opts: opts, id: id, server: t.theirs.Pin, cred: t.cred, plain: l.Security == Plain, streams: t.streams}
		if c.streams > 0 {
			c.candidates = find()
		}
		c.run(ctx, l, func(err error) {
			if err != nil && ctx.Err() == nil && opts.Path == Auto {
				l.note("%v -> using %s (slower; open --data-ports)", err, l.route)
			}
			up <- err
		})
	}()
	if opts.Path != Direct {
		return l, nil
	}
	var err error
	select {
	case err = <-up:
	case <-wait.Done():
		err = context.Cause(wait)
	}
	if err != nil {
		l.Close()
		return nil, &Error{Code: CodeSocket, Text: err.Error(), Err: err, Hint: "open a port and name it with --data-ports, or leave out --path=direct"}
	}
	return l, nil
}
