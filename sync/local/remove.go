package local

import (
	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// eachName calls f for every name in an open directory, on a descriptor of its
// own so that positions are not disturbed. name is valid during the call.
func (c *Copy) eachName(dir platform.FD, f func(name platform.Name, mode uint32)) error {
	fd, err := c.open(dir, dot, openDirFlags)
	if err != nil {
		return err
	}
	defer c.calls.Close(fd)
	buf := make([]byte, 16<<10)
	for i := 0; ; {
		n, err := c.calls.Getdents(fd, buf)
		if platform.Interrupted(err) && i < maxRepeats {
			i++
			continue
		}
		if err != nil {
			return err
		}
		if n <= 0 || n > len(buf) {
			return nil
		}
		for rest := buf[:n]; len(rest) > 0; {
			var name platform.Name
			var mode uint32
			name, mode, rest = platform.NextEntry(rest)
			if name == nil {
				break
			}
			if !isDots(name) {
				f(name, mode)
			}
		}
	}
}

// remove removes a name and, if it is a directory, everything below, never
// through a symbolic link. It removes only what this program made itself.
func (c *Copy) remove(dir platform.FD, name platform.Name) error {
	err := c.retry(func() error { return c.calls.Unlinkat(dir, name) })
	if err == nil || platform.NotExist(err) || !platform.IsDirectory(err) && !platform.NotPermitted(err) {
		return err
	}
	fd, err := c.open(dir, name, openDirFlags|platform.NoFollow)
	if err != nil {
		return err
	}
	var names []platform.Name
	c.eachName(fd, func(name platform.Name, _ uint32) { names = append(names, name.Clone()) })
	for _, n := range names {
		c.remove(fd, n)
	}
	c.calls.Close(fd)
	return c.retry(func() error { return c.calls.Rmdirat(dir, name) })
}

// sweep removes from an existing destination directory what a killed run left
// there: temporary names whose owner no longer holds its lock on them.
func (c *Copy) sweep(dir platform.FD, ino uint64) {
	var stale []platform.Name
	c.eachName(dir, func(name platform.Name, _ uint32) {
		if copier.IsTemp(name.Bytes(), ino) {
			stale = append(stale, name.Clone())
		}
	})
	for _, name := range stale {
		c.sweepOne(dir, name)
	}
}

func (c *Copy) sweepOne(dir platform.FD, name platform.Name) {
	fd, err := c.open(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock)
	if err != nil {
		if platform.Loop(err) || platform.NoDevice(err) {
			// A link or a special file: it is made in one call and renamed at
			// once, so it is litter unless another run is just between the two,
			// which would then report a failure and lose nothing.
			c.calls.Unlinkat(dir, name)
		}
		return
	}
	defer c.calls.Close(fd)
	if err := c.calls.Flock(fd, true); err == nil {
		c.remove(dir, name)
	}
}
