package platform

// Portable returns the native table: there are no calls of POSIX here.
func Portable() *Calls { return Native() }
