package main

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestArchitecture holds the module to the rules of its layout.
func TestArchitecture(t *testing.T) {
	files := moduleFiles(t)
	for _, r := range archRules {
		t.Run(r.name, func(t *testing.T) {
			for _, violation := range r.check(files) {
				t.Error(violation)
			}
		})
	}
}

var archRules = []struct {
	name  string
	check func([]sourceFile) []string
}{
	{"layers", checkLayers},
	{"third party", checkThirdParty},
	{"pure", checkPure},
	{"system", checkSystem},
	{"shape", checkShape},
	{"package comment", checkPackageComment},
}

// testSupport are the packages that only tests import; the rules for
// libraries and build constraints don't bind them.
var testSupport = []string{"platform/platformtest", "copier/copiertest"}

// below reports whether dir is one of the packages or folders in list.
func below(dir string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return dir == p || strings.HasPrefix(dir, p+"/") })
}

// checkLayers: imports go one way, platform <- copier <- sync/* <- cmd/zccp,
// and support for tests is imported by tests only.
func checkLayers(files []sourceFile) (violations []string) {
	layers := []struct {
		dir string
		may []string
	}{
		{"platform", nil},
		{"copier", []string{"platform"}},
		{"sync", []string{"platform", "copier", "sync"}},
		{"cmd/zccp", []string{"platform", "copier", "sync"}},
	}
	for _, f := range files {
		var may []string
		known := false
		for _, l := range layers {
			if below(f.dir, []string{l.dir}) {
				may, known = l.may, true
			}
		}
		if !known {
			violations = append(violations, fmt.Sprintf("%s: no layer for this directory", f))
			continue
		}
		support := below(f.dir, testSupport)
		for _, p := range imports(f) {
			dir, ours := strings.CutPrefix(p, modulePath+"/")
			switch {
			case !ours:
			case below(dir, testSupport):
				if !f.isTest() && !support {
					violations = append(violations, fmt.Sprintf("%s: imports %s, which is for tests only", f, dir))
				}
			case f.isTest() && dir == f.dir: // an external test package
			case support && dir == path.Dir(f.dir):
			case !below(dir, may):
				violations = append(violations, fmt.Sprintf("%s: imports %s, which is not below it", f, dir))
			}
		}
	}
	return violations
}

// checkThirdParty: every library has its place, and none is used that has not.
// Tests use what they like.
func checkThirdParty(files []sourceFile) (violations []string) {
	places := map[string][]string{
		"golang.org/x/sys":                  {"platform"},
		"golang.org/x/term":                 {"cmd/zccp"},
		"golang.org/x/sync":                 {"sync"},
		"github.com/urfave/cli/v2":          {"cmd/zccp"},
		"github.com/schollz/progressbar/v3": {"cmd/zccp"},
		"github.com/zeebo/xxh3":             {"copier", "sync/delta", "sync/mirror", "sync/remote"},
		"github.com/zeebo/blake3":           {"copier"},
		"github.com/klauspost/compress":     {"sync/remote"},
	}
	for _, f := range files {
		if f.isTest() || below(f.dir, testSupport) {
			continue
		}
		for _, p := range imports(f) {
			if below(p, []string{modulePath}) || !strings.Contains(strings.Split(p, "/")[0], ".") {
				continue
			}
			allowed := false
			for lib, dirs := range places {
				allowed = allowed || below(p, []string{lib}) && below(f.dir, dirs)
			}
			if !allowed {
				violations = append(violations, fmt.Sprintf("%s: %s is not used here", f, p))
			}
		}
	}
	return violations
}

// checkPure: what decides does no I/O. Such a package imports nothing that
// reaches the system, and takes no more than types and constants (and the pure
// functions on Name) from the packages of this module that do.
func checkPure(files []sourceFile) (violations []string) {
	pure := []string{"sync/plan", "sync/filter", "sync/wire"}
	impure := []string{"os", "net", "syscall", "log", "unsafe"}
	kinds := declarationKinds(files)
	for _, f := range files {
		if f.isTest() || !below(f.dir, pure) {
			continue
		}
		for _, spec := range f.file.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if below(p, impure) {
				violations = append(violations, fmt.Sprintf("%s: imports %s, but must do no I/O", f, p))
			}
			dir, ours := strings.CutPrefix(p, modulePath+"/")
			if !ours || below(dir, pure) {
				continue
			}
			local := path.Base(p)
			if spec.Name != nil {
				local = spec.Name.Name
			}
			for _, sel := range selectors(f.file, local) {
				kind := kinds[dir+"."+sel]
				harmless := kind == "const" || kind == "type" || sel == "MakeName" || sel == "MustName"
				if !harmless || dir == "platform" && (sel == "Calls" || sel == "FD") {
					violations = append(violations, fmt.Sprintf("%s: uses %s.%s, but must do no I/O", f, dir, sel))
				}
			}
		}
	}
	return violations
}

// declarationKinds maps "dir.Name" of every package level name to its entry in
// declarations.
func declarationKinds(files []sourceFile) map[string]string {
	kinds := make(map[string]string)
	for _, f := range files {
		if !f.isTest() {
			for name, kind := range declarations(f.file) {
				kinds[f.dir+"."+name] = kind
			}
		}
	}
	return kinds
}

// checkSystem: build constraints and raw system calls stand in platform only;
// os.Exit stands in main.go only.
func checkSystem(files []sourceFile) (violations []string) {
	raw := regexp.MustCompile(`^(Raw)?Syscall`)
	for _, f := range files {
		if slices.Contains(imports(f), "C") {
			violations = append(violations, fmt.Sprintf("%s: uses cgo", f))
		}
		if f.isTest() || below(f.dir, testSupport) {
			continue
		}
		for _, sel := range selectors(f.file, "os") {
			if sel == "Exit" && f.String() != "cmd/zccp/main.go" {
				violations = append(violations, fmt.Sprintf("%s: calls os.Exit, which skips what is deferred", f))
			}
		}
		if f.dir == "platform" {
			continue
		}
		if f.constrained {
			violations = append(violations, fmt.Sprintf("%s: has a build constraint", f))
		}
		for _, sel := range selectors(f.file, "syscall") {
			if raw.MatchString(sel) {
				violations = append(violations, fmt.Sprintf("%s: makes a raw system call", f))
			}
		}
	}
	return violations
}

// checkShape: sync is a folder of packages, since a package of that name would
// shadow the standard one; and nothing runs at import.
func checkShape(files []sourceFile) (violations []string) {
	for _, f := range files {
		if f.dir == "sync" {
			violations = append(violations, fmt.Sprintf("%s: sync/ holds packages, no files", f))
		}
		for _, d := range f.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				violations = append(violations, fmt.Sprintf("%s: has an init function", f))
			}
		}
	}
	return violations
}

// checkPackageComment: every package says what it is, in doc.go; a command
// does in main.go.
func checkPackageComment(files []sourceFile) (violations []string) {
	documented := make(map[string]bool)
	for _, f := range files {
		if !f.isTest() {
			documented[f.dir] = documented[f.dir] || (f.name == "doc.go" || f.file.Name.Name == "main" && f.name == "main.go") && strings.TrimSpace(f.file.Doc.Text()) != ""
		}
	}
	for dir, ok := range documented {
		if !ok {
			violations = append(violations, dir+": no doc.go with a package comment")
		}
	}
	slices.Sort(violations)
	return violations
}
