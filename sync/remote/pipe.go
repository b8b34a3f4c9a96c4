package remote

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/wire"
)

// pipe is the data stream within the control channel, which carries everything
// until there is a direct one. What is on its way is bounded by a window that
// the receiver gives back as it reads, so that the reader of the control
// channel has room for every chunk that comes.
type pipe struct {
	s    *session
	owed owed

	mu    sync.Mutex
	wake  sync.Cond
	held  [][]byte // arrived, not read yet
	size  int
	ended bool
}

// pipeStream is the number of the pipe among the data streams.
const pipeStream = 0

func newPipe(s *session) *pipe {
	p := &pipe{s: s, owed: owed{step: chunkWindow / kept}}
	p.wake.L = &p.mu
	return p
}

// stream returns the pipe as a data stream.
func (p *pipe) stream() *stream {
	return &stream{conn: p, number: pipeStream, private: true, sock: platform.None}
}

// Write sends b in chunks and waits while the peer has not read enough of those
// before.
func (p *pipe) Write(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		piece := b[n:min(len(b), n+wire.MaxChunk)]
		if !p.s.chunks.take(int64(len(piece))) || !p.s.ctl.await() {
			return n, os.ErrClosed
		}
		if err := p.s.ctl.send(&wire.Chunk{Stream: pipeStream, Data: piece}); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// arrived takes a chunk from the reader of the control channel.
func (p *pipe) arrived(m *wire.Chunk) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size += len(m.Data); p.size > chunkWindow || m.Stream != pipeStream {
		return violated("data of stream %d that nobody asked for", m.Stream)
	}
	switch n := len(p.held); {
	case len(m.Data) == 0:
	case n > 0 && len(p.held[n-1])+len(m.Data) <= wire.MaxChunk:
		// By single bytes a window would take fifty times its size.
		p.held[n-1] = append(p.held[n-1], m.Data...)
	default:
		p.held = append(p.held, m.Data)
	}
	p.wake.Signal()
	return nil
}

// Read waits for chunks.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	for len(p.held) == 0 && !p.ended {
		p.wake.Wait()
	}
	if p.ended {
		p.mu.Unlock()
		return 0, io.ErrClosedPipe
	}
	n := copy(b, p.held[0])
	if p.held[0] = p.held[0][n:]; len(p.held[0]) == 0 {
		p.held[0] = nil
		p.held = p.held[1:]
	}
	p.size -= n
	p.mu.Unlock()
	if credit := p.owed.add(n); credit > 0 {
		return n, p.s.ctl.send(&wire.Credit{Flow: wire.FlowChunks, Bytes: credit})
	}
	return n, nil
}

// end lets a reader go; the writer goes with the window.
func (p *pipe) end() {
	p.mu.Lock()
	p.ended, p.held = true, nil
	p.wake.Broadcast()
	p.mu.Unlock()
}

// Close does nothing: the control channel is the session's.
func (p *pipe) Close() error { return nil }

// SetDeadline does nothing, since the end of the session ends both halves.
func (p *pipe) SetDeadline(time.Time) error { return nil }
