package mirror

import (
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/plan"
)

// Links says what becomes of the symbolic links of the source.
type Links uint8

// The choices of rsync.
const (
	LinksSkip       Links = iota // no -l: named, left out
	LinksKeep                    // -l
	LinksFollow                  // -L: what they lead to is transferred
	LinksCopyUnsafe              // -l --copy-unsafe-links: those that lead out of the tree are followed
)

// DeleteWhen says when what the source does not have is removed.
type DeleteWhen uint8

// The times. During is what --delete alone means. During, Delay and After all
// delete once every transfer is done, so that the guards know the whole.
const (
	DeleteNever DeleteWhen = iota
	DeleteBefore
	DeleteDuring
	DeleteDelay
	DeleteAfter
)

// AltKind says what directories in AltDests are for.
type AltKind uint8

// The kinds: compare leaves out what is there already, copy copies it from
// there, link makes hard links, clone makes reflinks.
const (
	AltNone AltKind = iota
	AltCompare
	AltCopy
	AltLink
	AltClone
)

// IDMap turns an owner or group of the source into that of the copy. nil
// keeps it.
type IDMap func(id uint32) uint32

// Options are the choices of a synchronisation beyond those of single entries.
type Options struct {
	Rules plan.SyncRules
	// Tell, if set, is what the other end hears instead of a text with paths of this
	// one, or such a path: it uses them in messages only.
	Tell func(text string) string

	Recursive bool
	Dirs      bool // -d: directories without what is in them
	Relative  bool // -R
	// NoImpliedDirs leaves the attributes of directories that -R implies alone.
	NoImpliedDirs bool
	Links         Links
	SafeLinks     bool // links that lead out of the tree are left out
	MungeLinks    bool
	CopyDirLinks  bool // -k
	KeepDirLinks  bool // -K
	HardLinks     bool // -H
	OneFileSystem int  // number of -x: with 2 mount points are left out
	CopyDevices   bool // devices are read as files
	WriteDevices  bool
	PruneEmpty    bool // -m
	MkPath        bool
	NameDirs      bool // a single directory takes the name of a destination that isn't there, as cp has it
	OpenNoatime   bool
	FakeSuper     bool

	Filter *filter.List // nil for none

	// FilesFrom names what is transferred, below the one source; FromSet tells
	// that it is given, even if it is empty.
	FilesFrom [][]byte
	FromSet   bool

	Delete            DeleteWhen
	DeleteExcluded    bool
	DeleteMissingArgs bool
	IgnoreMissingArgs bool
	IgnoreErrors      bool
	Force             bool // a directory that is in the way goes with what is in it
	MaxDelete         int  // -1 for no limit
	AllowMassDelete   bool // the guards are off
	RemoveSource      bool
	DetectRenames     bool

	AltKind  AltKind
	AltDests []string

	Backup    bool
	BackupDir string
	Suffix    string // "~", or "" with BackupDir

	InPlace      bool
	Append       bool
	AppendVerify bool
	Partial      bool
	PartialDir   string
	DelayUpdates bool
	TempDir      string
	Preallocate  bool
	WholeFile    bool // default of a local run
	WholeGiven   bool // -W: large files are not compared with what they replace either
	Resume       bool
	// Fuzzy compares a large new file that comes from elsewhere with a similar one.
	Fuzzy bool

	Chmod      func(mode uint32, dir bool) uint32 // nil for none
	ChownUID   IDMap
	ChownGID   IDMap
	Umask      uint32
	StopAt     time.Time // zero for never
	DryRun     bool
	ListOnly   bool
	Jobs       int
	Itemize    bool // events for every change of attributes
	ItemizeAll bool // -ii: events for what is up to date too

	// NotLocal, if set, is called when a file system is met that may take long
	// to answer.
	NotLocal func()

	// Approve, if set, is asked before anything is done to an entry: src is
	// the state of the source, nil for a deletion, and old of what stands at the
	// destination, nil for nothing. What it denies is left alone; a reason is
	// reported as a failure. It is called from many goroutines at once.
	Approve func(path string, src, old *platform.Stat) (ok bool, reason string)

	// OnPanic, if set, hears of a panic in the work; the run is to be cancelled
	// then. Without it the process ends.
	OnPanic func(value any)

	Memory Memory         // of mount points; nil for none
	Copier copier.Options // Preserve is set from Rules
	UID    uint32
}

// Event is one line of -i: what happens to one entry. It is valid during the
// call only.
type Event struct {
	Name   string // below the destination, without a slash at the end
	Mode   uint32 // of the source, or for a deletion of what goes
	Flags  plan.Flags
	Link   string // target of a symbolic link (FlagHardLink not set, or FlagAlternate), or the entry linked to
	Size   int64
	Mtime  platform.Time
	UID    uint32
	GID    uint32
	Result *copier.Result // of FlagTransfer in a run that writes
	Src    *platform.Stat // as it was looked at; nil for a deletion
	Old    *platform.Stat // what stood at the destination; nil for nothing
}

// Stats are the totals that --stats prints, by type where rsync does so.
type Stats struct {
	Files, Regular, Dirs, Links, Devices, Specials                              int64 // of the source
	Created, CreatedRegular, CreatedDirs, CreatedLinks, CreatedDev, CreatedSpec int64
	Deleted, DeletedRegular, DeletedDirs, DeletedLinks, DeletedDev, DeletedSpec int64
	Transferred                                                                 int64 // regular files
	TotalSize                                                                   int64 // bytes of all files of the source
	TransferredSize                                                             int64 // bytes of those transferred
	Literal, Matched                                                            int64 // bytes copied, and bytes shared or found in a basis
}
