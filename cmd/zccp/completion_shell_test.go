//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// offers reports whether one of words is want: alone, or behind the = , : or @ of what
// stood there already.
func offers(words []string, want string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		word = strings.TrimSuffix(word, ",") // zsh goes on with the list, and takes it back at a blank
		if word == want || word == want+"=" || word == want+"/" {
			return true
		}
		before, found := strings.CutSuffix(strings.TrimSuffix(word, "/"), want)
		return found && before != "" && strings.Contains("=,:@", before[len(before)-1:])
	})
}

// TestCompletionShells has the shells complete command lines.
func TestCompletionShells(t *testing.T) {
	cases := []struct {
		line  string
		has   string // words that are offered, separated by blanks
		lacks string // and that are not
		none  bool   // nothing is offered
	}{
		{line: "zccp --pre", has: "--preserve --preserve-sharing", lacks: "--parents --preallocate"},
		{line: "zccp sync --pre", has: "--preallocate --preserve-sharing", lacks: "--preserve"},
		{line: "zccp plain sync --del", none: true}, // sync is a file there
		{line: "zccp --update=", has: "all none none-fail older"},
		{line: "zccp --update=no", has: "none none-fail", lacks: "all"},
		{line: "zccp --sparse ", has: "auto always never", lacks: "plain"},
		{line: "zccp --update ", has: "plain", lacks: "none-fail"}, // its value needs a =
		{line: "zccp --preserve=mode,o", has: "ownership", lacks: "timestamps"},
		{line: "zccp sync --info=name,st", has: "stats", lacks: "skip"},
		{line: "zccp sync --method=sendfile,", has: "mmap readwrite"},
		{line: "zccp -av ", has: "plain sub"},
		{line: "zccp -avt ", has: "sub", lacks: "plain sync"},
		{line: "zccp sync --link-dest=", has: "sub", lacks: "plain"},
		{line: "zccp --target-directory=s", has: "sub", lacks: "sydney plain"},
		{line: "zccp sync --files-from=pl", has: "plain", lacks: "sub"},
		{line: "zccp -j ", none: true},
		{line: "zccp sync -e chmo", has: "chmod", lacks: "plain"},
		{line: "zccp -- --", none: true},
		{line: "zccp sync a -- --a", none: true},
		{line: "zccp -- p", has: "plain", lacks: "plan"},
		{line: "zccp s", has: "sync serve sub sydney", lacks: "plain"},
		{line: "zccp pl", has: "plan plain"},
		{line: "zccp bench ", has: "tree file send", lacks: "plain --against"},
		{line: "zccp bench tree --sha", has: "--shape"},
		{line: "zccp bench tree --shape fl", has: "flat"},
		{line: "zccp bench send --to=", has: "null file"},
		{line: "zccp serve ", lacks: "plain sub"},
		{line: "zccp serve --r", has: "--root --read-only", lacks: "--recursive"},
		{line: "zccp completion ", has: "bash zsh fish", lacks: "plain"},
		{line: "zccp version ", none: true},
		{line: "zccp help fil", has: "filter", lacks: "plain"},
		{line: "zccp plain alp", has: "alpha: alphabet:"},
		{line: "zccp sync me@alp", has: "alpha: alphabet:"},
		{line: "zccp --remote=alp", has: "alpha: alphabet:"},
		{line: "zccp sync -F plain alp", has: "alpha: alphabet:"},
		{line: "zccp plain known", has: "known.example:"},
		{line: "zccp plain ported", has: "ported.example:"},
		{line: "zccp verify plain alp", none: true},
		{line: "zccp sync alpha:s", has: "sub sydney", lacks: "plain"},
		{line: "zccp plain zccp://alp", none: true},
	}
	eachShell(t, func(t *testing.T, s *shellUnderTest) {
		for _, name := range []string{"plain", "sydney", "-dash"} {
			s.write(t, name)
		}
		if err := os.Mkdir(filepath.Join(s.dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			got := s.offered(c.line)
			if c.none && len(got) > 0 {
				t.Errorf("%q: offered %q, want nothing", c.line, got)
			}
			for word := range strings.FieldsSeq(c.has) {
				if !offers(got, word) {
					t.Errorf("%q: %s is not offered: %q", c.line, word, got)
				}
			}
			for word := range strings.FieldsSeq(c.lacks) {
				if offers(got, word) {
					t.Errorf("%q: %s is offered: %q", c.line, word, got)
				}
			}
		}
	})
}

// TestCompletionOptions: the shells offer every option of every mode, but those that
// are refused.
func TestCompletionOptions(t *testing.T) {
	eachShell(t, func(t *testing.T, s *shellUnderTest) {
		count := 0
		for _, m := range modes() {
			line := strings.Join(strings.Fields("zccp "+m.name), " ") + " -"
			options := m.options()
			if len(options) == 0 {
				continue
			}
			got := s.offered(line)
			for _, o := range options {
				for _, name := range append(o.spellings(), o.offNames()...) {
					if offers(got, name) != (o.never == "") {
						t.Errorf("%q: %s offered: %v, refused: %q", line, name, offers(got, name), o.never)
					}
				}
				count++
			}
		}
		t.Logf("%d options of %d modes", count, len(modes()))
	})
}

// TestCompletionOtherNames: the scripts for bash and zsh know what a link called rsync or
// cp is.
func TestCompletionOtherNames(t *testing.T) {
	eachShell(t, func(t *testing.T, s *shellUnderTest) {
		if s.completed == nil {
			t.Skip("the script for fish knows zccp only")
		}
		s.write(t, "syn")
		for _, c := range []struct {
			line, has, lacks string
		}{
			{"rsync --pre", "--preallocate", "--preserve"},
			{"rsync sync --pre", "--preallocate", "--preserve"},
			{"cp --pre", "--preserve", "--preallocate"},
			{"cp syn", "syn", "sync"},
			{"cp sync --pre", "--preserve", "--preallocate"},
		} {
			got := s.offered(c.line)
			if !offers(got, c.has) || offers(got, c.lacks) {
				t.Errorf("%q: offered %q, want %s and not %s", c.line, got, c.has, c.lacks)
			}
		}
	})
}

// TestCompletionRunsNothing: what is typed is never run, whatever it is.
func TestCompletionRunsNothing(t *testing.T) {
	lines := []string{
		"zccp $(touch run)", "zccp a `touch run`", "zccp \"$(touch run)", "zccp ${x:=$(touch run)}", "zccp <(touch run)",
		"zccp --update=$(touch run)", "zccp --preserve=mode,$(touch run)", "zccp --target-directory=$(touch run)",
		"zccp --$(touch run)", "zccp -$(touch run)", "zccp -t $(touch run)/", "zccp $(touch run) --pre", "zccp '$(touch run)' --update=n",
		"zccp sync -e $(touch run)", "zccp bench $(touch run) --s", "zccp a; $(touch run) b", "zccp a|touch run;zccp al",
		"zccp a alpha:$(touch run)", "zccp a alpha:;touch${IFS}run;", "zccp a alpha:`touch run`", "zccp a 'alpha:$(touch run)",
		"zccp a \"alpha:'; touch run; '", "zccp a alpha$(touch run):", "zccp a \"alpha:;touch run;",
		"zccp -- -oProxyCommand=evil:", "zccp -- -oProxyCommand=touch\\ run:", "zccp -- '-oProxyCommand=touch run:",
		"zccp sync -F *(e:touch\\ run:) al", "zccp sync -F '$(touch run)' al", "zccp sync -F (touch run) al", "zccp (touch run)",
	}
	eachShell(t, func(t *testing.T, s *shellUnderTest) {
		for _, line := range lines {
			s.offered(line)
			if s.ran() {
				t.Errorf("%s: was run", line)
			}
		}
	})
}

// TestCompletionQuotes: TAB makes one argument of the name of a file, whatever is in it.
func TestCompletionQuotes(t *testing.T) {
	cases := []struct{ line, file string }{
		{"zccp bl", "blank in name"},
		{"zccp 'bl", "blank in name"},
		{"zccp a qu", "qu'o\"te"},
		{"zccp sync -av nl", "nl\nname"},
		{"zccp a do", "do$(touch run)`touch run`"},
		{"zccp a -- da", "da;touch run"},
		{"zccp serv", "serve"}, // what the command and the file below have in common
		{"zccp serve\\ ", "serve $(touch run).txt"},
		{"zccp a alphab", "alphabe"}, // as well, of a host and a file
		{"zccp a alphabe*", "alphabe*$(touch run)"},
		{"zccp sync --files-from=bl", "--files-from=blank in name"},
		{"zccp a alpha:bl", "alpha:blank in name"},
		{"zccp a alpha:do", "alpha:do$(touch run)`touch run`"},
	}
	eachShell(t, func(t *testing.T, s *shellUnderTest) {
		for _, name := range []string{"blank in name", "qu'o\"te", "nl\nname", "do$(touch run)`touch run`", "da;touch run",
			"serve $(touch run).txt", "alphabe*$(touch run)"} {
			s.write(t, name)
		}
		if s.completed == nil {
			t.Skip("fish quotes what it inserts by itself")
		}
		for _, c := range cases {
			got := s.completed(c.line)
			if last := got[len(got)-1]; last != c.file {
				t.Errorf("%s: %q, want %q", c.line, last, c.file)
			}
		}
		if s.ran() {
			t.Error("something was run")
		}
	})
}
