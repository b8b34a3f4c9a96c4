package platform

import "golang.org/x/sys/unix"

// SetCongestion chooses the algorithm that holds a TCP connection to what the
// way to the peer can carry (TCP_CONGESTION, tcp(7)). Anybody may ask for
// "reno", which every kernel has.
func SetCongestion(fd FD, algorithm string) error {
	return unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, algorithm)
}
