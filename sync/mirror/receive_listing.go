package mirror

import (
	"context"
	"fmt"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/wire"
)

// farRootJob begins a run whose sources are elsewhere.
type farRootJob struct {
	r *Receiver
	d *farDir
}

func (j *farRootJob) Run(ctx context.Context, w *apply.Worker) {
	m, p := j.r.m, j.d.p
	if p.dst == nil && !p.fresh && !m.opts.ListOnly && !m.opts.DryRun {
		// Nothing that was named is there: target has not even opened it.
		j.r.ready(j.d, nil, nil)
		return
	}
	if p.seals && m.goesOn(ctx) {
		m.rootItem(w, p)
	}
	j.r.list(w, j.d, p)
	p.release()
}

// list reads what stands at the destination of a directory, whose pair is in
// use, and begins what waits for it.
func (r *Receiver) list(w *apply.Worker, d *farDir, p *pair) {
	l := &listing{}
	var dst []ref
	if p.dst != nil && !p.fresh {
		dst = r.m.listTarget(w, p, l)
		l.sort(dst)
	}
	d.dst = dst
	r.ready(d, p, l)
}

// ready lets begin what waits for a directory. Without a listing nothing in it
// is done.
func (r *Receiver) ready(d *farDir, p *pair, l *listing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d.state = farReady
	if l == nil {
		d.state = farDead
	}
	d.p, d.l = p, l
	// Last in, first out: in the order of their arrival.
	for i := len(d.waiting) - 1; i >= 0; i-- {
		r.push(d.waiting[i])
	}
	d.waiting = nil
}

// enterJob enters a directory.
type enterJob struct {
	r    *Receiver
	d    *farDir
	msg  *wire.Dir
	done func()
}

func (j *enterJob) Run(ctx context.Context, w *apply.Worker) {
	r, up := j.r, j.d.parent
	defer j.done()
	var p *pair
	if up.p != nil {
		p = r.enter(ctx, w, j.d, up.p, j.msg)
	}
	if p == nil {
		r.ready(j.d, nil, nil)
	} else {
		r.list(w, j.d, p)
		p.release()
	}
	r.m.noteStop(ctx)
	r.mu.Lock()
	up.entering--
	r.free(up)
	r.mu.Unlock()
}

// enter is Mirror.enter for a directory that the sender told of.
func (r *Receiver) enter(ctx context.Context, w *apply.Worker, d *farDir, up *pair, msg *wire.Dir) *pair {
	m := r.m
	if ctx.Err() != nil || m.late() {
		return nil
	}
	if err := up.use(); err != nil {
		m.unusable(up, err)
		return nil
	}
	defer up.release()
	name, err := platform.MakeName(string(msg.Name))
	if err != nil {
		return nil
	}
	p := &pair{parent: up, name: name, in: d}
	if up.parent == nil && r.as != nil {
		p.name, p.called = r.as, name
	}
	o := origin{path: string(msg.Path), depth: everything}
	if !msg.Lists {
		o.want = &want{}
	}
	if err := statFrom(&o.st, &msg.Attr); err != nil {
		m.failf(KindPartial, "%s: %v", apply.Quote(o.path), err)
		return nil
	}
	p.origins = []origin{o}
	p.st = o.st
	m.mapAttributes(&p.st)
	m.metaFrom(&p.meta, &msg.Meta)
	m.stats.files.add(platform.ModeDir)
	w.Tally.Found++
	p.seals = !(msg.Implied && m.opts.NoImpliedDirs)
	p.delete = m.deletes() && msg.Lists
	p.unpublished.Store(1)
	p.unsealed.Store(1)
	up.unsealed.Add(1)
	if !m.enterTarget(w, p, true, msg.Implied) {
		up.unsealed.Add(-1)
		return nil
	}
	return p
}

// entriesJob does a portion of a directory's names.
type entriesJob struct {
	r    *Receiver
	d    *farDir
	msg  *wire.Entries
	done func()
}

func (j *entriesJob) Run(ctx context.Context, w *apply.Worker) {
	r, m, p := j.r, j.r.m, j.d.p
	if r.parks(j) {
		return
	}
	if p != nil {
		if err := p.use(); err != nil {
			m.unusable(p, err)
		} else {
			r.entries(ctx, w, j.d, p, j.msg)
			p.release()
		}
		m.noteStop(ctx)
	}
	j.done()
	r.mu.Lock()
	r.endChunk(j.d)
	r.mu.Unlock()
}

func (r *Receiver) entries(ctx context.Context, w *apply.Worker, d *farDir, p *pair, msg *wire.Entries) {
	m := r.m
	e := &entry{p: p, o: &p.origins[0]}
	var name, link []byte
	for i := range msg.Items {
		if ctx.Err() != nil || m.late() {
			break
		}
		item := &msg.Items[i]
		name = append(append(name[:0], item.Name...), 0)
		*e = entry{p: p, o: e.o, name: platform.Name(name), as: platform.Name(name), id: wire.FileID{Dir: d.id, Index: msg.First + uint32(i)}}
		if p.parent == nil && r.as != nil {
			e.as = r.as
		}
		e.inDst = d.has(e.as.Bytes())
		if err := statFrom(&e.src, &item.Attr); err != nil {
			m.failf(KindPartial, "%s: %v", apply.Quote(e.srcPath()), err)
			continue
		}
		e.st = e.src
		m.mapAttributes(&e.st)
		m.metaFrom(&e.meta, &item.Meta)
		e.sum, e.follow, e.device = item.Sum, item.Follow, item.Device
		if e.src.IsSymlink() && m.opts.Links != LinksSkip {
			link = link[:0]
			if m.opts.MungeLinks {
				link = append(link, mungePrefix...)
			}
			link = append(append(link, item.Link...), 0)
			e.link = platform.Name(link)
		}
		w.Tally.Found++
		m.decide(ctx, w, e)
	}
	r.peer.Flush()
}

// dirEndJob ends the listing of a directory.
type dirEndJob struct {
	r *Receiver
	d *farDir
}

func (j *dirEndJob) Run(ctx context.Context, w *apply.Worker) {
	r, m, d, p := j.r, j.r.m, j.d, j.d.p
	if p != nil {
		for _, name := range d.told {
			if p.parent == nil && r.as != nil {
				name = r.as.Bytes()
			}
			d.has(name)
		}
		if p.delete && !d.cut && m.goesOn(ctx) {
			for _, f := range d.dst {
				if f.flags&refInDst == 0 {
					d.l.extra = append(d.l.extra, f)
				}
			}
			if err := p.use(); err != nil {
				m.unusable(p, err)
			} else {
				m.drop(p, d.l)
				p.release()
			}
		}
		r.dropMissing(d, p)
		if p.unpublished.Add(-1) == 0 {
			m.publish(p)
		}
	}
	if d.barred != "" && d.holds {
		m.problem("access", d.barred, platform.ErrNotDir)
	}
	d.l, d.dst, d.told, d.missing = nil, nil, nil, nil
	r.mu.Lock()
	d.listed = true
	r.free(d)
	r.mu.Unlock()
}

// dropMissing has deleted what was given and isn't there at the sender. A source
// that was to get another name has none to be deleted by.
func (r *Receiver) dropMissing(d *farDir, p *pair) {
	if len(d.missing) == 0 || p.dst == nil || p.parent == nil && r.as != nil {
		return
	}
	if err := p.use(); err != nil {
		r.m.unusable(p, err)
		return
	}
	for _, name := range d.missing {
		if as, err := platform.MakeName(string(name)); err == nil {
			r.m.dropMissing(p, as)
		}
	}
	p.release()
}

// freeJob lets go of a directory: it is sealed once all below it is done.
type freeJob struct {
	r *Receiver
	d *farDir
}

func (j *freeJob) Run(_ context.Context, w *apply.Worker) { j.r.m.done(w, j.d.p) }

// statFrom takes over what the sender told of an inode.
func statFrom(st *platform.Stat, a *wire.Attr) error {
	*st = platform.Stat{
		Mode: a.Mode, UID: a.UID, GID: a.GID, Nlink: a.Nlink, Dev: a.Dev, Ino: a.Ino, Rdev: a.Rdev,
		Size: a.Size, Mtime: timeFromWire(a.Mtime), Atime: timeFromWire(a.Atime),
	}
	if a.Size < 0 || a.Mode&^(platform.ModeType|platform.ModeBits) != 0 || a.Mtime.Nsec >= 1e9 || a.Atime.Nsec >= 1e9 {
		return fmt.Errorf("attributes that no file has: %+v", *a)
	}
	return nil
}

func (m *Mirror) metaFrom(to *meta, from *wire.Meta) {
	*to = meta{}
	acl, xattr := m.rules.ACLs, m.rules.Xattrs
	if acl {
		to.acl, to.defaultACL = m.mapACL(from.ACL, filter.Sender), m.mapACL(from.DefaultACL, filter.Sender)
	}
	if !xattr {
		return
	}
	for _, x := range from.Xattrs {
		name, err := platform.MakeName(string(x.Name))
		if err != nil || !m.keepsXattr(name, filter.Receiver) {
			continue
		}
		to.xattrs = append(to.xattrs, copier.Xattr{Name: name, Value: x.Value})
	}
}
