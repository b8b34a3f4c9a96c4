package remote

import (
	"encoding/binary"
	"os/user"
	"strconv"
	"sync"

	"github.com/zccp/zccp/sync/wire"
)

// owner is a user or a group by number.
type owner struct {
	group bool
	id    uint32
}

// names tells the receiver what users and groups are called, each before the
// first listing that has it. nil tells nothing.
type names struct {
	s      *session
	lookup func(owner) string

	mu   sync.Mutex
	told map[owner]struct{}
}

func newNames(s *session) *names {
	return &names{s: s, lookup: nameOf, told: map[owner]struct{}{}}
}

// nameOf returns "" for who has no name.
func nameOf(o owner) string {
	id := strconv.FormatUint(uint64(o.id), 10)
	if o.group {
		if g, err := user.LookupGroupId(id); err == nil {
			return g.Name
		}
	} else if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return ""
}

// tell tells of all that an inode mentions.
func (n *names) tell(a *wire.Attr, m *wire.Meta) {
	if n == nil {
		return
	}
	n.one(owner{false, a.UID})
	n.one(owner{true, a.GID})
	eachInACL(m.ACL, func(o owner) uint32 { n.one(o); return o.id })
	eachInACL(m.DefaultACL, func(o owner) uint32 { n.one(o); return o.id })
}

func (n *names) one(o owner) {
	if o.id == 0 {
		return // the same everywhere
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.told[o]; ok {
		return
	}
	n.told[o] = struct{}{}
	if name := n.lookup(o); name != "" && len(name) <= wire.MaxName {
		n.s.ctl.send(&wire.Names{Group: o.group, ID: o.id, Name: []byte(name)})
	}
}

// nameMap turns the numbers of the sender into those of this machine: users if
// this is root, who alone can give files away, and groups always, as rsync does.
// nil keeps them. It is for one goroutine.
type nameMap struct {
	root   bool
	lookup func(group bool, name string) (uint32, bool)
	ids    map[owner]uint32
}

func newNameMap(root bool) *nameMap {
	return &nameMap{root: root, lookup: numberOf, ids: map[owner]uint32{}}
}

func numberOf(group bool, name string) (uint32, bool) {
	var text string
	if group {
		g, err := user.LookupGroup(name)
		if err != nil {
			return 0, false
		}
		text = g.Gid
	} else {
		u, err := user.Lookup(name)
		if err != nil {
			return 0, false
		}
		text = u.Uid
	}
	id, err := strconv.ParseUint(text, 10, 32)
	return uint32(id), err == nil
}

// maxNames bounds what is remembered, and looked up, for a peer.
const maxNames = 1 << 16

// learn takes what somebody is called at the sender. One who is called root
// there but has another number is not made root here.
func (m *nameMap) learn(n *wire.Names) {
	if m == nil || !n.Group && !m.root || n.ID == 0 || len(m.ids) >= maxNames {
		return
	}
	if id, ok := m.lookup(n.Group, string(n.Name)); ok && id != 0 {
		m.ids[owner{n.Group, n.ID}] = id
	}
}

func (m *nameMap) id(o owner) uint32 {
	if id, ok := m.ids[o]; ok {
		return id
	}
	return o.id
}

// mapAttr replaces all numbers of an inode.
func (m *nameMap) mapAttr(a *wire.Attr, meta *wire.Meta) {
	if m == nil || len(m.ids) == 0 {
		return
	}
	a.UID, a.GID = m.id(owner{false, a.UID}), m.id(owner{true, a.GID})
	eachInACL(meta.ACL, m.id)
	eachInACL(meta.DefaultACL, m.id)
}

// eachInACL calls f for every user and group in an ACL, in the kernel's
// encoding (linux/posix_acl_xattr.h), and stores the number that it returns.
func eachInACL(acl []byte, f func(owner) uint32) {
	const header, entry, tagUser, tagGroup = 4, 8, 2, 8
	for i := header; i+entry <= len(acl); i += entry {
		tag := binary.LittleEndian.Uint16(acl[i:])
		if tag != tagUser && tag != tagGroup {
			continue
		}
		id := acl[i+4:]
		now := binary.LittleEndian.Uint32(id)
		if to := f(owner{tag == tagGroup, now}); to != now {
			binary.LittleEndian.PutUint32(id, to)
		}
	}
}
