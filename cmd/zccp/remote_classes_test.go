//go:build linux

package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	main "github.com/zccp/zccp/cmd/zccp"
)

// failureClasses is how many there are of each letter in the list that the tests of this package
// called TestHostile, and those elsewhere whose comments name a class, are about. H are local
// attackers that exchange what is on the way, I are peers: what they say, take up and are allowed.
var failureClasses = map[string]int{"H": 8, "I": 24}

// TestFailureClasses: each class has a test that names it, in its own name or in the comment on it.
func TestFailureClasses(t *testing.T) {
	found := map[string][]string{}
	class := regexp.MustCompile(`(?:\b|TestHostile|TestServe|Test)([HI]\d\d)\b`)
	must(t, filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") || f.Name.Name == "TestFailureClasses" {
				continue
			}
			for _, m := range class.FindAllStringSubmatch(f.Name.Name+"\n"+f.Doc.Text(), -1) {
				found[m[1]] = append(found[m[1]], f.Name.Name)
			}
		}
		return nil
	}))
	for letter, count := range failureClasses {
		for n := 1; n <= count; n++ {
			id := fmt.Sprintf("%s%02d", letter, n)
			if found[id] == nil {
				t.Errorf("no test is about %s", id)
			}
			t.Log(id, slices.Compact(slices.Sorted(slices.Values(found[id]))))
			delete(found, id)
		}
	}
	if len(found) > 0 {
		t.Errorf("unknown classes: %v", found)
	}
}

// TestHostileH07 has a key that may only run one command, and a client that asks for another: what
// it asks for is in SSH_ORIGINAL_COMMAND, which nothing looks at. There is no wrapper that could
// check a path and run something else.
func TestHostileH07(t *testing.T) {
	binary := buildBinary(t)
	t.Setenv("SSH_ORIGINAL_COMMAND", "zccp serve --stdio --root=/ ; touch pwned")
	for _, mode := range []string{"--read-only", "--append-only"} {
		t.Run(mode, func(t *testing.T) {
			h := newHostileCase(t, binary)
			h.args = []string{"serve", "--stdio", "--root=" + h.path("dst"), mode}
			must(t, os.WriteFile(h.path("dst/last"), []byte("old"), 0o644))
			must(t, os.Symlink("../outside", h.path("dst/out")))
			sync := func(args ...string) ended {
				return command{args: slices.Concat([]string{h.binary, "sync", "-rt"}, h.options, args), dir: h.dir}.run(t)
			}
			far := main.SSHHostName + ":"
			e := sync(h.path("src")+"/", far+"/")
			if want := map[string]int{"--read-only": 43, "--append-only": 0}[mode]; e.code != want {
				t.Errorf("sending: exit code %d: %s", e.code, e.stderr)
			}
			_, err := os.Lstat(h.path("dst/big"))
			old, _ := os.ReadFile(h.path("dst/last"))
			if (err == nil) != (mode == "--append-only") || string(old) != "old" {
				t.Errorf("after sending: %v, and %q where something stood", err, old)
			}
			for _, args := range [][]string{
				{far + h.path("outside") + "/", "got/"}, {far + "/out/", "got/"}, {far + "/../outside/", "got/"},
				{h.path("src/last"), far + "/out/pwned"}, {"--delete", h.path("src") + "/", far + "/"}, {"--remove-source-files", far + "/last", "got/"},
			} {
				if e := sync(args...); e.code == 0 {
					t.Errorf("%q: exit code 0", args)
				}
			}
			if found, err := filepath.Glob(h.path("got/*")); len(found) > 0 {
				t.Errorf("%q came, %v", found, err)
			}
			_, said, peak := h.result()
			h.check(t, "server", 0, said, peak)
			if _, err := os.Lstat(filepath.Join(h.dir, "pwned")); err == nil {
				t.Error("what the client asked for was run")
			}
		})
	}
}
