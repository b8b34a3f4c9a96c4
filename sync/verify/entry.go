package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/zccp/zccp/platform"
)

// entry is a name that stands on both sides.
type entry struct {
	d     *dir
	name  [2]platform.Name // the same, but for roots that are files
	path  string           // below the roots, once somebody asked for it
	index int              // in its directory
	flags int              // for openat(2)
	st    [2]platform.Stat

	inPlace bool              // it isn't to be queued as a big file
	want    *[2]platform.Stat // the inodes that it has to be, or nil
}

// where returns the path below the roots.
func (e *entry) where() string {
	if e.path == "" {
		e.path = e.d.path(e.name[0])
	}
	return e.path
}

// add notes a difference of the entry at hand.
func (s *scratch) add(d Difference) {
	d.Path, d.index = s.e.where(), s.e.index
	s.out = append(s.out, d)
}

// outcome is what became of an entry.
type outcome uint8

const (
	wasCompared outcome = iota // or couldn't be, which was reported
	isDir                      // on both sides; nothing was done
	isBig                      // a big file; nothing was done
)

// entry compares a name. mode holds the type bits that the listings had.
func (v *Verify) entry(ctx context.Context, s *scratch, e *entry, mode [2]uint32) outcome {
	regular := mode == [2]uint32{platform.ModeRegular, platform.ModeRegular}
	if !regular || !v.opens() {
		// An open file tells as much, for one call less.
		if !v.stat(e) {
			return wasCompared
		}
		switch {
		case e.st[0].Type() != e.st[1].Type():
			s.add(Difference{Kind: Type, Src: TypeName(e.st[0].Mode), Dst: TypeName(e.st[1].Mode)})
			return wasCompared
		case e.st[0].IsDir():
			return isDir
		case !e.st[0].IsRegular():
			v.special(s, e)
			return wasCompared
		}
	}
	if !v.opens() {
		v.size(s, e)
		v.attributes(s, e)
		v.link(e)
		s.files++
		return wasCompared
	}
	return v.file(ctx, s, e)
}

// opens reports whether files have to be opened.
func (v *Verify) opens() bool { return !v.opts.Quick || v.compares(Xattrs) || v.compares(ACLs) }

func (v *Verify) compares(a Aspect) bool { return v.opts.Ignore&a == 0 }

// stat looks at both sides. A side that can't be looked at is a problem.
func (v *Verify) stat(e *entry) bool {
	ok := true
	for side := range e.st {
		if err := v.calls.Statat(e.d.fd[side], e.name[side], &e.st[side], false); err != nil {
			v.problem("stat", side, e.where(), err)
			ok = false
		}
	}
	return ok
}

// known compares what can be known of two files of which one can't be opened,
// which was reported.
func (v *Verify) known(s *scratch, e *entry) {
	for side := range e.st {
		if v.calls.Statat(e.d.fd[side], e.name[side], &e.st[side], false) != nil {
			return
		}
	}
	if e.st[0].Type() != e.st[1].Type() {
		s.add(Difference{Kind: Type, Src: TypeName(e.st[0].Mode), Dst: TypeName(e.st[1].Mode)})
		return
	}
	if e.st[0].IsRegular() {
		v.size(s, e)
	}
	v.attributes(s, e)
	v.link(e)
}

// file compares two regular files.
func (v *Verify) file(ctx context.Context, s *scratch, e *entry) outcome {
	fd := closed
	defer func() { v.pool.close(fd) }()
	failed := false
	for side := range fd {
		var err error
		// Should it be another kind of file by now: a FIFO is not waited for.
		flags := platform.ReadOnly | platform.NonBlock | platform.NoCTTY | platform.NoAtime | e.flags
		if fd[side], err = open(v.calls, e.d.fd[side], e.name[side], flags); err != nil {
			fd[side] = platform.None
			v.problem("open", side, e.where(), err)
			failed = true
		}
	}
	if failed {
		if e.want == nil {
			v.known(s, e)
		}
		return wasCompared
	}
	for side := range fd {
		err := v.calls.Fstat(fd[side], &e.st[side])
		if err == nil && (!e.st[side].IsRegular() || e.want != nil && !e.st[side].SameInode(&e.want[side])) {
			err = errChanged
		}
		if err != nil {
			v.problem("stat", side, e.where(), err)
			return wasCompared
		}
	}
	if !e.inPlace && v.reads(e) && e.st[0].Size >= bigFile {
		return isBig
	}
	s.files++
	mark := len(s.out)
	sum, err := v.content(ctx, s, e, fd)
	v.attributes(s, e)
	v.xattrs(s, e, fd)
	switch ok := v.settled(s, e, fd); {
	case !ok:
		s.out = s.out[:mark]
	case err != nil:
		v.problem("read", 0, e.where(), err)
	default:
		v.link(e)
		if sum != nil {
			v.opts.Report.Digest(e.where(), e.st[0].Size, sum)
		}
	}
	return wasCompared
}

// settled looks at both files again and reports one that changed.
func (v *Verify) settled(s *scratch, e *entry, fd [2]platform.FD) bool {
	ok := true
	for side := range fd {
		var st platform.Stat
		var err error
		if fd[side] != platform.None {
			err = v.calls.Fstat(fd[side], &st)
		} else {
			err = v.calls.Statat(e.d.fd[side], e.name[side], &st, false)
		}
		if err == nil && !st.Unchanged(&e.st[side]) {
			err = errChanged
		}
		if err != nil {
			v.problem("stat", side, e.where(), err)
			ok = false
		}
	}
	return ok
}

// special compares two symbolic links, FIFOs, sockets or devices, by name.
func (v *Verify) special(s *scratch, e *entry) {
	mark := len(s.out)
	var err error
	switch st := &e.st; st[0].Type() {
	case platform.ModeSymlink:
		err = v.target(s, e)
	case platform.ModeChar, platform.ModeBlock:
		if st[0].Rdev != st[1].Rdev {
			s.add(Difference{Kind: Device, Src: deviceText(st[0].Rdev), Dst: deviceText(st[1].Rdev)})
		}
	}
	v.attributes(s, e)
	v.xattrs(s, e, closed)
	switch ok := v.settled(s, e, closed); {
	case !ok:
		s.out = s.out[:mark]
	case err != nil:
		v.problem("read symbolic link", 0, e.where(), err)
	default:
		v.link(e)
	}
}

// linkMax is the longest target of a symbolic link: PATH_MAX less its NUL.
const linkMax = 4095

// errTarget is a target of another length than the link's size.
var errTarget = errors.New("target does not have the length of the link")

func (v *Verify) target(s *scratch, e *entry) error {
	var target [2][]byte
	for side := range target {
		n, err := v.calls.Readlinkat(e.d.fd[side], e.name[side], s.link[side])
		// Where a link tells no size (procfs) none can be expected.
		if err == nil && (n < 0 || n > linkMax || e.st[side].Size > 0 && int64(n) != e.st[side].Size) {
			err = errTarget
		}
		if err != nil {
			return &sideError{side, err}
		}
		target[side] = s.link[side][:n]
	}
	if string(target[0]) != string(target[1]) {
		s.add(Difference{Kind: Target, Src: string(target[0]), Dst: string(target[1])})
	}
	return nil
}

// TypeName returns the word for the type bits of a mode.
func TypeName(mode uint32) string {
	switch mode & platform.ModeType {
	case platform.ModeRegular:
		return "file"
	case platform.ModeDir:
		return "directory"
	case platform.ModeSymlink:
		return "symlink"
	case platform.ModeFIFO:
		return "fifo"
	case platform.ModeSocket:
		return "socket"
	case platform.ModeChar:
		return "char-device"
	case platform.ModeBlock:
		return "block-device"
	}
	return fmt.Sprintf("%#o", mode&platform.ModeType)
}

// deviceText writes a device number of Linux as major:minor (makedev(3)).
func deviceText(dev uint64) string {
	major := dev>>8&0xfff | dev>>32&^0xfff
	minor := dev&0xff | dev>>12&^0xff&0xffffffff
	return fmt.Sprintf("%d:%d", major, minor)
}
