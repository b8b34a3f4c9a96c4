//go:build linux

package platform

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestRooted tries to get out of a root by every call that takes a name, and
// to work inside it.
func TestRooted(t *testing.T) {
	top := t.TempDir()
	root, out := filepath.Join(top, "root"), filepath.Join(top, "out")
	for _, dir := range []string{root + "/in/deep", out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(out+"/secret", []byte("s"), 0o600)
	os.WriteFile(root+"/in/file", []byte("f"), 0o644)
	os.Symlink("../out", root+"/up")
	os.Symlink(out, root+"/abs")
	os.Symlink("in", root+"/near")
	os.Symlink("../out/secret", root+"/leaf")
	native := Native()
	rootFD, err := native.Openat(CWD, MustName(root), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close(rootFD)
	c := Rooted(native, rootFD, MustName("/as/it/is/called"))
	in, err := c.Openat(CWD, MustName("/in"), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(in)
	calls := map[string]func(dir FD, n Name) error{
		"open": func(dir FD, n Name) error {
			fd, err := c.Openat(dir, n, ReadOnly, 0)
			if err == nil {
				c.Close(fd)
			}
			return err
		},
		"openBeneath": func(dir FD, n Name) error {
			fd, err := c.OpenBeneath(dir, n, ReadOnly, 0)
			if err == nil {
				c.Close(fd)
			}
			return err
		},
		"create": func(dir FD, n Name) error {
			fd, err := c.Openat(dir, n, WriteOnly|Create, 0o600)
			if err == nil {
				c.Close(fd)
			}
			return err
		},
		"stat":     func(dir FD, n Name) error { var st Stat; return c.Statat(dir, n, &st, true) },
		"access":   func(dir FD, n Name) error { return c.Accessat(dir, n, 0) },
		"readlink": func(dir FD, n Name) error { _, err := c.Readlinkat(dir, n, make([]byte, 99)); return err },
		"mkdir":    func(dir FD, n Name) error { return c.Mkdirat(dir, n, 0o755) },
		"mknod":    func(dir FD, n Name) error { return c.Mknodat(dir, n, ModeFIFO|0o600, 0) },
		"symlink":  func(dir FD, n Name) error { return c.Symlinkat(MustName("x"), dir, n) },
		"link":     func(dir FD, n Name) error { return c.Linkat(in, MustName("file"), dir, n, false) },
		"linkFrom": func(dir FD, n Name) error { return c.Linkat(dir, n, in, MustName("stolen"), false) },
		"rename":   func(dir FD, n Name) error { return c.Renameat(in, MustName("file"), dir, n) },
		"renameNo": func(dir FD, n Name) error { return c.RenameNoReplace(in, MustName("file"), dir, n) },
		"exchange": func(dir FD, n Name) error { return c.RenameExchange(in, MustName("file"), dir, n) },
		"unlink":   func(dir FD, n Name) error { return c.Unlinkat(dir, n) },
		"rmdir":    func(dir FD, n Name) error { return c.Rmdirat(dir, n) },
		"chown":    func(dir FD, n Name) error { return c.Fchownat(dir, n, os.Getuid(), os.Getgid()) },
		"chmod":    func(dir FD, n Name) error { return c.Fchmodat(dir, n, 0o777) },
		"utimens":  func(dir FD, n Name) error { return c.Utimensat(dir, n, Time{}, Time{}) },
		"listx":    func(dir FD, n Name) error { _, err := c.Listxattrat(dir, n, make([]byte, 99)); return err },
		"getx": func(dir FD, n Name) error {
			_, err := c.Getxattrat(dir, n, MustName("user.x"), make([]byte, 9))
			return err
		},
		"setx":    func(dir FD, n Name) error { return c.Setxattrat(dir, n, MustName("user.x"), []byte("1")) },
		"removex": func(dir FD, n Name) error { return c.Removexattrat(dir, n, MustName("user.x")) },
	}
	for what, call := range calls {
		for _, way := range []struct {
			dir  FD
			path string
		}{
			{CWD, "../out/secret"}, {CWD, "up/secret"}, {CWD, "abs/secret"}, {CWD, "in/../../out/secret"}, {CWD, "up/new"},
			{in, "../../out/secret"}, {in, "../up/secret"}, {CWD, "/../out/secret"}, {CWD, "/as/it/is/called/../out/secret"}, {CWD, "/as/it/is/called/up/new"}, {CWD, "in/deep/../../../out/new"}, {CWD, "abs/new"},
		} {
			err := call(way.dir, MustName(way.path))
			if err != syscall.EACCES && !(what == "access" && err != nil) {
				t.Errorf("%s %s: %v", what, way.path, err)
			}
		}
	}
	for _, what := range []string{"open", "openBeneath", "stat", "access"} {
		for _, path := range []string{"leaf", "up", "abs"} {
			if err := calls[what](CWD, MustName(path)); err != syscall.EACCES {
				t.Errorf("%s of the link %s: %v", what, path, err)
			}
		}
	}
	if err := calls["open"](rootFD, MustName("leaf")); err != syscall.EACCES {
		t.Errorf("a link that is followed, from an open directory: %v", err)
	}
	var left []string
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	st, err := os.Stat(out + "/secret")
	if len(left) != 1 || err != nil || st.Mode().Perm() != 0o600 || st.ModTime().Unix() == 0 {
		t.Errorf("outside: %v %v %v", left, st, err)
	}
	for _, way := range []struct {
		what string
		dir  FD
		path string
	}{
		{"open", CWD, "in/file"}, {"open", CWD, "/in/file"}, {"open", CWD, "/as/it/is/called/in/file"}, {"stat", CWD, "/as/it/is/called"}, {"open", CWD, "near/file"}, {"open", in, "file"}, {"stat", CWD, "in/deep/../file"},
		{"stat", CWD, "/"}, {"stat", CWD, "."}, {"mkdir", CWD, "made"}, {"mkdir", CWD, "/in/made"}, {"mkdir", CWD, "in/deep/made/"}, {"rmdir", CWD, "near/made"},
		{"symlink", in, "l"}, {"readlink", in, "l"}, {"unlink", CWD, "in/l"}, {"link", CWD, "in/second"}, {"chmod", in, "second"}, {"access", CWD, "in"},
	} {
		if err := calls[way.what](way.dir, MustName(way.path)); err != nil {
			t.Errorf("%s %s: %v", way.what, way.path, err)
		}
	}
}
