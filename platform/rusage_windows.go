package platform

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var getProcessMemoryInfo = kernel32.NewProc("K32GetProcessMemoryInfo")

// PeakMemory returns the largest working set, in bytes, that a process which
// has been waited for had, and whether it is known. Without its handle, which
// os.ProcessState hasn't kept, it is not.
func PeakMemory(ps *os.ProcessState) (n int64, known bool) { return 0, false }

// OwnPeakMemory is PeakMemory of the calling process so far.
func OwnPeakMemory() (n int64, known bool) {
	var counters struct { // PROCESS_MEMORY_COUNTERS
		size, faults  uint32
		peak, working uintptr
		quotas        [4]uintptr
		page, topPage uintptr
	}
	counters.size = uint32(unsafe.Sizeof(counters))
	r, _, _ := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&counters)), uintptr(counters.size))
	return int64(counters.peak), r != 0
}
