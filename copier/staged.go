package copier

import (
	"context"

	"github.com/zccp/zccp/platform"
)

// Stage is where a file grows before it may be seen.
type Stage uint8

// The stages, cheapest first.
const (
	// Plain: under its final name in a directory that is unpublished itself.
	Plain Stage = iota
	// Unnamed: O_TMPFILE; a killed run leaves nothing. For new names.
	Unnamed
	// Sibling: a temporary name beside the final one, renamed over it.
	Sibling
	// InPlace: into the existing file, as cp does it. A failure leaves a part.
	InPlace
)

var stageNames = [...]string{Plain: "staged directory", Unnamed: "unnamed file", Sibling: "temporary name", InPlace: "in place"}

func (s Stage) String() string { return stageNames[s] }

// Staged is a file that is not yet at its name. Commit it once; Discard is
// safe at any time, and does nothing after Commit.
type Staged struct {
	calls  *platform.Calls
	dir    platform.FD // the caller's
	dirIno uint64
	name   platform.Name
	fd     platform.FD
	stage  Stage
	grow   platform.FD   // where a Sibling grows; dir but for StageDir
	grown  platform.Name // its name there
	temp   [TempSize]byte
	cloned bool // it came into being as a clone of the source

	// Of content that was there before.
	have    int64    // what may be as it is to be, once compared
	trusted int64    // what is known to be
	good    int64    // what is as the source has it, after an error
	journal *journal // of a file that can be resumed
	found   bool     // grown is a name that another run may look for
}

// StageDir is a directory for files that are not whole yet: an open
// descriptor, which stays the caller's, and its inode number.
type StageDir struct {
	Dir platform.FD
	Ino uint64
}

const createFlags = platform.Create | platform.Exclusive | platform.NoFollow

// create opens the staged file. mode is subject to the umask.
func (w *Worker) create(s *Staged, p *Put, mode uint32) error {
	// For reading too: what is stored may have to be looked at again.
	const access = platform.ReadWrite
	s.calls, s.dir, s.dirIno, s.name, s.stage, s.fd = w.calls, p.Dir, p.DirIno, p.Name, p.Stage, platform.None
	s.have, s.trusted, s.good, s.journal, s.found = 0, 0, 0, nil, false
	s.cloned = false
	if (p.StageDir != nil || p.Hold) && s.stage != InPlace || s.stage == Unnamed && (p.Partial != nil || w.resumes(p)) {
		s.stage = Sibling
	}
	if s.stage == Unnamed {
		if _, lacks := w.c.noUnnamed.Load(p.DirDev); lacks {
			s.stage = Sibling
		}
	}
	var err error
	switch s.stage {
	case Plain:
		if s.fd, err = w.newClone(s, p, p.Dir, p.Name, access, mode); err == nil && !s.cloned {
			s.fd, err = w.open(p.Dir, p.Name, access|createFlags, mode)
		}
	case Unnamed:
		s.fd, err = w.open(p.Dir, dot, access|platform.Unnamed, mode)
		if err != nil && platform.NoUnnamedFiles(err) {
			w.c.noUnnamed.Store(p.DirDev, struct{}{})
			s.stage = Sibling
			err = w.createSibling(s, p, access, mode)
		}
	case Sibling:
		err = w.createSibling(s, p, access, mode)
	case InPlace:
		s.fd = p.OldFD
		if w.c.opts.AttributesOnly {
			break
		}
		if w.patches(p) {
			err = w.lookInto(s)
			break
		}
		if !p.cuts() {
			break
		}
		err = w.calls.Ftruncate(s.fd, 0)
		for i := 0; platform.Interrupted(err) && i < maxRepeats; i++ {
			err = w.calls.Ftruncate(s.fd, 0)
		}
	}
	p.Stage = s.stage
	return step(StepCreate, err)
}

var dot = platform.MustName(".")

// createSibling also locks the file, which tells another run that its owner
// lives: the lock ends with the process, however it ends.
func (w *Worker) createSibling(s *Staged, p *Put, access int, mode uint32) error {
	if w.c.opts.Preserve.Mode {
		mode = 0o600 // its name can be seen before its ACL is set
	}
	var ino uint64
	s.grow, ino = p.nursery()
	for i := 0; ; i++ {
		s.grown = TempName(s.temp[:0], ino)
		fd, err := w.newClone(s, p, s.grow, s.grown, access, mode)
		if err == nil && !s.cloned {
			if i == 0 {
				if taken, err := w.takeUp(s, p, access); taken || err != nil {
					return err
				}
				s.grown = TempName(s.temp[:0], ino)
			}
			fd, err = w.open(s.grow, s.grown, access|createFlags, mode)
		}
		if platform.Exists(err) && i < 100 {
			continue
		}
		if err != nil {
			return err
		}
		s.fd = fd
		err = w.calls.Flock(fd, true)
		if err == nil || platform.Unsupported(err) || platform.Interrupted(err) {
			return nil
		}
		s.Discard()
		if !platform.WouldBlock(err) || i >= 100 {
			return err
		}
		// A run that sweeps was quicker and removes it.
	}
}

// nursery returns where a Sibling grows, and its inode number.
func (p *Put) nursery() (platform.FD, uint64) {
	if p.StageDir != nil {
		return p.StageDir.Dir, p.StageDir.Ino
	}
	return p.Dir, p.DirIno
}

func (w *Worker) open(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
	for i := 0; ; i++ {
		fd, err := w.calls.Openat(dir, name, flags, mode)
		if !platform.Interrupted(err) || i >= maxRepeats {
			return fd, err
		}
	}
}

// commit gives the file its name, or the one to wait at, and closes it. After
// an error the name is what it was before.
func (w *Worker) commit(ctx context.Context, s *Staged, p *Put) error {
	switch s.stage {
	case Plain, InPlace:
		return s.closeThen(nil)
	case Unnamed:
		if err := s.retry(func() error { return s.calls.LinkFD(s.fd, s.dir, s.name) }); err != nil {
			return step(StepPublish, err)
		}
		s.stage = Plain // it has a name now, which Discard removes
		return s.closeThen(nil)
	}
	if err := s.hide(p); err != nil {
		return step(StepPublish, err)
	}
	return s.closeThen(func() error {
		if p.Hold {
			return s.retry(func() error { return s.calls.Renameat(s.grow, s.grown, s.grow, p.HoldName) })
		}
		err := s.rename(p.Old != nil || p.Rename)
		if platform.OtherDevice(err) && p.StageDir != nil {
			return w.commitAcross(ctx, s, p)
		}
		return err
	})
}

// rename gives a Sibling its name.
func (s *Staged) rename(replaces bool) error {
	if replaces {
		return s.retry(func() error { return s.calls.Renameat(s.grow, s.grown, s.dir, s.name) })
	}
	return RenameNew(s.calls, s.grow, s.grown, s.dir, s.name)
}

// commitAcross takes a whole file from a StageDir of another file system: it
// is copied beside its name, so that even then nobody sees a part of it.
func (w *Worker) commitAcross(ctx context.Context, far *Staged, p *Put) error {
	src, err := w.open(far.grow, far.grown, platform.ReadOnly|platform.NoFollow, 0)
	if err != nil {
		return err
	}
	defer w.calls.Close(src)
	if err := w.commitCopy(ctx, src, p); err != nil {
		return err
	}
	far.remove()
	return nil
}

// commitCopy copies a whole file that was staged beside its name, and gives it
// that.
func (w *Worker) commitCopy(ctx context.Context, src platform.FD, p *Put) error {
	var st platform.Stat
	if err := w.calls.Fstat(src, &st); err != nil {
		return err
	}
	// The same file with another source, and nothing to be found out about it
	// any more; its metadata still come from the first one.
	near := *p
	near.StageDir, near.Stage, near.Src, near.Stat, near.Result = nil, Sibling, src, &st, Result{}
	near.Finish = func(fd platform.FD) (Lost, error) {
		p.Lost = Lost{}
		err := w.metadata(fd, p)
		return p.Lost, err
	}
	near.Delta, near.Partial, near.Resume = false, nil, false
	near.BeforeCommit = nil // it ran
	s := new(Staged)
	err := w.create(s, &near, 0o600)
	if err == nil {
		err = w.fill(ctx, s, &near)
	}
	if err == nil {
		err = w.commit(ctx, s, &near)
	}
	if err != nil {
		s.Discard()
	}
	return err
}

func (s *Staged) retry(call func() error) error { return repeated(call) }

// closeThen closes the file, whose error can be that of delayed writes, and
// only then publishes it.
func (s *Staged) closeThen(publish func() error) error {
	fd := s.fd
	s.fd = platform.None
	if err := s.calls.Close(fd); err != nil {
		s.remove()
		return step(StepClose, err)
	}
	if publish != nil {
		if err := publish(); err != nil {
			s.remove()
			if _, told := err.(*StepError); told {
				return err
			}
			return step(StepPublish, err)
		}
	}
	return nil
}

// noName reports that an unnamed file can't be linked: by this file system, for
// want of /proc, or because something forbids the call.
func noName(err error) bool {
	s, ok := err.(*StepError)
	return ok && s.Step == StepPublish &&
		(platform.NoUnnamedFiles(s.Err) || platform.Denied(s.Err) || platform.OtherDevice(s.Err))
}

// Discard closes and removes what is staged.
func (s *Staged) Discard() {
	if s.fd == platform.None {
		return
	}
	s.calls.Close(s.fd)
	s.fd = platform.None
	s.remove()
}

func (s *Staged) remove() {
	switch s.stage {
	case Plain:
		err := s.retry(func() error { return s.calls.Unlinkat(s.dir, s.name) })
		if err != nil && !platform.NotExist(err) {
			// What can't be removed may not pass for the whole file either.
			temp := TempName(s.temp[:0], s.dirIno)
			s.retry(func() error { return s.calls.Renameat(s.dir, s.name, s.dir, temp) })
		}
	case Sibling:
		s.retry(func() error { return s.calls.Unlinkat(s.grow, s.grown) })
	}
}
