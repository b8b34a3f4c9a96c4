package platform

import "errors"

// SetCongestion chooses the algorithm that holds a TCP connection to what the
// way to the peer can carry. Here there is no choice.
func SetCongestion(fd FD, algorithm string) error { return errors.ErrUnsupported }
