//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	main "github.com/zccp/zccp/cmd/zccp"
)

// TestPTYPassword: while ssh asks on the terminal nothing else is written there,
// although the sources are walked and some of them can't be read. That is said
// afterwards, and counts once.
func TestPTYPassword(t *testing.T) {
	binary := buildBinary(t)
	for _, mode := range [][]string{{"-R", "--stats"}, {"sync", "-rv", "--info=progress2"}} {
		t.Run(mode[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ptyFile(t, dir, "src/file", 1)
			must(t, os.Mkdir(filepath.Join(dir, "dst"), 0o755))
			asks := writeScript(t, filepath.Join(dir, "asks"), "printf 'password: ' >/dev/tty; read -r word </dev/tty; echo told >&2\n"+fakeShell)
			args := append([]string{binary}, mode...)
			p := onTerminal(t, 100, dir, nil, append(args, "--ssh="+asks, "--path=ssh", "--remote-zccp="+binary, "src", "nosuch", main.SSHHostName+":"+dir+"/dst")...)
			p.await("password: ")
			// What is drawn comes after half a second, or a second.
			time.Sleep(1300 * time.Millisecond)
			if text := p.text(); !strings.HasSuffix(text, "password: ") {
				t.Errorf("the question got lost in %q", text)
			}
			p.keys("secret\n")
			e := p.end()
			for _, want := range []string{"told", "nosuch"} {
				if _, after, _ := strings.Cut(e.stdout, "secret"); !strings.Contains(after, want) {
					t.Errorf("no %q in %q", want, after)
				}
			}
			if mode[0] == "-R" && !regexp.MustCompile(`Failed: +1\r`).MatchString(e.stdout) {
				t.Errorf("one failure counts otherwise in %q", e.stdout)
			}
			if _, err := os.Stat(filepath.Join(dir, "dst/src/file")); err != nil || e.code == 0 {
				t.Errorf("exit code %d, %v", e.code, err)
			}
		})
	}
}
