//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// item is an entry of a tree that a test makes, and of one that it expects.
type item struct {
	path string
	// mode is the type, S_IFREG and the like, and the permissions; 0 makes path a hard
	// link to the earlier item data.
	mode uint32
	// data is the content of a file or the target of a symlink.
	data string
	// sparse leaves the blocks of zeros out when the file is written.
	sparse bool
	xattrs []string // name, value, name, value
}

// A POSIX ACL of linux/posix_acl_xattr.h that grants one more user something, so that it
// isn't expressed by a mode.
var someACL = func() string {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{0x01, 7, ^uint32(0)}, {0x02, 5, 1234}, {0x04, 5, ^uint32(0)}, {0x10, 7, ^uint32(0)}, {0x20, 1, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return string(b)
}()

func directory(path string, mode uint32, xattrs ...string) item {
	return item{path: path, mode: unix.S_IFDIR | mode, xattrs: xattrs}
}

func regular(path string, mode uint32, data string, xattrs ...string) item {
	return item{path: path, mode: unix.S_IFREG | mode, data: data, xattrs: xattrs}
}

func sparse(path string, data string) item {
	return item{path: path, mode: unix.S_IFREG | 0o644, data: data, sparse: true}
}

func symlink(path, target string) item {
	return item{path: path, mode: unix.S_IFLNK | 0o777, data: target}
}

func fifo(path string) item { return item{path: path, mode: unix.S_IFIFO | 0o640} }

func hardLink(path, to string) item { return item{path: path, data: to} }

// noise returns size bytes that no other seed gives, none of them zero.
func noise(seed uint64, size int) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, size)
	for i := range b {
		b[i] = 1 + byte(rng.UintN(255))
	}
	return string(b)
}

// zeros returns a run of them.
func zeros(size int) string { return strings.Repeat("\x00", size) }

// makeItems makes the items below dir, with times that say what they are and are not those of
// another age.
func makeItems(t testing.TB, dir string, items []item, age int64) {
	t.Helper()
	for _, it := range items {
		if err := it.create(dir); err != nil {
			t.Fatalf("making %q: %v", it.path, err)
		}
	}
	for i, it := range slices.Backward(items) {
		if err := it.finish(dir, age+int64(i)); err != nil {
			t.Fatalf("making %q: %v", it.path, err)
		}
	}
}

func (it *item) create(dir string) error {
	path := filepath.Join(dir, it.path)
	switch it.mode & unix.S_IFMT {
	case 0:
		return os.Link(filepath.Join(dir, it.data), path)
	case unix.S_IFDIR:
		return os.Mkdir(path, 0o700)
	case unix.S_IFLNK:
		return os.Symlink(it.data, path)
	case unix.S_IFIFO:
		return unix.Mkfifo(path, 0o600)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	const block = 4096
	for off := 0; off < len(it.data); off += block {
		part := it.data[off:min(off+block, len(it.data))]
		if it.sparse && strings.Trim(part, "\x00") == "" {
			continue
		}
		if _, err := f.WriteAt([]byte(part), int64(off)); err != nil {
			return err
		}
	}
	return errors.Join(f.Truncate(int64(len(it.data))), f.Close())
}

func (it *item) finish(dir string, seconds int64) error {
	path := filepath.Join(dir, it.path)
	if it.mode == 0 {
		return nil
	}
	for i := 0; i < len(it.xattrs); i += 2 {
		err := unix.Lsetxattr(path, it.xattrs[i], []byte(it.xattrs[i+1]), 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	if it.mode&unix.S_IFMT != unix.S_IFLNK && !slices.Contains(it.xattrs, "system.posix_acl_access") {
		if err := unix.Chmod(path, it.mode&0o7777); err != nil {
			return err
		}
	}
	ts := []unix.Timespec{{Sec: seconds, Nsec: 1}, {Sec: seconds, Nsec: 123456789}}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, ts, unix.AT_SYMLINK_NOFOLLOW)
}

// resolved returns the items by path, hard links as what they are links to.
func resolved(items []item) map[string]item {
	found := map[string]item{}
	for _, it := range items {
		path := it.path
		if it.mode == 0 {
			it = found[it.data]
		}
		found[path] = it
	}
	return found
}

// stands returns why what stands at path isn't the item whole, or "". Only the type and
// the content are looked at.
func (it *item) stands(path string) string {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err.Error()
	}
	if st.Mode&unix.S_IFMT != it.mode&unix.S_IFMT {
		return fmt.Sprintf("type %#o", st.Mode&unix.S_IFMT)
	}
	switch it.mode & unix.S_IFMT {
	case unix.S_IFREG:
		data, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		if len(data) != len(it.data) {
			return fmt.Sprintf("%d bytes of %d", len(data), len(it.data))
		}
		if string(data) != it.data {
			return "other content"
		}
	case unix.S_IFLNK:
		if target, _ := os.Readlink(path); target != it.data {
			return fmt.Sprintf("target %q", target)
		}
	}
	return ""
}

// wipe removes a tree, also where directories can't be written in.
func wipe(t testing.TB, dir string) {
	t.Helper()
	if os.RemoveAll(dir) == nil {
		return
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}
