package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// optionPlace is where the options of the modes are told of. Each is read as its
// reader sees it, not by what has written it.
type optionPlace struct {
	name string
	// spellings returns what stands in the place for a group of a mode's options:
	// --archive, -a and so on.
	spellings func(t *testing.T, mode, group string) []string
	// wants are the spellings of an option that the place has to have.
	wants func(o modeOption) []string
	// plan says that plan's options, which are those of sync, stand there by
	// themselves; else the place refers to sync for them.
	plan bool
}

func optionPlaces() []optionPlace {
	return []optionPlace{
		{"--help", helpSpellings, helpNames, false},
		{"docs/man", manSpellings, allNames, false},
		{"docs/options.md", referenceSpellings, allNames, false},
		{"bash", bashSpellings, acceptedNames, true},
		{"zsh", zshSpellings, acceptedNames, true},
		{"fish", fishSpellings, acceptedNames, true},
	}
}

// TestOptionCoverage: every option of every mode is in every place.
func TestOptionCoverage(t *testing.T) {
	for _, place := range optionPlaces() {
		options, missing := 0, 0
		for _, m := range modes() {
			if m.name == "plan" && !place.plan {
				continue
			}
			have := make(map[string][]string) // by group
			for _, o := range m.options() {
				if have[o.group] == nil {
					have[o.group] = place.spellings(t, m.name, o.group)
				}
				options++
				for _, want := range place.wants(o) {
					if !slices.Contains(have[o.group], want) {
						missing++
						t.Errorf("%s: 'zccp %s' lacks %s (%s)", place.name, m.name, want, o.group)
					}
				}
			}
		}
		if options < 300 {
			t.Errorf("%s: only %d options were looked for", place.name, options)
		}
		t.Logf("%s: %d options, %d spellings missing", place.name, options, missing)
	}
}

// TestPlanRefersToSync: what has not plan's options says where they are.
func TestPlanRefersToSync(t *testing.T) {
	for what, text := range map[string]string{
		"zccp sync --help": helpText(t, "zccp", "plan", "--help"),
		".Xr zccp-sync 1":  readDoc(t, "man", "zccp-plan.1"),
		"(#zccp-sync)":     readDoc(t, "options.md"),
	} {
		if !strings.Contains(text, what) {
			t.Errorf("no %q in\n%s", what, text)
		}
	}
}

// TestApplyTakesItsTable: apply, which picks from sync's options, refuses none that it
// is said to have.
func TestApplyTakesItsTable(t *testing.T) {
	for _, m := range modes() {
		if m.name != "apply" {
			continue
		}
		for _, o := range m.options() {
			for _, name := range allNames(o) {
				if o.kind == requiredValue {
					name += "=1"
				}
				e, _, stderr := testEnv(nil, "zccp", "apply", name, filepath.Join(t.TempDir(), "nothing"))
				run(e)
				if strings.Contains(stderr.String(), "takes no option") {
					t.Errorf("%s: %s", name, stderr)
				}
			}
		}
	}
}

func readDoc(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{moduleRoot, "docs"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// under returns the lines of a text behind the first line that heading accepts, up to
// the next that ends accepts.
func under(text string, heading, ends func(line string) bool) []string {
	var lines []string
	found := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case !found:
			found = heading(line)
		case ends(line):
			return lines
		default:
			lines = append(lines, line)
		}
	}
	return lines
}

// spelled returns the options that a text names at the beginning of words.
func spelled(text string) []string {
	var list []string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,`[=", r) }) {
		if strings.HasPrefix(word, "-") {
			list = append(list, word)
		}
	}
	return list
}

func allNames(o modeOption) []string {
	names := o.spellings()
	for _, name := range o.off {
		names = append(names, "--"+name)
	}
	return names
}

// helpNames are the letters of an option and its first long name: others are there
// for old scripts, and those that change nothing or are refused are listed by all.
func helpNames(o modeOption) []string {
	if o.idle != "" || o.never != "" {
		return o.spellings()
	}
	var names []string
	long := false
	for _, name := range o.spellings() {
		if strings.HasPrefix(name, "--") {
			if long {
				continue
			}
			long = true
		}
		names = append(names, name)
	}
	return names
}

func helpSpellings(t *testing.T, mode, group string) []string {
	words := strings.Fields(mode)
	if len(words) > 0 {
		words = words[:1] // all benches have one help
	}
	text := helpText(t, append(append([]string{"zccp"}, words...), "--help")...)
	lines := strings.Split(text, "\n")
	if group != "" && mode != "apply" {
		lines = under(text, func(line string) bool { return line == group+":" }, func(line string) bool { return line == "" })
	}
	var list []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "  -") && !strings.HasPrefix(line, "      --") {
			continue
		}
		if group != groupIdle && group != groupNever {
			// What stands in the column of names.
			line, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
		}
		list = append(list, spelled(line)...)
	}
	return list
}

func manSpellings(t *testing.T, mode, group string) []string {
	page := pageOf(mode)
	text := readDoc(t, "man", page.file())
	heading := func(line string) bool {
		switch {
		case group != "":
			return line == ".Ss "+group
		case len(page.modes) > 1:
			return strings.EqualFold(line[min(4, len(line)):], "options of "+mode)
		}
		return line == ".Sh OPTIONS"
	}
	var list []string
	for _, line := range under(text, heading, func(line string) bool { return strings.HasPrefix(line, ".S") }) {
		words := strings.Fields(strings.NewReplacer(`\-`, "-", `\&`, "").Replace(line))
		for i, word := range words {
			// The head of an entry, and what turns the option off.
			if i > 0 && words[i-1] == "Fl" && words[0] == ".It" {
				list = append(list, "-"+word)
			}
			if i > 0 && words[i-1] == ".Fl" && strings.HasPrefix(word, "-no-") {
				list = append(list, "-"+word)
			}
		}
	}
	return list
}

func referenceSpellings(t *testing.T, mode, group string) []string {
	text := readDoc(t, "options.md")
	title := "## " + strings.TrimSpace("zccp "+mode)
	if strings.HasPrefix(mode, "bench ") {
		title = "## zccp bench"
	}
	section := strings.Join(under(text, func(line string) bool { return line == title }, func(line string) bool { return strings.HasPrefix(line, "## ") }), "\n")
	lines := strings.Split(section, "\n")
	if group != "" {
		lines = under(section, func(line string) bool { return line == "### "+group }, func(line string) bool { return strings.HasPrefix(line, "### ") })
	}
	var list []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		head, meaning, _ := strings.Cut(line[2:], " | ")
		list = append(list, spelled(head)...)
		_, off, _ := strings.Cut(meaning, "; off: ")
		list = append(list, spelled(off)...)
	}
	return list
}
