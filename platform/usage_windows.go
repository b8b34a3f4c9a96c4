package platform

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32             = windows.NewLazySystemDLL("kernel32.dll")
	getThreadTimes       = kernel32.NewProc("GetThreadTimes")
	globalMemoryStatusEx = kernel32.NewProc("GlobalMemoryStatusEx")
)

// OwnUsage returns what the process used so far (GetProcessTimes). How often it
// waited Windows doesn't tell.
func OwnUsage() (Usage, error) {
	var created, exited, system, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &system, &user); err != nil {
		return Usage{}, errnoOf(err)
	}
	return usageOfTimes(&system, &user), nil
}

// ThreadUsage returns what the calling thread used so far. The caller holds on
// to it (runtime.LockOSThread).
func ThreadUsage() (Usage, error) {
	var created, exited, system, user windows.Filetime
	r, _, err := getThreadTimes.Call(uintptr(windows.CurrentThread()), uintptr(unsafe.Pointer(&created)),
		uintptr(unsafe.Pointer(&exited)), uintptr(unsafe.Pointer(&system)), uintptr(unsafe.Pointer(&user)))
	if r == 0 {
		return Usage{}, errnoOf(err)
	}
	return usageOfTimes(&system, &user), nil
}

func usageOfTimes(system, user *windows.Filetime) Usage {
	span := func(t *windows.Filetime) int64 { return (int64(t.HighDateTime)<<32 | int64(t.LowDateTime)) * 100 }
	return Usage{User: span(user), System: span(system)}
}

// AvailableMemory returns how many bytes could be had without swapping, the
// system's cache included (GlobalMemoryStatusEx).
func AvailableMemory() (int64, error) {
	var status struct { // MEMORYSTATUSEX
		length, load             uint32
		total, available         uint64
		totalPage, availablePage uint64
		totalVirtual, virtual    uint64
		extended                 uint64
	}
	status.length = uint32(unsafe.Sizeof(status))
	if r, _, err := globalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&status))); r == 0 {
		return 0, errnoOf(err)
	}
	return int64(status.available), nil
}
