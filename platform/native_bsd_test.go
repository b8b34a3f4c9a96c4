//go:build darwin || freebsd

package platform

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
)

// TestNative makes the calls that are different on each system on a file and a directory of
// their own, and looks at what came of them. What the file system lacks may refuse.
func TestNative(t *testing.T) {
	c := Native()
	path := t.TempDir()
	dir, err := c.Openat(CWD, MustName(path), ReadOnly|Directory, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(dir)
	content := make([]byte, 1<<20)
	for i := range content {
		content[i] = byte(i%251) + 1
	}
	if err := os.WriteFile(path+"/f", content, 0o640); err != nil {
		t.Fatal(err)
	}
	fd, err := c.Openat(dir, MustName("f"), ReadWrite|NoFollow, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(fd)
	for name, test := range map[string]func() error{
		"times":       func() error { return nativeTimes(c, dir, fd) },
		"attributes":  func() error { return nativeAttributes(c, fd) },
		"holes":       func() error { return nativeHoles(c, dir) },
		"reservation": func() error { return nativeReservation(c, fd) },
		"free name":   func() error { return nativeFreeName(c, dir) },
		"special":     func() error { return nativeSpecial(c, dir) },
		"clone":       func() error { return nativeClone(c, dir, fd, path, content) },
		"link":        func() error { return nativeLink(c, dir) },
		"flush":       func() error { return errors.Join(c.Fsync(fd), c.Fdatasync(fd), c.Fsync(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := test(); errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("listing", func(t *testing.T) {
		var want []string
		for i := range 1000 {
			want = append(want, fmt.Sprintf("entry%04d", i))
		}
		list := path + "/list"
		if err := os.Mkdir(list, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range want {
			if err := os.WriteFile(list+"/"+name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := nativeList(c, list)
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d names of %d: %v", len(got), len(want), err)
		}
	})
}

func nativeList(c *Calls, path string) (names []string, err error) {
	fd, err := c.Openat(CWD, MustName(path), ReadOnly|Directory, 0)
	if err != nil {
		return nil, err
	}
	defer c.Close(fd)
	for buf := make([]byte, 8192); ; {
		n, err := c.Getdents(fd, buf)
		if n <= 0 || err != nil {
			return names, err
		}
		for name, _, _, rest := NextEntry(buf[:n]); len(name) > 0; name, _, _, rest = NextEntry(rest) {
			if !name.IsDots() {
				names = append(names, name.String())
			}
		}
	}
}

func nativeTimes(c *Calls, dir, fd FD) error {
	want := [2]Time{{1_000_000_001, 123_456_789}, {1_000_000_002, 987_654_321}}
	var st Stat
	if err := errors.Join(c.Futimens(fd, want[0], Time{Nsec: TimeOmit}), c.Futimens(fd, Time{Nsec: TimeOmit}, want[1]), c.Fstat(fd, &st)); err != nil {
		return err
	}
	if st.Atime != want[0] || st.Mtime != want[1] {
		return fmt.Errorf("times of a file are %v %v", st.Atime, st.Mtime)
	}
	if err := errors.Join(c.Symlinkat(MustName("x"), dir, MustName("l")), c.Utimensat(dir, MustName("l"), want[0], want[1]), c.Statat(dir, MustName("l"), &st, false)); err != nil {
		return err
	}
	if !st.IsSymlink() || st.Mtime != want[1] {
		return fmt.Errorf("a link is %+v", st)
	}
	return nil
}

func nativeAttributes(c *Calls, fd FD) error {
	attr, value := MustName("user.zccp"), []byte("value")
	if err := c.Fsetxattr(fd, attr, value); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, err := c.Flistxattr(fd, buf)
	if err != nil || !slices.Contains(splitNames(buf[:max(n, 0)]), "user.zccp") {
		return fmt.Errorf("listed: %q %w", buf[:max(n, 0)], err)
	}
	if n, err = c.Fgetxattr(fd, attr, buf); err != nil || string(buf[:n]) != "value" {
		return fmt.Errorf("read: %q %w", buf[:max(n, 0)], err)
	}
	if _, err := c.Fgetxattr(fd, attr, buf[:2]); !SmallBuffer(err) {
		return fmt.Errorf("read into a small buffer: %v", err)
	}
	if err := c.Fremovexattr(fd, attr); err != nil {
		return err
	}
	if _, err := c.Fgetxattr(fd, attr, buf); !NoAttribute(err) {
		return fmt.Errorf("read when it is gone: %v", err)
	}
	return nil
}

func splitNames(list []byte) (names []string) {
	for len(list) > 0 {
		end := slices.Index(list, 0)
		if end < 0 {
			return append(names, string(list))
		}
		names, list = append(names, string(list[:end])), list[end+1:]
	}
	return names
}

func nativeHoles(c *Calls, dir FD) error {
	fd, err := c.Openat(dir, MustName("holes"), ReadWrite|Create|Exclusive, 0o600)
	if err != nil {
		return err
	}
	defer c.Close(fd)
	const at = 64 << 20
	if _, err := c.Pwrite(fd, make([]byte, 1<<20), at); err != nil {
		return err
	}
	data, err := c.Lseek(fd, 0, SeekData)
	if err != nil || data <= 0 || data > at {
		return fmt.Errorf("data begin at %d: %w", data, err)
	}
	hole, err := c.Lseek(fd, data, SeekHole)
	if err != nil || hole <= at {
		return fmt.Errorf("data end at %d: %w", hole, err)
	}
	if _, err := c.Lseek(fd, 2*at, SeekData); !NoMoreData(err) {
		return fmt.Errorf("behind the end: %v", err)
	}
	return c.PunchHole(fd, at, 1<<20)
}

func nativeReservation(c *Calls, fd FD) error {
	var before, after Stat
	if err := errors.Join(c.Fstat(fd, &before), c.Fallocate(fd, 0, 8<<20), c.Fstat(fd, &after)); err != nil {
		return err
	}
	if after.Size != before.Size || after.Blocks < 8<<20/512 {
		return fmt.Errorf("%d bytes in %d blocks, before %d in %d", after.Size, after.Blocks, before.Size, before.Blocks)
	}
	return nil
}

func nativeFreeName(c *Calls, dir FD) error {
	if err := errors.Join(c.Mkdirat(dir, MustName("one"), 0o755), c.Mkdirat(dir, MustName("two"), 0o755)); err != nil {
		return err
	}
	if err := c.RenameNoReplace(dir, MustName("one"), dir, MustName("two")); !Exists(err) {
		return fmt.Errorf("a name that is taken: %w", err)
	}
	return errors.Join(c.RenameExchange(dir, MustName("one"), dir, MustName("two")), c.RenameNoReplace(dir, MustName("one"), dir, MustName("three")))
}

func nativeSpecial(c *Calls, dir FD) error {
	var st Stat
	if err := errors.Join(c.Mknodat(dir, MustName("fifo"), ModeFIFO|0o600, 0), c.Statat(dir, MustName("fifo"), &st, false)); err != nil {
		return err
	}
	if st.Type() != ModeFIFO {
		return fmt.Errorf("a FIFO is %+v", st)
	}
	if err := c.Unlinkat(dir, MustName("fifo/..")); !IsDirectory(err) && !Denied(err) && !NotDir(err) {
		return fmt.Errorf("removing a directory as a file: %v", err)
	}
	return nil
}

// nativeClone wants a clone in the form that the system has.
func nativeClone(c *Calls, dir, fd FD, path string, content []byte) error {
	if runtime.GOOS == "darwin" {
		if err := c.CloneAt(fd, dir, MustName("clone")); err != nil {
			return err
		}
		if err := c.CloneAt(fd, dir, MustName("clone")); !Exists(err) {
			return fmt.Errorf("over a name that is taken: %v", err)
		}
	} else {
		to, err := c.Openat(dir, MustName("clone"), WriteOnly|Create|Exclusive, 0o600)
		if err != nil {
			return err
		}
		defer c.Close(to)
		if n, err := c.CopyFileRange(to, 0, fd, 0, len(content)); err != nil || n != len(content) {
			return fmt.Errorf("copied %d of %d: %w", n, len(content), err)
		}
	}
	got, err := os.ReadFile(path + "/clone")
	if err == nil && !slices.Equal(got, content) {
		err = fmt.Errorf("%d bytes that are not those of the source", len(got))
	}
	return err
}

// nativeLink: a link is not followed where none is to be, and nothing leads out.
func nativeLink(c *Calls, dir FD) error {
	if err := c.Symlinkat(MustName("/"), dir, MustName("out")); err != nil {
		return err
	}
	for _, flags := range []int{ReadOnly | NoFollow, ReadOnly | NoFollow | Directory} {
		if _, err := c.Openat(dir, MustName("out"), flags, 0); !Loop(err) && !NotDir(err) {
			return fmt.Errorf("a link that is not to be followed, flags %#x: %v", flags, err)
		}
	}
	for _, name := range []string{"out/etc", "../x", "/etc"} {
		if _, err := c.OpenBeneath(dir, MustName(name), ReadOnly, 0); err == nil {
			return fmt.Errorf("%s leads out", name)
		}
	}
	return nil
}
