//go:build !unix

package platform

// FileSystemName returns the name of the file system that path is on, or ""
// if it can't be told. Here it can't.
func FileSystemName(path string) string { return "" }
