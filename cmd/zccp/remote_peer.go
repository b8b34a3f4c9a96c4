package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// exportMode says what a peer may do below a root.
type exportMode uint8

const (
	exportReadWrite exportMode = iota
	exportReadOnly
	exportAppendOnly // what is new is taken, what stands is never changed
)

// peerPolicy is what this machine allows the other end of a session. The zero
// value is that of a user who came in by ssh: whatever the user could do by
// hand.
type peerPolicy struct {
	Root     string // what a peer can reach; "" for everything
	Mode     exportMode
	Confined bool // the kernel keeps this process below Root
}

func (p *peerPolicy) restricted() bool { return p.Root != "" || p.Mode != exportReadWrite }

// refusedByRule is an error of a peer that asks for what it may not.
func refusedByRule(text string) error {
	return &syncError{exitRefused, text + ", which is not allowed here", ""}
}

// allows returns why a peer may not give an option, nil if it may. push says
// that this end receives.
func (p *peerPolicy) allows(rule wordRule, name string, push bool) error {
	option := apply.Quote(spelling(name))
	switch {
	case rule <= wordInlined:
		return refusedByRule("the other end sent the option " + option)
	case rule == wordSource && !push && p.Mode != exportReadWrite:
		return refusedByRule(option + " removes files")
	case (rule == wordChange || name == "partial-dir") && push && p.Mode == exportAppendOnly:
		// What stands in a directory of partial files is taken for litter.
		return refusedByRule(option + " changes or removes what is there already")
	case rule == wordDevice && p.restricted():
		return refusedByRule(option + " opens devices")
	}
	return nil
}

// peerJob makes the options of this end from what the other one asks for, and
// puts the job's paths where they are to be found here. errors are syncErrors.
func (p *peerPolicy) peerJob(job *wire.Job) (*syncConfig, error) {
	if job.Push && p.Mode == exportReadOnly {
		return nil, refusedByRule("sending to this place")
	}
	none := newEnv([]string{"zccp"}, strings.NewReader(""), nil, nil, func(string) string { return "" })
	f := newSyncFolder(none)
	f.peer, f.receives, f.remote = p, job.Push, true
	rules, table := wordRules(), syncTable()
	dest := ""
	if job.Push {
		var err error
		if dest, err = p.place(string(job.Dest)); err != nil {
			return nil, err
		}
		job.Dest = []byte(dest)
	}
	for _, text := range job.Words {
		s, ok := parseWord(table, text)
		if !ok {
			return nil, &syncError{exitUnsupported, "the other end sent the option " + apply.Quote(printableText(text)) + ", which is not known here",
				"both ends should have the same version of zccp"}
		}
		name, negated := strings.CutPrefix(s.Option, "no-")
		rule := rules[name]
		if err := p.allows(rule, name, job.Push); err != nil && (!negated || rule <= wordInlined) {
			return nil, err
		}
		if rule == wordPath && s.Given {
			var err error
			if s.Value, err = p.beneath(dest, s.Value, name == "partial-dir"); err != nil {
				return nil, err
			}
		}
		if err := f.fold(s); err != nil {
			return nil, err
		}
	}
	if err := f.resolveJob(); err != nil {
		return nil, err
	}
	if !job.Push {
		if err := p.placeSources(job, f.cfg.Mirror.Relative && !f.cfg.Mirror.FromSet); err != nil {
			return nil, err
		}
	}
	f.cfg.noteLevel = min(2, f.verbose)
	p.restrict(&f.cfg.Mirror)
	f.cfg.Mirror.NameDirs = job.CopyRules
	if job.Push && job.CopyRules {
		if err := checkCopyTarget(job); err != nil {
			return nil, err
		}
	}
	return &f.cfg, nil
}

// parseWord reads --name or --name=value, with a name that the table has in the
// first place. There are no abbreviations and no letters.
func parseWord(t *optionTable, text string) (setting, bool) {
	rest, ok := strings.CutPrefix(text, "--")
	if !ok || strings.Contains(rest, "\x00") && !strings.HasPrefix(rest, "files-from=") {
		return setting{}, false
	}
	name, value, given := strings.Cut(rest, "=")
	for _, o := range t.options {
		if o.name == name && len(name) > 1 {
			return setting{name, value, given}, o.kind == noValue && !given || o.kind == requiredValue && given || o.kind == optionalValue
		}
	}
	return setting{}, false
}

// resolveJob is resolve for what another machine asks for.
func (f *syncFolder) resolveJob() error {
	m := &f.cfg.Mirror
	m.UID = platform.EffectiveUID()
	m.Umask = platform.Umask()
	// Bounds of this machine are its own: fewer workers may be asked for.
	bound := jobs(&copyConfig{})
	if m.Jobs = min(m.Jobs, bound); m.Jobs == 0 {
		m.Jobs = bound
	}
	if err := f.resolveOptions(); err != nil {
		return err
	}
	if f.listOnly {
		f.resolveListing()
	}
	m.Itemize, m.ItemizeAll = f.itemize > 0, f.itemize > 1
	return nil
}

// restrict takes away what needs no words to be done.
func (p *peerPolicy) restrict(m *mirror.Options) {
	if !p.restricted() {
		return
	}
	// A device of this machine that a peer has made is one it could have others
	// read.
	m.Rules.Devices = false
	if p.Mode != exportAppendOnly {
		return
	}
	m.Rules.IgnoreExisting = true
	m.Rules.OmitDirTimes = true
	m.Partial, m.PartialDir = false, "" // what is kept of a file replaces what got its name meanwhile
	m.Approve = func(_ string, src, old *platform.Stat) (bool, string) { return src != nil && old == nil, "" }
}

// roots reports whether every name of a job has to be resolved below the root,
// link by link, which lets links be followed to what is below the directory
// that they stand in. To all of the root they are where the kernel confines the
// process: then that alone keeps them in.
func (p *peerPolicy) roots(m *mirror.Options) bool {
	follows := m.Links == mirror.LinksFollow || m.Links == mirror.LinksCopyUnsafe || m.CopyDirLinks || m.KeepDirLinks
	return p.Root != "" && !(p.Confined && follows)
}

func (p *peerPolicy) open() (platform.FD, error) {
	name, err := platform.MakeName(p.Root)
	if err != nil {
		return platform.None, err
	}
	return platform.Native().Openat(platform.CWD, name, platform.ReadOnly|platform.Directory, 0)
}

// place returns the path on this machine that a peer means by one, of which
// links are followed.
func (p *peerPolicy) place(name string) (string, error) { return p.locate(name, true) }

// placeSource is place for what is to be read: a link that is named itself, with
// no slash behind it, is sent and leads nowhere here. Where links are followed
// on the way, their calls keep it in (see roots).
func (p *peerPolicy) placeSource(name string) (string, error) {
	last := name[strings.LastIndexByte(name, '/')+1:]
	return p.locate(name, last == "" || last == "." || last == "..")
}

func (p *peerPolicy) locate(name string, follow bool) (string, error) {
	switch {
	case strings.Contains(name, "\x00"):
		return "", &syncError{exitRefused, "a path holds a zero byte", ""}
	case name == "":
		name = "."
	}
	if p.Root == "" {
		// A shell there would have read it so; here no shell is asked.
		if rest, found := strings.CutPrefix(name, "~"); found && (rest == "" || rest[0] == '/') {
			if home, err := os.UserHomeDir(); err == nil {
				return home + rest, nil
			}
		}
		return name, nil
	}
	// As if the root were that of the machine: .. does not lead out of it.
	clean := path.Clean("/" + name)
	if err := p.check(clean, follow); err != nil {
		return "", err
	}
	full := path.Join(p.Root, clean)
	switch {
	case strings.HasSuffix(name, "/."), name == "." || name == "..", strings.HasSuffix(name, "/.."):
		full += "/."
	case strings.HasSuffix(name, "/"):
		full += "/"
	}
	return full, nil
}

// placeSources puts the sources of a pull where they are here. With relative
// the names below the root are kept, not the way to it.
func (p *peerPolicy) placeSources(job *wire.Job, relative bool) error {
	for i, source := range job.Sources {
		before, kept, pivot := strings.Cut(string(source), "/./")
		if p.Root == "" || !relative {
			full, err := p.placeSource(string(source))
			if err != nil {
				return err
			}
			job.Sources[i] = []byte(full)
			continue
		}
		if !pivot {
			before, kept = "", string(source)
		}
		base, err := p.place(before)
		if err == nil {
			_, err = p.placeSource(before + "/" + kept)
		}
		if err != nil {
			return err
		}
		kept = strings.TrimLeft(kept, "/")
		if kept == "" {
			kept = "."
		}
		job.Sources[i] = []byte(strings.TrimSuffix(base, "/.") + "/./" + kept)
	}
	return nil
}

// beneath returns the path of an option that names one at the receiver: relative
// ones are below the destination, or beside it if it is a file, but those of
// local, which are below each directory.
func (p *peerPolicy) beneath(dest, value string, local bool) (string, error) {
	if p.Root == "" || value == "" {
		return value, nil
	}
	if strings.HasPrefix(value, "/") {
		return p.place(value)
	}
	if local {
		for part := range strings.SplitSeq(value, "/") {
			if part == ".." {
				return "", refusedByRule("the path " + apply.Quote(value) + " leads out of a directory")
			}
		}
		return value, nil
	}
	if st, err := os.Stat(dest); err == nil && !st.IsDir() {
		dest = path.Dir(dest)
	}
	full := path.Join(dest, value)
	below, ok := strings.CutPrefix(full, strings.TrimSuffix(p.Root, "/"))
	if !ok || below != "" && below[0] != '/' {
		return "", refusedByRule("the path " + apply.Quote(value) + " leads out of the root")
	}
	return full, p.check(below, true)
}

// check refuses a path whose symbolic links lead out of the root, the last
// component's only with follow. What is made or exchanged later is the kernel's
// to keep out.
func (p *peerPolicy) check(below string, follow bool) error {
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return &syncError{exitSelection, "cannot open the root: " + reason(err), ""}
	}
	defer root.Close()
	look := root.Stat
	if !follow {
		look = root.Lstat
	}
	for at := strings.Trim(below, "/"); at != "" && at != "."; at = path.Dir(at) {
		_, err := look(at)
		look = root.Stat
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), platform.Cause(err) == platform.ErrNotDir:
		default:
			return refusedByRule("the path " + apply.Quote(strings.Trim(below, "/")) + " leads out of the root")
		}
	}
	return nil
}

// confinedRules returns the list without names of files outside of the tree: a
// file of rules that is looked for in the directories above the transfer is
// looked for from its top on.
func confinedRules(list *filter.List) (*filter.List, error) {
	confined := filter.New(nil)
	for _, rule := range list.Rules() {
		if rule == "gitignore" {
			confined.Gitignore()
			continue
		}
		if strings.HasPrefix(rule, ":") {
			kind, name, _ := strings.Cut(rule, " ")
			name = strings.TrimPrefix(name, "/")
			if strings.Contains(name, "/") {
				return nil, refusedByRule("the rule " + apply.Quote(rule) + " names a path")
			}
			rule = kind + " " + name
		}
		if err := confined.Add(rule); err != nil {
			return nil, &syncError{exitFailure, err.Error(), ""}
		}
	}
	return confined, nil
}

// checkCopyTarget is cp's rule for a destination that the client can't look at.
// Job.Sources of a push are empty, or one empty name where the destination is to
// be a file (-T).
func checkCopyTarget(job *wire.Job) error {
	dest := string(job.Dest)
	dir, directory := strings.CutSuffix(dest, "/.")
	st, err := os.Stat(strings.TrimRight(dir, "/") + "/")
	if dir == "" {
		st, err = os.Stat("/")
	}
	isDir := err == nil && st.IsDir()
	switch {
	case len(job.Sources) > 0 && isDir:
		return &syncError{exitSelection, "cannot overwrite directory " + apply.Quote(dir) + " with non-directory", ""}
	case directory && err != nil:
		return &syncError{exitSelection, "target directory " + apply.Quote(dir) + ": " + reason(err), ""}
	}
	return nil
}
