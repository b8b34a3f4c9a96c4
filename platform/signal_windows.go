package platform

import (
	"errors"
	"os"
	"syscall"
)

// Raise refuses: there is no sending of signals to oneself on this system.
func Raise(sig syscall.Signal) error { return errors.ErrUnsupported }

// ContinueSignal returns nothing: no signal suspends a program on this system.
func ContinueSignal() (sig os.Signal, ok bool) { return nil, false }

// StatusSignals returns nothing: no signal asks for a status on this system.
func StatusSignals() []os.Signal { return nil }
