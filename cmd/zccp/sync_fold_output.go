package main

import (
	"strings"

	"github.com/zccp/zccp/copier"
)

// foldOutput is fold for what is said, and how.
func (f *syncFolder) foldOutput(s setting) (known bool, err error) {
	c, o := &f.cfg, &f.cfg.Output
	switch s.Option {
	case "verbose":
		f.verbose++
	case "info":
		var help bool
		if help, err = f.info.parse(s.Value); help {
			c.Listing = "info"
		}
	case "debug":
		var help bool
		if help, err = parseDebug(s.Value); help {
			c.Listing = "debug"
		}
	case "quiet":
		o.Quiet = true
	case "itemize-changes":
		f.itemize++
	case "out-format":
		f.format, f.formatSet = s.Value, true
	case "log-file":
		o.LogFile = s.Value
	case "log-file-format":
		f.logFormat, f.logFmtSet = s.Value, true
	case "stats":
		f.stats = true
	case "human-readable":
		o.Human = min(humanBinary, o.Human+1)
	case "progress":
		f.progress = true
	case "P":
		f.progress, c.Mirror.Partial = true, true
	case "8-bit-output":
		o.EightBit = true
	case "list-only":
		f.listOnly = true
	case "outbuf":
		o.Buffer, err = parseOutbuf(s.Value)
	case "stderr":
		o.Stderr, err = parseStderr(s.Value)
	case "msgs2stderr":
		o.Stderr = stderrAll
	case "version":
		c.Version = min(2, c.Version+1)
	case "help":
		c.Help = true
	default:
		return false, nil
	}
	return true, err
}

// parseOutbuf reads a word of which the first letter counts.
func parseOutbuf(s string) (bufferMode, error) {
	for _, k := range outbufWords() {
		if s != "" && strings.HasPrefix(k.name, strings.ToLower(s)) {
			return k.val, nil
		}
	}
	return 0, usagef("Invalid --outbuf setting -- specify N, L, or B.")
}

func parseStderr(s string) (stderrMode, error) {
	for _, k := range stderrWords() {
		if s != "" && strings.HasPrefix(k.name, s) {
			return k.val, nil
		}
	}
	return 0, usagef("--stderr mode \"%s\" is not one of errors, all, or client", printableText(s))
}

// foldOwn is fold for the options that rsync does not have, and whose words are
// those of copy mode.
func (f *syncFolder) foldOwn(s setting) (known bool, err error) {
	m := &f.cfg.Mirror
	switch s.Option {
	case "jobs":
		m.Jobs, err = parseJobs(s.Value)
	case "reflink", "method", "cache", "verify", "preserve-sharing":
		err = f.foldCopier(s)
	case "explain":
		f.cfg.Output.Explain = true
	case "fail-fast":
		f.cfg.FailFast = true
	case "json":
		f.cfg.Output.JSON = true
	default:
		return false, nil
	}
	return true, err
}

// foldCopier lets copy mode read an option that both have.
func (f *syncFolder) foldCopier(s setting) error {
	cp := folder{}
	if err := cp.fold(s); err != nil {
		return err
	}
	from, to := copierOptions(&cp.cfg, f.cfg.Mirror.UID), &f.cfg.Mirror.Copier
	switch s.Option {
	case "reflink":
		to.Reflink = from.Reflink
	case "method":
		to.Methods = from.Methods
	case "cache":
		to.Cache = from.Cache
	case "verify":
		to.Verify = from.Verify
	case "preserve-sharing":
		to.PreserveSharing = from.PreserveSharing
	}
	return nil
}

// foldOff is fold for --no-NAME.
func (f *syncFolder) foldOff(name string) error {
	m, r, o := &f.cfg.Mirror, f.rules, &f.cfg.Output
	if flag := map[string]*bool{
		"prune-empty-dirs": &m.PruneEmpty, "from0": &f.from0, "mkpath": &m.MkPath,
		"links": &r.Links, "munge-links": &m.MungeLinks, "checksum": &r.Checksum,
		"ignore-errors": &m.IgnoreErrors, "force": &m.Force,
		"perms": &r.Perms, "acls": &r.ACLs, "xattrs": &r.Xattrs, "owner": &r.Owner, "group": &r.Group,
		"numeric-ids": &f.numericIDs, "hard-links": &m.HardLinks, "devices": &r.Devices, "specials": &r.Specials,
		"drop-D": &f.dropD, "write-devices": &m.WriteDevices, "times": &r.Times, "omit-dir-times": &r.OmitDirTimes,
		"omit-link-times": &r.OmitLinkTimes, "atimes": &r.Atimes, "open-noatime": &m.OpenNoatime,
		"backup": &m.Backup, "inplace": &f.inplace, "fuzzy": &m.Fuzzy, "partial": &m.Partial, "delay-updates": &m.DelayUpdates,
		"progress": &f.progress, "8-bit-output": &o.EightBit, "implied-dirs": &f.implied,
	}[name]; flag != nil {
		*flag = false
		return nil
	}
	switch name {
	case "recursive":
		m.Recursive, f.recursive = false, false
	case "dirs":
		f.dirs = off
	case "relative":
		f.relative = off
	case "one-file-system":
		m.OneFileSystem = 0
	case "D":
		r.Devices, r.Specials = false, false
	case "super":
		f.super, m.FakeSuper = off, false
	case "append":
		m.Append, m.AppendVerify = false, false
	case "whole-file":
		f.wholeFile = off
	case "sparse":
		m.Copier.Sparse = copier.Auto
	case "bwlimit":
		f.cfg.Bandwidth = 0
	case "timeout":
		f.cfg.Timeout = 0
	case "verbose":
		f.verbose = 0
	case "itemize-changes":
		f.itemize = 0
	case "human-readable":
		o.Human = humanDigits
	case "msgs2stderr":
		o.Stderr = stderrClient
	default:
		panic("option no-" + name + " is declared but has no meaning")
	}
	return nil
}
