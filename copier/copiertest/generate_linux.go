//go:build linux

package copiertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Generate fills dir, which it makes, with a small tree that has a good deal of what a
// copier can get wrong: sizes at the edges of blocks, holes, hard links, symlinks of every
// kind, FIFOs, sockets and devices, every special bit, extended attributes and ACLs, times
// before 1970 and after 2106, awkward names.
//
// The same state of rng and the same options give the same tree on the same file system.
// Extended attributes that the file system doesn't have are left out. On an error the tree
// is left as far as it came.
func Generate(rng *rand.Rand, dir string, opt Options) error {
	g := newGenerator(rng, dir, opt.withDefaults())
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.made(".", typeDir)
	g.tree()
	return g.seal()
}

// generator makes the names first and gives them their attributes last, the deepest ones
// first: making a name changes the times of its directory, and a default ACL, a set-group-ID
// bit or an append-only mode of a directory would change what is made in it.
type generator struct {
	rng   *rand.Rand
	root  string
	opt   Options
	names names
	dirs  []string
	// files are what can have another hard link.
	files []string
	todo  []pending
	err   error
}

// pending is a name that still has to get its attributes.
type pending struct {
	rel      string
	fileType uint32
	attrs    attributes
}

func newGenerator(rng *rand.Rand, root string, opt Options) *generator {
	return &generator{rng: rng, root: root, opt: opt, names: names{rng: rng, used: map[string]bool{}}}
}

func (g *generator) path(rel string) string { return join(g.root, rel) }

func (g *generator) try(err error) {
	if g.err == nil {
		g.err = err
	}
}

// made notes a new name, with attributes by chance.
func (g *generator) made(rel string, fileType uint32) *attributes {
	g.todo = append(g.todo, pending{rel, fileType, g.attributes(fileType)})
	switch {
	case rel == ".":
		// Not unreadable: nothing below it would be copied.
		g.todo[len(g.todo)-1].attrs.mode = 0o755
		g.dirs = append(g.dirs, rel)
	case fileType == typeDir:
		g.dirs = append(g.dirs, rel)
	default:
		g.files = append(g.files, rel)
	}
	return &g.todo[len(g.todo)-1].attrs
}

func (g *generator) seal() error {
	for i := len(g.todo) - 1; i >= 0; i-- {
		p := g.todo[i]
		if err := p.attrs.apply(g.path(p.rel), p.fileType); err != nil {
			g.try(fmt.Errorf("%q: %w", p.rel, err))
		}
	}
	return g.err
}

func (g *generator) tree() {
	for range g.opt.Entries / 6 {
		g.dir(g.anyDir())
	}
	if g.rng.IntN(8) == 0 {
		deep := "."
		for range 24 {
			deep = g.dir(deep)
		}
	}
	for range g.opt.Entries - g.opt.Entries/6 {
		g.entry(g.anyDir())
	}
}

func (g *generator) anyDir() string { return g.dirs[g.rng.IntN(len(g.dirs))] }

func (g *generator) dir(parent string) string {
	if len(parent) > pathMax/2 {
		parent = "."
	}
	rel := g.names.in(parent)
	g.try(os.Mkdir(g.path(rel), 0o755))
	g.made(rel, typeDir)
	return rel
}

func (g *generator) entry(dir string) {
	switch k := g.rng.IntN(100); {
	case k < 45:
		g.regular(g.names.in(dir))
	case k < 55:
		g.sparse(g.names.in(dir))
	case k < 68:
		g.hardLink(dir)
	case k < 90:
		g.symlink(g.names.in(dir))
	default:
		g.special(g.names.in(dir))
	}
}

func (g *generator) regular(rel string) {
	sizes := [...]int{0, 0, 1, 4095, 4096, 4097, 65535, 131073, 2<<20 + 1}
	size := 0
	if k := g.rng.IntN(20); k < len(sizes) {
		size = sizes[k]
	} else {
		size = g.rng.IntN(20_000)
	}
	g.try(os.WriteFile(g.path(rel), g.content(size), 0o600))
	g.made(rel, typeRegular)
}

// content is noise, or a short text over and over, as compression and hashing care.
func (g *generator) content(size int) []byte {
	data := make([]byte, size)
	var key [32]byte
	for i := range key {
		key[i] = byte(g.rng.Uint32())
	}
	if g.rng.IntN(4) == 0 {
		for i := range data {
			data[i] = key[i%len(key)]
		}
	} else {
		rand.NewChaCha8(key).Read(data) // never fails
	}
	return data
}

func (g *generator) hardLink(dir string) {
	if len(g.files) == 0 {
		return
	}
	old := g.files[g.rng.IntN(len(g.files))]
	if g.rng.IntN(2) == 0 {
		dir = filepath.Dir(old)
	}
	rel := g.names.in(dir)
	g.try(os.Link(g.path(old), g.path(rel)))
	g.files = append(g.files, rel)
}

func (g *generator) symlink(rel string) {
	// Longer ones than xfs takes are cut, and lead nowhere.
	target := g.target(rel)
	g.try(os.Symlink(target[:min(len(target), linkMax)], g.path(rel)))
	g.made(rel, typeSymlink)
}

// linkMax is what a symlink holds on xfs; the other file systems have more.
const linkMax = 1023

func (g *generator) target(rel string) string {
	base := filepath.Base(rel)
	var there string
	if len(g.files) > 0 {
		there = g.files[g.rng.IntN(len(g.files))]
	}
	up := strings.Repeat("../", strings.Count(rel, "/"))
	switch k := g.rng.IntN(12); {
	case k < 3 && there != "":
		return up + there
	case k < 4 && there != "":
		return g.path(there)
	case k < 5:
		return base
	case k < 6:
		return "/nonexistent/\xff\n"
	case k < 7:
		return strings.Repeat("0123456789/", 93)
	case k < 8:
		return "../../../../../../../../../../../../../../../nonexistent"
	case k < 10 && !g.opt.NoDirLinks:
		return [...]string{".", "..", "./" + up, up + g.anyDir(), "./" + up + "/."}[g.rng.IntN(5)]
	default:
		return "nowhere " + base[:min(len(base), 40)]
	}
}

func (g *generator) special(rel string) {
	kind := uint32(typeFIFO)
	var dev uint64
	if !g.opt.Unprivileged {
		kind = [...]uint32{typeFIFO, typeSocket, typeChar, typeBlock}[g.rng.IntN(4)]
	} else if g.rng.IntN(2) == 0 {
		kind = typeSocket
	}
	if kind == typeChar || kind == typeBlock {
		// Null, a terminal, a loop device, an overlay's whiteout, and the largest that xfs takes.
		devs := [...][2]uint32{{1, 3}, {5, 1}, {7, 0}, {0, 0}, {259, 65537}, {511, 1<<18 - 1}}
		pair := devs[g.rng.IntN(len(devs))]
		dev = unix.Mkdev(pair[0], pair[1])
	}
	if err := unix.Mknod(g.path(rel), kind|0o600, int(dev)); err != nil {
		g.try(fmt.Errorf("mknod %q: %w", rel, err))
	}
	g.made(rel, kind)
}

// sparse makes a file of which little is allocated.
func (g *generator) sparse(rel string) {
	f, err := os.OpenFile(g.path(rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		g.try(err)
		return
	}
	size, at, reserve := g.layout()
	err = f.Truncate(size)
	if reserve > 0 {
		if e := unix.Fallocate(int(f.Fd()), 0, 4096, reserve); !errors.Is(e, unix.EOPNOTSUPP) {
			err = errors.Join(err, e)
		}
	}
	for _, off := range at {
		_, e := f.WriteAt(g.content(int(min(1+g.rng.Int64N(9000), size-off))), off)
		err = errors.Join(err, e)
	}
	g.try(errors.Join(err, f.Close()))
	g.made(rel, typeRegular)
}

// layout returns the size of a sparse file, the offsets with data in it, and how many bytes
// are reserved but not written.
func (g *generator) layout() (size int64, at []int64, reserve int64) {
	size = 200_000 + g.rng.Int64N(1<<20)
	if g.rng.IntN(2) == 0 {
		size &^= 4095
	}
	switch g.rng.IntN(8) {
	case 0: // hole at the start
		at = []int64{size - 1 - g.rng.Int64N(4096)}
	case 1: // at the end
		at = []int64{0}
	case 2: // in the middle
		at = []int64{0, size - 1}
	case 3: // nothing but a hole
	case 4: // odd places
		at = []int64{4095, 65535, 131072, size - 5000}
	case 5:
		at = []int64{g.rng.Int64N(size), g.rng.Int64N(size), g.rng.Int64N(size)}
	case 6: // large
		if g.opt.NoLarge {
			break
		}
		size = 1<<30 + 3
		at = []int64{1<<29 - 1, size - 1}
	case 7: // reserved, not written
		at = []int64{g.rng.Int64N(size)}
		reserve = 100_000
	}
	return size, at, reserve
}
