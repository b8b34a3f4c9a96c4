//go:build linux || darwin || freebsd

package platform

import "golang.org/x/sys/unix"

// Foreground reports whether the calling process may draw on the terminal fd:
// its process group is the terminal's foreground one, or fd is not the
// controlling terminal, where there is no job control to respect.
func Foreground(fd FD) bool {
	pgrp, err := unix.IoctlGetInt(int(fd), unix.TIOCGPGRP)
	return err != nil || pgrp == unix.Getpgrp()
}
