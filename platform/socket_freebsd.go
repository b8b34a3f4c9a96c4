package platform

import (
	"time"

	"golang.org/x/sys/unix"
)

// SetUserTimeout makes a TCP connection fail once what was sent has not been
// acknowledged for d, rounded up to seconds (TCP_MAXUNACKTIME, tcp(4), since
// FreeBSD 12).
func SetUserTimeout(fd FD, d time.Duration) error {
	const maxUnackTime = 68 // TCP_MAXUNACKTIME, netinet/tcp.h
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, maxUnackTime, int((d+time.Second-1)/time.Second))
}

// SetCongestion chooses the algorithm that holds a TCP connection to what the
// way to the peer can carry (TCP_CONGESTION, tcp(4)). What others call "reno"
// is "newreno" here.
func SetCongestion(fd FD, algorithm string) error {
	if algorithm == "reno" {
		algorithm = "newreno"
	}
	return unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, algorithm)
}
