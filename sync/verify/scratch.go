package verify

import (
	"hash"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
)

// smallBuffer is a portion of a file: 128 to 512 KiB are level, and one more
// than platform.Prompt takes as short would be slower. largeBuffer is one of a
// file whose sides are read at once.
const (
	smallBuffer = 256 << 10
	largeBuffer = 1 << 20
)

// scratch is what a job borrows, so that nothing is allocated per file.
type scratch struct {
	w   *apply.Worker
	e   entry
	out []Difference

	buf   [2][]byte
	large [3][]byte
	sum   [2]hash.Hash
	link  [2][]byte
	names [2][]byte // lists of extended attributes
	value [2][]byte
	attrs [2][]platform.Name

	// Counted since the last giveBack.
	found, dirs, files, bytes int64
}

func newScratch() *scratch {
	s := &scratch{}
	for side := range s.buf {
		s.link[side] = make([]byte, linkMax+1)
		s.names[side] = make([]byte, 1024)
	}
	return s
}

// buffer is made at first use.
func buffer(b *[]byte, size int) []byte {
	if *b == nil {
		*b = make([]byte, size)
	}
	return *b
}

func (v *Verify) borrow(w *apply.Worker) *scratch {
	s := v.scratch.Get().(*scratch)
	s.w, s.out = w, s.out[:0]
	return s
}

// giveBack ends a job's use. Nothing that aliases the scratch is used after it.
func (v *Verify) giveBack(s *scratch) {
	c := &v.r.Counters
	c.Found.Add(s.found)
	c.Dirs.Add(s.dirs)
	c.Files.Add(s.files)
	c.Bytes.Add(s.bytes)
	s.found, s.dirs, s.files, s.bytes = 0, 0, 0, 0
	s.e = entry{}
	v.scratch.Put(s)
}
