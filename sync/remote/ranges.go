package remote

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

var le = binary.LittleEndian

func hash128(b []byte, seed uint64) [16]byte { return xxh3.Hash128Seed(b, seed).Bytes() }

// summedPiece is how much the kernel sends before the same is read for the sum,
// so that it is still in the processor's cache.
const summedPiece = 1 << 20

// big sends a file range by range, together with whoever has nothing else to
// do.
func (p *pump) big(o *opened) error {
	f := &sending{id: o.id, fd: o.fd, st: o.st, end: o.st.Size, status: wire.Good}
	f.sparse = f.st.Blocks*512 < f.st.Size
	if p.d.words.compress {
		f.packs = p.worthPacking(f)
	}
	shared := f.st.Size > rangeSize || p.s.number == pipeStream
	if shared {
		// Nobody else's range could begin before this one's is taken.
		p.d.needs.share(f)
	}
	for !shared || !p.stops() {
		more, err := p.rangeOf(f)
		if err != nil || !more {
			return err
		}
		if err := p.renew(); err != nil {
			return err
		}
	}
	return nil
}

// rangeOf sends one range of a file, and ends the file with the last one. It
// reports false if there was none left.
func (p *pump) rangeOf(f *sending) (bool, error) {
	limit := int64(rangeSize)
	switch {
	case f.packs:
		limit = packRange
	case p.s.number == pipeStream:
		limit = pipeRange
	}
	g, ok := f.take(p.d.calls, limit)
	if !ok {
		return false, nil
	}
	var err error
	switch {
	case g.hole:
		err = p.hole(f, &g)
	case g.copied:
		err = p.copied(f, &g)
	case f.packs:
		err = p.packed(f, &g)
	case p.s.sock != platform.None && !(f.delta && g.n <= smallFile):
		err = p.kernel(f, &g)
	default:
		err = p.plain(f, &g)
	}
	if err != nil {
		p.giveUp(f)
		return false, err
	}
	if f.done() {
		return true, p.d.ended(f)
	}
	return true, nil
}

// giveUp lets go of a file when its stream has broken.
func (p *pump) giveUp(f *sending) {
	f.spoil(wire.Failed)
	f.mu.Lock()
	f.next.Store(f.end)
	f.mu.Unlock()
	if f.done() {
		p.d.calls.Close(f.fd)
	}
}

func (p *pump) hole(f *sending, g *segment) error {
	h := wire.FrameHeader{Type: wire.FrameHole, ID: f.id, Off: g.off, Raw: g.n}
	p.sum(f, &h, [16]byte{})
	return p.write(p.header(&h))
}

// sum adds a frame to the file's sum, where the stream does not protect it.
func (p *pump) sum(f *sending, h *wire.FrameHeader, payload [16]byte) {
	if p.s.private {
		return
	}
	f.mu.Lock()
	f.sum.add(h.Type, h.Off, h.Raw, payload, p.d.seed)
	f.mu.Unlock()
}

// plain reads and writes. A file that ends early is filled up with zeros: the
// frame has to be as long as it said.
func (p *pump) plain(f *sending, g *segment) error {
	h := wire.FrameHeader{Type: wire.FrameRange, ID: f.id, Off: g.off, Raw: g.n, Len: uint32(g.n)}
	p.header(&h)
	var sum *xxh3.Hasher128
	if !p.s.private {
		sum = xxh3.NewSeed128(p.d.seed)
	}
	b := p.buf // the first piece goes with the header
	for done := int64(0); done < g.n; {
		data := b[wire.HeaderSize:][:min(g.n-done, bufferSize)]
		p.read(f, data, g.off+done)
		if sum != nil {
			sum.Write(data)
		}
		out := data
		if done == 0 {
			out = b[:wire.HeaderSize+len(data)]
		}
		if err := p.write(out); err != nil {
			return err
		}
		done += int64(len(data))
	}
	if sum != nil {
		p.sum(f, &h, sum.Sum128().Bytes())
	}
	return nil
}

// read fills b, with zeros where the file can't be read.
func (p *pump) read(f *sending, b []byte, off int64) {
	n, err := readFull(p.d.calls, f.fd, b, off)
	if n < len(b) {
		clear(b[n:])
		p.short(f, err)
	}
}

// short notes that a file could not be read to its end.
func (p *pump) short(f *sending, err error) {
	if err == nil {
		f.spoil(wire.Changed)
	} else if f.spoil(wire.Failed) {
		p.d.m.OfferedUnread(f.id, err)
	}
}

// kernel lets the kernel send the range.
func (p *pump) kernel(f *sending, g *segment) error {
	f.parks.Do(func() {
		select {
		case p.d.slots <- struct{}{}:
			f.kernel.Store(true)
		case <-p.d.ctx.Done():
		}
	})
	if !f.kernel.Load() {
		return context.Cause(p.d.ctx)
	}
	if p.w == nil {
		p.w = p.d.copier.NewWorker()
	}
	h := wire.FrameHeader{Type: wire.FrameRange, ID: f.id, Off: g.off, Raw: g.n, Len: uint32(g.n)}
	if _, err := p.s.Write(p.header(&h)); err != nil {
		return err
	}
	if p.s.private {
		return p.kernelPiece(f, g.off, g.n)
	}
	sum := xxh3.NewSeed128(p.d.seed)
	for done := int64(0); done < g.n; {
		n := min(g.n-done, summedPiece)
		if err := p.kernelPiece(f, g.off+done, n); err != nil {
			return err
		}
		for end := done + n; done < end; {
			data := p.buf[:min(end-done, bufferSize)]
			p.read(f, data, g.off+done)
			sum.Write(data)
			done += int64(len(data))
		}
	}
	p.sum(f, &h, sum.Sum128().Bytes())
	return nil
}

// kernelPiece sends n bytes, whatever becomes of the file.
func (p *pump) kernelPiece(f *sending, off, n int64) error {
	var res copier.Result
	err := p.w.Send(p.d.ctx, p.s.sock, f.fd, &f.st, off, n, &res)
	p.s.sent(res.Bytes)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*copier.StepError](err); !ok && !errors.Is(err, copier.ErrChanged) {
		return err
	}
	// An error of sendfile doesn't tell which of the two descriptors it is
	// about. Plain calls do, and the count of what the socket took is right.
	for done := res.Bytes; done < n; {
		data := p.buf[:min(n-done, bufferSize)]
		p.read(f, data, off+done)
		if _, err := p.s.Write(data); err != nil {
			return err
		}
		done += int64(len(data))
	}
	return nil
}

// ended tells the receiver of a file that has been sent.
func (d *sender) ended(f *sending) error {
	if f.status == wire.Good {
		f.status = d.verdict(f)
	} else if f.status == wire.Changed {
		d.m.OfferedChanged(f.id)
	}
	sent := &wire.Sent{
		ID: f.id, Status: f.status, Size: f.st.Size, Bytes: f.size(), Mtime: timeToWire(f.st.Mtime),
		Kernel: f.kernel.Load() && f.status == wire.Good, Sums: f.sum.sums(f.size()),
	}
	if f.delta {
		sent.Digest = f.digest[:]
	}
	if f.status == wire.Good && d.words.verify != copier.NoHash {
		var err error
		if sent.Digest, err = d.digest(f); err != nil {
			d.calls.Close(f.fd)
			return err
		}
	}
	if sent.Kernel {
		d.mu.Lock()
		d.parked[f.id] = f
		d.mu.Unlock()
		return d.ctl.send(sent)
	}
	if f.kernel.Load() {
		<-d.slots
	}
	d.calls.Close(f.fd)
	return d.ctl.send(sent)
}

// digest reads the whole file once more, for --verify: ranges went out in no
// order. Its pages are in memory now.
func (d *sender) digest(f *sending) ([]byte, error) {
	h := d.words.verify.New()
	buf := make([]byte, bufferSize)
	for off := int64(0); off < f.end; {
		n, err := readFull(d.calls, f.fd, buf[:min(bufferSize, f.end-off)], off)
		if err != nil || n == 0 {
			break // what is missing makes the digest another one
		}
		h.Write(buf[:n])
		off += int64(n)
		if d.ctx.Err() != nil {
			return nil, context.Cause(d.ctx)
		}
	}
	return h.Sum(nil), nil
}
