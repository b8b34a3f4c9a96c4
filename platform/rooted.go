package platform

import (
	"bytes"
	"syscall"
)

// Rooted returns calls that reach nothing outside root, an open directory that
// stays the caller's: for whoever acts on names that a stranger chose.
//
// CWD and the root directory of the system stand for root, and so does at, the
// absolute path by which callers know it ("/" for none). A path of several
// components, and one whose last component is followed, is resolved with
// OpenBeneath from the directory that it is relative to, so that neither ".."
// nor a link leads out of that; what would is refused with EACCES. Single
// components that are not followed go straight to the kernel. Descriptors are
// taken for what they are.
func Rooted(c *Calls, root FD, at Name) *Calls {
	r := &rooted{c: *c, root: root, prefix: bytes.TrimRight(at.Bytes(), "/")}
	out := *c
	out.Openat = r.openat
	out.OpenBeneath = func(dir FD, name Name, flags int, mode uint32) (FD, error) {
		dir, name = r.start(dir, name)
		return r.beneath(dir, name, flags, mode)
	}
	out.Statat = r.statat
	out.Accessat = func(dir FD, name Name, mode uint32) error {
		if r.plain(dir, name) && name.IsDots() {
			return c.Accessat(dir, name, mode)
		}
		fd, err := r.openat(dir, name, PathOnly, 0)
		if err != nil {
			return err
		}
		defer c.Close(fd)
		// What a descriptor is of can be asked by its magic link only, so for
		// anything but a directory the answer is left to the use.
		if err := c.Accessat(fd, dotName, mode); err != nil && err != syscall.ENOTDIR {
			return err
		}
		return nil
	}
	out.Readlinkat = func(dir FD, name Name, buf []byte) (n int, err error) {
		err = r.at(dir, name, func(dir FD, name Name) (err error) {
			n, err = c.Readlinkat(dir, name, buf)
			return err
		})
		return n, err
	}
	out.Mkdirat = func(dir FD, name Name, mode uint32) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Mkdirat(dir, name, mode) })
	}
	out.Mknodat = func(dir FD, name Name, mode uint32, rdev uint64) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Mknodat(dir, name, mode, rdev) })
	}
	out.Symlinkat = func(target Name, dir FD, name Name) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Symlinkat(target, dir, name) })
	}
	out.LinkFD = func(fd FD, dir FD, name Name) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.LinkFD(fd, dir, name) })
	}
	out.CloneAt = func(src FD, dir FD, name Name) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.CloneAt(src, dir, name) })
	}
	out.Linkat = func(olddir FD, oldname Name, newdir FD, newname Name, follow bool) error {
		if follow {
			return syscall.EACCES
		}
		return r.at2(olddir, oldname, newdir, newname, func(a FD, b Name, c2 FD, d Name) error { return c.Linkat(a, b, c2, d, false) })
	}
	out.Renameat = func(a FD, b Name, d FD, e Name) error { return r.at2(a, b, d, e, c.Renameat) }
	out.RenameNoReplace = func(a FD, b Name, d FD, e Name) error { return r.at2(a, b, d, e, c.RenameNoReplace) }
	out.RenameExchange = func(a FD, b Name, d FD, e Name) error { return r.at2(a, b, d, e, c.RenameExchange) }
	out.Unlinkat = func(dir FD, name Name) error { return r.at(dir, name, c.Unlinkat) }
	out.Rmdirat = func(dir FD, name Name) error { return r.at(dir, name, c.Rmdirat) }
	out.Fchownat = func(dir FD, name Name, uid, gid int) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Fchownat(dir, name, uid, gid) })
	}
	out.Fchmodat = func(dir FD, name Name, mode uint32) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Fchmodat(dir, name, mode) })
	}
	out.Utimensat = func(dir FD, name Name, atime, mtime Time) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Utimensat(dir, name, atime, mtime) })
	}
	out.Listxattrat = func(dir FD, name Name, buf []byte) (n int, err error) {
		err = r.at(dir, name, func(dir FD, name Name) (err error) {
			n, err = c.Listxattrat(dir, name, buf)
			return err
		})
		return n, err
	}
	out.Getxattrat = func(dir FD, name Name, attr Name, buf []byte) (n int, err error) {
		err = r.at(dir, name, func(dir FD, name Name) (err error) {
			n, err = c.Getxattrat(dir, name, attr, buf)
			return err
		})
		return n, err
	}
	out.Setxattrat = func(dir FD, name Name, attr Name, value []byte) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Setxattrat(dir, name, attr, value) })
	}
	out.Removexattrat = func(dir FD, name Name, attr Name) error {
		return r.at(dir, name, func(dir FD, name Name) error { return c.Removexattrat(dir, name, attr) })
	}
	return &out
}

type rooted struct {
	c      Calls
	root   FD
	prefix []byte // without a slash at the end
}

var dotName = MustName(".")

// plain reports a single component in a directory that is open, but not what is
// above the root. Whoever goes up from below it looks at where that has led.
func (r *rooted) plain(dir FD, name Name) bool {
	return dir != CWD && bytes.IndexByte(name, '/') < 0 && !(string(name) == "..\x00" && r.isRoot(dir))
}

// isRoot reports whether dir is the root, or can't be told from it.
func (r *rooted) isRoot(dir FD) bool {
	var is, root Stat
	return r.c.Fstat(dir, &is) != nil || r.c.Fstat(r.root, &root) != nil || is.Dev == root.Dev && is.Ino == root.Ino
}

// start returns where a path begins and what of it is left.
func (r *rooted) start(dir FD, name Name) (FD, Name) {
	absolute := len(name) > 0 && name[0] == '/'
	if dir == CWD || absolute {
		dir = r.root
	}
	if absolute {
		if rest, ok := bytes.CutPrefix(name, r.prefix); ok && (rest[0] == '/' || rest[0] == 0) {
			name = Name(rest)
		}
		name = name[len(name)-len(bytes.TrimLeft(name, "/")):]
		if len(name) == 1 {
			name = dotName
		}
	}
	return dir, name
}

// beneath is OpenBeneath, again where a rename elsewhere disturbed it.
func (r *rooted) beneath(dir FD, name Name, flags int, mode uint32) (FD, error) {
	for i := 0; ; i++ {
		fd, err := r.c.OpenBeneath(dir, name, flags, mode)
		switch {
		case err == syscall.EAGAIN && i < 64:
		case err == syscall.EXDEV || err == syscall.EAGAIN:
			return None, syscall.EACCES
		default:
			return fd, err
		}
	}
}

func (r *rooted) openat(dir FD, name Name, flags int, mode uint32) (FD, error) {
	if r.plain(dir, name) && (flags&NoFollow != 0 || name.IsDots()) {
		return r.c.Openat(dir, name, flags, mode)
	}
	dir, name = r.start(dir, name)
	return r.beneath(dir, name, flags, mode)
}

func (r *rooted) statat(dir FD, name Name, st *Stat, follow bool) error {
	if r.plain(dir, name) && (!follow || name.IsDots()) {
		return r.c.Statat(dir, name, st, follow)
	}
	flags := PathOnly
	if !follow {
		flags |= NoFollow
	}
	dir, name = r.start(dir, name)
	fd, err := r.beneath(dir, name, flags, 0)
	if err != nil {
		return err
	}
	defer r.c.Close(fd)
	return r.c.Fstat(fd, st)
}

// at makes a call on the last component of a path, in the directory above it.
func (r *rooted) at(dir FD, name Name, call func(dir FD, name Name) error) error {
	if r.plain(dir, name) {
		return call(dir, name)
	}
	dir, name = r.start(dir, name)
	path := bytes.TrimRight(name.Bytes(), "/")
	i := bytes.LastIndexByte(path, '/')
	last, err := MakeName(string(path[i+1:]))
	if err != nil {
		return err
	}
	if last.IsDots() {
		return syscall.EACCES
	}
	if i < 0 {
		return call(dir, last)
	}
	above, err := MakeName(string(path[:i+1]))
	if err != nil {
		return err
	}
	fd, err := r.beneath(dir, above, PathOnly|Directory, 0)
	if err != nil {
		return err
	}
	defer r.c.Close(fd)
	return call(fd, last)
}

func (r *rooted) at2(olddir FD, oldname Name, newdir FD, newname Name, call func(FD, Name, FD, Name) error) error {
	return r.at(olddir, oldname, func(olddir FD, oldname Name) error {
		return r.at(newdir, newname, func(newdir FD, newname Name) error {
			return call(olddir, oldname, newdir, newname)
		})
	})
}
