package remote

import (
	"sync/atomic"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// Work counts what one end does on its own: calls of the kernel that came back
// and did something. It tells a scan, a sum of a large file or a deletion, during
// which nothing is said to the other end, from an end that has stopped. The zero
// value is ready for use, by several goroutines at once.
type Work struct {
	calls    atomic.Uint64
	flushing atomic.Int64 // calls under way that may take as long as a device needs
}

// done is a number that grows as long as something is done.
func (w *Work) done() uint64 {
	if w.flushing.Load() > 0 {
		// A single fsync(2) of what memory holds may take many minutes.
		w.calls.Add(1)
	}
	return w.calls.Load()
}

func (w *Work) count(err error) {
	if err == nil {
		w.calls.Add(1)
	}
}

// Counted returns calls of which w counts those that walking, reading, writing,
// deleting and flushing consist of.
func (w *Work) Counted(c *platform.Calls) *platform.Calls {
	out := *c
	out.Openat = func(dir platform.FD, name platform.Name, flags int, mode uint32) (platform.FD, error) {
		fd, err := c.Openat(dir, name, flags, mode)
		w.count(err)
		return fd, err
	}
	out.Getdents = func(fd platform.FD, buf []byte) (int, error) {
		n, err := c.Getdents(fd, buf)
		w.count(err)
		return n, err
	}
	out.Statat = func(dir platform.FD, name platform.Name, st *platform.Stat, follow bool) error {
		err := c.Statat(dir, name, st, follow)
		w.count(err)
		return err
	}
	out.Unlinkat = func(dir platform.FD, name platform.Name) error {
		err := c.Unlinkat(dir, name)
		w.count(err)
		return err
	}
	out.Rmdirat = func(dir platform.FD, name platform.Name) error {
		err := c.Rmdirat(dir, name)
		w.count(err)
		return err
	}
	for _, read := range []*func(platform.FD, []byte, int64) (int, error){&out.Pread, &out.Pwrite, &out.PreadUncached, &out.PwriteUncached} {
		call := *read
		if call == nil {
			continue
		}
		*read = func(fd platform.FD, b []byte, off int64) (int, error) {
			n, err := call(fd, b, off)
			w.count(err)
			return n, err
		}
	}
	// What a file is made from at the receiver, of which nothing is heard.
	out.CopyFileRange = func(dst platform.FD, dstOff int64, src platform.FD, srcOff int64, n int) (int, error) {
		n, err := c.CopyFileRange(dst, dstOff, src, srcOff, n)
		w.count(err)
		return n, err
	}
	// Into a socket of which nobody reads, it moves nothing.
	out.Sendfile = func(dst, src platform.FD, off int64, n int) (int, error) {
		n, err := c.Sendfile(dst, src, off, n)
		if n > 0 {
			w.count(err)
		}
		return n, err
	}
	for _, flush := range []*func(platform.FD) error{&out.Fsync, &out.Fdatasync, &out.Syncfs} {
		call := *flush
		if call == nil {
			continue
		}
		*flush = func(fd platform.FD) error {
			w.flushing.Add(1)
			defer w.flushing.Add(-1)
			return call(fd)
		}
	}
	return &out
}

// WorkOf returns what counts for the session that reports to rep, which Serve has
// given; for any other Reporter, something that counts for nobody.
func WorkOf(rep mirror.Reporter) *Work {
	if f, ok := rep.(forward); ok {
		return f.s.own
	}
	return new(Work)
}

// maxClaims is how many times its patience an end waits for one that claims to be
// at work but sends nothing that this end could see: anybody can claim that.
const maxClaims = 36

// stall notices a session in which nothing goes on, although both ends say
// that they live. It is for one goroutine.
type stall struct {
	patience       time.Duration // 0: for ever
	seen, claimed  uint64
	sawAt, claimAt time.Time
}

// over reports whether there has been no progress for too long. seen is what this
// end knows of, claimed what the other one says.
func (l *stall) over(now time.Time, seen, claimed uint64) bool {
	if l.sawAt.IsZero() || seen != l.seen {
		l.seen, l.sawAt = seen, now
	}
	if l.claimAt.IsZero() || claimed != l.claimed {
		l.claimed, l.claimAt = claimed, now
	}
	if l.patience == 0 {
		return false
	}
	quiet := now.Sub(l.sawAt)
	return quiet > l.patience && now.Sub(l.claimAt) > l.patience || quiet > maxClaims*l.patience
}

// seen is a number that grows with all that this end does, and with all that it
// hears but signs of life.
func (s *session) seen() uint64 {
	n := s.own.done() + s.heard.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.open {
		n += uint64(st.used.Load())
	}
	return n
}
