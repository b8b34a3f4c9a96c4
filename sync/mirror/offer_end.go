package mirror

import (
	"context"
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/wire"
)

// offeredPath returns what the user would call an offered file.
func (m *Mirror) offeredPath(id wire.FileID) string {
	m.out.mu.RLock()
	p := m.out.dirs[id.Dir]
	m.out.mu.RUnlock()
	if p == nil || p.out.l == nil || int(id.Index) >= len(p.out.l.names) {
		return fmt.Sprintf("file %d of directory %d", id.Index, id.Dir)
	}
	r := p.out.l.names[id.Index]
	return p.origins[r.origin].srcPath(p.out.l.name(r).Bytes())
}

// OfferedChanged reports a file that changed while it was sent.
func (m *Mirror) OfferedChanged(id wire.FileID) {
	m.fail(KindChanged, copier.ErrChanged, apply.Quote(m.offeredPath(id))+" changed while being copied; not copied")
}

// OfferedUnread reports a file that can't be read.
func (m *Mirror) OfferedUnread(id wire.FileID, err error) {
	m.ioError.Store(true)
	m.fail(KindPartial, err, fmt.Sprintf("error reading %s: %s", apply.Quote(m.offeredPath(id)), platform.Message(platform.Cause(err))))
}

// RemoveOffered removes a file that has arrived (--remove-source-files), if it
// still is what was sent, or told if nothing had to be.
func (m *Mirror) RemoveOffered(id wire.FileID) error {
	e, _, err := m.offeredEntry(id)
	if err != nil {
		return err
	}
	defer e.p.release()
	if e.p.out.was == nil {
		return fmt.Errorf("file %d of directory %d: removal was not asked for", id.Index, id.Dir)
	}
	e.p.out.mu.Lock()
	e.src = e.p.out.was[id.Index]
	e.p.out.mu.Unlock()
	m.transferred(e)
	return nil
}

// sumOf returns the digest of the content of e.
func (m *Mirror) sumOf(ctx context.Context, w *apply.Worker, e *entry) ([]byte, error) {
	fd, err := m.openSource(e)
	if err != nil {
		return nil, err
	}
	defer m.calls.Close(fd)
	return m.sumFile(ctx, w, fd)
}

// sumFile returns the XXH3-128 of an open file's content.
func (m *Mirror) sumFile(ctx context.Context, w *apply.Worker, fd platform.FD) ([]byte, error) {
	if cap(w.Compare) < 2*compareSize {
		w.Compare = make([]byte, 2*compareSize)
	}
	h := xxh3.New128()
	buf := w.Compare[:2*compareSize]
	for off := int64(0); ctx.Err() == nil; {
		n, err := m.readFull(fd, buf, off)
		if err != nil {
			return nil, &copier.StepError{Step: copier.StepRead, Err: err}
		}
		h.Write(buf[:n])
		if n < len(buf) {
			return h.Sum(nil), nil
		}
		off += int64(n)
	}
	return nil, ctx.Err()
}

func timeToWire(t platform.Time) wire.Time { return wire.Time{Sec: t.Sec, Nsec: uint32(t.Nsec)} }

func timeFromWire(t wire.Time) platform.Time {
	return platform.Time{Sec: t.Sec, Nsec: int64(t.Nsec)}
}

// attrOf tells an inode as it is at the source: what is to be mapped is mapped
// by the receiver.
func (m *Mirror) attrOf(a *wire.Attr, st *platform.Stat) {
	*a = wire.Attr{
		Mode: st.Mode, UID: st.UID, GID: st.GID, Nlink: 1, Size: st.Size,
		Mtime: timeToWire(st.Mtime),
	}
	if m.rules.Atimes {
		a.Atime = timeToWire(st.Atime)
	}
	if isDevice(st.Mode) {
		a.Rdev = st.Rdev
	}
	if st.Nlink > 1 && !st.IsDir() {
		a.Nlink, a.Dev, a.Ino = st.Nlink, st.Dev, st.Ino
	}
}

func metaToWire(from *meta) (to wire.Meta) {
	to.ACL, to.DefaultACL = from.acl, from.defaultACL
	for _, x := range from.xattrs {
		to.Xattrs = append(to.Xattrs, wire.Xattr{Name: x.Name.Bytes(), Value: x.Value})
	}
	return to
}
