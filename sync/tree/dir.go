package tree

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

// ErrReplaced says that a name no longer leads to the directory it did.
var ErrReplaced = errors.New("directory was replaced meanwhile")

// DirFlags open a directory to be listed and worked in.
const DirFlags = platform.ReadOnly | platform.Directory | platform.NonBlock

// Pool bounds how many directories are held open at once, so that neither the
// depth of a tree nor the work that waits costs descriptors.
type Pool struct {
	// NoAtime leaves access times alone where that is permitted. It is set
	// before the first use.
	NoAtime bool

	calls *platform.Calls
	max   int32
	open  atomic.Int32

	mu   sync.Mutex
	held map[*Dir]struct{} // those that are open, but for roots
}

// NewPool returns a Pool that keeps about max directories open.
func NewPool(calls *platform.Calls, max int) *Pool {
	return &Pool{calls: calls, max: int32(max), held: map[*Dir]struct{}{}}
}

// Close closes what a run that was cut short has left open; roots close
// themselves. Nobody uses a Dir of the pool any more.
func (p *Pool) Close() {
	p.mu.Lock()
	left := slices.Collect(maps.Keys(p.held))
	p.mu.Unlock()
	for _, d := range left {
		d.mu.Lock()
		d.shut()
		d.mu.Unlock()
	}
}

func (p *Pool) opened(d *Dir) {
	p.open.Add(1)
	p.mu.Lock()
	p.held[d] = struct{}{}
	p.mu.Unlock()
}

func (p *Pool) closed(d *Dir) {
	p.open.Add(-1)
	p.mu.Lock()
	delete(p.held, d)
	p.mu.Unlock()
}

// Dir is a directory that work goes on in. While nobody uses it its descriptor
// may be given up; whoever uses it again gets it by name from the parent, seen
// to be the same inode. It is safe for concurrent use.
type Dir struct {
	Dev, Ino uint64

	pool   *Pool
	parent *Dir // nil: a root, open for good
	follow bool // reached through a symbolic link

	mu    sync.Mutex
	name  platform.Name
	fd    platform.FD
	users int
	done  bool
}

// Root wraps a directory that stays open until Close; st is its state.
func (p *Pool) Root(fd platform.FD, st *platform.Stat) *Dir {
	return &Dir{pool: p, fd: fd, Dev: st.Dev, Ino: st.Ino, users: 1}
}

// Open opens a directory below parent, which is in use, and tells its state.
// The Dir is in use.
func (p *Pool) Open(parent *Dir, name platform.Name, follow bool, st *platform.Stat) (*Dir, error) {
	fd, err := p.openat(parent.fd, name, follow)
	if err != nil {
		return nil, err
	}
	if err := p.calls.Fstat(fd, st); err != nil {
		p.calls.Close(fd)
		return nil, err
	}
	d := &Dir{pool: p, parent: parent, name: name.Clone(), follow: follow, fd: fd, Dev: st.Dev, Ino: st.Ino, users: 1}
	p.opened(d)
	return d, nil
}

func (p *Pool) openat(dir platform.FD, name platform.Name, follow bool) (platform.FD, error) {
	flags := DirFlags
	if !follow {
		flags |= platform.NoFollow
	}
	if p.NoAtime {
		flags |= platform.NoAtime
	}
	for i := 0; ; i++ {
		fd, err := p.calls.Openat(dir, name, flags, 0)
		if flags&platform.NoAtime != 0 && platform.NotPermitted(err) {
			// Only the owner may leave the access time alone (open(2)).
			flags &^= platform.NoAtime
			continue
		}
		if !platform.Interrupted(err) || i >= maxRepeats {
			return fd, err
		}
	}
}

const maxRepeats = 1000

// FD returns the descriptor of a directory in use.
func (d *Dir) FD() platform.FD { return d.fd }

// Use makes sure that the descriptor is open until Release.
func (d *Dir) Use() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users++
	if d.fd != platform.None {
		return nil
	}
	if err := d.reopen(); err != nil {
		d.users--
		return err
	}
	return nil
}

// reopen gets the descriptor again. d.mu is held; locks are taken from child
// to parent only.
func (d *Dir) reopen() error {
	if err := d.parent.Use(); err != nil {
		return err
	}
	defer d.parent.Release()
	return d.openFrom(d.parent.fd, d.name, d.follow)
}

func (d *Dir) openFrom(dir platform.FD, name platform.Name, follow bool) error {
	fd, err := d.pool.openat(dir, name, follow)
	if err != nil {
		return err
	}
	var st platform.Stat
	if err = d.pool.calls.Fstat(fd, &st); err == nil && (st.Dev != d.Dev || st.Ino != d.Ino) {
		err = ErrReplaced
	}
	if err != nil {
		d.pool.calls.Close(fd)
		return err
	}
	d.fd = fd
	d.pool.opened(d)
	return nil
}

// Release ends a use.
func (d *Dir) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users--
	if d.users == 0 && d.parent != nil && (d.done || d.pool.open.Load() > d.pool.max) {
		d.shut()
	}
}

// Done says that nobody will need the directory soon: it is closed with its
// last use.
func (d *Dir) Done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = true
	if d.users == 0 && d.parent != nil {
		d.shut()
	}
}

func (d *Dir) shut() {
	if d.fd != platform.None {
		d.pool.calls.Close(d.fd)
		d.fd = platform.None
		d.pool.closed(d)
	}
}

// Close closes a root.
func (d *Dir) Close() {
	if d.fd != platform.None {
		d.pool.calls.Close(d.fd)
		d.fd = platform.None
	}
}

// Renamed says which name the directory has in its parent now. rename makes it
// so; nobody comes back to the directory meanwhile.
func (d *Dir) Renamed(name platform.Name, rename func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := rename()
	if err == nil {
		d.name = name.Clone()
	}
	return err
}

// Raise gets back the descriptor of the parent of a directory in use if it was
// given up, which from here costs the same at any depth.
func (d *Dir) Raise() {
	p := d.parent
	if p == nil || p.parent == nil || d.follow {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd == platform.None {
		p.openFrom(d.fd, dotdot, false)
	}
}

var dotdot = platform.MustName("..")

// Hold counts a use without opening anything, for who gave up a use that its
// caller is going to end.
func (d *Dir) Hold() {
	d.mu.Lock()
	d.users++
	d.mu.Unlock()
}
