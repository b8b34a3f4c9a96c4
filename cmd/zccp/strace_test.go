//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestSecondZero makes the second copy_file_range of a file of 3 GiB move nothing and say
// so: the copy is whole. cp 9.1 takes the zero for the end of the file, leaves 2 GiB and
// exits with 0.
func TestSecondZero(t *testing.T) {
	copiertest.Require(t, "strace")
	copiertest.Require(t, "loopfs")
	if testing.Short() || withRaceDetector() {
		t.Skip("it copies 3 GiB, and the program is the same with the race detector")
	}
	binary := buildBinary(t)
	fsys := copiertest.Mount(t, copiertest.MountOptions{Names: []string{"xfs"}, Size: 5 << 30})[0]
	const size = 3 << 30
	piece, src, dst := filepath.Join(fsys.Dir, "piece"), filepath.Join(fsys.Dir, "src"), filepath.Join(fsys.Dir, "dst")
	makeData(t, piece, 32<<20)
	makeByClones(t, piece, src, size)
	for _, args := range [][]string{{binary, "-j1", "--cache=keep"}, {"cp"}} {
		// One worker: strace counts the calls of each thread. A cold file of this size
		// would go past the cache.
		e, injected := inject(t, []string{"ioctl:error=EOPNOTSUPP", "copy_file_range:retval=0:when=2+"}, append(args, src, dst)...)
		if injected["copy_file_range"] == 0 {
			t.Errorf("%s: no copy_file_range said 0", args[0])
		}
		info, err := os.Stat(dst)
		must(t, err)
		t.Logf("%s: exit code %d, %d bytes of %d, %v", filepath.Base(args[0]), e.code, info.Size(), int64(size), e.took)
		if args[0] == binary {
			if e.code != 0 || e.stderr != "" || info.Size() != size {
				t.Errorf("exit code %d, %d bytes of %d, stderr %q", e.code, info.Size(), int64(size), e.stderr)
			}
			if d := differenceOf(t, piece, dst); d != "" {
				t.Error(d)
			}
		}
		must(t, os.Remove(dst))
	}
}

// TestLyingCalls lets the calls that move data fail or lie at the first and at a later call
// of a file: the copy is whole.
func TestLyingCalls(t *testing.T) {
	copiertest.Require(t, "strace")
	binary := buildBinary(t)
	const size = 2*64<<20 + 5000 // three calls
	noClone := "ioctl:error=EOPNOTSUPP"
	noRange := "copy_file_range:error=EXDEV"
	cases := [][]string{
		{"ioctl:retval=0"}, // a clone that stores nothing
		{noClone, "copy_file_range:retval=0"},
		{noClone, "copy_file_range:retval=0:when=3+"},
		{noClone, "copy_file_range:retval=0", "sendfile:retval=0:when=2+"},
		{noClone, "copy_file_range:error=EIO:when=2+"},
		{noClone, "copy_file_range:error=ENOENT"},
		{noClone, "copy_file_range:error=EPERM:when=2+"},
		{noClone, "copy_file_range:error=EINTR:when=2..5"},
		{noClone, "copy_file_range:error=EAGAIN:when=3"},
		{noClone, noRange, "sendfile:retval=0"},
		{noClone, noRange, "sendfile:retval=0:when=2+"},
		{noClone, noRange, "sendfile:error=EINVAL:when=2+"},
		{noClone, noRange, "sendfile:error=ENOSYS", "pread64:error=EINTR:when=2..9", "pwrite64:error=EINTR:when=2..9"},
		{noClone, noRange, "sendfile:error=EPERM", "lseek:error=EINVAL"},
	}
	for _, fsys := range copiertest.Mount(t, copiertest.MountOptions{Names: []string{"xfs", "tmpfs"}}) {
		src, dst := filepath.Join(fsys.Dir, "src"), filepath.Join(fsys.Dir, "dst")
		makeData(t, src, size)
		for i, faults := range cases {
			if (testing.Short() || withRaceDetector()) && i%4 != 0 {
				continue
			}
			t.Run(fsys.Name+" "+strings.Join(faults, " "), func(t *testing.T) {
				e, injected := inject(t, faults, binary, "-j1", src, dst)
				// strace counts the calls of each thread, and the copying may go on on another one.
				for try := 0; missed(faults, injected) != "" && try < 20; try++ {
					must(t, os.Remove(dst))
					e, injected = inject(t, faults, binary, "-j1", src, dst)
				}
				if e.code != 0 || e.stderr != "" {
					t.Errorf("exit code %d, stderr %q", e.code, e.stderr)
				}
				info, err := os.Stat(dst)
				must(t, err)
				if info.Size() != size {
					t.Errorf("%d bytes of %d", info.Size(), size)
				}
				if d := differenceOf(t, src, dst); d != "" {
					t.Error(d)
				}
				if call := missed(faults, injected); call != "" {
					t.Errorf("no fault in %s", call)
				}
				must(t, os.Remove(dst))
				report(t, "left over", litter(t, fsys.Dir))
			})
		}
	}
}

// TestOperandsAroundTheTarget copies operands into a directory that is one of them, slowly:
// what is not finished of the one is not met in the other.
func TestOperandsAroundTheTarget(t *testing.T) {
	copiertest.Require(t, "strace")
	binary := buildBinary(t)
	dir := t.TempDir()
	succeed(t, dir, "sh", "-c", "mkdir -p a/s d; echo 1 >a/s/f; echo 2 >f")
	makeData(t, filepath.Join(dir, "large"), 20<<20) // for another worker
	dst := filepath.Join(dir, "d")
	faults := []string{"mkdirat:delay_exit=60000", "flock:delay_enter=150000", "linkat:error=EOPNOTSUPP", "renameat2:delay_enter=150000"}
	e, injected := inject(t, faults, binary, "-r", "-j4", filepath.Join(dir, "a"), filepath.Join(dir, "f"), filepath.Join(dir, "large"), dst, dst)
	if e.code != 1 || !strings.Contains(e.stderr, "into itself") {
		t.Errorf("exit code %d, stderr %q", e.code, e.stderr)
	}
	if injected["linkat"] == 0 {
		t.Error("no fault in linkat")
	}
	for _, name := range []string{"a/s/f", "f", "large", "d/f", "d/large"} {
		if _, err := os.Stat(filepath.Join(dst, name)); err != nil {
			t.Error(err)
		}
	}
	report(t, "left over", litter(t, dir))
}

// missed returns a call that got none of its faults, or "". lseek isn't called for a file
// without holes.
func missed(faults []string, injected map[string]int) string {
	for _, f := range faults {
		if call, _, _ := strings.Cut(f, ":"); injected[call] == 0 && call != "lseek" {
			return call
		}
	}
	return ""
}

// inject runs a command under strace with faults in the form of its --inject option, and
// returns how often each call got one.
func inject(t *testing.T, faults []string, args ...string) (ended, map[string]int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	command := command{args: []string{"strace", "-f", "-qq", "-o", log}}
	var calls []string
	for _, f := range faults {
		call, _, _ := strings.Cut(f, ":")
		calls = append(calls, call)
		command.args = append(command.args, "-e", "inject="+f)
	}
	command.args = append(command.args, "-e", "trace="+strings.Join(calls, ","))
	command.args = append(command.args, args...)
	e := command.run(t)
	trace, err := os.ReadFile(log)
	must(t, err)
	injected := map[string]int{}
	for line := range strings.SplitSeq(string(trace), "\n") {
		if strings.HasSuffix(line, "(INJECTED)") {
			for _, call := range calls {
				if strings.Contains(line, " "+call+"(") || strings.Contains(line, " "+call+" resumed") {
					injected[call]++
				}
			}
		}
	}
	return e, injected
}

// makeData makes a file in which no two blocks are alike.
func makeData(t *testing.T, name string, size int64) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for off := int64(0); off < size; off += int64(len(chunk)) {
		for i := 0; i < len(chunk); i += 64 {
			copy(chunk[i:i+64], fmt.Sprintf("%-64d", off+int64(i)))
		}
		_, err := f.Write(chunk[:min(int64(len(chunk)), size-off)])
		must(t, err)
	}
	must(t, f.Close())
}

// makeByClones makes a file of size bytes that is piece again and again, in no time.
func makeByClones(t *testing.T, piece, name string, size int64) {
	t.Helper()
	p, err := os.Open(piece)
	must(t, err)
	defer p.Close()
	info, err := p.Stat()
	must(t, err)
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	for at := int64(0); at < size; at += info.Size() {
		must(t, unix.IoctlFileCloneRange(int(f.Fd()), &unix.FileCloneRange{Src_fd: int64(p.Fd()), Dest_offset: uint64(at)}))
	}
}

// differenceOf returns where the content of two files differs, or "". want is taken to be
// repeated until it is as long as the other one.
func differenceOf(t *testing.T, want, got string) string {
	t.Helper()
	w, err := os.Open(want)
	must(t, err)
	defer w.Close()
	g, err := os.Open(got)
	must(t, err)
	defer g.Close()
	const chunk = 1 << 20
	one, other := make([]byte, chunk), make([]byte, chunk)
	info, err := w.Stat()
	must(t, err)
	for off := int64(0); ; off += chunk {
		n, err := io.ReadFull(g, other)
		if n == 0 && err == io.EOF {
			return ""
		}
		if _, err := w.ReadAt(one[:n], off%info.Size()); err != nil {
			return fmt.Sprintf("%s at %d: %v", want, off, err)
		}
		if !bytes.Equal(one[:n], other[:n]) {
			return fmt.Sprintf("differs between %d and %d", off, off+chunk)
		}
	}
}
