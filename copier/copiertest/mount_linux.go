//go:build linux

package copiertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// mkfs holds the arguments that each file system is made with. ext4 inodes of 256 bytes
// have nanoseconds and times after 2038, which the defaults for small images once lacked.
func mkfs(name string) []string {
	switch name {
	case "ext4":
		return []string{"mkfs.ext4", "-q", "-F", "-I", "256", "-E", "nodiscard"}
	case "xfs":
		return []string{"mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=1"}
	case "btrfs":
		return []string{"mkfs.btrfs", "-q", "-f", "-K"}
	}
	return nil
}

func mountAll(opt MountOptions) (*Mounts, error) {
	base, err := os.MkdirTemp(backing(opt), "zccp-test-")
	if err != nil {
		return nil, err
	}
	g, err := newGuard(base)
	if err != nil {
		os.RemoveAll(base)
		return nil, err
	}
	m := &Mounts{base: base, guard: g}
	if err := m.mount(opt); err != nil {
		return nil, errors.Join(err, g.release())
	}
	return m, nil
}

func (m *Mounts) mount(opt MountOptions) error {
	// Tests that run as another user have to get in.
	if err := os.Chmod(m.base, 0o755); err != nil {
		return err
	}
	for _, name := range opt.Names {
		dir := filepath.Join(m.base, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := mountOne(name, dir, opt); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// Not the root of the file system: ext4 keeps lost+found there.
		scratch := filepath.Join(dir, "scratch")
		if err := os.Mkdir(scratch, 0o755); err != nil {
			return err
		}
		m.list = append(m.list, FileSystem{Name: name, Dir: scratch})
	}
	return nil
}

func mountOne(name, dir string, opt MountOptions) error {
	options := append([]string{"noatime"}, opt.Options...)
	if name == "tmpfs" {
		options = append(options, "mode=755", "size="+strconv.FormatInt(opt.Size, 10))
		return run("mount", "-t", name, "-o", strings.Join(options, ","), name, dir)
	}
	args := mkfs(name)
	if args == nil {
		return errors.New("not one of ext4, xfs, btrfs, tmpfs")
	}
	image := dir + ".img"
	f, err := os.OpenFile(image, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(opt.Size), f.Close()); err != nil {
		return err
	}
	if err := run(append(args, image)...); err != nil {
		return err
	}
	if name == "ext4" {
		// Zeroing the inode tables in the background would disturb measurements.
		options = append(options, "noinit_itable")
	}
	options = append(options, "loop")
	if err := run("mount", "-t", name, "-o", strings.Join(options, ","), image, dir); err != nil {
		return err
	}
	// The loop device holds the image, and detaches itself when it is unmounted.
	return os.Remove(image)
}

// backing returns the directory for the images: in memory where all of them fit twice.
func backing(opt MountOptions) string {
	const shm = "/dev/shm"
	var st unix.Statfs_t
	if err := unix.Statfs(shm, &st); err == nil {
		if int64(st.Bavail)*st.Bsize >= 2*opt.Size*int64(len(opt.Names)) {
			return shm
		}
	}
	return os.TempDir()
}

func run(args ...string) error {
	path, err := systemTool(args[0])
	if err != nil {
		return err
	}
	cmd := exec.Command(path, args[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// guard is a process that takes down everything mounted below a directory, and the
// directory, as soon as its standard input is closed. The kernel closes it even when the
// test binary panics, runs into its time limit or is killed, when no deferred call and no
// t.Cleanup runs; so mounts and loop devices never outlive the tests.
type guard struct {
	release func() error
}

// A busy file system is an error, and is detached all the same.
const guardScript = `
trap '' HUP INT QUIT TERM PIPE
PATH=$PATH:/usr/sbin:/sbin
cd /
read -r _
status=0
for dir in "$1"/*/; do
	mountpoint -q "$dir" || continue
	umount -R "$dir" || { status=1; umount -R -l "$dir"; }
done
rm -rf --one-file-system "$1" || status=1
exit $status
`

func newGuard(base string) (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "zccp-test-guard", base)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &guard{release: sync.OnceValue(func() error { return finish(cmd, in, &out) })}, nil
}

func finish(cmd *exec.Cmd, in io.Closer, out *bytes.Buffer) error {
	if err := in.Close(); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}
