package platform

import (
	"bufio"
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ThreadUsage returns what the calling thread used so far. The caller holds on
// to it (runtime.LockOSThread).
func ThreadUsage() (Usage, error) { return usageOf(unix.RUSAGE_THREAD) }

// AvailableMemory returns how many bytes could be had without swapping, the
// page cache included (MemAvailable, proc_meminfo(5)).
func AvailableMemory() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		f := bytes.Fields(lines.Bytes())
		if len(f) >= 2 && string(f[0]) == "MemAvailable:" {
			kib, err := strconv.ParseInt(string(f[1]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, unix.ENOSYS
}
