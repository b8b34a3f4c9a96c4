//go:build linux

package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestChangingSources copies files while they are overwritten, appended to, truncated and
// replaced: what is published is the file as it was at one moment, and what isn't is named
// on stderr, and leaves what stood there before. ZCCP_TEST_CHANGING is how many files are
// copied; 2 000 without it, 200 with -short or under the race detector.
func TestChangingSources(t *testing.T) {
	usual := 2000
	if testing.Short() || withRaceDetector() {
		usual = 200
	}
	count := countFrom(t, "ZCCP_TEST_CHANGING", usual)
	binary := buildBinary(t)
	seed := copiertest.Seed(t)
	on := copiertest.FileSystems(t)
	whole, links, refused := 0, 0, 0
	for i, fsys := range on {
		t.Run(fsys.Name, func(t *testing.T) {
			c := changing{t: t, binary: binary, dir: fsys.Dir, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
			src := filepath.Join(c.dir, "src")
			must(t, os.Mkdir(src, 0o755))
			must(t, os.WriteFile(filepath.Join(c.dir, linkTarget), []byte("through the link"), 0o644))
			stop := make(chan struct{})
			var writers sync.WaitGroup
			for n, blocks := range []int64{16, 512} {
				for _, kind := range changes {
					w := writer{change: kind, name: filepath.Join(src, fmt.Sprintf("%s%d", kind.name, blocks)), blocks: blocks}
					if kind.name == "rewritten" {
						w.blocks *= 8
					}
					w.rng = rand.New(rand.NewPCG(seed, uint64(n)))
					c.files = append(c.files, &w)
					must(t, w.fill(w.name))
					writers.Go(func() { w.work(stop) })
				}
			}
			defer func() {
				close(stop)
				writers.Wait()
				for _, w := range c.files {
					must(t, w.err)
				}
			}()
			for run := 0; run*len(c.files)*len(on) < count && !t.Failed(); run++ {
				c.copy(run%2 == 1)
			}
			t.Logf("%d files copied: %d whole, %d as links, %d refused", c.whole+c.links+c.refused, c.whole, c.links, c.refused)
			whole, links, refused = whole+c.whole, links+c.links, refused+c.refused
		})
	}
	if !t.Failed() && (whole == 0 || links == 0 || refused == 0 && count >= 2000) {
		t.Error("the changes came too often or not often enough")
	}
}

// changing copies a directory of files that change.
type changing struct {
	t                     *testing.T
	binary                string
	dir                   string
	rng                   *rand.Rand
	files                 []*writer
	whole, links, refused int
}

// copy copies the directory once, over old files if over is set.
func (c *changing) copy(over bool) {
	t := c.t
	dst := filepath.Join(c.dir, "dst")
	must(t, os.RemoveAll(dst))
	if over {
		must(t, os.Mkdir(dst, 0o755))
		for _, w := range c.files {
			must(t, os.WriteFile(filepath.Join(dst, filepath.Base(w.name)), []byte(oldContent), 0o644))
		}
	}
	time.Sleep(time.Duration(c.rng.IntN(3)) * time.Millisecond)
	e := command{args: []string{c.binary, "-r", "-T", "src", "dst"}, dir: c.dir}.run(t)
	refused := 0
	for _, w := range c.files {
		name := filepath.Base(w.name)
		if strings.Contains(e.stderr, "'src/"+name+"'") {
			refused++
			if data, err := os.ReadFile(filepath.Join(dst, name)); over && string(data) != oldContent || !over && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was refused, and there are %d bytes, %v\n%s", name, len(data), err, e.stderr)
			}
			continue
		}
		if target, err := os.Readlink(filepath.Join(dst, name)); err == nil {
			c.links++
			if target != "../"+linkTarget || w.change.name != "replaced" {
				t.Errorf("%s is a link to %s", name, target)
			}
			continue
		}
		c.whole++
		data, err := os.ReadFile(filepath.Join(dst, name))
		if err != nil {
			t.Errorf("%v\n%s", err, e.stderr)
		} else if flaw := w.torn(data); flaw != "" {
			t.Errorf("%s: exit code %d, torn: %s\n%s", name, e.code, flaw, e.stderr)
		}
	}
	c.refused += refused
	if (e.code == 0) != (refused == 0) || strings.Count(e.stderr, "\nzccp: hint: ")+refused != strings.Count(e.stderr, "\n") {
		t.Errorf("exit code %d with %d refused files: %s", e.code, refused, e.stderr)
	}
	report(t, "left over", litter(t, c.dir))
}

const (
	oldContent = "what stood there before"
	linkTarget = "elsewhere"
	blockSize  = 4096
)

// change is a way to change a file.
type change struct {
	name string
	// step changes the file once.
	step func(*writer) error
	// whole tells whether the file once consisted of blocks of these generations.
	whole func(w *writer, generations []uint64) bool
}

var changes = []change{
	{"overwritten", (*writer).overwrite, inOrder},
	{"rewritten", (*writer).rewrite, inOrder},
	{"appended", (*writer).extend, sameGeneration},
	{"truncated", (*writer).truncate, sameGeneration},
	{"replaced", (*writer).replace, func(w *writer, gens []uint64) bool {
		return sameGeneration(w, gens) && int64(len(gens)) == w.blocks
	}},
}

// inOrder is for a file whose blocks are written in order, all of one generation before the
// next.
func inOrder(w *writer, gens []uint64) bool {
	for i := 1; i < len(gens); i++ {
		if gens[i] > gens[i-1] || gens[i]+1 < gens[0] {
			return false
		}
	}
	return int64(len(gens)) == w.blocks
}

func sameGeneration(_ *writer, gens []uint64) bool {
	for _, g := range gens {
		if g != gens[0] {
			return false
		}
	}
	return true
}

// writer keeps changing a file.
type writer struct {
	change
	name   string
	blocks int64
	rng    *rand.Rand
	gen    uint64
	length int64 // in blocks, of one that is appended to
	err    error
}

func (w *writer) work(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(w.rng.IntN(500)) * time.Microsecond):
		}
		if w.err = w.step(w); w.err != nil {
			return
		}
	}
}

// stamped returns blocks from one number to another, filled with their generation and number.
func stamped(gen uint64, from, to int64) []byte {
	data := make([]byte, (to-from)*blockSize)
	for rest := data; len(rest) > 0; from++ {
		block := rest[:blockSize]
		binary.LittleEndian.PutUint64(block, gen)
		binary.LittleEndian.PutUint64(block[8:], uint64(from))
		for done := 16; done < blockSize; done *= 2 {
			copy(block[done:], block[:done])
		}
		rest = rest[blockSize:]
	}
	return data
}

// torn says what is wrong with a copy, or "".
func (w *writer) torn(data []byte) string {
	if len(data)%blockSize != 0 {
		return fmt.Sprintf("%d bytes", len(data))
	}
	gens := make([]uint64, len(data)/blockSize)
	for i := range gens {
		block := data[i*blockSize:][:blockSize]
		gens[i] = binary.LittleEndian.Uint64(block)
		if !bytes.Equal(block, stamped(gens[i], int64(i), int64(i)+1)) {
			return fmt.Sprintf("block %d of %d is made of several, or has another's place", i, len(gens))
		}
	}
	if !w.whole(w, gens) {
		return fmt.Sprintf("blocks of generations %d", gens)
	}
	return ""
}

// write writes the blocks of the present generation in pieces, in order.
func (w *writer) write(f *os.File, from, to int64) error {
	for from < to {
		piece := min(1+w.rng.Int64N(2*w.blocks), to-from)
		if _, err := f.WriteAt(stamped(w.gen, from, from+piece), from*blockSize); err != nil {
			return err
		}
		from += piece
	}
	return nil
}

// fill makes a file of the next generation.
func (w *writer) fill(name string) error {
	w.gen++
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(w.write(f, 0, w.blocks), f.Close())
}

func (w *writer) overwrite() error {
	w.gen++
	f, err := os.OpenFile(w.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(w.write(f, 0, w.blocks), f.Close())
}

// rewrite overwrites everything in one call, which sets the times before it stores data, and
// then leaves the file alone for a while.
func (w *writer) rewrite() error {
	w.gen++
	f, err := os.OpenFile(w.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(stamped(w.gen, 0, w.blocks), 0)
	time.Sleep(time.Duration(w.rng.IntN(8)) * time.Millisecond)
	return errors.Join(err, f.Close())
}

// extend appends, and begins anew with another file when there is enough.
func (w *writer) extend() error {
	if w.length = max(w.length, w.blocks); w.length > 2*w.blocks {
		w.length = w.blocks
		return w.rename(w.fill)
	}
	f, err := os.OpenFile(w.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	from := w.length
	w.length += 1 + w.rng.Int64N(8)
	return errors.Join(w.write(f, from, w.length), f.Close())
}

// truncate cuts the end off, or everything, which is then written anew.
func (w *writer) truncate() error {
	if w.rng.IntN(2) == 0 {
		return os.Truncate(w.name, min(w.rng.Int64N(w.blocks), w.size())*blockSize)
	}
	return w.fill(w.name)
}

// size returns the length of the file in blocks.
func (w *writer) size() int64 {
	info, err := os.Stat(w.name)
	if err != nil {
		return 0
	}
	return info.Size() / blockSize
}

// replace puts another file, or a link to one, in the place of the file.
func (w *writer) replace() error {
	if w.rng.IntN(3) == 0 {
		return w.rename(func(name string) error { return os.Symlink("../"+linkTarget, name) })
	}
	return w.rename(w.fill)
}

// rename puts what is made in the place of the file.
func (w *writer) rename(fill func(name string) error) error {
	other := filepath.Join(filepath.Dir(w.name), "..", "next-"+filepath.Base(w.name))
	return errors.Join(fill(other), os.Rename(other, w.name))
}
