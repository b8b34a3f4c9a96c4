package verify

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zccp/zccp/platform"
)

// maxValue is XATTR_SIZE_MAX and XATTR_LIST_MAX of Linux (limits.h).
const maxValue = 64 << 10

// aspectOf returns the aspect that an attribute belongs to, 0 for those that
// are no property of the file.
func aspectOf(attr platform.Name) Aspect {
	switch {
	case bytes.HasPrefix(attr, []byte("system.")):
		return ACLs
	case bytes.HasPrefix(attr, []byte("trusted.SGI_")), attr.String() == "security.evm":
		return 0
	}
	return Xattrs
}

// xattrs compares extended attributes, of open files or by name.
func (v *Verify) xattrs(s *scratch, e *entry, fd [2]platform.FD) {
	if !v.compares(Xattrs) && !v.compares(ACLs) {
		return
	}
	for side := range fd {
		if err := v.listAttrs(s, e, side, fd[side]); err != nil {
			v.problem("list attributes of", side, e.where(), err)
			return
		}
	}
	a, b := s.attrs[0], s.attrs[1]
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(b) == 0:
			order = -1
		case len(a) == 0:
			order = 1
		default:
			order = bytes.Compare(a[0], b[0])
		}
		var on [2]bool
		var attr platform.Name
		if order >= 0 {
			attr, b, on[1] = b[0], b[1:], true
		}
		if order <= 0 {
			attr, a, on[0] = a[0], a[1:], true
		}
		if err := v.attr(s, e, fd, attr, on); err != nil {
			v.problem("read attribute "+attr.String()+" of", 0, e.where(), err)
		}
	}
}

// attr compares one attribute, which the sides in on have.
func (v *Verify) attr(s *scratch, e *entry, fd [2]platform.FD, attr platform.Name, on [2]bool) error {
	var value [2][]byte
	for side := range fd {
		if !on[side] {
			continue
		}
		buf := buffer(&s.value[side], maxValue)
		n, err := v.getAttr(e, side, fd[side], attr, buf)
		if platform.NoAttribute(err) {
			err = errChanged
		} else if err == nil && (n < 0 || n > len(buf)) {
			err = errors.New("malformed length")
		}
		if err != nil {
			return &sideError{side, err}
		}
		value[side] = buf[:n]
	}
	d := Difference{Kind: Xattr, Attr: attr.String(), NotInSrc: !on[0], NotInDst: !on[1]}
	if isPOSIXACL(attr) {
		d.Kind = ACL
		sortACL(value[0])
		sortACL(value[1])
	} else if aspectOf(attr) == ACLs {
		d.Kind = ACL
	}
	if on[0] == on[1] && bytes.Equal(value[0], value[1]) {
		return nil
	}
	d.Src, d.Dst = string(value[0]), string(value[1])
	if isPOSIXACL(attr) {
		d.Src, d.Dst = aclText(value[0]), aclText(value[1])
	}
	s.add(d)
	return nil
}

func (v *Verify) getAttr(e *entry, side int, fd platform.FD, attr platform.Name, buf []byte) (int, error) {
	if fd != platform.None {
		return v.calls.Fgetxattr(fd, attr, buf)
	}
	return v.calls.Getxattrat(e.d.fd[side], e.name[side], attr, buf)
}

// listAttrs stores the sorted names of a side's attributes that are compared.
func (v *Verify) listAttrs(s *scratch, e *entry, side int, fd platform.FD) error {
	s.attrs[side] = s.attrs[side][:0]
	list := func() (int, error) {
		if fd != platform.None {
			return v.calls.Flistxattr(fd, s.names[side])
		}
		return v.calls.Listxattrat(e.d.fd[side], e.name[side], s.names[side])
	}
	n, err := list()
	if platform.SmallBuffer(err) && len(s.names[side]) < maxValue {
		s.names[side] = make([]byte, maxValue)
		n, err = list()
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // the file system has none
	}
	if err == nil && (n < 0 || n > len(s.names[side])) {
		err = errors.New("malformed length")
	}
	if err != nil {
		return err
	}
	for names := s.names[side][:n]; len(names) > 0; {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			return errors.New("malformed list")
		}
		attr := platform.Name(names[:end+1])
		names = names[end+1:]
		if a := aspectOf(attr); a != 0 && v.compares(a) {
			s.attrs[side] = append(s.attrs[side], attr)
		}
	}
	slices.SortFunc(s.attrs[side], func(a, b platform.Name) int { return bytes.Compare(a, b) })
	return nil
}

func isPOSIXACL(attr platform.Name) bool {
	return attr.String() == "system.posix_acl_access" || attr.String() == "system.posix_acl_default"
}

// The layout of an ACL's attribute (linux/posix_acl_xattr.h): a version, then
// entries of tag, permissions and id, little-endian.
const (
	aclHeader = 4
	aclEntry  = 8
)

// sortACL puts entries in one order: that of users, and of groups, is free.
func sortACL(value []byte) {
	if len(value) < aclHeader || (len(value)-aclHeader)%aclEntry != 0 {
		return
	}
	entries := make([][aclEntry]byte, 0, len(value)/aclEntry)
	for rest := value[aclHeader:]; len(rest) > 0; rest = rest[aclEntry:] {
		entries = append(entries, [aclEntry]byte(rest))
	}
	key := func(e [aclEntry]byte) uint64 {
		return uint64(binary.LittleEndian.Uint16(e[:]))<<32 | uint64(binary.LittleEndian.Uint32(e[4:]))
	}
	slices.SortFunc(entries, func(a, b [aclEntry]byte) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), bytes.Compare(a[:], b[:]))
	})
	for i, e := range entries {
		copy(value[aclHeader+i*aclEntry:], e[:])
	}
}

// aclText writes an ACL as getfacl(1) does with -nc, on one line.
func aclText(value []byte) string {
	if len(value) < aclHeader || (len(value)-aclHeader)%aclEntry != 0 {
		return string(value)
	}
	var b strings.Builder
	for rest := value[aclHeader:]; len(rest) > 0; rest = rest[aclEntry:] {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		tag, perm, id := binary.LittleEndian.Uint16(rest), binary.LittleEndian.Uint16(rest[2:]), binary.LittleEndian.Uint32(rest[4:])
		switch tag {
		case 0x01:
			b.WriteString("user::")
		case 0x02:
			fmt.Fprintf(&b, "user:%d:", id)
		case 0x04:
			b.WriteString("group::")
		case 0x08:
			fmt.Fprintf(&b, "group:%d:", id)
		case 0x10:
			b.WriteString("mask::")
		case 0x20:
			b.WriteString("other::")
		default:
			fmt.Fprintf(&b, "%#x:%d:", tag, id)
		}
		for i, c := range "rwx" {
			if perm&(4>>i) == 0 {
				c = '-'
			}
			b.WriteRune(c)
		}
	}
	return b.String()
}
