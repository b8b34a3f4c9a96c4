package copier

import (
	"errors"

	"github.com/zccp/zccp/platform"
)

// row is one method: when it is chosen, when it can be, and how it moves bytes.
type row struct {
	method Method
	call   platform.Call
	// auto says whether the policy wants it for a pair that it can copy.
	auto func(*Facts, *Options) bool
	// can says why the method can't copy the pair as the options want it, nil
	// if nothing is known against it. Forcing a method asks only this.
	can func(*Facts, *Options) error
	// move moves at most n bytes at t.off and returns how many are stored. It
	// advances nothing. nil for what works on the whole file only.
	move func(w *Worker, t *transfer, n int64) (int, error)
}

// strategy is the policy: the first method that fits is used, and the next one
// that fits where it refuses.
//
// The order is that of measurement (docs/methods.md): a clone moves nothing. A
// source that is huge and not in memory goes past the page cache, which two
// methods can. copy_file_range is level with read and write on small files of
// ext4 and tmpfs, 15 to 26 % ahead above 32 KiB and twice as fast on btrfs;
// sendfile is the in-kernel way between file systems; read and write work
// everywhere and have the last word on errors. splice does what sendfile does
// with two calls instead of one, and mmap what read does with page tables
// instead of a copy, so neither is first anywhere; they are there to be asked
// for. Whether two files are on one file system is left to the first calls to
// say, once for each pair of devices: subvolumes of btrfs and the layers of
// overlayfs have device numbers that differ though a clone works.
var strategy = [...]row{
	{Reflink, platform.CallClone, always, canClone, nil},
	{DontCache, platform.CallUncached, cacheNeutral, canMove, moveDontCache},
	{Direct, platform.CallDirect, cacheNeutral, canMove, moveDirect},
	{CopyFileRange, platform.CallCopyFileRange, always, canCopyRange, moveCopyFileRange},
	{Sendfile, platform.CallSendfile, worthSendfile, canMove, moveSendfile},
	{Splice, platform.CallSplice, never, canMove, moveSplice},
	{Mmap, platform.CallMmap, never, canMove, moveMmap},
	{ReadWrite, platform.CallPlain, always, canReadWrite, moveReadWrite},
}

func always(*Facts, *Options) bool           { return true }
func never(*Facts, *Options) bool            { return false }
func cacheNeutral(f *Facts, _ *Options) bool { return f.Neutral }

// sendfile reads through the page cache and fills what it copies. Holes that
// are to be filled are left to read and write, which say so in one place.
func worthSendfile(f *Facts, o *Options) bool {
	return f.Size >= sendfileMin && o.Sparse == Auto
}

// sendfileMin is where one sendfile costs no more than one read and one write.
const sendfileMin = 16 << 10

// What keeps a method from a pair. The texts end a message that names the file
// and the method.
var (
	errNotRegular = errors.New("not between regular files")
	errNoSize     = errors.New("the size of the source is not known")
	errFindsZeros = errors.New("--sparse=always needs the data to be looked at")
	errKeepsHoles = errors.New("--sparse=never: it may keep holes")
	errMayClone   = errors.New("--reflink=never: it may share data")
	errOnlyClone  = errors.New("--reflink=always: it copies data")
)

// canMove is for what copies data from one regular file to another.
func canMove(f *Facts, o *Options) error {
	switch {
	case !f.Regular:
		return errNotRegular
	case f.Size == 0:
		return errNoSize
	case o.Sparse == Always:
		return errFindsZeros
	case o.Reflink == Always:
		return errOnlyClone
	}
	return nil
}

// canClone is for what may share data instead of copying it.
func canClone(f *Facts, o *Options) error {
	switch {
	case !f.Regular:
		return errNotRegular
	case f.Size == 0:
		return errNoSize
	case o.Reflink == Never:
		return errMayClone
	case o.Sparse == Never:
		return errKeepsHoles
	case o.Sparse == Always:
		return errFindsZeros
	}
	return nil
}

// canCopyRange is canClone and more: copy_file_range may share data by itself,
// and may as well copy them.
func canCopyRange(f *Facts, o *Options) error {
	if err := canClone(f, o); err != nil || o.Reflink != Always {
		return err
	}
	return errOnlyClone
}

// canReadWrite: it copies anything, and what is empty whatever was asked for.
func canReadWrite(f *Facts, o *Options) error {
	if o.Reflink == Always && f.Size > 0 {
		return errOnlyClone
	}
	return nil
}

// maxMethods bounds the rows of the table.
const maxMethods = int(numMethods)

// candidates returns the rows to try, best first, in list. Of methods that were
// asked for it tells res which can't be used; what such a pair of file systems
// refused before is asked again, for its reason.
func candidates(f *Facts, o *Options, list *[maxMethods]*row, res *Result) []*row {
	n := 0
	if o.Methods != nil {
		for _, m := range o.Methods {
			r := rowOf(m)
			if err := r.can(f, o); err != nil {
				res.refused(m, err)
				continue
			}
			list[n] = r
			n++
		}
		return list[:n]
	}
	for i := range strategy {
		r := &strategy[i]
		switch {
		case f.Refused&(1<<r.method) != 0 && r.method != ReadWrite:
		case r.auto(f, o) && r.can(f, o) == nil:
			list[n] = r
			n++
		}
	}
	return list[:n]
}

// rowOf returns the row of a method.
func rowOf(m Method) *row {
	for i := range strategy {
		if strategy[i].method == m {
			return &strategy[i]
		}
	}
	panic("no row for method " + m.String())
}
