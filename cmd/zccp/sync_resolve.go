package main

import (
	"path"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
)

// resolve finishes the configuration: what options imply, then every conflict,
// in the words of rsync where it has them.
func (f *syncFolder) resolve(operands []string) error {
	m := &f.cfg.Mirror
	m.UID = platform.EffectiveUID()
	m.Umask = platform.Umask()
	if m.Jobs == 0 {
		m.Jobs = jobs(&copyConfig{})
	}
	operands = localOperands(operands, false)
	if err := f.resolveRoute(operands); err != nil {
		return err
	}
	f.resolvePaths()
	if err := f.resolveOptions(); err != nil {
		return err
	}
	if err := f.resolveOperands(operands); err != nil {
		return err
	}
	f.resolveOutput()
	if f.remote {
		if err := f.checkRemote(); err != nil {
			return err
		}
		f.cfg.Words = f.jobWords(f.cfg.Route.Push)
	}
	return nil
}

// resolvePaths takes the paths of the receiver's options as those of this
// machine, if it is the receiver.
func (f *syncFolder) resolvePaths() {
	if !f.receives {
		return
	}
	m := &f.cfg.Mirror
	for _, path := range []*string{&m.BackupDir, &m.PartialDir, &m.TempDir} {
		*path = platform.SlashPath(*path)
	}
	for i := range m.AltDests {
		m.AltDests[i] = platform.SlashPath(m.AltDests[i])
	}
}

// resolveOptions settles what does not depend on the operands.
func (f *syncFolder) resolveOptions() error {
	f.resolveSelection()
	for _, step := range []func() error{
		f.resolveDelete, f.resolveWrite, f.resolveBackup, f.resolveAttributes,
		f.resolveFilters, f.resolveFilesFrom,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return checkSharing(f.cfg.Mirror.Copier)
}

// resolveRoute finds out whether an end is on another machine.
func (f *syncFolder) resolveRoute(operands []string) (err error) {
	c := &f.cfg
	sources, dest := operands, ""
	if last := len(operands) - 1; last > 0 && len(c.Remote.Destinations) == 0 {
		sources, dest = operands[:last], operands[last]
	}
	if c.Route, err = routeOperands(sources, dest, c.Remote.Destinations); err != nil {
		return err
	}
	f.remote = c.Route != nil
	f.receives = !f.remote || !c.Route.Push
	if !f.remote && c.Remote.Given != "" {
		return unsupported(c.Remote.Given+" between paths of one machine", "nothing is connected")
	}
	return nil
}

// resolveSelection settles what -a, --files-from, -d and the links mean together.
func (f *syncFolder) resolveSelection() {
	m, r := &f.cfg.Mirror, f.rules
	if f.filesFromSet {
		m.Recursive = f.recursive
		f.dirs, f.relative = orElse(f.dirs, on), orElse(f.relative, on)
	}
	m.Dirs = !m.Recursive && f.dirs == on
	m.Relative = f.relative == on
	m.NoImpliedDirs = !f.implied
	switch {
	case f.copyLinks:
		m.Links = mirror.LinksFollow
	case f.copyUnsafe:
		m.Links = mirror.LinksCopyUnsafe
	case r.Links:
		m.Links = mirror.LinksKeep
	}
	if f.dropD {
		r.Devices, r.Specials = false, false
	}
	r.Root = m.UID == 0 && f.super != off || f.super == on || m.FakeSuper
}

// orElse returns t, or what holds if the option was not given.
func orElse(t, otherwise tristate) tristate {
	if t == unset {
		return otherwise
	}
	return t
}

func (f *syncFolder) resolveDelete() error {
	m := &f.cfg.Mirror
	switch {
	case len(f.deleteWhen) > 1:
		return usagef("You may not combine multiple --delete-WHEN options.")
	case len(f.deleteWhen) == 1:
		m.Delete = f.deleteWhen[0]
	case f.delete || m.DeleteExcluded:
		m.Delete = mirror.DeleteDuring
	}
	if m.Delete != mirror.DeleteNever && !m.Recursive && !m.Dirs {
		return usagef("--delete does not work without --recursive (-r) or --dirs (-d).")
	}
	if m.DetectRenames && m.Delete == mirror.DeleteBefore {
		return usagef("--detect-renames cannot be used with --delete-before")
	}
	m.IgnoreMissingArgs = m.IgnoreMissingArgs && !m.DeleteMissingArgs
	return nil
}

func (f *syncFolder) resolveWrite() error {
	m := &f.cfg.Mirror
	m.WholeFile = f.wholeFile == on || f.wholeFile == unset && !f.remote
	m.WholeGiven = f.wholeFile == on
	if f.blockSize && !m.WholeFile {
		return unsupported("--block-size with --no-whole-file", "blocks are those of the file system")
	}
	if m.Append && f.wholeFile == on {
		return usagef("--append cannot be used with --whole-file")
	}
	m.InPlace = f.inplace || m.Append || m.WriteDevices
	if m.InPlace {
		option := "inplace"
		if m.Append {
			option = "append"
		}
		switch {
		case m.DelayUpdates:
			return usagef("--%s cannot be used with --delay-updates", option)
		case m.PartialDir != "":
			return usagef("--%s cannot be used with --partial-dir", option)
		}
		return nil
	}
	switch {
	case m.PartialDir != "":
	case m.DelayUpdates:
		m.PartialDir = ".~tmp~" // rsync's name for it
	case m.Partial:
		m.PartialDir, f.envPartialDir = f.e.getenv("RSYNC_PARTIAL_DIR"), true
	}
	if m.PartialDir != "" {
		m.Partial = true
		if m.PartialDir = path.Clean(m.PartialDir); m.PartialDir == "." {
			m.PartialDir = ""
		}
	}
	return nil
}

func (f *syncFolder) resolveBackup() error {
	m := &f.cfg.Mirror
	if strings.Contains(m.Suffix, "/") {
		return usagef("--suffix cannot contain slashes: %s", printableText(m.Suffix))
	}
	if !f.suffixSet && !f.backupDirSet {
		m.Suffix = "~"
	}
	if m.Suffix == "" && m.BackupDir == "" {
		if f.backupDirSet {
			return usagef("--suffix cannot be empty when --backup-dir is the same as the dest dir")
		}
		return usagef("--suffix cannot be empty without a --backup-dir")
	}
	if m.Backup && m.BackupDir == "" {
		f.rules.OmitDirTimes = true // a backup changes the time of its directory
	}
	return nil
}

// checkOwners refuses what was asked for by name and files of this system can't
// have. What a copy to another machine asks for along with the rest is left out,
// as on one machine.
func (f *syncFolder) checkOwners() error {
	if platform.HasOwners {
		return nil
	}
	for _, x := range []struct {
		set    bool
		option string
	}{
		{f.rules.ACLs, "--acls"},
		{f.rules.Xattrs, "--xattrs"},
		{f.cfg.Mirror.FakeSuper, "--fake-super"},
		{f.receives && f.ownerOption != [2]string{}, "an owner by --chown, --usermap or --groupmap"},
	} {
		if x.set {
			return unsupported(x.option+" on this system", "its files have no such owners and attributes")
		}
	}
	return nil
}

// resolveAttributes settles modes and owners.
func (f *syncFolder) resolveAttributes() (err error) {
	m := &f.cfg.Mirror
	if m.FakeSuper && f.rules.ACLs {
		return unsupported("--fake-super with --acls", "it keeps no ACLs")
	}
	if f.chmod != nil {
		if m.Chmod, err = parseChmod(f.chmod, m.Umask); err != nil {
			return err
		}
	}
	if !f.receives {
		return nil // names are those of the machine that has the destination
	}
	if option := f.ownerOption[0]; option != "" {
		if m.ChownUID, err = parseIDMap(option, f.ownerMap[0], userNames(), f.numericIDs); err != nil {
			return err
		}
	}
	if option := f.ownerOption[1]; option != "" {
		m.ChownGID, err = parseIDMap(option, f.ownerMap[1], groupNames(), f.numericIDs)
	}
	return err
}

// resolveOperands tells sources from the destination.
func (f *syncFolder) resolveOperands(operands []string) error {
	c := &f.cfg
	if len(operands) == 0 {
		return &usageError{text: "missing SRC", tryHelp: true}
	}
	for _, operand := range operands {
		if operand == "" {
			return usagef("an operand is empty; write . for the current directory")
		}
	}
	list := f.listOnly
	switch last := len(operands) - 1; {
	case f.remote && c.Route.Push:
		c.Sources = c.Route.Local
	case f.remote:
		c.Sources = nil
		for _, p := range c.Route.Places {
			c.Sources = append(c.Sources, p.Path)
		}
		if len(c.Route.Local) > 0 {
			c.Dest = c.Route.Local[0]
		}
		list = list || c.Dest == ""
	case last > 0:
		c.Sources, c.Dest = operands[:last], operands[last]
	default:
		c.Sources = operands
		list = true
	}
	if f.filesFromSet && len(c.Sources) > 1 {
		return usagef("--files-from takes one SRC: its names are below it")
	}
	if list {
		f.resolveListing()
	}
	return nil
}

// resolveListing settles what a run means that only lists its sources.
func (f *syncFolder) resolveListing() {
	c := &f.cfg
	c.Mirror.ListOnly, c.Mirror.DryRun = true, true
	c.Output.Targets = f.rules.Links
	// A listing leaves nothing out and shows modes as they are.
	f.rules.Links, f.rules.Devices, f.rules.Specials, f.rules.Perms = true, true, true, true
	if c.Mirror.Links == mirror.LinksSkip {
		c.Mirror.Links = mirror.LinksKeep
	}
	c.Mirror.Dirs = c.Mirror.Dirs || !c.Mirror.Recursive && f.dirs == unset
}

// resolveOutput settles what is said of each entry.
func (f *syncFolder) resolveOutput() {
	o := &f.cfg.Output
	levels := infoOf(f.verbose)
	if f.stats {
		levels[infoStats] = 2
		if f.verbose > 1 {
			levels[infoStats] = 3
		}
	}
	if f.progress {
		levels[infoFlist], levels[infoProgress] = 2, 1
	}
	if f.progress || f.formatSet || f.itemize > 0 {
		levels[infoName] = max(levels[infoName], 1)
	}
	o.Info = f.info.over(levels)
	switch {
	case f.formatSet:
		o.Format = f.format
		if hasEscape(o.Format, 'i') {
			o.Items = max(1, f.itemize)
		}
	case f.itemize > 0:
		o.Format, o.Items = "%i %n%L", f.itemize
	case o.Info[infoName] > 0:
		o.Format = "%n%L"
	}
	o.HasOp = o.Items > 0 || hasEscape(o.Format, 'o')
	if o.LogFile != "" {
		o.LogFormat = "%i %n%L"
		if f.logFmtSet {
			o.LogFormat = f.logFormat
		}
	}
	m := &f.cfg.Mirror
	m.Itemize = o.Format != "" || o.LogFormat != "" || o.Info[infoDel] > 0 || o.Explain || o.JSON || m.ListOnly
	m.ItemizeAll = o.Items > 1 || o.Info[infoName] > 1
}
