package copier

import "github.com/zccp/zccp/platform"

// CanResume reports whether Abandon leaves what has arrived of p for a later
// run, with Put.Resume. It is not for files that grow elsewhere or in place.
func (w *Worker) CanResume(p *Put) bool {
	return w.resumes(p) && p.StageDir == nil && !p.Hold
}

// ResumeName returns the name in p.Dir under which Abandon leaves it. It follows
// from the directory, p.Name, and what p.Stat says of the source. IsResumable
// holds for it.
func ResumeName(p *Put) platform.Name {
	return resumeName(make([]byte, 0, TempSize), identity(p), p.DirIno)
}

// Outlive gives the file the name at which Abandon would leave it, if nothing is
// there, so that a process that is killed leaves it too: with what has arrived,
// which may have gaps. It is for content that nobody can have forged, and may be
// called again and while pieces are under way.
func (a *Arrival) Outlive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resume == nil || a.outlives || a.s.stage != Sibling {
		return
	}
	a.outlives = true
	if RenameNew(a.calls, a.s.grow, a.s.grown, a.s.grow, a.resume) == nil {
		a.s.grown = a.resume
	}
}

// leave gives what has arrived without a gap the name that a later run looks
// for, in place of what an earlier one left there. It is closed then.
func (w *Worker) leave(a *Arrival) bool {
	a.mu.Lock()
	n := min(a.told.prefix(), a.bad)
	a.mu.Unlock()
	if a.s.stage != Sibling || n == 0 {
		return false
	}
	err := a.s.retry(func() error { return w.calls.Ftruncate(a.s.fd, n) })
	if err == nil {
		err = a.s.retry(func() error { return w.calls.Renameat(a.s.grow, a.s.grown, a.s.grow, a.resume) })
	}
	if err != nil {
		return false
	}
	w.calls.Close(a.s.fd)
	a.s.fd = platform.None
	return true
}
