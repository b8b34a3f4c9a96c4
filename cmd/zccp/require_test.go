//go:build linux

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildBinary builds the command as it is released and returns its path, which users other
// than the caller may run too.
func buildBinary(t *testing.T) string {
	t.Helper()
	// t.TempDir is below a directory that only its owner may enter on some systems.
	dir, err := os.MkdirTemp("", "zccp-binary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "zccp")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if raceDetector {
		// Most of what the tests of this package test is in other processes.
		cmd = exec.Command("go", "build", "-race", "-o", binary, ".")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// requireGNU skips the test, loudly, where cp is not that of GNU coreutils.
func requireGNU(t *testing.T) {
	t.Helper()
	out, err := exec.Command("cp", "--version").Output()
	first, _, _ := bytes.Cut(out, []byte("\n"))
	if err != nil || !bytes.Contains(first, []byte("GNU coreutils")) {
		t.Skipf("cp is not that of GNU coreutils: %s %v", first, err)
	}
	t.Logf("compared with %s", first)
}
