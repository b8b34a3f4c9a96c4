package wire

// FileID names a file of the transfer: the directory that its listing came
// under, and its place in that listing, counted over all its Entries.
type FileID struct {
	Dir   uint32
	Index uint32
}

// Time is a point in time: seconds since the epoch, and nanoseconds below 1e9.
type Time struct {
	Sec  int64
	Nsec uint32
}

// Attr is what a listing tells of an inode. Dev and Ino are opaque, serve to
// find further names of it and are 0 where Nlink is 1.
type Attr struct {
	Mode     uint32 // st_mode, with the type bits of Linux
	UID, GID uint32
	Nlink    uint64
	Dev, Ino uint64
	Rdev     uint64 // of devices
	Size     int64  // bytes
	Mtime    Time
	Atime    Time // only if the job asks for it
}

// Xattr is an extended attribute. Name has no NUL at its end.
type Xattr struct {
	Name  []byte
	Value []byte
}

// Meta is what an entry has beyond Attr. The ACLs are in the kernel's encoding
// (linux/posix_acl_xattr.h), nil for none.
type Meta struct {
	ACL, DefaultACL []byte
	Xattrs          []Xattr
}

// Job is what the client asks for. It is the first message of a session.
type Job struct {
	Push bool // the client sends; else it receives
	// Words are options of sync mode, in their normal form (--name or
	// --name=value); what they name of the client's files is replaced by what
	// is in those. The far end takes only what its own table allows a peer.
	Words   []string
	Sources [][]byte // of a pull: what is asked for, as the user wrote it
	Dest    []byte   // of a push: where to
	// CopyRules makes an existing destination directory be filled as cp
	// does it; see the documentation of remote copies.
	CopyRules bool
}

// Ready answers a Job that is taken on. A Job that is refused is answered by
// Fatal.
type Ready struct {
	Umask uint32
	UID   uint32 // effective user at the far end
}

// Root is what the receiver has to know of the operands before it looks at the
// destination. It comes before every Dir; the directory that the sources are
// merged into has the number 0.
type Root struct {
	Single  bool // one entry only, which takes the name of the destination if that is no directory
	IsDir   bool // which is a directory
	Nothing bool // nothing that was named is there
	Hidden  bool // all that was named is hidden by the filter
	Bare    bool // the sources are directories with nothing in them
	Content bool // the first source is a directory's content
	Seals   bool // the destination gets the attributes of a source: Attr and Meta
	Lists   bool // all names are known, so what is not among them may be deleted
	Attr    Attr
	Meta    Meta
	Path    []byte // of the first source, for messages
}

// Dir announces a directory, after the Dir of its parent, with its attributes.
type Dir struct {
	ID, Parent uint32
	Name       []byte // at the destination
	Called     []byte // in reports, if otherwise
	Path       []byte // of the source, for messages
	Attr       Attr
	Meta       Meta
	Implied    bool // it only leads to what was named
	Lists      bool // all its names are known
	Lost       bool // it could not be entered: nothing of it follows, not even a DirEnd
}

// Entry is a name that is no directory.
type Entry struct {
	Name   []byte
	Attr   Attr
	Link   []byte // of a symbolic link: where it leads
	Meta   Meta
	Device bool   // a device that is read as a file
	Follow bool   // reached through a symbolic link
	Sum    []byte // with the job's --checksum: XXH3-128 of a regular file's content, else nil
}

// Entries is a portion of a directory's names that are no directories, sorted.
type Entries struct {
	Dir   uint32
	First uint32 // index of the first one
	Items []Entry
}

// DirEnd ends a directory's listing. Subdirs are the names, at the destination,
// of all directories in it; each has a Dir, before or after this. Others are
// names of entries that could not be looked at: they count as being there.
// Missing are names that were given and are not there, with the job's
// --delete-missing-args.
type DirEnd struct {
	Dir     uint32
	Count   uint32 // one more than the highest index told
	Subdirs [][]byte
	Others  [][]byte
	Missing [][]byte
}

// WalkEnd says that everything was listed.
type WalkEnd struct {
	IOError    bool   // something could not be read: nothing may be deleted
	UnreadRoot []byte // a source whose listing can't be had
	Empty      []byte // a source directory with nothing in it
	LostMount  []byte // a source that was a mount point in the last run
	Dirs       uint32 // how many were announced, the root among them
}

// Names tells what users or groups are called at the sender. It comes before
// the first message that has the number.
type Names struct {
	Group bool
	ID    uint32
	Name  []byte
}

// Action is what the receiver needs of a file.
type Action uint8

// The actions. Delta: a Signature of what the receiver has follows, and only
// what differs is sent.
const (
	Whole Action = iota + 1
	Delta
)

// Run asks for the files [From, To) of a directory, or more exactly their
// indices.
type Run struct {
	From, To uint32
	Action   Action
}

// Need asks for files of one directory.
type Need struct {
	Dir  uint32
	Runs []Run
}

// Sum is what is known of one block of a basis file.
type Sum struct {
	Weak   uint32
	Strong [16]byte // XXH3-128
}

// Signature is a portion of the blocks of a file that the receiver has. The
// last portion has Last set. One that is empty, for a file that was sent as what
// differs and not Received yet, asks for all of it: what was made of it has not
// the digest that it was to have.
type Signature struct {
	ID    FileID
	Size  int64  // of the basis, bytes
	Block uint32 // bytes
	First uint32 // block that Sums begin with
	Sums  []Sum
	Last  bool
}

// Refine asks the receiver for sums of smaller blocks within some of those that
// differ.
type Refine struct {
	ID     FileID
	Block  uint32   // bytes, of the smaller ones
	Blocks []uint32 // numbers of the larger ones, rising
	Last   bool
}

// Fine answers Refine: for each block asked for, the first eight bytes of
// XXH3-128 of each smaller one.
type Fine struct {
	ID   FileID
	Sums []uint64
	Last bool
}

// Received says that all bytes of these files that were announced by their
// Sent have arrived. Its answer is a Verdict each.
type Received struct {
	IDs []FileID
}

// Status is what became of a file at the sender.
type Status uint8

// The states. Good: what was sent is what the file held all the while.
const (
	Good     Status = iota + 1
	Changed         // it changed while it was read; what arrived counts for nothing
	Vanished        // it is not there any more
	Failed          // it could not be read; a Problem says why
)

// Sent says that all frames of a file are on their way, on whatever streams:
// Bytes of content in all, or why there are none.
type Sent struct {
	ID     FileID
	Status Status
	Size   int64 // of the whole file when it was opened, bytes
	Bytes  int64 // of content, holes and copied ranges in its frames: Size, but for failures
	Mtime  Time
	Kernel bool // moved by the kernel from the page cache: the Verdict comes after Received
	// Sums is the sum of all frames that went over streams which do not protect
	// the bytes, if any did: one element, of the whole file. It is the exclusive
	// or of the XXH3-128, under the session's seed, of each frame's type (1 byte),
	// offset, content (8 bytes each) and sum of the payload (16 bytes), so that
	// no number of frames makes it longer.
	Sums []RangeSum
	// Digest is of the whole content, with the job's --verify. Without that, a
	// file that was sent as what differs from a basis has the digest of package
	// delta; it has Kernel set, for the receiver compares before it has Received
	// the file.
	Digest []byte
}

// RangeSum is the XXH3-128, under the session's seed, of a range of a file.
type RangeSum struct {
	Off, Len int64
	Sum      [16]byte
}

// Verdict says whether a file that was Received may be published.
type Verdict struct {
	ID     FileID
	Status Status
}

// BatchSum is the XXH3-128, under the session's seed, of the payload of a
// batch, where the streams do not protect the bytes. Nothing of the batch is
// published before it came.
type BatchSum struct {
	Stream uint32
	Seq    uint64
	Sum    [16]byte
}

// DirDone says that no more files of a directory will be asked for.
type DirDone struct {
	Dir uint32
}

// Remove asks the sender to remove a file that has arrived
// (--remove-source-files).
type Remove struct {
	ID FileID
}

// Drop says that a file of which something has come can't be had at the receiver.
// The sender leaves out what it has not begun to send, if there is any, and says
// how much there was (Sent, Failed).
type Drop struct {
	ID FileID
}

// Flow is what a window is kept for: what one end may send on the control
// channel before the other has worked it off.
type Flow uint8

// The flows. Listings: Root, Dir, Entries, DirEnd and WalkEnd. Chunks: what is
// in Chunk. Reports: Problem, Note and Item.
const (
	FlowListings Flow = iota + 1
	FlowChunks
	FlowReports
)

// Credit lets the far end send so many more bytes of a flow: of frames, and of
// chunks their content.
type Credit struct {
	Flow  Flow
	Bytes uint64
}

// Done ends the sender's part, once everything asked for was sent.
type Done struct {
	Removed int64
}

// Finished ends the receiver's part, once everything that arrived stands.
type Finished struct {
	Stats [32]int64 // the totals of package mirror, in its order
}

// Problem is a failure at the far end. Kind is that of package mirror.
type Problem struct {
	Kind uint8
	Text string
	Hint string
}

// Note is what the far end says that is no failure.
type Note struct {
	Level uint8
	Text  string
}

// Item is one line of --itemize-changes from the far end.
type Item struct {
	Name   []byte
	Mode   uint32
	Flags  uint64
	Link   []byte
	Size   int64
	Mtime  Time
	UID    uint32
	GID    uint32
	Method uint8 // of the file's last byte, 0 for none
	Moved  int64
	Shared int64 // bytes found in a basis or shared
	HasRes bool  // Method, Moved and Shared are set
}

// Totals are the far end's running totals, for progress: those of apply.Counters.
// Wanted is the sum of all contents that are asked for, 0 until that is known.
type Totals struct {
	Found, FoundBytes, Files, Bytes, Wanted int64
}

// Fatal ends a session. Code is an exit code of sync mode.
type Fatal struct {
	Code uint8
	Text string
	Hint string
}

// Chunk carries bytes of a data stream within the control channel, as long as
// there is none of its own.
type Chunk struct {
	Stream uint32
	Data   []byte
}

// Ping says that the sender of it lives.
type Ping struct {
	// Work grows as long as that end does something by itself, of which nothing
	// else is heard: it reads for sums, deletes, flushes. In which units is its own
	// affair.
	Work uint64
}

// Stop asks the far end to end early; it cleans up and closes the channel.
type Stop struct{}
