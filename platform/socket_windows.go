package platform

import (
	"errors"
	"time"
)

// SetUserTimeout refuses: there is no such option here.
func SetUserTimeout(fd FD, d time.Duration) error { return errors.ErrUnsupported }
