package platform

import "errors"

// Peek refuses: the first bytes of a socket can't be left there here.
func Peek(fd FD, b []byte) (int, error) { return 0, errors.ErrUnsupported }
