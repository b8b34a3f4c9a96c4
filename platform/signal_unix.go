//go:build unix

package platform

import (
	"os"
	"runtime"
	"syscall"
)

// Raise sends sig to the calling process (kill(2)). The caller has to have
// restored the default action if the process is to end by it.
func Raise(sig syscall.Signal) error { return syscall.Kill(syscall.Getpid(), sig) }

// ContinueSignal returns the signal by which a program goes on that was
// suspended.
func ContinueSignal() (sig os.Signal, ok bool) { return syscall.SIGCONT, true }

// StatusSignals returns the signals that ask a program how far it is: SIGUSR1
// as with dd(1), SIGVTALRM as with rsync(1), and where there is one SIGINFO,
// which ^T sends.
func StatusSignals() []os.Signal {
	switch runtime.GOOS {
	case "darwin", "dragonfly", "freebsd", "netbsd", "openbsd":
		const sigInfo = syscall.Signal(29) // <sys/signal.h> of each of them
		return []os.Signal{syscall.SIGUSR1, syscall.SIGVTALRM, sigInfo}
	}
	return []os.Signal{syscall.SIGUSR1, syscall.SIGVTALRM}
}
