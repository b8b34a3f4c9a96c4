package tree

import (
	"context"

	"github.com/zccp/zccp/platform"
)

// Counter adds up regular files. It is not safe for concurrent use.
type Counter struct {
	Files int64
	Bytes int64 // apparent sizes; a file with several names counts once if Links is set

	Calls  *platform.Calls
	Follow bool // symbolic links below operands too
	Links  bool // hard links are kept, so only the first name is copied

	seen map[[2]uint64]struct{}
	buf  []byte
}

// maxDepth bounds the descriptors that are open at once. Below it the count is
// given up: the total is then not known.
const maxDepth = 256

// Add counts a path, followed if it is a symbolic link and follow is set. It
// reports false if the count is not complete: ctx ended, or the tree is too
// deep.
func (c *Counter) Add(ctx context.Context, path string, follow bool) bool {
	name, err := platform.MakeName(path)
	if err != nil {
		return true
	}
	return c.entry(ctx, platform.CWD, name, 0, follow, 0)
}

func (c *Counter) entry(ctx context.Context, dir platform.FD, name platform.Name, mode uint32, follow bool, depth int) bool {
	if ctx.Err() != nil {
		return false
	}
	if mode != platform.ModeDir {
		if mode != 0 && mode != platform.ModeRegular && !(follow && mode == platform.ModeSymlink) {
			return true
		}
		var st platform.Stat
		if c.Calls.Statat(dir, name, &st, follow) != nil {
			return true
		}
		if !st.IsDir() {
			c.count(&st)
			return true
		}
	}
	return c.directory(ctx, dir, name, follow, depth)
}

func (c *Counter) count(st *platform.Stat) {
	if !st.IsRegular() {
		return
	}
	if c.Links && st.Nlink > 1 {
		key := [2]uint64{st.Dev, st.Ino}
		if _, again := c.seen[key]; again {
			return
		}
		if c.seen == nil {
			c.seen = map[[2]uint64]struct{}{}
		}
		c.seen[key] = struct{}{}
	}
	c.Files++
	c.Bytes += st.Size
}

func (c *Counter) directory(ctx context.Context, dir platform.FD, name platform.Name, follow bool, depth int) bool {
	if depth >= maxDepth {
		return false
	}
	flags := platform.ReadOnly | platform.Directory | platform.NonBlock
	if !follow {
		flags |= platform.NoFollow
	}
	fd, err := c.Calls.Openat(dir, name, flags, 0)
	if err != nil {
		return true
	}
	defer c.Calls.Close(fd)
	if c.buf == nil {
		c.buf = make([]byte, 64<<10)
	}
	var dirs []platform.Name
	for {
		n, err := c.Calls.Getdents(fd, c.buf)
		if err != nil || n <= 0 || n > len(c.buf) {
			break
		}
		for rest := c.buf[:n]; len(rest) > 0; {
			var child platform.Name
			var mode uint32
			child, mode, _, rest = platform.NextEntry(rest)
			if child == nil {
				break
			}
			if s := child.Bytes(); string(s) == "." || string(s) == ".." {
				continue
			}
			if mode == platform.ModeDir || mode == 0 || mode == platform.ModeSymlink && c.Follow {
				dirs = append(dirs, child.Clone())
			} else if !c.entry(ctx, fd, child, mode, false, depth) {
				return false
			}
		}
	}
	for _, d := range dirs {
		if !c.entry(ctx, fd, d, 0, c.Follow, depth+1) {
			return false
		}
	}
	return true
}
