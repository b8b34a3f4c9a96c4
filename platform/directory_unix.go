//go:build unix

package platform

import "runtime"

// MovesBusyDirectories says whether a directory can be renamed while something
// below it is open.
const MovesBusyDirectories = true

// HasOwners says whether files have owners, ACLs and extended attributes as this
// package knows them.
const HasOwners = true

// Serves says whether this system may be the far end of a connection: whether
// what keeps a client to its export was tried there.
const Serves = true

// FoldsCase says whether file systems of this kernel commonly take names that
// differ in case only for one.
const FoldsCase = runtime.GOOS == "darwin"
