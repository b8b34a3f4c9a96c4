package mirror

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
)

// offeredFile is what is kept of a file that a receiver was told of.
type offeredFile struct {
	ino   uint64
	attrs uint64 // its attributesSum
}

var attributesSeed = maphash.MakeSeed()

// attributesSum returns a digest of what a copy of a file gets of its source
// beside content and times. It is 0 for what only stands for itself: a file with
// several names, which the copies of the others are linked to, and no file.
func attributesSum(st *platform.Stat, with *meta) uint64 {
	if !st.IsRegular() || st.Nlink != 1 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(attributesSeed)
	part := func(b []byte) {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	var fixed [12]byte
	binary.LittleEndian.PutUint32(fixed[:], st.Mode)
	binary.LittleEndian.PutUint32(fixed[4:], st.UID)
	binary.LittleEndian.PutUint32(fixed[8:], st.GID)
	h.Write(fixed[:])
	part(with.acl)
	for _, x := range with.xattrs {
		part(x.Name)
		part(x.Value)
	}
	return h.Sum64() | 1
}

// standsIn reports whether an open file that took the name of another since
// that was looked at may be copied for it. Programs that save a file write a new
// one and rename it over the old: of a tree that takes long to copy some are
// always new by the time they are opened. One that differs in no more than its
// content and times is as good as one that was written into meanwhile.
func (m *Mirror) standsIn(attrs uint64, fd platform.FD, st *platform.Stat) bool {
	var now meta
	if attrs == 0 || !st.IsRegular() || st.Nlink != 1 {
		return false
	}
	acl, xattr := m.wantsMeta(st.Mode)
	h := holder{m: m, fd: fd}
	if (acl || xattr) && h.read(&now, acl, xattr, st.Mode, filter.Sender) != nil {
		return false
	}
	return attributesSum(st, &now) == attrs
}

// mayStandIn is standsIn for a file of this machine. What --append goes on with
// is the beginning of the file that was looked at.
func (m *Mirror) mayStandIn(e *entry, fd platform.FD, st *platform.Stat) bool {
	return !(e.exists && m.opts.Append && !m.opts.AppendVerify) && m.standsIn(attributesSum(&e.src, &e.meta), fd, st)
}
