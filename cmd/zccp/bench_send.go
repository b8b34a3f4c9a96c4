package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// socketPair is a TCP connection of the loopback interface, both ends of it
// here. The files are copies of the connections' descriptors, in blocking mode.
type socketPair struct {
	out, in         *net.TCPConn
	outFile, inFile *os.File
}

// sendCongestion is the congestion control of the connections. There is no
// congestion on loopback, but where the system's default paces what it sends
// (bbr) a timer for each packet took 40 % of the sender's time in a virtual
// machine: sendfile then cost 1.4 times what read and write do, with reno 0.35
// times (Linux 6.18).
const sendCongestion = "reno"

// connect makes a connection with a listener that takes only this one.
func connect() (p *socketPair, err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	p = &socketPair{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	// The listener's queue takes the connection, so one goroutine makes both
	// ends.
	out, err := net.DialTimeout("tcp4", l.Addr().String(), 10*time.Second)
	if err != nil {
		return nil, err
	}
	p.out = out.(*net.TCPConn)
	for p.in == nil {
		in, err := l.(*net.TCPListener).AcceptTCP()
		if err != nil {
			return nil, err
		}
		if in.RemoteAddr().String() == out.LocalAddr().String() {
			p.in = in
		} else {
			in.Close() // somebody else's
		}
	}
	if p.outFile, err = p.out.File(); err != nil {
		return nil, err
	}
	if p.inFile, err = p.in.File(); err != nil {
		return nil, err
	}
	return p, platform.SetCongestion(fdOf(p.outFile), sendCongestion)
}

// shutdown ends the connection, also for calls that wait on it now.
func (p *socketPair) shutdown() {
	p.out.CloseWrite()
	p.in.CloseRead()
	p.in.CloseWrite()
}

func (p *socketPair) close() {
	for _, f := range []*os.File{p.outFile, p.inFile} {
		if f != nil {
			f.Close()
		}
	}
	for _, c := range []*net.TCPConn{p.out, p.in} {
		if c != nil {
			c.Close()
		}
	}
}

// send is a transfer from a file through a socket: the wall time is from the
// first call of the sender to the last of the receiver.
func (c *transferCourse) send(ctx context.Context, one *transferCase, dst, src *os.File, check bool) (s transferSample, err error) {
	var st platform.Stat
	if err := c.calls.Fstat(fdOf(src), &st); err != nil {
		return s, err
	}
	pair, err := connect()
	if err != nil {
		return s, err
	}
	defer pair.close()
	defer context.AfterFunc(ctx, pair.shutdown)()

	var out, in copier.Result
	var received platform.Usage
	var end time.Time
	ready, done := make(chan struct{}), make(chan error, 1)
	one.receiverTally.take()
	go func() {
		usage, err := onThread(func() error {
			close(ready)
			err := c.receive(ctx, one, dst, pair.inFile, src, check, &in)
			if err != nil {
				pair.shutdown() // the sender is not to wait
			}
			end = time.Now()
			return err
		})
		received = usage
		done <- err
	}()
	<-ready
	var start time.Time
	s.usage, err = onThread(func() error {
		start = time.Now()
		return one.worker.Send(ctx, fdOf(pair.outFile), fdOf(src), &st, 0, st.Size, &out)
	})
	if err != nil {
		pair.shutdown()
	}
	// A receiver that fails breaks the connection, and its reason is the one.
	if failed := <-done; err == nil || failed != nil && platform.Disconnected(err) {
		err = failed
	}
	if err != nil {
		return s, err
	}
	s.wall = end.Sub(start)
	s.calls = one.tally.take()
	s.receiver = &transferEnd{method: in.Method.String(), usage: received, calls: one.receiverTally.take()}
	if one.target == toNull {
		s.receiver.method = "discard"
	}
	return s, whole(&out, one.method, c.cfg.Size)
}

// onThread runs f on a thread that runs nothing else meanwhile, and returns
// what the thread used.
func onThread(f func() error) (platform.Usage, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := platform.ThreadUsage()
	if err != nil {
		return platform.Usage{}, err
	}
	if err := f(); err != nil {
		return platform.Usage{}, err
	}
	after, err := platform.ThreadUsage()
	return after.Sub(before), err
}

// receive takes everything from sock: into dst, or where that is nil nowhere;
// with check it is then compared with src.
func (c *transferCourse) receive(ctx context.Context, one *transferCase, dst, sock, src *os.File, check bool, res *copier.Result) error {
	switch {
	case dst != nil:
		if err := one.receiver.Receive(ctx, fdOf(dst), fdOf(sock), 0, c.cfg.Size, res); err != nil {
			return err
		}
		if c.cfg.Fsync {
			one.receiverTally.add(callFsync, 1)
			return c.calls.Fsync(fdOf(dst))
		}
		return nil
	case check:
		if err := sameBytes(io.NewSectionReader(src, 0, c.cfg.Size), io.LimitReader(sock, c.cfg.Size)); err != nil {
			return fmt.Errorf("what arrived is not whole: %w", err)
		}
		return nil
	}
	return discard(fdOf(sock), c.cfg.Size, one.receiverTally)
}

// discard takes n bytes from a socket.
func discard(fd platform.FD, n int64, t *callTally) error {
	for left := n; left > 0; {
		t.add(callRecv, 1)
		n, err := platform.Discard(fd, int(min(left, 1<<30)))
		if platform.Interrupted(err) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		left -= int64(n)
	}
	return nil
}
