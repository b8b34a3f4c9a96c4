//go:build linux

package platform

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestPortableRefuses holds Portable to the abilities that docs/platforms.md says it lacks:
// one that crept in would hide what the other systems have to do without.
func TestPortableRefuses(t *testing.T) {
	lacks := strings.Fields(`LinkFD RenameNoReplace RenameExchange Unwritten Fallocate PunchHole CopyFileRange Sendfile
		Splice Clone CloneRange CloneAt CowExtent Cached Fadvise Extents ExtentSpace PreadUncached PwriteUncached
		DirectAlign SetDirect CacheState Lease Leased Unlease SetPipeSize Syncfs`)
	table := reflect.ValueOf(Portable()).Elem()
	for i := range table.NumField() {
		name := table.Type().Field(i).Name
		call := table.Field(i)
		var args []reflect.Value
		for j := range call.Type().NumIn() {
			args = append(args, harmless(call.Type().In(j)))
		}
		out := call.Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		if name == "Pipe" {
			syscall.Close(int(out[0].Int()))
			syscall.Close(int(out[1].Int()))
		}
		if want := slices.Contains(lacks, name); errors.Is(err, errors.ErrUnsupported) != want {
			t.Errorf("%s: %v, want it refused: %v", name, err, want)
		}
	}
	if _, err := Portable().Openat(CWD, dotName, ReadWrite|Unnamed, 0o600); !NoUnnamedFiles(err) {
		t.Errorf("an unnamed file: %v", err)
	}
}

// harmless returns an argument with which no call does anything: there is no such
// descriptor.
func harmless(kind reflect.Type) reflect.Value {
	switch {
	case kind == reflect.TypeFor[FD]():
		return reflect.ValueOf(None)
	case kind == reflect.TypeFor[Name]():
		return reflect.ValueOf(dotName)
	case kind == reflect.TypeFor[[]byte]():
		return reflect.ValueOf(make([]byte, 8))
	case kind.Kind() == reflect.Pointer:
		return reflect.New(kind.Elem())
	}
	return reflect.Zero(kind)
}

// portableTree makes one of everything and returns an open descriptor of it.
func portableTree(t *testing.T) (string, FD) {
	t.Helper()
	dir := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(dir+"/a/b", 0o755), os.WriteFile(dir+"/a/b/f", []byte("data"), 0o640), os.Symlink("a", dir+"/link"),
		os.Symlink("a/b/f", dir+"/file"), os.Symlink("/etc", dir+"/out"), os.Symlink("..", dir+"/a/up"),
		syscall.Mkfifo(dir+"/fifo", 0o600), os.WriteFile(dir+"/none", nil, 0o000),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	fd, err := Native().Openat(CWD, MustName(dir), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Native().Close(fd) })
	return dir, fd
}

// TestPortableSame makes calls of both tables on one tree: what they find and how they fail
// is the same.
func TestPortableSame(t *testing.T) {
	_, dir := portableTree(t)
	for _, name := range []string{".", "a", "a/b/f", "link", "file", "out", "fifo", "none", "missing", "none/x", "link/b"} {
		found := map[string]string{}
		for kind, c := range map[string]*Calls{"native": Native(), "portable": Portable()} {
			var st, followed Stat
			var link [64]byte
			say := func(format string, a ...any) { found[kind] += fmt.Sprintf(format+"\n", a...) }
			one, other := c.Statat(dir, MustName(name), &st, false), c.Statat(dir, MustName(name), &followed, true)
			st.Atime, followed.Atime = Time{}, Time{} // reading a link sets its
			say("Statat %v %+v, followed %v %+v", one, st, other, followed)
			n, err := c.Readlinkat(dir, MustName(name), link[:])
			say("Readlinkat %v %q", err, link[:max(n, 0)])
			say("Accessat %v", c.Accessat(dir, MustName(name), 4))
			say("Mkdirat %v", c.Mkdirat(dir, MustName(name+"/"), 0o755) != nil && name != "missing")
			say("Rmdirat %v", c.Rmdirat(dir, MustName(name)))
			if st.IsDir() {
				say("Unlinkat %v", c.Unlinkat(dir, MustName(name)))
			}
			say("Linkat %v", c.Linkat(dir, MustName(name), dir, MustName("a"), false))
			say("Symlinkat %v", c.Symlinkat(MustName("x"), dir, MustName("a")))
			for _, flags := range []int{ReadOnly | NonBlock, ReadOnly | NonBlock | NoFollow, ReadOnly | Directory, ReadOnly | Directory | NoFollow, PathOnly, PathOnly | NoFollow} {
				var of Stat
				fd, err := c.Openat(dir, MustName(name), flags, 0)
				if err == nil {
					err = c.Fstat(fd, &of)
					of.Atime = Time{}
					c.Close(fd)
				}
				say("Openat %#x %v %+v", flags, err, of)
			}
		}
		if found["native"] != found["portable"] {
			t.Errorf("%s:\n%s\nportable:\n%s", name, found["native"], found["portable"])
		}
	}
}

// TestPortableChanges makes the changes through Portable and looks with package os.
func TestPortableChanges(t *testing.T) {
	path, dir := portableTree(t)
	c := Portable()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fd, err := c.Openat(dir, MustName("new"), ReadWrite|Create|Exclusive|NoFollow, 0o600)
	must(err)
	defer c.Close(fd)
	_, err = c.Pwrite(fd, []byte("0123456789"), 0)
	must(err)
	must(c.Ftruncate(fd, 4))
	must(c.Fchmod(fd, 0o640))
	must(c.Futimens(fd, Time{Sec: 1, Nsec: 2}, Time{Sec: 3, Nsec: 4}))
	must(c.Futimens(fd, Time{Nsec: TimeOmit}, Time{Sec: 5, Nsec: 6}))
	must(c.Fsync(fd))
	must(c.Flock(fd, true))
	must(c.Renameat(dir, MustName("new"), dir, MustName("a/moved")))
	must(c.Linkat(dir, MustName("a/moved"), dir, MustName("second"), false))
	must(c.Mknodat(dir, MustName("pipe"), ModeFIFO|0o600, 0))
	must(c.Utimensat(dir, MustName("link"), Time{Sec: 7, Nsec: 8}, Time{Sec: 9, Nsec: 10}))
	must(c.Fchmodat(dir, MustName("none"), 0o600))
	must(c.Unlinkat(dir, MustName("file")))
	var st Stat
	must(c.Statat(dir, MustName("second"), &st, false))
	if st.Size != 4 || st.Mode&ModeBits != 0o640 || st.Atime != (Time{1, 2}) || st.Mtime != (Time{5, 6}) || st.Nlink != 2 {
		t.Errorf("the file is %+v", st)
	}
	must(c.Statat(dir, MustName("link"), &st, false))
	if st.Atime != (Time{7, 8}) || st.Mtime != (Time{9, 10}) {
		t.Errorf("the link is %+v", st)
	}
	must(c.Statat(dir, MustName("pipe"), &st, false))
	if st.Type() != ModeFIFO {
		t.Errorf("the pipe is %+v", st)
	}
	if _, err := os.Lstat(path + "/file"); !os.IsNotExist(err) {
		t.Errorf("what was removed: %v", err)
	}
}

// TestPortableBeneath: nothing leads out of the directory, and no link is followed.
func TestPortableBeneath(t *testing.T) {
	path, dir := portableTree(t)
	c := Portable()
	for name, want := range map[string]error{
		"a/b/f": nil, "a//b///f": nil, "./a/./b": nil, "a/b/": nil, ".": nil, "fifo": nil,
		"a/../a": syscall.EXDEV, "..": syscall.EXDEV, "a/b/..": syscall.EXDEV, path: syscall.EXDEV, "/": syscall.EXDEV,
		"link/b": syscall.ENOTDIR, "out/passwd": syscall.ENOTDIR, "a/up/a": syscall.ENOTDIR,
		"link": syscall.ELOOP, "out": syscall.ELOOP, "file": syscall.ELOOP,
		"a/b/f/": syscall.ENOTDIR, "missing/f": syscall.ENOENT, "": syscall.ENOENT,
	} {
		fd, err := c.OpenBeneath(dir, MustName(name), ReadOnly|NonBlock, 0)
		if err != want {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
		if err != nil {
			continue
		}
		var got, ref Stat
		if err := errors.Join(c.Fstat(fd, &got), c.Statat(dir, MustName(name), &ref, false), c.Close(fd)); err != nil || !got.SameInode(&ref) {
			t.Errorf("%q: %v, another file was opened", name, err)
		}
	}
	// A link may be looked at itself, but not in the place of what it leads to.
	for flags, want := range map[int]error{PathOnly: syscall.ELOOP, PathOnly | NoFollow: nil} {
		fd, err := c.OpenBeneath(dir, MustName("a/up"), flags, 0)
		if err != want {
			t.Errorf("a link, flags %#x: %v, want %v", flags, err, want)
		}
		c.Close(fd)
	}
	before := openDescriptors(t)
	for range 20 {
		c.OpenBeneath(dir, MustName("a/b/missing/x"), ReadOnly, 0)
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
	if _, err := Rooted(c, dir, MustName("/")).Openat(CWD, MustName("/a/../../etc/passwd"), ReadOnly, 0); err != syscall.EACCES {
		t.Errorf("out of the root: %v", err)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestDirentLayouts cuts entries from buffers as the kernels of Linux, FreeBSD and macOS
// store them (struct dirent of each), a vacant one among them.
func TestDirentLayouts(t *testing.T) {
	for name, l := range map[string]direntLayout{
		"linux": nativeDirent, "freebsd": {reclen: 16, kind: 18, name: 24, vacant: true}, "darwin": {reclen: 16, kind: 20, name: 21, vacant: true},
	} {
		record := func(ino uint64, kind byte, name string) []byte {
			n := (l.name + len(name) + 1 + 7) &^ 7
			b := make([]byte, n)
			binary.NativeEndian.PutUint64(b, ino)
			binary.NativeEndian.PutUint16(b[l.reclen:], uint16(n))
			b[l.kind] = kind
			copy(b[l.name:], name)
			return b
		}
		buf := slices.Concat(record(7, 4, "directory"), record(0, 8, "vacant"), record(9, 10, "l"), record(10, 8, strings.Repeat("n", 255)))
		type entry struct {
			mode uint32
			ino  uint64
		}
		got := map[string]entry{}
		for rest := buf; ; {
			n, mode, ino, after := cutEntry(rest, l)
			if len(n) == 0 {
				break
			}
			got[n.String()], rest = entry{mode, ino}, after
		}
		want := map[string]entry{"directory": {ModeDir, 7}, "l": {ModeSymlink, 9}, strings.Repeat("n", 255): {ModeRegular, 10}}
		if !l.vacant {
			want["vacant"] = entry{ModeRegular, 0}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		for cut := range buf { // whatever is cut off, nothing is read behind the end
			for rest := buf[:cut:cut]; len(rest) > 0; {
				_, _, _, rest = cutEntry(rest, l)
			}
		}
	}
}

// TestPortableLists: a listing through Portable is that of package os.
func TestPortableLists(t *testing.T) {
	path, _ := portableTree(t)
	for i := range 500 {
		if err := os.WriteFile(filepath.Join(path, "a", fmt.Sprintf("file%03d", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := Portable()
	fd, err := c.Openat(CWD, MustName(path+"/a"), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(fd)
	var got []string
	for buf := make([]byte, 4096); ; {
		n, err := c.Getdents(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		for name, _, _, rest := NextEntry(buf[:n]); len(name) > 0; name, _, _, rest = NextEntry(rest) {
			if !name.IsDots() {
				got = append(got, name.String())
			}
		}
	}
	slices.Sort(got)
	var want []string
	entries, err := os.ReadDir(path + "/a")
	for _, e := range entries {
		want = append(want, e.Name())
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d names, want %d: %v", len(got), len(want), err)
	}
}
