//go:build linux

package main_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestHugeSparse copies a file of 100 GiB with 1 MiB of data, within each file system and
// from each to another: the copy has the same content, and holes where the source has them.
func TestHugeSparse(t *testing.T) {
	copiertest.Require(t, "loopfs")
	binary := buildBinary(t)
	on := copiertest.FileSystems(t)
	for i, fsys := range on {
		src := filepath.Join(fsys.Dir, "src")
		makeSparse(t, src, 100<<30)
		for _, c := range []struct {
			name, dir string
			args      []string
		}{
			{"", fsys.Dir, nil},
			{" -a", fsys.Dir, []string{"-a"}},
			{" --reflink=never", fsys.Dir, []string{"--reflink=never"}},
			{" --sparse=always", fsys.Dir, []string{"--sparse=always"}},
			{" to " + on[(i+1)%len(on)].Name, on[(i+1)%len(on)].Dir, nil},
		} {
			t.Run(fsys.Name+c.name, func(t *testing.T) {
				dst := filepath.Join(c.dir, "dst")
				e := succeed(t, "/", append(append([]string{binary}, c.args...), src, dst)...)
				from, to := blocks(t, src), blocks(t, dst)
				t.Logf("%v, %d KiB of %d KiB allocated", e.took, to>>10, from>>10)
				if to > from+64<<10 {
					t.Errorf("%d bytes allocated, %d in the source", to, from)
				}
				sameSparse(t, src, dst)
				must(t, os.Remove(dst))
			})
		}
		must(t, os.Remove(src))
	}
}

// makeSparse makes a file with 16 pieces of data of 64 KiB, at odd places, between holes.
func makeSparse(t *testing.T, name string, size int64) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	for i := range int64(16) {
		piece := bytes.Repeat([]byte{byte('a' + i)}, 64<<10)
		_, err := f.WriteAt(piece, size/17*i+i*1000)
		must(t, err)
	}
	must(t, f.Truncate(size))
	must(t, f.Sync())
}

// blocks returns what a file takes on its device, in bytes.
func blocks(t *testing.T, name string) int64 {
	t.Helper()
	// Without this, space is allocated when the kernel finds time for it.
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	must(t, f.Sync())
	var st unix.Stat_t
	must(t, unix.Fstat(int(f.Fd()), &st))
	return st.Blocks * 512
}

// sameSparse compares two files where one of them has data.
func sameSparse(t *testing.T, names ...string) {
	t.Helper()
	var files [2]*os.File
	var length [2]int64
	for i, name := range names {
		f, err := os.Open(name)
		must(t, err)
		defer f.Close()
		files[i] = f
		length[i], err = f.Seek(0, io.SeekEnd)
		must(t, err)
	}
	if length[0] != length[1] {
		t.Errorf("%s have %d bytes", strings.Join(names, " and "), length)
		return
	}
	compared := int64(0)
	one, other := make([]byte, 1<<20), make([]byte, 1<<20)
	for _, f := range files {
		for at := int64(0); at < length[0]; {
			data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
			if err == unix.ENXIO {
				break
			}
			must(t, err)
			hole, err := unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE)
			must(t, err)
			for at = data; at < hole; {
				n := min(int64(len(one)), hole-at)
				_, err := files[0].ReadAt(one[:n], at)
				must(t, err)
				_, err = files[1].ReadAt(other[:n], at)
				must(t, err)
				if !bytes.Equal(one[:n], other[:n]) {
					t.Errorf("differs between %d and %d", at, at+n)
					return
				}
				at += n
				compared += n
			}
		}
	}
	if compared < 2<<20 {
		t.Errorf("only %d bytes compared", compared)
	}
}
