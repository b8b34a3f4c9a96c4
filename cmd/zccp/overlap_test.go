//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestManySourcesOneFile copies files over names of one and the same old file: one of them
// is there in the end, whole, and no copy fails.
func TestManySourcesOneFile(t *testing.T) {
	const names, rounds = 16, 8
	zccp := buildBinary(t)
	for round := range rounds {
		dir := t.TempDir()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		old := filepath.Join(dir, "old")
		must(os.WriteFile(old, nil, 0o600))
		whole := map[string]bool{}
		for i := range names {
			name := fmt.Sprint(i)
			must(os.MkdirAll(filepath.Join(dir, "src", name), 0o755))
			must(os.MkdirAll(filepath.Join(dir, "dst", name), 0o755))
			data := bytes.Repeat([]byte{'a' + byte(i)}, 1<<20*(1+i%3))
			whole[string(data)] = true
			must(os.WriteFile(filepath.Join(dir, "src", name, "file"), data, 0o600))
			must(os.Link(old, filepath.Join(dir, "dst", name, "file")))
		}
		out, err := exec.CommandContext(t.Context(), zccp, "-r", "-j8", filepath.Join(dir, "src")+"/.", filepath.Join(dir, "dst")).CombinedOutput()
		if err != nil {
			t.Errorf("round %d: %v: %s", round, err, out)
		}
		got, err := os.ReadFile(old)
		must(err)
		if !whole[string(got)] {
			t.Errorf("round %d: %d bytes that are none of the sources", round, len(got))
		}
	}
}
