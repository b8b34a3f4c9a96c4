package platform

import "errors"

// Confine refuses: the process can't give up rights here.
func Confine(paths []Beneath, listen bool) (abi int, err error) { return 0, errors.ErrUnsupported }

// ConfineVersion refuses.
func ConfineVersion() (abi int, err error) { return 0, errors.ErrUnsupported }
