package platform

// EffectiveUID returns the user that every file is told to belong to.
func EffectiveUID() uint32 { return nobody }

// DescriptorLimit returns how many descriptors the process may have open. A
// process may have millions of handles; what is held open by the thousand makes
// the directories above it impossible to rename.
func DescriptorLimit() int { return 512 }

// Umask returns the file mode creation mask, of which there is none here.
func Umask() uint32 { return 0 }
