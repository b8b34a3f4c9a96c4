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

// foreign reports whether a file belongs to neither the user nor root, where
// that can be known.
func foreign(f *os.File) bool {
	var st platform.Stat
	if platform.Native().Fstat(platform.FD(f.Fd()), &st) != nil {
		return false
	}
	return st.UID != 0 && st.UID != platform.EffectiveUID()
}
