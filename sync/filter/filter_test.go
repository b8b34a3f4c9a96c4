package filter_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/zccp/zccp/sync/filter"
)

// files are contents by absolute path.
type files map[string]string

func (f files) in(dir string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !strings.HasPrefix(name, "/") {
			name = dir + name
		}
		if contents, ok := f[name]; ok {
			return []byte(contents), nil
		}
		return nil, nil
	}
}

// open is for merge files, which have to be there.
func (f files) open(name string) ([]byte, error) {
	if contents, ok := f[name]; ok {
		return []byte(contents), nil
	}
	return nil, fs.ErrNotExist
}

// verdict returns what the rules say of a path below /top, a directory if it ends with a
// slash. What is above the path is entered, whatever the rules say.
func verdict(t testing.TB, l *filter.List, side filter.Side, f files, name string) filter.Verdict {
	t.Helper()
	d, base, isDir := enter(t, l, side, f, name)
	return d.Match([]byte(base), isDir)
}

func enter(t testing.TB, l *filter.List, side filter.Side, f files, name string) (d *filter.Dir, base string, isDir bool) {
	t.Helper()
	name, isDir = strings.CutSuffix(name, "/")
	parts := strings.Split(name, "/")
	at := "/top/"
	d, err := l.Root(side, []byte("/top")).Enter([]byte("."), f.in(at))
	for _, p := range parts[:len(parts)-1] {
		if err == nil {
			at += p + "/"
			d, err = d.Enter([]byte(p), f.in(at))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, parts[len(parts)-1], isDir
}

func list(t testing.TB, f files, rules ...string) *filter.List {
	t.Helper()
	l := filter.New(f.open)
	for _, r := range rules {
		if err := l.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

const (
	none = filter.None
	in   = filter.Included
	out  = filter.Excluded
)

// TestManual has the examples of rsync(1), and what it says in words.
func TestManual(t *testing.T) {
	tests := []struct {
		rules string // separated by |
		name  string
		want  filter.Verdict
	}{
		{"- *.o", "a/x.o", out},
		{"- *.o", "a/x.c", none},
		{"- /foo", "foo", out},
		{"- /foo", "a/foo", none},
		{"- foo/", "a/foo/", out},
		{"- foo/", "a/foo", none},
		{"- foo/*/bar", "a/foo/x/bar", out},
		{"- foo/*/bar", "foo/bar", none},
		{"- foo/*/bar", "foo/x/y/bar", none},
		{"- /foo/**/bar", "foo/x/y/bar", out},
		{"- /foo/**/bar", "foo/x/bar", out},
		{"- /foo/**/bar", "foo/bar", none},
		{"+ */|+ *.c|- *", "a/", in},
		{"+ */|+ *.c|- *", "x.c", in},
		{"+ */|+ *.c|- *", "x.o", out},
		{"+ foo/|+ foo/bar.c|- *", "foo/", in},
		{"+ foo/|+ foo/bar.c|- *", "foo/bar.c", in},
		{"+ foo/|+ foo/bar.c|- *", "bar.c", out},
		{"- foo", "a/b/foo", out},
		{"- foo/bar", "a/foo/bar", out},
		{"- foo/bar", "afoo/bar", none},
		{"- dir/***", "dir/", out},
		{"- dir/***", "dir/x/y", out},
		{"- dir/***", "dir", none},
		{"- dir/**", "dir/", none},
		{"- dir/**", "dir/x", out},
		{"- ?oo", "foo", out},
		{"- a?b", "a/b", none},
		{"- [[:alpha:]]x", "ax", out},
		{"- [[:alpha:]]x", "1x", none},
		{"- [!a-c]x", "dx", out},
		{"- [^a-c]x", "bx", none},
		{`- foo\bar`, `foo\bar`, out},
		{`- foo\bar*`, `foo\bar`, none},
		{`- foo\bar*`, "foobar", out},
		{`- foo\\bar*`, `foo\bar`, out},
		{`- \*`, "*", out},
		{`- \*`, "x", none},
		{"-/ /top/passwd", "passwd", out},
		{"-/ top/a/foo", "a/foo", out},
		{"- top/a/foo", "a/foo", none},
		{"-! */", "x", out},
		{"-! */", "x/", none},
		{"-x foo", "foo", none},
		{"-_foo", "foo", out},
		{"-__foo", "_foo", out},
		{"exclude foo|include foo", "foo", out},
		{"include,/ foo", "foo", in},
		{"- foo|!|+ bar", "foo", none},
		{"- foo|clear", "foo", none},
		{"-C", "a/x.o", out},
		{"-C", ".git/", out},
		{"-C", ".git", none},
		{"+C", "core", in},
		{"- **/foo", "foo", out},
		{"- a**", "a/b/c", out},
		{"- b**", "a/b/c", out},
		{"- /a[!x]b", "a/b", none}, // a slash is in no class
		{"- /a[/]b", "a/b", none},
	}
	for _, test := range tests {
		l := list(t, nil, strings.Split(test.rules, "|")...)
		if got := verdict(t, l, filter.Sender, nil, test.name); got != test.want {
			t.Errorf("%s: %s: %v, not %v", test.rules, test.name, got, test.want)
		}
	}
}

func TestSides(t *testing.T) {
	tests := []struct {
		rule             string
		sender, receiver filter.Verdict
		deleteExcluded   filter.Verdict // of the receiver
	}{
		{"- foo", out, out, none},
		{"+ foo", in, in, none},
		{"H foo", out, none, none},
		{"S foo", in, none, none},
		{"P foo", none, out, out},
		{"R foo", none, in, in},
		{"hide,p foo", out, none, none},
		{"-s foo", out, none, none},
		{"-r foo", none, out, out},
		{"-sr foo", out, out, out},
		{"-C", none, none, none},
	}
	for _, test := range tests {
		for _, after := range []bool{false, true} {
			plain := list(t, nil, test.rule)
			excluded := filter.New(nil)
			if !after {
				excluded.DeleteExcluded()
			}
			if err := excluded.Add(test.rule); err != nil {
				t.Fatal(err)
			}
			if after {
				excluded.DeleteExcluded()
			}
			if got := verdict(t, plain, filter.Sender, nil, "foo"); got != test.sender {
				t.Errorf("%s: sender: %v", test.rule, got)
			}
			if got := verdict(t, plain, filter.Receiver, nil, "foo"); got != test.receiver {
				t.Errorf("%s: receiver: %v", test.rule, got)
			}
			if got := verdict(t, excluded, filter.Sender, nil, "foo"); got != test.sender {
				t.Errorf("%s: sender with --delete-excluded: %v", test.rule, got)
			}
			if got := verdict(t, excluded, filter.Receiver, nil, "foo"); got != test.deleteExcluded {
				t.Errorf("%s: receiver with --delete-excluded: %v", test.rule, got)
			}
		}
	}
}

func TestMergeFiles(t *testing.T) {
	f := files{
		"rules":            "# comment\n; comment\n\n- a\r\n+ #b\n. more\n",
		"more":             "- c",
		"names":            "x y\n!z",
		"/top/.filt":       "- /anchored\n- low\n",
		"/top/d/.filt":     "+ low\n",
		"/top/e/.filt":     "!\n",
		"/.filt":           "- above\n",
		"/top/d/e/.excl":   "word split",
		"/top/.cvsignore":  "own",
		"/top/d/f/.filt":   "- /anchored\n",
		"/top/d/f/.nested": "- inner\n",
	}
	tests := []struct {
		rules string
		name  string
		want  filter.Verdict
	}{
		{". rules", "a", out},
		{". rules", "#b", in},
		{". rules", "c", out},
		{".- names", "x y", out},
		{".- names", "!z", out},
		{".-w names", "y", out},
		{".+ names", "x y", in},
		{".C names", "x", out},
		{".e rules|", "rules", out},
		{".-/ names", "x y", out},
		{": .filt", "anchored", out},
		{": .filt", "d/anchored", none},
		{": .filt", "d/f/anchored", out},
		{": .filt", "d/low", in},
		{": .filt", "d/x/low", in},
		{": .filt", "e/low", none},
		{": .filt", "g/low", out},
		{": .filt", "above", none},
		{": /.filt", "above", out},
		{": ../.filt", "above", out},
		{"+ above|: /.filt", "above", in},
		{":n .filt", "d/x/low", none},
		{":n .filt", "g/low", none},
		{":n .filt", "low", out},
		{":e .filt", "d/.filt", out},
		{":-w .excl", "d/e/split", out},
		{":C", "own", out},
		{":C", "d/own", none},
		{": .nested|: .filt", "d/f/inner", out},
		{":s .filt", "low", out},
		{": .filt/", "low", none}, // the slash passes to the rules of the file
		{": .filt/", "low/", out},
	}
	for _, test := range tests {
		rules := strings.Split(strings.TrimSuffix(test.rules, "|"), "|")
		l := list(t, f, rules...)
		if got := verdict(t, l, filter.Sender, f, test.name); got != test.want {
			t.Errorf("%s: %s: %v, not %v", test.rules, test.name, got, test.want)
		}
	}
	if got := verdict(t, list(t, f, ":s .filt"), filter.Receiver, f, "low"); got != none {
		t.Errorf("a dir-merge of the sender: receiver: %v", got)
	}
}

func TestOptions(t *testing.T) {
	l := filter.New(nil)
	check := func(name string, want filter.Verdict) {
		t.Helper()
		if got := verdict(t, l, filter.Sender, nil, name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(l.Exclude("gone"))
	must(l.Exclude("!"))
	must(l.Exclude("!a"))
	must(l.Exclude("+ b"))
	must(l.Include("- c"))
	must(l.Include("P d"))
	must(l.Exclude(""))
	must(l.IncludeFile([]byte("e\n- f\n;g\n"), false))
	must(l.ExcludeFile([]byte("h\ni\x00+ j\x00#k\x00"), true))
	for name, want := range map[string]filter.Verdict{
		"gone": none, "!a": out, "b": in, "c": out, "d": none, "P d": in, "e": in, "f": out, "g": none, "h": none,
		"h\ni": out, "j": in, "#k": none,
	} {
		check(name, want)
	}
	l = filter.New(nil)
	if !l.Empty() {
		t.Error("a new list is not empty")
	}
	l.PerDir()
	check(".rsync-filter", none)
	l = filter.New(nil)
	for range 3 {
		l.PerDir()
	}
	check(".rsync-filter", out)
	l = filter.New(nil)
	must(l.CVS())
	must(l.Add("+ core")) // in front of -C wherever that stands
	check("core", in)
	check("x.o", out)
	if l.Empty() {
		t.Error("a list with -C is empty")
	}
}

func TestRefused(t *testing.T) {
	f := files{"bad": "- a\nfoo\n", "sided": "H a\n", "self": "- a\n. self\n. self\n"}
	for _, rule := range []string{
		"", "x foo", "foo", "-", "- ", "-z foo", "+e foo", "! foo", "clear foo", "Hs foo", "Pr foo", ":-C foo", ":! foo",
		". absent", ". self", ". bad", ".s sided", "merge", "excludefoo", "HC", "- " + strings.Repeat("x", 5000), "-\n foo", "foo\nbar",
	} {
		err := filter.New(f.open).Add(rule)
		if rule == "" {
			if err != nil {
				t.Errorf("an empty rule is none: %v", err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%.20q: not refused", rule)
		} else if strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%q: more than one line: %v", rule, err)
		}
	}
	l := list(t, nil, ": .filt")
	_, err := l.Root(filter.Sender, []byte("/top")).Enter([]byte("a"), files{"/top/a/.filt": "foo\n"}.in("/top/a/"))
	if err == nil || !strings.Contains(err.Error(), "/top/a/.filt") {
		t.Errorf("a bad rule in a directory: %v", err)
	}
	_, err = l.Root(filter.Sender, []byte("/top")).Enter([]byte("a"), func(string) ([]byte, error) { return nil, fs.ErrPermission })
	if err == nil || !strings.Contains(err.Error(), "/top/a/.filt") {
		t.Errorf("a file that can't be read: %v", err)
	}
}

// TestGitignoreWithRules checks where the rules of git stand among the others.
func TestGitignoreWithRules(t *testing.T) {
	f := files{"/top/.gitignore": "*.o\n!keep.o\n!free.o\ndir/\n"}
	l := list(t, f, "+ first.o")
	l.Gitignore([]byte("lower\nkeep.o\n"))
	if err := l.Add("- keep.*"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]filter.Verdict{
		"first.o": in, "x.o": out, "keep.o": out, "free.o": none, "lower": out, "other": none, "dir/": out, "dir/x": out, "d/x.o": out,
	} {
		if got := verdict(t, l, filter.Sender, f, name); got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
	l = list(t, f)
	l.Gitignore()
	l.DeleteExcluded()
	if got := verdict(t, l, filter.Receiver, f, "x.o"); got != none {
		t.Errorf("--delete-excluded: receiver: %v", got)
	}
}
