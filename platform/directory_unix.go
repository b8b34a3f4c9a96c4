//go:build unix

package platform

import "runtime"

// MovesBusyDirectories says whether a directory can be renamed while something
// below it is open.
const MovesBusyDirectories = true

// FoldsCase says whether file systems of this kernel commonly take names that
// differ in case only for one.
const FoldsCase = runtime.GOOS == "darwin"
