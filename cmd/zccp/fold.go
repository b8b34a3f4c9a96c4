package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zccp/zccp/copier"
	"github.com/zccp/zccp/sync/apply"
)

// parseCopy reads the arguments of copy mode, without the program's name. Its
// errors are usageErrors.
func parseCopy(e *env, argv []string) (*copyConfig, error) {
	line, parseErr := newOptionTable(copyFlags()).normalise(argv, e.getenv("POSIXLY_CORRECT") != "")
	f := folder{selinux: e.selinux}
	for _, s := range line.Settings {
		if err := f.fold(s); err != nil {
			return nil, err
		}
		// As in cp, nothing after them counts, not even a mistake.
		if f.cfg.Help || f.cfg.Version {
			return &copyConfig{Help: f.cfg.Help, Version: f.cfg.Version}, nil
		}
	}
	if parseErr != nil {
		return nil, parseErr
	}
	if err := f.resolve(e, line.Operands); err != nil {
		return nil, err
	}
	return &f.cfg, nil
}

// folder folds settings into a configuration, left to right: of options that
// exclude each other the later one wins where cp says so. The other fields are
// what cannot be judged before the last setting was seen.
type folder struct {
	cfg     copyConfig
	selinux bool

	dereferenceSet bool   // one of -H -L -P -a -d was given
	copyContents   bool   // --copy-contents
	stripSlashes   bool   // --strip-trailing-slashes
	targetSet      bool   // -t
	noTarget       bool   // -T
	clobber        answer // last of -i and -n
	backup         bool
	control        string // value of --backup
	suffix         string
	context        bool // -Z or --context
	sharingSet     bool // --preserve-sharing, which -a does not change
}

type answer uint8

const (
	clobberUnset answer = iota
	clobberAsk
	clobberNever
)

// fold gives one setting its meaning. Semantics and order are those of the
// option loop in coreutils' cp.c.
func (f *folder) fold(s setting) (err error) {
	c := &f.cfg
	switch s.Option {
	case "archive":
		c.Recursive = true
		f.setDereference(dereferenceNever)
		f.preserve(attrAll, true)
		if !f.sharingSet {
			c.Sharing = copier.AutoSharing
		}
	case "recursive":
		c.Recursive = true
	case "one-file-system":
		c.OneFileSystem = true
	case "no-dereference":
		f.setDereference(dereferenceNever)
	case "dereference":
		f.setDereference(dereferenceAlways)
	case "H":
		f.setDereference(dereferenceCommandLine)
	case "d":
		f.setDereference(dereferenceNever)
		c.Preserve.Links = true
	case "link":
		c.HardLink = true
	case "symbolic-link":
		c.SymbolicLink = true
	case "attributes-only":
		c.AttributesOnly = true
	case "copy-contents":
		f.copyContents = true
	case "parents":
		c.Parents = true
	case "strip-trailing-slashes":
		f.stripSlashes = true

	case "target-directory":
		if f.targetSet {
			return refusef("", "multiple target directories specified")
		}
		f.targetSet, c.Dest = true, s.Value
	case "no-target-directory":
		f.noTarget = true
	case "force":
		c.Force = true
	case "interactive":
		f.clobber = clobberAsk
	case "no-clobber":
		f.clobber = clobberNever
	case "update":
		c.Update = updateOlder
		if s.Given {
			c.Update, err = findKeyword("--update", s.Value, updateWords())
		}
	case "remove-destination":
		c.RemoveDestination = true
	case "keep-directory-symlink":
		c.KeepDirectorySymlink = true
	case "backup":
		f.backup = true
		if s.Given {
			f.control = s.Value
		}
	case "b":
		f.backup = true
	case "suffix":
		f.backup, f.suffix = true, s.Value

	case "p":
		f.preserveDefault()
	case "preserve":
		if !s.Given {
			f.preserveDefault()
			break
		}
		err = f.preserveList("--preserve", s.Value, true)
	case "no-preserve":
		err = f.preserveList("--no-preserve", s.Value, false)
	case "Z":
		f.context = true
	case "context":
		f.context = true
		if s.Given && !f.selinux {
			c.Warnings = append(c.Warnings, "ignoring --context; it requires an SELinux-enabled kernel")
		}

	case "reflink":
		c.Reflink = reflinkAlways
		if s.Given {
			c.Reflink, err = findKeyword("--reflink", s.Value, reflinkWords())
		}
	case "sparse":
		c.Sparse, err = findKeyword("--sparse", s.Value, sparseWords())

	case "verbose":
		c.Verbose, c.Quiet = true, false
	case "debug":
		c.Debug, c.Verbose = true, true
	case "help":
		c.Help = true
	case "version":
		c.Version = true
	default:
		return f.foldExtra(s)
	}
	return err
}

// foldExtra is fold for the options that cp does not have.
func (f *folder) foldExtra(s setting) (err error) {
	c := &f.cfg
	switch s.Option {
	case "jobs":
		c.Jobs, err = parseJobs(s.Value)
	case "progress":
		c.Progress = progressBar
		if s.Given {
			c.Progress, err = findKeyword("--progress", s.Value, progressWords())
		}
	case "stats-interval":
		c.StatsInterval, err = parseInterval(s.Value)
	case "quiet":
		c.Quiet, c.Verbose, c.Debug, c.Progress = true, false, false, progressNone
	case "fail-fast":
		c.FailFast = true
	case "explain":
		c.Explain = true
	case "stats":
		c.Stats = true
	case "json":
		c.JSON = true
	case "dry-run":
		c.DryRun = true
	case "verify":
		c.Verify = verifyXXH3
		if s.Given {
			c.Verify, err = findKeyword("--verify", s.Value, verifyWords())
		}
	case "fsync":
		c.Fsync = fsyncFull
		if s.Given {
			c.Fsync, err = findKeyword("--fsync", s.Value, fsyncWords())
		}
	case "inplace":
		c.Inplace = true
	case "atomic":
		c.AtomicTree, err = findKeyword("--atomic", s.Value, atomicWords())
	case "method":
		c.Methods, err = parseMethods(s.Value)
	case "cache":
		c.Cache, err = findKeyword("--cache", s.Value, cacheWords())
	case "preserve-sharing":
		f.sharingSet = true
		c.Sharing, err = parseSharing(s)
	case "bwlimit":
		c.BandwidthLimit, err = parseSize(s.Value, 1024)
		if err != nil {
			err = usagef("invalid --bwlimit %s: %v", apply.Quote(s.Value), err)
		}
	default:
		return f.foldRemote(s)
	}
	return err
}

// parseInterval reads the value of --stats-interval.
func parseInterval(value string) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds >= tickInterval.Seconds() && seconds <= 1e6) {
		return 0, usagef("invalid --stats-interval %s: a number of seconds, 0.1 at least", apply.Quote(value))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// foldRemote is fold for the options of a connection.
func (f *folder) foldRemote(s setting) (err error) {
	r := &f.cfg.Remote
	switch {
	case s.Option == "path" && !s.Given:
		f.cfg.Parents = true
		return nil
	case s.Option == "timeout":
		if r.Timeout, err = parseSeconds(s); r.Given == "" {
			r.Given = "--timeout"
		}
		return err
	}
	known, err := r.fold(s)
	if !known {
		panic("option " + s.Option + " is declared but has no meaning")
	}
	return err
}

// parseMethods reads the value of --method, nil for auto.
func parseMethods(list string) ([]copier.Method, error) {
	var methods []copier.Method
	words := methodWords()
	for word := range strings.SplitSeq(list, ",") {
		m, err := findKeyword("--method", word, words)
		switch {
		case err != nil:
			return nil, err
		case m == copier.None && list != word:
			return nil, usagef("--method=auto stands alone: it chooses among all methods")
		case m == copier.None:
			return nil, nil
		case slices.Contains(methods, m):
			return nil, usagef("--method names %s twice", m)
		}
		methods = append(methods, m)
	}
	return methods, nil
}

// maxJobs bounds -j: a worker holds descriptors, and of those a process has
// 1024 by default.
const maxJobs = 256

func parseJobs(s string) (int, error) {
	// Digits only, since Atoi takes a sign too.
	n, err := strconv.Atoi(s)
	if err == nil && s[0] != '+' && n >= 1 && n <= maxJobs {
		return n, nil
	}
	if strings.HasPrefix(s, "=") {
		return 0, refusef("write -j4 or --jobs=4", "invalid number of jobs %s", apply.Quote(s))
	}
	return 0, usagef("invalid number of jobs %s: not between 1 and %d", apply.Quote(s), maxJobs)
}

func (f *folder) setDereference(d dereference) {
	f.cfg.Dereference, f.dereferenceSet = d, true
}

func (f *folder) preserveDefault() {
	f.preserve(attrMode, true)
	f.preserve(attrOwnership, true)
	f.preserve(attrTimestamps, true)
}

// preserveList switches the attributes of a comma-separated list on or off.
func (f *folder) preserveList(option, list string, on bool) error {
	for word := range strings.SplitSeq(list, ",") {
		a, err := findKeyword(option, word, preserveWords())
		if err != nil {
			return err
		}
		f.preserve(a, on)
		switch a {
		case attrXattr:
			f.cfg.RequireXattr = on
		case attrContext:
			f.cfg.RequireContext = on
		}
	}
	return nil
}

// preserve switches one attribute on or off. "all" leaves the context alone
// where there is none to keep.
func (f *folder) preserve(a attribute, on bool) {
	p := &f.cfg.Preserve
	all := a == attrAll
	if all || a == attrMode {
		p.Mode, f.cfg.NoPreserveMode = on, !on
	}
	if all || a == attrTimestamps {
		p.Timestamps = on
	}
	if all || a == attrOwnership {
		p.Ownership = on
	}
	if all || a == attrLinks {
		p.Links = on
	}
	if all || a == attrXattr {
		p.Xattr = on
	}
	if a == attrContext || all && f.selinux {
		p.Context = on
	}
}
