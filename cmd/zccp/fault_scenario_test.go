//go:build linux

package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/platform/platformtest"
)

// faultScenario is a copy that is made over and over, each time with another fault.
type faultScenario struct {
	name string
	// line is the command line; S in it is a directory that holds source, D one that
	// holds old.
	line        string
	source, old []item
	// from and to, below S and D, are what is to be equal in the end, but for the root
	// itself where onto is set: it was there before.
	from, to string
	onto     bool
	// backups are the names that old items get.
	backups map[string]string
	// keepsOld: of what existed before, mode, owner and attributes stay.
	keepsOld bool
	// merges: attributes stay that existed before and that the source lacks.
	merges bool
	// existing is what a second run doesn't set: as in cp parents get it when they are new.
	existing copiertest.Attr
	// inPlace: a failure may leave a part.
	inPlace bool
	// kernel changes what the kernel can do.
	kernel func(*platform.Calls)
	// young: the source was changed just before.
	young bool
	// descriptors is how many the process may have open, if not 0.
	descriptors uint64
}

// sipping makes every call move at most 16 KiB, which is allowed to it, so that there are
// faults in the middle of small files.
func sipping(c *platform.Calls) {
	const sip = 16 << 10
	pread, pwrite, cfr, sendfile := c.Pread, c.Pwrite, c.CopyFileRange, c.Sendfile
	c.Pread = func(fd platform.FD, buf []byte, off int64) (int, error) {
		return pread(fd, buf[:min(sip, len(buf))], off)
	}
	c.Pwrite = func(fd platform.FD, buf []byte, off int64) (int, error) {
		return pwrite(fd, buf[:min(sip*3/4, len(buf))], off)
	}
	c.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
		return cfr(dst, dstOff, src, srcOff, min(sip, n))
	}
	c.Sendfile = func(dst, src platform.FD, srcOff int64, n int) (int, error) {
		return sendfile(dst, src, srcOff, min(sip, n))
	}
}

func withoutClone(c *platform.Calls) {
	sipping(c)
	c.Clone = func(platform.FD, platform.FD) error { return syscall.EOPNOTSUPP }
}

func withoutRange(c *platform.Calls) {
	withoutClone(c)
	c.CopyFileRange = func(platform.FD, int64, platform.FD, int64, int) (int, error) { return -1, syscall.EXDEV }
}

func withoutOffload(c *platform.Calls) {
	withoutRange(c)
	c.Sendfile = func(platform.FD, platform.FD, int64, int) (int, error) { return -1, syscall.EINVAL }
}

func withoutUnnamed(c *platform.Calls) {
	openat := c.Openat
	c.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
		if flags&platform.Unnamed == platform.Unnamed {
			return platform.None, syscall.EOPNOTSUPP
		}
		return openat(dir, name, flags, mode)
	}
}

// portable leaves what every system has, cloning adds how macOS clones.
func portable(c *platform.Calls) { *c = *platform.Portable() }

func cloning(c *platform.Calls) {
	portable(c)
	c.CloneAt = platformtest.CloneAt(platform.Native())
}

var (
	oneFile   = []item{regular("f", 0o640, noise(1, 40<<10+123), "user.a", "x", "user.b", noise(2, 100))}
	otherFile = []item{regular("f", 0o604, noise(3, 50<<10), "user.old", "y")}

	wholeTree = []item{
		directory("t", 0o755, "user.t", "1"),
		directory("t/a", 0o2750, "system.posix_acl_default", someACL),
		directory("t/a/b", 0o700),
		regular("t/a/b/empty", 0o600, ""),
		regular("t/a/b/one", 0o644, "x"),
		regular("t/a/f", 0o4755, noise(4, 20000), "system.posix_acl_access", someACL),
		fifo("t/a/q"),
		symlink("t/a/l", "../f"),
		regular("t/f", 0o400, noise(5, 4096), "user.f", "2"),
		symlink("t/dangling", "/nowhere/at/all"),
		fifo("t/p"),
		directory("t/none", 0o555),
	}
	otherTree = []item{
		directory("t", 0o700, "user.old", "1"),
		directory("t/a", 0o755, "system.posix_acl_default", someACL),
		regular("t/a/f", 0o600, noise(6, 30000), "user.old", "2"),
		symlink("t/a/l", "elsewhere"),
		regular("t/f", 0o666, noise(7, 1)),
		regular("t/dangling", 0o644, noise(8, 9)),
		symlink("t/p", "f"),
		regular("t/extra", 0o644, noise(9, 10)),
		directory("t/none", 0o755),
		regular("t/none/kept", 0o644, "kept"),
	}
	linkTree = []item{
		directory("t", 0o755),
		directory("t/a", 0o755),
		regular("t/a/x", 0o644, noise(10, 5000)),
		directory("t/b", 0o755),
		hardLink("t/b/y", "t/a/x"),
		hardLink("t/z", "t/a/x"),
		symlink("t/s", "a/x"),
		hardLink("t/b/s", "t/s"),
		fifo("t/b/p"),
		hardLink("t/p", "t/b/p"),
	}
	otherLinks = []item{
		directory("t", 0o755),
		regular("t/z", 0o644, noise(11, 70)),
		directory("t/b", 0o755),
		regular("t/b/y", 0o644, noise(12, 80)),
		hardLink("t/b/w", "t/b/y"),
		symlink("t/b/s", "nowhere"),
	}
)

// holed is 300 KiB and some with holes at odd places and at its end.
var holed = zeros(12345) + noise(13, 20000) + zeros(100<<10-77) + noise(14, 1) + zeros(64<<10) + noise(15, 9000) + zeros(100000)

func deepTree(levels int) []item {
	items := []item{directory("t", 0o755)}
	path := "t"
	for i := range levels {
		path += "/d"
		items = append(items, directory(path, 0o755), regular(path+"/f", 0o644, noise(uint64(20+i), 10+i)))
	}
	return items
}

func faultScenarios() []faultScenario {
	several := []item{regular("a", 0o644, noise(16, 9000)), regular("b", 0o600, noise(17, 20)), regular("c", 0o644, ""), symlink("l", "a")}
	existing := []item{
		regular("a", 0o600, noise(18, 100)), regular("b", 0o644, noise(19, 30)), regular("b.~1~", 0o644, "older"),
		symlink("l", "b"),
	}
	list := []faultScenario{
		{name: "new file", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: sipping},
		{name: "new file by copy_file_range", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: withoutClone},
		{name: "new file by sendfile", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: withoutRange},
		{name: "new file by read and write", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: withoutOffload},
		{name: "new file, none unnamed", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: withoutUnnamed},
		{name: "new file that may be in the middle of a write", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", young: true, kernel: withoutClone},
		{name: "replaced file", line: "-aT S/f D/f", source: oneFile, old: otherFile, from: "f", to: "f", merges: true, kernel: withoutClone},
		{name: "replaced file, nothing preserved", line: "-T S/f D/f", source: oneFile, old: otherFile, from: "f", to: "f", keepsOld: true},
		{name: "forced file", line: "-afT S/f D/f", source: oneFile, old: []item{regular("f", 0o604, noise(3, 50<<10))}, from: "f", to: "f"},
		{name: "removed file", line: "-a --remove-destination S/f D/f", source: oneFile, old: otherFile, from: "f", to: "f"},
		{name: "file behind a link", line: "-T S/f D/l", source: oneFile, from: "f", to: "d/f", keepsOld: true,
			old: []item{directory("d", 0o755), regular("d/f", 0o604, noise(3, 50<<10), "user.old", "y"), symlink("d/m", "f"), symlink("l", "d/m")}},
		{name: "fresh tree", line: "-aT S/t D/t", source: wholeTree, from: "t", to: "t"},
		{name: "fresh tree, flushed at once", line: "-aT --fsync=batch S/t D/t", source: wholeTree, from: "t", to: "t"},
		{name: "fresh tree below a default ACL", line: "-aT S/t D/d/t", source: wholeTree, from: "t", to: "d/t",
			old: []item{directory("d", 0o755, "system.posix_acl_default", someACL)}},
		{name: "merged tree", line: "-aT S/t D/t", source: wholeTree, old: otherTree, from: "t", to: "t", merges: true},
		{name: "parents", line: "-a --parents S/t/a/f D", from: "t/a", to: "S/t/a",
			source:   []item{directory("t", 0o750), directory("t/a", 0o700), regular("t/a/f", 0o644, noise(27, 300))},
			existing: copiertest.Mode | copiertest.Mtime | copiertest.Atime},
		{name: "sparse file", line: "-aT S/f D/f", source: []item{sparse("f", holed)}, from: "f", to: "f", kernel: withoutClone},
		{name: "file made sparse", line: "-aT --sparse=always S/f D/f", source: []item{regular("f", 0o644, holed)}, from: "f", to: "f", kernel: sipping},
		{name: "nothing but a hole", line: "-aT S/f D/f", source: []item{sparse("f", zeros(1<<20))}, from: "f", to: "f", kernel: withoutClone},
		{name: "hard links", line: "-aT S/t D/t", source: linkTree, from: "t", to: "t"},
		{name: "hard links over others", line: "-aT S/t D/t", source: linkTree, old: otherLinks, from: "t", to: "t"},
		{name: "backups, flushed and verified", line: "-a --backup=numbered --fsync=full --verify S/a S/b S/c S/l D",
			source: several, old: existing, onto: true, from: ".", to: ".",
			backups: map[string]string{"a.~1~": "a", "b.~2~": "b", "l.~1~": "l"}},
		{name: "simple backups", line: "-a --backup=simple S/a S/b S/c S/l -t D",
			source: several, old: append(slices.Clone(existing), regular("a~", 0o644, "older")), onto: true, from: ".", to: ".",
			backups: map[string]string{"a~": "a", "b~": "b", "l~": "l"}},
		{name: "in place", line: "-aT --inplace S/f D/f", source: oneFile, old: otherFile, from: "f", to: "f", merges: true, inPlace: true, kernel: sipping},
		{name: "exchanged tree", line: "-aT --atomic=tree S/t D/t", source: wholeTree, old: otherTree, from: "t", to: "t"},
		{name: "fresh tree at once", line: "-aT --atomic=tree --fsync=full --verify S/t D/t", source: wholeTree, from: "t", to: "t"},
		{name: "deep tree, few descriptors", line: "-aT S/t D/t", source: deepTree(7), from: "t", to: "t", descriptors: 64},
		{name: "new file, portably", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: portable},
		{name: "new file, cloned by name", line: "-aT S/f D/f", source: oneFile, from: "f", to: "f", kernel: cloning},
		{name: "replaced file, cloned by name", line: "-T S/f D/f", source: oneFile, old: otherFile, from: "f", to: "f", keepsOld: true, kernel: cloning},
		{name: "merged tree, portably", line: "-aT S/t D/t", source: wholeTree, old: otherTree, from: "t", to: "t", merges: true, kernel: portable},
		{name: "simple backups, portably", line: "-a --backup=simple S/a S/b S/c S/l -t D",
			source: several, old: append(slices.Clone(existing), regular("a~", 0o644, "older")), onto: true, from: ".", to: ".",
			backups: map[string]string{"a~": "a", "b~": "b", "l~": "l"}, kernel: portable},
	}
	for i := range list {
		list[i].line = "-j1 " + list[i].line
	}
	for _, name := range []string{"fresh tree", "merged tree", "hard links", "hard links over others"} {
		i := slices.IndexFunc(list, func(s faultScenario) bool { return s.name == name })
		two := list[i]
		two.name, two.line = two.name+", two workers", strings.Replace(two.line, "-j1", "-j2", 1)
		list = append(list, two)
	}
	return list
}

// faultKinds are what happens to calls.
var faultKinds = []struct {
	name string
	platformtest.Fault
}{
	{"EIO", platformtest.Fault{Errno: unix.EIO}},
	{"ENOSPC", platformtest.Fault{Errno: unix.ENOSPC}},
	{"EINTR", platformtest.Fault{Errno: unix.EINTR, Times: 2}},
	{"EINVAL", platformtest.Fault{Errno: unix.EINVAL}},
	{"EOPNOTSUPP", platformtest.Fault{Errno: unix.EOPNOTSUPP}},
	{"EXDEV", platformtest.Fault{Errno: unix.EXDEV}},
	{"EPERM", platformtest.Fault{Errno: unix.EPERM}},
	{"ENOENT", platformtest.Fault{Errno: unix.ENOENT}},
	{"short", platformtest.Fault{Short: true}},
	{"zero", platformtest.Fault{Zero: true}},
}

// relative returns what of path is below dir, and whether it is.
func relative(dir, path string) (string, bool) {
	switch {
	case dir == ".":
		return path, true
	case dir == path:
		return "", true
	}
	return strings.CutPrefix(path, dir+"/")
}

// final returns the items that stand below D in the end, by path.
func (s *faultScenario) final() map[string]item {
	found := map[string]item{}
	for path, it := range resolved(s.source) {
		if rel, ok := relative(s.from, path); ok {
			found[filepath.Join(s.to, rel)] = it
		}
	}
	old := resolved(s.old)
	for backup, of := range s.backups {
		found[backup] = old[of]
	}
	return found
}

// expected returns the tree that is to stand at D/to in the end. old is what stood there.
func (s *faultScenario) expected(source, old *copiertest.Tree) *copiertest.Tree {
	want := *source
	want.Entries = map[string]copiertest.Entry{}
	for path, e := range source.Entries {
		was, had := old.Entries[path]
		switch {
		case had && s.keepsOld:
			was.Sum, was.Size, was.Allocated = e.Sum, e.Size, e.Allocated
			e = was
		case had && s.merges && was.Mode&unix.S_IFMT == e.Mode&unix.S_IFMT:
			all := maps.Clone(was.Xattrs)
			if all == nil {
				all = map[string]string{}
			}
			maps.Copy(all, e.Xattrs)
			e.Xattrs = all
		}
		want.Entries[path] = e
	}
	return &want
}
