//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// buildBinary builds the command as it is released, once, and returns its path,
// which users other than this one can reach too. Nobody may change the file.
func buildBinary(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	dir := os.Getenv("ZCCP_TEST_BINARIES") // TestMain's, not below t.TempDir, which only its owner may enter on some systems
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "zccp")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if raceDetector {
		// Most of what the tests of this package test is in other processes.
		cmd = exec.Command("go", "build", "-race", "-o", binary, ".")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return binary, nil
})

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
