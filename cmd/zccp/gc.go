package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// A copy has a live heap of some megabytes, mostly its hard-link map, and the
// default of GOGC collects that over and over: 5 % of the time of a tree in
// which every file has two names.
const (
	smallHeapPercent = 400
	smallHeap        = 32 << 20 // bytes
)

// relaxGC lets garbage grow to smallHeapPercent of the heap, and back to the
// default once the heap is no longer small. What the user set in GOGC stays.
func relaxGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(smallHeapPercent)
	watchHeap()
}

// watchHeap looks at the heap after each collection, for as long as it is
// small: what a finaliser was set on is found dead by the next one.
func watchHeap() {
	type cycle struct{ _ [16]byte }
	runtime.SetFinalizer(new(cycle), func(*cycle) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > smallHeap {
			debug.SetGCPercent(100)
			return
		}
		watchHeap()
	})
}
