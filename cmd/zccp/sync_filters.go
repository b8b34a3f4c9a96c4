package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/mirror"
)

// filterSetting is a filter option, and whether --from0 stood before it.
type filterSetting struct {
	setting
	nul bool
}

// readInput returns what a file that an option names holds; - is stdin.
func (f *syncFolder) readInput(name string) ([]byte, error) {
	if f.peer != nil {
		return nil, refusedByRule("a rule names the file " + apply.Quote(name))
	}
	if name == "-" {
		return io.ReadAll(f.e.stdin)
	}
	return os.ReadFile(name)
}

// resolveFilters makes the list of rules from the filter options in their order
// and the rules that other options add behind them.
func (f *syncFolder) resolveFilters() error {
	list := filter.New(f.readInput)
	if f.peer == nil {
		// Another machine has this one's lists in its rules.
		list.CVSIgnore(f.cvsIgnored)
	}
	for _, s := range f.filters {
		if s.nul {
			list.NulEnded()
			f.nulRules = true
		}
		if err := f.addFilter(list, s); err != nil {
			if errors.As(err, new(*syncError)) {
				return err
			}
			var path *fs.PathError
			if errors.As(err, &path) {
				return fileError(exitFileIO, s.Option, path.Path, err)
			}
			return refusef("", "%s: %v", spelling(s.Option), err)
		}
	}
	if f.remote {
		f.rulesSpelled = list.Rules()
	}
	if f.peer != nil && f.peer.restricted() {
		var err error
		if list, err = confinedRules(list); err != nil {
			return err
		}
	}
	m := &f.cfg.Mirror
	if m.DeleteExcluded {
		list.DeleteExcluded()
	}
	var own []string
	if m.Backup && m.BackupDir == "" && m.Delete != mirror.DeleteNever && !m.DeleteExcluded {
		own = append(own, "P *"+m.Suffix)
	}
	if m.PartialDir != "" && !path.IsAbs(m.PartialDir) {
		own = append(own, "-p "+m.PartialDir+"/")
	}
	for _, rule := range own {
		if err := list.Add(rule); err != nil {
			return refusef("", "rule %s: %v", apply.Quote(rule), err)
		}
	}
	if !list.Empty() {
		m.Filter = list
	}
	return nil
}

func (f *syncFolder) addFilter(list *filter.List, s filterSetting) error {
	switch s.Option {
	case "filter":
		return list.Add(s.Value)
	case "F":
		list.PerDir()
	case "exclude":
		return list.Exclude(s.Value)
	case "include":
		return list.Include(s.Value)
	case "exclude-from", "include-from":
		contents, err := f.readInput(s.Value)
		switch {
		case err != nil:
			return fileError(exitFileIO, s.Option, s.Value, err)
		case s.Option == "include-from":
			return list.IncludeFile(contents, s.nul)
		}
		return list.ExcludeFile(contents, s.nul)
	case "cvs-exclude":
		return list.CVS()
	case "gitignore":
		list.Gitignore()
	}
	return nil
}

// cvsIgnored reads what the user has CVS ignore.
func (f *syncFolder) cvsIgnored() (own filter.CVSIgnored, err error) {
	own.Words = f.e.getenv("CVSIGNORE")
	if home := f.e.getenv("HOME"); home != "" {
		if own.File, err = os.ReadFile(filepath.Join(home, ".cvsignore")); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return own, err
}

// resolveFilesFrom reads the file of --files-from.
func (f *syncFolder) resolveFilesFrom() error {
	if !f.filesFromSet {
		return nil
	}
	if f.peer != nil {
		f.cfg.Mirror.FromSet, f.cfg.Mirror.FilesFrom = true, splitNames(f.filesFrom)
		return nil
	}
	if isRemote(f.filesFrom) || strings.HasPrefix(f.filesFrom, ":") {
		return unsupported("--files-from="+printableText(f.filesFrom), "the list is read on this machine")
	}
	contents, err := f.readInput(f.filesFrom)
	if err != nil {
		return fileError(exitFailure, "files-from", f.filesFrom, err)
	}
	m := &f.cfg.Mirror
	m.FromSet = true
	m.FilesFrom, err = parseFilesFrom(contents, f.from0)
	return err
}

// parseFilesFrom returns the names in a file of --files-from. Blank ones and
// comments are left out; a leading slash, and .. with what it undoes, are
// taken away, so that no name leads out of the source.
func parseFilesFrom(contents []byte, nul bool) ([][]byte, error) {
	ends := "\r\n"
	if nul {
		ends = "\x00"
	}
	var names [][]byte
	for len(contents) > 0 {
		line := contents
		if i := bytes.IndexAny(contents, ends); i >= 0 {
			line, contents = contents[:i], contents[i+1:]
		} else {
			contents = nil
		}
		if len(line) == 0 || line[0] == ';' || line[0] == '#' {
			continue
		}
		if !nul && bytes.IndexByte(line, 0) >= 0 {
			return nil, refusef("if names end with a zero byte, add --from0", "--files-from: a name holds a zero byte")
		}
		names = append(names, beneath(line))
	}
	return names, nil
}

// beneath resolves .. in a name by its text alone. A "." stays: it may be the
// point from which -R keeps the path; so does a slash at the end.
func beneath(name []byte) []byte {
	var kept [][]byte
	for part := range bytes.SplitSeq(name, []byte("/")) {
		switch {
		case len(part) == 0:
		case string(part) == "..":
			for len(kept) > 0 && string(kept[len(kept)-1]) == "." {
				kept = kept[:len(kept)-1]
			}
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return []byte(".")
	}
	clean := bytes.Join(kept, []byte("/"))
	if name[len(name)-1] == '/' {
		clean = append(clean, '/')
	}
	return clean
}
