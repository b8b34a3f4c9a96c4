//go:build linux

package copiertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Scan reads the whole tree at root, which may also be a single file. It leaves access
// times of files and directories alone where it may (O_NOATIME: as root, or the owner);
// reading a symlink changes its access time unless the file system is mounted noatime.
//
// It works with paths, so nothing may be deeper than PATH_MAX. The error joins those of
// all names that could not be read; the rest of the tree is returned with it.
func Scan(root string) (*Tree, error) {
	t := &Tree{Root: root, Entries: map[string]Entry{}}
	s := scanner{tree: t, buf: make([]byte, 1<<20)}
	s.scan(".")
	return t, errors.Join(s.errs...)
}

type scanner struct {
	tree *Tree
	buf  []byte
	errs []error
}

func (s *scanner) fail(op, name string, err error) {
	s.errs = append(s.errs, &fs.PathError{Op: op, Path: name, Err: err})
}

func (s *scanner) scan(rel string) {
	name := join(s.tree.Root, rel)
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		s.fail("lstat", name, err)
		return
	}
	e := Entry{
		Mode: st.Mode, UID: st.Uid, GID: st.Gid,
		Mtime: time.Unix(st.Mtim.Unix()), Atime: time.Unix(st.Atim.Unix()),
		Dev: st.Dev, Ino: st.Ino, Nlink: uint64(st.Nlink),
	}
	var err error
	if e.Xattrs, err = xattrs(name); err != nil {
		s.fail("xattr", name, err)
	}
	var children []string
	switch e.fileType() {
	case typeRegular:
		e.Size, e.Allocated = st.Size, st.Blocks*512
		if e.Sum, err = s.sum(name, st.Size); err != nil {
			s.fail("read", name, err)
		}
	case typeSymlink:
		e.Size = st.Size
		if e.Target, err = os.Readlink(name); err != nil {
			s.fail("readlink", name, err)
		}
	case typeChar, typeBlock:
		e.Rdev = st.Rdev
	case typeDir:
		if children, err = readNames(name); err != nil {
			s.fail("readdir", name, err)
		}
	}
	s.tree.Entries[rel] = e
	for _, child := range children {
		s.scan(path.Join(rel, child))
	}
}

// openQuietly opens for reading without touching the access time where that is allowed.
func openQuietly(name string, flags int) (*os.File, error) {
	flags |= unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := os.OpenFile(name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		f, err = os.OpenFile(name, flags, 0)
	}
	return f, err
}

func readNames(dir string) ([]string, error) {
	f, err := openQuietly(dir, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// xattrs returns all extended attributes of the name itself, or nil where there are none.
func xattrs(name string) (map[string]string, error) {
	list, err := xattrBytes(func(buf []byte) (int, error) { return unix.Llistxattr(name, buf) })
	if errors.Is(err, unix.ENOTSUP) || len(list) == 0 && err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for key := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		// To root, xfs lists an ACL a second time, as the attribute it is stored in.
		if strings.HasPrefix(key, "trusted.SGI_ACL_") {
			continue
		}
		value, err := xattrBytes(func(buf []byte) (int, error) { return unix.Lgetxattr(name, key, buf) })
		if err != nil {
			return found, &fs.PathError{Op: "getxattr " + key, Path: name, Err: err}
		}
		found[key] = string(value)
	}
	return found, nil
}

func xattrBytes(get func([]byte) (int, error)) ([]byte, error) {
	// XATTR_LIST_MAX and XATTR_SIZE_MAX: nothing is longer.
	buf := make([]byte, 64<<10)
	n, err := get(buf)
	return buf[:max(n, 0)], err
}

// Of larger files only the data are read, as SEEK_DATA tells them. Smaller ones are read
// whole, so that the compare doesn't trust what a copier has to trust.
const readWhole = 64 << 20

const sumBlock = 4096

// sum hashes the blocks that aren't all zero, each with its offset, and the size: a hole,
// an unwritten extent and written zeros give the same.
func (s *scanner) sum(name string, size int64) (string, error) {
	f, err := openQuietly(name, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for off := int64(0); ; {
		if size > readWhole {
			if off, err = f.Seek(off, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
				off = size
				break
			} else if err != nil {
				return "", err
			}
			off -= off % sumBlock
		}
		n, err := f.ReadAt(s.buf, off)
		sumBlocks(h, s.buf[:n], off)
		off += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return string(h.Sum(binary.LittleEndian.AppendUint64(nil, uint64(size)))), nil
}

func sumBlocks(h hash.Hash, data []byte, off int64) {
	var zero [sumBlock]byte
	for len(data) > 0 {
		block := data[:min(sumBlock, len(data))]
		if !bytes.Equal(block, zero[:len(block)]) {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(off)))
			h.Write(block)
		}
		off += int64(len(block))
		data = data[len(block):]
	}
}
