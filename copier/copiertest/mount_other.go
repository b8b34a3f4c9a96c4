//go:build !linux

package copiertest

import "errors"

func mountAll(MountOptions) (*Mounts, error) { return nil, errors.ErrUnsupported }

type guard struct {
	release func() error
}
