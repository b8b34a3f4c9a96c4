//go:build !unix

package platform

import "errors"

// OwnUsage returns what the process used so far. Here it can't be told.
func OwnUsage() (Usage, error) { return Usage{}, errors.ErrUnsupported }

// ThreadUsage returns what the calling thread used so far. Here it can't be
// told.
func ThreadUsage() (Usage, error) { return Usage{}, errors.ErrUnsupported }

// AvailableMemory returns how many bytes could be had without swapping. Here it
// can't be told.
func AvailableMemory() (int64, error) { return 0, errors.ErrUnsupported }
