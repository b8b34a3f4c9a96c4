package main

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestRemoteOperands: what means another machine, and which one. "" stands for
// a local name, "!" for what is refused.
func TestRemoteOperands(t *testing.T) {
	pin := "sha256:" + strings.Repeat("ab", 32)
	for operand, want := range map[string]string{
		"a": "", "./a:b": "", "/a:b": "", "a/b:c": "", "../h:p": "", "": "", "/": "", "a@b": "", "[a]": "", "[::1]": "", "[a/b]:c": "",
		"[::1]/x:y":            "",
		"host:path":            "host|path",
		"host:/abs/path/":      "host|/abs/path/",
		"host:":                "host|.",
		"user@host:":           "user@host|.",
		"user@host:a b":        "user@host|a b",
		"host:a:b":             "host|a:b",
		"host:~/x":             "host|~/x",
		"host:a/../b":          "host|a/../b",
		"h@x@host:p":           "h@x@host|p",
		"[::1]:/p":             "::1|/p",
		"[fe80::1%eth0]:p":     "fe80::1%eth0|p",
		"me@[2001:db8::7]:p/q": "me@2001:db8::7|p/q",
		"10.0.0.1:p":           "10.0.0.1|p",
		"[host]:p":             "host|p",
		":p":                   "|p",
		"a]:b":                 "a]|b",
		"host::mod":            "!", "host::": "!", "rsync://host/mod": "!", "[::1]::mod": "!", "user@host::mod/p": "!",
		"-oProxyCommand=x:p": "!", "-oProxyCommand=x@host:p": "!", "me@-host:p": "!", "@host:p": "!", "user@:p": "!", "a b:p": "!",
		"s3://bucket/key": "!", "http://h/p": "!", "ssh://h/p": "!", "sftp://h/p": "!",
		"zccp://host/exp":                 "host:7453/exp|.",
		"zccp://host/exp/":                "host:7453/exp|./",
		"zccp://host:99/exp/a b/c%20":     "host:99/exp|a b/c%20",
		"zccp://[::1]/exp/x/":             "::1:7453/exp|x/",
		"zccp://[::1]:99/exp/x":           "::1:99/exp|x",
		"zccp://host/exp/x?pin=" + pin:    "host:7453/exp|x|" + pin,
		"zccp://host":                     "!",
		"zccp://host/":                    "!",
		"zccp:///exp":                     "!",
		"zccp://host:0/exp":               "!",
		"zccp://host:x/exp":               "!",
		"zccp://me@host/exp":              "!",
		"zccp://-h/exp":                   "!",
		"zccp://host/exp?pin=sha256:abcd": "!",
	} {
		got := ""
		if isRemote(operand) {
			p, err := parseRemote(operand)
			switch {
			case err != nil:
				got = "!"
			case p.Daemon:
				got = p.Host + ":" + strconv.Itoa(p.Port) + "/" + p.Export + "|" + p.Path
				if p.Pin != "" {
					got += "|" + p.Pin
				}
			default:
				got = p.Host + "|" + p.Path
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", operand, got, want)
		}
	}
	want := "C|\\x"
	if runtime.GOOS == "windows" {
		want = ""
	}
	got := ""
	if isRemote(`C:\x`) {
		p, err := parseRemote(`C:\x`)
		if err != nil {
			t.Fatal(err)
		}
		got = p.Host + "|" + p.Path
	}
	if got != want {
		t.Errorf(`C:\x is %q, want %q`, got, want)
	}
}

// TestRemoteHints: what is refused says what to do instead.
func TestRemoteHints(t *testing.T) {
	for operand, hint := range map[string]string{
		"host::mod": "zccp://", "rsync://h/m": "zccp://", "zccp://h": "zccp://HOST[:PORT]/EXPORT/PATH",
	} {
		_, err := parseRemote(operand)
		var coded *syncError
		var usage *usageError
		got := ""
		if errors.As(err, &coded) {
			got = coded.hint
		} else if errors.As(err, &usage) {
			got = usage.hint
		}
		if !strings.Contains(got, hint) {
			t.Errorf("%s: hint %q lacks %q", operand, got, hint)
		}
	}
}

// TestRemoteLabel: reports name a place in a form that can be typed again.
func TestRemoteLabel(t *testing.T) {
	for operand, want := range map[string]string{
		"h:p": "h:x", "me@h:p": "me@h:x", "[::1]:p": "[::1]:x", "me@[::1]:p": "me@[::1]:x",
		"zccp://h/e/p": "zccp://h/e/x", "zccp://[::1]:99/e": "zccp://[::1]:99/e/x",
	} {
		p, err := parseRemote(operand)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.label("x"); got != want {
			t.Errorf("%s: %q, want %q", operand, got, want)
		}
		if !isRemote(p.label("x")) {
			t.Errorf("%s: %q is local", operand, p.label("x"))
		}
	}
}

func TestRouteOperands(t *testing.T) {
	for _, c := range []struct {
		sources string
		dest    string
		remote  string // values of --remote
		want    string // push or pull and its places, "" for none, or what the error says
	}{
		{"a b", "c", "", ""},
		{"a", "", "", ""},
		{"a b", "h:c", "", "push c | a b"},
		{"h:a", "c", "", "pull a | c"},
		{"h:a", "", "", "pull a | "},
		{"h:a h:b :c", "d", "", "pull a b c | d"},
		{"a b", "", "h:c i:d", "push c d | a b"},
		{"h:a", "h:b", "", "!both remote"},
		{"h:a", "", "i:b", "!both remote"},
		{"h:a b", "c", "", "!here and elsewhere"},
		{"h:a i:b", "c", "", "!different machines"},
		{"h:a me@h:b", "c", "", "!different machines"},
		{"zccp://h/x/a zccp://h/y/b", "c", "", "!different machines"},
		{"zccp://h/x/a zccp://h/x/b", "c", "", "pull a b | c"},
		{"a", "", "b", "!not on another machine"},
		{":a", "b", "", "!does not name a host"},
		{"a", ":b", "", "!does not name a host"},
	} {
		r, err := routeOperands(strings.Fields(c.sources), c.dest, strings.Fields(c.remote))
		got := ""
		if r != nil {
			got = "pull"
			if r.Push {
				got = "push"
			}
			for _, p := range r.Places {
				got += " " + p.Path
			}
			got += " | " + strings.Join(r.Local, " ")
		}
		if text, refused := strings.CutPrefix(c.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s -> %s (%s): %q %v, want an error with %q", c.sources, c.dest, c.remote, got, err, text)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%s -> %s (%s): %q %v, want %q", c.sources, c.dest, c.remote, got, err, c.want)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	for s, want := range map[string]string{
		"ssh": "ssh", "ssh -p 22": "ssh|-p|22", ` ssh  -o "A B" 'c d'e `: "ssh|-o|A B|c de",
		`ssh 'it''s'`: "ssh|it's", `x ""`: "x|", `a "b""c"`: `a|b"c`,
	} {
		got, err := splitCommand(s)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%q: %q %v, want %q", s, got, err, want)
		}
	}
	for _, bad := range []string{"", "  ", `"a`, "a 'b"} {
		if got, err := splitCommand(bad); err == nil {
			t.Errorf("%q is %q", bad, got)
		}
	}
}
