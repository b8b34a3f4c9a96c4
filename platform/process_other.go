//go:build !unix

package platform

// EffectiveUID returns a user that owns nothing: there are no such users here.
func EffectiveUID() uint32 { return ^uint32(0) }

// DescriptorLimit returns how many descriptors the process may have open.
func DescriptorLimit() int { return 512 }

// Umask returns the file mode creation mask, of which there is none here.
func Umask() uint32 { return 0 }
