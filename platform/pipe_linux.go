package platform

import "golang.org/x/sys/unix"

// pipe opens a pipe for splice(2).
func pipe() (r, w FD, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return None, None, err
	}
	return FD(p[0]), FD(p[1]), nil
}

// setPipeSize asks for room for n bytes (fcntl(2), F_SETPIPE_SZ) and returns
// how many there are. Above /proc/sys/fs/pipe-max-size it says EPERM.
func setPipeSize(fd FD, n int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, n)
}

// poll waits until a descriptor can be read or written, or has an error that
// the next call on it will return, or ms milliseconds passed.
func poll(fd FD, write bool, ms int) (bool, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if write {
		p[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(p, ms)
	return n > 0, err
}
