//go:build linux

package main_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zccp/zccp/copier/copiertest"
)

// variant is a way to copy a tree.
type variant struct {
	name   string
	args   []string
	shapes []shape
	trees  copiertest.Options
	// over: the destination already holds some of the source's names.
	over bool
	// faithful: the copy is equal to the source, in all that a tree has.
	faithful bool
	// dense: the copy takes no less space than cp's. It may take more: cp fills no holes
	// where it clones.
	dense bool
	// links: names of the copy may be names of files of the source.
	links bool
	// user: the copy is made by an ordinary user.
	user bool
	// anyMessages: what is printed on stderr hangs on the order of copying.
	anyMessages bool
	umask       string
	// change, when set, does something to the source before it is copied.
	change func(*trial)
}

// shape is a way to say what is copied where.
type shape struct {
	operands func(c *trial) []string
	// into: the destination is a directory that is there before.
	into bool
	// over is where in the destination the copy of src will be.
	over string
}

func fixed(operands ...string) func(*trial) []string {
	return func(*trial) []string { return operands }
}

var (
	// The destination isn't there.
	toNew = []shape{
		{operands: fixed(srcName, "{dst}")},
		{operands: fixed("-T", srcName, "{dst}")},
		{operands: fixed(srcName+"/", "{dst}/")},
	}
	// The destination is there, with names of the source in it.
	toOld = []shape{
		{operands: fixed("-T", srcName, "{dst}")},
		{operands: fixed(srcName+"/.", "{dst}")},
		{operands: fixed("-t", "{dst}", srcName+"/.")},
		{operands: fixed(srcName, "{dst}"), into: true, over: srcName},
	}
	// Names chosen from the source go into a directory.
	someFiles = []shape{
		{operands: func(c *trial) []string { return append(c.some(), "{dst}") }, into: true},
		{operands: func(c *trial) []string { return append([]string{"-t", "{dst}"}, c.some()...) }, into: true},
	}
	// One file gets another name.
	oneFile = []shape{
		{operands: func(c *trial) []string { return []string{c.single(), "{dst}"} }},
		{operands: func(c *trial) []string { return []string{"-T", c.single(), "{dst}"} }},
	}
	absolute = []shape{
		{operands: func(c *trial) []string { return []string{"-T", filepath.Join(c.dir, srcName), "{dst}"} }},
	}
)

// some returns names in the source, with no two that would be copied to one name, and none
// that cp would read for ever: without -r it opens FIFOs and devices.
func (c *trial) some() []string {
	rels := slices.Sorted(maps.Keys(c.scan(srcName).Entries))
	bases := map[string]bool{}
	var list []string
	for range 5 {
		rel := rels[c.rng.IntN(len(rels))]
		const endless = os.ModeNamedPipe | os.ModeDevice
		if info, err := os.Stat(filepath.Join(c.dir, srcName, rel)); err == nil && info.Mode()&endless != 0 {
			continue
		}
		if base := filepath.Base(rel); !bases[base] && rel != "." {
			bases[base] = true
			list = append(list, srcName+"/"+rel)
		}
	}
	return append(list, "missing")
}

// single returns the name of a file.
func (c *trial) single() string { return c.some()[0] }

// plain is what half of the trees are copied by.
var plain = []variant{
	{name: "-a", args: []string{"-a"}, shapes: toNew, faithful: true},
	{name: "-a over", args: []string{"-a"}, shapes: toOld, over: true},
	{name: "-a as a user", args: []string{"-a"}, shapes: toNew, user: true},
	{name: "-a over as a user", args: []string{"-a"}, shapes: toOld, over: true, user: true},
}

var variants = slices.Concat(
	fresh("-r"), fresh("-rp"), fresh("-dR"), fresh("-aH"), fresh("-rP"), fresh("-ax", mounted), fresh("-a", mounted),
	following("-rL"), following("-aL"), following("-rL", cyclic),
	fresh("-a --no-preserve=mode"), fresh("-a --no-preserve=ownership"), fresh("-a --no-preserve=timestamps"),
	fresh("-a --no-preserve=links"), fresh("-a --no-preserve=xattr"), fresh("-a --no-preserve=all"),
	fresh("-r --preserve=mode"), fresh("-r --preserve=timestamps,ownership"), fresh("-r --preserve=links"),
	fresh("-r --preserve=xattr"), fresh("-r --preserve=all"),
	fresh("-r --attributes-only"), fresh("-av"), fresh("-r --reflink=never"), fresh("-a --reflink=auto"),
	fresh("-r --sparse=always"), fresh("-a --sparse=never", filled),
	fresh("-r", func(v *variant) { v.umask = "077" }), fresh("-r", func(v *variant) { v.umask = "000" }),
	fresh("-rp", func(v *variant) { v.umask = "077" }),
	fresh("-rl", linked), fresh("-al", linked), fresh("-rs", func(v *variant) { v.shapes = absolute }),
	fresh("-r", ofUser), fresh("-rp", ofUser), fresh("-a --no-preserve=mode", ofUser),

	over("-r"), over("-rp"), over("-dR"), over("-rf"), over("-af"),
	over("-au"), over("-ru"), over("-an"), over("-rn"), over("-ai", func(v *variant) { v.anyMessages = true }),
	over("-ab"), over("-rb"), over("-a --backup=numbered"), over("-a --backup=existing -S .bak"), over("-ab --suffix=.long-suffix"),
	over("-a --remove-destination"), over("-r --remove-destination"),
	over("-a --attributes-only"), over("-r --attributes-only --preserve=all"),
	over("-a --no-preserve=mode"), over("-a --no-preserve=ownership"), over("-a --no-preserve=timestamps"),
	over("-a --no-preserve=xattr"), over("-r --preserve=mode"), over("-r --preserve=xattr"), over("-r --preserve=timestamps"),
	over("-al", linked), over("-alf", linked), over("-rs", func(v *variant) { v.shapes = absolute }),
	over("-a --sparse=always"), over("-a --sparse=never", filled), over("-av"),
	over("-r", func(v *variant) { v.umask = "077" }), over("-r --reflink=never"),
	over("-r", ofUser), over("-rp", ofUser), over("-rf", ofUser), over("-af", ofUser), over("-au", ofUser),
	over("-ab", ofUser, byPath), over("-a --remove-destination", ofUser),

	operands("-a", someFiles), operands("-r", someFiles), operands("-a --parents", someFiles), operands("-r --parents", someFiles),
	operands("", someFiles), operands("-p", someFiles), operands("-r --parents", someFiles, ofUser),
	operands("", oneFile), operands("-a", oneFile), operands("-d", oneFile), operands("-p", oneFile),
	operands("-l", oneFile, linked), operands("--sparse=always", oneFile), operands("-L", oneFile),
)

func newVariant(args, kind string, shapes []shape, changes []func(*variant)) []variant {
	v := variant{args: strings.Fields(args), shapes: shapes}
	for _, change := range changes {
		change(&v)
	}
	v.name = strings.TrimSpace(args + kind)
	if v.user {
		v.name += " as a user"
	}
	if v.change != nil {
		v.name += " changed"
	}
	if v.umask != "" {
		v.name += " umask " + v.umask
	}
	return []variant{v}
}

func fresh(args string, changes ...func(*variant)) []variant {
	return newVariant(args, "", toNew, changes)
}

func over(args string, changes ...func(*variant)) []variant {
	return newVariant(args, " over", toOld, append([]func(*variant){func(v *variant) { v.over = true }}, changes...))
}

// following copies what symlinks lead to, so none leads to a directory: the copy would
// have the tree many times over.
func following(args string, changes ...func(*variant)) []variant {
	return fresh(args, append(changes, func(v *variant) { v.trees.NoDirLinks = true })...)
}

func operands(args string, shapes []shape, changes ...func(*variant)) []variant {
	return newVariant(args, " of some", shapes, changes)
}

func filled(v *variant) { v.dense, v.trees.NoLarge = true, true }

func linked(v *variant) { v.links = true }

// mounted mounts something on a directory of the source.
func mounted(v *variant) {
	v.change = func(c *trial) {
		dir := filepath.Join(c.dir, srcName, "mounted")
		c.must(os.Mkdir(dir, 0o755))
		c.must(exec.Command("mount", "-t", "tmpfs", "-o", "noatime,size=1m,mode=711", "inner", dir).Run())
		c.undo = func() { c.must(exec.Command("umount", dir).Run()) }
		c.must(os.WriteFile(filepath.Join(dir, "inside"), []byte("inside"), 0o600))
	}
}

// cyclic puts symlinks to parents and siblings into the source.
func cyclic(v *variant) {
	v.change = func(c *trial) {
		for _, dir := range []string{"one", "two"} {
			c.must(os.MkdirAll(filepath.Join(c.dir, srcName, "cycle", dir), 0o755))
		}
		for name, target := range map[string]string{"up": "..", "self": ".", "one/two": "../two", "two/one": "../one"} {
			c.must(os.Symlink(target, filepath.Join(c.dir, srcName, "cycle", name)))
		}
	}
}

// byPath copies to a path and not into a directory: of a directory that the user can't read,
// cp 9.1 takes the backups' names as relative to the working directory, and moves files there.
func byPath(v *variant) { v.shapes = toOld[:1] }

func ofUser(v *variant) { v.user = true }
