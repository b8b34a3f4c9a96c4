package remote

import (
	"context"
	"sync"

	"github.com/zccp/zccp/sync/wire"
)

// sink sends what a walk finds, within the window of listings. It keeps how
// many names of each directory were told, so that nothing else can be asked
// for.
type sink struct {
	s     *session
	names *names // nil with --numeric-ids

	mu   sync.Mutex
	told map[uint32]*toldDir
}

// toldDir is a directory that files may be asked of.
type toldDir struct {
	next  uint32 // one more than the highest index told
	asked int64
}

func newSink(s *session, numeric bool) *sink {
	k := &sink{s: s, told: map[uint32]*toldDir{}}
	if !numeric {
		k.names = newNames(s)
	}
	return k
}

func (k *sink) send(msg any) error {
	b, err := wire.Append(nil, msg)
	if err != nil {
		return err
	}
	if !k.s.listings.take(int64(len(b))) || !k.s.ctl.await() {
		return context.Cause(k.s.ctx)
	}
	k.s.ctl.sendBytes(b)
	return nil
}

// Root begins the listing.
func (k *sink) Root(m *wire.Root) error {
	k.announce(0)
	k.names.tell(&m.Attr, &m.Meta)
	return k.send(m)
}

// Dir tells of a directory.
func (k *sink) Dir(m *wire.Dir) error {
	if !m.Lost {
		k.announce(m.ID)
		k.names.tell(&m.Attr, &m.Meta)
	}
	return k.send(m)
}

func (k *sink) announce(dir uint32) {
	k.mu.Lock()
	k.told[dir] = &toldDir{}
	k.mu.Unlock()
}

// Entries tells of a portion of a directory's names.
func (k *sink) Entries(m *wire.Entries) error {
	for i := range m.Items {
		k.names.tell(&m.Items[i].Attr, &m.Items[i].Meta)
	}
	k.mu.Lock()
	if d := k.told[m.Dir]; d != nil {
		d.next = max(d.next, m.First+uint32(len(m.Items)))
	}
	k.mu.Unlock()
	return k.send(m)
}

// DirEnd ends a directory's listing.
func (k *sink) DirEnd(m *wire.DirEnd) error { return k.send(m) }

// WalkEnd ends the listing.
func (k *sink) WalkEnd(m *wire.WalkEnd) error { return k.send(m) }

// ask checks that files may be asked for: each that was told, and no more often
// than once on the whole.
func (k *sink) ask(dir uint32, run wire.Run) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.told[dir]
	if d == nil || run.From >= run.To || run.To > d.next {
		return violated("files %d to %d of directory %d were not offered", run.From, run.To, dir)
	}
	if d.asked += int64(run.To - run.From); d.asked > int64(d.next) {
		return violated("files of directory %d are asked for twice", dir)
	}
	return nil
}

// forget says that nothing more will be asked for of a directory.
func (k *sink) forget(dir uint32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.told[dir]
	delete(k.told, dir)
	return ok
}
