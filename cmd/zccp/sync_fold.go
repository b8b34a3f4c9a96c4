package main

import (
	"strings"
	"time"

	"github.com/zccp/zccp/copier"
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

	verbose, itemize     int
	info                 infoChoice
	stats, progress      bool
	format, logFormat    string
	formatSet, logFmtSet bool
}

func newSyncFolder(e *env) *syncFolder {
	f := &syncFolder{e: e, implied: true, info: newInfoChoice()}
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
	name, negated := strings.CutPrefix(s.Option, "no-")
	for _, o := range syncOptions() {
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
			if name != "auto" && name != "xxh128" {
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
	case "fuzzy":
		m.Fuzzy++
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

// foldLinks is fold for symbolic links and special files.
func (f *syncFolder) foldLinks(s setting) (known bool, err error) {
	m, r := &f.cfg.Mirror, f.rules
	switch s.Option {
	case "links":
		r.Links = true
	case "copy-links":
		f.copyLinks = true
	case "copy-unsafe-links":
		f.copyUnsafe = true
	case "safe-links":
		m.SafeLinks = true
	case "munge-links":
		m.MungeLinks = true
	case "copy-dirlinks":
		m.CopyDirLinks = true
	case "keep-dirlinks":
		m.KeepDirLinks = true
	case "D":
		r.Devices, r.Specials = true, true
	case "devices":
		r.Devices = true
	case "specials":
		r.Specials = true
	case "drop-D":
		f.dropD = true
	case "copy-devices":
		m.CopyDevices = true
	case "write-devices":
		m.WriteDevices = true
	default:
		return false, nil
	}
	return true, nil
}

// foldKeep is fold for attributes.
func (f *syncFolder) foldKeep(s setting) (known bool, err error) {
	m, r := &f.cfg.Mirror, f.rules
	switch s.Option {
	case "perms":
		r.Perms = true
	case "executability":
		r.Executability = true
	case "chmod":
		f.chmod = append(f.chmod, s.Value)
	case "acls":
		r.ACLs, r.Perms = true, true
	case "xattrs":
		r.Xattrs = true
	case "owner":
		r.Owner = true
	case "group":
		r.Group = true
	case "numeric-ids":
		f.numericIDs = true
	case "usermap":
		err = f.mapOwner(0, s.Option, s.Value)
	case "groupmap":
		err = f.mapOwner(1, s.Option, s.Value)
	case "chown":
		user, group, _ := strings.Cut(s.Value, ":")
		if user != "" {
			err = f.mapOwner(0, s.Option, "*:"+user)
		}
		if group != "" && err == nil {
			err = f.mapOwner(1, s.Option, "*:"+group)
		}
	case "hard-links":
		m.HardLinks = true
	case "times":
		r.Times = true
	case "omit-dir-times":
		r.OmitDirTimes = true
	case "omit-link-times":
		r.OmitLinkTimes = true
	case "atimes":
		r.Atimes = true
	case "open-noatime":
		m.OpenNoatime = true
	case "super":
		f.super = on
	case "fake-super":
		m.FakeSuper = true
	default:
		return false, nil
	}
	return true, err
}

// mapOwner notes a mapping of users (0) or groups (1), which implies -o or -g.
func (f *syncFolder) mapOwner(which int, option, value string) error {
	names := [2]string{"usermap", "groupmap"}
	if before := f.ownerOption[which]; before != "" {
		if before != option {
			return usagef("--%s conflicts with prior --%s.", names[which], before)
		}
		return usagef("You can only specify --%s once.", option)
	}
	f.ownerOption[which], f.ownerMap[which] = option, value
	if which == 0 {
		f.rules.Owner = true
	} else {
		f.rules.Group = true
	}
	return nil
}

// foldDelete is fold for deletions.
func (f *syncFolder) foldDelete(s setting) (known bool, err error) {
	m := &f.cfg.Mirror
	when := mirror.DeleteNever
	switch s.Option {
	case "delete":
		f.delete = true
	case "delete-before":
		when = mirror.DeleteBefore
	case "delete-during":
		when = mirror.DeleteDuring
	case "delete-delay":
		when = mirror.DeleteDelay
	case "delete-after":
		when = mirror.DeleteAfter
	case "delete-excluded":
		m.DeleteExcluded = true
	case "delete-missing-args":
		m.DeleteMissingArgs = true
	case "ignore-missing-args":
		m.IgnoreMissingArgs = true
	case "ignore-errors":
		m.IgnoreErrors = true
	case "force":
		m.Force = true
	case "max-delete":
		m.MaxDelete, err = parseSyncInt(s.Option, s.Value)
		m.MaxDelete = max(0, m.MaxDelete) // what is below 0 means 0, too
	case "remove-source-files":
		m.RemoveSource = true
	case "allow-mass-delete":
		m.AllowMassDelete = true
	case "detect-renames":
		m.DetectRenames = true
	default:
		return false, nil
	}
	if when != mirror.DeleteNever {
		f.addDelete(when)
	}
	return true, err
}

func (f *syncFolder) addDelete(when mirror.DeleteWhen) {
	// During and delay are one choice to rsync, of which the later counts.
	late := func(w mirror.DeleteWhen) bool { return w == mirror.DeleteDuring || w == mirror.DeleteDelay }
	for i, w := range f.deleteWhen {
		if w == when || late(w) && late(when) {
			f.deleteWhen[i] = when
			return
		}
	}
	f.deleteWhen = append(f.deleteWhen, when)
}

// foldWrite is fold for how files are written.
func (f *syncFolder) foldWrite(s setting) (known bool, err error) {
	c, m := &f.cfg, &f.cfg.Mirror
	switch s.Option {
	case "backup":
		m.Backup = true
	case "backup-dir":
		m.Backup, m.BackupDir, f.backupDirSet = true, s.Value, true
	case "suffix":
		m.Suffix, f.suffixSet = s.Value, true
	case "inplace":
		f.inplace = true
	case "append":
		m.Append = true
	case "append-verify":
		m.Append, m.AppendVerify = true, true
	case "whole-file":
		f.wholeFile = on
	case "block-size":
		var n int64
		if n, err = parseSyncSize(s.Option, s.Value, 1); err == nil && n > 128<<10 {
			err = usagef("--block-size=%s is too large (max: 128.00K)", printableText(s.Value))
		}
		f.blockSize = n > 0
	case "sparse":
		m.Copier.Sparse = copier.Always
	case "preallocate":
		m.Preallocate = true
	case "partial":
		m.Partial = true
	case "partial-dir":
		m.Partial, m.PartialDir = true, s.Value
	case "delay-updates":
		m.DelayUpdates = true
	case "temp-dir":
		m.TempDir = s.Value
	case "fsync":
		m.Copier.Fsync = copier.SyncFull
	case "bwlimit":
		c.Bandwidth, err = parseSyncSize(s.Option, s.Value, 1024)
		if err == nil && c.Bandwidth > 0 && c.Bandwidth < 512 {
			err = usagef("--bwlimit=%s is too small (min: 512 or 0 for unlimited)", printableText(s.Value))
		}
	case "timeout":
		var n int
		n, err = parseSyncInt(s.Option, s.Value)
		c.Timeout = time.Duration(max(0, n)) * time.Second
	case "stop-after":
		var n int
		if n, err = parseSyncInt(s.Option, s.Value); err == nil && n <= 0 {
			err = usagef("invalid --stop-after value: %s", printableText(s.Value))
		}
		m.StopAt = time.Now().Add(time.Duration(n) * time.Minute)
	case "stop-at":
		var ok bool
		if m.StopAt, ok = parseStopAt(s.Value, time.Now()); !ok {
			err = usagef("invalid --stop-at time, or not in the future: %s", printableText(s.Value))
		}
	case "dry-run":
		m.DryRun = true
	case "resume":
		m.Resume = true
	default:
		return false, nil
	}
	return true, err
}
