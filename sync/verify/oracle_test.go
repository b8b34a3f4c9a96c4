//go:build linux

package verify

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/zccp/zccp/copier/copiertest"
)

const typeMask = 0o170000

// expected returns the keys of all differences between two trees, as another
// scanner saw them: one that works with paths and shares nothing with this
// package.
func expected(a, b *copiertest.Tree, allocation bool) (list []string) {
	add := func(k Kind, path, attr string) { list = append(list, key(k, path, attr)) }
	same := map[string]bool{} // names of one type on both sides
	all := maps.Clone(a.Entries)
	maps.Copy(all, b.Entries)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "." && !bothDirs(a, b, path.Dir(name)) {
			continue // told of the directory above
		}
		x, inA := a.Entries[name]
		y, inB := b.Entries[name]
		switch {
		case !inB:
			add(OnlySrc, name, "")
			continue
		case !inA:
			add(OnlyDst, name, "")
			continue
		case x.Mode&typeMask != y.Mode&typeMask:
			add(Type, name, "")
			continue
		}
		same[name] = true
		link, regular := x.Mode&typeMask == 0o120000, x.Mode&typeMask == 0o100000
		switch {
		case x.Size != y.Size && regular:
			add(Size, name, "")
		case x.Sum != y.Sum:
			add(Content, name, "")
		}
		for _, differs := range []struct {
			kind Kind
			is   bool
		}{
			{Target, x.Target != y.Target},
			{Device, x.Rdev != y.Rdev},
			{ModeBits, x.Mode != y.Mode && !link},
			{User, x.UID != y.UID},
			{GroupID, x.GID != y.GID},
			{Mtime, !x.Mtime.Equal(y.Mtime)},
			{Allocation, allocation && max(x.Allocated, y.Allocated)-min(x.Allocated, y.Allocated) > 64<<10},
		} {
			if differs.is {
				add(differs.kind, name, "")
			}
		}
		attrs := maps.Clone(x.Xattrs)
		if attrs == nil {
			attrs = map[string]string{}
		}
		maps.Copy(attrs, y.Xattrs)
		for attr := range attrs {
			v, inX := x.Xattrs[attr]
			w, inY := y.Xattrs[attr]
			if v == w && inX == inY {
				continue
			}
			kind := Xattr
			if strings.HasPrefix(attr, "system.") {
				kind = ACL
			}
			add(kind, name, attr)
		}
	}
	firstA, firstB := firsts(a, same), firsts(b, same)
	for name := range same {
		x, y := a.Entries[name], b.Entries[name]
		if x.Mode&typeMask != 0o040000 && firstA[[2]uint64{x.Dev, x.Ino}] != firstB[[2]uint64{y.Dev, y.Ino}] {
			add(HardLinks, name, "")
		}
	}
	slices.Sort(list)
	return list
}

func bothDirs(a, b *copiertest.Tree, name string) bool {
	for ; ; name = path.Dir(name) {
		if a.Entries[name].Mode&typeMask != 0o040000 || b.Entries[name].Mode&typeMask != 0o040000 {
			return false
		}
		if name == "." {
			return true
		}
	}
}

func firsts(t *copiertest.Tree, among map[string]bool) map[[2]uint64]string {
	first := map[[2]uint64]string{}
	for name := range among {
		e := t.Entries[name]
		id := [2]uint64{e.Dev, e.Ino}
		if old, ok := first[id]; !ok || name < old {
			first[id] = name
		}
	}
	return first
}
