package local

import "github.com/zccp/zccp/platform"

// ancestors are a directory and those it stands in, up to the root, as far as
// they could be reached.
type ancestors map[inode]struct{}

// has reports whether one of them is of state st. It looks for them at the
// first call, from dir; all calls are to have the same.
func (a *ancestors) has(c *Copy, dir platform.FD, st *platform.Stat) bool {
	if *a == nil {
		*a = ancestors{}
		a.find(c, dir)
	}
	_, ok := (*a)[inodeOf(st)]
	return ok
}

func (a *ancestors) find(c *Copy, dir platform.FD) {
	var st platform.Stat
	fd, err := c.open(dir, dot, platform.PathOnly|platform.Directory)
	for err == nil {
		if err = c.calls.Fstat(fd, &st); err != nil {
			break
		}
		if _, met := (*a)[inodeOf(&st)]; met {
			break // the root is its own parent
		}
		(*a)[inodeOf(&st)] = struct{}{}
		var up platform.FD
		up, err = c.open(fd, dotdot, platform.PathOnly|platform.Directory)
		c.calls.Close(fd)
		fd = up
	}
	if fd != platform.None {
		c.calls.Close(fd)
	}
}
