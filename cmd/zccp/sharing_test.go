//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestPreserveSharing copies files that were cloned from each other, and then
// changed here and there, to another file system: the tree is the same, and takes
// no more than a tenth more where the data stay shared.
func TestPreserveSharing(t *testing.T) {
	copiertest.Require(t, "loopfs")
	binary := buildBinary(t)
	on := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"btrfs", "xfs", "ext4"}, Size: 1 << 30})
	btrfs, xfs, ext4 := on[0].Dir, on[1].Dir, on[2].Dir
	for _, c := range []struct {
		src, dst, args string
		shares         bool
	}{
		{btrfs, xfs, "-a", true},
		{xfs, btrfs, "-a -j1", true},
		{btrfs, xfs, "-r --preserve-sharing --verify", true},
		{xfs, btrfs, "-a --atomic=tree", true},
		{btrfs, xfs, "-r", false},
		{btrfs, xfs, "-a --preserve-sharing=never", false},
		{btrfs, xfs, "-a --sparse=always", false},
		{btrfs, ext4, "-a", false},
		{ext4, btrfs, "-a --preserve-sharing", false},
		{btrfs, xfs, "sync -a --preserve-sharing", true},
		{xfs, btrfs, "sync -aHX --preserve-sharing --delay-updates", true},
		{btrfs, xfs, "sync -a --preserve-sharing --partial-dir=.part --fsync", true},
		{btrfs, xfs, "sync -a", false},
	} {
		t.Run(filepath.Base(filepath.Dir(c.src))+" to "+filepath.Base(filepath.Dir(c.dst))+" "+c.args, func(t *testing.T) {
			src, dst := filepath.Join(c.src, "src"), filepath.Join(c.dst, "dst")
			defer os.RemoveAll(src)
			defer os.RemoveAll(dst)
			const size, files = 4 << 20, 8
			makeShared(t, src, size, files, c.src != ext4)
			before := used(t, c.dst)
			args := append([]string{binary}, strings.Fields(c.args)...)
			e := succeed(t, "/", append(args, "--explain", src+"/.", dst)...)
			grown := used(t, c.dst) - before
			compare := copiertest.CompareOptions{Ignore: copiertest.Atime | copiertest.Allocated}
			if strings.HasPrefix(c.args, "-r") {
				compare.Ignore |= copiertest.Mtime
			}
			report(t, "source and copy", copiertest.Compare(scan(t, src), scan(t, dst), compare))
			t.Logf("%d KiB", grown>>10)
			if shares := grown < size*12/10; shares != c.shares {
				t.Errorf("%d bytes are taken for %d files of %d", grown, files, size)
			}
			if told := strings.Contains(string(e.stdout), "shared 4.0 MiB"); told != c.shares {
				t.Errorf("shared data told: %v\n%s", told, e.stdout)
			}
		})
	}
}

// makeShared makes files that are clones of others, but for a block or so.
func makeShared(t *testing.T, dir string, size int64, files int, clones bool) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "below"), 0o755))
	rng := rand.New(rand.NewPCG(5, 6))
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{7}).Read(data)
	must(t, os.WriteFile(filepath.Join(dir, "0"), data, 0o644))
	first, err := os.Open(filepath.Join(dir, "0"))
	must(t, err)
	defer first.Close()
	for i := 1; i < files; i++ {
		f, err := os.Create(filepath.Join(dir, "below", fmt.Sprint(i)))
		must(t, err)
		if clones {
			must(t, unix.IoctlFileClone(int(f.Fd()), int(first.Fd())))
		} else {
			_, err = f.Write(data)
			must(t, err)
		}
		_, err = f.WriteAt([]byte("changed"), rng.Int64N(size-10))
		must(t, err)
		must(t, f.Close())
	}
	past := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "0"), past, past))
	time.Sleep(200 * time.Millisecond) // what changed just now is not shared
}

// used returns how many bytes of a file system are taken.
func used(t *testing.T, dir string) int64 {
	t.Helper()
	unix.Sync()
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	return int64(st.Blocks-st.Bfree) * st.Bsize
}
