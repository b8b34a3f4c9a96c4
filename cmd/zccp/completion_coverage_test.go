package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The scripts in docs/completion as places of options. TestCompletionOptions asks the
// shells themselves.

// acceptedNames are the spellings of an option but of one that is refused, which is
// offered nowhere.
func acceptedNames(o modeOption) []string {
	if o.never != "" {
		return nil
	}
	return allNames(o)
}

// scriptMode is what a mode is called in the scripts.
func scriptMode(mode string) string {
	if mode == "" {
		return "copy"
	}
	return mode
}

func bashSpellings(t *testing.T, mode, _ string) []string {
	lines := under(readDoc(t, "completion", "zccp.bash"),
		func(line string) bool { return line == "_zccp_names() {" }, func(line string) bool { return line == "}" })
	pattern := regexp.MustCompile(`(^|[\t ]'?)` + regexp.QuoteMeta(scriptMode(mode)) + `'?( \||\))`)
	row := under(strings.Join(lines, "\n"), pattern.MatchString, func(line string) bool { return line == "\t\t;;" })
	var list []string
	for _, name := range strings.Fields(strings.TrimPrefix(strings.TrimSpace(strings.Join(row, " ")), "names='")) {
		list = append(list, strings.TrimRight(name, "='"))
	}
	return list
}

func zshSpellings(t *testing.T, mode, _ string) []string {
	head := "\t" + strings.ReplaceAll(scriptMode(mode), " ", `\ `) + ") specs=("
	lines := under(readDoc(t, "completion", "_zccp"),
		func(line string) bool { return line == head }, func(line string) bool { return line == "\t) ;;" })
	spec := regexp.MustCompile(`^\t\t'\*(--?[^\[=+]+)`)
	var list []string
	for _, line := range lines {
		if m := spec.FindStringSubmatch(line); m != nil {
			list = append(list, m[1])
		}
	}
	return list
}

func fishSpellings(t *testing.T, mode, _ string) []string {
	row := regexp.MustCompile(`^complete -c zccp -n '__zccp_in ([^']*)' (.*?)-d '`)
	var list []string
	for line := range strings.Lines(readDoc(t, "completion", "zccp.fish")) {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		modes := regexp.MustCompile(`"[^"]*"|[^ ]+`).FindAllString(m[1], -1)
		if !slices.Contains(modes, fishWord(scriptMode(mode))) {
			continue
		}
		words := strings.Fields(m[2])
		for i, word := range words[1:] {
			switch words[i] {
			case "-s":
				list = append(list, "-"+word)
			case "-l":
				list = append(list, "--"+word)
			}
		}
	}
	return list
}
