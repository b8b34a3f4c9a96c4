//go:build !linux

package copiertest

import (
	"errors"
	"math/rand/v2"
)

// Scan is Linux's: it refuses elsewhere.
func Scan(root string) (*Tree, error) { return &Tree{Root: root}, errors.ErrUnsupported }

// Generate is Linux's: it refuses elsewhere.
func Generate(*rand.Rand, string, Options) error { return errors.ErrUnsupported }

// GenerateOver is Linux's: it refuses elsewhere.
func GenerateOver(*rand.Rand, string, string, Options) error { return errors.ErrUnsupported }
