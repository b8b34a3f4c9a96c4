package local

import (
	"errors"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// eachName calls f for every name in an open directory, on a descriptor of its
// own so that positions are not disturbed. name is valid during the call.
func (c *Copy) eachName(dir platform.FD, f func(name platform.Name, mode uint32)) error {
	return c.eachNameUntil(dir, func(name platform.Name, mode uint32) bool {
		f(name, mode)
		return true
	})
}

// eachNameUntil is eachName that ends when f returns false.
func (c *Copy) eachNameUntil(dir platform.FD, f func(name platform.Name, mode uint32) bool) error {
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
			name, mode, _, rest = platform.NextEntry(rest)
			if name == nil {
				break
			}
			if !name.IsDots() && !f(name, mode) {
				return nil
			}
		}
	}
}

// remove removes a name and, if it is a directory, everything below, never
// through a symbolic link. It removes only what this program made itself, and
// what that replaced. Directories further down are moved up first, so that
// the depth costs neither descriptors nor memory.
func (c *Copy) remove(dir platform.FD, name platform.Name) error {
	if done, err := c.removeFlat(dir, name); done {
		return err
	}
	top, err := c.openOwn(dir, name)
	if err != nil {
		return err
	}
	for progress := true; progress; {
		progress = false
		for _, child := range c.namesIn(top) {
			if done, err := c.removeFlat(top, child); done {
				progress = progress || err == nil
			} else if c.liftOut(top, child) {
				progress = true
			}
		}
	}
	c.calls.Close(top)
	return c.retry(func() error { return c.calls.Rmdirat(dir, name) })
}

// removeFlat removes what is no directory, or an empty one. It reports false
// if there is something inside.
func (c *Copy) removeFlat(dir platform.FD, name platform.Name) (done bool, err error) {
	err = c.retry(func() error { return c.calls.Unlinkat(dir, name) })
	if err == nil || platform.NotExist(err) || !platform.IsDirectory(err) && !platform.NotPermitted(err) {
		return true, err
	}
	err = c.retry(func() error { return c.calls.Rmdirat(dir, name) })
	return !platform.Exists(err), err
}

// liftOut removes what is in a directory below top, moves the directories in
// it to top and removes it. It reports whether it is gone.
func (c *Copy) liftOut(top platform.FD, name platform.Name) bool {
	fd, err := c.openOwn(top, name)
	if err != nil {
		return false
	}
	defer c.calls.Close(fd)
	var b [copier.TempSize]byte
	for _, child := range c.namesIn(fd) {
		if done, _ := c.removeFlat(fd, child); done {
			continue
		}
		// A directory without write permission can't be moved to another one.
		if own, err := c.openOwn(fd, child); err == nil {
			c.calls.Close(own)
		}
		c.retry(func() error { return c.calls.Renameat(fd, child, top, copier.TempName(b[:0], 0)) })
	}
	return c.retry(func() error { return c.calls.Rmdirat(top, name) }) == nil
}

// openOwn opens a directory that is to be removed; a mode that it was given
// already is no obstacle.
func (c *Copy) openOwn(dir platform.FD, name platform.Name) (platform.FD, error) {
	fd, err := c.open(dir, name, openDirFlags|platform.NoFollow)
	if err != nil {
		return fd, err
	}
	var st, above platform.Stat
	err = c.calls.Fstat(fd, &st)
	if err == nil {
		err = c.calls.Fstat(dir, &above)
	}
	if err == nil && st.Dev != above.Dev {
		// A file system that is mounted in a replaced tree is not part of it.
		err = errMounted
	}
	if err != nil {
		c.calls.Close(fd)
		return platform.None, err
	}
	if st.Mode&0o700 != 0o700 {
		c.calls.Fchmod(fd, 0o700)
	}
	return fd, nil
}

var errMounted = errors.New("another file system is mounted in it")

// namesIn returns the names in an open directory.
func (c *Copy) namesIn(dir platform.FD) (names []platform.Name) {
	c.eachName(dir, func(name platform.Name, _ uint32) { names = append(names, name.Clone()) })
	return names
}

// sweepNames is how many names are looked at for litter where single files are
// copied: a loop over zccp in a shell is not to list a large directory each
// time. A recursive copy looks at all.
const sweepNames = 4096

// sweep removes from an existing destination directory what a killed run left
// there: temporary names whose owner no longer holds its lock on them.
func (c *Copy) sweep(dir platform.FD, ino uint64, all bool) {
	for _, name := range c.tempsIn(dir, ino, all) {
		c.sweepOne(dir, name, true)
	}
}

// tempsIn returns the temporary names in a directory, or those among the first
// sweepNames of all.
func (c *Copy) tempsIn(dir platform.FD, ino uint64, all bool) (temps []platform.Name) {
	seen := 0
	c.eachNameUntil(dir, func(name platform.Name, _ uint32) bool {
		if copier.IsTemp(name.Bytes(), ino) {
			temps = append(temps, name.Clone())
		}
		seen++
		return all || seen < sweepNames
	})
	return temps
}

// sweepBehind is sweep, at the first time, for a directory that a file is
// written in through a symbolic link. Another worker may be at work there, so
// only what would be locked is removed; nothing else is left there in this way.
func (c *Copy) sweepBehind(dir platform.FD, id inode) {
	c.mu.Lock()
	_, before := c.swept[id]
	if c.swept == nil {
		c.swept = map[inode]struct{}{}
	}
	c.swept[id] = struct{}{}
	c.mu.Unlock()
	if before {
		return
	}
	for _, name := range c.tempsIn(dir, id.ino, false) {
		c.sweepOne(dir, name, false)
	}
}

func (c *Copy) sweepOne(dir platform.FD, name platform.Name, unlocked bool) {
	fd, err := c.open(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock)
	if err != nil {
		if unlocked && (platform.Loop(err) || platform.NoDevice(err)) {
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
