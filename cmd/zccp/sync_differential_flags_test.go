//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// syncCase is one command line and the trees that it is run on.
type syncCase struct {
	// flags are the options, each a list of words, so that one can be left out.
	flags    [][]string
	sources  []string
	dst      string
	nodes    []node
	uid      int
	compares attributesCompared
}

// attributesCompared is what a comparison of trees may look at besides the usual.
type attributesCompared struct{ atime bool }

// words returns the options and operands, for the directory of the case.
func (c *syncCase) words(root string) []string {
	var words []string
	for _, flag := range c.flags {
		words = append(words, flag...)
	}
	words = append(append(words, c.sources...), c.dst)
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "{root}", root)
	}
	return words
}

// caseMaker makes a case by chance.
type caseMaker struct {
	*pairs
	c *syncCase
	// place is where in the destination that what is in src stands.
	place string
}

func newSyncCase(rng *rand.Rand) *syncCase {
	c := &syncCase{}
	if rng.IntN(10) == 0 {
		c.uid = nobody
	}
	m := caseMaker{pairs: newPairs(rng, c.uid), c: c}
	m.flag(weighted(rng, []weight{
		{"-a", 30}, {"-aHAX", 14}, {"-rlt", 8}, {"-r", 8}, {"-aH", 6}, {"-aX", 4}, {"-aA", 4}, {"-rtgoD", 3},
		{"-rlpt", 3}, {"-dlt", 2}, {"-rlE", 2}, {"-rltD", 3}, {"-aHAXU", 2}, {"-rLt", 2}, {"-rlH", 2},
	}))
	m.source("src", 6+rng.IntN(22))
	m.dir("dst")
	m.dir("outside")
	m.add(m.attributes(node{path: "outside/foo", data: m.content()}))
	groups := []func(){m.quick, m.deletes, m.deletes, m.backup, m.writes, m.alternatives, m.links, m.filters, m.filters, m.attributesKept, m.others}
	rng.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	m.operands()
	if !m.chance(8) {
		m.destination("src", m.place, 50)
	}
	for _, group := range groups[:choose(rng, 0, 1, 1, 2, 2, 3, 4)] {
		group()
	}
	m.bound()
	c.nodes = m.nodes
	for _, flag := range c.flags {
		c.compares.atime = c.compares.atime || strings.HasPrefix(flag[0], "-a") && strings.Contains(flag[0], "U") || flag[0] == "-U"
	}
	return c
}

// bound leaves no more than one link to a directory, and none to one above it, where links
// to directories are followed: each such link is the tree once more.
func (m *caseMaker) bound() {
	follows := func(flag []string) bool {
		return regexp.MustCompile(`^(-[a-zA-Z]*[Lk]|--copy-unsafe-links)`).MatchString(flag[0])
	}
	if !slices.ContainsFunc(m.c.flags, follows) {
		return
	}
	links := 0
	for i, n := range m.nodes {
		to := path.Join(path.Dir(n.path), n.target)
		if rest, ok := strings.CutPrefix(n.target, "{root}/"); ok {
			to = path.Clean(rest)
		}
		at, known := m.at[to]
		switch {
		case n.kind != nodeSymlink || known && !m.nodes[at].isDir() && m.nodes[at].kind != nodeSymlink:
		case !known && to != "." && !strings.HasPrefix(to, ".."):
		case known && links == 0 && !strings.HasPrefix(n.path, to+"/"):
			links++
		default:
			m.nodes[i].target = "nowhere"
		}
	}
}

type weight struct {
	word   string
	weight int
}

func weighted(rng *rand.Rand, list []weight) string {
	sum := 0
	for _, w := range list {
		sum += w.weight
	}
	k := rng.IntN(sum)
	for _, w := range list {
		if k -= w.weight; k < 0 {
			return w.word
		}
	}
	panic("weights changed")
}

// flag adds one option, of words separated by spaces.
func (m *caseMaker) flag(option string) { m.c.flags = append(m.c.flags, strings.Fields(option)) }

// oneOf adds one of the options.
func (m *caseMaker) oneOf(options ...string) { m.flag(choose(m.rng, options...)) }

// file puts a file of that text beside the trees.
func (m *caseMaker) file(name, text string) {
	m.add(node{path: name, data: content{line: text, size: len(text) + 1}, mode: 0o644, mtime: unix.Timespec{Sec: 1_400_000_000}})
}

// operands says what is copied where.
func (m *caseMaker) operands() {
	c := m.c
	c.sources, c.dst, m.place = []string{"src/"}, "dst/", "dst"
	some := func() string { return m.nodes[m.rng.IntN(m.at["dst"])].path }
	switch m.rng.IntN(22) {
	default:
		c.sources, c.dst = []string{choose(m.rng, "src/", "src/", "src/.", "{root}/src/")}, choose(m.rng, "dst", "dst/", "{root}/dst")
	case 0, 1, 2:
		c.sources, c.dst, m.place = []string{"src"}, choose(m.rng, "dst", "dst/"), "dst/src"
	case 3: // a new directory
		c.dst, m.place = choose(m.rng, "new", "new/", "dst/new/"), "dst/unrelated"
		if m.chance(2) {
			c.dst = "dst/a/b/c"
			m.flag("--mkpath")
		}
	case 4: // several directories with the same names in them
		m.source("src2", 8)
		c.sources = []string{"src/", "src2/"}
		if m.chance(3) {
			c.sources = []string{"src", "src2/", "src"}
		}
	case 5, 6: // names
		c.sources = []string{some(), some(), some()}
		if m.chance(4) {
			c.sources = append(c.sources, "missing", "src/missing")
			if m.chance(2) {
				m.oneOf("--ignore-missing-args", "--delete-missing-args")
			}
		}
	case 7, 8: // one file
		name := some()
		c.sources, c.dst = []string{name}, choose(m.rng, "dst", "dst/", "dst/"+path.Base(name), "dst/other", "dst/other/", "dst/a/b")
		if m.chance(4) {
			m.flag("--mkpath")
		}
	case 9, 10, 11:
		m.relative(some)
	case 12, 13:
		m.filesFrom(some)
	}
}

func (m *caseMaker) relative(some func() string) {
	m.flag("-R")
	name := some()
	switch m.rng.IntN(4) {
	case 0:
		m.c.sources, m.place = []string{choose(m.rng, "src/", "src", "./src", "src/.")}, "dst/src"
	case 1:
		m.c.sources = []string{"src/./" + strings.TrimPrefix(strings.TrimPrefix(name, "src"), "/")}
	case 2:
		m.c.sources, m.place = []string{name, some()}, "dst/src"
	case 3:
		m.c.sources, m.place = []string{"{root}/./" + name + choose(m.rng, "", "/"), some()}, "dst/src"
	}
	if m.chance(3) {
		m.flag("--no-implied-dirs")
	}
}

func (m *caseMaker) filesFrom(some func() string) {
	var names []string
	for range 1 + m.rng.IntN(5) {
		name := strings.TrimPrefix(strings.TrimPrefix(some(), "src"), "/")
		if !strings.Contains(name, "\n") {
			names = append(names, choose(m.rng, "", "", "./", "/")+name+choose(m.rng, "", "", "/"))
		}
	}
	if m.chance(4) {
		names = append(names, "missing", "sub/missing")
	}
	if m.chance(6) {
		names = append(names, "# no comment", "; nor this", "")
	}
	m.file("list", strings.Join(names, "\n"))
	m.flag("--files-from=list")
	if m.chance(3) {
		m.oneOf("-r", "--no-R", "--no-implied-dirs", "--delete")
	}
}

func (m *caseMaker) quick() {
	m.oneOf("-c", "-c", "-u", "-u", "-I", "--size-only", "--modify-window=1", "--modify-window=-1", "--modify-window=1000",
		"--existing", "--ignore-existing", "--existing --ignore-existing", "--max-size=30", "--min-size=10", "--max-size=5K --min-size=1")
}

func (m *caseMaker) deletes() {
	m.oneOf("--delete", "--delete", "--delete", "--del", "--delete-before", "--delete-during", "--delete-delay", "--delete-after", "--delete-excluded")
	if m.chance(3) {
		m.oneOf("--force", "--max-delete=0", "--max-delete=2", "--max-delete=1000", "--ignore-errors", "--ignore-errors")
	}
}

func (m *caseMaker) backup() {
	m.oneOf("-b", "-b", "-b --suffix=.bak", "--backup --backup-dir=bak", "-b --backup-dir={root}/bak", "-b --backup-dir=../bak/deep --suffix=.old", "--suffix=.x")
}

func (m *caseMaker) writes() {
	m.oneOf("--inplace", "--inplace", "--append", "--append-verify", "-S", "-S", "--inplace -S", "--partial-dir=.part", "--partial", "--delay-updates",
		"--temp-dir={root}/outside", "-W", "--no-W", "--no-whole-file", "--preallocate", "--fsync", "--inplace --no-W", "--write-devices", "--no-W --append")
}

// alternatives gives the destination one or two directories to compare with.
func (m *caseMaker) alternatives() {
	option := choose(m.rng, "--link-dest=", "--link-dest=", "--copy-dest=", "--compare-dest=")
	for i := range choose(m.rng, 1, 1, 2) {
		name := fmt.Sprintf("alt%d", i)
		root := path.Join(name, strings.TrimPrefix(m.place, "dst"))
		m.dir(path.Dir(root))
		m.destination("src", root, 75)
		m.flag(option + choose(m.rng, strings.Repeat("../", strings.Count(strings.TrimSuffix(m.c.dst, "/"), "/")+1), "{root}/") + name)
	}
	if m.chance(3) {
		m.oneOf("--fuzzy", "--fuzzy --fuzzy")
	}
}

func (m *caseMaker) links() {
	m.oneOf("-L", "-k", "-K", "-K", "--copy-unsafe-links", "--safe-links", "--munge-links", "--no-l", "-H", "--no-H", "-l")
}

func (m *caseMaker) attributesKept() {
	m.oneOf("-O", "-J", "-U", "-E", "--chmod=Dg+s,ug+w,Fo-w,+X", "--chmod=u=rwX,go-rwx", "--chmod=D755,F644", "--chown=1000:1", "--chown=daemon:bin",
		"--usermap=0-99:nobody", "--groupmap=*:bin", "--numeric-ids", "--no-p", "--no-t", "--no-o --no-g", "--no-D", "--devices", "--specials", "--no-perms --executability",
		"--no-super", "--super", "--no-X --no-A", "-X", "-A")
}

func (m *caseMaker) others() {
	switch m.rng.IntN(8) {
	case 0:
		m.flag("-x")
		if m.uidIsRoot() && m.chance(2) {
			m.add(m.attributes(node{path: "src/mounted", kind: nodeMount}))
			m.add(m.attributes(node{path: "src/mounted/inside", data: m.content()}))
			if m.chance(3) {
				m.flag("-x")
			}
		}
	default:
		m.oneOf("-m", "-m", "--remove-source-files", "-n", "-n", "-ii", "-d", "-v", "-q", "-S -n", "--copy-devices", "--no-r", "--dirs --delete", "--numeric-ids -n", "--list-only")
	}
}

func (m *caseMaker) uidIsRoot() bool { return m.c.uid == 0 }

// filters are rules in each of the places that rules come from.
func (m *caseMaker) filters() {
	for range 1 + m.rng.IntN(3) {
		switch m.rng.IntN(12) {
		case 0:
			m.flag("-C")
			if m.chance(2) {
				m.file("src/.cvsignore", choose(m.rng, "*.c", "foo bar", "! keep"))
			}
		case 1:
			m.oneOf("-F", "-FF")
			m.filterFile("src/.rsync-filter")
			m.filterFile("src/sub/.rsync-filter")
		case 2:
			m.oneOf("--filter=dir-merge,-_.ignore", "--filter=:n-_.ignore", "--filter=dir-merge,e-_.ignore", "--filter=dir-merge,w-_.ignore", "--filter=:-_/.ignore")
			m.file("src/.ignore", "foo\n*.o")
		case 3:
			m.file("rules", choose(m.rng, "*.o\nfoo\n# comment\n\n; other", "- *.c\n+ foo\n- f*", "+ */\n+ foo\n- *", "!\n- bar"))
			m.oneOf("--exclude-from=rules", "--include-from=rules", "--filter=._rules")
		default:
			m.oneOf("--exclude=*.o", "--exclude=foo", "--exclude=/sub", "--exclude=sub/", "--exclude=d*/**", "--include=*/", "--include=foo", "--exclude=*",
				"--include=*.c", "--exclude=f*", "--exclude=**/bar", "--exclude=/src/foo", "--exclude=[a-c]*", "--exclude=?oo", "--filter=-_keep", "--filter=P_extra*", "--filter=protect_*.bak",
				"--filter=risk_*", "--filter=H_foo", "--filter=hide,!_*/", "--filter=S_foo", "--filter=-s_bar", "--filter=-r_bar", "--filter=-p_foo", "--include=sub/***", "--exclude=sub/***",
				"--filter=!", "--exclude=foo\\*", "--exclude=long-name-[[:digit:]].txt", "--filter=-!_*.c", "--filter=-/_{root}/src/sub")
		}
	}
}

func (m *caseMaker) filterFile(name string) {
	m.file(name, choose(m.rng, "- *.o", "- /foo\n+ bar", "P extra*\n- foo", "-s bar\n- .rsync-filter"))
}
