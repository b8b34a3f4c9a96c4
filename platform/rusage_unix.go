//go:build unix

package platform

import (
	"os"
	"runtime"
	"syscall"
)

// PeakMemory returns the largest resident set, in bytes, that a process which
// has been waited for had (ru_maxrss, getrusage(2)), and whether it is known.
//
// Linux hands the figure of the forking parent down to the child across
// execve(2), so what is not above OwnPeakMemory at the start of the child only
// bounds the child's own.
func PeakMemory(ps *os.ProcessState) (n int64, known bool) {
	ru, ok := ps.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int64(ru.Maxrss) * maxrssUnit(), true
}

// OwnPeakMemory is PeakMemory of the calling process so far.
func OwnPeakMemory() (n int64, known bool) {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return 0, false
	}
	return int64(ru.Maxrss) * maxrssUnit(), true
}

// maxrssUnit is the unit of ru_maxrss: KiB, but bytes on macOS (getrusage(2)
// of each).
func maxrssUnit() int64 {
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return 1
	}
	return 1024
}
