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

// intended lists the differences from cp that are meant.
var intended = []difference{
	{
		reason:  "what was not kept is said, where cp -a is silent",
		variant: regexp.MustCompile(`as a user`),
		what:    regexp.MustCompile(`^stderr of b only: cp: note: not kept: (ownership|extended attributes) of `),
	},
	{
		// cp -a removes a destination that has another link before it opens the source.
		reason:  "a copy that fails leaves the old destination",
		variant: regexp.MustCompile(`^-a.* over as a user`),
		what:    regexp.MustCompile(`: name: a nothing, b |/only in dst \d+": hard link to: a `),
		check:   func(_ *trial, e entries) bool { return e.b.Ino == e.old.Ino },
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
			kind := e.b.Mode & syscall.S_IFMT
			return len(e.writers) == 1 && kind != syscall.S_IFREG && kind != syscall.S_IFDIR && e.b.Mode&special == 0 &&
				e.b.Mode&^special == e.a.Mode&^special && e.a.Mode&^(e.b.Mode|e.writers[0].Mode&special) == 0
		},
	},
	{
		// A mode that is set as an ACL leaves it alone.
		reason:  "a new directory doesn't keep a set-group-ID bit that it inherits",
		variant: regexp.MustCompile(`.`),
		what:    regexp.MustCompile(`": mode: a `),
		check: func(_ *trial, e entries) bool {
			return e.old.Mode == 0 && len(e.writers) == 1 && e.b.Mode&syscall.S_IFMT == syscall.S_IFDIR &&
				e.b.Mode == kept(e.writers[0], e.b) && e.a.Mode == e.b.Mode|syscall.S_ISGID
		},
	},
	{
		// cp changes those of /dev/null, too.
		reason:  "what is written into, a device or pipe, keeps its attributes",
		variant: regexp.MustCompile(`^-(a|rp).* over`),
		what:    regexp.MustCompile(`": (mode|user|group|mtime|atime|xattr "[^"]*"): a `),
		check: func(_ *trial, e entries) bool {
			switch e.old.Mode & syscall.S_IFMT {
			case syscall.S_IFCHR, syscall.S_IFBLK, syscall.S_IFIFO:
				return reflect.DeepEqual(e.old, e.b)
			}
			return false
		},
	},
	{
		// cp takes away the right to write into a directory before it sets them.
		reason:  "a user's extended attributes are kept where they can be set at any time",
		variant: regexp.MustCompile(`^-a.* over as a user`),
		what:    regexp.MustCompile(`": xattr "user\.[^"]*": a `),
		check: func(_ *trial, e entries) bool {
			if len(e.writers) != 1 {
				return false
			}
			// All of the source's, over the old ones.
			want := maps.Clone(e.old.Xattrs)
			if want == nil {
				want = map[string]string{}
			}
			maps.Copy(want, e.writers[0].Xattrs)
			user := func(xattrs map[string]string) map[string]string {
				found := maps.Clone(xattrs)
				maps.DeleteFunc(found, func(name, _ string) bool { return !strings.HasPrefix(name, "user.") })
				return found
			}
			return maps.Equal(user(e.b.Xattrs), user(want))
		},
	},
	{
		// cp tries both at once, and the owner can't be changed.
		reason:  "the group of a symbolic link is kept where its owner can't be",
		variant: regexp.MustCompile(`^-a.* as a user`),
		what:    regexp.MustCompile(`": group: a `),
		check: func(_ *trial, e entries) bool {
			return len(e.writers) == 1 && e.b.Mode&syscall.S_IFMT == syscall.S_IFLNK && e.b.GID == e.writers[0].GID && e.b.UID != e.writers[0].UID
		},
	},
	{
		reason:  "--parents keeps for directories on the way what it keeps for others",
		variant: regexp.MustCompile(`^-a --parents`),
		what:    regexp.MustCompile(`": xattr "[^"]*": a nothing, b `),
		check: func(_ *trial, e entries) bool {
			return len(e.writers) == 1 && e.b.Mode&syscall.S_IFMT == syscall.S_IFDIR && maps.Equal(e.b.Xattrs, e.writers[0].Xattrs)
		},
	},
	{
		// cp lets its owner into it, and leaves it so if what it is for can't be reached.
		reason:  "--parents gives a directory on the way its mode even if nothing comes into it",
		variant: regexp.MustCompile(`--parents of some as a user`),
		what:    regexp.MustCompile(`": mode: a `),
		check: func(_ *trial, e entries) bool {
			return len(e.writers) == 1 && e.b.Mode&^special == e.writers[0].Mode&^(special|0o022) && e.a.Mode == e.b.Mode|syscall.S_IRWXU
		},
	},
	{
		// cp writes into it, and tears it if that fails.
		reason:  "a file that is replaced gives its directory a new time of modification",
		variant: regexp.MustCompile(`^-(r|dR).* over`),
		what:    regexp.MustCompile(`": mtime: a `),
		check: func(c *trial, e entries) bool {
			if !e.a.Mtime.Equal(e.old.Mtime) || e.b.Mode&syscall.S_IFMT != syscall.S_IFDIR {
				return false
			}
			for name, old := range c.old.Entries {
				b := c.b.Entries[name]
				if filepath.Dir(name) == e.name && old.Ino != b.Ino && old.Mode&b.Mode&syscall.S_IFMT == syscall.S_IFREG && c.a.Entries[name].Sum == b.Sum {
					return true
				}
			}
			return false
		},
	},
	{
		// cp tries to link a name that it meets a second time to itself, after it removed it.
		reason:  "operands in each other can have --parents",
		variant: regexp.MustCompile(`^-a --parents`),
		what:    regexp.MustCompile(`^stderr of a only: cp: cannot create hard link .*: No such file or directory$|": name: a nothing, b `),
		check: func(c *trial, e entries) bool {
			if e.name == "" {
				return true // what it didn't make is looked at by its name
			}
			quoted := strconv.Quote("{dst}" + strings.TrimPrefix(e.name, "dst"))
			return len(e.writers) > 0 && e.writers[0].Mode == e.b.Mode && strings.Contains(c.one.stderr, "cp: cannot create hard link '"+quoted+"' to ")
		},
	},
	{
		reason:  "of several names of a file any may be the first, for which nothing is removed",
		variant: regexp.MustCompile(`^-av over`),
		what:    regexp.MustCompile(`^stdout of (a|b) only: removed '.*'$`),
		check: func(c *trial, e entries) bool {
			quoted := regexp.MustCompile(`'("\{dst\}.*")'`).FindStringSubmatch(e.found)
			if quoted == nil {
				return false
			}
			name, err := strconv.Unquote(quoted[1])
			name = filepath.Clean(strings.Replace(name, "{dst}", "dst", 1))
			writers := c.entries(strconv.Quote(name)).writers
			linked := func(src copiertest.Entry) bool { return src.Nlink > 1 }
			return err == nil && slices.ContainsFunc(writers, linked) && linked(c.b.Entries[name])
		},
	},
	{
		reason:  "of several names of a file any may be the first, whose directory gives the group",
		variant: regexp.MustCompile(`^-a --no-preserve=(ownership|all)`),
		what:    regexp.MustCompile(`": group: a `),
		check: func(c *trial, e entries) bool {
			if len(e.writers) == 0 || e.writers[0].Nlink < 2 {
				return false
			}
			for name, other := range c.b.Entries {
				if other.Ino == e.b.Ino && other.GID == c.b.Entries[filepath.Dir(name)].GID {
					return true
				}
			}
			return false
		},
	},
	{
		reason:  "-v tells of a file when it is copied, not before it fails",
		variant: regexp.MustCompile(`^-av`),
		what:    regexp.MustCompile(`^stdout of a only: '.*' -> '.*'$`),
		check: func(c *trial, e entries) bool {
			_, dst, _ := strings.Cut(e.found, "' -> ")
			return strings.Contains(c.one.stderr, dst) && strings.Contains(c.other.stderr, dst)
		},
	},
	{
		// cp removes an old file that has other names, or backs it up, before it opens the
		// source, and opens the source before it finds a dangling link.
		reason:  "of two obstacles any may be the one that is told of",
		variant: regexp.MustCompile(`^-a.* over as a user`),
		what:    regexp.MustCompile(`^stderr of (a|b) only: cp: (cannot remove |cannot backup |cannot open .* for reading: |not writing through )`),
		check: func(c *trial, e entries) bool {
			rel := func(stderr, before, after string) bool {
				return slices.ContainsFunc(c.rels(e.found), func(rel string) bool {
					return strings.Contains(stderr, before+rel+after)
				})
			}
			in := strings.TrimPrefix(c.within, "dst")
			const before, after = "cannot open '\"src", "' for reading: Permission denied"
			if rel(c.one.stderr, before, after) {
				return rel(c.other.stderr, "not writing through dangling symlink '\"{dst}"+in, "'")
			}
			return rel(c.other.stderr, before, after) &&
				(rel(c.one.stderr, "cannot remove '\"{dst}"+in, "': ") || rel(c.one.stderr, "cannot backup '\"{dst}"+in, "': "))
		},
	},
	{
		reason:  "of several names of a file any may be the first, which the others are linked to",
		variant: regexp.MustCompile(`^-a.* as a user`),
		what:    regexp.MustCompile(`^stderr of (a|b) only: cp: cannot create .*: Permission denied$`),
		check: func(c *trial, e entries) bool {
			in := strings.TrimPrefix(c.within, "dst")
			return slices.ContainsFunc(c.rels(e.found), func(rel string) bool {
				link := regexp.MustCompile(`cannot create hard link '"\{dst\}` + regexp.QuoteMeta(in+rel) + `' to .*: Permission denied`)
				other := regexp.MustCompile(`cannot create (regular file|symbolic link|fifo|special file) '"\{dst\}` + regexp.QuoteMeta(in+rel) + `': Permission denied`)
				one, two := c.one.stderr, c.other.stderr
				return link.MatchString(one) && other.MatchString(two) || other.MatchString(one) && link.MatchString(two)
			})
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
		reason:  "newer names that -u leaves alone are not linked",
		variant: regexp.MustCompile(`^-(a|r)u over`),
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
			prompt := regexp.MustCompile(`(zc)?cp: (overwrite|unwritable) '"([^"\\]|\\.)*"'( \(mode \d+, \S+\); try anyway)?\? `)
			return prompt.MatchString(c.other.stderr) && strings.TrimSpace(prompt.ReplaceAllString(c.other.stderr, "")) == ""
		},
	},
}
