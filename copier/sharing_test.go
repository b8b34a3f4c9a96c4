//go:build linux

package copier

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
)

// unshared returns how many bytes of a file are allocated to it alone, by the
// map of its extents (linux/fiemap.h), which it flushes for that.
func unshared(t testing.TB, path string) (n int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const (
		fiemap     = 0xc020660b // FS_IOC_FIEMAP
		sync       = 1
		extentLast = 1
		shared     = 0x2000
	)
	type extent struct {
		logical, physical, length uint64
		_                         [2]uint64
		flags                     uint32
		_                         [3]uint32
	}
	var m struct {
		start, length              uint64
		flags, mapped, count, zero uint32
		extents                    [512]extent
	}
	for next := uint64(0); ; {
		m.start, m.length, m.flags, m.count = next, 1<<62, sync, uint32(len(m.extents))
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), fiemap, uintptr(unsafe.Pointer(&m))); errno != 0 {
			t.Fatal(errno)
		}
		for _, e := range m.extents[:m.mapped] {
			if e.flags&shared == 0 {
				n += int64(e.length)
			}
			next = e.logical + e.length
			if e.flags&extentLast != 0 {
				return n
			}
		}
		if m.mapped == 0 {
			return n
		}
	}
}

// testSharing: of a file of which one block in a hundred changed the others
// stay shared with the old one.
func testSharing(t *testing.T, fsys copiertest.FileSystem) {
	if fsys.Name != "btrfs" && fsys.Name != "xfs" {
		t.Skip("no clones there")
	}
	size, blocks := 256<<20, 256<<20/deltaBlock
	if short() {
		size, blocks = size/8, blocks/8
	}
	rng := rand.New(rand.NewPCG(1, 2))
	old := noise(size)
	content := bytes.Clone(old)
	changed := int64(0)
	for _, b := range rng.Perm(blocks)[:blocks/100] {
		content[b*deltaBlock+rng.IntN(deltaBlock)] ^= 1
		changed += deltaBlock
	}
	kept := filepath.Join(fsys.Dir, "kept")
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(kept)
	snapshot := filepath.Join(kept, "snapshot")
	dir := filepath.Join(kept, "dir")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(snapshot, old, 0o600)); err != nil {
		t.Fatal(err)
	}
	f := filepath.Join(dir, "f")
	a, b := open(t, snapshot, os.O_RDONLY), open(t, f, os.O_RDWR|os.O_CREATE)
	if err := platform.Native().Clone(b, a); err != nil {
		t.Fatal(err)
	}
	res := deltaOnce(t, dir, t.TempDir(), nil, content, nil, Options{}, Sibling, NoAppend)
	got := unshared(t, f)
	t.Logf("%d bytes in changed blocks, %d written, %d allocated (%.3f)", changed, res.Moved, got, float64(got)/float64(changed))
	if res.Moved != changed || got > changed*12/10 || got < changed {
		t.Errorf("%+v; %d bytes are allocated for %d changed ones", res, got, changed)
	}
}
