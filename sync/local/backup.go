package local

import (
	"bytes"
	"strconv"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// backup is a backup that is in place while its file is replaced.
type backup struct {
	name  platform.Name
	older platform.Name // a temporary name of the backup that had this name before, or nil
}

// backup gives what stands at a place its backup name beside the one it has,
// so that at no moment neither is there; the caller then replaces the old
// name and says with endBackup how that went.
func (c *Copy) backup(p *place) (backup, error) {
	name, numbered, err := c.backupName(p)
	if err != nil {
		return backup{}, err
	}
	b := backup{name: name}
	dir := p.n.dfd
	link := func(as platform.Name) error {
		return c.retry(func() error { return c.calls.Linkat(dir, p.dst, dir, as, false) })
	}
	err = link(b.name)
	for i := 0; numbered && platform.Exists(err) && i < 100; i++ {
		if b.name, _, err = c.backupName(p); err == nil {
			err = link(b.name)
		}
	}
	if platform.Exists(err) && !numbered {
		temp := copier.TempName(make([]byte, copier.TempSize), p.n.dstIno)
		if err = link(temp); err == nil {
			b.older, err = c.setAside(p.n, temp, b.name)
		}
	}
	if err != nil && (platform.Unsupported(err) || platform.NotPermitted(err)) {
		// No hard links here: a rename leaves the name free for a moment.
		err = c.retry(func() error { return c.calls.Renameat(dir, p.dst, dir, b.name) })
	}
	if err != nil {
		return backup{}, backupError(p, err)
	}
	return b, nil
}

// backupError is also the word for a directory that takes no new file, as it
// would take no backup either, which cp makes first.
func backupError(p *place, err error) error {
	return &message{text: "cannot backup " + apply.Quote(p.dstPath()) + ": " + platform.Message(err), err: err}
}

// setAside renames temp over a backup. It returns the name that the backup has
// then, or nil where it can have no other.
func (c *Copy) setAside(n *node, temp, name platform.Name) (older platform.Name, err error) {
	dir := n.dfd
	err = c.retry(func() error { return c.calls.RenameExchange(dir, temp, dir, name) })
	if err == nil {
		return temp, nil
	}
	if platform.Unsupported(err) {
		older = copier.TempName(make([]byte, copier.TempSize), n.dstIno)
		if c.retry(func() error { return c.calls.Linkat(dir, name, dir, older, false) }) != nil {
			older = nil
		}
		err = c.retry(func() error { return c.calls.Renameat(dir, temp, dir, name) })
		if err != nil && older != nil {
			c.retry(func() error { return c.calls.Unlinkat(dir, older) })
			older = nil
		}
	}
	// Also after a success: two names of one inode are not renamed over each
	// other (rename(2)).
	c.retry(func() error { return c.calls.Unlinkat(dir, temp) })
	return older, err
}

// endBackup takes a backup back if its file was not replaced after all: it
// would be a second name of the file, so that a later write into the file
// would reach the backup too. A backup that stays takes the place of an older
// one.
func (c *Copy) endBackup(p *place, b backup, replaced bool) {
	var old, made platform.Stat
	dir := p.n.dfd
	remove := b.older
	if !replaced && c.calls.Statat(dir, b.name, &made, false) == nil {
		switch err := c.calls.Statat(dir, p.dst, &old, false); {
		case platform.NotExist(err):
			copier.RenameNew(c.calls, dir, b.name, dir, p.dst)
		case err != nil || !old.SameInode(&made):
		case b.older == nil:
			remove = b.name
		default:
			// After this the temporary name is that of the backup made, or nobody's.
			err := c.retry(func() error { return c.calls.RenameExchange(dir, b.older, dir, b.name) })
			if platform.Unsupported(err) {
				err = c.retry(func() error { return c.calls.Renameat(dir, b.older, dir, b.name) })
			}
			if err != nil {
				return
			}
		}
	}
	if remove != nil {
		c.retry(func() error { return c.calls.Unlinkat(dir, remove) })
	}
}

// maxBackup is the longest name in bytes that cp gives a backup: one less than
// a name may have (NAME_MAX).
const maxBackup = 254

// backupName returns the name for a backup and whether it is a numbered one.
func (c *Copy) backupName(p *place) (platform.Name, bool, error) {
	base := p.dst.Bytes()
	if c.opts.Backup != SimpleBackup {
		highest, found := 0, false
		err := c.eachName(p.n.dfd, func(name platform.Name, _ uint32) {
			if v, ok := backupNumber(name.Bytes(), base); ok {
				highest, found = max(highest, v), true
			}
		})
		if err != nil {
			return nil, false, err
		}
		if found || c.opts.Backup == NumberedBackup {
			n, err := backupAs(base, ".~"+strconv.Itoa(highest+1)+"~")
			return n, true, err
		}
	}
	n, err := backupAs(base, c.opts.Suffix)
	return n, false, err
}

// backupAs adds a suffix to a name. As cp does it, one that is too long shrinks
// to one character and takes the place of the name's last ones.
func backupAs(base []byte, suffix string) (platform.Name, error) {
	if len(base)+len(suffix) > maxBackup {
		base, suffix = base[:min(len(base), maxBackup-1)], "~"
	}
	return platform.MakeName(string(base) + suffix)
}

// backupIsSource reports that the backup would replace the very file that is
// to be copied, as in "a~ a".
func (c *Copy) backupIsSource(p *place, src *platform.Stat) bool {
	name, numbered, err := c.backupName(p)
	var st platform.Stat
	return err == nil && !numbered && c.calls.Statat(p.n.dfd, name, &st, false) == nil && st.SameInode(src)
}

// ontoItself is the special case of cp with --force and --backup: a regular
// file that is copied to its own name is copied to its backup's.
func (c *Copy) ontoItself(base *node, dst string) string {
	name, err := platform.MakeName(dst)
	var st platform.Stat
	if err != nil || c.opts.Backup == NoBackup || !c.opts.Rules.Force ||
		c.calls.Statat(base.dfd, name, &st, false) != nil || !st.IsRegular() {
		return dst
	}
	backup, _, err := c.backupName(&place{n: base, dst: name})
	if err != nil {
		return dst
	}
	c.opts.Backup, c.opts.Rules.Backup = NoBackup, false
	return backup.String()
}

// backupNumber parses base.~N~.
func backupNumber(name, base []byte) (int, bool) {
	rest, ok := bytes.CutPrefix(name, base)
	if !ok {
		return 0, false
	}
	rest, ok = bytes.CutPrefix(rest, []byte(".~"))
	if !ok {
		return 0, false
	}
	rest, ok = bytes.CutSuffix(rest, []byte("~"))
	if !ok || len(rest) == 0 || rest[0] == '0' {
		return 0, false
	}
	v, err := strconv.Atoi(string(rest))
	return v, err == nil && v > 0
}
