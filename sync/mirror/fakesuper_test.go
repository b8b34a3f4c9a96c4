//go:build linux

package mirror

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zccp/zccp/platform"
)

// fakeTree returns what a tree really is: types, modes, owners, contents and
// attributes.
func fakeTree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		sys := st.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%q %o %d:%d %d", rel, sys.Mode, sys.Uid, sys.Gid, sys.Rdev)
		if st.Mode()&fs.ModeSymlink == 0 {
			list := make([]byte, 4096)
			n, err := syscall.Listxattr(path, list)
			if err != nil {
				return err
			}
			names := strings.Split(strings.TrimRight(string(list[:n]), "\x00"), "\x00")
			slices.Sort(names)
			for _, name := range names {
				value := make([]byte, 4096)
				if n, err := syscall.Getxattr(path, name, value); err == nil {
					fmt.Fprintf(&b, " %s=%q", name, value[:n])
				}
			}
		}
		if st.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %.40q", data)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func faking() Options {
	o := archive()
	o.FakeSuper, o.Rules.Root = true, true
	return o
}

// privileged makes a tree of what only the superuser can.
func privileged(t *testing.T, dir string) {
	t.Helper()
	makeTree(t, dir, "set=x", "mine=1", "readonly=2", "closed=3", "l->target", "d/in=4", "given/below=5", "attr=6")
	for _, err := range []error{
		syscall.Mknod(dir+"/null", syscall.S_IFCHR|0o666, 1<<8|3),
		syscall.Mknod(dir+"/disk", syscall.S_IFBLK|0o600, 8<<8|300&0xff|(300&^0xff)<<12),
		syscall.Mkfifo(dir+"/fifo", 0o644),
		syscall.Mknod(dir+"/sock", syscall.S_IFSOCK|0o755, 0),
		os.Chown(dir+"/set", 5, 6), syscall.Chmod(dir+"/set", 0o4711),
		os.Lchown(dir+"/l", 7, 8), os.Chown(dir+"/fifo", 7, 0),
		os.Chmod(dir+"/readonly", 0o444), os.Chmod(dir+"/closed", 0),
		os.Chown(dir+"/d", 9, 9), syscall.Chmod(dir+"/d", 0o2510),
		os.Chown(dir+"/given", 0, 12), syscall.Chmod(dir+"/given", 0o3777),
		syscall.Setxattr(dir+"/attr", "trusted.own", []byte("1"), 0), syscall.Setxattr(dir+"/attr", "user.own", []byte("2"), 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	at(t, dir, "2021-01-01")
}

// TestFakeSuperAgainstRsync gives both the same trees: real ones, and those that
// were made before.
func TestFakeSuperAgainstRsync(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs rsync and the superuser")
	}
	for _, set := range []struct {
		flags string
		set   func(*Options)
	}{
		{"-ai", func(*Options) {}},
		{"-aiX", func(o *Options) { o.Rules.Xattrs = true }},
		{"-aiH", func(o *Options) { o.HardLinks = true }},
		{"-ain", func(o *Options) { o.DryRun = true }},
		{"-aiI", func(o *Options) { o.Rules.IgnoreTimes = true }},
		{"-aib", func(o *Options) { o.Backup = true; o.Rules.OmitDirTimes = true }},
		{"-ai --inplace", func(o *Options) { o.InPlace = true }},
		{"-ai --delete", func(o *Options) { o.Delete, o.AllowMassDelete = DeleteDuring, true }},
	} {
		dir := t.TempDir()
		privileged(t, dir+"/real")
		if out, err := exec.Command("rsync", "-aX", "--fake-super", dir+"/real/", dir+"/fake").CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
		makeTree(t, dir+"/other", "null=file", "set=xx", "l->elsewhere", "fifo->x", "d/in=9", "extra=1")
		os.Chown(dir+"/other/d", 3, 3)
		syscall.Chmod(dir+"/other/d", 0o2755)
		for _, src := range []string{"real", "fake"} {
			for _, old := range []string{"", "real", "fake", "other"} {
				t.Run(fmt.Sprintf("%s %s over %s", set.flags, src, old), func(t *testing.T) {
					t.Chdir(t.TempDir())
					for _, d := range []string{"ours", "theirs"} {
						if old == "" {
							makeTree(t, d)
						} else if out, err := exec.Command("cp", "-a", dir+"/"+old, d).CombinedOutput(); err != nil {
							t.Fatalf("%s", out)
						}
					}
					at(t, ".", "2020-01-01")
					out, err := exec.Command("rsync", append(strings.Fields(set.flags), "--fake-super", dir+"/"+src+"/", "theirs")...).CombinedOutput()
					if err != nil {
						t.Fatalf("%s", out)
					}
					want := slices.DeleteFunc(strings.Split(string(out), "\n"), func(s string) bool { return len(s) < 12 || s[11] != ' ' })
					slices.Sort(want)
					o := faking()
					set.set(&o)
					got := run(t, o, "ours", dir+"/"+src+"/")
					if !slices.Equal(got.items, want) {
						t.Errorf("told\n%s\nrsync\n%s\nproblems %q", strings.Join(got.items, "\n"), out, got.problems)
					}
					if a, b := fakeTree(t, "ours"), fakeTree(t, "theirs"); a != b {
						t.Errorf("made\n%s\nrsync\n%s", a, b)
					}
				})
			}
		}
	}
}

// TestFakeSuperRecords needs no privileges: what is recorded arrives, a second
// run finds nothing to do, and a change of what is recorded is seen.
func TestFakeSuperRecords(t *testing.T) {
	dir := t.TempDir()
	src, dst := makeTree(t, dir+"/src", "null", "f=content", "l=where/to"), dir+"/dst"
	record := func(name, value string) {
		if err := syscall.Setxattr(src+"/"+name, "user.rsync.%stat", []byte(value), 0); err != nil {
			t.Skip(err)
		}
	}
	record("null", "20666 1,3 5:6")
	record("f", "104711 0,0 70000:80000")
	record("l", "120777 0,0 7:8")
	at(t, src, "2021-01-01")
	got := run(t, faking(), dst, src+"/")
	expect(t, slices.Clone(got.items), "cd+++++++++ ./", "cD+++++++++ null", ">f+++++++++ f", "cL+++++++++ l -> where/to")
	for name, want := range map[string]string{"null": "20666 1,3 5:6", "f": "104711 0,0 70000:80000", "l": "120777 0,0 7:8"} {
		value := make([]byte, 99)
		n, err := syscall.Getxattr(dst+"/"+name, "user.rsync.%stat", value)
		if err != nil || string(value[:n]) != want {
			t.Errorf("%s: %q %v", name, value[:max(n, 0)], err)
		}
		a, _ := os.ReadFile(src + "/" + name)
		if b, err := os.ReadFile(dst + "/" + name); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if got := run(t, faking(), dst, src+"/"); len(got.items)+len(got.problems) > 0 {
		t.Errorf("again: %q %q", got.items, got.problems)
	}
	record("null", "20666 1,5 5:6")
	record("f", "104711 0,0 70001:80000")
	expect(t, run(t, faking(), dst, src+"/").items, "cDc........ null", ".f....o.... f")
	if got := run(t, faking(), dst, src+"/"); len(got.items)+len(got.problems) > 0 {
		t.Errorf("again: %q %q", got.items, got.problems)
	}
	// What an entry really is needs no record.
	if err := syscall.Removexattr(src+"/f", "user.rsync.%stat"); err != nil {
		t.Fatal(err)
	}
	if got := run(t, faking(), dst, src+"/"); len(got.items) != 1 || len(got.problems) > 0 {
		t.Errorf("%q %q", got.items, got.problems)
	}
	if n, err := syscall.Getxattr(dst+"/f", "user.rsync.%stat", make([]byte, 99)); err != syscall.ENODATA {
		t.Errorf("the record is there: %d bytes, %v", n, err)
	}
}

// TestFakeSuperNamespaces: who is not the superuser keeps attributes of other
// namespaces too.
func TestFakeSuperNamespaces(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, dir+"/src", "f=1")
	const attr = "user.rsync.trusted.own"
	if err := syscall.Setxattr(src+"/f", attr, []byte("1"), 0); err != nil {
		t.Skip(err)
	}
	o := faking()
	o.Rules.Xattrs, o.UID = true, 1000
	for range 2 {
		got := run(t, o, dir+"/dst", src+"/")
		if len(got.problems) > 0 {
			t.Error(got.problems)
		}
		value := make([]byte, 9)
		if n, err := syscall.Getxattr(dir+"/dst/f", attr, value); err != nil || string(value[:n]) != "1" {
			t.Errorf("%q %v", value, err)
		}
	}
}

// TestFakeSuperCorrupt: an entry whose record makes no sense is not transferred.
func TestFakeSuperCorrupt(t *testing.T) {
	dir := t.TempDir()
	src := makeTree(t, dir+"/src", "f=1", "g=2")
	if err := syscall.Setxattr(src+"/f", "user.rsync.%stat", []byte("nonsense"), 0); err != nil {
		t.Skip(err)
	}
	got := run(t, faking(), dir+"/dst", src+"/")
	if len(got.problems) != 1 || !strings.Contains(got.problems[0], "Corrupt") {
		t.Errorf("%q", got.problems)
	}
	if _, err := os.Lstat(dir + "/dst/f"); err == nil {
		t.Error("was transferred")
	}
	if _, err := os.Lstat(dir + "/dst/g"); err != nil {
		t.Error(err)
	}
}

func TestFakeSuperDevices(t *testing.T) {
	for _, n := range [][2]uint32{{1, 3}, {8, 255}, {8, 256}, {4095, 1<<20 - 1}, {4096, 1}} {
		dev := platform.MakeDevice(n[0], n[1])
		if major, minor := platform.SplitDevice(dev); major != n[0] || minor != n[1] {
			t.Errorf("%v: %#x is %d,%d", n, dev, major, minor)
		}
	}
	var st platform.Stat
	name := platform.MustName("/dev/null")
	if platform.Native().Statat(platform.CWD, name, &st, false) == nil && isDevice(st.Mode) && st.Rdev != platform.MakeDevice(1, 3) {
		t.Errorf("/dev/null is %#x", st.Rdev)
	}
}

// TestFakeSuperForeign: a file whose permissions are somebody else's to change has
// its record all the same, and the failure is told.
func TestFakeSuperForeign(t *testing.T) {
	dir := t.TempDir()
	src, dst := makeTree(t, dir+"/src", "f=1"), makeTree(t, dir+"/dst", "f=1")
	if err := syscall.Setxattr(src+"/f", "user.rsync.%stat", []byte("104755 0,0 5:6"), 0); err != nil {
		t.Skip(err)
	}
	at(t, dir, "2021-01-01")
	calls := platform.Native()
	calls.Fchmodat = func(platform.FD, platform.Name, uint32) error { return syscall.EPERM }
	r := &told{times: true}
	New(calls, faking(), r).Run(t.Context(), []string{src + "/"}, dst)
	value := make([]byte, 99)
	if n, err := syscall.Getxattr(dst+"/f", "user.rsync.%stat", value); err != nil || string(value[:n]) != "104755 0,0 5:6" {
		t.Errorf("%q %v", value[:max(n, 0)], err)
	}
	if len(r.problems) != 1 {
		t.Errorf("%q", r.problems)
	}
}
