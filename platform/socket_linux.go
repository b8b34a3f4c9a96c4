package platform

import (
	"time"

	"golang.org/x/sys/unix"
)

// SetUserTimeout makes a TCP connection fail once what was sent has not been
// acknowledged for d (TCP_USER_TIMEOUT, tcp(7)).
func SetUserTimeout(fd FD, d time.Duration) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
}
