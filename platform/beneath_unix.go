//go:build unix

package platform

import (
	"bytes"
	"syscall"
)

// posixOpenBeneath resolves name below dir and never above it, one component
// after the other, with calls that follow no link. It differs from what
// openat2(2) and O_RESOLVE_BENEATH do: a link on the way, or at the end, is
// ELOOP even where it leads to something below dir, and ".." is EXDEV.
func posixOpenBeneath(dir FD, name Name, flags int, mode uint32) (FD, error) {
	rest := name.Bytes()
	if len(rest) == 0 {
		return None, syscall.ENOENT
	}
	if rest[0] == '/' {
		return None, syscall.EXDEV
	}
	const through = PathOnly | Directory | NoFollow
	on := dir
	for {
		first, after, more := bytes.Cut(rest, []byte("/"))
		after = bytes.TrimLeft(after, "/")
		if string(first) == ".." {
			closeOther(on, dir)
			return None, syscall.EXDEV
		}
		last := len(after) == 0
		want, perm := through, uint32(0)
		if last {
			want, perm = flags|NoFollow, mode
			if more {
				want |= Directory
			}
		}
		fd, err := posixOpenat(on, append(append(make(Name, 0, len(first)+1), first...), 0), want, perm)
		closeOther(on, dir)
		switch {
		case err != nil:
			return None, err
		case last:
			return notLink(fd, flags)
		}
		on, rest = fd, after
	}
}

// notLink refuses a link that was opened for its path instead of being followed.
func notLink(fd FD, flags int) (FD, error) {
	if flags&PathOnly == 0 || flags&NoFollow != 0 {
		return fd, nil
	}
	var st Stat
	err := posixFstat(fd, &st)
	if err == nil && st.IsSymlink() {
		err = syscall.ELOOP
	}
	if err != nil {
		posixClose(fd)
		return None, err
	}
	return fd, nil
}

// closeOther closes a directory that was opened on the way from dir.
func closeOther(fd, dir FD) {
	if fd != dir {
		posixClose(fd)
	}
}
