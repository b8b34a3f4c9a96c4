//go:build linux

package mirror

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/sync/plan"
)

// TestDefaultACL checks that without -p what is new has the rights that the
// default ACL of the directory above it gives, whatever the umask: the
// destination itself, which the run makes, as what is in it.
func TestDefaultACL(t *testing.T) {
	// Version 2: user::rwx, group::rwx, other::r-x.
	acl := []byte("\x02\x00\x00\x00" + "\x01\x00\x07\x00\xff\xff\xff\xff" + "\x04\x00\x07\x00\xff\xff\xff\xff" + "\x20\x00\x05\x00\xff\xff\xff\xff")
	dir := t.TempDir()
	if err := unix.Setxattr(dir, "system.posix_acl_default", acl, 0); err != nil {
		t.Skip("ACLs: ", err)
	}
	src := makeTree(t, t.TempDir()+"/src", "f=1", "d/")
	for path, mode := range map[string]os.FileMode{src: 0o777, src + "/d": 0o777, src + "/f": 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	// As a program with this umask is: the kernel heeds the ACL, and nobody else
	// may take rights away.
	defer unix.Umask(unix.Umask(0o077))
	o := archive()
	o.Rules, o.Umask = plan.SyncRules{MaxSize: -1}, 0o077
	r := run(t, o, dir+"/dst", src+"/")
	for name, want := range map[string]os.FileMode{"": 0o775, "/d": 0o775, "/f": 0o664} {
		st, err := os.Stat(dir + "/dst" + name)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("dst%s: %v %v, want %v; %q", name, st.Mode(), err, want, r.problems)
		}
	}
}
