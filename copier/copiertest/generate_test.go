//go:build linux

package copiertest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func numbered(n uint64) *rand.Rand { return rand.New(rand.NewPCG(1, n)) }

// The same seed gives the same tree and the same destination, twice on every file system.
func TestGenerateTwice(t *testing.T) {
	for _, fsys := range FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			for n := range uint64(10) {
				src, dst := filepath.Join(fsys.Dir, "src"), filepath.Join(fsys.Dir, "dst")
				var old [2]string
				for i := range old {
					if i > 0 {
						old[0], old[1] = src+" before", dst+" before"
						rename(t, src, old[0])
						rename(t, dst, old[1])
					}
					if err := Generate(numbered(n), src, Options{}); err != nil {
						t.Fatal(err)
					}
					if err := GenerateOver(numbered(n), src, dst, Options{}); err != nil {
						t.Fatal(err)
					}
				}
				for i, dir := range []string{src, dst} {
					for _, d := range Diff(old[i], dir, CompareOptions{}) {
						t.Errorf("tree %d: %s", n, d)
					}
				}
				for _, dir := range append(old[:], src, dst) {
					if err := os.RemoveAll(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func rename(t *testing.T, old, new string) {
	t.Helper()
	if err := os.Rename(old, new); err != nil {
		t.Fatal(err)
	}
}

// What generated trees are for is really in them.
func TestGenerateCovers(t *testing.T) {
	Require(t, "root")
	dir := FileSystems(t)[0].Dir
	seen := map[string]int{}
	for n := range uint64(60) {
		src := filepath.Join(dir, fmt.Sprint("src", n))
		if err := Generate(numbered(n), src, Options{}); err != nil {
			t.Fatal(err)
		}
		dst := filepath.Join(dir, fmt.Sprint("dst", n))
		if err := GenerateOver(numbered(n), src, dst, Options{}); err != nil {
			t.Fatal(err)
		}
		a, err := Scan(src)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Scan(dst)
		if err != nil {
			t.Fatal(err)
		}
		cover(seen, a)
		coverOver(seen, a, b)
	}
	for _, want := range strings.Split(`fifo|character special file|directory|block special file|regular file|symbolic link|socket
size 0|size 1|size 4095|size 4096|size 4097|size 2097153|sparse|nothing but a hole|1 GiB
linked in one directory|linked across directories|dangling|absolute|looping|relative|to a directory|linked symbolic link
setuid|setgid|sticky|directory setgid|directory sticky|mode 000|directory mode 000|foreign user|foreign group|user over 31 bits
user.|trusted.|security.|security.capability|system.posix_acl_access|system.posix_acl_default|trusted. on symbolic link|empty xattr
before 1970|after 2106|nanoseconds|symbolic link before 1970|directory after 2106
newline|space|dash|not UTF-8|255 bytes|control|glob|empty directory|20 levels
over: regular file by regular file|over: regular file by symbolic link|over: regular file by directory|over: regular file by socket
over: regular file by character special file|over: regular file by nothing|over: directory by directory|over: directory by regular file
over: directory by symbolic link|over: symbolic link by regular file|over: symbolic link by directory|over: fifo by regular file
over: longer|over: newer|over: same mtime|over: hard link|over: read-only|over: only there|over: all names of one file`, "|") {
		for name := range strings.SplitSeq(want, "\n") {
			if seen[name] == 0 {
				t.Errorf("no %s", name)
			}
		}
	}
}

func cover(seen map[string]int, tree *Tree) {
	see := func(is bool, what string) {
		if is {
			seen[what]++
		}
	}
	for rel, e := range tree.Entries {
		kind, name := e.typeName(), filepath.Base(rel)
		prefix := ""
		if e.isDir() {
			prefix = "directory "
		}
		see(true, kind)
		if e.fileType() == typeRegular {
			see(true, fmt.Sprint("size ", e.Size))
			see(e.Allocated+4096 < e.Size, "sparse")
			see(e.Allocated == 0 && e.Size > 1000, "nothing but a hole")
			see(e.Size > 1<<30, "1 GiB")
		}
		if e.fileType() != typeSymlink {
			see(e.Mode&0o4000 != 0, prefix+"setuid")
			see(e.Mode&0o2000 != 0, prefix+"setgid")
			see(e.Mode&0o1000 != 0, prefix+"sticky")
			see(e.Mode&0o7777 == 0, prefix+"mode 000")
		} else {
			_, err := os.Stat(join(tree.Root, rel))
			target, _ := os.Stat(join(tree.Root, rel))
			see(os.IsNotExist(err), "dangling")
			see(strings.HasPrefix(e.Target, "/"), "absolute")
			see(err != nil && strings.Contains(err.Error(), "too many levels"), "looping")
			see(err == nil && !strings.HasPrefix(e.Target, "/"), "relative")
			see(err == nil && target.IsDir(), "to a directory")
		}
		see(e.UID != 0, "foreign user")
		see(e.GID != 0, "foreign group")
		see(e.UID > 1<<31, "user over 31 bits")
		for key, value := range e.Xattrs {
			space, _, _ := strings.Cut(key, ".")
			see(true, key)
			see(true, space+".")
			see(true, space+". on "+kind)
			see(value == "", "empty xattr")
		}
		for _, prefix := range []string{"", kind + " "} {
			see(e.Mtime.Unix() < 0, prefix+"before 1970")
			see(e.Mtime.Unix() > 1<<32, prefix+"after 2106")
			see(e.Mtime.Nanosecond() > 0, prefix+"nanoseconds")
		}
		see(strings.Contains(name, "\n"), "newline")
		see(strings.Contains(name, " "), "space")
		see(name[0] == '-', "dash")
		see(!utf8.ValidString(name), "not UTF-8")
		see(len(name) == 255, "255 bytes")
		see(strings.ContainsAny(name, "\x01\x1b\x7f\r"), "control")
		see(strings.ContainsAny(name, "*?["), "glob")
		see(strings.Count(rel, "/") >= 20, "20 levels")
		see(e.isDir() && !tree.hasBelow(rel), "empty directory")
	}
	for _, names := range tree.shared() {
		for _, rel := range names[1:] {
			same := filepath.Dir(rel) == filepath.Dir(names[0])
			see(same, "linked in one directory")
			see(!same, "linked across directories")
			see(true, "linked "+tree.Entries[rel].typeName())
		}
	}
}

func (t *Tree) hasBelow(dir string) bool {
	for rel := range t.Entries {
		if strings.HasPrefix(rel, dir+"/") {
			return true
		}
	}
	return false
}

func coverOver(seen map[string]int, src, dst *Tree) {
	shared := src.shared()
	for rel, a := range src.Entries {
		b, ok := dst.Entries[rel]
		if !ok {
			seen["over: "+a.typeName()+" by nothing"]++
			continue
		}
		seen["over: "+a.typeName()+" by "+b.typeName()]++
		if a.fileType() == typeRegular && b.fileType() == typeRegular {
			for what, is := range map[string]bool{
				"longer": b.Size > a.Size, "newer": b.Mtime.After(a.Mtime), "same mtime": b.Mtime.Equal(a.Mtime),
				"hard link": b.Nlink > 1, "read-only": b.Mode&0o222 == 0, "all names of one file": len(shared[a.file()]) > 1,
			} {
				if is {
					seen["over: "+what]++
				}
			}
		}
	}
	for rel := range dst.Entries {
		if _, ok := src.Entries[rel]; !ok {
			seen["over: only there"]++
		}
	}
}

// A third opinion: rsync, which keeps all that cp -a does but for access times, makes a copy
// without a difference, so generated trees hold nothing that only one program can copy. On
// xfs its holes stay filled by what the file system allocates ahead of a writer.
func TestGenerateRsync(t *testing.T) {
	Require(t, "root")
	Require(t, "rsync")
	for _, fsys := range FileSystems(t) {
		t.Run(fsys.Name, func(t *testing.T) {
			for n := range uint64(5) {
				src, dst := filepath.Join(fsys.Dir, fmt.Sprint("src", n)), filepath.Join(fsys.Dir, fmt.Sprint("dst", n))
				if err := Generate(numbered(n), src, Options{NoLarge: true}); err != nil {
					t.Fatal(err)
				}
				if err := run("rsync", "-aHAXS", "--numeric-ids", src+"/", dst); err != nil {
					t.Fatal(err)
				}
				for _, d := range Diff(src, dst, CompareOptions{Ignore: Atime | Allocated}) {
					t.Errorf("tree %d: %s", n, d)
				}
			}
		})
	}
}
