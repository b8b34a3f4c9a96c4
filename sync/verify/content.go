package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"hash"
	"sync"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
)

// file is one side of a content.
type file struct {
	side     int
	fd       platform.FD
	size     int64
	uncached bool // read it past the page cache
}

// bothAtOnce is the size from which the sides are read by two goroutines: what
// takes long against starting one.
const bothAtOnce = 4 << 20

// maxRepeats bounds how often an interrupted read is made again.
const maxRepeats = 1000

// reads reports whether the content of two files has to be read to be compared.
func (v *Verify) reads(e *entry) bool {
	return !v.opts.Quick && e.st[0].Size == e.st[1].Size &&
		// One inode has one content; its digest may still be wanted.
		(v.opts.Hash != copier.NoHash || !e.st[0].SameInode(&e.st[1]))
}

// content compares sizes, then content. If digests are asked for and they are
// the same, it returns the digest.
func (v *Verify) content(ctx context.Context, s *scratch, e *entry, fd [2]platform.FD) (sum []byte, err error) {
	if !v.size(s, e) || !v.reads(e) {
		return nil, nil
	}
	size := e.st[0].Size
	var f [2]file
	for side := range f {
		f[side] = file{side: side, fd: fd[side], size: size, uncached: v.cold(fd[side], size)}
	}
	if v.opts.Hash != copier.NoHash {
		return v.digests(ctx, s, &f)
	}
	var off int64
	sparse := e.st[0].Blocks*512 < size && e.st[1].Blocks*512 < size
	if size >= bothAtOnce && !sparse {
		off, err = v.compareBoth(ctx, s, &f)
	} else {
		off, err = v.compare(ctx, s, &f, sparse)
	}
	if err == nil && off >= 0 {
		s.add(Difference{Kind: Content, Offset: off})
	}
	return nil, err
}

// cold reports whether a big file is hardly in the page cache: it is then read
// past it, since who compares reads every file once and would push out what
// others use.
func (v *Verify) cold(fd platform.FD, size int64) bool {
	var st platform.CacheState
	return size >= bigFile && v.calls.CacheState(fd, 0, 0, &st) == nil && st.Resident < size/8
}

// compare returns the offset of the first byte that differs, or -1.
func (v *Verify) compare(ctx context.Context, s *scratch, f *[2]file, sparse bool) (int64, error) {
	a, b := buffer(&s.buf[0], smallBuffer), buffer(&s.buf[1], smallBuffer)
	size := f[0].size
	for off := int64(0); ; {
		if sparse {
			off = min(v.nextData(&f[0], off), v.nextData(&f[1], off))
		}
		// A size of 0 is what procfs says of every file: such a file is read
		// to its end.
		want := len(a)
		if size > 0 {
			want = int(min(int64(want), size-off))
		}
		if want == 0 {
			return -1, nil
		}
		if ctx.Err() != nil {
			return -1, ctx.Err()
		}
		n, err := v.fill(&f[0], a[:want], off)
		if err != nil {
			return -1, err
		}
		m, err := v.fill(&f[1], b[:want], off)
		if err != nil {
			return -1, err
		}
		if at := firstDifference(a[:n], b[:m]); at >= 0 {
			return off + int64(at), nil
		}
		off += int64(n)
		s.bytes += int64(n)
		if n < want {
			return -1, nil
		}
	}
}

// nextData returns where data begin at or after off: the size if there are none.
func (v *Verify) nextData(f *file, off int64) int64 {
	next, err := v.calls.Lseek(f.fd, off, platform.SeekData)
	switch {
	case platform.NoMoreData(err):
		return f.size
	case err != nil || next < off || next > f.size:
		return off
	}
	return next
}

// fill reads buf at off. It is filled, unless the file tells no size and ends.
func (v *Verify) fill(f *file, buf []byte, off int64) (n int, err error) {
	for stalls := 0; n < len(buf); {
		m, err := v.pread(f, buf[n:], off+int64(n))
		if platform.Interrupted(err) && stalls < maxRepeats {
			stalls++
			continue
		}
		if err == nil && (m < 0 || m > len(buf)-n) {
			err = fmt.Errorf("pread returned %d of %d bytes", m, len(buf)-n)
		}
		if err == nil && m == 0 && f.size > 0 {
			// A count of 0 proves nothing, and if it is the end, then before
			// the size that the file has.
			err = fmt.Errorf("read %d of %d bytes", off+int64(n), f.size)
		}
		if err != nil {
			return n, &sideError{f.side, err}
		}
		if m == 0 {
			break
		}
		n, stalls = n+m, 0
	}
	return n, nil
}

// pread reads past the page cache if that is wanted and can be.
func (v *Verify) pread(f *file, buf []byte, off int64) (int, error) {
	if f.uncached {
		n, err := v.calls.PreadUncached(f.fd, buf, off)
		if err == nil || platform.Judge(platform.CallUncached, err, off > 0) == platform.Repeat {
			return n, err
		}
		f.uncached = false // plain reads have the last word on errors
	}
	return v.calls.Pread(f.fd, buf, off)
}

// firstDifference returns where two slices begin to differ, or -1.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// filled is a part of the second file, read by a goroutine of its own.
type filled struct {
	buf []byte
	err error
}

// compareBoth is compare, with the second file read beside the first.
func (v *Verify) compareBoth(ctx context.Context, s *scratch, f *[2]file) (int64, error) {
	size := f[0].size
	part := func(off int64) int { return int(min(largeBuffer, size-off)) }
	free, full := make(chan []byte, 2), make(chan filled, 2)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	for i := range 2 {
		free <- buffer(&s.large[1+i], largeBuffer)
	}
	wg.Go(func() {
		for off := int64(0); off < size; off += largeBuffer {
			select {
			case <-stop:
				return
			case b := <-free:
				b = b[:part(off)]
				_, err := v.fill(&f[1], b, off)
				full <- filled{b, err}
				if err != nil {
					return
				}
			}
		}
	})
	a := buffer(&s.large[0], largeBuffer)
	for off := int64(0); off < size; off += largeBuffer {
		if ctx.Err() != nil {
			return -1, ctx.Err()
		}
		a := a[:part(off)]
		if _, err := v.fill(&f[0], a, off); err != nil {
			return -1, err
		}
		b := <-full
		if b.err != nil {
			return -1, b.err
		}
		if at := firstDifference(a, b.buf); at >= 0 {
			return off + int64(at), nil
		}
		s.bytes += int64(len(a))
		free <- b.buf[:largeBuffer]
	}
	return -1, nil
}

// digests compares the digests of both files.
func (v *Verify) digests(ctx context.Context, s *scratch, f *[2]file) (sum []byte, err error) {
	for side := range s.sum {
		if s.sum[side] == nil {
			s.sum[side] = v.opts.Hash.New()
		}
		s.sum[side].Reset()
	}
	var errs [2]error
	var n [2]int64
	second := func() { n[1], errs[1] = v.digest(ctx, &f[1], s.sum[1], buffer(&s.buf[1], smallBuffer)) }
	var wg sync.WaitGroup
	if f[0].size >= bothAtOnce {
		wg.Go(second)
	} else {
		second()
	}
	n[0], errs[0] = v.digest(ctx, &f[0], s.sum[0], buffer(&s.buf[0], smallBuffer))
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	s.bytes += n[0]
	a, b := s.sum[0].Sum(nil), s.sum[1].Sum(nil)
	if !bytes.Equal(a, b) || n[0] != n[1] {
		s.add(Difference{Kind: Content, Src: hex.EncodeToString(a), Dst: hex.EncodeToString(b)})
		return nil, nil
	}
	return a, nil
}

// digest reads a file to its end.
func (v *Verify) digest(ctx context.Context, f *file, h hash.Hash, buf []byte) (off int64, err error) {
	for {
		want := len(buf)
		if f.size > 0 {
			want = int(min(int64(want), f.size-off))
		}
		if want == 0 {
			return off, nil
		}
		if ctx.Err() != nil {
			return off, ctx.Err()
		}
		n, err := v.fill(f, buf[:want], off)
		if err != nil {
			return off, err
		}
		h.Write(buf[:n])
		off += int64(n)
		if n < want {
			return off, nil
		}
	}
}
