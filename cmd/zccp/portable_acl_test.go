//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
)

// TestPortableACL: on a system that sees ACLs and can't copy them (macOS, FreeBSD) a file
// that has one is copied, and the loss is an error where modes are preserved.
func TestPortableACL(t *testing.T) {
	for _, c := range []struct {
		option string
		code   int
	}{{"-a", 1}, {"-p", 1}, {"-r", 0}} {
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(dir+"/s", 0o755), os.WriteFile(dir+"/s/f", []byte("data"), 0o640)); err != nil {
			t.Fatal(err)
		}
		words := []string{"zccp", c.option, "-T", dir + "/s", dir + "/d"}
		if c.option == "-p" {
			words[3], words[4] = dir+"/s/f", dir+"/g"
		}
		e, _, stderr := testEnv(nil, words...)
		e.calls = platform.Portable()
		refused := func(attr platform.Name) bool { return strings.HasPrefix(attr.String(), "system.posix_acl_") }
		list, get := e.calls.Flistxattr, e.calls.Fgetxattr
		e.calls.Flistxattr = func(fd platform.FD, buf []byte) (int, error) {
			n, err := list(fd, buf)
			var st platform.Stat
			if err == nil && e.calls.Fstat(fd, &st) == nil && st.IsRegular() {
				n += copy(buf[n:], "system.posix_acl_access\x00")
			}
			return n, err
		}
		e.calls.Fgetxattr = func(fd platform.FD, attr platform.Name, buf []byte) (int, error) {
			if refused(attr) {
				return -1, errors.ErrUnsupported
			}
			return get(fd, attr, buf)
		}
		e.calls.Fremovexattr = func(_ platform.FD, attr platform.Name) error {
			if !refused(attr) {
				t.Errorf("%s: %q is removed", c.option, attr)
			}
			return errors.ErrUnsupported
		}
		code := run(e)
		if told := bytes.Contains(stderr.Bytes(), []byte("Operation not supported")); code != c.code || told != (c.code != 0) {
			t.Errorf("%s: exit code %d, want %d: %s", c.option, code, c.code, stderr)
		}
		name := dir + "/d/f"
		if c.option == "-p" {
			name = dir + "/g"
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != "data" {
			t.Errorf("%s: %q %v", c.option, got, err)
		}
	}
}
