package copier

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
)

// Bounds of what is remembered of files that share data. A run is 32 bytes, a
// file two descriptors, of which the process keeps most for other things.
const (
	maxFirstCopies = 1024
	maxSharedRuns  = 1 << 18
	maxFileRuns    = 1 << 16
)

// sharedRun is a part of a file whose place on the medium other files may use
// too. Bytes.
type sharedRun struct {
	off, n, place int64
	encoded       bool // the place is that of a whole that this is a part of
}

// firstCopy is a file that was copied and shares data with others at the
// source, so that these can share with its copy. It begins as a claim: whoever
// meets the same places while it is being copied waits for it.
type firstCopy struct {
	space platform.ExtentSpace
	runs  []sharedRun // by place; no two overlap unless encoded
	low   int64       // the first place
	high  int64       // behind the last one
	ino   uint64      // of the copy

	done chan struct{} // closed when it is known what became of it
	// Once done; no descriptors if it came to nothing.
	dst, src         platform.FD
	dstStat, srcStat platform.Stat

	// Guarded by firstCopies.mu.
	users  int
	listed bool
	last   int64 // when it was used, by firstCopies.clock
}

func (f *firstCopy) pending() bool {
	select {
	case <-f.done:
		return false
	default:
		return true
	}
}

// at returns the run that holds a place, or else where the next one begins.
func (f *firstCopy) at(place int64) (r *sharedRun, next int64) {
	if place >= f.high {
		return nil, 1 << 62
	}
	i, found := slices.BinarySearchFunc(f.runs, place, func(r sharedRun, place int64) int {
		return int(min(1, max(-1, r.place-place)))
	})
	if !found {
		i--
	}
	if i >= 0 && !f.runs[i].encoded && place < f.runs[i].place+f.runs[i].n {
		return &f.runs[i], 0
	}
	for i++; i < len(f.runs); i++ {
		if !f.runs[i].encoded && f.runs[i].place > place {
			return nil, f.runs[i].place
		}
	}
	return nil, 1 << 62
}

// sharedPiece is a part of a file that a first copy has as well.
type sharedPiece struct {
	sharedRun
	from    *firstCopy
	fromOff int64
	doubt   bool // to be compared before it counts
}

// firstCopies is the bounded map from places to first copies. It is safe for
// concurrent use.
type firstCopies struct {
	calls   *platform.Calls
	limit   int // of files
	maxRuns int
	devices sync.Map // device -> *deviceSharing
	takers  sync.Map // device -> bool: whether data can be shared there

	mu    sync.Mutex
	list  []*firstCopy
	runs  int
	clock int64
}

// deviceSharing is what the files of a device said of sharing so far.
type deviceSharing struct {
	asked, found atomic.Int64
	none         atomic.Bool // there are no maps
}

func newFirstCopies(calls *platform.Calls) *firstCopies {
	spare := max(0, platform.DescriptorLimit()-256)
	return &firstCopies{calls: calls, limit: min(maxFirstCopies, spare/8), maxRuns: maxSharedRuns}
}

func (c *firstCopies) device(dev uint64) *deviceSharing {
	v, ok := c.devices.Load(dev)
	if !ok {
		v, _ = c.devices.LoadOrStore(dev, new(deviceSharing))
	}
	return v.(*deviceSharing)
}

// claim returns which parts of the runs of a file others were first to copy,
// or to begin with, and a claim on the rest, nil if there is none. Each copy in
// pieces is in use until it is released. Whoever waits for a claim made its
// own later, so no two wait for each other.
func (c *firstCopies) claim(space platform.ExtentSpace, runs []sharedRun, pieces []sharedPiece) ([]sharedPiece, *firstCopy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	var rest []sharedRun
	for _, r := range runs {
		if r.encoded {
			pieces, rest = c.encoded(space, r, pieces, rest)
		} else {
			pieces, rest = c.plain(space, r, pieces, rest)
		}
	}
	for _, f := range distinct(pieces) {
		f.users++
		f.last = c.clock
	}
	if len(rest) == 0 || c.limit == 0 {
		return pieces, nil
	}
	slices.SortFunc(rest, func(a, b sharedRun) int { return int(min(1, max(-1, a.place-b.place))) })
	end := int64(-1)
	rest = slices.DeleteFunc(rest, func(r sharedRun) bool {
		if r.encoded {
			return false
		}
		again := r.place < end // a file that shares with itself
		end = max(end, r.place+r.n)
		return again
	})
	mine := &firstCopy{
		space: space, runs: slices.Clip(rest), low: rest[0].place, done: make(chan struct{}),
		dst: platform.None, src: platform.None, listed: true, last: c.clock,
	}
	for _, r := range rest {
		mine.high = max(mine.high, r.place+r.n)
	}
	c.list = append(c.list, mine)
	c.runs += len(rest)
	c.evict()
	return pieces, mine
}

// plain looks for the places of a run, of which several files may have parts.
func (c *firstCopies) plain(space platform.ExtentSpace, r sharedRun, pieces []sharedPiece, rest []sharedRun) ([]sharedPiece, []sharedRun) {
	for r.n > 0 {
		next := r.n
		var from *firstCopy
		var has *sharedRun
		// What was shared last is shared on, mostly.
		if len(pieces) > 0 {
			from = pieces[len(pieces)-1].from
			has, _ = from.at(r.place)
		}
		for i := 0; has == nil && i < len(c.list); i++ {
			if from = c.list[i]; from.space == space {
				begins := from.low
				if r.place >= begins {
					has, begins = from.at(r.place)
				}
				next = min(next, begins-r.place)
			}
		}
		if has == nil {
			rest = append(rest, sharedRun{off: r.off, n: next, place: r.place})
		} else {
			skip := r.place - has.place
			next = min(r.n, has.n-skip)
			pieces = append(pieces, sharedPiece{
				sharedRun: sharedRun{off: r.off, n: next, place: r.place},
				from:      from, fromOff: has.off + skip, doubt: !space.Exact,
			})
		}
		r.off, r.place, r.n = r.off+next, r.place+next, r.n-next
	}
	return pieces, rest
}

// encoded looks for a part of the same whole at the same offset of a file,
// which is where it is unless it was cloned to elsewhere. Only a comparison can
// tell.
func (c *firstCopies) encoded(space platform.ExtentSpace, r sharedRun, pieces []sharedPiece, rest []sharedRun) ([]sharedPiece, []sharedRun) {
	for _, f := range c.list {
		if f.space != space || r.place < f.low || r.place >= f.high {
			continue
		}
		i, _ := slices.BinarySearchFunc(f.runs, r.place, func(r sharedRun, place int64) int {
			if r.place < place {
				return -1
			}
			return 1
		})
		for ; i < len(f.runs) && f.runs[i].place == r.place; i++ {
			has := &f.runs[i]
			off, end := max(r.off, has.off), min(r.off+r.n, has.off+has.n)
			if has.encoded && off < end {
				pieces = append(pieces, sharedPiece{sharedRun{off, end - off, r.place, true}, f, off, true})
				return pieces, rest
			}
		}
	}
	return pieces, append(rest, r)
}

// distinct returns each copy that pieces are from once.
func distinct(pieces []sharedPiece) (list []*firstCopy) {
	for i := range pieces {
		if f := pieces[i].from; (i == 0 || pieces[i-1].from != f) && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// evict keeps the bounds by forgetting what was not used for longest. What is
// being copied stays: there are no more of these than workers.
func (c *firstCopies) evict() {
	for len(c.list) > c.limit || c.runs > c.maxRuns {
		oldest := -1
		for i, f := range c.list {
			if !f.pending() && (oldest < 0 || f.last < c.list[oldest].last) {
				oldest = i
			}
		}
		if oldest < 0 {
			return
		}
		c.unlist(oldest)
	}
}

// unlist forgets a copy, whose descriptors go with its last user.
func (c *firstCopies) unlist(i int) {
	f := c.list[i]
	c.list = slices.Delete(c.list, i, i+1)
	c.runs -= len(f.runs)
	f.listed = false
	c.closeUnused(f)
}

func (c *firstCopies) closeUnused(f *firstCopy) {
	if f.listed || f.users > 0 {
		return
	}
	for _, fd := range [...]*platform.FD{&f.dst, &f.src} {
		if *fd != platform.None {
			c.calls.Close(*fd)
			*fd = platform.None
		}
	}
}

// forget lets nobody find a copy any more.
func (c *firstCopies) forget(f *firstCopy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.list, f); i >= 0 {
		c.unlist(i)
	}
}

// release ends the use of copies.
func (c *firstCopies) release(list []*firstCopy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range list {
		f.users--
		c.closeUnused(f)
	}
}

// abandon ends a claim that came to nothing.
func (c *firstCopies) abandon(f *firstCopy) {
	c.forget(f)
	close(f.done)
}

// close forgets everything. No worker may be at work.
func (c *firstCopies) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.list) > 0 {
		c.unlist(len(c.list) - 1)
	}
}
