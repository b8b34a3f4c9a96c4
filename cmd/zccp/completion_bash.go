package main

import (
	"fmt"
	"slices"
	"strings"
)

// bashTables returns the tables of the script for bash.
func bashTables() map[string]string {
	words, _ := commandWords()
	return map[string]string{
		"MODES":    strings.Join(words, " "),
		"NAMES":    bashNames(),
		"VALUES":   bashValues(),
		"OPERANDS": bashOperands(),
	}
}

// bashRows are the rows of a case statement; patterns that do the same share a row.
type bashRows struct {
	does     []string // in the order of their first pattern
	patterns map[string][]string
}

func (r *bashRows) add(does, pattern string) {
	if r.patterns == nil {
		r.patterns = make(map[string][]string)
	}
	if r.patterns[does] == nil {
		r.does = append(r.does, does)
	}
	r.patterns[does] = append(r.patterns[does], bashPattern(pattern))
}

func (r *bashRows) String() string {
	var b strings.Builder
	for _, does := range r.does {
		fmt.Fprintf(&b, "\t%s)\n\t\t%s\n\t\t;;\n", bashAlternatives(r.patterns[does]), does)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// bashAlternatives joins patterns, in lines of the width of the help text.
func bashAlternatives(patterns []string) string {
	var b strings.Builder
	at := 0
	for i, p := range patterns {
		switch {
		case i == 0:
		case at+len(p) > helpWidth:
			b.WriteString(" | \\\n\t\t")
			at = 0
		default:
			b.WriteString(" | ")
		}
		b.WriteString(p)
		at += len(p) + 3
	}
	return b.String()
}

// bashNames lists the options of each mode; one that needs a value ends in =.
func bashNames() string {
	var rows bashRows
	for _, m := range completionModes() {
		var names []string
		for _, o := range m.options {
			for _, name := range o.spellings() {
				if strings.HasPrefix(name, "--") && o.kind == requiredValue {
					name += "="
				}
				names = append(names, name)
			}
			names = append(names, o.offNames()...)
		}
		if len(names) > 0 {
			rows.add("names='"+strings.Join(wrap(strings.Join(names, " "), helpWidth), "\n\t\t\t")+"'", m.name)
		}
	}
	return rows.String()
}

// bashValues says what the value of each option is.
func bashValues() string {
	var rows bashRows
	for _, m := range completionModes() {
		for _, o := range m.options {
			if o.kind == noValue {
				continue
			}
			does := "kind=" + bashKind(o.operand) + bashWords(o.words)
			if o.kind == optionalValue {
				does += " attached=1"
			}
			for _, name := range o.spellings() {
				// The letter of an option whose value may be left out takes none.
				if o.kind == requiredValue || strings.HasPrefix(name, "--") {
					rows.add(does, m.name+" "+name)
				}
			}
		}
	}
	return rows.String()
}

// bashOperands says what the operands of each mode are.
func bashOperands() string {
	var rows bashRows
	for _, m := range completionModes() {
		if o, ok := m.operand(); ok {
			rows.add("kind="+bashKind(o.kind)+bashWords(o.words), m.name)
		}
	}
	return rows.String()
}

func bashWords(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " words='" + strings.Join(words, " ") + "'"
}

// bashPattern returns a pattern that matches text alone.
func bashPattern(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return !(r >= 'a' && r <= 'z') }) {
		return text
	}
	return "'" + text + "'"
}

// bashKind is the name of a kind in the script.
func bashKind(k valueKind) string {
	i := slices.Index([]valueKind{valueText, valueNumber, valueWord, valueList, valueFile, valueDirectory, valueHostPath, valueCommand}, k)
	return []string{"text", "number", "word", "list", "file", "directory", "host", "command"}[i]
}
