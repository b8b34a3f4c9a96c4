//go:build !unix

package platform

import "errors"

// FileSystemOf describes the file system that path is on. Here it can't be
// told.
func FileSystemOf(path string) (FileSystem, error) { return FileSystem{}, errors.ErrUnsupported }
