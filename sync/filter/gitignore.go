package filter

// Gitignore adds a rule of the kind that rsync lacks: names that git ignores by the
// .gitignore files of the tree are excluded, on both sides, or on the sender's only with
// [List.DeleteExcluded]. What git does not ignore goes on to the next rule. The root of the
// transfer is taken for the top of the work tree. lower are the contents of sources of
// patterns that are weaker than the files of the tree (.git/info/exclude,
// core.excludesFile), the strongest first. A second call has no effect.
func (l *List) Gitignore(lower ...[]byte) {
	for i := range l.rules {
		if l.rules[i].flags&gitIgnore != 0 {
			return
		}
	}
	l.git = nil
	for i := len(lower); i > 0; i-- {
		l.git = append(l.git, parseGit(lower[i-1], 0))
	}
	l.rules = append(l.rules, Rule{flags: gitIgnore})
}
