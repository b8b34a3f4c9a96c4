package verify

import (
	"container/list"
	"errors"
	"sync"

	"github.com/zccp/zccp/platform"
)

// errReplaced says that a name no longer leads to the directory it did.
var errReplaced = errors.New("directory was replaced while being compared")

var (
	dot    = platform.MustName(".")
	dotdot = platform.MustName("..")
)

// openDirFlags open a directory below a root.
const openDirFlags = platform.ReadOnly | platform.Directory | platform.NoFollow | platform.NonBlock | platform.NoAtime

// pool holds pairs of directories open. Of those that nobody uses it gives up
// the ones whose use is longest ago while there are more than max: a walk that
// goes depth first comes back to the others first.
//
// A pair that was given up is opened again from the nearest one above it that is
// open, by name, or from the nearest one on the way that was last taken below
// it, by "..": one level after the other, with two descriptors for each side.
// Coming back to it after a directory below is done is by "..", too. Without
// that a tree of n levels with two directories in each takes n*n/2 opens.
type pool struct {
	calls *platform.Calls
	max   int

	mu   sync.Mutex
	open int
	idle list.List // of *dir, that of the least recent use first
}

// pin takes d in, which is in use and stays open for good: the roots.
func (p *pool) pin(d *dir) { d.pinned, d.users = true, 2 }

// add takes over open descriptors of d, which is in use then.
func (p *pool) add(d *dir, fd [2]platform.FD) {
	p.mu.Lock()
	p.opened(d, fd)
	up := d.parent
	if d.after = up.below; d.after != nil {
		d.after.before = d
	}
	up.below = d
	p.mu.Unlock()
	p.shed()
}

// use makes sure that d is open until release.
func (p *pool) use(d *dir) (err error) {
	p.mu.Lock()
	if d.isOpen() {
		p.busy(d)
		p.mu.Unlock()
		return nil
	}
	err = p.reopen(d)
	p.mu.Unlock()
	p.shed()
	return err
}

func (p *pool) busy(d *dir) {
	if d.idle != nil {
		p.idle.Remove(d.idle)
		d.idle = nil
	}
	d.users++
}

func (p *pool) release(d *dir) {
	p.mu.Lock()
	if d.users--; d.users == 0 {
		d.idle = p.idle.PushBack(d)
	}
	p.mu.Unlock()
	p.shed()
}

// shed gives up what is too many.
func (p *pool) shed() {
	for {
		p.mu.Lock()
		first := p.idle.Front()
		if p.open <= p.max || first == nil {
			p.mu.Unlock()
			return
		}
		fd := p.take(first.Value.(*dir))
		p.mu.Unlock()
		p.close(fd)
	}
}

// take makes d closed; the caller closes what it returns. p.mu is held.
func (p *pool) take(d *dir) (fd [2]platform.FD) {
	if d.idle != nil {
		p.idle.Remove(d.idle)
		d.idle = nil
	}
	fd, d.fd = d.fd, closed
	p.open--
	return fd
}

func (p *pool) close(fd [2]platform.FD) {
	for _, fd := range fd {
		if fd != platform.None {
			p.calls.Close(fd)
		}
	}
}

// retire closes d, which is done with, and comes back to its parent if that
// was given up.
func (p *pool) retire(d *dir) {
	if d.pinned {
		return
	}
	p.mu.Lock()
	p.leave(d)
	if !d.isOpen() {
		p.mu.Unlock()
		return
	}
	if up := d.parent; !up.isOpen() {
		if fd, err := p.openSame(d.fd, dotdot, &up.st); err == nil {
			up.fd = fd
			p.open++
			up.idle = p.idle.PushBack(up)
		}
	}
	fd := p.take(d)
	p.mu.Unlock()
	p.close(fd)
	p.shed()
}

// leave takes d out of the list of its parent.
func (p *pool) leave(d *dir) {
	if d.before != nil {
		d.before.after = d.after
	} else {
		d.parent.below = d.after
	}
	if d.after != nil {
		d.after.before = d.before
	}
	d.before, d.after = nil, nil
}

// reopen opens d from the nearest pair above or below it that is open. On
// success it is in use. p.mu is held: neither goes meanwhile.
func (p *pool) reopen(d *dir) error {
	var way []*dir // from d upwards, to be opened by name
	up, down := d, d
	for ; !up.isOpen(); up = up.parent {
		way = append(way, up)
		if down == nil {
			continue
		}
		if down = down.below; down != nil && down.isOpen() {
			if fd, err := p.climb(down, d); err == nil {
				p.opened(d, fd)
				return nil
			}
			down = nil // somebody moved it; the names decide
		}
	}
	from := up.fd
	for i := len(way) - 1; i >= 0; i-- {
		fd, err := p.openSame(from, way[i].name, &way[i].st)
		if i < len(way)-1 {
			p.close(from)
		}
		if err != nil {
			return err
		}
		from = fd
	}
	p.opened(d, from)
	return nil
}

// climb opens d from a pair below it.
func (p *pool) climb(below, d *dir) (fd [2]platform.FD, err error) {
	from := below.fd
	for at := below; at != d; at = at.parent {
		fd, err = p.openSame(from, dotdot, &at.parent.st)
		if at != below {
			p.close(from)
		}
		if err != nil {
			return closed, err
		}
		from = fd
	}
	return fd, nil
}

func (p *pool) opened(d *dir, fd [2]platform.FD) {
	d.fd = fd
	p.open++
	d.users++
}

// openSame opens a pair that must be the inodes given.
func (p *pool) openSame(from [2]platform.FD, name platform.Name, want *[2]platform.Stat) (fd [2]platform.FD, err error) {
	fd = closed
	for side := range fd {
		if fd[side], err = open(p.calls, from[side], name, openDirFlags); err != nil {
			fd[side] = platform.None
		} else {
			err = p.same(fd[side], &want[side])
		}
		if err != nil {
			p.close(fd)
			return closed, &sideError{side, err}
		}
	}
	return fd, nil
}

// same fails unless fd is the inode wanted.
func (p *pool) same(fd platform.FD, want *platform.Stat) error {
	var st platform.Stat
	err := p.calls.Fstat(fd, &st)
	if err == nil && !st.SameInode(want) {
		err = errReplaced
	}
	return err
}

// open is Openat, without O_NOATIME where that is for the owner only (open(2)).
func open(calls *platform.Calls, dir platform.FD, name platform.Name, flags int) (platform.FD, error) {
	fd, err := calls.Openat(dir, name, flags, 0)
	if flags&platform.NoAtime != 0 && platform.NotPermitted(err) {
		fd, err = calls.Openat(dir, name, flags&^platform.NoAtime, 0)
	}
	return fd, err
}
