//go:build unix

package platform

import "syscall"

// Peek returns the first bytes that a socket has to be read, and leaves them
// there (recv(2), MSG_PEEK). 0 is the end of the connection.
func Peek(fd FD, b []byte) (int, error) {
	n, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_PEEK)
	return n, err
}
