//go:build unix

package platform

import "syscall"

// EffectiveUID returns the user whose rights the process has.
func EffectiveUID() uint32 { return uint32(syscall.Geteuid()) }

// DescriptorLimit returns how many descriptors the process may have open. The
// runtime raised the soft limit to the hard one at start.
func DescriptorLimit() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > 1<<20 {
		return 1 << 20
	}
	return int(l.Cur)
}

// Umask returns the file mode creation mask. It has to be set to be read
// (umask(2)), so call it before other goroutines create files.
func Umask() uint32 {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return uint32(mask)
}
