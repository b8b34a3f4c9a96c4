package platform

import "errors"

// Become refuses: a process can't become one of another user here.
func Become(uid, gid int, groups []int) error { return errors.ErrUnsupported }
