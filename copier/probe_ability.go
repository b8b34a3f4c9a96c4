package copier

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/zccp/zccp/platform"
)

// Ability is something that a kernel or file system may be able to do.
type Ability struct {
	Name    string // the field's word for it
	Err     error  // why not; nil: it was done, and what came of it was looked at
	Figures []Figure
}

// Figure is a number that goes with an ability.
type Figure struct {
	Name  string
	Value int64
	Unit  string // bytes or ns
}

// What an ability lacks that no call says an error of.
var (
	errNoHole    = errors.New("no hole is reported")
	errNotKept   = errors.New("reads back otherwise")
	errReplaces  = errors.New("replaces all the same")
	errNotLinked = errors.New("the names are of different files")
	errBroken    = errors.New("lost at once")
)

// Abilities tries what the file system of the scratch directory can do, in the
// order of a report. It returns early, with the error of ctx, if that is done.
func (s *Scratch) Abilities(ctx context.Context) ([]Ability, error) {
	var list []Ability
	for _, a := range [...]struct {
		name string
		try  func(*Scratch) ([]Figure, error)
	}{
		{"holes", (*Scratch).tryHoles},
		{"preallocation", onFile(func(c *platform.Calls, fd platform.FD) error { return c.Fallocate(fd, 0, ProbeLarge) })},
		{"hard links", (*Scratch).tryHardLink},
		{"symbolic links", (*Scratch).trySymlink},
		{"O_TMPFILE", (*Scratch).tryUnnamed},
		{"RENAME_NOREPLACE", (*Scratch).tryNoReplace},
		{"RENAME_EXCHANGE", (*Scratch).tryExchange},
		{"flock", onFile(func(c *platform.Calls, fd platform.FD) error { return c.Flock(fd, true) })},
		{"user xattrs", onFile(tryXattr)},
		{"POSIX ACLs", onFile(tryACL)},
		{"timestamps", (*Scratch).tryTimes},
		{"times after 2038", onFile(tryFarTime)},
		{"direct I/O", (*Scratch).tryDirect},
		{"RWF_DONTCACHE read", onSource(func(c *platform.Calls, fd platform.FD) error {
			n, err := c.PreadUncached(fd, make([]byte, ProbeSmall), 0)
			return countError("preadv2", n, err)
		})},
		{"RWF_DONTCACHE write", onFile(func(c *platform.Calls, fd platform.FD) error {
			n, err := c.PwriteUncached(fd, make([]byte, ProbeSmall), 0)
			return countError("pwritev2", n, err)
		})},
		{"RWF_NOWAIT read", onSource(func(c *platform.Calls, fd platform.FD) error {
			_, err := c.Cached(fd, 0)
			return err
		})},
		{"cachestat", onSource(func(c *platform.Calls, fd platform.FD) error {
			var st platform.CacheState
			return c.CacheState(fd, 0, 0, &st)
		})},
		{"read lease", onSource(tryLease)},
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		figures, err := a.try(s)
		list = append(list, Ability{a.name, err, figures})
	}
	return list, nil
}

// onFile makes a trial on a new, empty file.
func onFile(try func(*platform.Calls, platform.FD) error) func(*Scratch) ([]Figure, error) {
	return func(s *Scratch) ([]Figure, error) {
		fd, _, err := s.create()
		if err != nil {
			return nil, err
		}
		defer s.calls.Close(fd)
		return nil, try(s.calls, fd)
	}
}

// onSource makes a trial on a file of ProbeSmall bytes that nobody has open for
// writing.
func onSource(try func(*platform.Calls, platform.FD) error) func(*Scratch) ([]Figure, error) {
	return func(s *Scratch) ([]Figure, error) {
		fd, err := s.source(probeContent(ProbeSmall))
		if err != nil {
			return nil, err
		}
		defer s.calls.Close(fd)
		return nil, try(s.calls, fd)
	}
}

func countError(call string, n int, err error) error {
	if err == nil && n != ProbeSmall {
		err = errCount(call, n, ProbeSmall)
	}
	return err
}

// tryHoles leaves a hole before and after one piece of data, flushed so that
// its blocks are counted.
func (s *Scratch) tryHoles() ([]Figure, error) {
	const at, size = 4 << 20, 8 << 20
	fd, _, err := s.create()
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(fd)
	if err := s.calls.Ftruncate(fd, size); err != nil {
		return nil, err
	}
	if n, err := s.calls.Pwrite(fd, probeContent(ProbeSmall), at); countError("pwrite", n, err) != nil {
		return nil, countError("pwrite", n, err)
	}
	if err := s.calls.Fsync(fd); err != nil {
		return nil, err
	}
	var st platform.Stat
	if err := s.calls.Fstat(fd, &st); err != nil {
		return nil, err
	}
	data, err := s.calls.Lseek(fd, 0, platform.SeekData)
	if err != nil {
		return nil, err
	}
	hole, err := s.calls.Lseek(fd, at, platform.SeekHole)
	if err != nil {
		return nil, err
	}
	if data <= 0 || data > at || hole <= at || hole >= size || st.Blocks >= size/512 {
		return nil, errNoHole
	}
	return []Figure{{"allocated", st.Blocks * 512, "bytes"}}, nil
}

func (s *Scratch) tryHardLink() ([]Figure, error) {
	fd, name, err := s.create()
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(fd)
	second := s.newName()
	if err := s.calls.Linkat(s.fd, name, s.fd, second, false); err != nil {
		return nil, err
	}
	return nil, s.sameFile(fd, second)
}

func (s *Scratch) trySymlink() ([]Figure, error) {
	target, name := platform.MustName("a target"), s.newName()
	if err := s.calls.Symlinkat(target, s.fd, name); err != nil {
		return nil, err
	}
	var buf [64]byte
	n, err := s.calls.Readlinkat(s.fd, name, buf[:])
	if err == nil && !bytes.Equal(buf[:n], target.Bytes()) {
		err = errNotKept
	}
	return nil, err
}

// tryUnnamed also gives the file a name, which an O_TMPFILE of its own does not
// promise (a layer of overlayfs, a sandbox without /proc).
func (s *Scratch) tryUnnamed() ([]Figure, error) {
	fd, err := s.calls.Openat(s.fd, dot, platform.ReadWrite|platform.Unnamed, 0o600)
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(fd)
	name := s.newName()
	if err := s.calls.LinkFD(fd, s.fd, name); err != nil {
		return nil, err
	}
	return nil, s.sameFile(fd, name)
}

// sameFile returns an error unless name is that of an open file.
func (s *Scratch) sameFile(fd platform.FD, name platform.Name) error {
	var a, b platform.Stat
	if err := s.calls.Fstat(fd, &a); err != nil {
		return err
	}
	if err := s.calls.Statat(s.fd, name, &b, false); err != nil {
		return err
	}
	if !a.SameInode(&b) {
		return errNotLinked
	}
	return nil
}

func (s *Scratch) tryNoReplace() ([]Figure, error) {
	a, nameA, b, nameB, err := s.twoFiles()
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(a)
	defer s.calls.Close(b)
	switch err := s.calls.RenameNoReplace(s.fd, nameA, s.fd, nameB); {
	case err == nil:
		return nil, errReplaces
	case !platform.Exists(err):
		return nil, err
	}
	free := s.newName()
	if err := s.calls.RenameNoReplace(s.fd, nameA, s.fd, free); err != nil {
		return nil, err
	}
	return nil, s.sameFile(a, free)
}

func (s *Scratch) tryExchange() ([]Figure, error) {
	a, nameA, b, nameB, err := s.twoFiles()
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(a)
	defer s.calls.Close(b)
	if err := s.calls.RenameExchange(s.fd, nameA, s.fd, nameB); err != nil {
		return nil, err
	}
	if err := s.sameFile(a, nameB); err != nil {
		return nil, err
	}
	return nil, s.sameFile(b, nameA)
}

func (s *Scratch) twoFiles() (a platform.FD, nameA platform.Name, b platform.FD, nameB platform.Name, err error) {
	a, nameA, err = s.create()
	if err != nil {
		return
	}
	if b, nameB, err = s.create(); err != nil {
		s.calls.Close(a)
	}
	return
}

func tryXattr(c *platform.Calls, fd platform.FD) error {
	return keepsAttr(c, fd, platform.MustName("user.zccp.probe"), []byte("a value"))
}

// tryACL sets an entry that no mode can express: one for a user by name. An id
// that the user namespace doesn't map is refused, so it is the caller's own.
func tryACL(c *platform.Calls, fd platform.FD) error {
	const (
		userObj, user, groupObj, mask, other = 0x01, 0x02, 0x04, 0x10, 0x20
		noID                                 = 1<<32 - 1
	)
	le := binary.LittleEndian
	acl := bytes.Clone(emptyACL)
	for _, e := range [...]struct {
		tag, rights uint16
		id          uint32
	}{{userObj, 6, noID}, {user, 4, platform.EffectiveUID()}, {groupObj, 0, noID}, {mask, 4, noID}, {other, 0, noID}} {
		acl = le.AppendUint32(le.AppendUint16(le.AppendUint16(acl, e.tag), e.rights), e.id)
	}
	return keepsAttr(c, fd, attrACL, acl)
}

func keepsAttr(c *platform.Calls, fd platform.FD, attr platform.Name, value []byte) error {
	if err := c.Fsetxattr(fd, attr, value); err != nil {
		return err
	}
	var buf [256]byte
	n, err := c.Fgetxattr(fd, attr, buf[:])
	if err == nil && !bytes.Equal(buf[:n], value) {
		err = errNotKept
	}
	return err
}

// probeTime is 2001-09-09 01:46:41.123456789, whose seconds are odd: FAT keeps
// even ones.
var probeTime = platform.Time{Sec: 1_000_000_001, Nsec: 123_456_789}

// tryTimes finds the unit in which times are kept.
func (s *Scratch) tryTimes() ([]Figure, error) {
	fd, _, err := s.create()
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(fd)
	got, err := setTime(s.calls, fd, probeTime)
	if err != nil {
		return nil, err
	}
	kept, set := got.Sec*1e9+got.Nsec, probeTime.Sec*1e9+probeTime.Nsec
	for _, unit := range [...]int64{1, 100, 1e3, 1e6, 1e7, 1e9, 2e9} {
		if max(set-kept, kept-set) < unit {
			return []Figure{{"granularity", unit, "ns"}}, nil
		}
	}
	return nil, errNotKept
}

// tryFarTime sets 2242-03-16, which 32 bits of seconds can't hold.
func tryFarTime(c *platform.Calls, fd platform.FD) error {
	far := platform.Time{Sec: 1 << 33}
	got, err := setTime(c, fd, far)
	if err == nil && got != far {
		err = errNotKept
	}
	return err
}

func setTime(c *platform.Calls, fd platform.FD, mtime platform.Time) (platform.Time, error) {
	var st platform.Stat
	if err := c.Futimens(fd, mtime, mtime); err != nil {
		return platform.Time{}, err
	}
	err := c.Fstat(fd, &st)
	return st.Mtime, err
}

// tryDirect reads past the page cache, with the alignment that is asked for or,
// where the file system doesn't tell it, that is enough for most.
func (s *Scratch) tryDirect() ([]Figure, error) {
	fd, err := s.source(probeContent(ProbeLarge))
	if err != nil {
		return nil, err
	}
	defer s.calls.Close(fd)
	memory, offset, err := s.calls.DirectAlign(fd)
	if err != nil {
		return nil, err
	}
	if memory <= 0 || offset <= 0 || max(memory, offset) > ProbeLarge/2 {
		return nil, errCount("statx", offset, int64(memory))
	}
	if err := s.calls.SetDirect(fd, true); err != nil {
		return nil, err
	}
	var blocks directBlocks
	block := blocks.get(1, offset, memory)[0]
	n, err := s.calls.Pread(fd, block, int64(offset))
	if err == nil && !bytes.Equal(block[:max(n, 0)], probeContent(2 * offset)[offset:]) {
		err = errNotKept
	}
	if err != nil {
		return nil, err
	}
	return []Figure{{"memory", int64(memory), "bytes"}, {"offset", int64(offset), "bytes"}}, nil
}

func tryLease(c *platform.Calls, fd platform.FD) error {
	if err := c.Lease(fd); err != nil {
		return err
	}
	held, err := c.Leased(fd)
	if err == nil && !held {
		err = errBroken
	}
	if e := c.Unlease(fd); err == nil {
		err = e
	}
	return err
}

// KernelAbilities tries calls that hang on the kernel, or on what filters its
// calls (seccomp), and not on a file system. dir is an open directory; nothing
// is made in it. Where that is enough a call is made with a descriptor that is
// none: EBADF then says that the kernel has it.
func KernelAbilities(calls *platform.Calls, dir platform.FD) []Ability {
	present := func(err error) error {
		if platform.Present(err) {
			return nil
		}
		return err
	}
	var list []Ability
	add := func(name string, err error, figures ...Figure) { list = append(list, Ability{name, err, figures}) }
	var st platform.Stat
	fd, err := calls.OpenBeneath(dir, dot, platform.PathOnly|platform.Directory, 0)
	if err == nil {
		calls.Close(fd)
	}
	add("openat2", err)
	add("statx", calls.Statat(dir, dot, &st, true))
	add("faccessat2", calls.Accessat(dir, dot, 0))
	add("renameat2", present(calls.RenameNoReplace(platform.None, dot, platform.None, dot)))
	_, err = calls.CopyFileRange(platform.None, 0, platform.None, 0, 1)
	add("copy_file_range", present(err))
	_, err = calls.Sendfile(platform.None, platform.None, 0, 1)
	add("sendfile", present(err))
	_, err = calls.Splice(platform.None, nil, platform.None, nil, 1)
	add("splice", present(err))
	var cache platform.CacheState
	add("cachestat", present(calls.CacheState(platform.None, 0, 0, &cache)))
	size, err := tryPipe(calls)
	if err != nil {
		add("large pipes", err)
	} else {
		add("large pipes", nil, Figure{"room", int64(size), "bytes"})
	}
	return list
}

// tryPipe asks for the room that an unprivileged user may have in a pipe
// (/proc/sys/fs/pipe-max-size is 1 MiB unless set).
func tryPipe(calls *platform.Calls) (int, error) {
	r, w, err := calls.Pipe()
	if err != nil {
		return 0, err
	}
	defer calls.Close(r)
	defer calls.Close(w)
	return calls.SetPipeSize(w, 1<<20)
}
