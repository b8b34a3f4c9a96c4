package platform

import "golang.org/x/sys/unix"

// ThreadUsage returns what the calling thread used so far. The caller holds on
// to it (runtime.LockOSThread).
func ThreadUsage() (Usage, error) { return usageOf(unix.RUSAGE_THREAD) }

// AvailableMemory returns how many bytes could be had without swapping: what is
// free and what has not been used for a while. The cache of ZFS is not counted.
func AvailableMemory() (int64, error) {
	pages := int64(0)
	for _, name := range []string{"vm.stats.vm.v_free_count", "vm.stats.vm.v_inactive_count"} {
		n, err := unix.SysctlUint32(name)
		if err != nil {
			return 0, err
		}
		pages += int64(n)
	}
	return pages * int64(unix.Getpagesize()), nil
}
