package ktls

import (
	"net"
	"time"

	"github.com/zccp/zccp/platform"
)

// pairTimeout bounds what a firewall on the loopback interface can cost.
const pairTimeout = time.Second

// pair returns the two ends of a TCP connection of this process to itself.
func pair() (near, far *net.TCPConn, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		if ln, err = net.Listen("tcp", "[::1]:0"); err != nil {
			return nil, nil, err
		}
	}
	defer ln.Close()
	conn, err := net.DialTimeout("tcp", ln.Addr().String(), pairTimeout)
	if err != nil {
		return nil, nil, err
	}
	near = conn.(*net.TCPConn)
	if err := ln.(*net.TCPListener).SetDeadline(time.Now().Add(pairTimeout)); err != nil {
		near.Close()
		return nil, nil, err
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			near.Close()
			return nil, nil, err
		}
		// Anybody on this machine may have been quicker.
		if conn.RemoteAddr().String() == near.LocalAddr().String() {
			return near, conn.(*net.TCPConn), nil
		}
		conn.Close()
	}
}

// descriptor returns the socket of a connection, good until that is closed.
func descriptor(tcp *net.TCPConn) (platform.FD, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return platform.None, err
	}
	sock := platform.None
	err = raw.Control(func(fd uintptr) { sock = platform.FD(fd) })
	return sock, err
}
