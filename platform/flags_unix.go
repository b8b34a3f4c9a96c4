//go:build unix

package platform

import "golang.org/x/sys/unix"

const errInvalidName = unix.EINVAL

// Open flags of Calls.Openat that every Unix has; PathOnly, NoAtime and Unnamed
// stand with the table of each.
const (
	ReadOnly  = unix.O_RDONLY
	WriteOnly = unix.O_WRONLY
	ReadWrite = unix.O_RDWR
	Create    = unix.O_CREAT
	Exclusive = unix.O_EXCL
	Truncate  = unix.O_TRUNC
	NoFollow  = unix.O_NOFOLLOW
	NonBlock  = unix.O_NONBLOCK
	Directory = unix.O_DIRECTORY
	NoCTTY    = unix.O_NOCTTY
)
