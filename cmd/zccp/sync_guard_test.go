//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// deleting are the options with which names at the destination go.
var deleting = []string{"--delete", "--delete-before", "--delete-during", "--delete-delay", "--delete-after", "--delete-excluded"}

// guarded is a source and a destination of which something could be deleted.
type guarded struct {
	t      *testing.T
	binary string
	dir    string // with src and dst, and home for what a run remembers
	uid    uint32
	trace  []string // what the command is run by
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	copiertest.Require(t, "root")
	binary := buildBinary(t)
	requireSync(t, []string{binary, "sync"})
	return &guarded{t: t, binary: binary}
}

// run runs a test of its own on new directories, which any user may enter.
func (g guarded) run(t *testing.T, name string, test func(g *guarded)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		dir, err := os.MkdirTemp("", "zccp-guard-")
		must(t, err)
		t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
		must(t, os.Chmod(dir, 0o755))
		g.t, g.dir = t, dir
		for _, name := range []string{"src", "dst", "outside", "home"} {
			must(t, os.Mkdir(g.path(name), 0o755))
		}
		test(&g)
	})
}

func (g *guarded) path(name string) string { return filepath.Join(g.dir, name) }

// write makes files, and the directories on the way to them.
func (g *guarded) write(names ...string) {
	g.t.Helper()
	for _, name := range names {
		must(g.t, os.MkdirAll(filepath.Dir(g.path(name)), 0o755))
		must(g.t, os.WriteFile(g.path(name), []byte("content of "+name), 0o644))
	}
}

// numbered makes n files in dir.
func (g *guarded) numbered(dir string, n int) {
	g.t.Helper()
	for i := range n {
		g.write(fmt.Sprintf("%s/%04d", dir, i))
	}
}

// sync copies src to dst with -a and options.
func (g *guarded) sync(options ...string) ended {
	g.t.Helper()
	args := slices.Concat([]string{"env", "HOME=" + g.path("home")}, g.trace, []string{g.binary, "sync", "-a"}, options, []string{"src/", "dst/"})
	return command{args: args, dir: g.dir, uid: g.uid}.run(g.t)
}

// ends checks how a run ended.
func (g *guarded) ends(e ended, code int, stderr string) {
	g.t.Helper()
	if e.code != code || !strings.Contains(e.stderr, stderr) {
		g.t.Errorf("exit code %d, stderr %q; want %d, %q", e.code, e.stderr, code, stderr)
	}
}

// left checks which of the names are still there; all others in want are not to be.
func (g *guarded) left(want string, names ...string) {
	g.t.Helper()
	var there []string
	for _, name := range names {
		if _, err := os.Lstat(g.path(name)); err == nil {
			there = append(there, name)
		}
	}
	if got := strings.Join(there, " "); got != want {
		g.t.Errorf("there is %q, want %q", got, want)
	}
}

// unchanged runs do and checks that what is in a tree is as it was before. Its root gets the
// attributes of the source all the same.
func (g *guarded) unchanged(name string, do func()) {
	g.t.Helper()
	before := scan(g.t, g.path(name))
	do()
	report(g.t, name+" changed", copiertest.Compare(before, scan(g.t, g.path(name)), copiertest.CompareOptions{
		Ignore: copiertest.Atime,
		Skip:   func(name string) bool { return name == "." },
	}))
}

const allows = "--allow-mass-delete"

// TestSyncGuard tries each way in which a mistake at the source would empty the destination.
func TestSyncGuard(t *testing.T) {
	g := newGuarded(t)
	for _, option := range deleting {
		g.run(t, "empty source "+option, func(g *guarded) {
			g.write("dst/one", "dst/sub/two")
			g.unchanged("dst", func() { g.ends(g.sync(option), 42, allows) })
			g.ends(g.sync(option, allows), 0, "")
			g.left("", "dst/one", "dst/sub")
		})
		g.run(t, "unreadable source "+option, func(g *guarded) {
			g.uid = nobody
			g.write("src/one", "dst/one", "dst/extra")
			must(t, os.Chmod(g.path("src"), 0o700))
			must(t, os.Chown(g.path("dst"), nobody, nobody))
			g.unchanged("dst", func() { g.ends(g.sync(option), 42, allows) })
		})
		g.run(t, "unreadable directory "+option, func(g *guarded) {
			g.uid = nobody
			g.write("src/one", "src/sub/two", "dst/one", "dst/extra", "dst/sub/two", "dst/sub/extra", "dst/zub/extra")
			must(t, os.Chmod(g.path("src/sub"), 0))
			for _, name := range []string{"dst", "dst/sub", "dst/zub"} {
				must(t, os.Chown(g.path(name), nobody, nobody))
			}
			g.ends(g.sync(option), 23, "Permission denied")
			g.left("dst/extra dst/sub/two dst/sub/extra dst/zub/extra", "dst/extra", "dst/sub/two", "dst/sub/extra", "dst/zub/extra")
			g.ends(g.sync(option, "--ignore-errors"), 23, "Permission denied")
			g.left("", "dst/extra", "dst/zub/extra", "dst/zub")
		})
	}
	for _, option := range deleting {
		// Its owner may lift the mode of a directory for the time of the work.
		g.run(t, "mode of a directory "+option, func(g *guarded) {
			g.uid = nobody
			g.write("src/sub/one", "dst/sub/one", "dst/sub/extra")
			for _, name := range []string{"dst", "dst/sub", "dst/sub/one", "dst/sub/extra"} {
				must(t, os.Chown(g.path(name), nobody, nobody))
			}
			must(t, os.Chmod(g.path("dst/sub"), 0))
			g.ends(g.sync(option, allows, "--no-perms"), 0, "")
			g.left("dst/sub/one", "dst/sub/one", "dst/sub/extra")
			if st, err := os.Stat(g.path("dst/sub")); err != nil || st.Mode().Perm() != 0 {
				g.t.Errorf("%v %v, want mode 0", st, err)
			}
		})
	}
	g.run(t, "attributes of a file that can't be written", func(g *guarded) {
		g.uid = nobody
		g.write("src/one", "dst/one")
		for _, name := range []string{"src", "src/one", "dst", "dst/one"} {
			must(t, os.Chown(g.path(name), nobody, nobody))
			must(t, os.Chtimes(g.path(name), time.Unix(1e9, 0), time.Unix(1e9, 0)))
		}
		must(t, os.WriteFile(g.path("src/one"), []byte("content of dst/one"), 0o644))
		must(t, os.Chtimes(g.path("src/one"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
		if err := unix.Setxattr(g.path("src/one"), "user.one", []byte("1"), 0); err != nil {
			t.Skip(err)
		}
		must(t, unix.Setxattr(g.path("dst/one"), "user.two", []byte("2"), 0))
		must(t, os.Chmod(g.path("dst/one"), 0o444))
		g.ends(g.sync("-X", "--no-perms"), 0, "")
		var list [64]byte
		n, err := unix.Listxattr(g.path("dst/one"), list[:])
		st, e := os.Stat(g.path("dst/one"))
		if err != nil || string(list[:n]) != "user.one\x00" || e != nil || st.Mode().Perm() != 0o444 {
			g.t.Errorf("%q %v, %v %v", list[:max(n, 0)], err, st, e)
		}
	})
	g.run(t, "attributes of a directory that can't be entered", func(g *guarded) {
		g.uid = nobody
		g.write("src/sub/one", "dst/one")
		must(t, os.Chown(g.path("dst"), nobody, nobody))
		must(t, os.Chmod(g.path("src/sub"), 0o744))
		if err := unix.Setxattr(g.path("src/sub"), "user.one", []byte("1"), 0); err != nil {
			t.Skip(err)
		}
		e := g.sync("-X")
		g.ends(e, 23, "cannot open directory 'src/sub': Permission denied")
		var value [4]byte
		n, err := unix.Getxattr(g.path("dst/sub"), "user.one", value[:])
		if err != nil || string(value[:n]) != "1" || strings.Count(e.stderr, "zccp: ") != 2 {
			g.t.Errorf("%q %v; %s", value[:max(n, 0)], err, e.stderr)
		}
	})
	g.run(t, "error of the device", func(g *guarded) {
		copiertest.Require(g.t, "strace")
		g.write("src/one", "src/sub/two", "dst/extra", "dst/sub/two", "dst/sub/extra", "dst/zub/extra")
		g.trace = []string{"strace", "-f", "-o", "/dev/null", "-P", g.path("src/sub"), "-e", "inject=getdents64:error=EIO"}
		g.ends(g.sync("--delete"), 23, "Input/output error")
		g.left("dst/extra dst/sub/two dst/sub/extra dst/zub/extra", "dst/extra", "dst/sub/two", "dst/sub/extra", "dst/zub/extra")
	})
	g.run(t, "mount point without its mount", func(g *guarded) {
		g.write("src/not mounted")
		must(t, unix.Mount("sync-test", g.path("src"), "tmpfs", 0, "size=1m"))
		defer unix.Unmount(g.path("src"), unix.MNT_DETACH) // fails, rightly, when done below
		g.write("src/one", "src/two", "dst/one", "dst/extra")
		g.ends(g.sync("--delete"), 0, "")
		g.left("dst/one dst/two", "dst/one", "dst/two", "dst/extra")
		must(t, unix.Unmount(g.path("src"), unix.MNT_DETACH))
		g.ends(g.sync("--delete"), 42, allows)
		g.left("dst/one dst/two", "dst/one", "dst/two")
		// It says so until it is told that this is right.
		g.ends(g.sync("--delete"), 42, allows)
		g.left("dst/one dst/two", "dst/one", "dst/two")
		g.ends(g.sync("--delete", allows), 0, "")
		g.left("", "dst/one", "dst/two")
		g.write("dst/extra")
		g.ends(g.sync("--delete"), 0, "")
		g.left("", "dst/extra")
	})
}

// TestSyncGuardShare deletes up to a half, and of few files all.
func TestSyncGuardShare(t *testing.T) {
	g := newGuarded(t)
	for _, c := range []struct {
		name       string
		keep, more int // files of the source, and others of the destination
		in         string
		code       int
	}{
		{"half of a thousand", 500, 500, "dst", 0},
		{"one more", 499, 501, "dst", 42},
		{"more in a directory that goes", 400, 601, "dst/gone", 42},
		{"half in a directory that goes", 501, 500, "dst/gone", 0},
		{"most of fewer", 1, 998, "dst", 0},
	} {
		g.run(t, c.name, func(g *guarded) {
			g.numbered("src/kept", c.keep)
			g.numbered("dst/kept", c.keep)
			g.numbered(c.in, c.more)
			before := len(scan(t, g.path("dst")).Entries)
			e := g.sync("--delete")
			after := len(scan(t, g.path("dst")).Entries)
			if e.code != c.code || c.code == 42 && (after != before || !strings.Contains(e.stderr, allows)) || c.code == 0 && after != c.keep+2 {
				g.t.Errorf("exit code %d, stderr %q; %d names of %d are left", e.code, e.stderr, after, before)
			}
			g.ends(g.sync("--delete", allows), 0, "")
			if after := len(scan(t, g.path("dst")).Entries); after != c.keep+2 {
				g.t.Errorf("%d names are left, want %d", after, c.keep+2)
			}
		})
	}
	for _, most := range []int{0, 3, 9, 10} {
		g.run(t, fmt.Sprintf("--max-delete=%d", most), func(g *guarded) {
			g.write("src/one", "dst/one")
			g.numbered("dst", 10)
			code := 25
			if most >= 10 {
				code = 0
			}
			g.ends(g.sync("--delete", fmt.Sprintf("--max-delete=%d", most)), code, "")
			if after := len(scan(t, g.path("dst")).Entries); after != 12-most {
				g.t.Errorf("%d names are left, want %d", after, 12-most)
			}
		})
	}
}

// TestSyncGuardMount deletes around what is mounted below the destination.
func TestSyncGuardMount(t *testing.T) {
	g := newGuarded(t)
	for _, option := range deleting {
		g.run(t, option, func(g *guarded) {
			g.write("src/one", "src/both/two", "dst/gone/extra", "dst/both/extra")
			for _, name := range []string{"dst/gone/mounted", "dst/both/mounted", "dst/mounted"} {
				must(t, os.Mkdir(g.path(name), 0o755))
				must(t, unix.Mount("sync-test", g.path(name), "tmpfs", 0, "size=1m"))
				defer unix.Unmount(g.path(name), unix.MNT_DETACH)
				g.write(name + "/precious")
			}
			g.sync(option)
			g.left("dst/gone/mounted/precious dst/both/mounted/precious dst/mounted/precious dst/one",
				"dst/gone/mounted/precious", "dst/both/mounted/precious", "dst/mounted/precious", "dst/gone/extra", "dst/both/extra", "dst/one")
		})
	}
}

// TestSyncGuardSwap swaps a directory of the destination for a symbolic link out of it, all
// the time while it is deleted or emptied: what the link leads to stays as it is.
func TestSyncGuardSwap(t *testing.T) {
	g := newGuarded(t)
	for _, c := range []struct{ name, src string }{{"a directory that goes", "src/one"}, {"a directory of both", "src/real/one"}} {
		g.run(t, c.name, func(g *guarded) {
			g.write(c.src)
			g.numbered("outside/sub", 20)
			g.numbered("outside", 20)
			g.unchanged("outside", func() {
				swaps := 0
				for start := time.Now(); time.Since(start) < 2*time.Second; {
					must(t, os.RemoveAll(g.path("dst")))
					g.numbered("dst/real/sub", 20)
					g.numbered("dst/real", 20)
					must(t, os.Symlink("../outside", g.path("dst/link")))
					done := make(chan struct{})
					var swapper sync.WaitGroup
					swapper.Go(func() { swaps += swap(g.path("dst/real"), g.path("dst/link"), done) })
					g.sync("--delete", "-q")
					close(done)
					swapper.Wait()
				}
				if swaps < 100 {
					g.t.Errorf("swapped only %d times", swaps)
				}
			})
		})
	}
}

// swap exchanges two names until done, and returns how often.
func swap(one, two string, done <-chan struct{}) (n int) {
	for {
		select {
		case <-done:
			return n
		default:
			if unix.Renameat2(unix.AT_FDCWD, one, unix.AT_FDCWD, two, unix.RENAME_EXCHANGE) == nil {
				n++
			}
		}
	}
}
