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
