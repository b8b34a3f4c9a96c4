package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/wire"
)

// Peer is what a Receiver asks of the other end. Its methods are called from
// several goroutines at once and must not wait for the network.
type Peer interface {
	// Need asks for a file of about size bytes, NeedDelta for what of it differs
	// from a basis. What was asked for may be held back until Flush.
	Need(id wire.FileID, size int64)
	NeedDelta(id wire.FileID, size int64, basis *Basis)
	Flush()
	// DirDone says that no more files of a directory will be asked for.
	DirDone(dir uint32)
	// Remove says that a file has arrived and is to go at the source.
	Remove(id wire.FileID)
}

// ErrViolation is wrapped by the errors of a peer that breaks the protocol.
var ErrViolation = errors.New("protocol violation")

func violation(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrViolation, fmt.Sprintf(format, a...))
}

// maxOutstanding bounds the files that were asked for and have not arrived,
// some 700 bytes each: beyond it listings are not worked off, which in the end
// stops the sender's walk.
const maxOutstanding = 20_000

// Receiver is the half of a run that has no sources. Its methods are safe for
// concurrent use, but messages are to be given in the order of their arrival.
type Receiver struct {
	m    *Mirror
	ctx  context.Context
	peer Peer

	// Listings are worked off by Mirror.r. Contents have workers of their own:
	// those that list may not have to wait for each other.
	arrivals *apply.Runner

	begun atomic.Int32 // files that come in pieces and have not ended

	as        platform.Name // of a single entry that takes the destination's name
	empty     string        // a source with nothing in it
	lostMount string

	mu          sync.Mutex
	dirs        map[uint32]*farDir
	pending     map[wire.FileID]*farFile
	outstanding int
	parked      []apply.Job // listings that wait until less is outstanding
	ended       bool        // WalkEnd came
	gone        bool        // what is asked for from now on will not come
	aborted     bool        // and what was asked for was given up
	draining    bool        // nobody but who asks for a file will flush that
	settled     sync.Cond
	workers     []*apply.Worker

	over chan struct{}
}

// farDir is a directory as the sender tells of it. All fields but p and dst,
// which do not change once it is ready, are under Receiver.mu.
type farDir struct {
	id     uint32
	p      *pair // nil until it is ready, and where it can't be entered
	l      *listing
	dst    []ref // what the destination has, by name
	parent *farDir

	state    uint8
	waiting  []apply.Job // until it is ready or dead
	chunks   int         // portions that are not worked off, and one until DirEnd
	ended    bool        // DirEnd came
	expected int         // subdirectories, once ended
	arrived  int         // subdirectories
	entering int         // of those, the ones that are not ready yet
	want     *want       // names that were asked for; nil: all
	given    *want       // names that were given, if they are known
	told     [][]byte    // names that are there beside those of entries
	missing  [][]byte    // names that were given and are not there, to be deleted
	cut      bool        // not all names were told
	barred   string      // where something is in its way, if that is a failure once it holds something
	holds    bool        // it does
	listed   bool        // all portions are worked off
}

const (
	farWaits = iota // for its parent or its turn
	farReady
	farDead // nothing in it is done
)

// Receive begins a run whose sources are at the other end. root is the first
// message from there. An error is a *Failure, or wraps ErrViolation; then nothing
// was done. What Run does after the walk happens by itself; Wait returns when it has.
func (m *Mirror) Receive(ctx context.Context, root *wire.Root, dst string, peer Peer) (*Receiver, error) {
	if !m.scope.allows(root) {
		return nil, violation("the destination would get more than was asked for")
	}
	r := &Receiver{
		m: m, ctx: ctx, peer: peer, dirs: map[uint32]*farDir{}, pending: map[wire.FileID]*farFile{},
		arrivals: apply.NewRunner(apply.Options{Jobs: max(2, m.r.Opts.Jobs), Copier: m.cp, OnPanic: m.opts.OnPanic, Counters: &m.r.Counters}), over: make(chan struct{}),
	}
	r.settled.L = &r.mu
	m.far = r
	m.overlap = m.opts.HardLinks && m.follows()
	if m.opts.Delete == DeleteBefore {
		// A walk of its own would need all listings twice.
		m.opts.Delete = DeleteDuring
	}
	p := &pair{seals: root.Seals}
	p.unpublished.Store(1)
	p.unsealed.Store(1)
	o := origin{path: string(root.Path)}
	if root.Lists {
		o.depth = everything
	} else {
		o.want = &want{}
	}
	if root.Seals {
		if err := statFrom(&o.st, &root.Attr); err != nil || !o.st.IsDir() {
			return nil, &Failure{KindSelection, "the other end told of a destination that is no directory"}
		}
		m.metaFrom(&p.meta, &root.Meta)
	}
	p.origins = []origin{o}
	from := &prospect{
		single: root.Single, isDir: root.IsDir, content: root.Content,
		hidden: func() bool { return root.Hidden || root.Nothing },
		bare:   func() bool { return root.Bare },
		rename: func(as platform.Name) { r.as = as },
	}
	if err := m.target(p, from, dst); err != nil {
		m.close()
		return nil, err
	}
	if len(p.origins) == 0 {
		p.origins = []origin{o}
	}
	m.root = p
	d := &farDir{p: p, chunks: 1}
	if m.scope != nil {
		d.want, d.given = m.scope.want, m.scope.given
	}
	p.in = d
	r.dirs[0] = d
	m.r.Hold()
	r.arrivals.Hold()
	go r.run(&farRootJob{r, d})
	return r, nil
}

// run does what Mirror.Run does.
func (r *Receiver) run(first apply.Job) {
	m := r.m
	defer close(r.over)
	defer context.AfterFunc(r.ctx, r.abort)()
	ended := make(chan struct{})
	go func() {
		r.arrivals.Run(r.ctx)
		close(ended)
	}()
	m.r.Run(r.ctx, first)
	m.walked.Store(true)
	r.drain()
	if m.stopped.Load() {
		m.failf(KindStopped, "stopping at the requested time")
	}
	if r.ctx.Err() == nil {
		m.finish(r.ctx)
		r.drain()
		m.endWaiting(r.ctx)
		r.drain()
	}
	r.arrivals.Unhold()
	<-ended
	m.close()
}

// drain waits until nothing is outstanding and what has arrived is done.
func (r *Receiver) drain() {
	for {
		r.mu.Lock()
		r.draining = true
		r.mu.Unlock()
		r.peer.Flush()
		r.mu.Lock()
		for r.outstanding > 0 && !r.aborted {
			r.settled.Wait()
		}
		r.mu.Unlock()
		r.arrivals.AwaitQuiet()
		r.mu.Lock()
		quiet := r.outstanding == 0 || r.aborted
		r.mu.Unlock()
		if quiet {
			return
		}
	}
}

// drainFar is drain in a run whose sources are elsewhere.
func (m *Mirror) drainFar() {
	if m.far != nil {
		m.far.drain()
	}
}

// Wait returns when everything is done or given up.
func (r *Receiver) Wait() error {
	<-r.over
	return r.ctx.Err()
}

// abort gives up what has not arrived.
func (r *Receiver) abort() {
	r.m.cut.Store(true)
	r.mu.Lock()
	r.gone = true
	r.unpark()
	var files []*farFile
	for id, f := range r.pending {
		files = append(files, f)
		delete(r.pending, id)
	}
	r.mu.Unlock()
	for _, f := range files {
		r.arrivals.Push(&failJob{r, f, r.ctx.Err()})
	}
	r.endWalk()
	r.mu.Lock()
	r.aborted = true
	r.settled.Broadcast()
	r.mu.Unlock()
}

// endWalk ends all listings that have not ended.
func (r *Receiver) endWalk() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.ended = true
	for _, d := range r.dirs {
		// The sender ended early.
		d.expected = d.arrived
		if !d.ended {
			d.ended, d.cut = true, true
			r.endChunk(d)
		} else {
			r.free(d)
		}
	}
	r.unpark()
	r.m.r.Unhold()
}

// Dir takes up a directory.
func (r *Receiver) Dir(msg *wire.Dir, done func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	up := r.dirs[msg.Parent]
	switch {
	case r.ctx.Err() != nil:
		done()
		return nil
	case up == nil || up.ended && up.arrived >= up.expected:
		return violation("directory %d in %d, which is not open", msg.ID, msg.Parent)
	case r.dirs[msg.ID] != nil:
		return violation("directory %d is told twice", msg.ID)
	case msg.Attr.Mode&platform.ModeType != platform.ModeDir:
		return violation("directory %d of mode %o", msg.ID, msg.Attr.Mode)
	}
	if _, err := platform.MakeName(string(msg.Name)); err != nil || !wire.ValidName(msg.Name) {
		return violation("directory of a name that can't be one")
	}
	wanted, ok := up.want.below(msg.Name)
	if !ok || wanted != nil && msg.Lists {
		return violation("directory %q, which was not asked for", msg.Name)
	}
	up.arrived++
	if msg.Lost {
		done()
		r.free(up)
		return nil
	}
	d := &farDir{id: msg.ID, parent: up, chunks: 1, want: wanted, given: up.given.of(msg.Name)}
	r.dirs[msg.ID] = d
	up.entering++
	r.later(up, &enterJob{r, d, msg, done})
	return nil
}

// later queues a job until a directory is ready. r.mu is held.
func (r *Receiver) later(d *farDir, j apply.Job) {
	if d.state == farWaits {
		d.waiting = append(d.waiting, j)
		return
	}
	r.push(j)
}

// push queues a job of the listing. r.mu is held.
func (r *Receiver) push(j apply.Job) { r.m.r.Push(j) }

// parks puts off a portion whose turn has come while much is outstanding. A
// listing comes far faster than contents: if only what arrives then were put
// off, all that is queued would be asked for.
func (r *Receiver) parks(j apply.Job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outstanding <= maxOutstanding || r.gone {
		return false
	}
	r.m.r.Hold() // the walk may have ended
	r.parked = append(r.parked, j)
	return true
}

// unpark queues what was parked. r.mu is held.
func (r *Receiver) unpark() {
	for _, j := range r.parked {
		r.m.r.Push(j)
		r.m.r.Unhold()
	}
	r.parked = nil
}

// Entries takes up a portion of a directory's names.
func (r *Receiver) Entries(msg *wire.Entries, done func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dirs[msg.Dir]
	if d == nil || d.ended {
		if r.ctx.Err() != nil {
			done()
			return nil
		}
		return violation("entries of directory %d, which is not open", msg.Dir)
	}
	for i := range msg.Items {
		t := msg.Items[i].Attr.Mode & platform.ModeType
		if !wire.ValidName(msg.Items[i].Name) || !slices.Contains(entryTypes[:], t) || (t == platform.ModeSymlink) != (msg.Items[i].Link != nil) && t != platform.ModeSymlink {
			return violation("entry %d of directory %d, of mode %o", int(msg.First)+i, msg.Dir, msg.Items[i].Attr.Mode)
		}
		if _, ok := d.want.below(msg.Items[i].Name); !ok {
			return violation("%q, which was not asked for", msg.Items[i].Name)
		}
	}
	d.chunks++
	r.later(d, &entriesJob{r, d, msg, done})
	return nil
}

var entryTypes = [...]uint32{
	platform.ModeRegular, platform.ModeSymlink, platform.ModeChar, platform.ModeBlock, platform.ModeFIFO, platform.ModeSocket,
}

// DirEnd ends a directory's listing.
func (r *Receiver) DirEnd(msg *wire.DirEnd, done func()) error {
	defer done()
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dirs[msg.Dir]
	if d == nil || d.ended {
		if r.ctx.Err() != nil {
			return nil
		}
		return violation("end of directory %d, which is not open", msg.Dir)
	}
	if d.arrived > len(msg.Subdirs) {
		return violation("directory %d has more directories than it said", msg.Dir)
	}
	for _, name := range msg.Missing {
		// Deleted is only what was named here, or by who is allowed to delete.
		if w := d.given.of(name); !r.m.opts.DeleteMissingArgs || r.m.scope != nil && (w == nil || !w.named) {
			return violation("%q to be deleted, which was not asked for", name)
		}
	}
	d.missing = msg.Missing
	d.ended, d.expected, d.holds = true, len(msg.Subdirs), msg.Count > 0 || len(msg.Subdirs) > 0
	d.told = append(msg.Others, msg.Subdirs...)
	r.endChunk(d)
	return nil
}

// endChunk ends a portion; with the last one the directory is done but for
// its contents and what is below. r.mu is held.
func (r *Receiver) endChunk(d *farDir) {
	if d.chunks--; d.chunks > 0 {
		return
	}
	r.later(d, &dirEndJob{r, d})
}

// free lets go of a directory of which nothing more will be told. r.mu is held.
func (r *Receiver) free(d *farDir) {
	if !d.listed || d.entering > 0 || d.arrived < d.expected {
		return
	}
	delete(r.dirs, d.id)
	if d.state == farDead {
		r.peer.DirDone(d.id)
		return
	}
	r.m.r.Push(&freeJob{r, d})
}

// WalkEnd says that everything was told.
func (r *Receiver) WalkEnd(msg *wire.WalkEnd) error {
	if msg.IOError {
		r.m.ioError.Store(true)
	}
	if len(msg.UnreadRoot) > 0 {
		r.m.unreadRoot = string(msg.UnreadRoot)
	}
	r.empty, r.lostMount = string(msg.Empty), string(msg.LostMount)
	r.endWalk()
	return nil
}

// has reports whether the destination has a name, and notes that the source
// has it too.
func (d *farDir) has(name []byte) bool {
	k, ok := slices.BinarySearchFunc(d.dst, name, func(f ref, name []byte) int { return bytes.Compare(d.l.name(f).Bytes(), name) })
	if ok {
		d.dst[k].flags |= refInDst
	}
	return ok
}
