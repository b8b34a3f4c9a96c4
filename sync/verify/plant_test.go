//go:build linux

package verify

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zccp/zccp/copier/copiertest"
)

// planter makes differences in a tree. Each of its methods changes one thing of
// one name and puts back the times that the change moved by itself.
type planter struct {
	rng  *rand.Rand
	root string
	tree *copiertest.Tree // as it is before the change
}

// plants are the kinds of change.
var plants = []struct {
	name  string
	types uint // bits: 1 file, 2 directory, 4 symlink, 8 device, 16 others
	plant func(p *planter, name string, e copiertest.Entry) error
}{
	{"flip", 1, (*planter).flip},
	{"append", 1, (*planter).grow},
	{"cut", 1, (*planter).cut},
	{"mode", 1 | 2 | 8 | 16, (*planter).mode},
	{"owner", 31, (*planter).owner},
	{"group", 31, (*planter).group},
	{"second", 31, func(p *planter, n string, e copiertest.Entry) error { return p.times(n, e, 1e9) }},
	{"nanosecond", 31, func(p *planter, n string, e copiertest.Entry) error { return p.times(n, e, 1) }},
	{"xattr", 31, (*planter).xattr},
	{"empty xattr", 31, (*planter).emptyXattr},
	{"no xattrs", 31, (*planter).noXattrs},
	{"acl", 1 | 2 | 8 | 16, (*planter).acl},
	{"default acl", 2, (*planter).defaultACL},
	{"target", 4, (*planter).target},
	{"device", 8, (*planter).device},
	{"type", 1 | 4 | 8 | 16, (*planter).retype},
	{"remove", 31, (*planter).remove},
	{"add", 2, (*planter).add},
	{"unlink", 1 | 4 | 8 | 16, (*planter).split},
	{"relink", 1 | 4 | 8 | 16, (*planter).join},
}

func typeBit(e copiertest.Entry) uint {
	switch e.Mode & typeMask {
	case 0o100000:
		return 1
	case 0o040000:
		return 2
	case 0o120000:
		return 4
	case 0o060000, 0o020000:
		return 8
	}
	return 16
}

// any makes one change somewhere and returns what it was, "" if nothing there
// can be changed so.
func (p *planter) any(kind int) (string, error) {
	var fit []string
	for _, name := range slices.Sorted(maps.Keys(p.tree.Entries)) {
		if plants[kind].types&typeBit(p.tree.Entries[name]) != 0 {
			fit = append(fit, name)
		}
	}
	if len(fit) == 0 {
		return "", nil
	}
	name := fit[p.rng.IntN(len(fit))]
	e, parent := p.tree.Entries[name], filepath.Dir(name)
	err := plants[kind].plant(p, name, e)
	if err == nil && name != "." {
		err = p.setTimes(parent, p.tree.Entries[parent], 0)
	}
	return fmt.Sprintf("%s of %q", plants[kind].name, name), err
}

func (p *planter) path(name string) string { return p.root + "/" + name }

// setTimes gives a name the time of modification of an entry, and some more.
func (p *planter) setTimes(name string, e copiertest.Entry, more int64) error {
	m := e.Mtime
	ts := unix.Timespec{Sec: m.Unix(), Nsec: int64(m.Nanosecond()) + more%1e9}
	ts.Sec += more/1e9 + ts.Nsec/1e9
	ts.Nsec %= 1e9
	return unix.UtimesNanoAt(unix.AT_FDCWD, p.path(name), []unix.Timespec{{Nsec: unix.UTIME_OMIT}, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

func (p *planter) times(name string, e copiertest.Entry, more int64) error {
	return p.setTimes(name, e, more)
}

// restore puts back what writing or changing the owner took away.
func (p *planter) restore(name string, e copiertest.Entry) error {
	if e.Mode&typeMask != 0o120000 {
		if err := os.Chmod(p.path(name), 0); err != nil {
			return err
		}
		if err := unix.Chmod(p.path(name), e.Mode&0o7777); err != nil {
			return err
		}
	}
	return p.setTimes(name, e, 0)
}

func (p *planter) flip(name string, e copiertest.Entry) error {
	if e.Size == 0 {
		return p.grow(name, e)
	}
	f, err := os.OpenFile(p.path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// The first byte, the last one, or any.
	off := []int64{0, e.Size - 1, p.rng.Int64N(e.Size)}[p.rng.IntN(3)]
	b := []byte{0}
	if _, err := f.ReadAt(b, off); err != nil {
		return err
	}
	b[0] ^= 1 << p.rng.IntN(8)
	if _, err := f.WriteAt(b, off); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) grow(name string, e copiertest.Entry) error {
	if err := os.Truncate(p.path(name), e.Size+1); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) cut(name string, e copiertest.Entry) error {
	if e.Size == 0 {
		return p.grow(name, e)
	}
	if err := os.Truncate(p.path(name), e.Size-1); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) mode(name string, e copiertest.Entry) error {
	bits := []uint32{0o4000, 0o2000, 0o1000, 0o100, 0o040, 0o002}
	return unix.Chmod(p.path(name), (e.Mode^bits[p.rng.IntN(len(bits))])&0o7777)
}

func (p *planter) owner(name string, e copiertest.Entry) error {
	if err := os.Lchown(p.path(name), int(e.UID)^1, -1); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) group(name string, e copiertest.Entry) error {
	if err := os.Lchown(p.path(name), -1, int(e.GID)^1); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) xattr(name string, e copiertest.Entry) error {
	return unix.Lsetxattr(p.path(name), "trusted.zccp", []byte("planted"), 0)
}

func (p *planter) emptyXattr(name string, e copiertest.Entry) error {
	return unix.Lsetxattr(p.path(name), "trusted.planted", nil, 0)
}

// noXattrs takes away what isn't an ACL, or adds one where there is nothing.
func (p *planter) noXattrs(name string, e copiertest.Entry) error {
	none := true
	for attr := range e.Xattrs {
		if strings.HasPrefix(attr, "system.") {
			continue
		}
		none = false
		if err := unix.Lremovexattr(p.path(name), attr); err != nil {
			return err
		}
	}
	if none {
		return p.xattr(name, e)
	}
	return nil
}

// An ACL of the owner, user 1234, the group, the mask and others.
const plantedACL = "\x02\x00\x00\x00" +
	"\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x05\x00\xd2\x04\x00\x00" + "\x04\x00\x04\x00\xff\xff\xff\xff" +
	"\x10\x00\x05\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"

func (p *planter) acl(name string, e copiertest.Entry) error {
	return unix.Lsetxattr(p.path(name), "system.posix_acl_access", []byte(plantedACL), 0)
}

func (p *planter) defaultACL(name string, e copiertest.Entry) error {
	return unix.Lsetxattr(p.path(name), "system.posix_acl_default", []byte(plantedACL), 0)
}

// again makes a name anew with the owner, mode and times it had.
func (p *planter) again(name string, e copiertest.Entry, create func(path string) error) error {
	if err := os.Remove(p.path(name)); err != nil {
		return err
	}
	if err := create(p.path(name)); err != nil {
		return err
	}
	if err := os.Lchown(p.path(name), int(e.UID), int(e.GID)); err != nil {
		return err
	}
	return p.restore(name, e)
}

func (p *planter) target(name string, e copiertest.Entry) error {
	return p.again(name, e, func(path string) error { return os.Symlink("X"+e.Target[1:], path) })
}

func (p *planter) device(name string, e copiertest.Entry) error {
	return p.again(name, e, func(path string) error { return unix.Mknod(path, e.Mode, int(e.Rdev^1)) })
}

func (p *planter) retype(name string, e copiertest.Entry) error {
	e.Mode &^= typeMask // restore changes the mode
	return p.again(name, e, func(path string) error {
		if typeBit(p.tree.Entries[name]) == 16 {
			return unix.Mknod(path, unix.S_IFREG, 0)
		}
		return unix.Mknod(path, unix.S_IFIFO, 0)
	})
}

func (p *planter) remove(name string, e copiertest.Entry) error {
	if name == "." {
		return p.times(name, e, 1)
	}
	return os.RemoveAll(p.path(name))
}

func (p *planter) add(name string, e copiertest.Entry) error {
	if err := os.WriteFile(p.path(name)+"/planted", []byte("x"), 0o600); err != nil {
		return err
	}
	return p.setTimes(name, e, 0)
}

// split makes a name a file of its own: another inode of the same content.
func (p *planter) split(name string, e copiertest.Entry) error {
	return p.again(name, e, func(path string) error {
		switch typeBit(e) {
		case 1:
			return copyOf(path, e.Size)
		case 4:
			return os.Symlink(e.Target, path)
		}
		return unix.Mknod(path, e.Mode, int(e.Rdev))
	})
}

// copyOf makes a file of holes: what it is to hold may be gone already, and a
// difference of content is as good as any.
func copyOf(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

// join makes a name a link to another file of its type.
func (p *planter) join(name string, e copiertest.Entry) error {
	for _, other := range slices.Sorted(maps.Keys(p.tree.Entries)) {
		if o := p.tree.Entries[other]; o.Mode&typeMask == e.Mode&typeMask && o.Ino != e.Ino {
			if err := os.Remove(p.path(name)); err != nil {
				return err
			}
			return os.Link(p.path(other), p.path(name))
		}
	}
	return p.times(name, e, 1)
}
