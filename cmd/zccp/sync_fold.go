package main

import (
	"slices"
	"strings"

	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/plan"
)

// parseSync reads the arguments of sync mode, without the program's name and
// the word sync. Its errors are usageErrors and syncErrors.
func parseSync(e *env, argv []string) (*syncConfig, error) {
	if len(argv) == 1 && argv[0] == "-h" {
		return &syncConfig{Help: true}, nil
	}
	line, parseErr := syncTable().normalise(argv, e.getenv("POSIXLY_CORRECT") != "")
	f := newSyncFolder(e)
	for _, s := range line.Settings {
		if err := f.fold(s); err != nil {
			return nil, err
		}
		if f.cfg.Help {
			return &syncConfig{Help: true}, nil
		}
	}
	if parseErr != nil {
		return nil, parseErr
	}
	switch {
	case f.cfg.Version > 0:
		return &syncConfig{Version: f.cfg.Version}, nil
	case f.cfg.Listing != "":
		return &syncConfig{Listing: f.cfg.Listing}, nil
	}
	if err := f.resolve(line.Operands); err != nil {
		return nil, err
	}
	if err := f.checkOwners(); err != nil {
		return nil, err
	}
	return &f.cfg, nil
}

// tristate is an option that was not given, or switched off or on.
type tristate int8

const (
	unset tristate = iota
	off
	on
)

// syncFolder folds settings into a configuration, left to right. The fields
// beside cfg are what cannot be judged before the last setting was seen.
type syncFolder struct {
	e     *env
	cfg   syncConfig
	rules *plan.SyncRules
	table []syncOption // a peer's words are many, and making it takes a while

	recursive      bool // by -r itself, which --files-from does not undo
	dirs, relative tristate
	implied        bool
	super          tristate
	dropD          bool
	copyLinks      bool
	copyUnsafe     bool
	wholeFile      tristate
	blockSize      bool
	delete         bool
	deleteWhen     []mirror.DeleteWhen // each one given, once
	inplace        bool
	backupDirSet   bool
	suffixSet      bool
	filesFrom      string
	filesFromSet   bool
	from0          bool
	filters        []filterSetting // in order
	chmod          []string
	ownerOption    [2]string // which of --usermap, --groupmap, --chown was given
	ownerMap       [2]string // its value
	numericIDs     bool
	altOption      string
	listOnly       bool

	settings      []setting   // all that were folded
	remote        bool        // an end is on another machine
	receives      bool        // this end has the destination
	peer          *peerPolicy // what a peer may ask for, if that is where the settings come from
	envPartialDir bool        // the partial directory is that of the environment
	nulRules      bool        // rules in files of the tree end with a zero byte
	rulesSpelled  []string    // the filter, for another machine

	verbose, itemize     int
	info                 infoChoice
	stats, progress      bool
	format, logFormat    string
	formatSet, logFmtSet bool
}

func newSyncFolder(e *env) *syncFolder {
	f := &syncFolder{e: e, table: syncOptions(), implied: true, receives: true, info: newInfoChoice()}
	m := &f.cfg.Mirror
	f.rules = &m.Rules
	m.Rules.MaxSize, m.Rules.MinSize = -1, -1
	m.MaxDelete = -1
	f.cfg.Output.Human = humanSeparated
	return f
}

// fold gives one setting its meaning: first what rsync's local copies ignore and
// what is refused, then by kind.
func (f *syncFolder) fold(s setting) error {
	f.settings = append(f.settings, s)
	if known, err := f.cfg.Remote.fold(s); known {
		return err
	}
	name, negated := strings.CutPrefix(s.Option, "no-")
	for _, o := range f.table {
		if o.canonical() != name && !(negated && len(o.off) > 0 && o.off[0] == name) {
			continue
		}
		switch {
		case o.never != "" && negated: // what is off already
			return nil
		case o.never != "":
			return unsupported(spelling(name), o.never)
		case o.idle != "":
			return f.foldIdle(name, s.Value, negated)
		}
		break
	}
	if negated {
		return f.foldOff(name)
	}
	known, err := f.foldSelection(s)
	for _, fold := range []func(setting) (bool, error){f.foldLinks, f.foldKeep, f.foldDelete, f.foldWrite, f.foldOutput, f.foldOwn} {
		if !known && err == nil {
			known, err = fold(s)
		}
	}
	if !known && err == nil {
		panic("option " + s.Option + " is declared but has no meaning")
	}
	return err
}

// spelling writes an option as one would on a command line.
func spelling(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// foldIdle checks the values of options without effect where a value could have one.
func (f *syncFolder) foldIdle(name, value string, negated bool) error {
	if name == "iconv" && !negated && value != "-" {
		return unsupported("--iconv="+printableText(value), "names are not converted")
	}
	return nil
}

// foldSelection is fold for what is transferred.
func (f *syncFolder) foldSelection(s setting) (known bool, err error) {
	m, r := &f.cfg.Mirror, f.rules
	switch s.Option {
	case "archive":
		m.Recursive = true
		r.Links, r.Perms, r.Times, r.Group, r.Owner = true, true, true, true, true
		r.Devices, r.Specials = true, true
	case "recursive":
		m.Recursive, f.recursive = true, true
	case "dirs":
		f.dirs = on
	case "relative":
		f.relative = on
	case "implied-dirs":
		f.implied = true
	case "one-file-system":
		m.OneFileSystem++
	case "prune-empty-dirs":
		m.PruneEmpty = true
	case "files-from":
		f.filesFrom, f.filesFromSet = s.Value, true
	case "from0":
		f.from0 = true
	case "max-size":
		r.MaxSize, err = parseSyncSize(s.Option, s.Value, 1)
	case "min-size":
		r.MinSize, err = parseSyncSize(s.Option, s.Value, 1)
	case "mkpath":
		m.MkPath = true
	case "filter", "F", "exclude", "exclude-from", "include", "include-from", "cvs-exclude", "gitignore":
		f.filters = append(f.filters, filterSetting{s, f.from0})
	case "checksum":
		r.Checksum = true
	case "checksum-choice":
		for name := range strings.SplitSeq(s.Value, ",") {
			if !slices.Contains(checksumWords(), name) {
				err = unsupported("--checksum-choice="+printableText(s.Value), "contents are compared by xxh128")
			}
		}
	case "ignore-times":
		r.IgnoreTimes = true
	case "size-only":
		r.SizeOnly = true
	case "modify-window":
		var n int
		n, err = parseSyncInt(s.Option, s.Value)
		r.ModifyWindow = int64(n)
	case "update":
		r.Update = true
	case "existing":
		r.Existing = true
	case "ignore-existing":
		r.IgnoreExisting = true
	case "compare-dest":
		err = f.addAltDest(s, mirror.AltCompare)
	case "copy-dest":
		err = f.addAltDest(s, mirror.AltCopy)
	case "link-dest":
		err = f.addAltDest(s, mirror.AltLink)
	case "reflink-dest":
		err = f.addAltDest(s, mirror.AltClone)
	default:
		return false, nil
	}
	return true, err
}

// addAltDest adds a directory of the --link-dest family, of which only one kind
// can be given.
func (f *syncFolder) addAltDest(s setting, kind mirror.AltKind) error {
	m := &f.cfg.Mirror
	if m.AltKind != mirror.AltNone && m.AltKind != kind {
		return usagef("the --%s option conflicts with the --%s option", s.Option, f.altOption)
	}
	m.AltKind, f.altOption = kind, s.Option
	m.AltDests = append(m.AltDests, s.Value)
	return nil
}
