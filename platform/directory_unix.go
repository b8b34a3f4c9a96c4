//go:build unix

package platform

// MovesBusyDirectories says whether a directory can be renamed while something
// below it is open.
const MovesBusyDirectories = true
