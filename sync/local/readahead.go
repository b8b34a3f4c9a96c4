package local

import (
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// maxAhead is how many files are opened and read ahead of the one at hand
// when the source is not in memory. On a cold disk 16 to 32 took 0.31 of the
// time of cp -a with two workers; 32 workers without it took 0.40.
const maxAhead = 32

// probeEvery is how many files of a portion pass between two looks at whether
// they are in memory. Reading ahead what is there already costs 5 % of CPU.
const probeEvery = 32

// readahead is the state of a portion of names.
type readahead struct {
	direct bool // its files are copied without anything known before
	cold   bool
	next   int // the first name not opened
}

// ahead opens the names that follow list[i] and starts reading them, if files
// of this portion have to come from a device.
func (c *Copy) ahead(r *readahead, n *node, list []apply.Name, i int) {
	if !r.direct {
		return
	}
	if !r.cold {
		if i%probeEvery == 0 {
			r.cold = c.isCold(n, &list[i])
		}
		r.next = i + 1
		if !r.cold {
			return
		}
	}
	for ; r.next < len(list) && r.next <= i+c.maxAhead; r.next++ {
		e := &list[r.next]
		if e.Mode != platform.ModeRegular {
			continue
		}
		fd, err := c.openFile(&place{n: n, src: e.Name}, nil, c.opts.Follow == FollowAlways)
		if err != nil {
			continue // its own turn reports it
		}
		e.FD = fd
		c.calls.Fadvise(fd, 0, 0, platform.AdviseWillNeed)
	}
}

// isCold opens a file and tells whether its first byte has to be waited for.
func (c *Copy) isCold(n *node, e *apply.Name) bool {
	if e.Mode != platform.ModeRegular {
		return false
	}
	fd, err := c.openFile(&place{n: n, src: e.Name}, nil, c.opts.Follow == FollowAlways)
	if err != nil {
		return false
	}
	e.FD = fd
	hot, err := c.calls.Cached(fd, 0)
	return !hot && err == nil
}

// closeAhead closes what a stopped run did not get to.
func (c *Copy) closeAhead(list []apply.Name) {
	for i := range list {
		if list[i].FD != platform.None {
			c.calls.Close(list[i].FD)
			list[i].FD = platform.None
		}
	}
}
