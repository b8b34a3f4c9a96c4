package copier

import (
	"context"

	"github.com/zccp/zccp/platform"
)

// Put is one regular file to be made.
type Put struct {
	// Where: an open directory, its inode and device, and the name in it.
	Dir    platform.FD
	DirIno uint64
	DirDev uint64
	Name   platform.Name
	Stage  Stage // wanted; afterwards what was used

	// From: an open file and its state when it was opened.
	Src  platform.FD
	Stat *platform.Stat

	// Old is the file that is replaced, nil for a new name; OldFD is open for
	// writing on it and stays the caller's except with InPlace, when Put
	// closes it.
	Old   *platform.Stat
	OldFD platform.FD
	// KeepOld gives the new inode the old one's owner, mode, ACL and
	// attributes, which writing in place would have left alone.
	KeepOld bool
	// DefaultACL tells that the directory has one, which new files inherit.
	DefaultACL bool
	// Umask is the process's, for a mode that is nobody's where a default ACL
	// overrides it.
	Umask uint32
	// Deferred: the directory is published only after a flush of the whole
	// file system, so that with SyncBatch the file needs none of its own.
	Deferred bool
	// Rename makes whatever stands at the name be replaced, as if it were Old,
	// without a look at it. It is for Sibling.
	Rename bool
	// StageDir, if set, is where the file grows under a temporary name (Stage
	// is then Sibling). If that is another file system than Dir's, the whole
	// file is copied beside its name before it gets it.
	StageDir *StageDir
	// Hold leaves the whole file at HoldName in StageDir, or in Dir without
	// one, instead of giving it its name, so that the caller can rename many
	// at once. What stood at HoldName is replaced.
	Hold     bool
	HoldName platform.Name

	// Basis, where BasisStat is set, is a file open for reading, the caller's,
	// that the new content is expected to resemble; BasisStat is its state.
	Basis     platform.FD
	BasisStat *platform.Stat
	// Delta writes only what differs from the basis: into a clone of it, where
	// the file systems can do that, or with InPlace into the file itself,
	// which Basis must be open on then. Otherwise the file is copied whole.
	Delta bool
	// Append, with InPlace, keeps what the file holds.
	Append Append
	// Preallocate reserves all the space before the data is written, so that
	// a lack of it is told early. File systems that can't are left alone.
	Preallocate bool
	// Partial, if set, is what becomes of a file that fails halfway, and where
	// the next Put finds it. An unnamed file is then staged as Sibling.
	Partial *Partial
	// Resume stages a file of ResumeMin bytes and more in such a way that a
	// Put of the same source to the same name, in a later run, goes on where
	// this one was killed, cancelled or failed. See IsResumable.
	Resume bool
	// Progress, if set, hears of each piece of an Arrival that is stored, in
	// bytes, on the goroutine that stored it; of what is told again after
	// Restart once more. Put has Worker.Progress instead.
	Progress func(bytes int64)

	// Finish, if set, gives the staged file its metadata in place of what the
	// options say. It is called after the data, once for each attempt at a
	// source that changes, on a file of mode 0600 (InPlace: of the old mode).
	// Its error discards the file. The descriptor stays Put's.
	Finish func(fd platform.FD) (Lost, error)

	// BeforeCommit, if set, runs when the file is whole and before its name is
	// given (backups). Its error discards the file.
	BeforeCommit func() error

	// Why is the caller's, for its choice of Stage.
	Why string
	// Backup is the caller's, for what BeforeCommit made.
	Backup string

	Result Result
	Lost   Lost
}

// maxAttempts is how often a source that keeps changing is copied.
const maxAttempts = 3

// Put copies a regular file as p says. On an error nothing is at the name that
// was not there before (Stage InPlace excepted). p.Lost says what metadata
// could not be kept although the file was published.
func (w *Worker) Put(ctx context.Context, p *Put) error {
	w.share.put = p
	err := w.put(ctx, p)
	if err != nil && p.Stage == Unnamed && p.Stat.IsRegular() && noName(err) {
		// No unnamed file can be given a name here, so the next ones get
		// temporary names at once.
		w.c.noUnnamed.Store(p.DirDev, struct{}{})
		p.Result = Result{}
		err = w.put(ctx, p)
	}
	if err != nil {
		w.abandonCopy()
	} else {
		w.publishCopy(p)
	}
	w.share.put = nil
	return err
}

func (w *Worker) put(ctx context.Context, p *Put) error {
	s := &w.staged
	err := w.create(s, p, w.creationMode(p))
	if err == nil {
		if err = w.fill(ctx, s, p); err != nil && w.keep(s, p, err) {
			return err
		}
	}
	if err == nil && p.BeforeCommit != nil {
		err = p.BeforeCommit()
	}
	if err == nil {
		err = w.commit(ctx, s, p)
	}
	if err != nil {
		s.Discard()
	}
	return err
}

// creationMode: never special bits before the content is whole, and nothing
// for others while a replaced file's permissions are not yet known to fit.
func (w *Worker) creationMode(p *Put) uint32 {
	switch pr := &w.c.opts.Preserve; {
	case p.KeepOld, p.Finish != nil:
		return 0o600
	case pr.NoMode:
		return 0o666
	}
	return p.Stat.Mode & platform.ModePerm
}

// fill makes the staged file whole: data, metadata, and the proof that the
// source held still meanwhile.
func (w *Worker) fill(ctx context.Context, s *Staged, p *Put) error {
	for {
		p.Result.Attempts++
		p.Lost = Lost{}
		suspect := w.beingWritten(p)
		if err := w.content(ctx, s, p); err != nil {
			return err
		}
		same := true
		if suspect {
			var err error
			if same, err = w.readsSame(ctx, s.fd, p); err != nil {
				return err
			}
		}
		if err := w.metadata(s.fd, p); err != nil {
			return err
		}
		if !p.Stat.IsRegular() {
			break // a pipe or device is never the same twice
		}
		if err := w.calls.Fstat(p.Src, &w.srcNow); err != nil {
			return step(StepStat, err)
		}
		if w.c.opts.AttributesOnly || same && w.srcNow.Unchanged(p.Stat) {
			break // without data there is nothing that could be torn
		}
		if p.Result.Attempts == maxAttempts || p.Result.Method == Mmap {
			// A mapped source that was cut is not tried again: there may be
			// pages of zeros in the copy, and the next cut may come sooner.
			return ErrChanged
		}
		*p.Stat = w.srcNow
		p.Result = Result{Attempts: p.Result.Attempts}
		if w.patches(p) || !p.cuts() {
			continue // over what it holds
		}
		s.have, s.trusted, s.journal = 0, 0, nil
		if err := w.empty(s.fd); err != nil {
			return err
		}
	}
	if w.c.opts.Verify != NoHash && !w.c.opts.AttributesOnly && p.Stat.IsRegular() {
		if err := w.verified(ctx, s.fd, p); err != nil {
			return err
		}
	}
	if f := w.c.opts.Fsync; f != NoSync && !(f == SyncBatch && p.Deferred) {
		if err := w.calls.Fsync(s.fd); err != nil {
			return step(StepSync, err)
		}
	}
	return nil
}

// metadata gives the file what the caller or else the options say.
func (w *Worker) metadata(fd platform.FD, p *Put) (err error) {
	if p.Finish == nil {
		return w.attributes(fd, p)
	}
	p.Lost, err = p.Finish(fd)
	return err
}

// verified verifies and leaves the times as they were: reading the file
// changed its access time.
func (w *Worker) verified(ctx context.Context, fd platform.FD, p *Put) error {
	if p.Finish == nil {
		err := w.verify(ctx, fd, p)
		if err == nil {
			w.times(fd, p)
		}
		return err
	}
	if err := w.calls.Fstat(fd, &w.dstNow); err != nil {
		return step(StepStat, err)
	}
	if err := w.verify(ctx, fd, p); err != nil {
		return err
	}
	if err := w.calls.Futimens(fd, w.dstNow.Atime, w.dstNow.Mtime); err != nil {
		p.Lost.add(AttrTimes, StepTimes, err, true)
	}
	return nil
}

// empty takes a staged file back to what Data wants: sendfile moved its
// position.
func (w *Worker) empty(fd platform.FD) error {
	t := transfer{dst: fd}
	if err := w.truncate(&t, 0); err != nil {
		return err
	}
	_, err := w.seek(fd, 0, platform.SeekSet)
	return step(StepSize, err)
}
