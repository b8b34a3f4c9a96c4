package platform

import (
	"errors"
	"os"
	"syscall"
)

// Raise refuses: there is no sending of signals to oneself on this system.
func Raise(sig syscall.Signal) error { return errors.ErrUnsupported }

// SuspendSignals returns zeros: nothing suspends a program on this system.
func SuspendSignals() (suspend, goOn syscall.Signal) { return 0, 0 }

// StatusSignals returns nothing: no signal asks for a status on this system.
func StatusSignals() []os.Signal { return nil }
