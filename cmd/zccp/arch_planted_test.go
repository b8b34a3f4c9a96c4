package main

import (
	"strings"
	"testing"
)

// TestArchitectureRulesBite plants one breach of each rule and wants it seen,
// beside an innocent file that must not be.
func TestArchitectureRulesBite(t *testing.T) {
	rules := make(map[string]func([]sourceFile) []string)
	for _, r := range archRules {
		rules[r.name] = r.check
	}
	const doc = "// Package p is.\npackage p\n"
	for _, c := range []struct {
		rule, path, src, want string
	}{
		{"layers", "platform/x.go", `package p; import "github.com/zccp/zccp/copier"`, "imports copier"},
		{"layers", "copier/x.go", `package p; import "github.com/zccp/zccp/sync/tree"`, "imports sync/tree"},
		{"layers", "sync/tree/x_test.go", `package p; import "github.com/zccp/zccp/cmd/zccp"`, "imports cmd/zccp"},
		{"layers", "sync/tree/x.go", `package p; import "github.com/zccp/zccp/copier/copiertest"`, "for tests only"},
		{"layers", "util/x.go", `package p`, "no layer"},
		{"layers", "sync/tree/x.go", `package p; import ("sync"; "github.com/zccp/zccp/copier"; "github.com/zccp/zccp/platform")`, ""},
		{"layers", "copier/x_test.go", `package p; import ("github.com/zccp/zccp/copier"; "github.com/zccp/zccp/copier/copiertest")`, ""},
		{"third party", "copier/x.go", `package p; import "golang.org/x/sys/unix"`, "x/sys"},
		{"third party", "sync/apply/x.go", `package p; import "github.com/urfave/cli/v2"`, "cli"},
		{"third party", "sync/apply/x.go", `package p; import "github.com/schollz/progressbar/v3"`, "progressbar"},
		{"third party", "cmd/zccp/x.go", `package p; import "example.org/new"`, "example.org/new"},
		{"third party", "platform/x.go", `package p; import ("os"; "golang.org/x/sys/unix")`, ""},
		{"third party", "platform/platformtest/x.go", `package p; import "example.org/new"`, ""},
		{"pure", "sync/plan/x.go", `package p; import "os"`, "imports os"},
		{"pure", "sync/wire/x.go", `package p; import "net/http"`, "imports net/http"},
		{"pure", "sync/filter/x.go", `package p; import s "syscall"`, "imports syscall"},
		{"pure", "sync/plan/x.go", `package p; import "github.com/zccp/zccp/platform"; var x = platform.Native()`, "platform.Native"},
		{"pure", "sync/plan/x.go", `package p; import q "github.com/zccp/zccp/platform"; var x q.Calls`, "platform.Calls"},
		{"pure", "sync/plan/x.go", `package p; import "github.com/zccp/zccp/platform"; var x platform.Stat; const y = platform.ModeDir`, ""},
		{"pure", "sync/plan/x_test.go", `package p; import "os"`, ""},
		{"system", "copier/x_linux.go", `package p`, "build constraint"},
		{"system", "copier/x_arm64.go", `package p`, "build constraint"},
		{"system", "copier/x.go", "//go:build !windows\n\npackage p", "build constraint"},
		{"system", "copier/x.go", `package p; import "syscall"; var f = syscall.Syscall6`, "raw system call"},
		{"system", "platform/x.go", `package p; import "C"`, "cgo"},
		{"system", "cmd/zccp/x.go", `package p; import "os"; func f() { os.Exit(1) }`, "os.Exit"},
		{"system", "cmd/zccp/main.go", `package p; import "os"; func f() { os.Exit(1) }`, ""},
		{"system", "copier/x_linux_test.go", `package p`, ""},
		{"system", "platform/x_linux.go", "//go:build linux\n\npackage p", ""},
		{"shape", "sync/x.go", `package p`, "no files"},
		{"shape", "copier/x.go", `package p; func init() {}`, "init function"},
		{"shape", "copier/x.go", `package p; type T int; func (T) init() {}`, ""},
		{"package comment", "sync/tree/x.go", doc, "no doc.go"},
		{"package comment", "sync/tree/doc.go", "// Not next to it.\n\npackage p", "no doc.go"},
		{"package comment", "sync/tree/main.go", doc, "no doc.go"},
		{"package comment", "sync/tree/doc.go", doc, ""},
		{"package comment", "cmd/zccp/main.go", "// Command zccp is.\npackage main", ""},
	} {
		t.Run(c.rule+" "+c.path, func(t *testing.T) {
			planted, err := parseSource(c.path, []byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			platform, err := parseSource("platform/doc.go", []byte("// Package platform is.\npackage platform; type Calls struct{}; type Stat struct{}; const ModeDir = 1; func Native() {}"))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(rules[c.rule]([]sourceFile{planted, platform}), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%s\ngot %q, want %q", c.src, got, c.want)
			}
		})
	}
}
