package copiertest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// Attr is a set of what [Compare] looks at beside names, types, content, sizes, targets of
// symlinks and numbers of devices, which are always compared.
type Attr uint

const (
	// Mode is the permissions and the special bits.
	Mode Attr = 1 << iota
	// Owner is the user and the group.
	Owner
	// Mtime is the time of modification, to the nanosecond.
	Mtime
	// Atime is the time of access, to the nanosecond.
	Atime
	// Xattrs are the extended attributes and the ACLs.
	Xattrs
	// Links says which names of the tree are one file.
	Links
	// Allocated is the space that regular files take: a hole that was filled.
	Allocated
)

// CompareOptions says what makes two trees different. The zero value compares everything
// but needs equal times of access, which only a file system mounted noatime keeps.
type CompareOptions struct {
	// Ignore is what may differ.
	Ignore Attr
	// From and To bound times that a copy set by the clock: two times that are both
	// within count as equal. Zero means no such times.
	From, To time.Time
	// Slack is by how many bytes the second tree's file may take more space than the
	// first one's; 0 means 64 KiB. Less space is never a difference.
	Slack int64
	// Origin, when set, is a tree that the other two may be hard links into: an entry that
	// is a file of Origin in one has to be the same file in the other.
	Origin *Tree
	// Skip tells which paths, relative to the root, are left out.
	Skip func(path string) bool
}

// Diff scans both trees and returns what [Compare] finds. What can't be read is a
// difference too, so that no one takes a tree that could not be looked at for an equal one.
func Diff(a, b string, opt CompareOptions) []string {
	treeA, errA := Scan(a)
	treeB, errB := Scan(b)
	var found []string
	for _, err := range []error{errA, errB} {
		if err != nil {
			found = append(found, err.Error())
		}
	}
	return append(found, Compare(treeA, treeB, opt)...)
}

// Compare returns the differences, sorted by path, one a line, or nil. Each names the
// quoted path, the attribute, and the values in a and in b.
func Compare(a, b *Tree, opt CompareOptions) []string {
	if opt.Slack == 0 {
		opt.Slack = 64 << 10
	}
	c := comparison{a: a, b: b, opt: opt, groupsA: a.groups(), groupsB: b.groups()}
	if opt.Origin != nil {
		c.origin = map[file]bool{}
		for _, e := range opt.Origin.Entries {
			c.origin[e.file()] = !e.isDir()
		}
	}
	all := maps.Clone(a.Entries)
	maps.Copy(all, b.Entries)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if opt.Skip == nil || !opt.Skip(name) {
			c.entry(name)
		}
	}
	return c.found
}

// file is what two names of one file have in common.
type file struct{ dev, ino uint64 }

func (e Entry) file() file { return file{e.Dev, e.Ino} }

// groups maps each file that isn't a directory to the first of its names. Two trees of the
// same names have the same hard links if and only if these firsts agree for every name.
func (t *Tree) groups() map[file]string {
	first := map[file]string{}
	for name, e := range t.Entries {
		if old, ok := first[e.file()]; !e.isDir() && (!ok || name < old) {
			first[e.file()] = name
		}
	}
	return first
}

type comparison struct {
	a, b             *Tree
	opt              CompareOptions
	groupsA, groupsB map[file]string
	origin           map[file]bool
	found            []string
}

func (c *comparison) differ(name, attr string, a, b any) {
	c.found = append(c.found, fmt.Sprintf("%q: %s: a %v, b %v", name, attr, a, b))
}

func (c *comparison) entry(name string) {
	a, inA := c.a.Entries[name]
	b, inB := c.b.Entries[name]
	switch {
	case !inB:
		c.differ(name, "name", a.typeName(), "nothing")
		return
	case !inA:
		c.differ(name, "name", "nothing", b.typeName())
		return
	case a.fileType() != b.fileType():
		c.differ(name, "type", a.typeName(), b.typeName())
		return
	}
	c.content(name, a, b)
	c.attributes(name, a, b)
	c.links(name, a, b)
}

func (c *comparison) content(name string, a, b Entry) {
	if a.Size != b.Size {
		c.differ(name, "size", a.Size, b.Size)
	} else if a.Sum != b.Sum {
		off := firstDifference(join(c.a.Root, name), join(c.b.Root, name))
		c.found = append(c.found, fmt.Sprintf("%q: content: %s", name, off))
	}
	if a.Target != b.Target {
		c.differ(name, "target", fmt.Sprintf("%q", a.Target), fmt.Sprintf("%q", b.Target))
	}
	if a.Rdev != b.Rdev {
		c.differ(name, "device", fmt.Sprintf("%#x", a.Rdev), fmt.Sprintf("%#x", b.Rdev))
	}
}

func (c *comparison) attributes(name string, a, b Entry) {
	if c.compares(Mode) && a.Mode != b.Mode {
		c.differ(name, "mode", fmt.Sprintf("%04o", a.Mode&0o7777), fmt.Sprintf("%04o", b.Mode&0o7777))
	}
	if c.compares(Owner) && a.UID != b.UID {
		c.differ(name, "user", a.UID, b.UID)
	}
	if c.compares(Owner) && a.GID != b.GID {
		c.differ(name, "group", a.GID, b.GID)
	}
	if c.compares(Mtime) && !c.sameTime(a.Mtime, b.Mtime) {
		c.differ(name, "mtime", stamp(a.Mtime), stamp(b.Mtime))
	}
	if c.compares(Atime) && !c.sameTime(a.Atime, b.Atime) {
		c.differ(name, "atime", stamp(a.Atime), stamp(b.Atime))
	}
	if c.compares(Allocated) && b.Allocated > a.Allocated+c.opt.Slack {
		c.differ(name, "allocated", a.Allocated, b.Allocated)
	}
	if c.compares(Xattrs) {
		c.xattrs(name, a.Xattrs, b.Xattrs)
	}
}

func (c *comparison) xattrs(name string, a, b map[string]string) {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, b)
	show := func(m map[string]string, key string) string {
		if value, ok := m[key]; ok {
			return fmt.Sprintf("%.80q", value)
		}
		return "nothing"
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if va, vb := show(a, key), show(b, key); va != vb || a[key] != b[key] {
			c.differ(name, fmt.Sprintf("xattr %q", key), va, vb)
		}
	}
}

func (c *comparison) links(name string, a, b Entry) {
	if !c.compares(Links) || a.isDir() {
		return
	}
	if firstA, firstB := c.groupsA[a.file()], c.groupsB[b.file()]; firstA != firstB {
		c.differ(name, "hard link to", fmt.Sprintf("%q", firstA), fmt.Sprintf("%q", firstB))
	}
	if a.file() != b.file() && (c.origin[a.file()] || c.origin[b.file()]) {
		c.differ(name, "hard link into the origin", c.origin[a.file()], c.origin[b.file()])
	}
}

func (c *comparison) compares(attr Attr) bool { return c.opt.Ignore&attr == 0 }

func (c *comparison) sameTime(a, b time.Time) bool {
	return a.Equal(b) || c.byClock(a) && c.byClock(b)
}

func (c *comparison) byClock(t time.Time) bool {
	return !c.opt.From.IsZero() && !t.Before(c.opt.From) && !t.After(c.opt.To)
}

// stamp is seconds and nanoseconds: the years that files can have don't all fit a calendar.
func stamp(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// firstDifference describes where two files of equal size differ.
func firstDifference(a, b string) string {
	fa, errA := os.Open(a)
	fb, errB := os.Open(b)
	defer fa.Close()
	defer fb.Close()
	if errA != nil || errB != nil {
		return fmt.Sprint("differs; ", errA, errB)
	}
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for off := int64(0); ; {
		na, errA := io.ReadFull(fa, bufA)
		nb, _ := io.ReadFull(fb, bufB)
		if !bytes.Equal(bufA[:na], bufB[:nb]) {
			for i := range min(na, nb) {
				if bufA[i] != bufB[i] {
					return fmt.Sprintf("at offset %d: a %#02x, b %#02x", off+int64(i), bufA[i], bufB[i])
				}
			}
		}
		if errA != nil {
			return "differs in what was read first only"
		}
		off += int64(na)
	}
}
