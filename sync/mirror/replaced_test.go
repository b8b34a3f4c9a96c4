package mirror

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// TestReplacedWhileWaiting renames a new file over one that was looked at before that is
// opened: it is copied in its place if only content and times are others.
func TestReplacedWhileWaiting(t *testing.T) {
	const before, after = "before", "after it"
	attribute := platform.MustName("user.kept")
	cases := []struct {
		name   string
		change func(t *testing.T, old, renamed string) // after which renamed takes the name of old
		copied bool
		linked bool // the old one has another name
	}{
		{"content", func(*testing.T, string, string) {}, true, false},
		{"hard link to the old one", func(*testing.T, string, string) {}, false, true},
		{"mode", func(t *testing.T, _, renamed string) { check(t, os.Chmod(renamed, 0o600)) }, false, false},
		{"owner", func(t *testing.T, _, renamed string) {
			if os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			check(t, os.Chown(renamed, 7, 0))
		}, false, false},
		{"attribute", func(t *testing.T, _, renamed string) {
			if err := platform.Native().Setxattrat(platform.CWD, platform.MustName(renamed), attribute, []byte("1")); err != nil {
				t.Skip(err)
			}
		}, false, false},
		{"hard link to the new one", func(t *testing.T, _, renamed string) { check(t, os.Link(renamed, renamed+"2")) }, false, false},
		{"symbolic link", func(t *testing.T, _, renamed string) {
			check(t, os.Rename(renamed, renamed+"2"))
			check(t, os.Symlink(renamed+"2", renamed))
		}, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, far := range []bool{false, true} {
				top := t.TempDir()
				path := func(name string) string { return filepath.Join(top, name) }
				check(t, os.Mkdir(path("src"), 0o755))
				check(t, os.WriteFile(path("src/f"), []byte(before), 0o644))
				if c.linked {
					check(t, os.Link(path("src/f"), path("other")))
				}
				check(t, os.WriteFile(path("new"), []byte(after), 0o644))
				replace := func() {
					c.change(t, path("src/f"), path("new"))
					check(t, os.Rename(path("new"), path("src/f")))
				}
				o := archive()
				o.Rules.Xattrs = true
				said := &told{}
				got := ""
				if far {
					got = openedAfter(t, o, said, path("src")+"/", replace)
				} else {
					calls, first := *platform.Native(), true
					open := calls.Openat
					calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
						if name.String() == "f" && first {
							first = false
							replace()
						}
						return open(dir, name, flags, mode)
					}
					check(t, New(&calls, o, said).Run(context.Background(), []string{path("src") + "/"}, path("dst")))
					b, _ := os.ReadFile(path("dst/f"))
					got = string(b)
				}
				switch {
				case c.copied && (got != after || len(said.problems) > 0):
					t.Errorf("far %v: %q was copied, %q", far, got, said.problems)
				case !c.copied && (got != "" || len(said.problems) != 1):
					t.Errorf("far %v: %q was copied, %q", far, got, said.problems)
				}
			}
		})
	}
}

// TestReplacedUnderAppend renames a new file over one that is to be appended to: what the
// destination has is not the beginning of it.
func TestReplacedUnderAppend(t *testing.T) {
	for _, verify := range []bool{false, true} {
		top := t.TempDir()
		path := func(name string) string { return filepath.Join(top, name) }
		makeTree(t, top, "src/f=AAAAAAAA", "dst/f=AAAA", "new=bbbbbb")
		o := archive()
		o.Append, o.AppendVerify, o.Rules.Append = true, verify, true
		calls, first := *platform.Native(), true
		open := calls.Openat
		calls.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
			if name.String() == "f" && flags&platform.ReadWrite == 0 && first {
				first = false
				check(t, os.Rename(path("new"), path("src/f")))
			}
			return open(dir, name, flags, mode)
		}
		said := &told{}
		check(t, New(&calls, o, said).Run(context.Background(), []string{path("src") + "/"}, path("dst")))
		b, err := os.ReadFile(path("dst/f"))
		check(t, err)
		want, problems := "AAAA", 1
		if verify {
			want, problems = "bbbbbb", 0
		}
		if first || string(b) != want || len(said.problems) != problems {
			t.Errorf("verify %v: %q, %q", verify, b, said.problems)
		}
	}
}

// openedAfter offers the directory src and returns what is read of its file f once replace
// was called.
func openedAfter(t *testing.T, opts Options, said *told, src string, replace func()) string {
	o := &offers{dirs: map[uint32]string{0: ""}, ids: map[string]wire.FileID{}}
	m := New(platform.Native(), opts, said)
	check(t, m.Offer(context.Background(), []string{src}, o))
	defer m.CloseOffered()
	replace()
	fd, _, status, err := m.OpenOffered(o.ids["f"])
	check(t, err)
	if status != wire.Good {
		return ""
	}
	defer platform.Native().Close(fd)
	b := make([]byte, 100)
	n, err := platform.Native().Pread(fd, b, 0)
	check(t, err)
	return string(b[:n])
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
