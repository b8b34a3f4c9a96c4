package remote

import (
	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

const (
	// smallFile is up to which size files are packed into batches: two calls of
	// the kernel for each file cost more than a copy of it.
	smallFile = 64 << 10
	// batchBytes and batchFiles are when a batch goes out.
	batchBytes = 1 << 20
	batchFiles = 2000
	// maxAhead is how many files are opened ahead of the one at hand when the
	// source has to come from a device, and probeEvery how many pass between
	// two looks at whether it does.
	maxAhead   = 32
	probeEvery = 32
	// bufferSize: more leaves the second-level cache, which costs up to half
	// the CPU again.
	bufferSize = 256 << 10
	// flushBefore is how big a file a batch that is not full must not wait for.
	flushBefore = 1 << 20
)

// pump sends files on one data stream.
type pump struct {
	d     *sender
	s     *stream
	w     *copier.Worker
	ahead []opened
	count int  // files opened
	cold  bool // they come from a device
	batch wire.BatchWriter
	seq   int64
	buf   []byte // room for a header, and bufferSize
	pack  packer
	wear  wear
}

// opened is a file that is about to be sent.
type opened struct {
	id wire.FileID
	fd platform.FD
	st platform.Stat
}

// send sends on a stream what was asked for until there is nothing more. The
// pipe stops as soon as there is a stream of its own, and a stream when another one
// is there in its place.
func (d *sender) send(s *stream) error {
	d.track(s)
	p := &pump{d: d, s: s, buf: make([]byte, wire.HeaderSize+bufferSize), wear: wear{s: d.session, st: s}}
	defer p.drop()
	return d.broken(s, p.run())
}

func (p *pump) run() error {
	for p.d.needs.await(p.stops) && (!p.stops() || len(p.ahead) > 0) {
		if err := p.once(); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	h := wire.FrameHeader{Type: wire.FrameEnd}
	return p.write(p.header(&h))
}

// stops reports whether this pump is not needed any more.
func (p *pump) stops() bool {
	return p.s.number == pipeStream && p.d.direct.Load() > 0 || p.s.retired.Load()
}

// renew has another pump begin where this one's stream has been used for long.
func (p *pump) renew() error {
	return p.wear.look(func(next *stream) error {
		p.d.needs.poke()
		return p.d.send(next)
	})
}

// once sends what there is to send, and returns when there is nothing at the
// moment.
func (p *pump) once() error {
	for p.d.ctx.Err() == nil {
		if err := p.renew(); err != nil {
			return err
		}
		if err := p.fill(); err != nil {
			return err
		}
		if len(p.ahead) > 0 {
			f := p.ahead[0]
			p.ahead = p.ahead[:copy(p.ahead, p.ahead[1:])]
			if err := p.file(&f); err != nil {
				return err
			}
			continue
		}
		if err := p.flush(); err != nil || p.stops() {
			return err
		}
		f := p.d.needs.help()
		if f == nil {
			return nil
		}
		if _, err := p.rangeOf(f); err != nil {
			return err
		}
	}
	return nil
}

// fill opens the files that come next.
func (p *pump) fill() error {
	want := 1
	if p.cold {
		want = maxAhead
	}
	for len(p.ahead) < want && !p.stops() {
		id, ok := p.d.needs.file()
		if !ok {
			return nil
		}
		fd, st, status, err := p.d.m.OpenOffered(id)
		if err != nil {
			return err
		}
		if status != wire.Good {
			if err := p.lacks(id, status); err != nil {
				return err
			}
			continue
		}
		if p.count%probeEvery == 0 && st.IsRegular() {
			hot, err := p.d.calls.Cached(fd, 0)
			p.cold = !hot && err == nil
			if p.cold {
				want = maxAhead
			}
		}
		if p.count++; p.cold {
			p.d.calls.Fadvise(fd, 0, min(st.Size, rangeSize), platform.AdviseWillNeed)
		}
		p.ahead = append(p.ahead, opened{id, fd, st})
	}
	return nil
}

// lacks says that a file can't be had.
func (p *pump) lacks(id wire.FileID, status wire.Status) error {
	if _, ok := p.batch.Add(id, 0, wire.Time{}); !ok {
		if err := p.flush(); err != nil {
			return err
		}
		p.batch.Add(id, 0, wire.Time{})
	}
	p.batch.Fail(status)
	return p.flushFull()
}

// file sends a file, whose descriptor it closes.
func (p *pump) file(f *opened) error {
	switch {
	case !f.st.IsRegular():
		return p.device(f)
	case f.st.Size <= smallFile:
		return p.small(f)
	}
	if f.st.Size > flushBefore {
		if err := p.flush(); err != nil {
			p.d.calls.Close(f.fd)
			return err
		}
	}
	return p.big(f)
}

// small puts a file into the batch, as it was at one time.
func (p *pump) small(f *opened) error {
	calls := p.d.calls
	for attempt := 0; ; attempt++ {
		if f.st.Size > smallFile {
			return p.big(f)
		}
		room, ok := p.batch.Add(f.id, f.st.Size, timeToWire(f.st.Mtime))
		if !ok {
			if err := p.flush(); err != nil {
				calls.Close(f.fd)
				return err
			}
			room, _ = p.batch.Add(f.id, f.st.Size, timeToWire(f.st.Mtime))
		}
		was := f.st
		n, err := readFull(calls, f.fd, room, 0)
		if err == nil {
			err = calls.Fstat(f.fd, &f.st)
		}
		switch {
		case err != nil:
			p.d.m.OfferedUnread(f.id, err)
			p.batch.Fail(wire.Failed)
		case n == len(room) && was.Unchanged(&f.st):
		case attempt == 0:
			p.batch.Undo()
			continue
		default:
			p.d.m.OfferedChanged(f.id)
			p.batch.Fail(wire.Changed)
		}
		calls.Close(f.fd)
		return p.flushFull()
	}
}

func (p *pump) flushFull() error {
	if p.batch.Len() >= batchBytes || p.batch.Count() >= batchFiles {
		return p.flush()
	}
	return nil
}

// flush sends the batch, if there is anything in it.
func (p *pump) flush() error {
	if p.batch.Count() == 0 {
		return nil
	}
	frame, err := p.frame()
	if err != nil {
		return err
	}
	if !p.s.private {
		sum := &wire.BatchSum{Stream: p.s.number, Seq: uint64(p.seq), Sum: hash128(frame[wire.HeaderSize:], p.d.seed)}
		if err := p.d.ctl.send(sum); err != nil {
			return err
		}
	}
	p.seq++
	err = p.write(frame)
	p.batch.Reset()
	return err
}

// frame ends the batch and returns header and payload.
func (p *pump) frame() ([]byte, error) {
	if !p.d.words.compress {
		return p.batch.Frame(p.seq), nil
	}
	payload := p.batch.Payload()
	h := wire.FrameHeader{Type: wire.FrameBatch, Off: p.seq, Raw: int64(len(payload))}
	return p.pack.frame(&h, payload)
}

// header returns a header in memory that the next one overwrites.
func (p *pump) header(h *wire.FrameHeader) []byte {
	h.Put((*[wire.HeaderSize]byte)(p.buf))
	return p.buf[:wire.HeaderSize]
}

// limitedPiece is what goes out at once under a limit: a batch as a whole would have
// the other end see nothing for as long as it takes.
const limitedPiece = 16 << 10

// write writes b under the limit of bytes per second.
func (p *pump) write(b []byte) error {
	l := p.d.copier.Options().Limit
	for l != nil && len(b) > limitedPiece {
		if err := p.write(b[:limitedPiece]); err != nil {
			return err
		}
		b = b[limitedPiece:]
	}
	if l != nil {
		if err := l.Wait(p.d.ctx, int64(len(b))); err != nil {
			return err
		}
	}
	_, err := p.s.Write(b)
	return err
}

// drop closes what was opened in vain.
func (p *pump) drop() {
	for i := range p.ahead {
		p.d.calls.Close(p.ahead[i].fd)
	}
}

// readFull reads until b is full or the file ends.
func readFull(calls *platform.Calls, fd platform.FD, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		got, err := calls.Pread(fd, b[n:], off+int64(n))
		if platform.Interrupted(err) {
			continue
		}
		if err != nil || got <= 0 || got > len(b)-n {
			return n, err
		}
		n += got
	}
	return n, nil
}

func timeToWire(t platform.Time) wire.Time { return wire.Time{Sec: t.Sec, Nsec: uint32(t.Nsec)} }
