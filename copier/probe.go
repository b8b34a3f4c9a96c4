package copier

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"github.com/zccp/zccp/platform"
)

// Sizes in bytes of the scratch files that methods are tried on: one small
// file, and one that ends neither at a page nor at a block.
const (
	ProbeSmall = 4 << 10
	ProbeLarge = 1<<20 + 1
)

// Scratch is a directory of its own, under a temporary name, in which a file
// system's abilities are tried. It is locked like what a copy has under way,
// so that no other run takes it for litter while its process lives. It is not
// safe for concurrent use.
type Scratch struct {
	calls  *platform.Calls
	parent platform.FD // the caller's
	name   platform.Name
	fd     platform.FD
	made   int // names given so far
}

// NewScratch makes a scratch directory in an open directory whose inode number
// is ino; the descriptor stays the caller's and outlives it. Remove it. On an
// error, which is a bare errno, nothing is left.
func NewScratch(calls *platform.Calls, parent platform.FD, ino uint64) (*Scratch, error) {
	s := &Scratch{calls: calls, parent: parent, fd: platform.None}
	var err error
	for range 100 {
		s.name = TempName(make([]byte, 0, TempSize), ino)
		if err = calls.Mkdirat(parent, s.name, 0o700); !platform.Exists(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	s.fd, err = calls.Openat(parent, s.name, platform.ReadOnly|platform.Directory|platform.NoFollow, 0)
	if err == nil {
		err = calls.Flock(s.fd, true)
		if platform.Unsupported(err) {
			err = nil
		}
	}
	if err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// Remove removes the directory and everything that was made in it. On an error
// something is left under its temporary name, which the next copy into the
// directory around it removes.
func (s *Scratch) Remove() error {
	for i := range s.made {
		if err := s.calls.Unlinkat(s.fd, scratchName(i)); err != nil && !platform.NotExist(err) {
			s.calls.Close(s.fd)
			return err
		}
	}
	if s.fd != platform.None {
		s.calls.Close(s.fd)
	}
	return s.calls.Rmdirat(s.parent, s.name)
}

func scratchName(i int) platform.Name {
	return append(strconv.AppendInt(nil, int64(i), 10), 0)
}

// newName returns a name that is free, and that Remove will remove.
func (s *Scratch) newName() platform.Name {
	s.made++
	return scratchName(s.made - 1)
}

// create opens a new, empty file for reading and writing.
func (s *Scratch) create() (platform.FD, platform.Name, error) {
	name := s.newName()
	fd, err := s.calls.Openat(s.fd, name, platform.ReadWrite|createFlags, 0o600)
	return fd, name, err
}

// source makes a file of that content and opens it for reading only: a lease is
// refused while somebody could write.
func (s *Scratch) source(content []byte) (platform.FD, error) {
	fd, name, err := s.create()
	if err != nil {
		return platform.None, err
	}
	for off := 0; off < len(content) && err == nil; {
		var n int
		n, err = s.calls.Pwrite(fd, content[off:], int64(off))
		if err == nil && n <= 0 {
			err = errCount("pwrite", n, int64(len(content)-off))
		}
		off += n
	}
	if e := s.calls.Close(fd); err == nil {
		err = e
	}
	if err != nil {
		return platform.None, err
	}
	return s.calls.Openat(s.fd, name, platform.ReadOnly|platform.NoFollow, 0)
}

// Trial is what became of a copy by one method.
type Trial struct {
	Method Method
	Err    error // why not; nil: it copied, and the copy was compared
}

// Choice is the method that the table chose for a file, or why none could
// copy it.
type Choice struct {
	Size   int64 // bytes
	Cold   bool  // as if too large for memory and not in it
	Method Method
	Err    error
}

// TryMethods copies a file of ProbeLarge bytes from src to dst, which may be
// the same, by each method alone.
// The trials are in the order of Methods. It returns early, with an error, if
// ctx is done or the source can't be made.
func TryMethods(ctx context.Context, dst, src *Scratch) ([]Trial, error) {
	content := probeContent(ProbeLarge)
	from, err := src.source(content)
	if err != nil {
		return nil, err
	}
	defer src.calls.Close(from)
	var trials []Trial
	for _, m := range Methods() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var res Result
		err := copyProbe(ctx, dst, src, from, content, Options{Methods: []Method{m}}, &res)
		trials = append(trials, Trial{m, refusalOf(m, err)})
	}
	return trials, nil
}

// TryChoices copies files of both sizes from src to dst as the table chooses,
// then the large one as if it were huge and cold. It returns early as
// TryMethods does.
func TryChoices(ctx context.Context, dst, src *Scratch) ([]Choice, error) {
	choices := []Choice{{Size: ProbeSmall}, {Size: ProbeLarge}, {Size: ProbeLarge, Cold: true}}
	for i := range choices {
		c := &choices[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		content := probeContent(int(c.Size))
		from, err := src.source(content)
		if err != nil {
			return nil, err
		}
		opts := Options{}
		if c.Cold && platform.IsLocal(src.fd) && platform.IsLocal(dst.fd) {
			opts.Cache = CacheDrop // chooses as CacheAuto does for such a file
		}
		var res Result
		c.Err = copyProbe(ctx, dst, src, from, content, opts, &res)
		c.Method = res.Method
		src.calls.Close(from)
	}
	return choices, nil
}

// copyProbe copies from, which holds content, to a new file that it removes,
// and compares.
func copyProbe(ctx context.Context, dst, src *Scratch, from platform.FD, content []byte, opts Options, res *Result) error {
	var st, dstStat platform.Stat
	if err := src.calls.Fstat(from, &st); err != nil {
		return err
	}
	to, name, err := dst.create()
	if err != nil {
		return err
	}
	// Now, not in the end: a small file system is not to hold all copies at once.
	defer dst.calls.Unlinkat(dst.fd, name)
	defer dst.calls.Close(to)
	if err := dst.calls.Fstat(to, &dstStat); err != nil {
		return err
	}
	w := New(dst.calls, opts, platform.EffectiveUID()).NewWorker()
	if err := w.Data(ctx, to, from, &dstStat, &st, res); err != nil {
		return err
	}
	if opts.Methods != nil && res.Method != opts.Methods[0] {
		return &MethodError{Refused: append([]Refusal{}, res.Refusals()...)}
	}
	got := make([]byte, len(content)+1)
	n := 0
	for n < len(got) {
		m, err := w.pread(to, got[n:], int64(n))
		if err != nil {
			return err
		}
		if m == 0 {
			break
		}
		n += m
	}
	if !bytes.Equal(got[:n], content) {
		return ErrVerify
	}
	return nil
}

// refusalOf returns why a method refused, without the names that a list of
// several needs.
func refusalOf(m Method, err error) error {
	var list *MethodError
	if errors.As(err, &list) {
		for _, r := range list.Refused {
			if r.Method == m {
				return r.Err
			}
		}
	}
	return err
}

// probeContent returns bytes that are not zero and don't repeat at a page or
// block, so that a copy with a hole or a block in another place differs.
func probeContent(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 1 + byte((i*31+i/251)%255)
	}
	return b
}
