//go:build darwin || freebsd

package platform

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// ACLs are no extended attributes here, and this package has no calls that copy
// them. So that one is not lost without a word, a file that has one lists it
// under the name that it has on Linux; whoever asks for it is refused.
const (
	aclPrefix = "system.posix_acl_"
	accessACL = aclPrefix + "access\x00"
)

func isACL(attr Name) bool { return strings.HasPrefix(text(attr), aclPrefix) }

// addACL adds the name to a list of n bytes in buf. err is how the list failed:
// a file system may have ACLs and no attributes.
func addACL(fd FD, buf []byte, n int, err error) (int, error) {
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return -1, err
	}
	if !hasACL(fd) {
		return n, err
	}
	n = max(n, 0)
	if len(buf) == 0 {
		return n + len(accessACL), nil // only the size was asked for
	}
	if n+len(accessACL) > len(buf) {
		return -1, unix.ERANGE
	}
	return n + copy(buf[n:], accessACL), nil
}
