//go:build linux

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestDeep copies a tree of 10 000 levels, whose paths are five times as long as a path may
// be, with as many descriptors as there are and with 64.
func TestDeep(t *testing.T) {
	binary := buildBinary(t)
	dir := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs"}})[0].Dir
	// Where nothing is mounted: the tests' own removal would need a descriptor for each level.
	t.Cleanup(func() { exec.Command("rm", "-rf", filepath.Join(dir, "src"), filepath.Join(dir, "dst")).Run() })
	const levels = 10_000
	makeDeep(t, filepath.Join(dir, "src"), levels)
	for _, c := range []struct{ name, limit, args string }{
		{"new", "", "-a"},
		{"over", "", "-a"},
		{"over with 64 descriptors", "64", "-a"},
		{"over atomically with 64 descriptors", "64", "-a --atomic=tree"},
		{"new with 64 descriptors", "64", "-a"},
		{"new durably with 64 descriptors", "64", "-a --fsync=batch --verify"},
		{"new with one worker", "64", "-a -j1"},
		{"dry", "64", "-a --dry-run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := filepath.Join(dir, "dst")
			if strings.HasPrefix(c.name, "new") {
				succeed(t, dir, "rm", "-rf", dst)
			}
			script := `exec "$@"`
			if c.limit != "" {
				script = "ulimit -n " + c.limit + "; " + script
			}
			args := append([]string{"bash", "-c", script, "bash", binary}, strings.Fields(c.args)...)
			e := command{args: append(args, "-T", "src", "dst"), dir: dir, weigh: true}.run(t)
			if e.code != 0 || e.stderr != "" {
				t.Fatalf("exit code %d, stderr ...%s", e.code, e.stderr[max(0, len(e.stderr)-200):])
			}
			t.Logf("%v, %d MiB", e.took, e.peak>>20)
			if e.peak > 100<<20 {
				t.Errorf("%d bytes of memory", e.peak)
			}
			sameDeep(t, filepath.Join(dir, "src"), dst, levels)
			if names, err := filepath.Glob(filepath.Join(dir, temporary+"*")); len(names) > 0 || err != nil {
				t.Errorf("left over: %s %v", names, err)
			}
		})
	}
}

// makeDeep makes directories in each other, the name of each telling its level, with a file
// in every hundredth.
func makeDeep(t *testing.T, root string, levels int) {
	t.Helper()
	must(t, os.Mkdir(root, 0o755))
	fd := openDir(t, unix.AT_FDCWD, root)
	for level := range levels {
		if level%100 == 0 {
			file, err := unix.Openat(fd, "file", unix.O_CREAT|unix.O_WRONLY, 0o640)
			must(t, err)
			_, err = unix.Write(file, fmt.Append(nil, level))
			must(t, err)
			must(t, unix.Close(file))
		}
		must(t, unix.Mkdirat(fd, "d", 0o755))
		next := openDir(t, fd, "d")
		must(t, unix.Futimes(fd, []unix.Timeval{{Sec: 1e9}, {Sec: 1e9 + int64(level)}}))
		must(t, unix.Close(fd))
		fd = next
	}
	must(t, unix.Close(fd))
}

func openDir(t *testing.T, dir int, name string) int {
	t.Helper()
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	must(t, err)
	return fd
}

// sameDeep compares two trees made by makeDeep, from directory to directory.
func sameDeep(t *testing.T, a, b string, levels int) {
	t.Helper()
	fds := [2]int{openDir(t, unix.AT_FDCWD, a), openDir(t, unix.AT_FDCWD, b)}
	for level := 0; ; level++ {
		var names [2][]string
		var stats [2]unix.Stat_t
		var content [2]string
		for i, fd := range fds {
			names[i] = namesIn(t, fd)
			must(t, unix.Fstat(fd, &stats[i]))
			if slices.Contains(names[i], "file") {
				file, err := unix.Openat(fd, "file", unix.O_RDONLY, 0)
				must(t, err)
				var buf [64]byte
				n, err := unix.Read(file, buf[:])
				must(t, err)
				content[i] = string(buf[:n])
				must(t, unix.Close(file))
			}
		}
		if !slices.Equal(names[0], names[1]) || content[0] != content[1] {
			t.Fatalf("level %d: %s %q, copy %s %q", level, names[0], content[0], names[1], content[1])
		}
		if stats[0].Mode != stats[1].Mode || level < levels && stats[0].Mtim != stats[1].Mtim {
			t.Fatalf("level %d: mode %o, mtime %v, copy %o, %v", level, stats[0].Mode, stats[0].Mtim, stats[1].Mode, stats[1].Mtim)
		}
		if !slices.Contains(names[0], "d") {
			if level != levels {
				t.Errorf("%d levels, want %d", level, levels)
			}
			break
		}
		for i, fd := range fds {
			fds[i] = openDir(t, fd, "d")
			must(t, unix.Close(fd))
		}
	}
	for _, fd := range fds {
		must(t, unix.Close(fd))
	}
}

// namesIn lists a directory that is open.
func namesIn(t *testing.T, fd int) []string {
	t.Helper()
	var names []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buf)
		must(t, err)
		if n == 0 {
			slices.Sort(names)
			return names
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// TestManyNames copies a directory of 100 000 files, or of a million if ZCCP_TEST_LARGE is
// set, and takes less than 100 MiB of memory for it.
func TestManyNames(t *testing.T) {
	copiertest.Require(t, "loopfs")
	binary := buildBinary(t)
	count := 100_000
	if os.Getenv("ZCCP_TEST_LARGE") != "" {
		count = 1_000_000
	}
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs"}, Size: 4 << 30, Options: []string{"nr_inodes=2500000"}})[0]
	src := filepath.Join(fsys.Dir, "src")
	must(t, os.Mkdir(src, 0o755))
	fd := openDir(t, unix.AT_FDCWD, src)
	for i := range count {
		file, err := unix.Openat(fd, fmt.Sprintf("file%d", i), unix.O_CREAT|unix.O_WRONLY, 0o600)
		must(t, err)
		if i%1000 == 0 {
			_, err = unix.Write(file, fmt.Append(nil, i))
			must(t, err)
		}
		must(t, unix.Close(file))
	}
	must(t, unix.Close(fd))
	names := namesOf(t, src)
	for _, c := range []struct{ name, args string }{{"new", "-a"}, {"over", "-a"}, {"dry", "-a --dry-run"}} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{binary}, strings.Fields(c.args)...)
			e := command{args: append(args, "-T", "src", "dst"), dir: fsys.Dir, weigh: true}.run(t)
			if e.code != 0 || e.stderr != "" {
				t.Fatalf("exit code %d, stderr %.300q", e.code, e.stderr)
			}
			t.Logf("%d names: %v, %d MiB", count, e.took, e.peak>>20)
			if e.peak == 0 || e.peak > 100<<20 {
				t.Errorf("%d bytes of memory", e.peak)
			}
			if got := namesOf(t, filepath.Join(fsys.Dir, "dst")); !slices.Equal(got, names) {
				t.Errorf("%d names, want %d", len(got), len(names))
			}
			for i := 0; i < count; i += 1000 {
				name := fmt.Sprintf("file%d", i)
				if d := differenceOf(t, filepath.Join(src, name), filepath.Join(fsys.Dir, "dst", name)); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		})
	}
}

// namesOf lists a directory.
func namesOf(t *testing.T, dir string) []string {
	t.Helper()
	fd := openDir(t, unix.AT_FDCWD, dir)
	defer unix.Close(fd)
	return namesIn(t, fd)
}
