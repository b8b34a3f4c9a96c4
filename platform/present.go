package platform

import "syscall"

// Present reports what err, of a call that was made with None for a descriptor,
// says of the call: whether the kernel has it and lets this process make it. A
// call that isn't there, or is filtered (seccomp(2)), fails before the
// descriptor is looked at, mostly with ENOSYS or EPERM.
func Present(err error) bool { return err == nil || err == syscall.EBADF }
