package platform

import "errors"

// Discard takes up to n bytes that came in on a TCP socket and throws them
// away. Here that can't be done without copying them.
func Discard(fd FD, n int) (int, error) { return 0, errors.ErrUnsupported }
