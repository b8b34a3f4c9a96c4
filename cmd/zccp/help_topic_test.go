package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestHelpTopics: every topic has a text that fits; of a mode it is what --help says.
func TestHelpTopics(t *testing.T) {
	e, _, _ := testEnv(nil, "zccp")
	topics := e.topics()
	var names []string
	for _, topic := range topics {
		names = append(names, topic.name)
		text := helpText(t, "zccp", "help", topic.name)
		fits(t, text)
		if len(text) < 50 || !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
			t.Errorf("%s: %q", topic.name, text)
		}
		switch topic.name {
		case "copy":
			if text != helpText(t, "zccp", "--help") {
				t.Error("'zccp help copy' is not 'zccp --help'")
			}
		case "filter", "paths", "environment", "exit-codes":
			golden(t, "help-"+topic.name+".txt", text)
		case "version":
		default:
			if text != helpText(t, "zccp", topic.name, "--help") {
				t.Errorf("'zccp help %s' is not 'zccp %[1]s --help'", topic.name)
			}
		}
		if page := helpText(t, "zccp", "help", "--man", topic.name); !strings.Contains(page, "\n.Sh NAME\n.Nm "+topic.page+"\n") {
			t.Errorf("'zccp help --man %s' is not %s", topic.name, topic.page)
		}
	}
	if !slices.Equal(names, topicNames(modes())) {
		t.Errorf("completed are %q, known are %q", topicNames(modes()), names)
	}
	for _, args := range [][]string{{"nope"}, {"sync", "filter"}, {"--nope"}} {
		e, stdout, stderr := testEnv(nil, append([]string{"zccp", "help"}, args...)...)
		text := ""
		if code := run(e); code != 1 || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		} else if text = stderr.String(); args[0] == "nope" && !strings.HasSuffix(text, strings.Join(names, ", ")+"\n") {
			t.Errorf("%q does not name the topics", text)
		}
	}
}

// TestEnvironmentText: the manual has every variable that the program reads, and no other.
func TestEnvironmentText(t *testing.T) {
	read := regexp.MustCompile(`(?:[Gg]etenv|LookupEnv)\("([A-Z_]+)"\)`)
	var want []string
	for _, dir := range []string{"cmd", "copier", "platform", "sync"} {
		err := filepath.WalkDir(filepath.Join(moduleRoot, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "copiertest") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range read.FindAllSubmatch(text, -1) {
				want = append(want, string(m[1]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, b := range readText("environment") {
		for _, item := range b.items {
			for word := range strings.FieldsFuncSeq(item.term, func(r rune) bool { return strings.ContainsRune("`$, ", r) }) {
				got = append(got, word)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	want, got = slices.Compact(want), slices.Compact(got)
	if len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("read are\n%q, the manual has\n%q", want, got)
	}
}

// TestPathsTable runs the commands of the table of slashes: the file is where it says.
func TestPathsTable(t *testing.T) {
	var rows [][]string
	for _, b := range readText("paths") {
		if b.kind == blockTable && rows == nil {
			rows = b.rows[1:]
		}
	}
	if len(rows) < 8 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		dir := t.TempDir()
		for _, name := range []string{"src", "dst"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "src", "a"), []byte("a"), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		command := plainText(row[0])
		e, _, stderr := testEnv(nil, strings.Fields(command)...)
		if code := run(e); code != 0 {
			t.Errorf("%s: exit code %d, %s", command, code, stderr)
		}
		want := plainText(row[1])
		for _, name := range []string{"dst/a", "dst/src/a"} {
			if _, err := os.Stat(name); (err == nil) != (name == want) {
				t.Errorf("%s: %s: %v, while the table says %s", command, name, err, want)
			}
		}
	}
}
