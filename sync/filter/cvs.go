package filter

import "sync"

// cvsDefault is the list of -C of rsync 3.5.
const cvsDefault = "RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS" +
	" .make.state .nse_depinfo" +
	" *~ #* .#* ,* _$* *$" +
	" *.old *.bak *.BAK *.orig *.rej .del-*" +
	" *.a *.olb *.o *.obj *.so *.exe" +
	" *.Z *.elc *.ln core" +
	" .svn/ .git/ .hg/ .bzr/"

// CVSDefault returns the list of -C that needs no file, separated by blanks.
func CVSDefault() string { return cvsDefault }

// cvsFlags are those of the rule "-C".
const cvsFlags = noPrefixes | wordSplit | noInherit | cvsIgnore

// CVSIgnored is what a user has CVS ignore: the contents of $HOME/.cvsignore and the value
// of $CVSIGNORE.
type CVSIgnored struct {
	File  []byte
	Words string
}

// CVSIgnore gives that to [List.CVS] and to rules with the modifier C. It is to be called
// before rules are added. read is called once, when the first of them comes: most runs have
// none, and need no file of a home that may be closed to them.
func (l *List) CVSIgnore(read func() (CVSIgnored, error)) { l.cvsOwn = sync.OnceValues(read) }

// CVS is -C: the rules ":C" and "-C" stand at the end of the list, behind those that are
// added later.
func (l *List) CVS() error {
	l.cvsAtEnd = true
	_, err := l.parseCVS(cvsFlags)
	return err
}

// cvs gives the rule r, one with the modifier C, its rules.
func (p *parser) cvs(r *Rule) (err error) {
	switch {
	case len(p.dir) == 0:
		return p.list.loadCVS(r.flags)
	case !p.list.cvsLoaded:
		// The list is shared by now, so that a rule in a directory has rules of its own.
		r.cvs, err = p.list.parseCVS(r.flags)
	}
	return err
}

// loadCVS reads the rules of the modifier C, once: later rules with it use the same ones.
func (l *List) loadCVS(f flags) (err error) {
	if !l.cvsLoaded {
		l.cvsLoaded = true
		l.cvs, err = l.parseCVS(f)
	}
	return err
}

func (l *List) parseCVS(f flags) ([]Rule, error) {
	p := &parser{list: l}
	out := &target{}
	if err := p.rules(out, []byte(cvsDefault), f|perishable, 0); err != nil {
		return nil, err
	}
	if l.cvsOwn == nil {
		return out.local, nil
	}
	own, err := l.cvsOwn()
	if err != nil {
		return nil, err
	}
	if err := p.file(out, own.File, f, 0); err != nil {
		return nil, err
	}
	if err := p.rules(out, []byte(own.Words), f, 0); err != nil {
		return nil, err
	}
	return out.local, nil
}
