package copier

import (
	"errors"
	"math"

	"github.com/zccp/zccp/platform"
)

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

// Outlive gives the file the name at which Abandon would leave it, so that a
// process that is killed leaves it too: with what has arrived, which may have
// gaps. Where an earlier run left more it does so once there is more. It is for
// content that nobody can have forged, and may be called again and while pieces
// are under way.
func (a *Arrival) Outlive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resume == nil || a.spoilt || a.outlives || a.s.stage != Sibling || a.rival > 0 && a.arrived() <= a.rival {
		return
	}
	a.takeName()
}

// arrived returns how much has arrived without a gap. a.mu is held.
func (a *Arrival) arrived() int64 { return min(a.told.prefix(), a.bad) }

// takeName gives the file the name resume, if nothing is there, or what nobody
// writes to and is less. a.mu is held.
func (a *Arrival) takeName() {
	err := RenameNew(a.calls, a.s.grow, a.s.grown, a.s.grow, a.resume)
	if platform.Exists(err) {
		a.rival = math.MaxInt64
		err = a.replaceRival()
	}
	if err == nil {
		a.s.grown, a.outlives = a.resume, true
	}
}

// replaceRival renames the file over what stands at the name resume while it
// holds that one's lock: who has it is alive, and will publish that name.
func (a *Arrival) replaceRival() error {
	fd, err := a.calls.Openat(a.s.grow, a.resume, platform.ReadWrite|platform.NoFollow|platform.NonBlock|platform.NoCTTY, 0)
	if err != nil {
		return err
	}
	defer a.calls.Close(fd)
	var st platform.Stat
	if !a.c.owns(a.calls, fd, a.s.grow, a.resume, &st) {
		return errRival
	}
	if a.rival = st.Size; a.arrived() <= a.rival {
		return errRival
	}
	return repeated(func() error { return a.calls.Renameat(a.s.grow, a.s.grown, a.s.grow, a.resume) })
}

var errRival = errors.New("another file keeps the name")

// hideAgain takes the name back that Outlive gave. a.mu is held.
func (a *Arrival) hideAgain() {
	if !a.outlives {
		return
	}
	name := TempName(make([]byte, 0, TempSize), a.p.DirIno)
	if RenameNew(a.calls, a.s.grow, a.s.grown, a.s.grow, name) == nil {
		a.s.grown, a.outlives = name, false
	}
}

// leave gives what has arrived without a gap the name that a later run looks
// for, unless what is there is more or somebody's. It is closed then.
func (w *Worker) leave(a *Arrival) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.arrived()
	if a.s.stage != Sibling || n == 0 {
		return false
	}
	if a.s.retry(func() error { return w.calls.Ftruncate(a.s.fd, n) }) != nil {
		return false
	}
	if !a.outlives {
		a.takeName()
	}
	if !a.outlives {
		return false
	}
	w.calls.Close(a.s.fd)
	a.s.fd = platform.None
	return true
}
