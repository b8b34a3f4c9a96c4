//go:build unix

package platform

import (
	"os"

	"golang.org/x/sys/unix"
)

// TakeStdio gives the process's standard input and output to the caller alone:
// what reads descriptor 0 from now on finds its end, and what writes to
// descriptor 1 is on standard error. Both files take deadlines where they are
// pipes or sockets, for which they are made non-blocking.
func TakeStdio() (in, out *os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	if in, err = takeFile(0, int(null.Fd()), "stdin"); err != nil {
		return nil, nil, err
	}
	if out, err = takeFile(1, 2, "stdout"); err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, out, nil
}

// takeFile returns what descriptor fd stands for and makes it stand for instead.
func takeFile(fd, instead int, name string) (*os.File, error) {
	taken, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.Dup2(instead, fd); err != nil {
		unix.Close(taken)
		return nil, os.NewSyscallError("dup2", err)
	}
	var st unix.Stat_t
	if unix.Fstat(taken, &st) == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFIFO, unix.S_IFSOCK:
			if err := unix.SetNonblock(taken, true); err != nil {
				unix.Close(taken)
				return nil, os.NewSyscallError("fcntl", err)
			}
		}
	}
	return os.NewFile(uintptr(taken), name), nil
}
