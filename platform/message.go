package platform

import (
	"errors"
	"strings"
	"syscall"
)

// Message returns the text of an error as the C library words it, so that
// messages read as those of other tools: "Permission denied".
func Message(err error) string {
	var e Errno
	if !errors.As(err, &e) {
		if err == errors.ErrUnsupported {
			return "Operation not supported"
		}
		return err.Error()
	}
	switch e {
	case syscall.ENOENT:
		return "No such file or directory"
	case syscall.ENOTDIR:
		return "Not a directory" // on Windows both have a text in the user's language
	}
	s := e.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Number returns the number of the errno that err wraps, or 0.
func Number(err error) int {
	var e Errno
	if !errors.As(err, &e) {
		return 0
	}
	return int(e)
}

// Cause returns the errno that err wraps, for the questions that this package
// answers of one, or err itself.
func Cause(err error) error {
	var e Errno
	if errors.As(err, &e) {
		return e
	}
	return err
}
