//go:build linux

package copiertest

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// GenerateOver fills dst, which it makes, with a destination that src could be copied over:
// some of the names of src, as the same type with other content and attributes, longer or
// read-only or newer, as symlinks and hard links to files that only dst has, or as another
// type, which cp refuses; and names that src lacks.
//
// What a copy makes of dst doesn't hang on the order of the copying. So links in dst lead
// only to names that src lacks, the names of a file that src has several times are in dst
// all or none of them and all alike, and no FIFO stands where cp would open one and wait.
//
// The same state of rng, the same src and the same options give the same dst.
func GenerateOver(rng *rand.Rand, src, dst string, opt Options) error {
	tree, err := Scan(src)
	if err != nil {
		return err
	}
	o := over{generator: newGenerator(rng, dst, opt.withDefaults()), src: tree}
	if err := os.Mkdir(dst, 0o755); err != nil {
		return err
	}
	o.made(".", typeDir)
	rels := slices.Sorted(maps.Keys(tree.Entries))
	for _, rel := range rels {
		if e := tree.Entries[rel]; rel != "." && e.isDir() && o.real(filepath.Dir(rel)) {
			o.overDir(rel)
		}
	}
	shared := tree.shared()
	for _, rel := range rels {
		if e := tree.Entries[rel]; !e.isDir() && len(shared[e.file()]) == 1 && o.real(filepath.Dir(rel)) {
			o.overFile(rel, e)
		}
	}
	for _, rel := range rels {
		if group := shared[tree.Entries[rel].file()]; len(group) > 1 && group[0] == rel {
			o.overGroup(group)
		}
	}
	for range 3 {
		o.write(o.own(o.anyDir()), o.content(rng.IntN(5000)))
	}
	return o.seal()
}

// shared returns the names of each file, sorted.
func (t *Tree) shared() map[file][]string {
	all := map[file][]string{}
	for _, rel := range slices.Sorted(maps.Keys(t.Entries)) {
		if e := t.Entries[rel]; !e.isDir() {
			all[e.file()] = append(all[e.file()], rel)
		}
	}
	return all
}

type over struct {
	*generator
	src   *Tree
	extra int
}

// real tells whether dst has the directory, as a directory.
func (o *over) real(dir string) bool { return slices.Contains(o.dirs, dir) }

// own returns a name that src doesn't have: none of its names is like it.
func (o *over) own(dir string) string {
	o.extra++
	return under(dir, fmt.Sprintf("only in dst %d", o.extra))
}

func (o *over) write(rel string, data []byte) *attributes {
	o.try(os.WriteFile(o.path(rel), data, 0o600))
	return o.made(rel, typeRegular)
}

func (o *over) overDir(rel string) {
	switch k := o.rng.IntN(100); {
	case k < 70:
		o.try(os.Mkdir(o.path(rel), 0o755))
		o.made(rel, typeDir)
	case k < 73:
		o.write(rel, o.content(10))
	case k < 76:
		own := o.own(filepath.Dir(rel))
		o.try(os.Mkdir(o.path(own), 0o755))
		o.made(own, typeDir)
		o.link(rel, filepath.Base(own))
	case k < 78:
		o.link(rel, "dangling")
	case k < 79:
		o.node(rel, typeFIFO, 0)
	}
}

func (o *over) overFile(rel string, e Entry) {
	if k := o.rng.IntN(100); k < 35 {
		return
	} else if k < 39 {
		o.try(os.Mkdir(o.path(rel), 0o755))
		o.made(rel, typeDir)
		if k < 37 {
			o.write(o.own(rel), o.content(10))
		}
		return
	}
	if e.fileType() == typeRegular {
		o.overRegular(rel, e)
	} else {
		o.overOther(rel)
	}
}

func (o *over) overRegular(rel string, e Entry) {
	size := int(min(e.Size, 3<<20))
	switch k := o.rng.IntN(100); {
	case k < 30:
		o.write(rel, o.content(o.rng.IntN(5000)))
	case k < 40: // longer: what is behind the end has to go
		o.write(rel, o.content(size+1+o.rng.IntN(200_000)))
	case k < 45:
		o.write(rel, nil)
	case k < 53: // as old as the source
		o.write(rel, o.content(size)).mtime = unix.Timespec{Sec: e.Mtime.Unix(), Nsec: int64(e.Mtime.Nanosecond())}
	case k < 61: // newer than any
		o.write(rel, o.content(100)).mtime = unix.Timespec{Sec: 9_000_000_000}
	case k < 69:
		o.write(rel, o.content(100)).mode = [...]uint32{0, 0o444, 0o400, 0o555}[o.rng.IntN(4)]
	case k < 79: // has another link
		own := o.own(filepath.Dir(rel))
		o.write(own, o.content(o.rng.IntN(5000)))
		o.try(os.Link(o.path(own), o.path(rel)))
	case k < 89: // a symlink to a file
		own := o.own(filepath.Dir(rel))
		o.write(own, o.content(o.rng.IntN(5000)))
		o.link(rel, filepath.Base(own))
	case k < 93:
		o.link(rel, "dangling")
	case k < 95:
		o.link(rel, filepath.Base(rel))
	case k < 97:
		o.node(rel, typeSocket, 0)
	case !o.opt.Unprivileged: // null: what is written there is gone
		o.node(rel, typeChar, unix.Mkdev(1, 3))
	}
}

func (o *over) overOther(rel string) {
	switch k := o.rng.IntN(100); {
	case k < 40:
		o.write(rel, o.content(o.rng.IntN(5000)))
	case k < 50:
		own := o.own(filepath.Dir(rel))
		o.write(own, o.content(100))
		o.try(os.Link(o.path(own), o.path(rel)))
	case k < 65:
		o.link(rel, "dangling")
	case k < 75:
		own := o.own(filepath.Dir(rel))
		o.write(own, o.content(100))
		o.link(rel, filepath.Base(own))
	case k < 85:
		o.node(rel, typeFIFO, 0)
	default:
		o.node(rel, typeSocket, 0)
	}
}

// overGroup makes all names of a file of src, or none, and all alike.
func (o *over) overGroup(group []string) {
	exists := o.rng.IntN(2) == 0
	h := fnv.New64a()
	h.Write([]byte(group[0]))
	same := o.rng.Uint64()
	for _, rel := range group {
		exists = exists && o.real(filepath.Dir(rel))
	}
	if !exists {
		return
	}
	for _, rel := range group {
		again := newGenerator(rand.New(rand.NewPCG(h.Sum64(), same)), o.root, Options{Unprivileged: true})
		o.try(os.WriteFile(o.path(rel), again.content(3000), 0o600))
		attrs := again.attributes(typeRegular)
		attrs.mode, attrs.xattrs = 0o644, nil
		o.todo = append(o.todo, pending{rel, typeRegular, attrs})
	}
}

func (o *over) link(rel, target string) {
	o.try(os.Symlink(target, o.path(rel)))
	o.made(rel, typeSymlink)
}

func (o *over) node(rel string, fileType uint32, dev uint64) {
	o.try(unix.Mknod(o.path(rel), fileType|0o600, int(dev)))
	o.made(rel, fileType)
}
