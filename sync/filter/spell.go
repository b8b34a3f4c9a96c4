package filter

// Rules returns the list as rules of --filter, which added to an empty list in their order
// make one that decides the same, wherever that is: files of merge rules and of -C are
// replaced by what is in them, and only those that are looked for in each directory are
// still named. The place of the .gitignore files is the word "gitignore", which is no
// rule of --filter. The list is not changed.
func (l *List) Rules() []string {
	c := &List{
		read: l.read, nulEnded: l.nulEnded, cvsAtEnd: l.cvsAtEnd, cvsOwn: l.cvsOwn,
		rules: l.rules[:len(l.rules):len(l.rules)], lists: l.lists[:len(l.lists):len(l.lists)],
		cvs: l.cvs, cvsLoaded: l.cvsLoaded,
	}
	c.finish.Do(c.appendCVS)
	var all []string
	for i := range c.rules {
		r := &c.rules[i]
		if r.flags&(cvsIgnore|mergeFile) != cvsIgnore {
			all = append(all, r.String())
			continue
		}
		set := r.cvs
		if set == nil {
			set = c.cvs
		}
		for k := range set {
			all = append(all, set[k].String())
		}
	}
	return all
}
