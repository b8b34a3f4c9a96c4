package apply

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	cases := []struct{ name, want string }{
		{"", `''`},
		{"a", `'a'`},
		{"a b", `'a b'`},
		{"it's", `"it's"`},
		{"'", `"'"`},
		{`it's $5`, `'it'\''s $5'`},
		{`'"'`, `''\''"'\'''`},
		{"a\nb", `'a'$'\n''b'`},
		{"\n", `''$'\n'`},
		{"a\n", `'a'$'\n'`},
		{"\n\t\a", `''$'\n\t\a'`},
		{"it's\n", `'it'\''s'$'\n'`},
		{"\n'", `''$'\n'\'''`},
		{"\x1b[31mred", `''$'\033''[31mred'`},
		{"\x7f", `''$'\177'`},
		{"\xff", `''$'\377'`},
		{"\xc3", `''$'\303'`},
		{"caf\xc3\xa9", `'café'`},
		{"漢字", `'漢字'`},
		{`back\slash`, `'back\slash'`},
		{"#a's", `"#a's"`},
		{"a#'s", `'a#'\''s'`},
		{"{}", `'{}'`},
		// Not printed as they are: a bidirectional override, C1 CSI.
		{"a\u202eb", `'a'$'\342\200\256''b'`},
		{"\u009b31m", `''$'\302\233''31m'`},
	}
	for _, c := range cases {
		if got := Quote(c.name); got != c.want {
			t.Errorf("Quote(%q) = %s, want %s", c.name, got, c.want)
		}
	}
}

// TestQuoteMatchesGNU lets ls complain about names that do not exist and
// compares how it quotes them.
func TestQuoteMatchesGNU(t *testing.T) {
	version, err := exec.Command("ls", "--version").Output()
	if err != nil || !strings.Contains(string(version), "GNU coreutils") {
		t.Skip("needs ls of GNU coreutils")
	}
	var names []string
	for c := 1; c < 256; c++ {
		if c != '/' && c != '.' {
			names = append(names, string([]byte{byte(c)}))
		}
		names = append(names, "x"+string([]byte{byte(c)})+"y", "'"+string([]byte{byte(c)})+"z")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "'", "\n", "$", " ", "é", "漢", "😀", "\xff", "\xc3", "\x01", "~", "#", "{", "}", "\"", "\\", "?", "=", "^"}
	for range 2000 {
		var b strings.Builder
		for range 1 + rng.IntN(6) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		names = append(names, b.String())
	}
	cmd := exec.Command("ls", append([]string{"-d", "--"}, names...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"LC_ALL=C.UTF-8"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Run()
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%d lines for %d names", len(lines), len(names))
	}
	if !strings.Contains(lines[len(lines)-1], "No such file or directory") {
		t.Fatalf("unexpected: %s", lines[len(lines)-1])
	}
	differ, wrong := 0, 0
	for i, name := range names {
		if strings.Contains(name, "'") && strings.HasSuffix(Quote(name), `\`+lastEscape(name)+`'`) {
			wrong++ // the case in which quotearg is, see Quote
			continue
		}
		want := strings.TrimPrefix(lines[i], "ls: cannot access ")
		want = strings.TrimSuffix(want, ": No such file or directory")
		if got := Quote(name); got != want && differ < 20 {
			t.Errorf("Quote(%q) = %s, ls has %s", name, got, want)
			differ++
		}
	}
	if wrong*4 > len(names) {
		t.Errorf("only %d of %d names compared", len(names)-wrong, len(names))
	}
}

// TestQuoteReadsBack gives quoted names to a shell.
func TestQuoteReadsBack(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	for _, name := range []string{"a'\n", "\n'", "'\xff", "$'x'\x01", "\u202e\u009b'", `\'"`, "é'\xc3"} {
		out, err := exec.Command(shell, "-c", "printf %s "+Quote(name)).Output()
		if err != nil || string(out) != name {
			t.Errorf("Quote(%q) = %s, which reads as %q (%v)", name, Quote(name), out, err)
		}
	}
}

// lastEscape returns how the last byte of name is written in $'...', or a text
// that stands nowhere if it is not escaped.
func lastEscape(name string) string {
	switch c := name[len(name)-1]; {
	case c == '\n':
		return "n"
	case c == 0xff || c == 0xc3 || c == 1:
		return string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7})
	}
	return "none"
}
