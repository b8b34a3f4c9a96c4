package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// valueFor is a value that an option of sync mode takes.
func valueFor(o syncOption) string {
	if o.kind == noValue {
		return ""
	}
	values := map[string]string{
		"max-size": "1M", "min-size": "1", "modify-window": "1", "max-delete": "3", "chmod": "u+x",
		"usermap": "0:0", "groupmap": "0:0", "chown": "0:0", "bwlimit": "10M", "timeout": "5",
		"stop-after": "10", "stop-at": "2099-12-31", "info": "name2", "debug": "none", "outbuf": "L",
		"stderr": "all", "jobs": "2", "reflink": "never", "preserve-sharing": "auto", "method": "readwrite", "cache": "keep",
		"verify": "blake3", "checksum-choice": "xxh128", "block-size": "700", "filter": "- x", "iconv": "-",
		"partial-dir": ".part", "files-from": "-", "exclude-from": "-", "include-from": "-",
		"suffix": ".old", "out-format": "%n", "remote": "host:b", "path": "ssh", "data-ports": "50000-50010",
		"security": "plain", "ktls": "off", "streams": "4", "compress-choice": "zstd", "contimeout": "5",
	}
	if v, ok := values[o.canonical()]; ok {
		return v
	}
	return "x"
}

// TestSyncOptionsHaveMeaning gives each option, and each of its opposites, to
// the parser: a declared option without a meaning panics. What is refused is
// refused with 4, and nothing else is. Options of a connection get one; those
// that mean nothing between machines are refused with it.
func TestSyncOptionsHaveMeaning(t *testing.T) {
	for _, o := range syncOptions() {
		for _, name := range o.names {
			arg := spelling(name)
			if value := valueFor(o); o.kind != noValue && len(name) > 1 {
				arg += "=" + value
			} else if o.kind == requiredValue {
				arg += value
			}
			operands := []string{"-r", "a", "b"}
			switch {
			case o.canonical() == "remote":
				operands = operands[:2]
			case o.group == groupRemote:
				operands[2] = "host:b"
			}
			code := syncCode(t, append([]string{arg}, operands...)...)
			switch refused := o.never != ""; {
			case refused && code != exitUnsupported:
				t.Errorf("%s: code %d, want 4", arg, code)
			case !refused && code != exitOK:
				t.Errorf("%s: code %d, want 0", arg, code)
			}
			if away := syncCode(t, arg, "-r", "a", "host:b"); o.away != "" && away != exitUnsupported {
				t.Errorf("%s between machines: code %d, want 4", arg, away)
			}
		}
		for _, name := range o.off {
			dest := "b"
			if o.group == groupRemote {
				dest = "host:b"
			}
			if code := syncCode(t, "--no-"+name, "-r", "a", dest); code != exitOK {
				t.Errorf("--no-%s: code %d, want 0", name, code)
			}
		}
	}
}

// syncCode returns the code that a command line would be refused with.
func syncCode(t *testing.T, args ...string) int {
	t.Helper()
	e, _, _ := testEnv(nil, "zccp")
	_, err := parseSync(e, args)
	if err == nil {
		return exitOK
	}
	return e.refuseSync(err)
}

// TestSyncHelp: every option is in the help text, and in no other way than the
// table says.
func TestSyncHelp(t *testing.T) {
	text := helpText(t, "zccp", "sync", "--help")
	golden(t, "sync-help.txt", text)
	if helpText(t, "zccp", "sync", "-h") != text {
		t.Error("-h alone is not --help")
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > helpWidth || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns, or blanks at the end: %q", len(line), line)
		}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,=[", r) })
	for _, o := range syncOptions() {
		shown := o.names
		if o.usage != "" {
			// Of several long names the first is shown.
			shown = shown[:1]
		}
		for _, name := range shown {
			if !slices.Contains(words, spelling(name)) {
				t.Errorf("%s is not in the help text", spelling(name))
			}
		}
		for _, name := range o.off {
			if !slices.Contains(words, "--no-"+name) {
				t.Errorf("--no-%s is not in the help text", name)
			}
		}
		if (o.usage == "") != (o.idle != "" || o.never != "") {
			t.Errorf("%s: a row has a usage, or a reason for having none", o.canonical())
		}
	}
	for _, status := range syncExitStatus() {
		if !strings.Contains(text, status.Meaning) {
			t.Errorf("exit status %s is not in the help text", status.Code)
		}
	}
}

// TestSyncKnowsRsyncsOptions holds the table against rsync's own help.
func TestSyncKnowsRsyncsOptions(t *testing.T) {
	requireRsync(t)
	out, err := exec.Command("rsync", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(out), "\nOptions\n")
	table := syncTable()
	rows := regexp.MustCompile(`(?m)^(-[^\s,]+(?:, -[^\s,]+)*) `).FindAllStringSubmatch(text, -1)
	if len(rows) < 120 {
		t.Fatalf("only %d rows in rsync's help", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(row[1], ", ") {
			name, value, hasValue := strings.Cut(name, "=")
			switch {
			case name == "--no-OPTION":
			case strings.HasPrefix(name, "--"):
				o, _, err := table.find(name[2:], name)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if (o.kind == requiredValue) != hasValue {
					t.Errorf("%s takes a value in one of the two only (%s)", name, value)
				}
			case table.short[name[1]] == nil && name != "-h":
				t.Errorf("%s is not known", name)
			}
		}
	}
}

// TestSyncNegationsMatchRsync asks rsync for --no-NAME of each name of the table.
func TestSyncNegationsMatchRsync(t *testing.T) {
	requireRsync(t)
	if testing.Short() {
		t.Skip("runs rsync 200 times")
	}
	dir := t.TempDir()
	table := syncTable()
	for _, o := range syncOptions() {
		if o.group == groupExtra || o.canonical() == "detect-renames" || o.canonical() == "preserve-sharing" || o.canonical() == "msgs2stderr" {
			continue
		}
		for _, name := range o.names {
			out, _ := exec.Command("rsync", "--no-"+name, "-n", dir, dir+"/x").CombinedOutput()
			theirs := !strings.Contains(string(out), "unknown option") && !strings.Contains(string(out), "daemon")
			_, _, err := table.find("no-"+name, "")
			if ours := err == nil; ours != theirs {
				t.Errorf("--no-%s: rsync takes it: %v, zccp: %v", name, theirs, ours)
			}
		}
	}
}

// TestSyncDocs: the reference names every option and every exit code.
func TestSyncDocs(t *testing.T) {
	contents, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "sync.md"))
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile("`(--?[^`=]+)[^`]*`").FindAllStringSubmatch(string(contents), -1)
	named := make(map[string]bool)
	for _, w := range words {
		named[w[1]] = true
	}
	for _, o := range syncOptions() {
		for _, name := range o.names {
			if !named[spelling(name)] {
				t.Errorf("docs/sync.md lacks %s", spelling(name))
			}
		}
		for _, name := range o.off {
			if !named["--no-"+name] {
				t.Errorf("docs/sync.md lacks --no-%s", name)
			}
		}
		refused := regexp.MustCompile(`(?m)^\|.*` + regexp.QuoteMeta("`"+spelling(o.canonical())) + "[`=].*\\*\\*refused\\*\\*").Match(contents)
		if refused != (o.never != "") {
			t.Errorf("docs/sync.md says of %s that it is refused: %v", spelling(o.canonical()), refused)
		}
	}
	for _, row := range syncExitStatus() {
		if !strings.Contains(string(contents), "| "+row.Code+" | "+row.Meaning+" |") {
			t.Errorf("docs/sync.md lacks exit code %s", row.Code)
		}
	}
}
