package remote

import (
	"context"
	"fmt"
	"sync"

	"github.com/zccp/zccp/sync/wire"
)

// sink sends what a walk finds, within the window of listings. It keeps how
// many names of each directory were told, so that nothing else can be asked
// for.
type sink struct {
	s     *session
	names *names // nil with --numeric-ids
	most  int    // names to hold; 0 for no bound

	mu   sync.Mutex
	told map[uint32]*toldDir
	held int // names in these, and dirNames for each
}

// dirNames is how many names take as much memory as a directory does beside its
// own.
const dirNames = 8

// toldDir is a directory that files may be asked of.
type toldDir struct {
	next  uint32 // one more than the highest index told
	names int
	asked int64
}

func newSink(s *session, numeric bool) *sink {
	k := &sink{s: s, most: s.maxNames, told: map[uint32]*toldDir{}}
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
	if err := k.announce(0); err != nil {
		return err
	}
	k.names.tell(&m.Attr, &m.Meta)
	return k.send(m)
}

// Dir tells of a directory.
func (k *sink) Dir(m *wire.Dir) error {
	if !m.Lost {
		if err := k.announce(m.ID); err != nil {
			return err
		}
		k.names.tell(&m.Attr, &m.Meta)
	}
	return k.send(m)
}

func (k *sink) announce(dir uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told[dir] = &toldDir{}
	return k.hold(dirNames)
}

// hold counts names that are kept until their directory is forgotten. A receiver
// that never says that it is done with one would have all of them kept. To wait
// for it is no way out: some of what an honest one asks for last it can only know
// when it has heard everything, as which names of a file come yet. k.mu is held.
func (k *sink) hold(names int) error {
	if k.held += names; k.most > 0 && k.held > k.most {
		return &Error{
			Code: CodeProtocol, Text: fmt.Sprintf("more than %d names would have to be kept for a receiver that is not done with their directories", k.most),
			Hint: "max-names in the configuration of the sender allows more",
		}
	}
	return nil
}

// Entries tells of a portion of a directory's names.
func (k *sink) Entries(m *wire.Entries) error {
	for i := range m.Items {
		k.names.tell(&m.Items[i].Attr, &m.Items[i].Meta)
	}
	if err := k.tell(m); err != nil {
		return err
	}
	return k.send(m)
}

// tell notes that names may be asked for.
func (k *sink) tell(m *wire.Entries) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.told[m.Dir]
	if d == nil {
		return nil
	}
	d.next = max(d.next, m.First+uint32(len(m.Items)))
	d.names += len(m.Items)
	return k.hold(len(m.Items))
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
	d, ok := k.told[dir]
	if ok {
		k.held -= d.names + dirNames
		delete(k.told, dir)
	}
	return ok
}
