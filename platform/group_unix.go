//go:build unix

package platform

import (
	"os"
	"syscall"
)

// NewGroup returns the attributes of a process that leads a process group of
// its own, and whether it will.
//
// It will not where there is a controlling terminal: in another group than the
// terminal's the process would be stopped when it asks for a password there.
func NewGroup() (attr *syscall.SysProcAttr, leads bool) {
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0); err == nil {
		tty.Close()
		return nil, false
	}
	return &syscall.SysProcAttr{Setpgid: true}, true
}

// SignalProcess sends sig to a process or to the whole group that it leads
// (kill(2)). The process must not have been waited for.
func SignalProcess(pid int, leads bool, sig syscall.Signal) error {
	if leads {
		pid = -pid
	}
	return syscall.Kill(pid, sig)
}
