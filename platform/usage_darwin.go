package platform

import "errors"

// ThreadUsage returns what the calling thread used so far. Here it can't be
// told (getrusage(2) knows processes only).
func ThreadUsage() (Usage, error) { return Usage{}, errors.ErrUnsupported }

// AvailableMemory returns how many bytes could be had without swapping. Here it
// takes calls of Mach to tell, which a program without cgo can't make.
func AvailableMemory() (int64, error) { return 0, errors.ErrUnsupported }
