package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestMdoc: text comes out of mandoc as it was meant, whatever roff(7) makes of its
// characters.
func TestMdoc(t *testing.T) {
	copiertest.Require(t, "mandoc")
	text := strings.ReplaceAll(`# Description

.Sh is no macro at the beginning of a line,
'nor is this. A backslash \ stays, as does @\@; so do ^, ~ and "quotes".

The rules @.@, @!@, @: a@ and @-!s *.c@, (@--exclude@) and *No*, -a, --option=VALUE and cp(1).

    .literal \ 'text'
    %i and --dashes

@--Fl@, @x y@
: what stands for itself.
`, "@", "`")
	w := &mdocWriter{}
	w.b.WriteString(".Dd January 1, 2000\n.Dt T 1\n.Os\n")
	w.blocks(parseText(text), nil)
	if got := mdocArg(":"); got != `\&:` {
		t.Errorf("a delimiter is %s, and none of the text", got)
	}
	cmd := exec.Command("mandoc", "-T", "ascii", "-O", "width=200")
	cmd.Stdin = strings.NewReader(w.b.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(".\b").ReplaceAllString(string(out), "")
	for _, want := range []string{
		".Sh is no macro at the beginning of a line, 'nor is this.  A backslash \\ stays, as does `\\'; so do ^, ~ and \"quotes\".",
		"The rules `.', `!', `: a' and `-!s *.c', (--exclude) and No, -a, --option=VALUE and cp(1).",
		"\n           .literal \\ 'text'\n           %i and --dashes\n", "\n     --Fl, x y\n", "what stands for itself.\n",
	} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in\n%s", want, plain)
		}
	}
}
