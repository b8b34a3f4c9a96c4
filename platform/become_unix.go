//go:build unix

package platform

import (
	"errors"
	"syscall"
)

// Become makes the whole process one of another user, with these groups and no
// way back (setgroups(2), setgid(2), setuid(2)). After an error the process may
// have lost some of its rights and must end.
func Become(uid, gid int, groups []int) error {
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	if err := syscall.Setuid(uid); err != nil {
		return err
	}
	if uid != 0 && syscall.Setuid(0) == nil {
		return errors.New("the rights of root were not given up")
	}
	return nil
}
