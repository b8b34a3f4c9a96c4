package main

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/zccp/zccp/platform"
)

// treeLoad is many small files. What it makes depends on nothing but its
// fields, so that figures of two machines are of the same tree.
type treeLoad struct {
	src   string
	files int
	shape string

	found treeCount
}

// treeCount is what a tree holds.
type treeCount struct {
	files, dirs int // files counts names: a hard link counts
	bytes       int64
}

// Sizes are log-normal, as those of source trees and home directories are: many
// near 3 KB, few up to some MB, a mean of 7.2 KB.
const (
	meanFileSize = 7220
	sizeSigma    = 1.4
	filesPerDir  = 100
	dirsPerDir   = 20
)

func (l *treeLoad) source() string { return l.src }

func (l *treeLoad) size() (files, dirs int, bytes int64) {
	return l.found.files, l.found.dirs, l.found.bytes
}

func (l *treeLoad) String() string {
	s := fmt.Sprintf("%d files", l.files)
	switch l.shape {
	case "flat":
		s += " in one directory"
	case "links":
		s += fmt.Sprintf(" and %d hard links", l.files)
	}
	if l.found.bytes > 0 {
		s += fmt.Sprintf(", %.1f MB in %d directories", float64(l.found.bytes)/1e6, l.found.dirs)
	}
	return s
}

// make makes the tree at path.
func (l *treeLoad) make(ctx context.Context, path string) error {
	random := rand.New(rand.NewPCG(1, 2))
	// Bytes that don't compress, so that a compressing file system has no
	// easier a job; every file begins at another place of them.
	content := make([]byte, 4<<20)
	rand.NewChaCha8([32]byte{}).Read(content)
	old := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	top, links := path, ""
	if l.shape == "links" {
		// The links stand apart from the files: whoever copies directories
		// side by side meets either first.
		top, links = filepath.Join(path, "files"), filepath.Join(path, "links")
	}
	dir := func(root string, i int) string {
		if l.shape == "flat" {
			return root
		}
		i /= filesPerDir
		return filepath.Join(root, strconv.Itoa(i/dirsPerDir), strconv.Itoa(i%dirsPerDir))
	}
	for i := range l.files {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		d := dir(top, i)
		if i == 0 || d != dir(top, i-1) {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
			if links != "" {
				if err := os.MkdirAll(dir(links, i), 0o755); err != nil {
					return err
				}
			}
		}
		size := int(math.Exp(random.NormFloat64()*sizeSigma + math.Log(meanFileSize) - sizeSigma*sizeSigma/2))
		size = min(size, len(content)/2)
		at := random.IntN(len(content) - size)
		name := filepath.Join(d, "file-"+strconv.Itoa(i))
		if err := os.WriteFile(name, content[at:at+size], 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(name, old, old); err != nil {
			return err
		}
		if links != "" {
			if err := os.Link(name, filepath.Join(dir(links, i), "link-"+strconv.Itoa(i))); err != nil {
				return err
			}
		}
	}
	return nil
}

// countTree counts what is below path, path itself included.
func countTree(path string) (n treeCount, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			n.dirs++
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n.files++
		n.bytes += info.Size()
		return nil
	})
	return n, err
}

// measure counts the source.
func (l *treeLoad) measure() (err error) {
	l.found, err = countTree(l.src)
	return err
}

// check counts dst: a tool that left files out would seem fast.
func (l *treeLoad) check(dst string) error {
	got, err := countTree(dst)
	if err == nil && got != l.found {
		err = fmt.Errorf("%d files, %d directories, %d bytes where the source has %d, %d, %d",
			got.files, got.dirs, got.bytes, l.found.files, l.found.dirs, l.found.bytes)
	}
	return err
}

// clear moves dst aside. ext4 avoids inodes that were freed a moment ago, and
// looking for others made a copy right after a removal take 4 to 17 times as
// long (Linux 6.18, a virtual disk, 20 000 files). On tmpfs nothing is that way,
// and what is kept there keeps memory.
func (l *treeLoad) clear(dst, dir string) error {
	if platform.FileSystemName(dir) == "tmpfs" {
		return os.RemoveAll(dst)
	}
	return os.Rename(dst, filepath.Join(dir, "old-"+strconv.FormatInt(time.Now().UnixNano(), 36)))
}
