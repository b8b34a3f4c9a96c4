//go:build linux

package main_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestKernelFiles copies files that the kernel makes up when they are read: their sizes say
// 0 or 4096, whatever is in them, and a read may return less than was asked for.
func TestKernelFiles(t *testing.T) {
	binary := buildBinary(t)
	// A process that does nothing, once it has answered, so that what is told of it stays
	// the same.
	idle := exec.Command("cat")
	in, err := idle.StdinPipe()
	must(t, err)
	out, err := idle.StdoutPipe()
	must(t, err)
	must(t, idle.Start())
	defer func() {
		in.Close()
		idle.Wait()
	}()
	_, err = in.Write([]byte{0})
	must(t, err)
	_, err = io.ReadFull(out, make([]byte, 1))
	must(t, err)
	proc := "/proc/" + strconv.Itoa(idle.Process.Pid)
	names := []string{
		proc + "/cmdline", proc + "/environ", proc + "/limits", proc + "/maps", proc + "/auxv",
		"/proc/version", "/proc/cpuinfo", "/proc/kallsyms", "/proc/filesystems", "/proc/config.gz",
		"/proc/sys/kernel/ostype", "/proc/sys/fs/file-max",
		"/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/notes", "/sys/kernel/vmcoreinfo",
		"/sys/devices/system/cpu/possible", "/sys/module/loop/parameters/max_part",
	}
	if more, err := filepath.Glob("/sys/class/net/*/address"); err == nil {
		names = append(names, more...)
	}
	copied, big := 0, 0
	for _, name := range names {
		before, err := readWhole(name)
		if err != nil {
			t.Logf("%s can't be read here: %v", name, err)
			continue
		}
		for _, args := range [][]string{nil, {"-a"}, {"--sparse=always"}, {"--verify"}} {
			if args != nil && args[0] == "--verify" && strings.HasPrefix(name, "/proc/cpu") {
				continue // the clock rates may change
			}
			dst := filepath.Join(t.TempDir(), "dst")
			e := command{args: append(append([]string{binary}, args...), name, dst)}.run(t)
			got, err := os.ReadFile(dst)
			after, _ := readWhole(name)
			if e.code != 0 || err != nil || !bytes.Equal(steady(got), steady(before)) && !bytes.Equal(steady(got), steady(after)) {
				t.Errorf("%s %s: exit code %d, %d bytes of %d, %v, stderr %q", args, name, e.code, len(got), len(before), err, e.stderr)
			}
			copied++
		}
		if len(before) > 4096 {
			big++
		}
	}
	t.Logf("%d copies", copied)
	if copied < 40 || big < 1 {
		t.Errorf("only %d copies, %d files that take several reads", copied, big)
	}
}

// steady leaves out the clock rates of processors.
func steady(data []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte("cpu MHz")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// readWhole reads a file by small pieces, as cat(1) would.
func readWhole(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// TestKernelTree copies a part of /sys as cp does.
func TestKernelTree(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	binary := buildBinary(t)
	for _, args := range [][]string{{"-r"}, {"-a"}} {
		t.Run(args[0], func(t *testing.T) {
			dir := t.TempDir()
			var said []string
			for _, c := range [][]string{{"cp", "1"}, {binary, "2"}, {"cp", "3"}} {
				e := command{args: append(append([]string{c[0]}, args...), "/sys/kernel/mm", c[1]), dir: dir}.run(t)
				said = append(said, spoken(e))
			}
			if said[0] != said[1] {
				t.Errorf("cp %s\nzccp %s", said[0], said[1])
			}
			// What differs between two copies by cp is a counter.
			changing := map[string]bool{}
			opt := copiertest.CompareOptions{Ignore: copiertest.Atime | copiertest.Mtime | copiertest.Allocated}
			for _, line := range copiertest.Diff(filepath.Join(dir, "1"), filepath.Join(dir, "3"), opt) {
				name, _, _ := strings.Cut(line, ": ")
				if name, err := strconv.Unquote(name); err == nil {
					changing[name] = true
				}
			}
			opt.Skip = func(name string) bool { return changing[name] }
			report(t, "cp and zccp", copiertest.Diff(filepath.Join(dir, "1"), filepath.Join(dir, "2"), opt))
			if n := len(scan(t, filepath.Join(dir, "2")).Entries); n < 20 || len(changing) > n/2 {
				t.Errorf("%d names, %d of them change", n, len(changing))
			}
		})
	}
}
