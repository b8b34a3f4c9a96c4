package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestManual: docs/man has the pages as they are made from the tables and texts,
// and nothing else.
func TestManual(t *testing.T) {
	want := make(map[string]bool)
	for _, p := range manualPages() {
		name := p.file()
		want[name] = true
		golden(t, filepath.Join("..", "..", "docs", "man", name), p.mdoc())
	}
	entries, err := os.ReadDir(filepath.Join(moduleRoot, "docs", "man"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !want[e.Name()] {
			t.Errorf("docs/man/%s is no page of the manual", e.Name())
		}
	}
}

// TestManualLint: mandoc finds nothing wrong with the pages.
func TestManualLint(t *testing.T) {
	copiertest.Require(t, "mandoc")
	for _, p := range manualPages() {
		cmd := exec.Command("mandoc", "-T", "lint", "-W", "warning")
		cmd.Stdin = strings.NewReader(p.mdoc())
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", p.title(), err, out)
		}
	}
}
