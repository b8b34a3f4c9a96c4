package filter

import "sync"

// Side is one of the two ends of a transfer. Rules can be of one of them only.
type Side uint8

const (
	Sender   Side = iota // decides what is transferred: what is excluded is hidden
	Receiver             // decides what is deleted: what is excluded is protected
)

func (s Side) other() Side { return 1 - s }

func (s Side) flag() flags {
	if s == Sender {
		return senderSide
	}
	return receiverSide
}

// Verdict is what the rules say of a name.
type Verdict uint8

const (
	None     Verdict = iota // no rule matches: as if included
	Included                // an include rule matches first
	Excluded                // an exclude rule matches first
)

// List is an ordered list of rules: the first that matches decides. It is filled by one
// goroutine; once [List.Root] or [List.MatchXattr] has been called it must not be changed,
// and may be used by several. A method that returns an error leaves the rules in front of
// the bad one in the list.
type List struct {
	read           func(path string) ([]byte, error)
	rules          []Rule
	lists          []mergeList
	cvs            []Rule
	cvsLoaded      bool
	cvsAtEnd       bool
	cvsOwn         func() (CVSIgnored, error) // nil: nothing
	perDirs        int
	nulEnded       bool
	deleteExcluded bool
	xattrRules     bool
	git            []gitFile // the lowest rules of gitignore

	finish  sync.Once
	compile [2]sync.Once
	side    [2]compiled
}

// compiled is the list as one side sees it.
type compiled struct {
	rules []Rule
	cvs   []Rule
	lists []mergeList
	path  bool // a rule looks at the path, not only at the name
	git   bool
}

// New returns an empty list. read returns the contents of the file of a merge rule, by the
// name that the rule gives; it is called while the rule is added.
func New(read func(path string) ([]byte, error)) *List { return &List{read: read} }

// Add adds the rule of --filter=RULE. Merge files are read now.
func (l *List) Add(rule string) error { return l.parse([]byte(rule), 0, 0) }

// Include adds the pattern of --include=PATTERN. As in rsync it may begin with "+ " or
// "- ", and "!" alone clears the list.
func (l *List) Include(pattern string) error { return l.parse([]byte(pattern), include, plain) }

// Exclude adds the pattern of --exclude=PATTERN; see [List.Include].
func (l *List) Exclude(pattern string) error { return l.parse([]byte(pattern), 0, plain) }

// IncludeFile adds the patterns of the file of --include-from. nulEnded tells that they end
// with NUL and not with LF or CR.
func (l *List) IncludeFile(contents []byte, nulEnded bool) error {
	return l.file(contents, include, nulEnded)
}

// ExcludeFile adds the patterns of the file of --exclude-from; see [List.IncludeFile].
func (l *List) ExcludeFile(contents []byte, nulEnded bool) error {
	return l.file(contents, 0, nulEnded)
}

// NulEnded is --from0: the rules in files that are merged from now on, in those of
// directories too, end with NUL.
func (l *List) NulEnded() { l.nulEnded = true }

// DeleteExcluded is --delete-excluded: rules that name no side are of the sender only. It
// acts on rules that were added before, too.
func (l *List) DeleteExcluded() { l.deleteExcluded = true }

// PerDir is -F: the first call adds "dir-merge /.rsync-filter", the second
// "exclude .rsync-filter", more have no effect.
func (l *List) PerDir() {
	rules := [...]string{": /.rsync-filter", "- .rsync-filter"}
	if l.perDirs < len(rules) {
		if err := l.Add(rules[l.perDirs]); err != nil {
			panic(err) // they are constants
		}
		l.perDirs++
	}
}

// Empty tells whether there is no rule at all: every name gets [None].
func (l *List) Empty() bool { return len(l.rules) == 0 && !l.cvsAtEnd }

func (l *List) file(contents []byte, f flags, nulEnded bool) error {
	saved := l.nulEnded
	l.nulEnded = nulEnded
	defer func() { l.nulEnded = saved }()
	return l.with(func(p *parser, out *target) error { return p.file(out, contents, f, plain) })
}

func (l *List) parse(rule []byte, f flags, how syntax) error {
	return l.with(func(p *parser, out *target) error { return p.rules(out, rule, f, how) })
}

func (l *List) with(parse func(*parser, *target) error) error {
	p := &parser{list: l, lists: l.lists, read: l.read}
	out := &target{local: l.rules}
	err := parse(p, out)
	l.rules, l.lists = out.local, p.lists
	return err
}

// of returns the list as side sees it.
func (l *List) of(side Side) *compiled {
	l.finish.Do(l.appendCVS)
	l.compile[side].Do(func() {
		c := &l.side[side]
		c.lists = l.lists
		c.rules = l.ofSide(l.rules, side)
		c.cvs = l.ofSide(l.cvs, side)
		for _, set := range [][]Rule{c.rules, c.cvs} {
			for i := range set {
				c.path = c.path || set[i].needsPath()
				c.git = c.git || set[i].flags&gitIgnore != 0
			}
		}
	})
	return &l.side[side]
}

// appendCVS adds the rules of -C, which come last wherever it stands.
func (l *List) appendCVS() {
	if !l.cvsAtEnd {
		return
	}
	for _, rule := range []string{":C", "-C"} {
		if err := l.Add(rule); err != nil {
			panic(err) // CVS has tried them
		}
	}
}

// ofSide returns the rules that act on side.
func (l *List) ofSide(rules []Rule, side Side) []Rule {
	kept := make([]Rule, 0, len(rules))
	for _, r := range rules {
		at := r.flags & sides
		if at == 0 && l.deleteExcluded {
			at = senderSide
		}
		// The rules of a dir-merge and of -C carry sides of their own.
		container := r.flags&perDir != 0 || r.flags&(cvsIgnore|mergeFile) == cvsIgnore
		if container || at == 0 || at&side.flag() != 0 {
			kept = append(kept, r)
		}
	}
	return kept
}
