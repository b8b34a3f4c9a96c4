package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zccp/zccp/platform"
	"github.com/zccp/zccp/sync/mirror"
	"github.com/zccp/zccp/sync/wire"
)

// TestWordRules: every option of the table is classified, once, and nothing else
// is. Who adds an option has to say what a peer may do with it.
func TestWordRules(t *testing.T) {
	rules := wordRules()
	for _, o := range syncOptions() {
		name := o.canonical()
		rule, known := rules[name]
		if standing := o.idle != "" || o.never != ""; standing == known {
			t.Errorf("%s: classified %v, idle or refused by the table %v", spelling(name), known, standing)
		}
		if len(name) == 1 && rule > wordInlined {
			t.Errorf("-%s would be sent, which words of one letter are not", name)
		}
		delete(rules, name)
	}
	for name := range rules {
		t.Errorf("%s is classified and no option", name)
	}
}

// remoteWords returns what the other end would be told of a command line.
func remoteWords(t *testing.T, args ...string) []string {
	t.Helper()
	e, _, _ := testEnv(map[string]string{"RSYNC_PARTIAL_DIR": ".envpart"}, "zccp")
	cfg, err := parseSync(e, args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return cfg.Words
}

func TestJobWords(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	patterns := write("patterns", "x\n+ y\n# z\n")
	rules := write("rules", "- merged\nH hid\n")
	names := write("names", "#x\na\nb/\n/#c\n")
	for _, c := range []struct{ args, want string }{
		{"a h:b", ""},
		{"-avzP -e ssh --progress --log-file=/l --timeout=9 a h:b", "--archive --partial --partial-dir=.envpart --compress --verbose --itemize-changes"},
		{"-rD --no-D -n a h:b", "--recursive --devices --specials --no-devices --no-specials --dry-run"},
		{"-z --no-z a h:b", ""},
		{"-r --exclude-from=" + patterns + " --filter=+s_k -f.-_" + rules + " a h:b", "--recursive --filter=- x --filter=+ y --filter=+s k --filter=- - merged --filter=- H hid"},
		{"-r --filter=merge_" + rules + " -F h:a b", "--recursive --filter=- merged --filter=-s hid --filter=: /.rsync-filter"},
		{"-r0 --filter=:n_f h:a b", "--recursive --from0 --filter=:n f"},
		{"-r --exclude=x --filter=! --gitignore h:a b", "--recursive --gitignore"},
		{"--files-from=" + names + " a h:b", "--files-from="},
		{"--files-from=" + names + " h:a b", "--files-from=a\x00b/\x00#c\x00"},
		{"-r --link-dest=/old --temp-dir=t a h:b", "--recursive --link-dest=/old --temp-dir=t"},
		{"-r --link-dest=/old --temp-dir=t h:a b", "--recursive"},
		{"-r --partial-dir=.p h:a b", "--recursive --partial-dir=.p"},
		{"-r --partial-dir=/p h:a b", "--recursive"},
		{"-r --numeric-ids --no-numeric-ids --verify a h:b", "--recursive --verify=xxh3"},
		{"-ii h:a b", "--verbose --itemize-changes --itemize-changes"},
		{"-r h:a", "--recursive --list-only --itemize-changes"},
		{"-r --stop-after=7 -j3 a h:b", "--recursive --stop-after=7 --jobs=3"},
	} {
		args := strings.Fields(c.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		if got := strings.Join(remoteWords(t, args...), " "); got != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.args, got, c.want)
		}
	}
	words := remoteWords(t, "-r", "--stop-at=2099-12-31", "a", "h:b")
	if len(words) != 2 || !strings.HasPrefix(words[1], "--stop-after=") || len(words[1]) < len("--stop-after=1000000") {
		t.Errorf("--stop-at: %q", words)
	}
}

// TestCVSWords: the user's own patterns go to the other end, and none of that
// end's home.
func TestCVSWords(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".cvsignore"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _, _ := testEnv(map[string]string{"HOME": home, "CVSIGNORE": "env"}, "zccp")
	cfg, err := parseSync(e, []string{"-rC", "a", "h:b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--filter=-p *.o", "--filter=- mine", "--filter=- env", "--filter=:Cnw- .cvsignore"} {
		if !slices.Contains(cfg.Words, want) && !strings.HasPrefix(want, "--filter=:C") {
			t.Errorf("%q lacks %q", cfg.Words, want)
		}
	}
	if slices.Contains(cfg.Words, "--cvs-exclude") {
		t.Errorf("%q", cfg.Words)
	}
}

// peer folds words as the far end does.
func peer(p *peerPolicy, push bool, dest string, words ...string) (*syncConfig, *wire.Job, error) {
	job := &wire.Job{Push: push, Words: words, Dest: []byte(dest)}
	if !push {
		job.Sources = [][]byte{[]byte(dest)}
	}
	cfg, err := p.peerJob(job)
	return cfg, job, err
}

// TestPeerTakesAllWords: what a client sends, the far end understands, and means
// the same by it.
func TestPeerTakesAllWords(t *testing.T) {
	for _, o := range syncOptions() {
		rule, known := wordRules()[o.canonical()]
		if !known {
			continue
		}
		arg := spelling(o.names[0])
		if o.kind != noValue {
			arg += "=" + valueFor(o)
		}
		for _, push := range []bool{false, true} {
			operands := []string{"-r", "a", "host:b"}
			if !push {
				operands = []string{"-r", "host:a", "b"}
			}
			if push && o.canonical() == "list-only" || o.canonical() == "remote" || o.away != "" {
				continue
			}
			words := remoteWords(t, append([]string{arg}, operands...)...)
			if _, _, err := peer(&peerPolicy{}, push, "b", words...); err != nil {
				t.Errorf("%s, push %v: %q: %v", arg, push, words, err)
			}
		}
		if rule > wordInlined {
			continue
		}
		if _, _, err := peer(&peerPolicy{}, true, "b", word(setting{o.canonical(), valueFor(o), o.kind != noValue})); codeOf(err) != exitRefused && codeOf(err) != exitUnsupported {
			t.Errorf("%s is taken from a peer: %v", arg, err)
		}
	}
}

// codeOf returns the exit code of an error of a peer's words.
func codeOf(err error) int {
	var coded *syncError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	}
	return exitFailure
}

func TestPeerRefuses(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "in", "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("in", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	free := peerPolicy{}
	rw := peerPolicy{Root: root}
	ro := peerPolicy{Root: root, Mode: exportReadOnly}
	add := peerPolicy{Root: root, Mode: exportAppendOnly}
	for _, c := range []struct {
		name   string
		policy peerPolicy
		push   bool
		path   string
		words  string
		code   int
	}{
		{"unknown", free, true, "x", "--nonsense", 4},
		{"abbreviated", free, true, "x", "--recurs", 4},
		{"alias", free, true, "x", "--del", 4},
		{"letter", free, true, "x", "-r", 4},
		{"letter as a word", free, true, "x", "--r", 4},
		{"missing value", free, true, "x", "--max-size", 4},
		{"value too many", free, true, "x", "--recursive=yes", 4},
		{"no option", free, true, "x", "recursive", 4},
		{"log", free, true, "x", "--log-file=/tmp/x", 43},
		{"log, off", free, true, "x", "--no-verbose", 0},
		{"ssh", free, true, "x", "--ssh=rm", 43},
		{"time-out", free, true, "x", "--timeout=9", 43},
		{"refused by the table", free, true, "x", "--daemon", 43},
		{"idle in the table", free, true, "x", "--port=9", 43},
		{"file of rules", free, true, "x", "--exclude-from=/etc/passwd", 43},
		{"merge rule", free, true, "x", "--filter=. /etc/passwd", 43},
		{"bad rule", free, true, "x", "--filter=foo", 1},
		{"per-directory rules", rw, true, "x", "--filter=: /.rsync-filter", 0},
		{"per-directory rules above", rw, true, "x", "--filter=: ../../etc/passwd", 43},
		{"per-directory rules elsewhere", rw, true, "x", "--filter=: /etc/passwd", 43},
		{"write to ro", ro, true, "x", "--recursive", 43},
		{"read from ro", ro, false, "in", "--recursive --delete", 0},
		{"delete in rw", rw, true, "in", "--recursive --delete", 0},
		{"delete in add", add, true, "in", "--recursive --delete", 43},
		{"not delete in add", add, true, "in", "--recursive --no-force", 0},
		{"inplace in add", add, true, "in", "--inplace", 43},
		{"append in add", add, true, "in", "--append", 43},
		{"force in add", add, true, "in", "--force", 43},
		{"delay in add", add, true, "in", "--delay-updates", 43},
		{"partial-dir in add", add, true, "in", "--partial --partial-dir=d", 43},
		{"partial in add", add, true, "in", "--partial", 0},
		{"new in add", add, true, "in", "--recursive", 0},
		{"remove from rw", rw, false, "in", "--recursive --remove-source-files", 0},
		{"remove from ro", ro, false, "in", "--recursive --remove-source-files", 43},
		{"remove from add", add, false, "in", "--recursive --remove-source-files", 43},
		{"remove from free", free, false, root, "--recursive --remove-source-files", 0},
		{"devices read", rw, false, "in", "--copy-devices", 43},
		{"devices written", rw, true, "in", "--write-devices", 43},
		{"devices of a user", free, true, "in", "--write-devices", 0},
		{"links followed", rw, false, "in", "--copy-links", 0},
		{"temp-dir", rw, true, "in", "--temp-dir=d", 0},
		{"temp-dir above", rw, true, "in", "--temp-dir=../../x", 43},
		{"temp-dir beside", rw, true, "in", "--temp-dir=../y", 0},
		{"temp-dir through a link", rw, true, "in", "--temp-dir=/out/y", 43},
		{"partial-dir", rw, true, "in", "--partial-dir=.p", 0},
		{"partial-dir above", rw, true, "in", "--partial-dir=a/../../p", 43},
		{"backup-dir", rw, true, "in", "--backup --backup-dir=../old", 0},
		{"through a link", rw, true, "out/x", "", 43},
		{"the link", rw, true, "out", "", 43},
		{"from a link", rw, false, "out/x", "", 43},
		{"the link to be sent", rw, false, "out", "", 0},
		{"what the link leads to", rw, false, "out/", "", 43},
		{"the same with a dot", rw, false, "out/.", "", 43},
		{"the link to be sent, with its path", rw, false, "./out", "--relative", 0},
		{"from a link, with its path", rw, false, "./out/x", "--relative", 43},
		{"a link inside", rw, true, "link/d", "", 0},
		{"zero byte", free, true, "a\x00b", "", 43},
	} {
		words := strings.Fields(c.words)
		if strings.Contains(c.words, "=") && strings.Contains(c.words, "filter") {
			words = []string{c.words}
		}
		cfg, _, err := peer(&c.policy, c.push, c.path, words...)
		if got := codeOf(err); got != c.code {
			t.Errorf("%s: %v, code %d, want %d", c.name, err, got, c.code)
		}
		if err == nil && cfg.Mirror.Jobs > jobs(&copyConfig{}) {
			t.Errorf("%s: %d workers", c.name, cfg.Mirror.Jobs)
		}
	}
}

// TestPeerPaths: where a peer's paths are below a root.
func TestPeerPaths(t *testing.T) {
	root := t.TempDir()
	p := &peerPolicy{Root: root}
	for name, want := range map[string]string{
		"": "/.", "/": "/", ".": "/.", "x": "/x", "/x": "/x", "../x": "/x", "a/../../x/": "/x/", "x/.": "/x/.", "..": "/.", "a/..": "/.",
		"x//y/": "/x/y/", "./": "/",
	} {
		got, err := p.place(name)
		if err != nil || strings.TrimPrefix(got, root) != want || !strings.HasPrefix(got, root) {
			t.Errorf("%q: %q %v, want root%q", name, got, err, want)
		}
	}
	for source, want := range map[string]string{
		"a/b": "/./a/b", "/a/b/": "/./a/b/", "a/./b": "/a/./b", "../a": "/./../a", "/": "/./.", "./a": "/././a",
	} {
		_, job, err := peer(p, false, source, "--relative", "--recursive")
		if err != nil || string(job.Sources[0]) != root+want {
			t.Errorf("-R %q: %q %v, want root%q", source, job.Sources, err, want)
		}
	}
	_, job, err := peer(p, true, "in", "--recursive", "--link-dest=../old", "--partial-dir=.p")
	if err != nil || string(job.Dest) != root+"/in" {
		t.Errorf("%q %v", job.Dest, err)
	}
	cfg, _, err := peer(p, true, "in", "--link-dest=../old", "--backup-dir=/b")
	if err != nil || cfg.Mirror.AltDests[0] != root+"/old" || cfg.Mirror.BackupDir != root+"/b" {
		t.Errorf("%v %v", cfg, err)
	}
	// Beside a destination that is a file.
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err = peer(p, true, "file", "--backup-dir=b", "--link-dest=old")
	if err != nil || cfg.Mirror.AltDests[0] != root+"/old" || cfg.Mirror.BackupDir != root+"/b" {
		t.Errorf("%v %v", cfg, err)
	}
	if _, _, err = peer(p, true, "file", "--backup-dir=../b"); codeOf(err) != 43 {
		t.Errorf("%v", err)
	}
}

// TestPeerLimits: what a peer can't have, whatever it says.
func TestPeerLimits(t *testing.T) {
	p := &peerPolicy{Root: t.TempDir(), Mode: exportAppendOnly}
	cfg, _, err := peer(p, true, "x", "--archive", "--jobs=200", "--super", "--partial")
	if err != nil {
		t.Fatal(err)
	}
	m := &cfg.Mirror
	if m.Rules.Devices || !m.Rules.IgnoreExisting || m.Partial || m.Jobs > jobs(&copyConfig{}) {
		t.Errorf("%+v", m.Rules)
	}
	st := fileStat()
	for _, c := range []struct {
		name     string
		src, old bool
		want     bool
	}{{"new", true, false, true}, {"changed", true, true, false}, {"deleted", false, true, false}} {
		src, old := &st, &st
		if !c.src {
			src = nil
		}
		if !c.old {
			old = nil
		}
		if ok, _ := m.Approve("x", src, old); ok != c.want {
			t.Errorf("%s: %v", c.name, ok)
		}
	}
	if cfg, _, err := peer(&peerPolicy{}, true, "x", "--archive", "--files-from=a\x00b/\x00../c\x00#d\x00;e\x00"); err != nil ||
		string(bytes.Join(cfg.Mirror.FilesFrom, []byte(" "))) != "a b/ c #d ;e" || cfg.Mirror.Recursive {
		t.Errorf("%+v %v", cfg, err)
	}
	if cfg, _, err := peer(&peerPolicy{}, false, "x", "--recursive", "--list-only"); err != nil || !cfg.Mirror.ListOnly || cfg.Mirror.Links != mirror.LinksKeep {
		t.Errorf("%+v %v", cfg, err)
	}
}

func fileStat() platform.Stat { return platform.Stat{Mode: platform.ModeRegular | 0o644} }
