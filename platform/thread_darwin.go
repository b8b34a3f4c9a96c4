package platform

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// inDirectory makes a call that takes a path relative to an open directory: the
// thread that makes it has that for its working directory meanwhile, and no
// other thread has (pthread_fchdir_np). A thread that could not be given back
// stays this goroutine's, and the error says so.
func inDirectory(dir FD, call func() error) error {
	if dir == CWD {
		return call()
	}
	runtime.LockOSThread()
	if err := unix.PthreadFchdir(int(dir)); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err := call()
	if back := unix.PthreadFchdir(-1); back != nil {
		return back
	}
	runtime.UnlockOSThread()
	return err
}
