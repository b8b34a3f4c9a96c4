//go:build linux

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// newUser returns the PATH of somebody who has ssh set up for a host, where programs of
// sessions are looked for in bin, and what the shell of such a session finds otherwise.
func newUser(t *testing.T, bin string) (path string) {
	t.Helper()
	server := startSSHD(t, bin)
	own := farDir(t)
	// What stands in ~/.ssh/config of a user is an option here.
	writeScript(t, filepath.Join(own, "ssh"), "exec /usr/bin/"+strings.Join(server.Words(), " ")+` "$@"`)
	return own + ":" + filepath.Dir(buildBinary(t)) + ":/usr/bin:/bin"
}

// TestRemoteFirstTime does what somebody does who has just put zccp on two machines.
func TestRemoteFirstTime(t *testing.T) {
	copiertest.Require(t, "sshd")
	path := newUser(t, filepath.Dir(buildBinary(t)))
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "photos/2026"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "photos/2026/one.jpg"), []byte("one"), 0o640))
	for _, line := range []string{
		"zccp -a photos localhost:" + dir + "/backup",
		"zccp -a localhost:" + dir + "/photos fetched",
		"zccp -a photos --remote localhost:" + dir + "/other",
		"zccp sync -a photos/ localhost:" + dir + "/mirror/",
		"zccp photos/2026/one.jpg localhost:" + dir + "/single.jpg",
		"zccp sync -a --delete localhost:" + dir + "/photos/ mirrored",
	} {
		e := command{args: []string{"sh", "-c", "PATH=" + path + "; export PATH; exec " + line}, dir: dir}.run(t)
		if e.code != 0 || e.stderr != "" {
			t.Errorf("%s: exit code %d, stderr %s", line, e.code, e.stderr)
		}
	}
	for _, copy := range []string{"backup", "fetched", "other", "mirror", "mirrored"} {
		report(t, copy, copiertest.Diff(filepath.Join(dir, "photos"), filepath.Join(dir, copy), copiertest.CompareOptions{Ignore: copiertest.Atime}))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "single.jpg")); string(b) != "one" {
		t.Errorf("single.jpg: %q, %v", b, err)
	}
}

// TestRemoteMissing has no zccp at the far side, and what else users meet: the message says
// what to do.
func TestRemoteMissing(t *testing.T) {
	copiertest.Require(t, "sshd")
	path := newUser(t, t.TempDir())
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	for _, c := range []struct {
		line string
		code int
		want []string
	}{
		{"zccp -a file localhost:" + dir + "/x", 1, []string{"has no zccp", "--remote-zccp", "not found"}},
		{"zccp sync -a file localhost:" + dir + "/x", 5, []string{"has no zccp", "--remote-zccp", "not found"}},
		{"zccp -a file localhost:" + dir + "/x --remote-zccp=/nowhere/zccp", 1, []string{"has no /nowhere/zccp", "--remote-zccp"}},
		{"zccp -a file localhost:" + dir + "/x --ssh=/nowhere/ssh", 1, []string{"/nowhere/ssh"}},
		{"zccp sync -a --remove-source-files file --remote=localhost:x --remote=localhost:y", 1, []string{"one destination"}},
		{"zccp -a file 'far side':x", 1, []string{"far side"}},
		{"zccp -a localhost:a localhost:b", 1, []string{"remote"}},
		{"zccp -a file zccp://127.0.0.1:1/x/y", 1, []string{"zccp keygen"}},
		{"zccp keygen && zccp -a file zccp://127.0.0.1:1/x/y", 1, []string{"127.0.0.1:1", "refused", "zccp serve"}},
	} {
		e := command{args: []string{"sh", "-c", "export PATH=" + path + " HOME=" + dir + "; " + c.line}, dir: dir}.run(t)
		if e.code == 0 || e.code == 70 {
			t.Errorf("%s: exit code %d", c.line, e.code)
		}
		for _, want := range c.want {
			if !strings.Contains(e.stderr, want) {
				t.Errorf("%s: no %q in %q", c.line, want, e.stderr)
			}
		}
		if e.code != c.code {
			t.Errorf("%s: exit code %d, want %d, stderr %q", c.line, e.code, c.code, e.stderr)
		}
	}
}
