//go:build linux

package main_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestPortable copies generated trees without what only Linux has, and compares with cp as
// TestDifferential does: what the other systems rely on is run here.
func TestPortable(t *testing.T) {
	copiertest.Require(t, "root")
	requireGNU(t)
	// Following links is left to TestDifferential: it is decided above the kernel.
	ways := slices.DeleteFunc(slices.Concat(plain, variants), func(v variant) bool { return strings.Contains(v.name, "L") })
	for name, trees := range map[string]int{"zccp-portable": 32, "zccp-clonefile": 16} {
		t.Run(name, func(t *testing.T) {
			d := differential{reference: []string{"cp"}, subject: []string{callAs(t, name)}, seed: copiertest.Seed(t), variants: ways}
			d.run(t, trees, copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs", "ext4"}}))
			t.Logf("%d trees, %d differences; intended ones: %v", trees, d.differences, d.intended)
		})
	}
}

// TestPortableSync is TestPortable for the rules of rsync.
func TestPortableSync(t *testing.T) {
	copiertest.Require(t, "root")
	copiertest.Require(t, "rsync")
	for name, cases := range map[string]int{"zccp-portable": 20, "zccp-clonefile": 10} {
		t.Run(name, func(t *testing.T) {
			d := syncDifferential{reference: []string{"rsync"}, subject: []string{callAs(t, name), "sync", "--allow-mass-delete"}, seed: copiertest.Seed(t)}
			requireSync(t, d.subject)
			d.run(t, cases, copiertest.Mount(t, copiertest.MountOptions{Names: []string{"tmpfs", "ext4"}}))
			t.Logf("%d cases, %d with differences; intended ones: %v", cases, d.differing, d.intended)
		})
	}
}

// callAs makes a copy of the test binary, which is the program with another kernel when
// called by that name (see lesserKernel), and which anybody may execute.
func callAs(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("ZCCP_TEST_BINARIES")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(dir, name)
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Close()
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
