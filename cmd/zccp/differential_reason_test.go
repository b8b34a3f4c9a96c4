//go:build linux

package main_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/zccp/zccp/copier/copiertest"
)

// difference is one that zccp means to have.
type difference struct {
	// reason says why, for the manual's sake.
	reason string
	// variant and what have to match the name of the variant and what was found.
	variant, what *regexp.Regexp
	// check, when set, says whether the reason holds for the entry that what names.
	check func(c *trial, e entries) bool
}

// entries is one name before and after. Of a name that isn't there the Mode is 0.
type entries struct {
	name, found string
	// old is what stood there before, a and b what does now.
	old, a, b copiertest.Entry
	// writers are the files of the source whose names led here: its own, and those of links
	// at the destination that are written through.
	writers []copiertest.Entry
}

func (d difference) matches(c *trial, found string) bool {
	if !d.variant.MatchString(c.variant.name) || !d.what.MatchString(found) {
		return false
	}
	return d.check == nil || d.check(c, c.entries(found))
}

// entries looks up the name that a difference begins with.
func (c *trial) entries(found string) (e entries) {
	e.found = found
	quoted, err := strconv.QuotedPrefix(found)
	if err != nil {
		return e
	}
	name, _ := strconv.Unquote(quoted)
	e.name = name
	e.old, e.a, e.b = c.old.Entries[name], c.a.Entries[name], c.b.Entries[name]
	for _, rel := range slices.Sorted(maps.Keys(c.src.Entries)) {
		path := filepath.Join(c.within, rel)
		src := c.src.Entries[rel]
		if path != name && src.Mode&syscall.S_IFMT == syscall.S_IFREG {
			var st syscall.Stat_t
			if syscall.Stat(filepath.Join(c.b.Root, path), &st) != nil || st.Dev != e.b.Dev || st.Ino != e.b.Ino {
				continue
			}
		} else if path != name {
			continue
		}
		e.writers = append(e.writers, src)
	}
	return e
}

// rels returns what a message may name, as it stands in messages after the name of the
// source or of its copy: the names between its quotes without that.
func (c *trial) rels(message string) (rels []string) {
	for _, quoted := range regexp.MustCompile(`'"(src|\{dst\})(([^"\\]|\\.)*")'`).FindAllStringSubmatch(message, -1) {
		rel := quoted[2]
		if quoted[1] != srcName {
			rel = strings.TrimPrefix(rel, strings.TrimPrefix(c.within, "dst"))
		}
		rels = append(rels, rel)
	}
	return rels
}

const special = syscall.S_ISUID | syscall.S_ISGID | syscall.S_ISVTX

// kept is the mode of src as far as it may be kept by a copy that has that owner.
func kept(src, dst copiertest.Entry) uint32 {
	switch {
	case src.UID == dst.UID && src.GID == dst.GID:
		return src.Mode
	case src.Mode&syscall.S_IFMT == syscall.S_IFDIR:
		return src.Mode &^ (syscall.S_ISUID | syscall.S_ISGID)
	}
	return src.Mode &^ special
}
