package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCopyMappings: every option of copy mode has a row, and every row names
// options and words that exist.
func TestCopyMappings(t *testing.T) {
	named := make(map[string]bool)
	for _, m := range copyMappings() {
		for name := range strings.FieldsSeq(m.options) {
			named[name] = true
		}
		if m.refused != "" && m.words != "" {
			t.Errorf("%s is mapped and refused", m.options)
		}
		for word := range strings.FieldsSeq(m.words) {
			s, ok := parseWord(syncTable(), strings.Replace(word, "%s", "1", 1))
			if !ok || wordRules()[s.Option] < wordFree {
				t.Errorf("%s: the word %s is not one that is sent", m.options, word)
			}
		}
	}
	for _, o := range newOptionTable(copyFlags()).options {
		if !named[o.name] {
			t.Errorf("%s has no row", spelling(o.name))
		}
		delete(named, o.name)
	}
	for name := range named {
		t.Errorf("the row of %s is of no option", name)
	}
}

func TestCopyWords(t *testing.T) {
	const file = "--ignore-times --whole-file --copy-links"
	const tree = "--ignore-times --whole-file --recursive --devices --specials --links"
	for _, c := range []struct{ args, want string }{
		{"a h:b", file},
		{"-r a h:b", tree},
		{"-a a h:b", tree + " --perms --acls --owner --group --times --atimes --open-noatime --hard-links --xattrs"},
		{"-p h:a b", file + " --perms --acls --owner --group --times --atimes --open-noatime"},
		{"-rL a h:b", "--ignore-times --whole-file --recursive --devices --specials --copy-links"},
		{"-u a h:b", "--whole-file --copy-links --update"},
		{"-n a h:b", file + " --ignore-existing"},
		{"-b a h:b", file + " --backup --suffix=~"},
		{"-b -S .old a h:b", file + " --backup --suffix=.old"},
		{"-rx --sparse=always --inplace a h:b", "--ignore-times --whole-file --recursive --devices --specials --one-file-system --links --sparse --inplace"},
		{"--no-preserve=mode -z --verify --fsync=batch --bwlimit=1M a h:b", file + " --chmod=D0777,F0666 --fsync --bwlimit=1048576b --verify=xxh3 --compress"},
		{"-v a h:b", file + " --itemize-changes"},
		{"--parents a/b h:c", file + " --relative"},
		{"--path a/b h:c", file + " --relative"},
		{"--path=ssh a h:b", file},
		{"-H -r a h:b", "!-H"}, {"-l a h:b", "!--link"}, {"-s a h:b", "!--symbolic-link"}, {"-i a h:b", "!--interactive"},
		{"--attributes-only a h:b", "!--attributes-only"}, {"--reflink a h:b", "!--reflink"}, {"--sparse=never a h:b", "!--sparse"},
		{"--backup=numbered a h:b", "!--backup"}, {"-r --atomic=tree a h:b", "!--atomic"}, {"--debug a h:b", "!--debug"},
		{"--method=mmap a h:b", "!--method"}, {"--cache=drop a h:b", "!--cache"}, {"--update=none-fail a h:b", "!--update"},
		{"-a --preserve-sharing=always a h:b", "!--preserve-sharing"}, {"-r --copy-contents a h:b", "!--copy-contents"},
	} {
		e, _, _ := testEnv(nil, "zccp")
		cfg, err := parseCopy(e, strings.Fields(c.args))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		job, err := copyJob(e, cfg)
		if option, refused := strings.CutPrefix(c.want, "!"); refused {
			if err == nil || !strings.HasPrefix(err.Error(), option+" is not supported between machines: ") {
				t.Errorf("%s: %v, want %s refused", c.args, err, option)
			}
			continue
		}
		if err != nil || strings.Join(job.Words, " ") != c.want {
			t.Errorf("%s: %v\n%+v, want\n%q", c.args, err, job, c.want)
			continue
		}
		if _, _, err := peer(&peerPolicy{}, cfg.Route.Push, "b", job.Words...); err != nil {
			t.Errorf("%s: the other end refuses %q: %v", c.args, job.Words, err)
		}
	}
}

// TestCopyRoute: cp's rule for DEST, as far as this machine can apply it.
func TestCopyRoute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join(dir, "d", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args    string
		sources string
		dest    string
		name    bool // the destination's name is given where it isn't there
		toFile  bool
	}{
		{"-r d h:x", "d", "x", true, false},
		{"-r d/ h:x/", "d", "x", true, false},
		{"-r d/. h:x", "d/.", "x", true, false},
		{"-r / h:x", "/", "x", true, false},
		{"f d h:x", "f d", "x/.", true, false},
		{"-t h:x f", "f", "x/.", true, false},
		{"-t h:/ f", "f", "/.", true, false},
		{"-T f h:x", "f", "x", true, true},
		{"-rT d h:x", "d/", "x", false, false},
		{"--parents d/./sub// h:x", "d/sub", "x/.", true, false},
		{"f --remote h:x", "f", "x", true, false},
		{"-r h:x/ new/", "x", "new", true, false},
		{"-r h:x d", "x", "d", true, false},
		{"-rT h:x d", "x/.", "d", false, false},
		{"-rT h:x new", "x", "new", true, false},
		{"h:x h:y d", "x y", "d", false, false},
		{"h:x h:y f", "", "!target 'f': Not a directory", false, false},
		{"-t new h:x", "", "!target 'new': No such file or directory", false, false},
	} {
		e, _, _ := testEnv(nil, "zccp")
		cfg, err := parseCopy(e, strings.Fields(c.args))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		ends, err := copyRoute(cfg, cfg.Route.Places[0])
		if text, refused := strings.CutPrefix(c.dest, "!"); refused {
			if err == nil || err.Error() != text {
				t.Errorf("%s: %v, want %s", c.args, err, text)
			}
			continue
		}
		if err != nil || strings.Join(ends.Sources, " ") != c.sources || ends.Dest != c.dest || ends.NameDirs != c.name || ends.ToFile != c.toFile {
			t.Errorf("%s: %+v %v", c.args, ends, err)
		}
	}
}

// TestCopyKeepsColons: a name with a colon is local under the name cp, and with
// a path.
func TestCopyKeepsColons(t *testing.T) {
	for _, c := range []struct {
		prog, args string
		route      bool
	}{
		{"cp", "a:b c", false}, {"cp", "a c:d", false}, {"zccp", "./a:b c", false}, {"zccp", "a:b c", true},
		{"zccp", "-t d:e c", true}, {"cp", "a --remote h:b", true},
	} {
		e, _, _ := testEnv(nil, c.prog)
		cfg, err := parseCopy(e, strings.Fields(c.args))
		if err != nil || (cfg.Route != nil) != c.route {
			t.Errorf("%s %s: %v", c.prog, c.args, err)
		}
	}
	for _, args := range []string{"-z a b", "--ssh=x a b"} {
		e, _, _ := testEnv(nil, "zccp")
		if _, err := parseCopy(e, strings.Fields(args)); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, args := range []string{"--streams=2 a b", "--path=ssh a b", "--timeout=5 a b", "-t d --remote h:b a", "-T --remote h:b a b", "a --remote b"} {
		e, _, _ := testEnv(nil, "zccp")
		if _, err := parseCopy(e, strings.Fields(args)); err == nil {
			t.Errorf("%s is taken", args)
		}
	}
}

// TestSourceOf: where an entry comes from, by the name that a report has.
func TestSourceOf(t *testing.T) {
	for _, c := range []struct {
		sources, name string
		want          string
	}{
		{"src", "src/a", "src/a"}, {"x/src", "src", "x/src"}, {"x/src", "src/a/b", "x/src/a/b"},
		{"src/.", "a", "src/a"}, {"f x/g", "g", "x/g"}, {"f x/g", "g/h", "x/g/h"}, {"src/", ".", "src"},
	} {
		ends := &copyEnds{Sources: strings.Fields(c.sources)}
		if got := ends.sourceOf(c.name, false); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.name, c.sources, got, c.want)
		}
	}
}

func TestParseServe(t *testing.T) {
	for _, good := range []string{"--stdio", "--stdio --root=/x --append-only", "--stdio --read-only --allow-plain", "--config=f", "--config f --listen :1"} {
		if _, err := parseServe(strings.Fields(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "x", "--stdio x", "--listen=:1", "--stdio --config=f", "--stdio --listen=:1", "--config=f --root=/x",
		"--stdio --root=x", "--stdio --root=", "--stdio --read-only --append-only", "--append-only --config=f", "--nonsense"} {
		if cfg, err := parseServe(strings.Fields(bad)); err == nil {
			t.Errorf("%s is taken: %+v", bad, cfg)
		}
	}
	cfg, err := parseServe([]string{"--stdio", "--root=/x/../y/", "--append-only"})
	if err != nil || cfg.policy.Root != "/y" || cfg.policy.Mode != exportAppendOnly || cfg.linkOptions().AllowPlain {
		t.Errorf("%+v %v", cfg, err)
	}
	var names []string
	for _, o := range newOptionTable(serveFlags()).options {
		names = append(names, o.name)
	}
	text := helpText(t, "zccp", "serve", "--help")
	for _, name := range names {
		if !strings.Contains(text, "--"+name) {
			t.Errorf("serve --help lacks --%s", name)
		}
	}
	if !slices.Contains(names, "help") || !strings.Contains(helpText(t, "zccp", "keygen", "--help"), "--show") {
		t.Error("help is missing")
	}
}
