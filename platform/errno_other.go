//go:build !unix

package platform

import "syscall"

// errNoAttribute is ENOATTR of the BSDs, whose number is that of no attribute
// call's other error.
const errNoAttribute = syscall.Errno(93)
