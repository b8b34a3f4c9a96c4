package apply

import (
	"sync/atomic"

	"github.com/zccp/zccp/copier"
)

// Op says what was done with one entry, in the words that reports print.
type Op string

// The operations of events.
const (
	OpCopy    Op = "copy"    // a regular file's bytes were copied, cloned or (dry run) would be
	OpLink    Op = "link"    // a hard link to a file of this run, or -l
	OpSymlink Op = "symlink" // a symbolic link was made
	OpMkdir   Op = "mkdir"   // a directory was created
	OpSpecial Op = "special" // FIFO, socket or device
	OpSkip    Op = "skip"    // left alone by rule (-n, -u, -i answered no, -x)
	OpAttrs   Op = "attrs"   // --attributes-only on an existing file
	OpRemove  Op = "remove"  // the destination was removed first
	OpBackup  Op = "backup"  // the destination was renamed to its backup
)

// Event is one thing that happened. It is valid only during the call.
type Event struct {
	Op     Op
	Src    string // as the user would write it: operand joined with the path below it
	Dst    string
	Target string         // symlink target, or the name a hard link was made to
	Backup string         // name of the backup made, or ""
	Size   int64          // bytes of the source file
	Reason string         // why this Op: "new", "newer", "exists", ...
	How    string         // staging of a regular file: "staged directory", "unnamed file", "temporary name", "in place", and why
	Result *copier.Result // of OpCopy, else nil
}

// Reporter hears what a run does. Its methods are called from many goroutines
// at once, in no order but that of time, and must return soon.
type Reporter interface {
	// Done is called after each entry, only if Options.Events is set.
	Done(ev *Event)
	// Problem is called for each failure of an entry; the run goes on. err's
	// text is a whole message without the program's name: "cannot open 'a':
	// Permission denied". It implements error wrapping, so that errors.Is
	// finds the errno; hint is a known cure or "".
	Problem(err error, hint string)
	// Note is called for what is said but is no failure ("warning: ...").
	Note(text string)
	// Ask puts a question to the user (-i) and returns the answer. Calls are
	// serialised by the caller.
	Ask(question string) bool
}

// Counters are the running totals of a run. They only grow; any goroutine may
// read them at any time.
type Counters struct {
	Found    atomic.Int64 // entries seen so far
	Files    atomic.Int64 // regular files copied
	Dirs     atomic.Int64 // directories created
	Links    atomic.Int64 // hard links made
	Symlinks atomic.Int64
	Specials atomic.Int64
	Skipped  atomic.Int64 // by rule
	Failed   atomic.Int64 // entries that could not be copied whole
	// Of the skipped, the regular files and their sizes (copy mode).
	SkippedFiles atomic.Int64
	SkippedBytes atomic.Int64
	LostMeta     atomic.Int64 // entries copied whole whose metadata could not all be kept
	FoundBytes   atomic.Int64 // sizes of the regular files met so far
	// Of the regular files met so far, those that are not up to date, and their
	// sizes (sync mode).
	WantedFiles atomic.Int64
	WantedBytes atomic.Int64
	Bytes       atomic.Int64 // bytes of regular files that are done, holes and clones included; grows inside a big file
	// How the bytes were moved.
	Cloned   atomic.Int64 // shared by reflink, nothing moved
	InKernel atomic.Int64 // copy_file_range, sendfile, splice
	Buffered atomic.Int64 // through user space
	Holes    atomic.Int64 // bytes of holes kept or made
}
