package filter

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// reference matches like wildmatch, straight from what the manual says of wildcards: it
// tries everything and prunes nothing.
func reference(p, s []byte) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	switch p[0] {
	case '*':
		rest := bytes.TrimLeft(p, "*")
		if len(rest) == 0 && len(p) == 1 {
			return bytes.IndexByte(s, '/') < 0
		}
		for i := 0; ; i++ {
			if reference(rest, s[i:]) {
				return true
			}
			if i == len(s) || s[i] == '/' && len(p)-len(rest) == 1 {
				return false
			}
		}
	case '?':
		return len(s) > 0 && s[0] != '/' && reference(p[1:], s[1:])
	case '\\':
		return len(s) > 0 && len(p) > 1 && s[0] == p[1] && reference(p[2:], s[1:])
	case '[':
		if len(s) == 0 {
			return false
		}
		n, in := class(p[1:], s[0])
		return n >= 0 && in && s[0] != '/' && reference(p[1+n:], s[1:])
	}
	return len(s) > 0 && s[0] == p[0] && reference(p[1:], s[1:])
}

// checkWildmatch compares wildmatch with the reference, for a text in one piece and in two.
func checkWildmatch(t interface{ Fatalf(string, ...any) }, pattern, name []byte) {
	want := reference(pattern, name)
	for cut := range len(name) + 1 {
		got := wildmatch(pattern, &text{dir: name[:cut], name: name[cut:]}, 0) == match
		if got != want {
			t.Fatalf("%q with %q, cut at %d: %v", pattern, name, cut, got)
		}
	}
}

func TestWildmatchProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{
			"a", "b", "/", "*", "**", "?", "[!b]", "[a/]", "[^-a]", "[a-b]", "[]b]", `[\]a]`, `\a`, `\*`, "[", "[[:alpha:]]", "[a", "***",
		})
		pattern := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pattern"), "")
		for range 20 {
			name := rapid.StringOfN(rapid.SampledFrom([]rune(`aab/b-*`)), 0, 8, -1).Draw(t, "name")
			checkWildmatch(t, []byte(pattern), []byte(name))
		}
	})
}

// FuzzMatch looks for patterns that are matched otherwise than the manual says.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"*.o", "x.o"}, {"a*b*c", "aXbXc"}, {"**/foo", "a/b/foo"}, {"a/**/b", "a/x/y/b"}, {"[!a-c]", "d"}, {"[]-a]", "]"},
		{`\*`, "*"}, {"[[:alpha:][:digit:]]x", "1x"}, {"a**b*/c", "axxb/c"}, {"[a", "a"}, {"***", "a/b"}, {"*/*/**x", "a/b/cx"},
		{"**a*b", "a/ab"}, {"a[!x]b", "a/b"}, {"a[/]b", "a/b"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, pattern, name []byte) {
		// The reference takes exponential time.
		if len(pattern) > 24 || len(name) > 24 || bytes.Count(pattern, []byte("*")) > 8 {
			return
		}
		checkWildmatch(t, pattern, name)
	})
}

// TestManyStars checks that the time for a match is not exponential in the stars.
func TestManyStars(t *testing.T) {
	for _, pattern := range []string{
		strings.Repeat("*a", 40) + "b", strings.Repeat("**a", 40) + "b", strings.Repeat("*a*/", 12) + "b",
		strings.Repeat("**/*a", 10) + "/b",
	} {
		names := []string{strings.Repeat("a", 200), strings.Repeat("aa/", 60)}
		for _, name := range names {
			tx := &text{name: []byte(name)}
			wildmatch([]byte(pattern), tx, 0)
			gitWildmatch([]byte(pattern), tx, 0, true)
			gitWildmatch([]byte(pattern), tx, 0, false)
		}
	}
}

// FuzzParse feeds rules, files of rules and files of git's patterns. Nothing may crash, an
// error is one line, and a rule that was read is read again from how it is printed.
func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{"- foo", "+ *.c\n- *\n"}, {": .filt", "- /x\n!\n:n .other\n"}, {":C", "a b ! c"}, {"dir-merge,e /.f", "# x\r\n-p y/"},
		{"-C", "P *.o\nrisk_x\n"}, {".w f", "-_a +_b"}, {":- f", "[a-\n\\"}, {"-!/srpx a/**/b", "hide,! **"}, {":s f", "- a"},
		{":/new+p f", "x"}, {"dir-merge,n- f", ""}, {"+sr \n", ""}, {"\nx", ""},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, rule string, contents []byte) {
		read := func(string) ([]byte, error) { return contents, nil }
		oneLine := func(err error) bool {
			if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("%q: more than one line: %v", rule, err)
			}
			return err == nil
		}
		l := New(read)
		if !oneLine(l.Add(rule)) || !oneLine(l.ExcludeFile(contents, false)) {
			return
		}
		l.Gitignore(contents)
		for i := range l.rules {
			again(t, &l.rules[i])
		}
		for side := Sender; side <= Receiver; side++ {
			d, err := l.Root(side, []byte("/top")).Enter([]byte("."), read)
			if !oneLine(err) {
				continue
			}
			for _, name := range []string{"a", "foo.c", "*"} {
				if d.Match([]byte(name), true) > Excluded {
					t.Fatalf("%q: no verdict", name)
				}
			}
			if d, err = d.Enter([]byte("sub"), read); oneLine(err) {
				d.Match([]byte("x"), false)
			}
		}
	})
}

// again reads a rule from its text and compares.
func again(t *testing.T, r *Rule) {
	text := r.String()
	if r.flags&gitIgnore != 0 || len(r.pattern) == 0 && r.flags&cvsIgnore == 0 || strings.HasSuffix(text, ",") {
		return
	}
	l := New(nil)
	if err := l.Add(text); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if len(l.rules) != 1 || l.rules[0].flags != r.flags || !bytes.Equal(l.rules[0].pattern, r.pattern) {
		t.Fatalf("%q is read as %+v, not as %+v", text, l.rules, r)
	}
}
