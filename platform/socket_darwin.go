package platform

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// SetUserTimeout makes a TCP connection fail once what was sent has not been
// acknowledged for d, rounded up to seconds (TCP_RXT_CONNDROPTIME,
// netinet/tcp.h).
func SetUserTimeout(fd FD, d time.Duration) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, int((d+time.Second-1)/time.Second))
}

// SetCongestion chooses the algorithm that holds a TCP connection to what the
// way to the peer can carry. Here there is no choice.
func SetCongestion(fd FD, algorithm string) error { return errors.ErrUnsupported }
