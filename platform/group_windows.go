package platform

import (
	"errors"
	"os"
	"syscall"
)

// NewGroup returns nothing: there are no process groups here.
func NewGroup() (attr *syscall.SysProcAttr, leads bool) { return nil, false }

// SignalProcess kills a process; no other signal can be sent here.
func SignalProcess(pid int, leads bool, sig syscall.Signal) error {
	if sig != syscall.SIGKILL {
		return errors.ErrUnsupported
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
