package main

import (
	"time"

	"github.com/zccp/zccp/copier"
)

// copyConfig is a validated command line of copy mode: no two fields
// contradict each other, words are values, and defaults of the environment are
// filled in. Only what needs a look at the file system is left to the run:
// whether DEST is a directory, and what follows from it.
type copyConfig struct {
	Help    bool // print the help text; nothing else is set
	Version bool // print the version; nothing else is set

	Sources  []string // one or more, as typed; slashes stripped if asked for
	Dest     string   // DIRECTORY of -t, else the last operand
	DestRule destRule
	Parents  bool // --parents: DEST must be a directory

	Recursive      bool
	Dereference    dereference
	OneFileSystem  bool
	CopyContents   bool // read special files as files; always without Recursive
	AttributesOnly bool
	HardLink       bool // -l
	SymbolicLink   bool // -s; never with HardLink

	Force                bool // -f: remove what can't be opened for writing
	RemoveDestination    bool
	Interactive          bool // -i, and no -n after it
	Update               updateMode
	KeepDirectorySymlink bool
	Backup               backupMode
	Suffix               string // of simple backups; never empty, never with a slash

	Preserve       preserve
	NoPreserveMode bool // --no-preserve=mode: new files get the umask's mode, not the source's
	// A failure to keep these is a failure of the file. With -a alone it is
	// said and counted, and the exit code stays 0, as in cp.
	RequireXattr   bool
	RequireContext bool

	Reflink reflinkMode
	Sparse  sparseMode

	Verbose bool
	Debug   bool // implies Verbose
	Explain bool
	Stats   bool
	JSON    bool
	DryRun  bool

	Quiet bool // no notes on stderr

	Progress      progressMode
	StatsInterval time.Duration // between lines of progress; 0: what is usual
	FailFast      bool          // the first failure ends the run

	Jobs           int // 0: the run chooses
	Verify         verifyMode
	Fsync          fsyncMode
	Inplace        bool
	AtomicTree     bool
	BandwidthLimit int64           // bytes a second; 0: none
	Methods        []copier.Method // the only ones allowed; nil: the best for each file
	Cache          copier.CachePolicy
	Sharing        copier.Sharing

	Remote remoteOptions
	Route  *remoteRoute // nil if both ends are on this machine

	Warnings []string // what is ignored, for stderr; without "warning:"
}

// preserve is the set of attributes that a copy keeps.
type preserve struct {
	Mode       bool // permission and special bits, POSIX ACLs
	Ownership  bool
	Timestamps bool // access and modification time
	Links      bool // hard links between the files copied
	Xattr      bool
	Context    bool // the SELinux context
}

// destRule says how DEST is understood.
type destRule uint8

const (
	destAuto      destRule = iota // a directory to copy into if it is one
	destDirectory                 // -t: must be a directory
	destFile                      // -T: never a directory to copy into
)

// dereference says which symbolic links in SOURCE are followed.
type dereference uint8

const (
	dereferenceNever       dereference = iota
	dereferenceCommandLine             // only those given as SOURCE
	dereferenceAlways
)

// updateMode says which existing files are replaced.
type updateMode uint8

const (
	updateAll      updateMode = iota
	updateNone                // skip silently: --update=none and -n
	updateNoneFail            // skip, and fail
	updateOlder               // replace what is older than its source
)

// backupMode is the version control of backups.
type backupMode uint8

const (
	backupNone backupMode = iota
	backupSimple
	backupExisting // numbered if there are numbered ones, else simple
	backupNumbered
)

type reflinkMode uint8

const (
	reflinkAuto reflinkMode = iota
	reflinkAlways
	reflinkNever
)

type sparseMode uint8

const (
	sparseAuto sparseMode = iota
	sparseAlways
	sparseNever
)

type progressMode uint8

const (
	progressAuto  progressMode = iota // a bar on a terminal, else nothing
	progressBar                       // a bar on a terminal, else plain lines
	progressPlain                     // lines
	progressJSON                      // status lines of --json, which it implies
	progressNone
)

type verifyMode uint8

const (
	verifyNone verifyMode = iota
	verifyXXH3
	verifyBLAKE3
)

type fsyncMode uint8

const (
	fsyncNone fsyncMode = iota
	fsyncData
	fsyncFull
	fsyncBatch
)

// attribute is a word of a --preserve list.
type attribute uint8

const (
	attrMode attribute = iota
	attrTimestamps
	attrOwnership
	attrLinks
	attrContext
	attrXattr
	attrAll
)
