package filter_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
)

// generator makes trees and rules that meet often enough to be worth comparing.
type generator struct {
	*rand.Rand
	// above is the absolute path, without the slash in front, of the directory with both
	// trees, for rules with the modifier /.
	above string
}

// names are what trees consist of. Those that end with D are directories wherever they
// stand, so that one path is never a file in one tree and a directory in the other.
var (
	dirNames  = []string{"a", "b", "ab", "dD", "CVS", ".git", "a*b", "x[1]", "src", "q?"}
	fileNames = []string{
		"f", "foo", "foo.o", "foo.c", "bar", "bar.o", "core", "x~", "#y", ".hid", "a b", "e\\f",
		"é", "[z]", "*", "1", "A", "f-", "- f", "!", "_u", "tags", "foo.bak", "t ",
	}
	ruleFiles = []string{".filt", ".rules", ".rsync-filter", ".cvsignore", "more"}
)

func (g *generator) one(in []string) string { return in[g.IntN(len(in))] }

// often tells yes in n of 100 cases.
func (g *generator) often(n int) bool { return g.IntN(100) < n }

// tree maps paths to contents; a path that ends with a slash is a directory.
type tree map[string]string

// paths returns the sorted paths.
func (t tree) paths() []string {
	list := make([]string, 0, len(t))
	for p := range t {
		list = append(list, p)
	}
	sort.Strings(list)
	return list
}

func (g *generator) tree(contents func(name string) string) tree {
	t := tree{}
	g.fill(t, "", 0, contents)
	return t
}

func (g *generator) fill(t tree, at string, depth int, contents func(string) string) {
	for range 1 + g.IntN(5) {
		t[at+g.one(fileNames)] = ""
	}
	for _, name := range ruleFiles {
		if g.often(25) {
			t[at+name] = contents(name)
		}
	}
	if depth == 3 {
		return
	}
	for range g.IntN(4) {
		dir := at + g.one(dirNames) + "/"
		if _, there := t[dir]; !there {
			t[dir] = ""
			g.fill(t, dir, depth+1, contents)
		}
	}
}

// pattern returns a pattern, most of the time one that some name matches.
func (g *generator) pattern() string {
	n := 1
	if g.often(40) {
		n += 1 + g.IntN(2)
	}
	var b strings.Builder
	if g.often(25) {
		b.WriteByte('/')
	}
	for i := range n {
		if i > 0 {
			b.WriteByte('/')
		}
		name := g.one(fileNames)
		if i < n-1 || g.often(45) {
			name = g.one(dirNames)
		}
		b.WriteString(g.wild(name))
	}
	b.WriteString(g.one([]string{"", "", "", "", "/", "/", "/*", "/**", "/***", "**", "***", "//"}))
	return b.String()
}

// wild replaces parts of a name by wildcards.
func (g *generator) wild(name string) string {
	switch g.IntN(22) {
	case 0, 1:
		return "*"
	case 2:
		return "**"
	case 3:
		return "***"
	case 4:
		return name[:1] + "*"
	case 5:
		return "*" + name[len(name)-1:]
	case 6:
		return "?" + name[1:]
	case 7:
		return name[:1] + "**"
	case 8:
		return "[" + name[:1] + "-z]" + name[1:]
	case 9:
		return "[!a]" + name[1:]
	case 10:
		return "[^[:digit:]]*"
	case 11:
		return g.one([]string{
			"[[:alpha:]]", "[[:upper:][:digit:]]", "[]z]", "[a", "[[:none:]]", "[[:alpha]x]*", `[\]x]*`, "[a-]*",
			"[--z]*", "[[]z]", `\[z]`, `[\a-\f]*`, "[[:punct:]]*", "[a-c-e]*", "[!]", "[]", "[[.z]*", "[b-a]*",
		})
	case 12:
		return strings.NewReplacer("*", `\*`, "[", `\[`, "?", `\?`).Replace(name)
	case 13:
		return `*\` + name
	case 14:
		return name + `\`
	case 15:
		return "*" + g.one([]string{".o", "o", "", "*", "?", "b*", "?*?"})
	}
	return name
}

// rule returns one rule; deep tells that it is in a file, where mistakes are rare.
func (g *generator) rule(deep bool) string {
	mistakes := 2
	if deep {
		mistakes = 0
		if g.often(1) {
			mistakes = 15
		}
	}
	separator := g.one([]string{" ", " ", " ", "_"})
	switch n := g.IntN(100); {
	case n < 45:
		kind := g.one([]string{"-", "-", "-", "+", "+", "exclude", "include"})
		mods := g.mods("/!srpx", 25)
		if mods != "" && len(kind) > 1 || g.often(5) {
			mods = "," + mods
		}
		return kind + mods + separator + g.anyPattern()
	case n < 70:
		kind := g.one([]string{"P", "R", "S", "H", "H", "P", "hide", "show", "protect", "risk"})
		mods := g.mods("/!p", 15)
		if mods != "" && len(kind) > 1 {
			mods = "," + mods
		}
		return kind + mods + separator + g.anyPattern()
	case n < 82:
		kind := g.one([]string{":", "dir-merge"})
		mods := g.mods("-+enwsrp/C", 20)
		if mods != "" && len(kind) > 1 {
			mods = "," + mods
		}
		file := g.one(ruleFiles)
		switch g.IntN(12) {
		case 0:
			file = "/" + file
		case 1:
			file = "../" + file
		case 2:
			file = "../../" + file
		case 3:
			file = "a/" + file
		case 4:
			file += "/"
		case 5:
			file = "/" + g.above + "/" + file
		}
		return kind + mods + separator + file
	case n < 88 && (!deep || g.often(30)):
		kind := g.one([]string{".", "merge"})
		mods := g.mods("-+enwsrp/C", 20)
		if mods != "" && len(kind) > 1 {
			mods = "," + mods
		}
		file := g.one([]string{"one", "two", "./one", "sub/three", "/" + g.above + "/two"})
		return kind + mods + separator + file
	case n < 90:
		return g.one([]string{"!", "clear", "!", "clear,", "!,"})
	case n < 93:
		return g.one([]string{"-C", ":C", "-C", ":C", "+C", "-Cs", ":Cp", "-Cp", ":Cr .filt", ".C one"})
	case n < 93+mistakes:
		return g.one([]string{
			"x foo", "-z foo", "! foo", "-", "+ ", ": ", "clear foo", "-e foo", "Hs foo", "excl foo", ":-C x", "-,",
			"merge", "-- foo", "P", ".! one", "exclude\tfoo", "-sr,foo", "clear ", ". none",
		})
	}
	return g.one([]string{"- ", "+ ", "- "}) + g.pattern()
}

func (g *generator) anyPattern() string {
	if g.often(6) {
		return "/" + g.above + "/src" + g.one([]string{"", "", "/"}) + g.pattern()
	}
	return g.pattern()
}

// mods returns modifiers, each with the same chance.
func (g *generator) mods(all string, chance int) string {
	var b strings.Builder
	for g.often(chance) {
		b.WriteByte(all[g.IntN(len(all))])
	}
	return b.String()
}

// rules returns the contents of a file of rules.
func (g *generator) rules(name string) string {
	if name == ".cvsignore" {
		words := []string{g.pattern(), g.one(fileNames), g.pattern()}
		if g.often(20) {
			words = append(words, "!", g.pattern())
		}
		return strings.Join(words, g.one([]string{" ", "\n", "\t", " \n"}))
	}
	var b strings.Builder
	for range 1 + g.IntN(3) {
		switch {
		case g.often(8):
			b.WriteString(g.one([]string{"# - *", "; - *", "", "#"}))
		default:
			b.WriteString(g.rule(true))
		}
		b.WriteString(g.one([]string{"\n", "\n", "\n", "\r\n", "\r"}))
	}
	return b.String()
}

// option is one option of the command line that makes rules.
type option struct{ name, value string }

func (o option) String() string {
	if o.value == "" && len(o.name) == 2 || o.name == "--delete-excluded" || o.name == "--from0" {
		return o.name
	}
	return fmt.Sprintf("%s=%s", o.name, o.value)
}

func (g *generator) options() []option {
	var list []option
	for range 2 + g.IntN(4) {
		switch n := g.IntN(100); {
		case n < 70:
			list = append(list, option{"--filter", g.rule(false)})
		case n < 76:
			list = append(list, option{"--include", g.prefixed()})
		case n < 84:
			list = append(list, option{"--exclude", g.prefixed()})
		case n < 87:
			list = append(list, option{"--include-from", "patterns1"})
		case n < 91:
			list = append(list, option{"--exclude-from", "patterns2"})
		case n < 94:
			list = append(list, option{"-C", ""})
		case n < 98:
			list = append(list, option{"-F", ""})
		case n < 99:
			list = append(list, option{"--from0", ""})
		default:
			list = append(list, option{"--delete-excluded", ""})
		}
	}
	if g.often(12) {
		list = append(list, option{"--delete-excluded", ""})
	}
	return list
}

// prefixed returns a pattern for --include and its like.
func (g *generator) prefixed() string {
	p := g.pattern()
	switch g.IntN(20) {
	case 0:
		return "- " + p
	case 1:
		return "+ " + p
	case 2:
		return "!"
	case 3:
		return "!" + p
	case 4:
		return g.one([]string{"", "- ", "-_" + p, "P " + p, ": .filt", " " + p, "#" + p})
	}
	return p
}

// patternFile returns the contents of a file for --exclude-from.
func (g *generator) patternFile() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		p := g.prefixed()
		if p == "- " {
			p = "; x"
		}
		b.WriteString(p)
		b.WriteByte('\n')
	}
	return b.String()
}
