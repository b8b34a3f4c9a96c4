package platform

// openFlags and openError leave to Portable what the kernel takes as it is.
func openFlags(flags int) int { return flags | oAlways }

func openError(err error) error { return err }
