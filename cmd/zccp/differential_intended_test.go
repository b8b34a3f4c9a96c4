//go:build linux

package main_test

import (
	"maps"
	"path/filepath"
	"reflect"
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
	quoted, err := strconv.QuotedPrefix(found)
	if err != nil {
		return e
	}
	name, _ := strconv.Unquote(quoted)
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

// intended lists the differences from cp that are meant.
var intended = []difference{
	{
		reason:  "what was not kept is said, where cp -a is silent",
		variant: regexp.MustCompile(`as a user`),
		what:    regexp.MustCompile(`^stderr of b only: cp: note: not kept: ownership of `),
	},
	{
		// cp -a removes a destination that has another link before it opens the source.
		reason:  "a copy that fails leaves the old destination",
		variant: regexp.MustCompile(`^-a.* over as a user`),
		what:    regexp.MustCompile(`: name: a nothing, b regular file|/only in dst \d+": hard link to: a `),
	},
	{
		// acl_set_file(3), by which cp sets a mode, leaves them alone.
		reason:  "an old destination's special bits don't survive where the mode is preserved",
		variant: regexp.MustCompile(` over`),
		what:    regexp.MustCompile(`": mode: a `),
		check: func(_ *trial, e entries) bool {
			return slices.ContainsFunc(e.writers, func(src copiertest.Entry) bool {
				return e.b.Mode == kept(src, e.b) && e.a.Mode == e.b.Mode&^special|e.a.Mode&(e.old.Mode|src.Mode)&special
			})
		},
	},
	{
		// cp makes the node with all bits before it tries to change the owner.
		reason:  "special bits don't survive without their owner, on special files too",
		variant: regexp.MustCompile(` as a user`),
		what:    regexp.MustCompile(`": mode: a `),
		check: func(_ *trial, e entries) bool {
			return len(e.writers) == 1 && e.b.Mode&syscall.S_IFMT != syscall.S_IFREG && e.b.Mode == kept(e.writers[0], e.b) && e.a.Mode == e.writers[0].Mode
		},
	},
	{
		reason:  "of several files that are written through links to one place any may be the last",
		variant: regexp.MustCompile(` over`),
		what:    regexp.MustCompile(`": (mode|user|group|mtime|atime|size|content|xattr "[^"]*"): a `),
		check: func(_ *trial, e entries) bool {
			from := func(dst copiertest.Entry) func(copiertest.Entry) bool {
				return func(src copiertest.Entry) bool { return src.Sum == dst.Sum }
			}
			return len(e.writers) > 1 && slices.ContainsFunc(e.writers, from(e.a)) && slices.ContainsFunc(e.writers, from(e.b))
		},
	},
	{
		// cp links a name to the one that it saw first, also where it left that alone.
		reason:  "names that -u leaves alone are not linked",
		variant: regexp.MustCompile(`^-au over`),
		what:    regexp.MustCompile(`": (mode|user|group|mtime|atime|size|content|xattr "[^"]*"|hard link to): a `),
		check: func(_ *trial, e entries) bool {
			same := e.old
			same.Nlink = e.b.Nlink
			return len(e.writers) > 0 && e.writers[0].Nlink > 1 && !e.old.Mtime.Before(e.writers[0].Mtime) && reflect.DeepEqual(same, e.b)
		},
	},
	{
		// cp counts them so since 9.2.
		reason:  "names that -i was told to leave alone are a failure",
		variant: regexp.MustCompile(`^-ai over`),
		what:    regexp.MustCompile(`^exit code: a 0, b 1$`),
		check: func(c *trial, _ entries) bool {
			return strings.Contains(c.other.stderr, "? ") && !slices.ContainsFunc(strings.Split(c.other.stderr, "cp: "), func(s string) bool {
				return s != "" && !strings.HasSuffix(s, "? ")
			})
		},
	},
}
