package copier

import "github.com/zccp/zccp/platform"

// RenameNew gives what stands at oldname a name that must be free: what has
// that name already is never replaced, and the error is then one for which
// platform.Exists holds. It is one rename where the system and the file system
// have RENAME_NOREPLACE. Elsewhere
//
//   - a directory is renamed plainly, which replaces at most an empty directory;
//   - anything else gets the new name as a second one and loses the old one, so
//     that a run which is killed in between leaves both;
//   - where there are no hard links either, an empty file holds the new name for
//     the moment until it is renamed over. Killed there, that is what is left.
func RenameNew(c *platform.Calls, olddir platform.FD, oldname platform.Name, newdir platform.FD, newname platform.Name) error {
	err := repeated(func() error { return c.RenameNoReplace(olddir, oldname, newdir, newname) })
	if err == nil || platform.Exists(err) || !platform.Unsupported(err) {
		return err
	}
	var st platform.Stat
	if err := repeated(func() error { return c.Statat(olddir, oldname, &st, false) }); err != nil {
		return err
	}
	rename := func() error { return c.Renameat(olddir, oldname, newdir, newname) }
	if st.IsDir() {
		err := repeated(rename)
		if platform.NotDir(err) {
			return platform.ErrExist
		}
		return err
	}
	err = repeated(func() error { return c.Linkat(olddir, oldname, newdir, newname, false) })
	if err == nil {
		if err = repeated(func() error { return c.Unlinkat(olddir, oldname) }); err != nil {
			c.Unlinkat(newdir, newname)
		}
		return err
	}
	if !platform.Unsupported(err) && !platform.NotPermitted(err) {
		return err
	}
	var fd platform.FD
	if err := repeated(func() (err error) {
		fd, err = c.Openat(newdir, newname, platform.WriteOnly|createFlags, 0o600)
		return err
	}); err != nil {
		return err
	}
	c.Close(fd)
	if err := repeated(rename); err != nil {
		c.Unlinkat(newdir, newname)
		return err
	}
	return nil
}

func repeated(call func() error) error {
	err := call()
	for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
		err = call()
	}
	return err
}
