package mirror

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/apply"
	"github.com/zccp/zccp/sync/filter"
	"github.com/zccp/zccp/sync/tree"
)

// everything is the depth of a recursion without end.
const everything = -1

// request is what one operand, or one name of --files-from, asks for: a name
// below a directory.
type request struct {
	base     string   // the directory, as it is opened
	parts    []string // below base; none: base itself is merged into the target
	implied  bool     // parts but the last are entries too (-R)
	dot      bool     // so is base ("./a" with -R)
	contents bool     // a slash or a dot at the end: what is in it is wanted even without -r
	text     string
}

// operands resolves sources and destination and returns the root pair.
func (m *Mirror) operands(sources []string, dst string) (*pair, error) {
	p, err := m.sources(sources)
	if err != nil {
		return nil, err
	}
	var from *prospect
	if !m.opts.ListOnly {
		from = m.prospect(p)
	}
	return p, m.target(p, from, dst)
}

// sources resolves the sources and returns the root pair without a destination.
func (m *Mirror) sources(sources []string) (*pair, error) {
	var reqs []request
	for _, s := range sources {
		if m.opts.FromSet {
			break
		}
		r, err := m.parse(s)
		if err != nil {
			return nil, err
		}
		reqs = append(reqs, r)
	}
	if m.opts.FromSet {
		var err error
		if reqs, err = m.listed(sources); err != nil {
			return nil, err
		}
	}
	p := &pair{}
	p.unpublished.Store(1)
	p.unsealed.Store(1)
	m.overlap = (m.opts.HardLinks || m.opts.RemoveSource) && (m.follows() || overlap(reqs))
	m.origins(p, reqs)
	return p, nil
}

// parse takes an operand apart as rsync does.
func (m *Mirror) parse(s string) (request, error) {
	r := request{text: s, contents: endsInDirectory(s)}
	if !m.opts.Relative {
		dir, last := splitLast(strings.TrimRight(s, "/"))
		if r.contents && (last == "" || last == "." || last == ".." || strings.HasSuffix(s, "/")) {
			r.base = s
			return r, nil
		}
		r.base, r.parts = dir, []string{last}
		return r, nil
	}
	r.implied = true
	rel := s
	if i := strings.Index(s, "/./"); i >= 0 {
		r.base, rel = s[:i+1], s[i+3:]
	} else if strings.HasPrefix(s, "/") {
		r.base = "/"
	}
	r.dot = strings.HasPrefix(rel, "./")
	for _, part := range strings.Split(rel, "/") {
		switch part {
		case "", ".":
		case "..":
			return r, &Failure{KindUsage, fmt.Sprintf(`found ".." dir in relative path: %s`, apply.Quote(s))}
		default:
			r.parts = append(r.parts, part)
		}
	}
	if r.base == "" {
		r.base = "."
	}
	return r, nil
}

// endsInDirectory reports whether an operand names what is in a directory.
func endsInDirectory(s string) bool {
	_, last := splitLast(s)
	return last == "" || last == "." || last == ".."
}

func splitLast(s string) (dir, last string) {
	i := strings.LastIndexByte(s, '/')
	return s[:i+1], s[i+1:]
}

// listed turns --files-from into requests below the one source.
func (m *Mirror) listed(sources []string) ([]request, error) {
	if len(sources) != 1 {
		return nil, &Failure{KindUsage, "--files-from needs exactly one SOURCE, the directory that the names stand in"}
	}
	base := sources[0]
	m.fromBase = base
	var reqs []request
	for _, name := range m.opts.FilesFrom {
		s := string(name)
		r := request{base: base, implied: m.opts.Relative, contents: endsInDirectory(s), text: s}
		rel := s
		if i := strings.Index(s, "/./"); i >= 0 && m.opts.Relative {
			r.base, rel = strings.TrimRight(base, "/")+"/"+s[:i+1], s[i+3:]
		}
		for _, part := range strings.Split(rel, "/") {
			switch {
			case part == "" || part == ".":
			case part == "..":
				// rsync keeps such a name beneath the source.
				if n := len(r.parts); n > 0 {
					r.parts = r.parts[:n-1]
				}
			default:
				r.parts = append(r.parts, part)
			}
		}
		if !m.opts.Relative && r.contents && len(r.parts) > 0 {
			r.base, r.parts = strings.TrimRight(base, "/")+"/"+strings.Join(r.parts, "/"), nil
		}
		if !m.opts.Relative && len(r.parts) > 1 {
			n := len(r.parts) - 1
			r.base = strings.TrimRight(base, "/") + "/" + strings.Join(r.parts[:n], "/")
			r.parts = r.parts[n:]
		}
		r.dot = len(r.parts) == 0 || m.opts.Relative && strings.HasPrefix(s, "./")
		reqs = append(reqs, r)
	}
	return reqs, nil
}

// depth returns how deep what an operand names is transferred.
func (m *Mirror) depth(r *request) int {
	switch {
	case m.opts.Recursive:
		return everything
	case m.opts.Dirs && r.contents:
		return 1
	}
	return 0
}

// origins gives the root pair what the requests ask for: one origin for each
// directory that is merged as it is, and one for each that names stand in.
func (m *Mirror) origins(p *pair, reqs []request) {
	byBase := map[string]int{}
	for i := range reqs {
		r := &reqs[i]
		if len(r.parts) == 0 && !(r.dot && m.opts.FromSet && m.depth(r) == 0) {
			if !m.opts.Recursive && !m.opts.Dirs {
				if m.rootOrigin(p, r.base, nil, 0, r.text) >= 0 {
					p.origins = p.origins[:len(p.origins)-1]
					m.note(0, "skipping directory .") // rsync's words
				}
				continue
			}
			if k := m.rootOrigin(p, r.base, nil, m.depth(r), r.text); k >= 0 {
				p.seals, p.origins[k].order = true, i
			}
			continue
		}
		k, ok := byBase[r.base]
		if !ok {
			k = m.rootOrigin(p, r.base, &want{names: map[string]*want{}, depth: 0}, 0, r.text)
			byBase[r.base] = k
		}
		if k < 0 {
			continue
		}
		if r.dot && !m.opts.NoImpliedDirs && (len(r.parts) == 0 || m.sends(&p.origins[k])) {
			p.seals = true
		}
		w := p.origins[k].want
		for _, part := range r.parts[:max(0, len(r.parts)-1)] {
			w = w.child(part)
			if w.path == "" {
				w.path, w.order = r.text, i+1
			}
		}
		if n := len(r.parts); n > 0 {
			w = w.child(r.parts[n-1])
			if d := m.depth(r); !w.named || d != 0 {
				w.depth = d
			}
			w.named, w.path = true, r.text
			if w.order == 0 {
				w.order = i + 1
			}
			w.slashed, w.plain = w.slashed || r.contents, w.plain || !r.contents
		}
	}
}

// overlap reports whether one request asks for what another one asks for, or for
// something below it.
func overlap(reqs []request) bool {
	paths := make([]string, len(reqs))
	for i := range reqs {
		path := filepath.Join(reqs[i].base, strings.Join(reqs[i].parts, "/"))
		if abs, err := platform.AbsPath(path); err == nil {
			path = abs
		}
		paths[i] = strings.TrimSuffix(path, "/") + "/"
	}
	slices.Sort(paths)
	for i := range paths[:max(0, len(paths)-1)] {
		if strings.HasPrefix(paths[i+1], paths[i]) {
			return true
		}
	}
	return false
}

// sends reports whether the directory of an origin is an entry because "./" is in
// front of a name: whether that is there doesn't matter, as at rsync.
func (m *Mirror) sends(o *origin) bool {
	return (m.opts.Recursive || m.opts.Dirs || m.opts.FromSet) && !m.hidden(o, dot, platform.ModeDir)
}

func (w *want) child(name string) *want {
	if w.names == nil {
		w.names = map[string]*want{}
	}
	c := w.names[name]
	if c == nil {
		c = &want{}
		w.names[name] = c
	}
	return c
}

// rootOrigin opens a directory of the source and returns its index, or -1
// after reporting why it can't be had.
func (m *Mirror) rootOrigin(p *pair, base string, w *want, depth int, text string) int {
	if base == "" {
		base = "."
	}
	name, err := platform.MakeName(base)
	var fd platform.FD
	var st platform.Stat
	if err == nil {
		fd, err = m.openRoot(name)
	}
	if err == nil {
		err = m.calls.Fstat(fd, &st)
		if err == nil && !m.searchable(fd, &st) {
			m.calls.Close(fd)
			err = platform.ErrDenied
		}
	}
	if err != nil && m.opts.FromSet && base == m.fromBase {
		m.aborted.Store(true)
		m.failf(KindSelection, "cannot enter %s: %s", apply.Quote(base), platform.Message(platform.Cause(err)))
		return -1
	}
	if err != nil {
		if w == nil && platform.Denied(platform.Cause(err)) {
			m.unreadRoot = base
		}
		m.missingOperand(text, err)
		return -1
	}
	m.meet(fd)
	dir := m.pool.Root(fd, &st)
	m.roots = append(m.roots, dir)
	if w == nil && depth != 0 && !m.lists(fd) {
		m.unreadRoot = base
		m.sourceProblem("open directory", base, platform.ErrDenied)
		return -1
	}
	o := origin{dir: dir, st: st, want: w, depth: depth, rootDev: st.Dev, path: base}
	if base == "." && w != nil {
		o.path = ""
	}
	if m.opts.Filter != nil {
		if o.hides, err = m.filterOf(filter.Sender, base, dir, w == nil, len(p.origins) > 0); err != nil {
			m.badRules(base, err)
		}
	}
	p.origins = append(p.origins, o)
	return len(p.origins) - 1
}

func (m *Mirror) openRoot(name platform.Name) (fd platform.FD, err error) {
	err = retry(func() error {
		fd, err = m.calls.Openat(platform.CWD, name, tree.DirFlags, 0)
		return err
	})
	if platform.Denied(err) {
		// Names can be looked up in a directory that can't be listed.
		fd, err = m.calls.Openat(platform.CWD, name, platform.PathOnly|platform.Directory, 0)
	}
	return fd, err
}

// lists reports whether an open directory can be listed: one that can only be
// searched is open in a way that can't (open(2), O_PATH).
func (m *Mirror) lists(fd platform.FD) bool {
	_, err := m.calls.Lseek(fd, 0, platform.SeekSet)
	return err == nil
}

// missingOperand reports an operand that isn't there; it is no file that
// vanished. It keeps deletions from being made, unlike in rsync: what came from
// it would go, because of a wrong name or a disk that isn't mounted.
func (m *Mirror) missingOperand(text string, err error) {
	if platform.NotExist(platform.Cause(err)) && (m.opts.IgnoreMissingArgs || m.opts.DeleteMissingArgs) {
		return
	}
	m.ioError.Store(true)
	m.fail(KindPartial, err, fmt.Sprintf("cannot stat %s: %s", apply.Quote(text), platform.Message(platform.Cause(err))))
}
