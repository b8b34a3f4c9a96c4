package mirror

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/plan"
	"github.com/zccp/zccp/sync/tree"
)

// meta is what an entry has beyond its stat: ACLs and extended attributes.
type meta struct {
	acl, defaultACL []byte // nil for none
	xattrs          []copier.Xattr
}

var (
	attrACL        = platform.MustName("system.posix_acl_access")
	attrDefaultACL = platform.MustName("system.posix_acl_default")
)

// holder reads and sets the attributes of an entry: by its descriptor, or by
// its name where it can't be opened.
type holder struct {
	m    *Mirror
	fd   platform.FD // or None
	dir  platform.FD
	name platform.Name
}

func (h *holder) list(buf []byte) (int, error) {
	if h.fd != platform.None {
		return h.m.calls.Flistxattr(h.fd, buf)
	}
	return h.m.calls.Listxattrat(h.dir, h.name, buf)
}

func (h *holder) get(attr platform.Name, buf []byte) (int, error) {
	if h.fd != platform.None {
		return h.m.calls.Fgetxattr(h.fd, attr, buf)
	}
	return h.m.calls.Getxattrat(h.dir, h.name, attr, buf)
}

func (h *holder) set(attr platform.Name, value []byte) error {
	attr = h.m.disguised(attr)
	if h.fd != platform.None {
		return h.m.calls.Fsetxattr(h.fd, attr, value)
	}
	return h.m.calls.Setxattrat(h.dir, h.name, attr, value)
}

func (h *holder) remove(attr platform.Name) error {
	attr = h.m.disguised(attr)
	var err error
	if h.fd != platform.None {
		err = h.m.calls.Fremovexattr(h.fd, attr)
	} else {
		err = h.m.calls.Removexattrat(h.dir, h.name, attr)
	}
	if platform.NoAttribute(err) {
		return nil // gone, as it is to be
	}
	return err
}

// wantsMeta reports whether an entry of this type has more than its stat to
// keep.
func (m *Mirror) wantsMeta(mode uint32) (acl, xattr bool) {
	return m.rules.ACLs && mode&platform.ModeType != platform.ModeSymlink, m.rules.Xattrs
}

// readMeta reads what of an entry of the source is to be kept. The entry is
// the directory d, or name in up; what can't be read is reported.
func (m *Mirror) readMeta(to *meta, up *origin, name platform.Name, d *tree.Dir, mode uint32) {
	*to = meta{}
	acl, xattr := m.wantsMeta(mode)
	if !acl && !xattr {
		return
	}
	h := holder{m: m, fd: platform.None}
	path := ""
	if d != nil {
		h.fd = d.FD()
	} else {
		h.dir, h.name = up.dir.FD(), name
	}
	if up != nil {
		path = up.srcPath(name.Bytes())
	}
	if err := h.read(to, acl, xattr, mode, filter.Sender); err != nil {
		m.sourceProblem("read attributes of", path, err)
	}
}

const maxValue = 64 << 10 // XATTR_SIZE_MAX and XATTR_LIST_MAX (linux/limits.h)

// listBuffers hold the names of an entry's attributes: there are two lists to
// be read for each file that is up to date.
var listBuffers = sync.Pool{New: func() any { return new([4096]byte) }}

// read fills in to. A file system without attributes has none.
func (h *holder) read(to *meta, acl, xattr bool, mode uint32, side filter.Side) error {
	scratch := listBuffers.Get().(*[4096]byte)
	defer listBuffers.Put(scratch)
	buf := scratch[:]
	n, err := h.list(buf)
	if platform.SmallBuffer(err) {
		buf = make([]byte, maxValue)
		n, err = h.list(buf)
	}
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		return err
	}
	for names := buf[:min(max(n, 0), len(buf))]; len(names) > 0; {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			break
		}
		attr := platform.Name(names[:end+1])
		names = names[end+1:]
		shown, counts := h.m.undisguised(attr, side)
		isACL := acl && bytes.Equal(attr, attrACL)
		isDefault := acl && bytes.Equal(attr, attrDefaultACL)
		if !isACL && !isDefault && !(xattr && counts && h.m.keepsXattr(shown, side)) {
			continue
		}
		value, err := h.value(attr)
		switch {
		case platform.NoAttribute(err):
		case err != nil:
			return err
		case isACL:
			to.acl = h.m.mapACL(value, side)
		case isDefault:
			to.defaultACL = h.m.mapACL(value, side)
		default:
			to.xattrs = append(to.xattrs, copier.Xattr{Name: shown.Clone(), Value: value})
		}
	}
	if len(to.xattrs) > 1 {
		slices.SortFunc(to.xattrs, func(a, b copier.Xattr) int { return bytes.Compare(a.Name, b.Name) })
	}
	return nil
}

// mapACL gives the named users and groups of the source's ACLs the numbers that
// --chown and the like give to owners.
func (m *Mirror) mapACL(acl []byte, side filter.Side) []byte {
	if side != filter.Sender || m.opts.ChownUID == nil && m.opts.ChownGID == nil || len(acl) < 4 {
		return acl
	}
	for e := acl[4:]; len(e) >= 8; e = e[8:] {
		id := binary.LittleEndian.Uint32(e[4:])
		switch tag := binary.LittleEndian.Uint16(e); {
		case tag == aclUser && m.opts.ChownUID != nil:
			binary.LittleEndian.PutUint32(e[4:], m.opts.ChownUID(id))
		case tag == aclGroup && m.opts.ChownGID != nil:
			binary.LittleEndian.PutUint32(e[4:], m.opts.ChownGID(id))
		}
	}
	return acl
}

func (h *holder) value(attr platform.Name) ([]byte, error) {
	buf := make([]byte, 256)
	n, err := h.get(attr, buf)
	if platform.SmallBuffer(err) {
		buf = make([]byte, maxValue)
		n, err = h.get(attr, buf)
	}
	if err != nil {
		return nil, err
	}
	return buf[:min(max(n, 0), len(buf))], nil
}

// keepsXattr reports whether -X keeps an attribute: those of users, and for
// the superuser all but what the system keeps elsewhere (rsync(1), --xattrs).
func (m *Mirror) keepsXattr(attr platform.Name, side filter.Side) bool {
	switch {
	case bytes.HasPrefix(attr, []byte("system.")):
		return false
	case bytes.HasPrefix(attr, []byte("user.rsync.%")):
		return false
	case bytes.HasPrefix(attr, []byte("trusted.SGI_")):
		return false // how xfs shows ACLs a second time
	}
	if f := m.opts.Filter; f != nil && f.XattrRules() {
		return f.MatchXattr(side, attr.Bytes()) != filter.Excluded
	}
	return m.opts.UID == 0 || m.opts.FakeSuper || bytes.HasPrefix(attr, []byte("user."))
}

// compareMeta returns what of ACLs and attributes differs between what is
// wanted and an entry of the destination: the directory d, or name in dir.
func (m *Mirror) compareMeta(want *meta, dir platform.FD, name platform.Name, d *tree.Dir, mode uint32) (f plan.Flags) {
	acl, xattr := m.wantsMeta(mode)
	if !acl && !xattr {
		return 0
	}
	h := holder{m: m, fd: platform.None, dir: dir, name: name}
	if d != nil {
		h.fd = d.FD()
	}
	want = m.received(want)
	var have meta
	if h.read(&have, acl, xattr, mode, filter.Receiver) != nil {
		return 0
	}
	if acl && (!sameACL(want.acl, have.acl) || !sameACL(want.defaultACL, have.defaultACL)) {
		f |= plan.FlagACL
	}
	if xattr && !sameXattrs(want.xattrs, have.xattrs) {
		f |= plan.FlagXattr
	}
	return f
}

// received returns what the receiver's rules let through of what is wanted.
func (m *Mirror) received(want *meta) *meta {
	if m.opts.Filter == nil || !m.opts.Filter.XattrRules() {
		return want
	}
	rest := *want
	rest.xattrs = slices.DeleteFunc(slices.Clone(want.xattrs), func(x copier.Xattr) bool { return !m.keepsXattr(x.Name, filter.Receiver) })
	return &rest
}

// newMeta returns the flag of attributes for an entry that is new.
func (m *Mirror) newMeta(want *meta) (f plan.Flags) {
	if m.rules.Xattrs && len(want.xattrs) > 0 {
		f |= plan.FlagXattr
	}
	return f
}

func sameXattrs(a, b []copier.Xattr) bool {
	return slices.EqualFunc(a, b, func(x, y copier.Xattr) bool {
		return bytes.Equal(x.Name, y.Name) && bytes.Equal(x.Value, y.Value)
	})
}

// applyMeta gives an entry the ACLs and attributes that are wanted and takes
// away those that are not. It reports whether an ACL was set or removed, which
// changes the mode.
func (h *holder) applyMeta(want *meta, mode uint32) (acls bool, err error) {
	acl, xattr := h.m.wantsMeta(mode)
	if !acl && !xattr {
		return false, nil
	}
	want = h.m.received(want)
	var have meta
	if err := h.read(&have, acl, xattr, mode, filter.Receiver); err != nil {
		return false, err
	}
	first := func(e error) {
		if err == nil {
			err = e
		}
	}
	if acl {
		for _, a := range [...]struct {
			attr       platform.Name
			want, have []byte
		}{{attrACL, want.acl, have.acl}, {attrDefaultACL, want.defaultACL, have.defaultACL}} {
			switch {
			case bytes.Equal(a.want, a.have):
			case a.want == nil:
				acls = true
				first(h.remove(a.attr))
			default:
				acls = true
				first(h.set(a.attr, a.want))
			}
		}
	}
	if xattr {
		i := 0
		for _, x := range want.xattrs {
			for i < len(have.xattrs) && bytes.Compare(have.xattrs[i].Name, x.Name) < 0 {
				first(h.remove(have.xattrs[i].Name))
				i++
			}
			if i < len(have.xattrs) && bytes.Equal(have.xattrs[i].Name, x.Name) {
				same := bytes.Equal(have.xattrs[i].Value, x.Value)
				i++
				if same {
					continue
				}
			}
			first(h.set(x.Name, x.Value))
		}
		for ; i < len(have.xattrs); i++ {
			first(h.remove(have.xattrs[i].Name))
		}
	}
	return acls, err
}

// Tags of an entry of an ACL (linux/posix_acl.h).
const (
	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20
)

// sameACL compares two ACLs in the kernel's encoding as far as they say more
// than a mode: named users and groups, and with a mask the owning group.
func sameACL(a, b []byte) bool {
	return bytes.Equal(beyondMode(a), beyondMode(b))
}

// beyondMode returns the entries of an ACL that a mode does not hold.
func beyondMode(acl []byte) (rest []byte) {
	if len(acl) < 4 {
		return nil
	}
	entries := acl[4:]
	masked := false
	for e := entries; len(e) >= 8; e = e[8:] {
		masked = masked || binary.LittleEndian.Uint16(e) == aclMask
	}
	for e := entries; len(e) >= 8; e = e[8:] {
		switch tag := binary.LittleEndian.Uint16(e); {
		case tag == aclUser, tag == aclGroup, tag == aclGroupObj && masked:
			rest = append(rest, e[:8]...)
		}
	}
	return rest
}

// permsOfACL returns the permissions that a default ACL leaves of 0777.
func permsOfACL(acl []byte) uint32 {
	var user, group, mask, other uint32
	hasMask := false
	for e := acl[min(4, len(acl)):]; len(e) >= 8; e = e[8:] {
		perm := uint32(binary.LittleEndian.Uint16(e[2:])) & 7
		switch binary.LittleEndian.Uint16(e) {
		case aclUserObj:
			user = perm
		case aclGroupObj:
			group = perm
		case aclMask:
			mask, hasMask = perm, true
		case aclOther:
			other = perm
		}
	}
	if hasMask {
		group = mask
	}
	return user<<6 | group<<3 | other
}
