package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// TestOptionReference: docs/options.md is what the tables of options say.
func TestOptionReference(t *testing.T) {
	golden(t, "../../docs/options.md", optionReference())
}

// optionReference returns the text of docs/options.md.
func optionReference() string {
	var b strings.Builder
	b.WriteString(`# Options

Every option of every mode, made from the program's own tables (` + "`go test ./cmd/zccp -run TestOptionReference -rewrite`" + `).
` + "`zccp help TOPIC`" + ` and the manual pages in [man/](man/) say the same; examples are there, and in [cookbook.md](cookbook.md).

`)
	var done []string
	for _, m := range modes() {
		name, _, _ := strings.Cut(m.name, " ")
		if len(m.options()) == 0 || len(done) > 0 && done[len(done)-1] == name {
			continue
		}
		done = append(done, name)
		about := m.summary
		if name == "bench" {
			about = pageOf(name).about
		}
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", strings.TrimSpace("zccp "+name), strings.ToUpper(about[:1])+about[1:])
		for _, u := range pageOf(name).usage {
			if u.mode == name {
				fmt.Fprintf(&b, "    %s\n", strings.TrimSpace(strings.TrimSpace("zccp "+name)+" "+u.args))
			}
		}
		b.WriteString("\n")
		if name == "plan" {
			b.WriteString("The options of [zccp sync](#zccp-sync).\n\n")
			continue
		}
		for _, g := range optionGroups(name) {
			if g.title != "" {
				fmt.Fprintf(&b, "### %s\n\n", g.title)
			}
			if g.about != "" {
				b.WriteString(markdown(g.about) + "\n\n")
			}
			b.WriteString("| option | |\n|---|---|\n")
			for _, o := range g.options {
				fmt.Fprintf(&b, "| %s | %s |\n", o.markdownNames(), markdown(o.meaning()))
			}
			b.WriteString("\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// markdownNames returns every name of the option, the value behind the last one.
func (o modeOption) markdownNames() string {
	var names []string
	for _, name := range o.ordered() {
		names = append(names, spelling(name))
	}
	last, value := &names[len(names)-1], cmp.Or(o.value, "VALUE")
	switch {
	case o.kind == requiredValue && len(*last) == 2:
		*last += " " + value
	case o.kind == requiredValue:
		*last += "=" + value
	case o.kind == optionalValue:
		*last += "[=" + value + "]"
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

// markdown makes options stand out, and characters for themselves that Markdown knows better.
func markdown(text string) string {
	var words []string
	for _, word := range textWords(text) {
		var b strings.Builder
		for _, s := range word {
			switch s.kind {
			case spanOption, spanCode:
				b.WriteString("`" + s.text + "`")
			case spanArg:
				b.WriteString("*" + s.text + "*")
			default:
				b.WriteString(strings.NewReplacer("|", `\|`, "<", "&lt;", "[", `\[`).Replace(s.text))
			}
		}
		words = append(words, b.String())
	}
	return strings.Join(words, " ")
}
