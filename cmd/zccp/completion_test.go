package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompletionFiles: packages have the scripts from docs/completion.
func TestCompletionFiles(t *testing.T) {
	for _, s := range completionScripts() {
		path := filepath.Join(moduleRoot, "docs", "completion", s.file)
		got := helpText(t, "zccp", "completion", s.name)
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("docs/completion/%s is not what 'zccp completion %s' prints; write it anew with: go test ./cmd/zccp -run TestCompletionFiles -rewrite\n-want +got:\n%s",
				s.file, s.name, diff)
		}
	}
}

func TestCompletionUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	const shells = "bash, zsh, fish"
	for _, c := range []struct{ args, want string }{
		{"", "zccp: say for which shell: " + shells + "\nzccp: hint: 'zccp completion --help' says where it goes\n"},
		{"tcsh", "zccp: no completion for the shell 'tcsh'; there are " + shells + "\n"},
		{"bash zsh", "zccp: extra operand 'zsh'\n"},
		{"--all", "zccp: unrecognized option '--all'\nTry 'zccp --help' for more information.\n"},
	} {
		e, stdout, stderr := testEnv(nil, append([]string{"zccp", "completion"}, strings.Fields(c.args)...)...)
		if code := run(e); code != exitFailure || stdout.Len() > 0 || stderr.String() != c.want {
			t.Errorf("completion %s: exit code %d, stdout %q, stderr:\n%s\nwant:\n%s", c.args, code, stdout, stderr, c.want)
		}
	}
	if text := helpText(t, "zccp", "completion", "--help"); !strings.HasPrefix(text, "Usage: zccp completion SHELL\n") {
		t.Errorf("help begins with %.60q", text)
	}
}

// TestCompletionOfAFile: a file of that name is copied as ./completion, and the message
// says so.
func TestCompletionOfAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("completion", []byte("data"), 0o644); err != nil {
		t.Fatal(err)
	}
	e, _, stderr := testEnv(nil, "zccp", "completion", "copy")
	if code := run(e); code != exitFailure || !strings.Contains(stderr.String(), "hint: to copy the file of that name, write ./completion\n") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Lstat("copy"); err == nil {
		t.Error("it was copied")
	}
	e, _, stderr = testEnv(nil, "zccp", "./completion", "copy")
	if code := run(e); code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if data, err := os.ReadFile("copy"); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
}

// TestModeWords: what an option is said to take is taken, whether in a list or alone.
func TestModeWords(t *testing.T) {
	tried := 0
	for _, m := range modes() {
		if m.name != "" && m.name != "sync" && m.name != "verify" {
			continue // the benches would look for what they time
		}
		for _, o := range m.options() {
			for _, word := range o.words {
				dest := "DST"
				if strings.HasPrefix(o.group, "Between machines") {
					dest = "host:DST"
				}
				args := append(strings.Fields("zccp "+m.name), "--"+o.names[0]+"="+word, "SRC", dest)
				e, _, _ := testEnv(nil, args...)
				e.selinux = true // --preserve=context is refused without
				var err error
				switch m.name {
				case "":
					_, err = parseCopy(e, args[1:])
				case "sync":
					_, err = parseSync(e, args[2:])
				case "verify":
					_, err = parseVerify(e, args[2:])
				}
				if err != nil {
					t.Errorf("%q: %v", args, err)
				}
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d words were tried", tried)
	}
}

// TestModeValues: every value is of a kind that someone chose: words where the usage
// lists some, and a name that valueOf knows or that is listed here as free text.
func TestModeValues(t *testing.T) {
	free := strings.Fields("SUFFIX CTX PATTERN RULE CHANGES LIST USER:GROUP FORMAT TIME PATH A-B ADDRESS B")
	for _, m := range modes() {
		for _, o := range m.options() {
			switch {
			case o.kind == noValue:
				if o.value != "" || o.words != nil || o.operand != valueText {
					t.Errorf("%s %s takes no value and has one: %+v", m.name, o.names[0], o)
				}
			case o.idle != "" || o.never != "":
			case o.value == "" && o.names[0] == "block-size": // its usage says why it is of no use
			case o.value == "":
				t.Errorf("%s --%s: the value has no name in the usage", m.name, o.names[0])
			case o.operand == valueText && !slices.Contains(free, o.value):
				t.Errorf("%s --%s=%s is completed by nothing", m.name, o.names[0], o.value)
			}
		}
	}
}
