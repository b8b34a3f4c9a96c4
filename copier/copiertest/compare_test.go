//go:build linux

package copiertest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// base makes a tree with one of everything that a plant needs.
func base(t *testing.T, dir string) {
	t.Helper()
	g := newGenerator(rand.New(rand.NewPCG(7, 7)), dir, Options{})
	g.try(os.Mkdir(dir, 0o755))
	g.try(os.MkdirAll(g.path("dir/sub"), 0o755))
	g.try(os.WriteFile(g.path("dir/sub/file"), g.content(10_000), 0o644))
	for _, name := range []string{"one", "two", "three", "setuid"} {
		g.try(os.WriteFile(g.path(name), g.content(5000), 0o644))
	}
	g.try(os.WriteFile(g.path("zeros"), make([]byte, 300_000), 0o644))
	g.try(os.WriteFile(g.path("hole"), nil, 0o644))
	g.try(os.Truncate(g.path("hole"), 300_000))
	g.try(os.WriteFile(g.path("large"), []byte("x"), 0o644))
	g.try(os.Truncate(g.path("large"), 1<<30))
	g.try(os.Link(g.path("one"), g.path("dir/one too")))
	g.try(os.Symlink("one", g.path("symlink")))
	g.try(os.Symlink("nowhere", g.path("dangling")))
	g.try(unix.Mkfifo(g.path("fifo"), 0o644))
	g.try(unix.Mknod(g.path("socket"), typeSocket|0o644, 0))
	g.try(unix.Mknod(g.path("null"), typeChar|0o644, int(unix.Mkdev(1, 3))))
	g.try(unix.Mknod(g.path("block"), typeBlock|0o644, int(unix.Mkdev(7, 0))))
	attrs := attributes{uid: 1000, gid: 1000, mode: 0o644, atime: unix.Timespec{Sec: 1e9, Nsec: 1}, mtime: unix.Timespec{Sec: -5, Nsec: 7}}
	for _, rel := range []string{
		"dir/sub/file", "two", "three", "setuid", "zeros", "hole", "large", "one", "fifo", "socket", "null", "block",
		"symlink", "dangling", "dir/sub", "dir", ".",
	} {
		var st unix.Stat_t
		g.try(unix.Lstat(g.path(rel), &st))
		a := attrs
		if st.Mode&unix.S_IFMT == typeDir {
			a.mode = 0o755
		}
		switch rel {
		case "setuid":
			a.mode = 0o4755
		case "two":
			a.xattrs = []xattr{
				{"user.one", []byte("value")}, {"user.empty", nil}, {"trusted.one", []byte("v")},
				{"system.posix_acl_access", g.acl()}, {"security.capability", g.capability()},
			}
		case "dir/sub":
			a.mode = 0
			a.xattrs = []xattr{{"system.posix_acl_default", g.acl()}}
		case "symlink", "fifo":
			a.xattrs = []xattr{{"trusted.one", []byte("v")}}
		}
		g.try(a.apply(g.path(rel), st.Mode&unix.S_IFMT))
	}
	if g.err != nil {
		t.Fatal(g.err)
	}
}

// plant makes one difference in a copy of the tree that base makes.
type plant struct {
	name string
	// do gets the path of the copy.
	do func(dir string) error
	// want is the path that differs, and how the difference begins.
	path, want string
	// times keeps the times that do has left at the path and its directory.
	times bool
}

func plants() []plant {
	flip := func(path string, off int64) func(string) error {
		return func(dir string) error {
			f, err := os.OpenFile(dir+"/"+path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			var b [1]byte
			if _, err := f.ReadAt(b[:], off); err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{b[0] ^ 0x20}, off)
			return err
		}
	}
	resize := func(path string, size int64) func(string) error {
		return func(dir string) error { return os.Truncate(dir+"/"+path, size) }
	}
	mode := func(path string, mode uint32) func(string) error {
		return func(dir string) error { return unix.Chmod(dir+"/"+path, mode) }
	}
	own := func(path string, uid, gid int) func(string) error {
		return func(dir string) error { return os.Lchown(dir+"/"+path, uid, gid) }
	}
	touch := func(path string, atime, mtime unix.Timespec) func(string) error {
		return func(dir string) error {
			return unix.UtimesNanoAt(unix.AT_FDCWD, dir+"/"+path, []unix.Timespec{atime, mtime}, unix.AT_SYMLINK_NOFOLLOW)
		}
	}
	atime, mtime := unix.Timespec{Sec: 1e9, Nsec: 1}, unix.Timespec{Sec: -5, Nsec: 7}
	nanosecond := func(ts unix.Timespec) unix.Timespec { ts.Nsec++; return ts }
	second := func(ts unix.Timespec) unix.Timespec { ts.Sec++; return ts }
	set := func(path, name, value string) func(string) error {
		return func(dir string) error { return unix.Lsetxattr(dir+"/"+path, name, []byte(value), 0) }
	}
	edit := func(path, name string, change func([]byte)) func(string) error {
		return func(dir string) error {
			value, err := xattrBytes(func(buf []byte) (int, error) { return unix.Lgetxattr(dir+"/"+path, name, buf) })
			if err != nil {
				return err
			}
			value = bytes.Clone(value)
			change(value)
			return unix.Lsetxattr(dir+"/"+path, name, value, 0)
		}
	}
	unset := func(path, name string) func(string) error {
		return func(dir string) error { return unix.Lremovexattr(dir+"/"+path, name) }
	}
	// Replaced by a copy, a name has everything that it had but the inode.
	replace := func(path string, with func(path string) error) func(string) error {
		return func(dir string) error {
			path := dir + "/" + path
			if err := os.Remove(path); err != nil {
				return err
			}
			return with(path)
		}
	}
	copyOf := func(path string) func(string) error {
		return func(dst string) error { return cp("-a", filepath.Dir(dst)+"/"+path, dst) }
	}
	like := func(path string, err error) error {
		if err == nil {
			err = os.Lchown(path, 1000, 1000)
		}
		return err
	}
	node := func(fileType uint32, major, minor uint32) func(string) error {
		return func(path string) error {
			return like(path, unix.Mknod(path, fileType|0o644, int(unix.Mkdev(major, minor))))
		}
	}
	symlink := func(target string) func(string) error {
		return func(path string) error { return like(path, os.Symlink(target, path)) }
	}
	return []plant{
		{"first byte", flip("dir/sub/file", 0), "dir/sub/file", "content: at offset 0:", false},
		{"byte in the second block", flip("dir/sub/file", 5000), "dir/sub/file", "content: at offset 5000:", false},
		{"last byte", flip("dir/sub/file", 9999), "dir/sub/file", "content: at offset 9999:", false},
		{"byte in a hole", flip("hole", 299_999), "hole", "content: at offset 299999:", false},
		{"byte in a large file", flip("large", 1<<27+1), "large", "content: at offset 134217729:", false},
		{"zeros for data", func(dir string) error {
			return os.WriteFile(dir+"/three", make([]byte, 5000), 0)
		}, "three", "content: at offset 0:", false},
		{"longer", resize("hole", 300_001), "hole", "size: a 300000, b 300001", false},
		{"shorter", resize("three", 4096), "three", "size: a 5000, b 4096", false},
		{"shorter hole", resize("hole", 299_999), "hole", "size: a 300000, b 299999", false},
		{"hole filled", func(dir string) error {
			return os.WriteFile(dir+"/hole", make([]byte, 300_000), 0)
		}, "hole", "allocated: a 0, b ", false},

		{"mode", mode("three", 0o645), "three", "mode: a 0644, b 0645", false},
		{"setuid", mode("setuid", 0o755), "setuid", "mode: a 4755, b 0755", false},
		{"setgid", mode("three", 0o2644), "three", "mode: a 0644, b 2644", false},
		{"sticky directory", mode("dir", 0o1755), "dir", "mode: a 0755, b 1755", false},
		{"mode of a mode 000 directory", mode("dir/sub", 0o100), "dir/sub", "mode: a 0000, b 0100", false},
		{"mode of a FIFO", mode("fifo", 0o600), "fifo", "mode: a 0644, b 0600", false},
		{"user", own("three", 1001, -1), "three", "user: a 1000, b 1001", false},
		{"group", own("three", -1, 0), "three", "group: a 1000, b 0", false},
		{"user of a symlink", own("symlink", 0, -1), "symlink", "user: a 1000, b 0", false},
		{"group of a directory", own("dir", -1, 4e9), "dir", "group: a 1000, b 4000000000", false},

		{"mtime", touch("three", atime, nanosecond(mtime)), "three", "mtime: a -5.000000007, b -5.000000008", true},
		{"mtime, seconds", touch("three", atime, second(mtime)), "three", "mtime: a -5.000000007, b -4.000000007", true},
		{"mtime of a directory", touch("dir/sub", atime, nanosecond(mtime)), "dir/sub", "mtime: ", true},
		{"mtime of the root", touch(".", atime, nanosecond(mtime)), ".", "mtime: ", true},
		{"mtime of a symlink", touch("symlink", atime, nanosecond(mtime)), "symlink", "mtime: ", true},
		{"mtime of a FIFO", touch("fifo", atime, nanosecond(mtime)), "fifo", "mtime: ", true},
		{"atime", touch("three", nanosecond(atime), mtime), "three", "atime: a 1000000000.000000001, b 1000000000.000000002", true},
		{"atime of a directory", touch("dir", nanosecond(atime), mtime), "dir", "atime: ", true},

		{"target", replace("symlink", func(path string) error {
			if err := symlink("two")(path); err != nil {
				return err
			}
			return unix.Lsetxattr(path, "trusted.one", []byte("v"), 0)
		}), "symlink", `target: a "one", b "two"`, false},
		{"xattr changed", set("two", "user.one", "valuf"), "two", `xattr "user.one": a "value", b "valuf"`, false},
		{"xattr longer than shown", set("two", "user.one", "value\x00"), "two", `xattr "user.one": a "value", b "value\x00"`, false},
		{"xattr lost", unset("two", "user.one"), "two", `xattr "user.one": a "value", b nothing`, false},
		{"empty xattr lost", unset("two", "user.empty"), "two", `xattr "user.empty": a "", b nothing`, false},
		{"xattr won", set("three", "user.one", ""), "three", `xattr "user.one": a nothing, b ""`, false},
		{"trusted xattr lost", unset("two", "trusted.one"), "two", `xattr "trusted.one": a "v", b nothing`, false},
		{"xattr of a symlink lost", unset("symlink", "trusted.one"), "symlink", `xattr "trusted.one": a "v", b nothing`, false},
		{"xattr of a FIFO lost", unset("fifo", "trusted.one"), "fifo", `xattr "trusted.one": a "v", b nothing`, false},
		{"security xattr won", set("dir", "security.one", "v"), "dir", `xattr "security.one": a nothing, b "v"`, false},
		{"capability lost", unset("two", "security.capability"), "two", `xattr "security.capability": a "`, false},
		{"capability changed", edit("two", "security.capability", func(v []byte) { v[4] ^= 1 }),
			"two", `xattr "security.capability": a "`, false},
		{"default ACL lost", unset("dir/sub", "system.posix_acl_default"), "dir/sub", `xattr "system.posix_acl_default": a "`, false},
		// The permissions of the first named user: they aren't part of the mode.
		{"ACL entry changed", edit("two", "system.posix_acl_access", func(v []byte) { v[4+8+2] ^= 1 }),
			"two", `xattr "system.posix_acl_access": a "`, false},

		{"minor number", replace("null", node(typeChar, 1, 5)), "null", "device: a 0x103, b 0x105", false},
		{"major number", replace("block", node(typeBlock, 8, 0)), "block", "device: a 0x700, b 0x800", false},
		{"character for block device", replace("block", node(typeChar, 7, 0)),
			"block", "type: a block special file, b character special file", false},
		{"FIFO for socket", replace("socket", node(typeFIFO, 0, 0)), "socket", "type: a socket, b fifo", false},
		{"symlink for file", replace("three", symlink("three")), "three", "type: a regular file, b symbolic link", false},
		{"file for symlink", replace("dangling", func(path string) error { return os.WriteFile(path, []byte("nowhere"), 0o644) }),
			"dangling", "type: a symbolic link, b regular file", false},
		{"link lost", replace("one", copyOf("dir/one too")), "one", `hard link to: a "dir/one too", b "one"`, false},
		{"link won", func(dir string) error {
			if err := os.Remove(dir + "/three again"); err != nil {
				return err
			}
			return os.Link(dir+"/three", dir+"/three again")
		}, "three again", `hard link to: a "three again", b "three"`, false},

		{"name lost", func(dir string) error { return os.Remove(dir + "/dangling") },
			"dangling", "name: a symbolic link, b nothing", false},
		{"name lost in a mode 000 directory", func(dir string) error { return os.Remove(dir + "/dir/sub/file") },
			"dir/sub/file", "name: a regular file, b nothing", false},
		{"name won", func(dir string) error { return os.Mkdir(dir+"/dir/\xff\n", 0o755) },
			"dir/\xff\n", "name: a nothing, b directory", false},
	}
}

// TestPlantedDifferences plants one difference after the other in a perfect copy: the
// compare finds each of them and nothing else.
func TestPlantedDifferences(t *testing.T) {
	Require(t, "root")
	for _, fsys := range FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			src := filepath.Join(fsys.Dir, "src")
			base(t, src)
			// A second file that is equal to "three", so that they can be made one.
			if err := cp("-a", src+"/three", src+"/three again"); err != nil {
				t.Fatal(err)
			}
			tree, err := Scan(src)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range plants() {
				t.Run(p.name, func(t *testing.T) { p.check(t, tree, filepath.Join(fsys.Dir, "dst")) })
			}
		})
	}
}

func (p plant) check(t *testing.T, src *Tree, dst string) {
	defer func() {
		if err := os.RemoveAll(dst); err != nil {
			t.Fatal(err)
		}
	}()
	if err := cp("-aT", src.Root, dst); err != nil {
		t.Fatal(err)
	}
	retime(t, src, dst, "")
	if found := Diff(src.Root, dst, CompareOptions{}); found != nil {
		t.Fatalf("a perfect copy differs: %q", found)
	}
	if err := p.do(dst); err != nil {
		t.Fatal(err)
	}
	if p.times {
		retime(t, src, dst, p.path)
	} else {
		retime(t, src, dst, "")
	}
	found := Diff(src.Root, dst, CompareOptions{})
	if len(found) != 1 || !strings.HasPrefix(found[0], strconv.Quote(p.path)+": "+p.want) {
		t.Errorf("found %q\nwant one that begins %s: %s", found, strconv.Quote(p.path), p.want)
	}
}

// retime gives every name of dst the times that it has in src, but for the one excepted.
func retime(t *testing.T, src *Tree, dst, except string) {
	t.Helper()
	var rels []string
	for rel := range src.Entries {
		if _, err := os.Lstat(join(dst, rel)); err == nil && rel != except {
			rels = append(rels, rel)
		}
	}
	slices.Sort(rels)
	for _, rel := range rels {
		e := src.Entries[rel]
		a, m := e.Atime, e.Mtime
		times := []unix.Timespec{{Sec: a.Unix(), Nsec: int64(a.Nanosecond())}, {Sec: m.Unix(), Nsec: int64(m.Nanosecond())}}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, join(dst, rel), times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
	}
}

func cp(args ...string) error { return run(append([]string{"cp"}, args...)...) }

// What an option lets differ is not reported, and everything else still is.
func TestCompareOptions(t *testing.T) {
	now := time.Now()
	entry := Entry{
		Mode: typeRegular | 0o644, UID: 1, GID: 1, Size: 1, Allocated: 4096, Mtime: now, Atime: now,
		Xattrs: map[string]string{"user.a": "b"}, Dev: 1, Ino: 1,
	}
	changed := entry
	changed.Ino = 2
	changed.Mode, changed.UID, changed.Allocated = typeRegular|0o600, 2, 4096+64<<10+1
	changed.Mtime, changed.Atime, changed.Xattrs = now.Add(1), now.Add(2), nil
	a := &Tree{Entries: map[string]Entry{"f": entry, "g": entry}}
	b := &Tree{Entries: map[string]Entry{"f": changed, "g": changed}}
	b.Entries["g"] = func() Entry { e := changed; e.Ino = 3; return e }()
	for _, c := range []struct {
		name string
		opt  CompareOptions
		want string
	}{
		{"nothing", CompareOptions{}, "mode user mtime atime allocated xattr"},
		{"mode", CompareOptions{Ignore: Mode}, "user mtime atime allocated xattr"},
		{"owner", CompareOptions{Ignore: Owner}, "mode mtime atime allocated xattr"},
		{"mtime", CompareOptions{Ignore: Mtime}, "mode user atime allocated xattr"},
		{"atime", CompareOptions{Ignore: Atime}, "mode user mtime allocated xattr"},
		{"allocated", CompareOptions{Ignore: Allocated}, "mode user mtime atime xattr"},
		{"slack", CompareOptions{Slack: 64<<10 + 1}, "mode user mtime atime xattr"},
		{"xattrs", CompareOptions{Ignore: Xattrs}, "mode user mtime atime allocated"},
		{"by the clock", CompareOptions{From: now, To: now.Add(1)}, "mode user atime allocated xattr"},
		{"origin", CompareOptions{Origin: a}, "mode user mtime atime allocated xattr hard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := c.opt
			opt.Skip = func(path string) bool { return path == "g" }
			if got := words(Compare(a, b, opt)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := words(Compare(a, b, CompareOptions{Ignore: Mode | Owner | Mtime | Atime | Allocated | Xattrs})); got != "hard" {
		t.Errorf("links: got %q, want one", got)
	}
	if got := Compare(a, b, CompareOptions{Ignore: Mode | Owner | Mtime | Atime | Allocated | Xattrs | Links}); got != nil {
		t.Errorf("all ignored: got %q", got)
	}
	if got := Compare(b, a, CompareOptions{Ignore: Mode | Owner | Mtime | Atime | Xattrs | Links}); got != nil {
		t.Errorf("less space: got %q", got)
	}
}

// words returns the first word of what differs, of each difference.
func words(found []string) string {
	var list []string
	for _, f := range found {
		_, what, _ := strings.Cut(f, ": ")
		list = append(list, strings.TrimSuffix(strings.Fields(what)[0], ":"))
	}
	return strings.Join(list, " ")
}

// A tree that can't be read is not taken for an equal one.
func TestDiffUnreadable(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if found := Diff(missing, missing, CompareOptions{}); len(found) != 2 {
		t.Errorf("two missing trees: %q, want an error each", found)
	}
}

// Scan leaves access times alone even where the file system keeps them.
func TestScanKeepsAtime(t *testing.T) {
	Require(t, "root")
	for _, fsys := range Mount(t, MountOptions{Options: []string{"strictatime"}}) {
		t.Run(fsys.Name, func(t *testing.T) {
			src := filepath.Join(fsys.Dir, "src")
			base(t, src)
			before, err := Scan(src)
			if err != nil {
				t.Fatal(err)
			}
			symlink := func(path string) bool { return before.Entries[path].fileType() == typeSymlink }
			after, err := Scan(src)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range Compare(before, after, CompareOptions{Skip: symlink}) {
				t.Error(d)
			}
		})
	}
}
