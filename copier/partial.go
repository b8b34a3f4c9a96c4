package copier

import (
	"errors"

	"github.com/zccp/zccp/platform"
)

// Partial says where a file that is not whole is kept, and is looked for.
type Partial struct {
	// Dir is an open directory, the caller's, or None: then Make is called if
	// something is to be kept, and closes nothing that it returns.
	Dir  platform.FD
	Make func() (platform.FD, error)
	Name platform.Name
	// Final: the name is that of the file itself. What is kept there replaces
	// the old file; its modification time is the epoch, so that no comparison
	// of times takes it for whole, as rsync does it.
	Final bool
	// Finish, if set, gives what is kept its metadata; its mode is 0600 else.
	Finish func(fd platform.FD) error

	Kept bool // afterwards: something is there
}

// keep saves what is good of a file that failed with err, and reports whether
// it did. Nothing is worth it of a source that changed or of what differs.
func (w *Worker) keep(s *Staged, p *Put, err error) bool {
	staged := s.stage == Sibling || s.stage == Plain
	if !staged || s.fd == platform.None || errors.Is(err, ErrVerify) || errors.Is(err, ErrChanged) {
		return false
	}
	if s.found && s.good+s.have > 0 {
		// Under the name that it has: it is compared before it is used.
		w.calls.Close(s.fd)
		s.fd = platform.None
		if p.Partial != nil && s.journal == nil {
			p.Partial.Kept = true
		}
		return true
	}
	if p.Partial == nil || s.good == 0 {
		return false
	}
	if w.keepPartial(s, p) != nil {
		s.Discard()
	}
	return true
}

func (w *Worker) keepPartial(s *Staged, p *Put) error {
	k := p.Partial
	dir, err := k.Dir, error(nil)
	if dir == platform.None {
		dir, err = k.Make()
	}
	if err == nil {
		// What is behind is not the source's: of a basis, or nothing yet.
		err = s.retry(func() error { return w.calls.Ftruncate(s.fd, s.good) })
	}
	if err == nil && k.Finish != nil {
		err = k.Finish(s.fd)
	} else if err == nil {
		err = w.calls.Fchmod(s.fd, 0o600)
	}
	if err == nil && k.Final {
		err = w.calls.Futimens(s.fd, platform.Time{Nsec: platform.TimeOmit}, platform.Time{})
	}
	if err == nil && k.Final && p.BeforeCommit != nil {
		err = p.BeforeCommit()
	}
	if err != nil {
		return err
	}
	from, name := s.dir, s.name
	if s.stage == Sibling {
		from, name = s.grow, s.grown
	}
	err = s.closeThen(func() error {
		return s.retry(func() error { return w.calls.Renameat(from, name, dir, k.Name) })
	})
	k.Kept = err == nil
	return err
}

// takePartial opens what was kept of the file as what it grows from now on. It
// stays under its name until it is whole.
func (w *Worker) takePartial(s *Staged, p *Put, access int) bool {
	k := p.Partial
	if k.Dir == platform.None || k.Final {
		return false
	}
	// It is renamed to where it would have grown without it.
	home := p.DirDev
	if p.StageDir != nil {
		if w.calls.Fstat(p.StageDir.Dir, &w.dstNow) != nil {
			return false
		}
		home = w.dstNow.Dev
	}
	fd, err := w.open(k.Dir, k.Name, access|platform.NoFollow|platform.NonBlock, 0)
	if err != nil {
		return false
	}
	s.fd, s.grow, s.grown = fd, k.Dir, k.Name
	if !w.own(s) || w.dstNow.Dev != home || w.calls.Fchmod(fd, 0o600) != nil {
		w.calls.Close(fd)
		s.fd = platform.None
		return false
	}
	s.found = true
	s.have = w.dstNow.Size
	return true
}

// own locks an open file and reports whether it stands at its name, belongs to
// this run and to nobody else, so that it may be written into. w.dstNow is its
// state then.
func (w *Worker) own(s *Staged) bool {
	return w.c.owns(w.calls, s.fd, s.grow, s.grown, &w.dstNow)
}

// owns is own for an open file and the name that it was opened by; st is its
// state then.
func (c *Copier) owns(calls *platform.Calls, fd, dir platform.FD, name platform.Name, st *platform.Stat) bool {
	if repeated(func() error { return calls.Flock(fd, true) }) != nil {
		return false
	}
	var named platform.Stat
	return calls.Fstat(fd, st) == nil && st.IsRegular() && st.UID == c.selfUID && st.Nlink == 1 &&
		calls.Statat(dir, name, &named, false) == nil && named.SameInode(st)
}

// hide gives a file that another run may look for a name that it can't guess.
// The lock ends when the file is closed, before it gets its name, and nobody
// is to write into what has one.
func (s *Staged) hide(p *Put) error {
	if !s.found {
		return nil
	}
	dir, ino := p.nursery()
	var b [TempSize]byte
	name := TempName(b[:0], ino)
	err := s.retry(func() error { return s.calls.RenameNoReplace(s.grow, s.grown, dir, name) })
	if platform.Unsupported(err) {
		err = s.retry(func() error { return s.calls.Renameat(s.grow, s.grown, dir, name) })
	}
	if err != nil {
		return err
	}
	s.temp = b
	s.grow, s.grown, s.found = dir, s.temp[:], false
	return nil
}
