package mirror

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
)

// Names of the attributes of --fake-super, which are rsync's: the state that only
// the superuser could give an entry, and the prefix of the attributes of other
// namespaces than that of users.
var (
	attrStat  = platform.MustName("user.rsync.%stat")
	disguise  = []byte("user.rsync.")
	userSpace = []byte("user.")
)

// faker makes calls that pretend to be the superuser's: what a stat of a
// regular file or directory says is overruled by its record, and what can't be
// set is recorded. Devices, sockets, FIFOs and symbolic links are regular files;
// the latter hold what the link would (rsync(1), --fake-super).
type faker struct {
	*platform.Calls        // as they are
	linkMode        uint32 // permissions of new symbolic links
}

// fakeSuper returns the calls of a run with --fake-super.
func (m *Mirror) fakeSuper(calls *platform.Calls) *platform.Calls {
	f := &faker{calls, platform.ModePerm}
	if !m.rules.Perms {
		f.linkMode &^= m.opts.Umask
	}
	c := *calls
	c.Fstat, c.Statat = f.fstat, f.statat
	c.Readlinkat = f.readlinkat
	c.Mknodat, c.Symlinkat = f.mknodat, f.symlinkat
	c.Fchown = func(fd platform.FD, uid, gid int) error { return f.chown(place{fd: fd}, uid, gid) }
	c.Fchownat = func(dir platform.FD, name platform.Name, uid, gid int) error {
		return f.chown(place{platform.None, dir, name}, uid, gid)
	}
	c.Fchmod = func(fd platform.FD, mode uint32) error { return f.chmod(place{fd: fd}, mode) }
	c.Fchmodat = func(dir platform.FD, name platform.Name, mode uint32) error {
		return f.chmod(place{platform.None, dir, name}, mode)
	}
	return &c
}

// place is an open entry, or one of a directory.
type place struct {
	fd   platform.FD // or None
	dir  platform.FD
	name platform.Name
}

func (f *faker) realStat(p place, st *platform.Stat) error {
	if p.fd != platform.None {
		return f.Calls.Fstat(p.fd, st)
	}
	return f.Calls.Statat(p.dir, p.name, st, false)
}

func (f *faker) realGet(p place, attr platform.Name, buf []byte) (int, error) {
	if p.fd != platform.None {
		return f.Calls.Fgetxattr(p.fd, attr, buf)
	}
	return f.Calls.Getxattrat(p.dir, p.name, attr, buf)
}

func (f *faker) realSet(p place, attr platform.Name, value []byte) error {
	if p.fd != platform.None {
		return f.Calls.Fsetxattr(p.fd, attr, value)
	}
	return f.Calls.Setxattrat(p.dir, p.name, attr, value)
}

func (f *faker) realRemove(p place, attr platform.Name) error {
	if p.fd != platform.None {
		return f.Calls.Fremovexattr(p.fd, attr)
	}
	return f.Calls.Removexattrat(p.dir, p.name, attr)
}

func (f *faker) realChmod(p place, mode uint32) error {
	if p.fd != platform.None {
		return f.Calls.Fchmod(p.fd, mode)
	}
	return f.Calls.Fchmodat(p.dir, p.name, mode)
}

var errRecord = errors.New("corrupt attribute user.rsync.%stat")

// record is what the attribute says.
type record struct {
	mode         uint32
	major, minor uint32
	uid, gid     uint32
}

func (r *record) String() string {
	return fmt.Sprintf("%o %d,%d %d:%d", r.mode, r.major, r.minor, r.uid, r.gid)
}

// read returns the record of an entry, if it has one.
func (f *faker) read(p place) (r record, ok bool, err error) {
	var buf [256]byte
	n, err := f.realGet(p, attrStat, buf[:])
	if err != nil {
		return r, false, nil // what can't be read is as it looks
	}
	_, err = fmt.Sscanf(string(buf[:max(0, min(n, len(buf)))]), "%o %d,%d %d:%d", &r.mode, &r.major, &r.minor, &r.uid, &r.gid)
	if err != nil {
		return r, false, errRecord
	}
	return r, true, nil
}

// recorded reports whether an entry that looks like st can have a record.
func recorded(st *platform.Stat) bool { return st.IsRegular() || st.IsDir() }

// overrule puts what is recorded of an entry in st.
func (f *faker) overrule(p place, st *platform.Stat) error {
	if !recorded(st) {
		return nil
	}
	r, ok, err := f.read(p)
	if err != nil || !ok {
		return err
	}
	mode := r.mode
	if st.IsDir() || mode&platform.ModeType == platform.ModeDir {
		mode = mode&platform.ModeBits | st.Type()
	}
	st.Mode, st.UID, st.GID = mode, r.uid, r.gid
	if isDevice(mode) {
		st.Rdev = platform.MakeDevice(r.major, r.minor)
	}
	return nil
}

func (f *faker) fstat(fd platform.FD, st *platform.Stat) error {
	if err := f.Calls.Fstat(fd, st); err != nil {
		return err
	}
	return f.overrule(place{fd: fd}, st)
}

func (f *faker) statat(dir platform.FD, name platform.Name, st *platform.Stat, follow bool) error {
	if err := f.Calls.Statat(dir, name, st, follow); err != nil {
		return err
	}
	if !follow {
		return f.overrule(place{platform.None, dir, name}, st)
	}
	if !recorded(st) {
		return nil
	}
	fd, err := f.Calls.Openat(dir, name, platform.ReadOnly|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		return nil // nor could its record be read
	}
	defer f.Calls.Close(fd)
	return f.overrule(place{fd: fd}, st)
}

// change alters the record of an entry. What can be done for real is: the
// permissions, but that the owner always has access. A record that would say
// what the entry is goes.
func (f *faker) change(p place, alter func(*record)) error {
	var st platform.Stat
	if err := f.realStat(p, &st); err != nil {
		return err
	}
	if st.IsSymlink() {
		return nil // can have none
	}
	old, had, err := f.read(p)
	if err != nil {
		return err
	}
	r := old
	if !had {
		r = record{mode: st.Mode, uid: st.UID, gid: st.GID}
	}
	alter(&r)
	access := uint32(0o600)
	if st.IsDir() {
		access = 0o700
	}
	mode := st.Type() | r.mode&platform.ModePerm | access
	if st.Mode != mode {
		// The file of somebody else keeps its permissions, but may have a record.
		err = f.realChmod(p, mode&platform.ModeBits)
	}
	real := r == (record{mode: mode, uid: st.UID, gid: st.GID})
	var e error
	switch {
	case real && had:
		e = f.realRemove(p, attrStat)
	case !real && !(had && r == old):
		e = f.realSet(p, attrStat, []byte(r.String()))
	}
	if err == nil {
		err = e
	}
	return err
}

func (f *faker) chown(p place, uid, gid int) error {
	return f.change(p, func(r *record) {
		if uid >= 0 {
			r.uid = uint32(uid)
		}
		if gid >= 0 {
			r.gid = uint32(gid)
		}
	})
}

func (f *faker) chmod(p place, mode uint32) error {
	return f.change(p, func(r *record) { r.mode = r.mode&platform.ModeType | mode&platform.ModeBits })
}

// create makes a regular file that stands for something else.
func (f *faker) create(dir platform.FD, name platform.Name, content []byte, alter func(*record)) error {
	fd, err := f.Calls.Openat(dir, name, platform.WriteOnly|platform.Create|platform.Exclusive|platform.NoFollow, 0o600)
	if err != nil {
		return err
	}
	for done := 0; done < len(content) && err == nil; {
		var n int
		n, err = f.Calls.Pwrite(fd, content[done:], int64(done))
		done += max(0, n)
	}
	if err == nil {
		err = f.change(place{fd: fd}, alter)
	}
	if e := f.Calls.Close(fd); err == nil {
		err = e
	}
	if err != nil {
		f.Calls.Unlinkat(dir, name)
	}
	return err
}

func (f *faker) mknodat(dir platform.FD, name platform.Name, mode uint32, rdev uint64) error {
	return f.create(dir, name, nil, func(r *record) {
		r.mode = mode
		if isDevice(mode) {
			r.major, r.minor = platform.SplitDevice(rdev)
		}
	})
}

func (f *faker) symlinkat(target platform.Name, dir platform.FD, name platform.Name) error {
	return f.create(dir, name, target.Bytes(), func(r *record) { r.mode = platform.ModeSymlink | f.linkMode })
}

func (f *faker) readlinkat(dir platform.FD, name platform.Name, buf []byte) (int, error) {
	n, err := f.Calls.Readlinkat(dir, name, buf)
	if err == nil {
		return n, nil
	}
	var st platform.Stat
	if f.statat(dir, name, &st, false) != nil || !st.IsSymlink() {
		return n, err
	}
	fd, err := f.Calls.Openat(dir, name, platform.ReadOnly|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Calls.Close(fd)
	return f.Calls.Pread(fd, buf, 0)
}

// disguised returns the name under which an attribute is stored: with --fake-super
// those that are not the users' get a name that is.
func (m *Mirror) disguised(attr platform.Name) platform.Name {
	if !m.opts.FakeSuper || bytes.HasPrefix(attr, userSpace) || bytes.HasPrefix(attr, []byte("system.")) {
		return attr
	}
	return append(bytes.Clone(disguise), attr...)
}

// undisguised returns the name that an attribute found under another one stands
// for. It reports false for one that does not count: at the destination, what the
// system or the superuser gave it.
func (m *Mirror) undisguised(attr platform.Name, side filter.Side) (platform.Name, bool) {
	if !m.opts.FakeSuper {
		return attr, true
	}
	if rest, ok := bytes.CutPrefix(attr, disguise); ok && rest[0] != '%' {
		return platform.Name(rest), true
	}
	return attr, side == filter.Sender || bytes.HasPrefix(attr, userSpace)
}

// isRealLink reports a symbolic link that is one.
func (m *Mirror) isRealLink(dir platform.FD, name platform.Name) bool {
	var st platform.Stat
	return m.native.Statat(dir, name, &st, false) == nil && st.IsSymlink()
}

// dropGivenBits takes from an existing directory what with --fake-super is only
// recorded, before anything is made in it: new entries would get its group.
func (m *Mirror) dropGivenBits(p *pair, st *platform.Stat) {
	if m.opts.FakeSuper && p.seals && !m.opts.DryRun && !m.deleteOnly {
		m.calls.Fchmod(p.dst.FD(), st.Mode&platform.ModeBits) // what fails will fail again when p is sealed
	}
}
