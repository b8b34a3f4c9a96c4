package main

import (
	"time"

	"github.com/zccp/zccp/sync/mirror"
)

// syncConfig is a validated command line of sync mode: nothing contradicts
// itself, files of names and rules are read, names of users are numbers.
type syncConfig struct {
	// At most one of these is set, and then nothing else is.
	Help    bool
	Version int    // 1: as text, 2: as JSON
	Listing string // "info" or "debug": print what flags there are

	Sources   []string // one or more, as typed
	Dest      string   // "" if the sources are only listed
	Mirror    mirror.Options
	Bandwidth int64         // bytes a second; 0: no limit
	Timeout   time.Duration // without progress; 0: none
	FailFast  bool          // the first failure ends the run

	Remote remoteOptions
	Route  *remoteRoute // nil if both ends are on this machine
	Words  []string     // what the other end is told

	noteLevel int // of a job of another machine: the highest that is told

	Output syncOutput
}

// syncOutput are the choices that concern the report.
type syncOutput struct {
	Info      infoLevels
	Quiet     bool
	Human     int    // 0: digits, 1: with separators, 2: units of 1000, 3: units of 1024
	EightBit  bool   // -8
	Format    string // of the line of an entry; "" for no lines
	Items     int    // 1: Format has %i, 2: and -i was given twice
	HasOp     bool   // Format has %i or %o, so deletions are told in it
	Targets   bool   // of a listing: show where symbolic links lead
	LogFile   string
	LogFormat string
	Buffer    bufferMode
	Stderr    stderrMode
	Explain   bool
	JSON      bool
}

// bufferMode says when stdout is flushed.
type bufferMode uint8

const (
	bufferDefault bufferMode = iota // once a second, on a terminal ten times
	bufferLine                      // after each line; --outbuf=None too, since lines are never parted
	bufferBlock                     // when the buffer is full
)

// stderrMode says which messages go to stderr.
type stderrMode uint8

const (
	stderrErrors stderrMode = iota
	stderrAll               // what is said besides errors too
	stderrClient            // nothing: errors go to stdout
)
