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

// planted reports whether a file was opened through a symbolic link of somebody
// else, where that can be known: in a directory that others can write to, it
// leads to a file of their choice. One that is gone by now counts too.
func planted(path string, f *os.File) bool {
	name, err := platform.MakeName(path)
	if err != nil {
		return true
	}
	calls := platform.Native()
	var at, of platform.Stat
	if calls.Fstat(platform.FD(f.Fd()), &of) != nil {
		return false
	}
	switch err := calls.Statat(platform.CWD, name, &at, false); {
	case err != nil:
		return platform.NotExist(err)
	case at.IsSymlink():
		return at.UID != 0 && at.UID != platform.EffectiveUID()
	}
	return at.Dev != of.Dev || at.Ino != of.Ino
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
