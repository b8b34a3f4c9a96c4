package filter

// gitignoreFile is the name that git looks for in each directory.
const gitignoreFile = ".gitignore"

// Gitignore adds a rule of a kind that rsync lacks: names that git ignores by the
// .gitignore files of the tree are excluded, on both sides, or on the sender's only with
// [List.DeleteExcluded]. What git does not ignore goes on to the next rule. The first
// directory that is entered is taken for the top of the work tree. lower are the contents
// of sources of patterns that are weaker than the files of the tree (.git/info/exclude,
// core.excludesFile), the strongest first. A second call has no effect.
//
// As git does, everything below an ignored directory is ignored, even if another rule has
// included the directory. Unlike git, it has no eye for what is tracked, and .git is a name
// like others.
func (l *List) Gitignore(lower ...[]byte) {
	for i := range l.rules {
		if l.rules[i].flags&gitIgnore != 0 {
			return
		}
	}
	l.git = nil
	for i := len(lower); i > 0; i-- {
		l.git = append(l.git, gitFile{patterns: parseGit(lower[i-1])})
	}
	l.rules = append(l.rules, Rule{flags: gitIgnore})
}

// gitDir is what git's rules are in one directory. It does not change.
type gitDir struct {
	files []gitFile // the weakest first
	top   bool      // no directory was entered
	all   bool      // the directory is ignored, and so is all in it
}

// enterGit sets d.git, for the directory d that is entered from the one with the rules from,
// by name, which is "." for that directory itself.
func (d *Dir) enterGit(from *Dir, name []byte, read func(file string) ([]byte, error)) error {
	next := &gitDir{files: from.git.files, all: from.git.all}
	if len(d.path) != len(from.path) && !next.all {
		next.all = from.gitIgnored(name, true)
	}
	d.git = next
	if next.all {
		return nil
	}
	contents, err := read(gitignoreFile)
	if err != nil {
		return readError(string(d.path)+gitignoreFile, err)
	}
	if from.git.top {
		next.files = make([]gitFile, 0, len(from.git.files)+1)
		for _, f := range from.git.files {
			next.files = append(next.files, gitFile{f.patterns, len(d.path)})
		}
	}
	if patterns := parseGit(contents); len(patterns) > 0 {
		n := len(next.files)
		next.files = append(next.files[:n:n], gitFile{patterns, len(d.path)})
	}
	return nil
}

// gitIgnored tells whether git ignores the name in d: the last pattern that matches
// decides, in the file that is nearest and has one that matches.
func (d *Dir) gitIgnored(name []byte, isDir bool) bool {
	if d.git.all {
		return true
	}
	if d.git.top {
		return false
	}
	for i := len(d.git.files) - 1; i >= 0; i-- {
		f := &d.git.files[i]
		for k := len(f.patterns) - 1; k >= 0; k-- {
			if p := &f.patterns[k]; p.matches(d.path[f.base:], name, isDir) {
				return !p.negated
			}
		}
	}
	return false
}
