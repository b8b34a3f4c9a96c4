//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zccp/zccp/copier/copiertest"
)

// TestNoNetwork: on one machine nothing is asked of the network, nor of a socket of
// this machine.
func TestNoNetwork(t *testing.T) {
	t.Parallel()
	copiertest.Require(t, "strace")
	binary := buildBinary(t)
	dir := t.TempDir()
	for _, name := range []string{"src/a", "src/b"} {
		ptyFile(t, dir, name, 1)
	}
	for i, args := range [][]string{{"-a", "--verify", "src", "dst"}, {"sync", "-a", "--delete", "--chown=root:root", "src/", "dst2"}, {"verify", "src", "src"}, {"version"}} {
		log := filepath.Join(dir, "log")
		traced := []string{"strace", "-f", "-qq", "-o", log, "-e", "trace=socket,connect,sendto,execve", binary}
		if e := (command{args: append(traced, args...), dir: dir}).run(t); e.code != 0 {
			t.Errorf("%d: exit code %d, stderr %q", i, e.code, e.stderr)
		}
		trace, err := os.ReadFile(log)
		must(t, err)
		if !strings.Contains(string(trace), "execve(") {
			t.Errorf("%q: nothing was traced", args)
		}
		for line := range strings.Lines(string(trace)) {
			if strings.Contains(line, "socket(") || strings.Contains(line, "connect(") || strings.Contains(line, "sendto(") {
				t.Errorf("%q: %s", args, line)
			}
		}
	}
}

// TestInterfaceCounts holds what docs/interface.md says of its table to the table.
func TestInterfaceCounts(t *testing.T) {
	text, err := os.ReadFile("../../docs/interface.md")
	must(t, err)
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(strings.ReplaceAll(line, `\|`, ""), " | "); strings.HasPrefix(line, "| ") && len(cells) == 4 && cells[1] != "" {
			counts[cells[1]]++
		}
	}
	want := fmt.Sprintf("Of %d habits %d are done, %d in\npart, and %d refused.", counts["done"]+counts["in part"]+counts["refused"],
		counts["done"], counts["in part"], counts["refused"])
	if len(counts) != 3 || !strings.Contains(string(text), want) {
		t.Errorf("the table has %v, and the text not %q", counts, want)
	}
}
