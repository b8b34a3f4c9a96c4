//go:build !unix

package platform

import "os"

// PeakMemory returns the largest resident set, in bytes, that a process which
// has been waited for had, and whether it is known. Here it is not.
func PeakMemory(ps *os.ProcessState) (n int64, known bool) { return 0, false }

// OwnPeakMemory is PeakMemory of the calling process so far.
func OwnPeakMemory() (n int64, known bool) { return 0, false }
