package platform

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// held opens a new directory. It is removed by the calls that are tested: those
// of package os ask for more than wine has.
func held(t *testing.T) (dir FD, path string) {
	t.Helper()
	path, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = openName(CWD, MustName(path), ReadOnly|Directory, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		emptied(t, dir)
		closeFD(dir)
		if err := rmdirat(CWD, MustName(path)); err != nil {
			t.Error(err)
		}
	})
	return dir, path
}

// emptied removes all that is in a directory.
func emptied(t *testing.T, dir FD) {
	t.Helper()
	lseek(dir, 0, SeekSet)
	for _, name := range list(t, dir) {
		err := unlinkat(dir, MustName(name))
		if err == syscall.EISDIR {
			sub, _ := openName(dir, MustName(name), ReadOnly|Directory, 0)
			emptied(t, sub)
			closeFD(sub)
			err = rmdirat(dir, MustName(name))
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func create(t *testing.T, dir FD, name, content string) {
	t.Helper()
	fd, err := openName(dir, MustName(name), ReadWrite|Create|Exclusive, 0o600)
	if err == nil {
		_, err = pwrite(fd, []byte(content), 0)
		closeFD(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, dir FD, name string) string {
	t.Helper()
	fd, err := openName(dir, MustName(name), ReadOnly|NoFollow, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	var buf [100]byte
	n, err := pread(fd, buf[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	if more, err := pread(fd, buf[:], int64(n)); more != 0 || err != nil {
		t.Fatalf("behind the end: %d, %v", more, err)
	}
	return string(buf[:n])
}

// list returns the names in a directory as a small buffer brings them.
func list(t *testing.T, dir FD) (names []string) {
	t.Helper()
	buf := make([]byte, 2048)
	for {
		n, err := getdents(dir, buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			slices.Sort(names)
			return names
		}
		for rest := buf[:n]; ; {
			var name Name
			if name, _, _, rest = NextEntry(rest); name == nil {
				break
			}
			if !name.IsDots() {
				names = append(names, name.String())
			}
		}
	}
}

func TestListing(t *testing.T) {
	dir, _ := held(t)
	want := []string{"ascii", "файл", "漢字 😀"}
	for i := range 50 {
		want = append(want, strings.Repeat("n", 100)+string(rune('A'+i/26))+string(rune('a'+i%26)))
	}
	for _, name := range want {
		create(t, dir, name, "")
	}
	slices.Sort(want)
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("listed %q", got)
	}
	if got := list(t, dir); len(got) != 0 {
		t.Errorf("listed again at the end: %q", got)
	}
	if _, err := lseek(dir, 0, SeekSet); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("listed from the beginning: %q", got)
	}
}

// TestEntriesFit has names of which each character takes three bytes instead of
// two, as many of them as a call could bring.
func TestEntriesFit(t *testing.T) {
	const size, room = 4096, 4096 / 3 * 2 &^ 7
	for units := 1; units <= 255; units++ {
		record := (direntName + 2*units + 7) &^ 7
		raw := make([]byte, room/record*record)
		for at := 0; at < len(raw); at += record {
			if at+record < len(raw) {
				binary.LittleEndian.PutUint32(raw[at:], uint32(record))
			}
			binary.LittleEndian.PutUint32(raw[at+direntNameLength:], uint32(2*units))
			for i := range units {
				binary.LittleEndian.PutUint16(raw[at+direntName+2*i:], '漢')
			}
		}
		buf := make([]byte, size)
		n, err := putEntries(buf, raw)
		if err != nil {
			t.Fatal(err)
		}
		told, rest := 0, buf[:n]
		for len(rest) > 0 {
			var name Name
			if name, _, _, rest = NextEntry(rest); name.String() != strings.Repeat("漢", units) {
				t.Fatalf("%d characters: entry %d is %q", units, told, name)
			}
			told++
		}
		if told != room/record {
			t.Errorf("%d characters: %d entries of %d", units, told, room/record)
		}
	}
}

func TestRename(t *testing.T) {
	dir, _ := held(t)
	create(t, dir, "a", "new")
	create(t, dir, "b", "old")
	a, b := MustName("a"), MustName("b")
	if err := renameNoReplace(dir, a, dir, b); err != syscall.EEXIST {
		t.Errorf("onto a name that is taken: %v", err)
	}
	if err := renameat(dir, a, dir, b); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "b"); got != "new" {
		t.Errorf("replaced by %q", got)
	}
	if err := renameat(dir, a, dir, b); err != syscall.ENOENT {
		t.Errorf("of a name that is gone: %v", err)
	}
}

// TestDetached gives names without a directory beside them.
func TestDetached(t *testing.T) {
	dir, _ := held(t)
	create(t, dir, "a", "x")
	fd, err := openEntry(dir, MustName("a"), 0x10000 /* DELETE */, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	var o object
	if err := o.set(dir, MustName("b"), true); err != nil {
		t.Fatal(err)
	}
	if err := o.detach(); err != nil {
		t.Fatal(err)
	}
	if err := setName(fd, classRename, 0, &o); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, []string{"b"}) {
		t.Errorf("there is %q", got)
	}
}

func TestLinkAndRemove(t *testing.T) {
	dir, _ := held(t)
	create(t, dir, "a", "x")
	if err := linkat(dir, MustName("a"), dir, MustName("b"), false); err != nil {
		t.Fatal(err)
	}
	var a, b Stat
	if err := statName(dir, MustName("a"), &a, false); err != nil {
		t.Fatal(err)
	}
	if err := statName(dir, MustName("b"), &b, false); err != nil {
		t.Fatal(err)
	}
	if !a.SameInode(&b) || a.Nlink != 2 || a.Size != 1 || !a.IsRegular() {
		t.Errorf("%+v and %+v", a, b)
	}
	if err := mkdirat(dir, MustName("d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mkdirat(dir, MustName("d"), 0o700); err != syscall.EEXIST {
		t.Errorf("a directory made twice: %v", err)
	}
	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"unlink a directory", unlinkat(dir, MustName("d")), syscall.EISDIR},
		{"rmdir a file", rmdirat(dir, MustName("a")), syscall.ENOTDIR},
		{"unlink what is missing", unlinkat(dir, MustName("m")), syscall.ENOENT},
		{"link a directory", linkat(dir, MustName("d"), dir, MustName("e"), false), syscall.EPERM},
		{"below a file", mkdirat(dir, MustName("a/d"), 0o700), syscall.ENOENT},
		{"unlink", unlinkat(dir, MustName("a")), nil},
		{"rmdir", rmdirat(dir, MustName("d")), nil},
	} {
		if c.err != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
		}
	}
	if got := list(t, dir); !slices.Equal(got, []string{"b"}) {
		t.Errorf("there is %q", got)
	}
}

// TestAttributes sets times and the read-only attribute, by handle and by name,
// and writes through a handle all the while.
func TestAttributes(t *testing.T) {
	dir, _ := held(t)
	create(t, dir, "a", "x")
	name := MustName("a")
	when := Time{1_000_000_000, 123_456_700}
	fd, err := openName(dir, name, ReadWrite, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	if err := fchmod(fd, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := futimens(fd, Time{Nsec: TimeOmit}, when); err != nil {
		t.Fatal(err)
	}
	var st Stat
	if err := fstat(fd, &st); err != nil || st.Mode != ModeRegular|0o444 || st.Mtime != when {
		t.Errorf("%v: %+v", err, st)
	}
	if err := fchmodat(dir, name, 0o644); err != nil {
		t.Fatal(err)
	}
	before := Time{-1, 900_000_000}
	if err := utimensat(dir, name, before, before); err != nil {
		t.Fatal(err)
	}
	if err := statName(dir, name, &st, true); err != nil || st.Mode != ModeRegular|0o644 || st.Mtime != before {
		t.Errorf("%v: %+v", err, st)
	}
	if err := futimens(dir, when, when); err != nil {
		t.Errorf("of a directory open for reading: %v", err)
	}
	if err := utimensat(dir, name, when, fromFiletime(0)); err != nil {
		t.Errorf("a time that is not kept: %v", err)
	}
	if err := statName(dir, name, &st, true); err != nil || st.Mtime != before || st.Atime != when {
		t.Errorf("%v: %+v", err, st)
	}
	if err := futimens(fd, when, Time{-1 << 40, 0}); err != syscall.EINVAL {
		t.Errorf("before 1601: %v", err)
	}
}

// TestListingBroken cuts and garbles what a file system says is in a directory.
func TestListingBroken(t *testing.T) {
	entry := func(next, length byte) []byte {
		b := make([]byte, direntName+4)
		b[0], b[direntNameLength], b[direntName] = next, length, 'a'
		return b
	}
	for _, c := range []struct {
		raw []byte
		ok  bool
	}{
		{entry(0, 2), true},
		{append(entry(direntName+4, 2), entry(0, 4)...), true},
		{nil, false},
		{entry(0, 2)[:direntName], false},
		{entry(0, 6), false},
		{entry(direntName+4, 2), false},
		{entry(direntName+8, 2), false},
		{append(entry(8, 2), entry(0, 2)...), false},
	} {
		n, err := putEntries(make([]byte, 1024), c.raw)
		if c.ok != (err == nil && n > 0) || !c.ok && err != syscall.EIO {
			t.Errorf("%d bytes, next %v: %d, %v", len(c.raw), c.raw[:min(1, len(c.raw))], n, err)
		}
	}
}

func TestDots(t *testing.T) {
	dir, path := held(t)
	if err := os.Mkdir(path+`\sub`, 0o700); err != nil {
		t.Fatal(err)
	}
	var top, st Stat
	if err := fstat(dir, &top); err != nil {
		t.Fatal(err)
	}
	sub, err := openName(dir, MustName("sub"), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(sub)
	for _, c := range []struct {
		dir  FD
		name string
	}{{dir, "."}, {dir, "sub/.."}, {sub, ".."}, {sub, "../sub/.."}, {sub, "../."}, {CWD, path + "/sub/.."}} {
		if err := statName(c.dir, MustName(c.name), &st, true); err != nil || !st.SameInode(&top) {
			t.Errorf("%s: %v, %+v", c.name, err, st)
		}
	}
}

func TestOpenBeneath(t *testing.T) {
	dir, _ := held(t)
	if err := mkdirat(dir, MustName("d"), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, dir, "d/a", "x")
	for _, c := range []struct {
		name string
		want error
	}{
		{"d/a", nil},
		{"d/../d/a", nil},
		{"../a", syscall.EXDEV},
		{"d/../../a", syscall.EXDEV},
		{"/C:/a", syscall.EXDEV},
		{`d\a`, errBadName},
		{"d/b", syscall.ENOENT},
	} {
		fd, err := openBeneath(dir, MustName(c.name), ReadOnly, 0)
		if err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			closeFD(fd)
		}
	}
	// From the current directory other calls take these.
	for _, name := range []string{`..\a`, "C:/windows", "C:."} {
		if fd, err := openBeneath(CWD, MustName(name), PathOnly, 0); err != errBadName {
			t.Errorf("%s from the current directory: %v", name, err)
			closeFD(fd)
		}
	}
}

// TestLock takes the lock through two handles.
func TestLock(t *testing.T) {
	dir, _ := held(t)
	create(t, dir, "a", "content")
	var fds [2]FD
	for i := range fds {
		var err error
		if fds[i], err = openName(dir, MustName("a"), ReadWrite, 0); err != nil {
			t.Fatal(err)
		}
		defer closeFD(fds[i])
	}
	if err := flock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	if err := flock(fds[1], true); !WouldBlock(err) {
		t.Errorf("locked twice: %v", err)
	}
	if got := content(t, dir, "a"); got != "content" {
		t.Errorf("a locked file holds %q", got)
	}
	if err := flock(fds[0], false); err != nil {
		t.Fatal(err)
	}
	if err := flock(fds[1], true); err != nil {
		t.Error(err)
	}
}

// TestSymbolicLink is of what may need a privilege, and of what some versions of
// wine lack.
func TestSymbolicLink(t *testing.T) {
	dir, _ := held(t)
	if err := mkdirat(dir, MustName("d"), 0o700); err != nil {
		t.Fatal(err)
	}
	create(t, dir, "d/a", "x")
	// To those who judge where links lead they are one name.
	for _, text := range []string{`..\..\a`, `C:\a`, "C:/a", `d\a`} {
		if err := symlinkat(MustName(text), dir, MustName("out")); err != errBadName {
			t.Errorf("%s: %v", text, err)
		}
	}
	err := symlinkat(MustName("d/a"), dir, MustName("file"))
	if NotPermitted(err) || Unsupported(err) {
		t.Skipf("no symbolic links: %v", err)
	}
	if err == nil {
		err = symlinkat(MustName("d"), dir, MustName("directory"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var buf [100]byte
	for _, c := range []struct{ name, want string }{{"file", "d/a"}, {"directory", "d/"}} {
		n, err := readlinkat(dir, MustName(c.name), buf[:])
		if err != nil || string(buf[:n]) != c.want {
			t.Errorf("%s leads to %q, %v", c.name, buf[:max(n, 0)], err)
		}
		var st Stat
		if err := statName(dir, MustName(c.name), &st, false); err != nil || !st.IsSymlink() {
			t.Errorf("%s: %v, %+v", c.name, err, st)
		}
		if _, err := openName(dir, MustName(c.name), ReadOnly|NoFollow, 0); err != syscall.ELOOP {
			t.Errorf("%s opened: %v", c.name, err)
		}
	}
	if _, err := readlinkat(dir, MustName("d"), buf[:]); !NotLink(err) {
		t.Errorf("of a directory: %v", err)
	}
}

// TestHoles is of a file system that has sparse files.
func TestHoles(t *testing.T) {
	dir, _ := held(t)
	fd, err := openName(dir, MustName("a"), ReadWrite|Create|Exclusive, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	const size = 1 << 20
	if err := ftruncate(fd, size); err != nil {
		t.Fatal(err)
	}
	var st Stat
	if err := fstat(fd, &st); err != nil || st.Size != size {
		t.Errorf("%v: %+v", err, st)
	}
	if _, err := pwrite(fd, []byte("x"), size/2); err != nil {
		t.Fatal(err)
	}
	at, err := lseek(fd, 0, SeekData)
	if Unsupported(err) {
		t.Skipf("no map of holes: %v", err)
	}
	if err != nil || at > size/2 {
		t.Errorf("data at %d, %v", at, err)
	}
	if err := fallocate(fd, 0, size/4); err != nil {
		t.Error(err)
	}
	if err := fstat(fd, &st); err != nil || st.Size != size {
		t.Errorf("after space was reserved: %v, %+v", err, st)
	}
	hole, err := lseek(fd, size/2, SeekHole)
	if err != nil || hole <= size/2 || hole > size {
		t.Errorf("hole at %d, %v", hole, err)
	}
	if _, err := lseek(fd, size, SeekData); !NoMoreData(err) {
		t.Errorf("data behind the end: %v", err)
	}
}
