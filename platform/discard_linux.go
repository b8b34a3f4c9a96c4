package platform

import "golang.org/x/sys/unix"

// Discard takes up to n bytes that came in on a TCP socket and throws them
// away, without copying them anywhere (MSG_TRUNC, tcp(7)). It waits for the
// first one and returns how many it took, 0 at the end of the stream.
func Discard(fd FD, n int) (int, error) {
	r, _, e := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(n), unix.MSG_TRUNC, 0, 0)
	return result(r, e)
}
