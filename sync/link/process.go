package link

import (
	"os"
	"syscall"

	"github.com/zccp/zccp/platform"
)

func newGroup() (*syscall.SysProcAttr, bool) { return platform.NewGroup() }

// signalProcess asks ssh (and what it started) to end, or makes it.
func signalProcess(p *os.Process, leads bool, sig os.Signal) {
	s := syscall.SIGTERM
	if sig == os.Kill {
		s = syscall.SIGKILL
	}
	platform.SignalProcess(p.Pid, leads, s)
}
