package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zccp/zccp/sync/link"
)

// docText reads a file of docs.
func docText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docSection returns what stands under a heading, up to the next one of the same
// or a higher level.
func docSection(t *testing.T, text, title string) string {
	t.Helper()
	_, section, found := strings.Cut("\n"+text, "\n"+title+"\n")
	if !found {
		t.Fatalf("no heading %q", title)
	}
	for level := len(strings.Fields(title)[0]); level > 0; level-- {
		section, _, _ = strings.Cut(section, "\n"+strings.Repeat("#", level)+" ")
	}
	return section
}

// docRows returns the cells of the rows of a section's tables, without their heads.
func docRows(section string) (rows [][]string) {
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for c := range strings.SplitSeq(strings.Trim(line, "|"), " | ") {
			cells = append(cells, strings.TrimSpace(c))
		}
		if strings.HasPrefix(cells[0], "---") {
			rows = rows[:len(rows)-1] // what stood above is the head
			continue
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestDocsExitCodes holds docs/exit-codes.md to the tables that help is printed from.
func TestDocsExitCodes(t *testing.T) {
	text := docText(t, "exit-codes.md")
	for title, table := range map[string][]exitRow{
		"## Copy mode": exitStatus(), "## Sync mode": syncExitStatus(), "## `zccp verify`": verifyStatus(),
	} {
		var got []exitRow
		for _, row := range docRows(docSection(t, text, title)) {
			got = append(got, exitRow{row[0], row[1]})
		}
		if diff := cmp.Diff(table, got); diff != "" {
			t.Errorf("docs/exit-codes.md, %s: -table +text:\n%s", title, diff)
		}
	}
	var got []exitRow
	for _, row := range docRows(docSection(t, docText(t, "sync.md"), "## Exit codes")) {
		got = append(got, exitRow{row[0], row[1]})
	}
	if diff := cmp.Diff(syncExitStatus(), got); diff != "" {
		t.Errorf("docs/sync.md: -table +text:\n%s", diff)
	}
}

// TestDocsJSON: the tables of docs/json.md, docs/probe.md and docs/bench.md have the
// fields of the objects that are printed, all of them and no others.
func TestDocsJSON(t *testing.T) {
	text, probe, bench := docText(t, "json.md"), docText(t, "probe.md"), docText(t, "bench.md")
	sub := func(title, below string) string { return docSection(t, docSection(t, text, title), below) }
	code := regexp.MustCompile("`([a-z0-9_]+)`")
	for _, c := range []struct {
		what    string
		section string
		object  any
		nested  []any // whose fields are in the text
	}{
		{"start", docSection(t, text, "## `start`"), jsonStart{}, nil},
		{"file", docSection(t, text, "## `file`: one entry was dealt with"), jsonFile{}, []any{jsonRefusal{}}},
		{"status", docSection(t, text, "## `status`: how far it is"), jsonStatus{}, nil},
		{"error", docSection(t, text, "## `error` and `note`"), jsonError{}, nil},
		{"summary", docSection(t, text, "## `summary`"), jsonSummary{}, nil},
		{"sync item", sub("## `zccp sync`", "### `item`: what happens to one entry"), jsonItem{}, nil},
		{"sync summary", sub("## `zccp sync`", "### `summary`"), jsonSyncSummary{}, []any{jsonKinds{}}},
		{"plan", sub("## `zccp plan`", "### `plan`: the first line"), planHeader{}, []any{planInode{}}},
		{"plan entry", sub("## `zccp plan`", "### `entry`: what becomes of one entry"), planEntry{}, []any{planState{}, planInode{}}},
		{"plan end", sub("## `zccp plan`", "### `end`: the last line"), planEnd{}, nil},
		{"difference", sub("## `zccp verify --json`", "### `difference`"), jsonDifference{}, nil},
		{"digest", sub("## `zccp verify --json`", "### `digest`: a file is the same on both sides"), jsonDigest{}, nil},
		{"verify summary", sub("## `zccp verify --json`", "### `summary`"), jsonVerifySummary{}, nil},
		{"probe", strings.Split(probe, "\n## ")[0], probeReport{}, nil},
		{"place", docSection(t, probe, "## A place"), probePlace{}, nil},
		{"choice", docSection(t, probe, "## A choice"), probeChoice{}, nil},
		{"bench tree", docSection(t, bench, "## The JSON object of `tree` and `file`"), benchReport{}, []any{benchTool{}}},
		{"bench methods", docSection(t, bench, "## The JSON object of `methods` and `send`"), transferReport{}, []any{benchDirectory{}, transferResult{}}},
	} {
		var got []string
		for _, row := range docRows(c.section) {
			for _, m := range code.FindAllStringSubmatch(row[0], -1) {
				got = append(got, m[1])
			}
		}
		want := jsonNames(c.object)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -program +text:\n%s", c.what, diff)
		}
		for _, n := range c.nested {
			for _, name := range jsonNames(n) {
				if !strings.Contains(c.section, "`"+name+"`") {
					t.Errorf("%s lacks `%s` of %T", c.what, name, n)
				}
			}
		}
	}
}

// jsonNames returns the names of an object's fields.
func jsonNames(object any) (names []string) {
	for f := range reflect.TypeOf(object).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name != "":
			names = append(names, name)
		case f.Anonymous:
			names = append(names, jsonNames(reflect.Zero(f.Type).Interface())...)
		}
	}
	return names
}

// TestDocsOptions: an option of zccp that the documentation names, in a command or by
// itself, is in the reference of options, which is made from the tables.
func TestDocsOptions(t *testing.T) {
	const reference = "options.md"
	absent := []string{"--color"} // named to say that they are not there
	option := regexp.MustCompile(`(?:^|[\s(\x60,/])(--[a-z0-9][-a-z0-9]*)`)
	known := map[string]bool{}
	for _, m := range option.FindAllStringSubmatch(docText(t, reference), -1) {
		known[m[1]] = true
	}
	named := 0
	check := func(where, text string) {
		for _, m := range option.FindAllStringSubmatch(text, -1) {
			if named++; !known[m[1]] && !strings.HasPrefix(m[1], "--no-") && !slices.Contains(absent, m[1]) {
				t.Errorf("%s: there is no %s: %.80s", where, m[1], text)
			}
		}
	}
	for _, f := range docFiles(t) {
		if f.isManual() || f.name == "docs/"+reference {
			continue
		}
		for i, line := range f.prose {
			for _, span := range inlineCode.FindAllString(line, -1) {
				if span = strings.Trim(span, "`"); strings.HasPrefix(span, "--") || strings.HasPrefix(span, "zccp ") {
					check(fmt.Sprintf("%s:%d", f.name, i+1), span)
				}
			}
		}
		for _, b := range f.blocks {
			for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "zccp ") {
					check(b.String(), strings.Split(line, "#")[0])
				}
			}
		}
	}
	t.Logf("%d options are named", named)
}

// TestDocsTests: the tests and the variables of tests that the documentation names are
// there, and no variable is missing.
func TestDocsTests(t *testing.T) {
	test, variable := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`), regexp.MustCompile(`\bZCCP_TEST_[A-Z_]+\b`)
	// What a test tells its own child processes.
	own := []string{"BINARIES", "DIES", "FAR", "FIPS", "FROM", "METHOD", "RATE", "RESUME", "TO"}
	tests, variables := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		for _, name := range variable.FindAllString(string(text), -1) {
			if !slices.Contains(own, strings.TrimPrefix(name, "ZCCP_TEST_")) {
				variables[name] = false
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range docFiles(t) {
		for i, line := range f.prose {
			for _, name := range test.FindAllString(line, -1) {
				if name != "TestHostile" && !tests[name] {
					t.Errorf("%s:%d: there is no %s", f.name, i+1, name)
				}
			}
			for _, name := range variable.FindAllString(line, -1) {
				if _, used := variables[name]; !used {
					t.Errorf("%s:%d: no test reads %s", f.name, i+1, name)
				}
				if f.name == "CONTRIBUTING.md" {
					variables[name] = true
				}
			}
		}
	}
	for name, told := range variables {
		if !told {
			t.Errorf("CONTRIBUTING.md lacks %s", name)
		}
	}
}

// TestDocsConfig: the configuration of a daemon that is shown is one.
func TestDocsConfig(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	pin, err := link.GenerateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clients"), []byte(pin.String()+" anna@laptop\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, b := range DocBlocks(t) {
		if b.Lang != "conf" {
			continue
		}
		shown++
		path := filepath.Join(dir, "serve.conf")
		text := strings.NewReplacer("/etc/zccp/", dir+"/", "/srv/", dir+"/").Replace(b.Text)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := link.LoadConfig(path); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	if shown == 0 {
		t.Error("no configuration is shown")
	}
}
