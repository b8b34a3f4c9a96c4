package platform

import (
	"errors"
	"os"
)

// TakeStdio refuses: descriptors can't be exchanged here.
func TakeStdio() (in, out *os.File, err error) { return nil, nil, errors.ErrUnsupported }
