package mirror

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
)

// backup gives what stands at name in p its backup name. The old name may keep
// it: a hard link is made where that works, so that no moment passes without
// the file; whoever replaces it renames over.
func (m *Mirror) backup(p *pair, name platform.Name) error {
	from, rel := p.dfd(), p.path(nil)
	dir, backupName, done, err := m.backupPlace(from, rel, name, p)
	if err != nil {
		return err
	}
	defer done()
	link := func() error { return m.calls.Linkat(from, name, dir, backupName, false) }
	err = retry(link)
	if platform.Exists(err) {
		if err = m.clearBackup(dir, backupName); err == nil {
			err = retry(link)
		}
	}
	switch {
	case err == nil:
	case platform.NotExist(err):
		return nil
	case platform.OtherDevice(err):
		err = m.backupAcross(from, name, dir, backupName)
	default:
		// Links to directories, and on some file systems any, are refused.
		err = retry(func() error { return m.calls.Renameat(from, name, dir, backupName) })
	}
	return m.toldBackup(rel, name, err)
}

// toldBackup says that an entry of rel was backed up, unless err tells that it
// was not, and returns err.
func (m *Mirror) toldBackup(rel string, name platform.Name, err error) error {
	if err == nil {
		path := filepath.ToSlash(filepath.Join(rel, name.String()))
		backup := path + m.opts.Suffix
		if m.opts.BackupDir != "" {
			backup = strings.TrimRight(m.opts.BackupDir, "/") + "/" + backup
		}
		m.note(2, "backed up %s to %s", path, backup)
	}
	return err
}

// moveToBackup gives an entry that goes its backup name, which it takes with it.
func (m *Mirror) moveToBackup(from platform.FD, rel string, name platform.Name) error {
	dir, backupName, done, err := m.backupPlace(from, rel, name, nil)
	if err != nil {
		return err
	}
	defer done()
	move := func() error { return m.calls.Renameat(from, name, dir, backupName) }
	err = retry(move)
	if platform.IsDirectory(err) && m.clearBackup(dir, backupName) == nil {
		err = retry(move)
	}
	if platform.OtherDevice(err) {
		if err = m.backupAcross(from, name, dir, backupName); err == nil {
			err = retry(func() error { return m.calls.Unlinkat(from, name) })
		}
	}
	return m.toldBackup(rel, name, err)
}

// clearBackup removes an older backup, unless it is a directory with something
// in it.
func (m *Mirror) clearBackup(dir platform.FD, name platform.Name) error {
	err := m.calls.Unlinkat(dir, name)
	if platform.IsDirectory(err) {
		err = m.calls.Rmdirat(dir, name)
	}
	return err
}

// backupPlace returns the directory and the name of a backup. done gives the
// directory back.
func (m *Mirror) backupPlace(from platform.FD, rel string, name platform.Name, p *pair) (dir platform.FD, backup platform.Name, done func(), err error) {
	backup, err = platform.MakeName(name.String() + m.opts.Suffix)
	if err != nil {
		return 0, nil, nil, err
	}
	if m.opts.BackupDir == "" {
		return from, backup, func() {}, nil
	}
	dir, err = m.openBackupDir(rel, p)
	if err != nil {
		return 0, nil, nil, err
	}
	return dir, backup, func() { m.calls.Close(dir) }, nil
}

// openBackupDir opens the place of rel's entries below --backup-dir, and creates
// what is missing of it.
func (m *Mirror) openBackupDir(rel string, p *pair) (platform.FD, error) {
	const flags = platform.ReadOnly | platform.Directory | platform.NonBlock
	start := platform.FD(platform.CWD)
	path := m.opts.BackupDir
	if !strings.HasPrefix(path, "/") {
		start = m.root.dfd()
	}
	top, err := platform.MakeName(path)
	if err != nil {
		return platform.None, err
	}
	var fd platform.FD
	if m.far != nil && filepath.IsLocal(path) {
		// A link there may be one that the other machine has sent.
		fd, err = m.openBackupBelow(start, path, flags|platform.NoFollow)
	} else if fd, err = m.calls.Openat(start, top, flags, 0); platform.NotExist(err) {
		if err = m.makeBackupPath(start, path); err == nil {
			fd, err = m.calls.Openat(start, top, flags, 0)
		}
	}
	if err != nil {
		return platform.None, err
	}
	if rel == "." || rel == "" {
		return fd, nil
	}
	below, made := "", false
	for _, part := range strings.Split(rel, "/") {
		name, err := platform.MakeName(part)
		if err == nil {
			e := m.calls.Mkdirat(fd, name, 0o700)
			made = e == nil
			if e != nil && !platform.Exists(e) {
				err = e
			}
		}
		var next platform.FD
		if err == nil {
			next, err = m.calls.Openat(fd, name, flags|platform.NoFollow, 0)
		}
		below += part
		if err == nil && made {
			m.likeTarget(next, below, p)
		}
		below += "/"
		m.calls.Close(fd)
		if err != nil {
			return platform.None, err
		}
		fd = next
	}
	return fd, nil
}

// openBackupBelow opens --backup-dir below the destination without following
// links, and creates what is missing of it.
func (m *Mirror) openBackupBelow(start platform.FD, path string, flags int) (platform.FD, error) {
	fd := platform.None
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Clean(path)), "/") {
		name, err := platform.MakeName(part)
		if err == nil {
			if err = m.calls.Mkdirat(start, name, 0o777); platform.Exists(err) {
				err = nil
			}
		}
		next := platform.None
		if err == nil {
			next, err = m.calls.Openat(start, name, flags, 0)
		}
		if fd != platform.None {
			m.calls.Close(fd)
		}
		if err != nil {
			return platform.None, err
		}
		fd, start = next, next
	}
	return fd, nil
}

// likeTarget gives a new directory of --backup-dir the mode of the one that it
// stands for, as rsync does whatever is kept otherwise, and what is kept.
func (m *Mirror) likeTarget(fd platform.FD, rel string, p *pair) {
	name, err := platform.MakeName(rel)
	var st, now platform.Stat
	if err != nil || m.calls.Statat(m.root.dfd(), name, &st, false) != nil || m.calls.Fstat(fd, &now) != nil {
		return
	}
	for ; p != nil; p = p.parent {
		if p.seals && !p.plain && p.path(nil) == rel {
			st = p.st // what it will have
		}
	}
	c := m.changes(&st, &now, true)
	(&holder{m: m, fd: fd}).setAll(&c, &meta{}, platform.ModeSymlink)
}

// makeBackupPath creates --backup-dir and what is missing above it. It begins at
// the end: what is above the root of an export has no names there.
func (m *Mirror) makeBackupPath(start platform.FD, path string) error {
	path = strings.TrimRight(path, "/")
	name, err := platform.MakeName(path)
	if err != nil {
		return err
	}
	err = m.calls.Mkdirat(start, name, 0o777)
	if above, _ := splitLast(path); platform.NotExist(err) && strings.Trim(above, "/") != "" {
		if err := m.makeBackupPath(start, above); err != nil {
			return err
		}
		err = m.calls.Mkdirat(start, name, 0o777)
	}
	if platform.Exists(err) {
		return nil
	}
	return err
}

// backupAcross copies what is replaced to another file system.
func (m *Mirror) backupAcross(from platform.FD, name platform.Name, dir platform.FD, backup platform.Name) error {
	w := m.cp.NewWorker()
	var st, d platform.Stat
	if err := m.calls.Statat(from, name, &st, false); err != nil {
		return err
	}
	if err := m.calls.Fstat(dir, &d); err != nil {
		return err
	}
	if !st.IsRegular() {
		if st.IsSymlink() {
			var buf [4096]byte
			n, err := m.calls.Readlinkat(from, name, buf[:len(buf)-1])
			if err != nil {
				return err
			}
			return m.calls.Symlinkat(platform.Name(append(buf[:n:n], 0)), dir, backup)
		}
		return m.calls.Mknodat(dir, backup, st.Mode, st.Rdev)
	}
	fd, err := m.calls.Openat(from, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock, 0)
	if err != nil {
		return err
	}
	defer m.calls.Close(fd)
	return w.Put(context.Background(), m.plainPut(fd, &st, dir, &d, backup))
}

// plainPut is a copy that keeps all that a stat tells.
func (m *Mirror) plainPut(src platform.FD, st *platform.Stat, dir platform.FD, d *platform.Stat, name platform.Name) *copier.Put {
	put := &copier.Put{
		Dir: dir, DirIno: d.Ino, DirDev: d.Dev, Name: name, Stage: copier.Sibling, Rename: true,
		Src: src, Stat: st, OldFD: platform.None, Umask: m.opts.Umask,
	}
	put.Finish = func(fd platform.FD) (lost copier.Lost, err error) {
		m.calls.Fchown(fd, int(st.UID), int(st.GID))
		m.copyMeta(fd, src)
		if err := m.calls.Fchmod(fd, st.Mode&platform.ModeBits); err != nil {
			return lost, err
		}
		return lost, m.calls.Futimens(fd, st.Atime, st.Mtime)
	}
	return put
}

// copyMeta gives a copy the attributes of what it is a copy of, as far as this
// run keeps any.
func (m *Mirror) copyMeta(dst, src platform.FD) {
	var have meta
	from := holder{m: m, fd: src}
	if from.read(&have, m.rules.ACLs, m.rules.Xattrs, platform.ModeRegular, filter.Sender) == nil {
		(&holder{m: m, fd: dst}).applyMeta(&have, platform.ModeRegular)
	}
}

// backupCopy makes a backup of a file that will be written into.
func (m *Mirror) backupCopy(ctx context.Context, w *apply.Worker, e *entry) error {
	dir, backup, done, err := m.backupPlace(e.p.dfd(), e.p.path(nil), e.as, e.p)
	if err != nil {
		return err
	}
	defer done()
	var d platform.Stat
	if err := m.calls.Fstat(dir, &d); err != nil {
		return err
	}
	fd, err := m.calls.Openat(e.p.dfd(), e.as, platform.ReadOnly|platform.NoFollow|platform.NonBlock, 0)
	if err != nil {
		return err
	}
	defer m.calls.Close(fd)
	old := e.old
	return m.toldBackup(e.p.path(nil), e.as, m.cp.NewWorker().Put(ctx, m.plainPut(fd, &old, dir, &d, backup)))
}
