package platform

// Foreground reports whether the calling process may draw on the terminal fd.
// Without job control every process may.
func Foreground(fd FD) bool { return true }
