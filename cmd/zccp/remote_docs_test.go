package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemoteDocs: the reference has every row of the table by which cp's options
// become sync's, every option of a connection and of serve, and the exit codes
// that come from connections.
func TestRemoteDocs(t *testing.T) {
	contents, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "remote.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(contents)
	for _, m := range copyMappings() {
		var names []string
		for name := range strings.FieldsSeq(m.options) {
			names = append(names, "`"+spelling(name)+"`")
		}
		if names == nil {
			names = []string{"every file"}
		}
		for _, what := range []string{m.refused, m.differs} {
			if row := "| " + strings.Join(names, ", ") + " | " + what + " |"; what != "" && !strings.Contains(text, row) {
				t.Errorf("docs/remote.md lacks the row %s", row)
			}
		}
	}
	for _, o := range syncRemote() {
		if name := o.canonical(); !strings.Contains(text, "--"+name) && name != "compress-choice" {
			t.Errorf("docs/remote.md lacks --%s", name)
		}
	}
	for _, o := range newOptionTable(serveFlags()).options {
		if o.name != "help" && !strings.Contains(text, "--"+o.name) {
			t.Errorf("docs/remote.md lacks serve --%s", o.name)
		}
	}
	for _, code := range []string{"5", "10", "12", "30", "35", "43"} {
		if !strings.Contains(text, "\n| "+code+" | ") {
			t.Errorf("docs/remote.md lacks exit code %s", code)
		}
	}
}
