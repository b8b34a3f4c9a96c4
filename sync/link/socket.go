package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/zccp/zccp/platform"
)

// tune sets what every connection has. TCP_NODELAY is on by default.
func tune(c *net.TCPConn) {
	c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3})
	limitUnsent(c, userTimeout)
}

// limitUnsent makes a connection fail when bytes have waited for so long. They
// also wait when the far end does not read, as it may on a data stream while its
// disk is busy (tcp_timer.c counts a closed window like silence), so these are
// given longer: that the host is gone shows on the control channel.
func limitUnsent(c *net.TCPConn, d time.Duration) {
	if raw, err := c.SyscallConn(); err == nil {
		// Where there is no such option the keep-alives have to do.
		raw.Control(func(fd uintptr) { platform.SetUserTimeout(platform.FD(fd), d) })
	}
}

// dialTCP connects to address.
func dialTCP(ctx context.Context, address string, within time.Duration) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: within}
	d.SetMultipathTCP(false) // has no kernel TLS
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	t := c.(*net.TCPConn)
	tune(t)
	return t, nil
}

// listenTCP listens on an address, or on the first free port of a range.
func listenTCP(ctx context.Context, host string, ports PortRange) (*net.TCPListener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // a peer that speaks it would lose kernel TLS
	var first error
	for port := int(ports.Low); port <= int(ports.High); port++ {
		ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return ln.(*net.TCPListener), nil
		}
		if first == nil {
			first = err
		}
	}
	if ports.High > ports.Low {
		return nil, fmt.Errorf("none of the ports %d-%d is free: %w", ports.Low, ports.High, first)
	}
	return nil, first
}

// accept calls handle for every connection, in the order in which they came, until
// the listener is closed. What fails for want of
// descriptors or memory is tried again: a listener must not end because
// somebody opened many connections.
func accept(ln *net.TCPListener, handle func(*net.TCPConn)) error {
	pause := 5 * time.Millisecond
	for {
		c, err := ln.AcceptTCP()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 5 * time.Millisecond
			tune(c)
			handle(c)
		case errors.As(err, &temporary) && temporary.Temporary():
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
		default:
			return err
		}
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
