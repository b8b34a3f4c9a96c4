package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/wire"
)

// Sink takes what Offer tells of the sources. Its methods are called from
// several goroutines at once and may block for as long as the other end needs;
// what they are given is the Mirror's again when they return. An error ends
// the walk. A directory is told before what is in it.
type Sink interface {
	Root(*wire.Root) error
	Dir(*wire.Dir) error
	Entries(*wire.Entries) error
	DirEnd(*wire.DirEnd) error
	WalkEnd(*wire.WalkEnd) error
}

// offering is the state of a run that only has sources.
type offering struct {
	sink Sink
	stop context.CancelFunc
	next atomic.Uint32

	mu   sync.RWMutex
	dirs map[uint32]*pair
	err  error // of the sink
}

// offered is what a pair has of its own in such a run.
type offered struct {
	id    uint32
	l     *listing
	files []offeredFile // of the files in l.names
	mu    sync.Mutex
	was   []platform.Stat // of the same, as they were told or opened, if they are to be removed
	lost  []platform.Name // names that could not be looked at
	gone  []platform.Name // names that were given and are not there, if those are to be deleted
}

// ErrNotOffered says that a peer asked for what it was not told of.
var ErrNotOffered = errors.New("file was never offered")

// Offer walks the sources and tells sink of all that a receiver has to know to
// decide what it needs: the half of Run that has no destination. It returns
// after WalkEnd. Files can then, and while it runs, be opened with OpenOffered
// until CloseOffered; each directory takes memory until ForgetDir.
func (m *Mirror) Offer(ctx context.Context, sources []string, sink Sink) error {
	p, err := m.sources(sources)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// What an entry is to become is the receiver's to say.
	m.opts.Chmod, m.opts.ChownUID, m.opts.ChownGID = nil, nil, nil
	m.out = &offering{sink: sink, stop: stop, dirs: map[uint32]*pair{}}
	m.root = p
	m.keepOffered(p)
	m.r.Run(ctx, &offerJob{m, m.prospect(p)})
	m.walked.Store(true)
	if m.stopped.Load() {
		m.failf(KindStopped, "stopping at the requested time")
	}
	if m.out.err != nil {
		return m.out.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	end := &wire.WalkEnd{IOError: m.ioError.Load(), UnreadRoot: []byte(m.Told(m.unreadRoot)), LostMount: []byte(m.Told(m.lostMount())), Dirs: m.out.next.Load()}
	for i := range p.origins {
		if o := &p.origins[i]; o.want == nil && o.depth != 0 && o.bare {
			end.Empty = []byte(m.Told(o.path))
		}
	}
	return sink.WalkEnd(end)
}

// Told is what the other end hears instead of a text, by Options.Tell.
func (m *Mirror) Told(text string) string {
	if m.opts.Tell != nil {
		text = m.opts.Tell(text)
	}
	return text
}

// CloseOffered lets go of the sources.
func (m *Mirror) CloseOffered() {
	m.noteMounts()
	m.close()
}

// tell makes a call of the sink; its first error ends the walk.
func (o *offering) tell(err error) {
	if err == nil {
		return
	}
	o.mu.Lock()
	if o.err == nil {
		o.err = err
	}
	o.mu.Unlock()
	o.stop()
}

// keepOffered gives a pair its number and keeps it until ForgetDir.
func (m *Mirror) keepOffered(p *pair) {
	p.out = &offered{id: m.out.next.Add(1) - 1}
	p.unsealed.Add(1)
	m.out.mu.Lock()
	m.out.dirs[p.out.id] = p
	m.out.mu.Unlock()
}

// offerJob begins the walk.
type offerJob struct {
	m    *Mirror
	from *prospect
}

func (j *offerJob) Run(ctx context.Context, w *apply.Worker) {
	m, p := j.m, j.m.root
	root := &wire.Root{
		Single: j.from.single, IsDir: j.from.isDir, Content: j.from.content,
		Nothing: m.nothing(p), Hidden: j.from.hidden(), Bare: m.opts.MkPath && j.from.bare(),
		Seals: p.seals, Lists: m.listsAll(p),
	}
	if len(p.origins) > 0 {
		root.Path = []byte(m.Told(p.origins[0].path))
	}
	if o := p.sealer(); o != nil && p.seals {
		m.readMeta(&p.meta, nil, nil, o.dir, o.st.Mode)
		m.attrOf(&root.Attr, &o.st)
		root.Meta = metaToWire(&p.meta)
	}
	m.out.tell(m.out.sink.Root(root))
	m.walk(ctx, w, p)
}

// offerDir tells of a directory that was entered.
func (m *Mirror) offerDir(p *pair, implied bool) {
	m.keepOffered(p)
	d := &wire.Dir{
		ID: p.out.id, Parent: p.parent.out.id, Name: p.name.Bytes(), Called: p.called.Bytes(), Path: []byte(m.Told(p.origins[0].path)),
		Meta: metaToWire(&p.meta), Implied: implied, Lists: m.listsAll(p),
	}
	m.attrOf(&d.Attr, &p.st)
	m.out.tell(m.out.sink.Dir(d))
}

// offerLost tells of one that could not be.
func (m *Mirror) offerLost(parent *pair, name platform.Name) {
	d := &wire.Dir{ID: m.out.next.Add(1) - 1, Parent: parent.out.id, Name: name.Bytes(), Lost: true}
	d.Attr.Mode = platform.ModeDir
	m.out.tell(m.out.sink.Dir(d))
}

// offerNames tells of a portion of the names of p, which is in use.
func (m *Mirror) offerNames(ctx context.Context, w *apply.Worker, p *pair, l *listing, refs []ref) {
	if len(refs) == 0 {
		return
	}
	first := 0
	if len(l.names) != len(refs) {
		for first = 0; &l.names[first] != &refs[0]; first += chunkNames {
		}
	}
	e := &entry{p: p}
	msg := &wire.Entries{Dir: p.out.id, First: uint32(first), Items: make([]wire.Entry, 0, len(refs))}
	flush := func(next int) {
		if len(msg.Items) > 0 {
			m.out.tell(m.out.sink.Entries(msg))
		}
		msg.First, msg.Items = uint32(first+next), msg.Items[:0]
	}
	size := 0
	for i, r := range refs {
		if ctx.Err() != nil || m.late() {
			break
		}
		e.o = &p.origins[r.origin]
		e.name, e.as = l.name(r), l.targetName(p, r)
		if !m.look(w, e) {
			p.out.lose(e.as)
			flush(i + 1)
			continue
		}
		item := wire.Entry{Name: e.as.Bytes(), Meta: metaToWire(&e.meta), Device: e.device, Follow: e.follow}
		if len(e.link) > 0 {
			item.Link = append([]byte(nil), e.link.Bytes()...)
		}
		m.attrOf(&item.Attr, &e.src)
		if e.device {
			item.Attr.Mtime.Sec = e.st.Mtime.Sec // when it was read
		}
		if m.rules.Checksum && e.src.IsRegular() {
			var err error
			if item.Sum, err = m.sumOf(ctx, w, e); err != nil {
				m.readProblem(e, err)
				p.out.lose(e.as)
				flush(i + 1)
				continue
			}
		}
		at := first + i
		p.out.files[at] = offeredFile{e.src.Ino, attributesSum(&e.src, &e.meta)}
		if p.out.was != nil {
			p.out.was[at] = e.src
		}
		if e.follow {
			refs[i].flags |= refFollow
		}
		if e.device {
			refs[i].flags |= refDevice
		}
		msg.Items = append(msg.Items, item)
		for _, x := range item.Meta.Xattrs {
			size += len(x.Value)
		}
		if size += len(item.Link); size > 256<<10 {
			flush(i + 1)
			size = 0
		}
	}
	flush(len(refs))
}

func (o *offered) lose(name platform.Name) {
	o.mu.Lock()
	o.lost = append(o.lost, name.Clone())
	o.mu.Unlock()
}

// offerEnd ends the listing of a pair.
func (m *Mirror) offerEnd(p *pair) {
	o := p.out
	end := &wire.DirEnd{Dir: o.id}
	if o.l != nil {
		end.Count = uint32(len(o.l.names))
		for _, r := range o.l.dirs {
			if r.flags&refAgain == 0 {
				end.Subdirs = append(end.Subdirs, o.l.targetName(p, r).Bytes())
			}
		}
	}
	for _, name := range o.lost {
		end.Others = append(end.Others, name.Bytes())
	}
	for _, name := range o.gone {
		end.Missing = append(end.Missing, name.Bytes())
	}
	m.out.tell(m.out.sink.DirEnd(end))
}

// keepListing keeps the names of a pair for when they are asked for.
func (m *Mirror) keepListing(p *pair, l *listing) {
	p.out.l = l
	p.out.files = make([]offeredFile, len(l.names))
	if m.opts.RemoveSource {
		p.out.was = make([]platform.Stat, len(l.names))
	}
}

// ForgetDir says that no more files of a directory will be asked for. Those
// that were opened stay open.
func (m *Mirror) ForgetDir(dir uint32) error {
	m.out.mu.Lock()
	p := m.out.dirs[dir]
	delete(m.out.dirs, dir)
	m.out.mu.Unlock()
	if p == nil {
		return fmt.Errorf("directory %d: %w", dir, ErrNotOffered)
	}
	m.done(nil, p)
	return nil
}

// offeredEntry returns the entry of an id, its pair in use.
func (m *Mirror) offeredEntry(id wire.FileID) (*entry, ref, error) {
	m.out.mu.RLock()
	p := m.out.dirs[id.Dir]
	m.out.mu.RUnlock()
	if p == nil || p.out.l == nil || int(id.Index) >= len(p.out.l.names) {
		return nil, ref{}, fmt.Errorf("file %d of directory %d: %w", id.Index, id.Dir, ErrNotOffered)
	}
	if err := p.use(); err != nil {
		return nil, ref{}, err
	}
	l, r := p.out.l, p.out.l.names[id.Index]
	return &entry{
		p: p, o: &p.origins[r.origin], name: l.name(r), as: l.targetName(p, r),
		follow: r.flags&refFollow != 0, device: r.flags&refDevice != 0,
	}, r, nil
}
