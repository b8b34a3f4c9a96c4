package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zccp/zccp/sync/filter"
)

// mdoc returns the page in the language of mdoc(7).
func (p *manualPage) mdoc() string {
	w := &mdocWriter{}
	w.b.WriteString(`.\" Made from the tables and texts of cmd/zccp: go test ./cmd/zccp -run TestManual -rewrite` + "\n")
	w.macro("Dd", manualDate)
	w.macro("Dt", strings.ToUpper(p.name), strconv.Itoa(p.section))
	w.macro("Os", "zccp")
	w.macro("Sh", "NAME")
	w.macro("Nm", mdocText(p.name))
	w.macro("Nd", mdocText(p.about))
	if p.usage != nil {
		w.macro("Sh", "SYNOPSIS")
	}
	for _, u := range p.usage {
		w.macro("Nm", strings.TrimSpace("zccp "+u.mode))
		if args := mdocUsage(u.args); args != nil {
			w.macro(args...)
		}
	}
	w.blocks(p.blocks(), func(name string) { p.insertMdoc(w, name) })
	w.macro("Sh", "SEE ALSO")
	for i, page := range p.seeAlso() {
		end := []string{","}
		if i == len(p.seeAlso())-1 {
			end = nil
		}
		w.macro(append(mdocWord(plainSpans(page), false), end...)...)
	}
	w.flush()
	return w.b.String()
}

// seeAlso returns the pages that this one refers to, in the order that mdoc(7)
// asks for: that of sections, then that of names.
func (p *manualPage) seeAlso() []string {
	list := slices.Clone(p.see)
	for _, other := range manualPages() {
		if other.name != p.name {
			list = append(list, other.title())
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(a[len(a)-2], b[len(b)-2]), cmp.Compare(a, b))
	})
	return list
}

// mdocUsage returns the macros for the arguments of a way of calling.
func mdocUsage(args string) []string {
	var list []string
	for word := range strings.FieldsSeq(args) {
		for strings.HasPrefix(word, "[") {
			list = append(list, "Oo")
			word = word[1:]
		}
		core := strings.TrimRight(word, "].")
		switch {
		case core[0] == '-':
			list = append(list, "Fl", mdocArg(core[1:]))
		case core == strings.ToLower(core) && isLetter(core[0]):
			list = append(list, "Cm", mdocArg(core))
		case isLetter(core[0]):
			list = append(list, "Ar", mdocArg(core))
		default:
			list = append(list, "No", mdocArg(core))
		}
		tail := word[len(core):]
		for strings.HasPrefix(tail, "]") {
			list = append(list, "Oc")
			tail = tail[1:]
		}
		if tail != "" {
			list = append(list, "Ns", "No", "...")
		}
	}
	return list
}

// insertMdoc writes what {NAME} stands for.
func (p *manualPage) insertMdoc(w *mdocWriter, name string) {
	what, mode, _ := strings.Cut(name, " ")
	switch what {
	case "options":
		p.mdocOptions(w, mode)
	default:
		w.blocks(p.inserted(name), func(name string) { p.insertMdoc(w, name) })
	}
}

// inserted returns what {NAME} stands for, but for tables of options.
func (p *manualPage) inserted(name string) []textBlock {
	switch name {
	case "environment", "paths":
		return readText(name)
	case "examples":
		b := textBlock{kind: blockTerms}
		for _, x := range p.examples {
			b.items = append(b.items, textItem{"`" + strings.TrimSpace("zccp "+x.mode) + " " + x.args + "`", x.does})
		}
		return []textBlock{b}
	case "commands":
		b := textBlock{kind: blockTerms}
		for _, m := range modes() {
			does := m.summary + "."
			if page := pageOf(m.name); page.name != p.name {
				does = m.summary + ", see " + page.title() + "."
			}
			if m.name != "" {
				b.items = append(b.items, textItem{"`zccp " + m.name + "`", does})
			}
		}
		return []textBlock{b}
	case "exit":
		b := textBlock{kind: blockTerms}
		for _, row := range p.exitRows() {
			b.items = append(b.items, textItem{row.Code, row.Meaning})
		}
		return []textBlock{b}
	case "cvs":
		return []textBlock{{kind: blockLiteral, text: strings.Join(wrap(filter.CVSDefault(), 72), "\n")}}
	}
	panic("the text of " + p.title() + " has an unknown {" + name + "}")
}

// exitRows returns the exit codes that the page tells of.
func (p *manualPage) exitRows() []exitRow {
	switch p.name {
	case "zccp-sync":
		return syncExitStatus()
	case "zccp-verify":
		return verifyStatus()
	}
	return exitStatus()
}

// optionGroup is consecutive rows of a mode's table that belong together.
type optionGroup struct {
	title, about string
	options      []modeOption
}

// optionGroups returns the table of a mode, or of all benches, in its groups.
func optionGroups(name string) []optionGroup {
	if name == "bench" {
		var groups []optionGroup
		for _, g := range benchGroups() {
			kind := ""
			if g.kinds != nil {
				kind = g.kinds[0]
			}
			groups = append(groups, optionGroup{g.title, g.about, flagOptions("bench "+kind, g.flags)})
		}
		return groups
	}
	var groups []optionGroup
	for _, m := range modes() {
		if m.name != name {
			continue
		}
		for _, o := range m.options() {
			if n := len(groups); n == 0 || groups[n-1].title != o.group {
				groups = append(groups, optionGroup{title: o.group})
			}
			g := &groups[len(groups)-1]
			g.options = append(g.options, o)
		}
	}
	return groups
}

// meaning is what manual and reference say of an option: its usage with the name of
// the value marked, why it changes nothing or is refused, and what turns it off.
func (o modeOption) meaning() string {
	text := o.usage
	switch {
	case o.idle != "":
		text = "accepted, changes nothing: " + o.idle
	case o.never != "":
		text = "refused: " + o.never
	case o.value != "":
		text = markWord(text, o.value)
	}
	if len(o.off) > 0 {
		var names []string
		for _, name := range o.off {
			names = append(names, "--"+name)
		}
		text += "; off: " + strings.Join(names, ", ")
	}
	return text
}

// markWord puts *...* around what stands for something else.
func markWord(text, word string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		if core := strings.TrimRight(w, ".,;:)"); core == word {
			words[i] = "*" + core + "*" + w[len(core):]
		}
	}
	return strings.Join(words, " ")
}

func (p *manualPage) mdocOptions(w *mdocWriter, mode string) {
	if mode == "" {
		mode = p.modes[0]
	}
	for _, g := range optionGroups(mode) {
		if g.title != "" {
			w.macro("Ss", mdocText(g.title))
		}
		if g.about != "" {
			w.text(g.about)
		}
		w.macro("Bl", "-tag", "-width", "Ds")
		for _, o := range g.options {
			w.macro(append([]string{"It"}, o.mdocNames()...)...)
			w.text(o.meaning() + ".")
		}
		w.macro("El")
	}
}

// mdocNames returns the head of an option's entry: every name, letters first, and
// the value behind those that take it.
func (o modeOption) mdocNames() []string {
	var list []string
	for _, name := range o.ordered() {
		if list != nil {
			list = append(list, ",")
		}
		list = append(list, "Fl", mdocArg(spelling(name)[1:]))
		value := cmp.Or(o.value, "VALUE")
		switch {
		case o.kind == requiredValue && len(name) == 1:
			list = append(list, "Ar", mdocArg(value))
		case o.kind == requiredValue:
			list = append(list, "Ns", "=", "Ns", "Ar", mdocArg(value))
		case o.kind == optionalValue && len(name) > 1:
			list = append(list, "Ns", "Oo", "=", "Ns", "Ar", mdocArg(value), "Oc")
		}
	}
	return list
}

// ordered returns the option's names, letters first.
func (o modeOption) ordered() []string {
	names := slices.Clone(o.names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(min(len(a), 2), min(len(b), 2)) })
	return names
}
